"""Something to play with, where there are sliders and where there are none."""

import sys

import pytest

from lmcourse.sliders import play


def shout(word: str, times: int, weight: float) -> None:
    print(f"{word} {times} {weight}")


CONTROLS = {"word": ["a", "b"], "times": (1, 5), "weight": (0.0, 1.0, 0.1)}


def test_where_nobody_watches_it_shows_the_first_setting_and_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    play(shout, **CONTROLS)
    first, advice = capsys.readouterr().out.splitlines()
    assert first == "a 3 0.5"
    assert "shout(word='a', times=3, weight=0.5)" in advice


def test_without_ipywidgets_it_does_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lmcourse.sliders.a_person_watches", lambda: True)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    play(shout, **CONTROLS)
    assert capsys.readouterr().out.startswith("a 3 0.5\n")


def test_a_person_gets_one_control_for_each_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    import ipywidgets

    given = {}
    monkeypatch.setattr("lmcourse.sliders.a_person_watches", lambda: True)
    monkeypatch.setattr(ipywidgets, "interact", lambda function, **controls: given.update(controls))
    play(shout, **CONTROLS)
    assert given == CONTROLS


def test_a_logarithmic_slider_shows_the_number_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import ipywidgets

    given = {}
    monkeypatch.setattr("lmcourse.sliders.a_person_watches", lambda: True)
    monkeypatch.setattr(ipywidgets, "interact", lambda function, **controls: given.update(controls))
    play(shout, word="a", times=2, weight=(0.01, 100.0, "log"))
    slider = given["weight"]
    assert isinstance(slider, ipywidgets.FloatLogSlider)
    assert (slider.value, slider.base, slider.min, slider.max) == (1.0, 10, -2, 2)
    assert slider.readout  # the number, and not its logarithm


def test_a_logarithmic_slider_begins_in_its_middle(capsys: pytest.CaptureFixture[str]) -> None:
    play(shout, word=["a"], times=[2], weight=(0.1, 10.0, "log"))
    assert capsys.readouterr().out.startswith("a 2 1.0\n")

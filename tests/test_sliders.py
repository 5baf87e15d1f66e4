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

"""What lessons draw with pyplot is shown as the course's pictures are, and told in words."""

import base64
from collections.abc import Iterator
from io import BytesIO

import pytest
from course import COURSE
from matplotlib import pyplot as plt
from PIL import Image

from lmcourse import pictures, plots
from lmcourse.pictures import told

Shown = list[tuple[dict[str, str], dict[str, dict[str, object]]]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    """What a notebook receives."""
    outputs: Shown = []
    monkeypatch.setattr(
        pictures, "display", lambda data, metadata, raw: outputs.append((data, metadata))
    )
    plt.close("all")  # what another test left
    yield outputs
    plt.close("all")


def test_a_figure_is_shown_once_sharp_and_closed(shown: Shown) -> None:
    _, axes = plt.subplots(figsize=(5, 2))
    axes.plot([0, 1, 2], [3.0, 1.0, 2.0], label="loss")
    plots.show()
    ((data, metadata),) = shown
    width, _ = Image.open(BytesIO(base64.b64decode(data["image/png"]))).size
    assert metadata["image/png"]["width"] == width // 2
    assert f'width="{width // 2}"' in data["text/html"]
    assert f"min-width: {0.8 * (width // 2):.0f}px" in data["text/html"]  # legible on a phone
    assert metadata["image/png"]["alt"] == data["text/plain"]
    assert not axes.spines["top"].get_visible()
    plots.show()  # nothing is left to show
    assert len(shown) == 1


def test_own_words_go_before_what_is_told(shown: Shown) -> None:
    plt.plot([1, 2])
    plots.show('a line that is "up"')
    ((data, _),) = shown
    assert data["text/plain"] == 'a line that is "up"'
    assert 'alt="a line that is &quot;up&quot;"' in data["text/html"]


def test_lines_are_told_with_their_turns(shown: Shown) -> None:
    figure, axes = plt.subplots()
    axes.plot([0, 10, 20, 30], [4.0, 1.0, 5.0, 2.0], label="naive")
    axes.axhline(4.16, label="ln V")
    axes.axvline(9, label="what the MLP sees")
    axes.plot(10, 1.0, "o")  # a mark on what is told already
    axes.set(xlabel="step", ylabel="loss\n(nats)", title="One run")
    assert told(figure) == (
        "One run, loss (nats) over step: naive: 4 at 0, lowest 1 at 10, highest 5 at 20, 2 at 30; "
        "ln V at 4.16; what the MLP sees at 9."
    )


def test_bars_fields_and_words_are_told(shown: Shown) -> None:
    figure, (left, middle, right) = plt.subplots(1, 3)
    left.bar(["e", "t"], [0.25, 0.125])
    image = middle.imshow([[0.0, 1.0, 0.5]])
    figure.colorbar(image)
    right.text(0.2, 0.5, "a")
    right.text(0.4, 0.5, "b")
    assert told(figure) == "e 0.25, t 0.125. 1 by 3 fields from 0 to 1. written there: a, b."


def test_bars_that_lie_are_told_by_their_lengths_and_the_names_beside_them(shown: Shown) -> None:
    figure, axes = plt.subplots()
    axes.barh([0.8, 1.8], [2.5, 3.5], 0.4, label="GPT")
    axes.barh([1.2, 2.2], [1.5, -0.5], 0.4, label="BERT")
    axes.set_yticks([1, 2], ["names", "digits"])
    assert told(figure) == "GPT: names 2.5, digits 3.5; BERT: names 1.5, digits -0.5."


def test_many_bars_are_summed_up(shown: Shown) -> None:
    figure, axes = plt.subplots()
    axes.hist(range(100), bins=20)
    axes.hist(range(50), bins=10, label="half")
    assert told(figure) == "20 bars from 5 to 5; half: 10 bars from 5 to 5."


def test_no_lesson_shows_a_picture_without_words() -> None:
    for name in COURSE.names:
        for cell in COURSE.lesson(name).cells:
            assert not (cell.is_code and "plt.show(" in cell.text), f"{name}:{cell.line}"

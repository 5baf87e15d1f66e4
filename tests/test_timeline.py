"""The timeline grows with the lessons, says in words what it draws, and reads in light and dark."""

from itertools import pairwise

import pytest
from matplotlib import pyplot, style
from matplotlib.colors import to_rgba

from lmcourse import timeline
from lmcourse.timeline import DAY

LESSONS = list(dict.fromkeys(station.lesson for station in DAY))


def drawn(lesson: str) -> list[tuple[str, str, str]]:
    """Return what stands at each station, from top to bottom, its weight and its colour."""
    texts = timeline.until(lesson).axes[0].texts
    return [(t.get_text(), str(t.get_fontweight()), str(t.get_color())) for t in texts]


def test_the_day_runs_forward_through_the_lessons() -> None:
    assert [station.hour for station in DAY] == sorted({station.hour for station in DAY})
    assert sorted(LESSONS) == LESSONS == [station for station in LESSONS if station >= "10"]
    assert len(LESSONS) == 6


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_stands_out_and_the_rest_of_the_day_is_grey(lesson: str) -> None:
    for (text, weight, colour), station in zip(drawn(lesson), DAY, strict=True):
        assert text == f"{station.what}  ({station.lesson[:2]})"
        assert weight == ("bold" if station.lesson == lesson else "normal")
        assert (colour == "#222222") == (station.lesson <= lesson)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_words_tell_what_the_picture_shows(lesson: str) -> None:
    alt = timeline.until(lesson).alt
    far, _, rest = alt.partition(" Still to come: ")
    for station in DAY:
        told = f"{station.hour} {station.what}"
        assert (told in far, told in rest) == (station.lesson <= lesson, station.lesson > lesson)
    assert bool(rest) == (lesson != LESSONS[-1])


def test_each_lesson_takes_the_day_further() -> None:
    told = [timeline.until(lesson).alt.partition(" Still to come")[0] for lesson in LESSONS]
    assert all(later.startswith(early.rstrip(".")) for early, later in pairwise(told))
    assert len(set(told)) == len(LESSONS)


def test_texts_stay_inside_the_picture_and_apart() -> None:
    picture = timeline.until(LESSONS[0])
    boxes = [text.get_window_extent() for text in picture.axes[0].texts]
    assert all(box.x1 <= picture.bbox.x1 and box.y0 >= 0 for box in boxes)
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(boxes))


def test_it_is_dark_on_white_whatever_the_notebooks_style() -> None:
    open_before = pyplot.get_fignums()
    with style.context("dark_background"):
        picture = timeline.until(LESSONS[1])
    assert picture.get_facecolor() == to_rgba("white")
    assert picture.axes[0].title.get_color() != "white"
    assert pyplot.get_fignums() == open_before


def test_a_lesson_without_an_hour_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(ValueError, match="nothing happens in lesson '07_gpt'; pass one of '10_"):
        timeline.until("07_gpt")

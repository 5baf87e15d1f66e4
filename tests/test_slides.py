"""The lessons' decks: slides in their sources, and what is made of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from example import copy, example

from grader.author.build import fingerprint
from grader.author.render import render_solved, render_student, to_text
from grader.course.lessons import Course
from grader.course.source import LessonError, read

NAME = "00_arrays"
SLIDE = """
# %% [markdown] slide="Rows, then columns"{more}
# The first axis counts *rows*.
#
# Notes: Point at a row. Then at a column.

"""


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    """A copy of the second course, to change."""
    with example(copy(tmp_path / "course")) as course:
        yield course


def with_slide(course: Course, more: str = "", before: str = "# %%", slide: str = SLIDE) -> Path:
    """Put a slide before each cell of the first lesson but the first one."""
    path = course.paths(NAME).source
    first, *others = path.read_text("utf-8").split(f"\n{before}")
    slide = slide.replace("{more}", more)
    path.write_text(first + "".join(f"\n{slide.strip()}\n\n{before}{x}" for x in others), "utf-8")
    return path


def test_a_slide_stands_in_no_notebook_and_has_nothing_run_again(course: Course) -> None:
    def built() -> list[str]:
        fresh = Course(course.root)
        books = [to_text(render(fresh, NAME)) for render in (render_student, render_solved)]
        return [*books, fingerprint(fresh, NAME)]

    before, cells = built(), course.lesson(NAME).cells
    path = with_slide(course)
    lesson = read(path)
    assert len(lesson.slides) == len(lesson.cells) - 1
    assert {slide.name for slide in lesson.slides} == {"Rows, then columns"}
    assert [cell.text for cell in lesson.cells if cell.role != "carry"] == [
        cell.text for cell in cells if cell.role != "carry"
    ]
    assert built() == before


def test_a_slide_without_a_place_for_its_picture_is_refused(course: Course) -> None:
    path = with_slide(course, more=' picture="below"')
    with pytest.raises(LessonError, match=r"picture='below'; a slide has picture=\"above\""):
        read(path)

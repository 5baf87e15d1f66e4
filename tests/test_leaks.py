"""Lines of a solution in the released notebook: which are leaks, and which stand in given code."""

from pathlib import Path

import pytest
from example import copy, example

from grader.author.render import render_student
from grader.course.source import LessonError

LESSON = "00_arrays"
FIRST, SECOND = "apart = a[:, None] - b", "return np.sqrt((apart**2).sum(axis=-1))"
SOLUTION = f"    {FIRST}\n    {SECOND}\n"


def release(tmp_path: Path, cell: str) -> None:
    """Render the students' notebook of a lesson that ends with another cell."""
    root = copy(tmp_path / "course")
    with (root / f"solutions/{LESSON}.py").open("a", encoding="utf-8") as source:
        source.write(f"\n# %%{cell}")
    with example(root) as course:
        render_student(course, LESSON)


@pytest.mark.parametrize("line", [FIRST, SECOND])
def test_a_line_that_stands_in_given_code_is_no_secret(tmp_path: Path, line: str) -> None:
    release(tmp_path, f"\ndef given(a, b, apart):\n    {line}\n")


@pytest.mark.parametrize(
    "cell",
    [
        f" [markdown]\n# In one line: `{FIRST}`.\n",
        f' [markdown] fold="Hint"\n# `{SECOND}`\n',
        f"\nx = 1  # {FIRST}\n",
        f'\n"""Begin with {FIRST}."""\n',
        f"\ndef given(a, b):\n{SOLUTION}",
    ],
    ids=["prose", "fold", "comment", "docstring", "the whole solution"],
)
def test_a_solution_is_found_elsewhere(tmp_path: Path, cell: str) -> None:
    with pytest.raises(LessonError, match="students would read lines of a solution"):
        release(tmp_path, cell)

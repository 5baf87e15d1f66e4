"""Every solved lesson and every right solution, graded by `grader grade`, earns all its points."""

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import nbformat
import pytest
from course import COURSE
from nbformat import NotebookNode

from grader.author.render import fill, render_student
from grader.cli import main
from grader.course.regions import without_markers
from grader.gradebook.store import Gradebook
from grader.grading import task

# To the grader a machine where no fork can be sealed: there is bubblewrap, but no warm parent.
COLD_BWRAP = """\
#!/bin/sh
case "$*" in *grader.sandbox.forkserver*) exit 1 ;; esac
exec {bwrap} "$@"
"""


def write_solved(folder: Path) -> None:
    """Write the solved notebook of every lesson, which each run asks with inputs of its own."""
    for name in COURSE.names:
        solved = fill(render_student(COURSE, name), COURSE.lesson(name))
        write(solved, folder / "student" / f"{name}.ipynb")


def write_rights(folder: Path) -> None:
    """Write notebooks in which each exercise is answered by one of its unusual right solutions."""
    for name in COURSE.names:
        lesson = COURSE.lesson(name)
        released = render_student(COURSE, name)
        known: dict[str, list[str]] = {}
        for right in COURSE.rights(name):
            solution = without_markers(lesson.exercises()[right.exercise].text)
            known.setdefault(right.exercise, []).append(f"{solution}\n\n\n{right.code}")
        for number in range(max(map(len, known.values()))):
            answers = {exercise: codes[number % len(codes)] for exercise, codes in known.items()}
            path = folder / f"variant-{number}" / f"{name}.ipynb"
            write(fill(released, lesson, answers), path)


def write(notebook: NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


@pytest.mark.lesson
@pytest.mark.sandbox
@pytest.mark.usefixtures("graded_here")
@pytest.mark.parametrize(
    ("write_class", "isolation"),
    [(write_solved, "warm"), (write_solved, "cold"), (write_rights, "warm")],
    ids=["solved, warm", "solved, cold", "right, warm"],
)
def test_what_is_right_earns_all_its_points(
    write_class: Callable[[Path], None],
    isolation: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if isolation == "cold":
        wrapper = tmp_path / "bin" / "bwrap"
        wrapper.parent.mkdir()
        wrapper.write_text(COLD_BWRAP.format(bwrap=shutil.which("bwrap")))
        wrapper.chmod(0o755)
        monkeypatch.setattr(task, "_sandbox", cache(task._sandbox.__wrapped__))
        monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
    write_class(tmp_path / "class")
    files = len(list((tmp_path / "class").rglob("*.ipynb")))
    out = tmp_path / "grades"
    assert main(["grade", str(tmp_path / "class"), "--out", str(out)]) == 0
    gradebook = Gradebook.open(out)
    results = gradebook.results()
    assert len(results) == files >= len(COURSE.names)
    lost = {
        (result.lesson, result.student, exercise.name): exercise
        for result in results
        for exercise in result.exercises
        if exercise.status != "passed" or exercise.points != exercise.max_points
    }
    assert lost == {}
    assert {facts["isolation"] for facts in gradebook.runs().values()} == {isolation}

"""Every solved lesson, handed in and graded by `grader grade`, earns all its points."""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from grader.build import ROOT
from grader.cli import main
from grader.course import Course
from grader.gradebook import Gradebook
from grader.render import fill, render_student

COURSE = Course(ROOT)

# Each file has inputs of its own. A cold worker imports torch first, so one file must do there:
# what it computes is what a warm one computes (`test_arithmetic`).
FILES = {"warm": 5, "cold": 1}

# To the grader a machine where no fork can be sealed: there is bubblewrap, but no warm parent.
COLD_BWRAP = """\
#!/bin/sh
case "$*" in *grader.forkserver*) exit 1 ;; esac
exec {bwrap} "$@"
"""


def write_class(folder: Path, files: int) -> None:
    """Write `files` students' solved notebooks of every lesson, no two of them alike."""
    for name in COURSE.names:
        solved = fill(render_student(COURSE, name, fingerprint=""), COURSE.lesson(name))
        for number in range(files):
            solved.cells.append(new_code_cell(f"# note {number}"))
            (folder / f"student-{number}").mkdir(parents=True, exist_ok=True)
            nbformat.write(solved, folder / f"student-{number}" / f"{name}.ipynb")


@pytest.mark.lesson
@pytest.mark.sandbox
@pytest.mark.parametrize("isolation", FILES)
def test_a_solved_lesson_earns_all_its_points(
    isolation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isolation == "cold":
        wrapper = tmp_path / "bin" / "bwrap"
        wrapper.parent.mkdir()
        wrapper.write_text(COLD_BWRAP.format(bwrap=shutil.which("bwrap")))
        wrapper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
    write_class(tmp_path / "class", FILES[isolation])
    out = tmp_path / "grades"
    assert main(["grade", str(tmp_path / "class"), "--out", str(out)]) == 0
    gradebook = Gradebook.open(out)
    results = gradebook.results()
    assert len(results) == FILES[isolation] * len(COURSE.names)
    lost = {
        (result.lesson, result.student, exercise.name): exercise
        for result in results
        for exercise in result.exercises
        if exercise.status != "passed" or exercise.points != exercise.max_points
    }
    assert lost == {}
    assert {facts["isolation"] for facts in gradebook.runs().values()} == {isolation}

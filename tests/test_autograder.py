"""The zip for Gradescope: what is in it, and what it says of a submission once unpacked there."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from course import COURSE, ROOT
from example import FOLDER, example
from packaging.requirements import Requirement
from packaging.version import Version

from grader.author.render import fill
from grader.cli import main
from grader.course.lessons import Course
from grader.gradebook.secret import FILE_NAME as SECRET_FILE

LESSONS = {ROOT: "00_start", FOLDER: "01_line"}
"""By the course's folder: its repository's root, and one below."""


@pytest.fixture(scope="module", params=LESSONS, ids=["the root", "a folder"])
def course(request: pytest.FixtureRequest) -> Iterator[Course]:
    if request.param == ROOT:
        yield COURSE
    else:
        with example() as found:
            yield found


@pytest.fixture(scope="module")
def autograder(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return Gradescope's folder with the zip unpacked, modes kept as its unzip keeps them."""
    root = tmp_path_factory.mktemp("autograder")
    made = root / "made.zip"
    command = ["--course", str(course.root), "export", "gradescope-autograder"]
    command += [str(root / "class-grades"), "--lesson", LESSONS[course.root][:2]]
    assert main([*command, "--out", str(made)]) == 0
    with zipfile.ZipFile(made) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, root / "source"))
            path.chmod(entry.external_attr >> 16)
    (root / "submission").mkdir()
    return root


def test_the_scripts_are_there_and_can_run(autograder: Path) -> None:
    for script in ("setup.sh", "run_autograder"):
        path = autograder / "source" / script
        assert os.access(path, os.X_OK)
        assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0


def test_what_it_installs_is_what_the_class_is_graded_with_here(autograder: Path) -> None:
    lines = (autograder / "source/requirements.txt").read_text("utf-8").splitlines()
    needed = [Requirement(line) for line in lines if not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["grader"]]
    assert {one.name for one in needed} == {Requirement(line).name for line in wanted}
    for one in needed:
        assert one.specifier.contains(Version(version(one.name)).public), one


def test_it_holds_the_grader_and_the_course_and_nothing_that_no_grading_takes(
    autograder: Path, course: Course
) -> None:
    source = autograder / "source"
    assert {path.name for path in source.iterdir()} == {
        *("setup.sh", "run_autograder", "requirements.txt", SECRET_FILE, "grader", "course")
    }
    held = {path.name for path in (source / "course").iterdir()}
    assert held == {"pyproject.toml", course.package, "solutions"}
    assert {path.suffix for path in (source / "course/solutions").rglob("*")} == {".py"}


def test_it_asks_with_the_inputs_of_the_class(autograder: Path) -> None:
    secret = (autograder / "class-grades" / SECRET_FILE).read_bytes()
    assert (autograder / "source" / SECRET_FILE).read_bytes() == secret


def test_the_same_course_and_class_give_the_same_bytes_for_nobody_else(tmp_path: Path) -> None:
    command = ["export", "gradescope-autograder", str(tmp_path / "grades"), "--lesson", "02"]
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    for out in (one, two):
        assert main([*command, "--out", str(out)]) == 0
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_mode & 0o077 == 0


def test_without_a_lesson_it_says_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", "gradescope-autograder", str(tmp_path), "--out", str(tmp_path / "a.zip")]
    assert main(command) == 2
    assert "name it with --lesson" in capsys.readouterr().err


@pytest.mark.sandbox
def test_a_solved_notebook_earns_all_points_on_gradescopes_side(
    autograder: Path, course: Course
) -> None:
    lesson = LESSONS[course.root]
    released = nbformat.read(course.paths(lesson).student, as_version=4)
    solved = fill(released, course.lesson(lesson))
    nbformat.write(solved, autograder / "submission" / "my notebook.ipynb")
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"AUTOGRADER": str(autograder), "PYTHON": sys.executable}
    ran = subprocess.run(
        [autograder / "source" / "run_autograder"],
        env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    results = json.loads((autograder / "results" / "results.json").read_text("utf-8"))
    exercises = course.exercises(lesson)
    assert results["score"] == sum(exercise.points for exercise in exercises.values())
    named = [test["name"] for test in results["tests"] if "max_score" in test]
    assert named == list(exercises)

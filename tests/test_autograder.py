"""The zip for Gradescope: what is in it, and what it says of a submission once unpacked there."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from course import COURSE

from grader.author.render import fill
from grader.cli import main
from grader.gradebook.secret import FILE_NAME as SECRET_FILE

LESSON = "00_start"


@pytest.fixture(scope="module")
def autograder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return Gradescope's folder with the zip unpacked, modes kept as its unzip keeps them."""
    root = tmp_path_factory.mktemp("autograder")
    made = root / "made.zip"
    command = ["export", "gradescope-autograder", str(root / "class-grades"), "--lesson", "00"]
    assert main([*command, "--out", str(made)]) == 0
    with zipfile.ZipFile(made) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, root / "source"))
            path.chmod(entry.external_attr >> 16)
    (root / "submission").mkdir()
    return root


def test_the_scripts_are_there_and_can_run(autograder: Path) -> None:
    for script in ("setup.sh", "run_autograder", ".ci/find-python"):
        path = autograder / "source" / script
        assert os.access(path, os.X_OK)
        shell = path.read_text("utf-8").partition("\n")[0].removeprefix("#!").split()
        assert subprocess.run([*shell, "-n", str(path)], check=False).returncode == 0
    assert "make setup EXTRAS=grader" in (autograder / "source/setup.sh").read_text("utf-8")


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
def test_a_solved_notebook_earns_all_points_on_gradescopes_side(autograder: Path) -> None:
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    solved = fill(released, COURSE.lesson(LESSON))
    nbformat.write(solved, autograder / "submission" / "my notebook.ipynb")
    environment = {**os.environ, "AUTOGRADER": str(autograder), "PYTHON": sys.executable}
    environment |= {"PYTHONPATH": str(autograder / "source"), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [autograder / "source" / "run_autograder"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    results = json.loads((autograder / "results" / "results.json").read_text("utf-8"))
    assert results["score"] == sum(one.points for one in COURSE.exercises(LESSON).values())
    named = [test["name"] for test in results["tests"] if "max_score" in test]
    assert named == list(COURSE.exercises(LESSON))

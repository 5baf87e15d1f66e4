"""The grader from a wheel, in an environment of its own, away from the checkout."""

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from course import ROOT
from example import copy, example

from grader.author.render import fill
from grader.distribution import requirements
from grader.gradebook.store import Gradebook

LESSON = "01_line"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (made,) = folder.glob("*.whl")
    return made


def install(wheel: Path, folder: Path) -> Run:
    """Install the wheel alone into a new environment; return what runs its `grader`."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}

    def run(*arguments: object, cwd: Path = folder) -> "subprocess.CompletedProcess[str]":
        command = [folder / "bin" / "grader", *map(str, arguments)]
        ran = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran

    return run


@pytest.fixture(scope="module")
def grader(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return the `grader` of an environment that also sees what this one has installed."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run = install(wheel, folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(others())
    return run


def others() -> str:
    """Return the lines of a .pth file that names where this environment has its packages."""
    return "\n".join(path for path in sys.path if path.endswith("-packages"))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the second course, in which another grader lies that nobody should use."""
    root = copy(tmp_path_factory.mktemp("elsewhere") / "course")
    (root / "grader").mkdir()
    (root / "grader/__init__.py").write_text("raise RuntimeError('the wrong grader')\n")
    return root


def test_the_skeleton_of_a_course_is_in_it(grader: Run, tmp_path: Path) -> None:
    made = grader("new-course", tmp_path / "made")
    assert (made.returncode, made.stderr) == (0, "")
    assert "lmcourse @ git+https://" in (tmp_path / "made/pyproject.toml").read_text("utf-8")


@pytest.mark.sandbox
def test_a_class_is_graded_and_reported(grader: Run, course: Path, tmp_path: Path) -> None:
    with example(course) as found:
        released = nbformat.read(found.paths(LESSON).student, as_version=4)
        for student, replacements in {
            "ada": {},
            "ben": {"fit": None},
        }.items():
            (tmp_path / "class" / student).mkdir(parents=True)
            book = fill(released, found.lesson(LESSON), replacements)
            nbformat.write(book, tmp_path / "class" / student / f"{LESSON}.ipynb")
    out = tmp_path / "grades"
    ran = grader("--course", course, "grade", tmp_path / "class", "--out", out, "--jobs", 1)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {one.student: one.points for one in Gradebook.open(out).results()} == {
        "ada": 5,
        "ben": 2,
    }
    ran = grader("--course", course, "report", out)
    assert ran.returncode == 0, ran.stderr
    assert "ada" in (out / "report" / "index.html").read_text("utf-8")


@pytest.mark.sandbox
def test_doctor_sees_the_course_and_the_packages(grader: Run, course: Path) -> None:
    ran = grader("--course", ".", "doctor", cwd=course)
    assert f"✓ course         ok        NumPy basics, in {course}, with 2 lessons" in ran.stdout
    assert "✓ packages       ok" in ran.stdout
    assert "✓ forks" in ran.stdout
    assert ran.returncode == 0


@pytest.mark.sandbox
def test_what_a_user_installed_for_themselves_is_seen(
    wheel: Path, course: Path, tmp_path: Path
) -> None:
    packages = tmp_path.joinpath("lib", "python{}.{}".format(*sys.version_info), "site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "others.pth").write_text(others())
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    base = getattr(sys, "_base_executable", sys.executable)
    command = [base, "-m", "grader.cli", "--course", str(course), "doctor"]
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment | {"PYTHONUSERBASE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_doctor_says_what_to_install_where_nothing_is(wheel: Path, tmp_path: Path) -> None:
    ran = install(wheel, tmp_path / "bare")("doctor")
    every = requirements("") | requirements("grader")
    assert f"not installed: {', '.join(every)}" in ran.stdout
    assert "python -m pip install 'ipython>=7.34' " in ran.stdout
    assert ran.returncode == 1


def test_a_course_is_built_and_found_up_to_date(grader: Run, course: Path) -> None:
    ran = grader("build", "--check", cwd=course / "solutions")
    assert ran.stdout == "All built files are what their sources say.\n", ran.stderr

"""The second course through every command: the grader knows nothing of the first one."""

import csv
import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from course import ROOT, graded_here
from example import FOLDER, PACKAGE, example
from nbgrader.api import Gradebook as NbgraderCourse

from grader import sample
from grader.author.render import fill
from grader.author.rules import Trial, problems_of_source
from grader.checks import recording
from grader.cli import main
from grader.course.answers import Mistake
from grader.course.lessons import Course
from grader.course.solved import solved_namespace
from grader.gradebook.copies import slug
from grader.gradebook.store import Gradebook, SubmissionResult

LESSONS = ("00_arrays", "01_line")
FIRST = LESSONS[0]


@pytest.fixture(scope="module")
def course() -> Iterator[Course]:
    with example() as found:
        yield found


def grader(*arguments: object) -> int:
    return main(["--course", str(FOLDER), *map(str, arguments)])


# --- What it is -------------------------------------------------------------------------------


def sources() -> list[Path]:
    built = (".ipynb", ".json")
    return [file for file in FOLDER.rglob("*") if file.is_file() and file.suffix not in built]


def test_it_has_no_line_of_the_first_course_and_no_torch() -> None:
    wheel = "lmcourse @ git+https://github.com/lmcourse/lmcourse@v0.1.0"  # which has the grader
    address = 'Repository = "https://github.com/lmcourse/lmcourse"'
    files = [file for file in sources() if "__pycache__" not in file.parts]
    assert len(files) > 8
    for file in files:
        text = file.read_text("utf-8")
        if file.name == "pyproject.toml":
            text = text.replace(wheel, "").replace(address, "")
        assert "lmcourse" not in text, file
        assert "torch" not in text, file


def test_it_is_of_the_same_release_as_the_grader_it_installs(course: Course) -> None:
    revision = Course(ROOT).configuration.revision
    assert course.configuration.revision == revision
    assert f"lmcourse@{revision}" in (FOLDER / "pyproject.toml").read_text("utf-8")


def test_its_notebooks_open_and_install_from_its_folder_of_the_repository(course: Course) -> None:
    for name in course.names:
        text = course.paths(name).student.read_text("utf-8")
        assert f"/lmcourse/blob/v0.1.0/examples/numpy_basics/notebooks/{name}.ipynb)" in text
        assert "lmcourse@v0.1.0#subdirectory=examples/numpy_basics" in text


# --- Its lessons ------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of a mistake
@pytest.mark.parametrize("name", LESSONS)
def test_its_lessons_keep_the_rules(course: Course, name: str) -> None:
    assert list(problems_of_source(course, name)) == []
    exercises = course.exercises(name)
    recordings = recording.load(PACKAGE, name), recording.fixed(PACKAGE, name)
    trial = Trial(course.lesson(name), solved_namespace(course.lesson(name)), *recordings)
    found = [trial.problem_of_solution(exercise) for exercise in exercises.values()]
    found += [trial.problem_of_stub(exercise) for exercise in exercises.values()]
    for answer in course.answers(name):
        tried = trial.problem_of_mistake if isinstance(answer, Mistake) else trial.problem_of_right
        found.append(tried(exercises[answer.exercise], answer))
    assert [problem for problem in found if problem] == []


# --- Through the commands ---------------------------------------------------------------------


@pytest.mark.usefixtures("course")
def test_it_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    status = grader("build", "--check")
    assert (status, capsys.readouterr().out) == (0, "All built files are what their sources say.\n")


def test_it_is_found_from_within(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(course.root / "solutions")
    assert main(["build", "--check"]) == 0
    assert "All built files" in capsys.readouterr().out


def test_its_notebooks_are_checked(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(course, FIRST, tmp_path, {})
    assert grader("check", tmp_path / f"{FIRST}.ipynb") == 0
    assert "[████████████████████] 7 of 7 points" in capsys.readouterr().out
    write(course, FIRST, tmp_path, {"fahrenheit": "fahrenheit = abs"})
    assert grader("check", tmp_path / f"{FIRST}.ipynb") == 1
    assert "multiply by 9 / 5 first" in capsys.readouterr().out


def write(course: Course, name: str, folder: Path, replacements: dict[str, str | None]) -> None:
    """Write a released notebook, filled in, into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    released = nbformat.read(course.paths(name).student, as_version=4)
    nbformat.write(fill(released, course.lesson(name), replacements), folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def mistakes(course: Course) -> dict[tuple[str, str], Mistake]:
    """Return each known mistake by the lesson, and by the student who makes it."""
    return {
        (name, f"mistaken_{name[:2]}{number}"): mistake
        for name in course.names
        for number, mistake in enumerate(course.mistakes(name), 1)
    }


@pytest.fixture(scope="module")
def grades(
    course: Course,
    mistakes: dict[tuple[str, str], Mistake],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Grade one who solved all, one who touched nothing, and one for each known mistake."""
    folder, out = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("out") / "grades"
    for name in course.names:
        write(course, name, folder / "solved_1", {})
        write(course, name, folder / "untouched_2", dict.fromkeys(course.exercises(name)))
    for (name, student), mistake in mistakes.items():
        write(course, name, folder / student, {mistake.exercise: mistake.code})
    with graded_here():
        assert grader("grade", folder, "--out", out) == 0
    return out


@pytest.fixture(scope="module")
def results(grades: Path) -> dict[tuple[str, str], SubmissionResult]:
    return {(one.lesson, one.student): one for one in Gradebook.open(grades).results()}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", LESSONS)
def test_what_is_solved_earns_all_and_what_is_untouched_nothing(
    name: str, results: dict[tuple[str, str], SubmissionResult]
) -> None:
    solved, untouched = results[name, "solved_1"], results[name, "untouched_2"]
    assert {exercise.status for exercise in solved.exercises} == {"passed"}
    assert solved.points == solved.max_points > 0
    assert {exercise.status for exercise in untouched.exercises} == {"missing"}
    assert untouched.points == 0


@pytest.mark.sandbox
def test_each_known_mistake_costs_points(
    mistakes: dict[tuple[str, str], Mistake],
    results: dict[tuple[str, str], SubmissionResult],
) -> None:
    assert len(mistakes) > 20
    for key, mistake in mistakes.items():
        lost = {one.name for one in results[key].exercises if one.points < one.max_points}
        assert mistake.exercise in lost, mistake.name


@pytest.mark.sandbox
def test_it_is_reported(grades: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert grader("report", grades) == 0
    page = Path(capsys.readouterr().out.removeprefix("Report: ").strip())
    shown = page.read_text("utf-8")
    assert all(f"{name}</" in shown for name in LESSONS)
    pages = [path.read_text("utf-8") for path in page.parent.rglob("*.html") if path != page]
    assert len(pages) > 20
    assert any("multiply by 9 / 5 first" in feedback for feedback in pages)
    with (grades / "report" / "grades.csv").open(newline="") as file:
        rows = {(row["lesson"], row["student"]): row for row in csv.DictReader(file)}
    assert float(rows[FIRST, "solved_1"]["points"]) == 7


@pytest.mark.sandbox
def test_its_statistics_name_its_exercises(
    grades: Path, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert grader("stats", grades) == 0
    said = capsys.readouterr().out
    for name in course.names:
        assert all(exercise in said for exercise in course.exercises(name))


@pytest.mark.sandbox
def test_submissions_that_are_alike_are_found(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = {
        "distances": "def distances(a, b):\n    rows = []\n    for one in a:\n        row = []\n"
        "        for other in b:\n            total = 0.0\n            for p, q in zip(one, other):"
        "\n                total += (p - q) ** 2\n            row.append(total ** 0.5)\n"
        "        rows.append(row)\n    return np.array(rows)\n"
    }
    for student in ("ada", "ben"):
        write(course, FIRST, tmp_path / student, dict.fromkeys(course.exercises(FIRST)) | code)
    assert grader("similar", tmp_path) == 0
    said = capsys.readouterr().out
    assert "ada" in said
    assert "ben" in said


SAMPLE = {
    "perfect": 7,
    "partial": 2,
    "blank": 0,
    "syntax-error": 5,
    "infinite-loop": 6,
    "memory-hog": 5,
    "fork-bomb": 4,
    "fake-score": 0,
    "new-check": 0,
    "reference-reader": 0,
    "deleted-cells": 2,
}


@pytest.mark.sandbox
@pytest.mark.usefixtures("course", "graded_here")
def test_a_sample_class_is_made_of_its_exercises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert grader("sample", tmp_path / "class") == 0
    assert "12 submissions to lesson 00_arrays" in capsys.readouterr().out
    out, limit = tmp_path / "grades", ("--call-seconds", 1)
    assert grader("grade", tmp_path / "class", "--out", out, *limit) == 0
    found = {result.student: result.points for result in Gradebook.open(out).results()}
    assert 6 < found.pop("known-mistake") < 7
    assert found == SAMPLE


@pytest.mark.usefixtures("course")
def test_a_sample_class_of_a_small_lesson_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert grader("sample", tmp_path, "--lesson", "1") == 0
    assert len(list(tmp_path.glob("*/01_line.ipynb"))) == 12
    monkeypatch.setattr(sample, "FEWEST", 9)
    assert grader("sample", tmp_path) == 2
    assert "name a smaller one: --lesson NN" in capsys.readouterr().err


# --- Exports ----------------------------------------------------------------------------------


def students(grades: Path) -> list[str]:
    every = Gradebook.open(grades).results()
    return [result.student for result in every if result.lesson == FIRST]


def number(student: str) -> str:
    return student.rpartition("_")[2]


def for_canvas(grades: Path, roster: Path) -> None:
    rows = [f"{student},{number(student)},One," for student in students(grades)]
    roster.write_text("\n".join(["Student,ID,Section,Arrays (5)", *rows, ""]))


def for_moodle(grades: Path, roster: Path) -> None:
    head = "Identifier,Full name,Grade,Last modified (grade)"
    rows = [f"Participant {number(s)},{s.rpartition('_')[0]},,-" for s in students(grades)]
    roster.write_text("\n".join([head, *rows, ""]))


@pytest.mark.sandbox
@pytest.mark.parametrize(("kind", "write_roster"), [("canvas", for_canvas), ("moodle", for_moodle)])
def test_a_platform_gets_its_points(
    kind: str, write_roster: Callable[[Path, Path], None], grades: Path, tmp_path: Path
) -> None:
    roster, out = tmp_path / "roster.csv", tmp_path / "out.csv"
    write_roster(grades, roster)
    words = ("export", kind, grades, "--lesson", "0", "--roster", roster, "--out", out)
    assert grader(*words) == 0
    rows = out.read_text("utf-8-sig").splitlines()
    assert len(rows) == 1 + len(students(grades))
    assert any("solved" in row and "7" in row.split(",") for row in rows)


@pytest.mark.sandbox
@pytest.mark.parametrize("kind", ["gradescope", "github"])
def test_each_submission_gets_its_own_file(kind: str, grades: Path, tmp_path: Path) -> None:
    assert grader("export", kind, grades, "--lesson", "1", "--out", tmp_path) == 0
    told = json.loads((tmp_path / slug("solved_1") / "results.json").read_text("utf-8"))
    assert {"gradients", "fit"} <= {test["name"] for test in told["tests"]}


@pytest.mark.sandbox
def test_tables_hold_both_lessons(grades: Path, tmp_path: Path) -> None:
    assert grader("export", "csv", grades, "--out", tmp_path / "grades.csv") == 0
    with (tmp_path / "grades.csv").open(newline="") as file:
        assert {row["lesson"] for row in csv.DictReader(file)} == set(LESSONS)
    assert grader("export", "junit", grades, "--out", tmp_path / "grades.xml") == 0
    cases = {case.get("name") for case in ET.parse(tmp_path / "grades.xml").iter("testcase")}
    assert cases >= {"fahrenheit", "fit"}


@pytest.mark.sandbox
def test_an_nbgrader_course_gets_its_points(
    course: Course, grades: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # nbgrader calls alembic by name, also from a venv that is not activated.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    with NbgraderCourse(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        book.add_assignment("arrays")
        book.add_notebook(FIRST, "arrays")
        for exercise in course.exercises(FIRST).values():
            name, points = f"check-{exercise.name}", exercise.points
            book.add_grade_cell(name, FIRST, "arrays", max_score=points, cell_type="code")
            book.add_solution_cell(exercise.name, FIRST, "arrays")
        for student in students(grades):
            book.add_student(student)
    assert grader("export", "nbgrader", grades, "--lesson", "0", "--out", tmp_path) == 0
    with NbgraderCourse(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        assert book.find_submission("arrays", "solved_1").score == 7
        assert book.find_submission("arrays", "untouched_2").score == 0

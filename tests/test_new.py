"""`grader new-course` and `grader new-lesson`: what they write builds, passes, and is graded."""

import csv
from pathlib import Path

import nbformat
import papermill
import pytest
from authored import grader, new_course

from grader.author.new import FIRST
from grader.author.render import fill
from grader.author.rules import problems_of_source
from grader.cli import main
from grader.course.lessons import Course


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    made = new_course(tmp_path_factory.mktemp("new") / "Tide-Tables")
    assert grader(made, "build") == 0
    return made


@pytest.fixture
def fresh(tmp_path: Path) -> Course:
    """Give a course that no other test has, and that is not built."""
    return new_course(tmp_path / f"fresh_{tmp_path.name}")


def solved(course: Course, folder: Path) -> Path:
    """Write the notebook of a student who solved everything."""
    released = nbformat.read(course.paths(FIRST).student, as_version=4)
    path = folder / "ada" / f"{FIRST}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(fill(released, course.lesson(FIRST)), path)
    return path


# --- A new course -----------------------------------------------------------------------------


def test_a_new_course_builds_at_once(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert course.package == "tide_tables"
    assert grader(course, "build", "--check") == 0
    assert "All built files" in capsys.readouterr().out


def test_its_checks_pass_in_a_solved_notebook(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert grader(course, "check", solved(course, tmp_path)) == 0
    assert "4 of 4 points" in capsys.readouterr().out


@pytest.mark.sandbox
@pytest.mark.usefixtures("graded_here")
def test_a_solved_notebook_earns_all_points_in_the_sandbox(course: Course, tmp_path: Path) -> None:
    solved(course, tmp_path / "class")
    assert grader(course, "grade", tmp_path / "class", "--out", tmp_path / "grades") == 0
    assert grader(course, "report", tmp_path / "grades") == 0
    (tables,) = (tmp_path / "grades").rglob("grades.csv")
    (row,) = csv.DictReader(tables.open(encoding="utf-8"))
    assert (row["student"], row["points"], row["max_points"]) == ("ada", "4", "4")


@pytest.mark.lesson
def test_it_keeps_every_rule(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert grader(course, "try", "0") == 0
    told = capsys.readouterr().out
    assert "✗" not in told
    assert "○" not in told


@pytest.mark.lesson
def test_papermill_sets_the_preset_of_its_notebook(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(course.root), prepend=":")
    executed = papermill.execute_notebook(
        str(course.paths(FIRST).student),
        str(tmp_path / "executed.ipynb"),
        parameters={"preset": "smoke"},
        cwd=str(tmp_path),
        progress_bar=False,
        log_output=False,
    )
    assert any(cell.source.endswith('preset = "smoke"\n') for cell in executed.cells)
    assert "0 of 4 points" in str(executed.cells[-1].outputs)


def test_a_new_course_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    assert main(["new-course", str(tmp_path)]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("numpy", "new-course numpy_course"),
        ("json", "new-course json_course"),
        ("7seas", "begin with a letter"),
        ("class", "begin with a letter"),
    ],
)
def test_a_folder_whose_name_is_no_free_package_is_refused(
    folder: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-course", str(tmp_path / folder)]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / folder).exists()


# --- A new lesson -----------------------------------------------------------------------------


def test_a_new_lesson_keeps_the_rules_of_its_source(
    fresh: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert grader(fresh, "new-lesson", "07_low_water") == 0
    assert grader(fresh, "new-lesson", "03_moon") == 0
    assert "grader try 03" in capsys.readouterr().out
    course = Course(fresh.root)
    assert course.names == [FIRST, "03_moon", "07_low_water"]
    assert course.lesson("07_low_water").title == "Low water"
    for name in course.names:
        assert list(problems_of_source(course, name)) == []
    rows = (fresh.root / "README.md").read_text("utf-8").split("|---|---|---|\n")[1].splitlines()
    assert [row[3:5] for row in rows[:4]] == ["00", "03", "07", ""]


def test_without_a_table_the_readmes_row_is_told(
    fresh: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    (fresh.root / "README.md").write_text("Nothing.\n", "utf-8")
    assert grader(fresh, "new-lesson", "01_moon") == 0
    assert "Add to README.md:\n| [01 Moon](notebooks/01_moon.ipynb)" in capsys.readouterr().out
    assert (fresh.root / "README.md").read_text("utf-8") == "Nothing.\n"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("moon", "such as: grader new-lesson 01_name"),
        ("1_moon", "such as: grader new-lesson 01_name"),
        ("01_Moon", "such as: grader new-lesson 01_name"),
        ("01_class", "such as: grader new-lesson 01_name"),
        ("00_moon", f"number 00 is that of {FIRST}; the next free one: grader new-lesson 01_moon"),
        ("05_start", "start.py is there already, and nothing is overwritten"),
    ],
)
def test_a_name_that_is_taken_or_none_is_refused(
    name: str, told: str, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in course.root.rglob("*")}
    assert grader(course, "new-lesson", name) == 2
    assert told in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in course.root.rglob("*")} == before

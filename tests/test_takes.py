"""What grading a lesson takes: the modules that it wants imported, and its memory."""

from pathlib import Path

import nbformat
import pytest
from authored import grader, new_course
from course import graded_here

from grader.author.new import FIRST
from grader.author.render import fill, render_student
from grader.course.lessons import Course
from grader.course.source import LessonError, read
from grader.gradebook.store import Gradebook
from grader.grading.decides import lesson_version

SOURCE = f"solutions/{FIRST}.py"
HEADER = "gpu_minutes=1"
UNUSED = "mailbox"
"""A module that nothing else imports."""

# Right where the module is there before any cell imports it, and with so much memory.
NEEDY = f"""
import sys

warm = {UNUSED!r} in sys.modules
room = bytearray(MANY * 2**20)


def spread(numbers):
    return max(numbers) - min(numbers) if warm and room else None
"""


def course_with(folder: Path, keys: str, exercise: str = "") -> Course:
    """Make a course whose lesson's header has `keys`, and whose exercise is so registered."""
    package = folder.name.lower()
    changes = {
        SOURCE: [(HEADER, f"{HEADER} {keys}".rstrip())],
        f"{package}/checks/start.py": [("points=2", f"points=2{exercise}")],
    }
    return new_course(folder, changes)


# --- What the header says ---------------------------------------------------------------------


def test_a_lesson_says_what_it_imports_and_what_memory_it_needs(tmp_path: Path) -> None:
    course = course_with(tmp_path / "says_it", 'imports="wave xml.dom" memory_mb=3000')
    lesson = course.lesson(FIRST)
    assert (lesson.imports, lesson.memory_mb) == (("wave", "xml.dom"), 3000)
    assert course.imports() == ("wave", "xml.dom")
    assert {each.limits["memory_mb"] for each in course.exercises(FIRST).values()} == {3000}


def test_an_exercises_own_memory_goes_before_the_lessons(tmp_path: Path) -> None:
    course = course_with(tmp_path / "own_memory", "memory_mb=3000", ", memory_mb=500")
    limits = {name: each.limits for name, each in course.exercises(FIRST).items()}
    assert limits == {"spread": {"memory_mb": 500}, "quiz": {"memory_mb": 3000}}


def test_a_lesson_that_says_nothing_has_the_defaults(tmp_path: Path) -> None:
    course = course_with(tmp_path / "says_nothing", "")
    assert course.imports() == ()
    assert {len(each.limits) for each in course.exercises(FIRST).values()} == {0}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ('imports="wave, xml"', "imports names modules with spaces between, not 'wave,'"),
        ("memory_mb=0", "memory_mb=0 must be above 0, in MiB"),
        ("memory_mb=1.5", "memory_mb=1.5 is of the wrong type"),
        ('extras="ops, scale"', "extras names extras with spaces between, not 'ops,'"),
        ("memory=3", "unknown key 'memory' in a header cell, which may have"),
    ],
)
def test_what_no_machine_can_keep_is_refused(keys: str, told: str, tmp_path: Path) -> None:
    course = course_with(tmp_path / f"refused_{tmp_path.name}", keys)
    with pytest.raises(LessonError, match=told):
        read(course.paths(FIRST).source)


def test_a_submission_is_graded_again_when_a_lesson_takes_something_else(tmp_path: Path) -> None:
    course = course_with(tmp_path / "takes_more", "")
    source = course.paths(FIRST).source
    text = source.read_text("utf-8")
    versions = {lesson_version(course, FIRST)}
    for keys in (f'imports="{UNUSED}"', "memory_mb=3000"):
        source.write_text(text.replace(HEADER, f"{HEADER} {keys}"), "utf-8")
        versions.add(lesson_version(Course(course.root), FIRST))
    assert len(versions) == 3


# --- In the sandbox ---------------------------------------------------------------------------


def graded(course: Course, folder: Path, mebibytes: int, *options: str) -> str:
    """Return the status of `spread` for a student who needs the module, and so much memory."""
    code = NEEDY.replace("MANY", str(mebibytes))
    notebook = fill(render_student(course, FIRST), course.lesson(FIRST), {"spread": code})
    folder.mkdir()
    nbformat.write(notebook, folder / "ada.ipynb")
    out = folder / "grades"
    with graded_here():
        assert grader(course, "grade", folder / "ada.ipynb", "--out", out, *options) == 0
    (result,) = Gradebook.open(out).results()
    return next(each.status for each in result.exercises if each.name == "spread")


@pytest.fixture(scope="module")
def needy(tmp_path_factory: pytest.TempPathFactory) -> Course:
    keys = f'imports="{UNUSED}" memory_mb=300'
    course = course_with(tmp_path_factory.mktemp("takes") / "needy_course", keys)
    assert grader(course, "build") == 0
    return course


@pytest.mark.sandbox
def test_the_sandbox_has_imported_what_the_lesson_wants(needy: Course, tmp_path: Path) -> None:
    assert graded(needy, tmp_path / "a", mebibytes=50) == "passed"


@pytest.mark.sandbox
def test_the_lessons_memory_holds_but_for_the_command_lines(needy: Course, tmp_path: Path) -> None:
    assert graded(needy, tmp_path / "a", mebibytes=600) == "out_of_memory"
    assert graded(needy, tmp_path / "b", 600, "--memory-mb", "1500") == "passed"


def test_a_module_that_is_not_installed_is_told_once_and_costs_nobody_a_point(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_with(tmp_path / "lacking_course", 'imports="no_such_module.part"')
    (tmp_path / "class").mkdir()
    for student in ("ada", "ben"):
        nbformat.write(render_student(course, FIRST), tmp_path / "class" / f"{student}.ipynb")
    status = grader(
        course, "grade", tmp_path / "class", "--out", tmp_path / "out", "--sandbox", "none"
    )
    told = capsys.readouterr().err
    assert status == 2
    assert told.count("lesson 00_start says imports='no_such_module.part'") == 1
    assert "-m pip install no_such_module" in told
    assert list(Gradebook.open(tmp_path / "out").results()) == []

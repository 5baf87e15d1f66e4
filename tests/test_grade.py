"""`grader grade` and `grader check` on whole notebooks, through the command line."""

import contextlib
import hashlib
import json
import re
import shutil
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from course import COURSE, LESSON, graded_here

from grader.author.render import fill
from grader.cli import main
from grader.gradebook.secret import FILE_NAME as SECRET_FILE
from grader.gradebook.store import Gradebook, SubmissionResult
from grader.grading import grade
from grader.grading.decides import lesson_version
from grader.grading.judge import input_seed
from grader.grading.task import Rules, Task, grade_submission
from grader.sample import SUBMISSIONS, write_sample_class
from grader.sandbox.cgroup import find_cgroups

EXERCISES = COURSE.exercises(LESSON)
TOTAL = sum(exercise.points for exercise in EXERCISES.values())


def points(*names: str) -> float:
    return sum(EXERCISES[name].points for name in names)


# For each submission of the sample class: its points, and the statuses that are not "passed".
EVERY = tuple(EXERCISES)
SAMPLE: dict[str, tuple[float, dict[str, str]]] = {
    "perfect": (TOTAL, {}),
    "partial": (points(*EVERY[:4]), dict.fromkeys(EVERY[4:], "missing")),
    "blank": (0, dict.fromkeys(EVERY, "missing")),
    # Cases worth 1.5 of the check's 8.5 do not see that a pair is missing.
    "known-mistake": (
        TOTAL - points("count_bigrams") + 2 * 1.5 / 8.5,
        {"count_bigrams": "partial"},
    ),
    "syntax-error": (TOTAL - points("normalise"), {"normalise": "error"}),
    "infinite-loop": (TOTAL - points("generate"), {"generate": "timeout"}),
    "memory-hog": (TOTAL - points("nll"), {"nll": "out_of_memory"}),
    # A text of length 1 needs no draw: generate still earns that case.
    "fork-bomb": (
        TOTAL - points("sample_next", "generate") + 4 / 13,
        {"sample_next": "error", "generate": "partial"},
    ),
    "fake-score": (0, dict.fromkeys(EVERY, "missing")),
    "new-check": (0, dict.fromkeys(EVERY, "missing")),
    "reference-reader": (0, dict.fromkeys(EVERY, "missing") | {"count_bigrams": "error"}),
    "deleted-cells": (
        TOTAL - points("sample_next", "nll", "generate") + 4 / 13,
        {"sample_next": "missing", "nll": "missing", "generate": "partial"},
    ),
}


def notebook(path: Path, **changes: Any) -> None:
    """Write the released notebook with other metadata."""
    released = json.loads(COURSE.paths(LESSON).student.read_text("utf-8"))
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(released | changes))


def write_unreadable(folder: Path) -> None:
    for student, text in {
        "not-json": "{",
        "another-kind-of-json": "[]",
        "empty-file": "",
        "huge": "1" * 50_000_001,
    }.items():
        (folder / student).mkdir(parents=True)
        (folder / student / f"{LESSON}.ipynb").write_text(text)
    notebook(folder / "no-cells" / f"{LESSON}.ipynb", cells=[])
    notebook(folder / "no-kernel" / f"{LESSON}.ipynb", metadata={})
    kernel = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    notebook(folder / "another-language" / f"{LESSON}.ipynb", metadata=kernel)
    other = folder / "another-lesson" / "00_start.ipynb"
    other.parent.mkdir()
    other.write_text(COURSE.paths("00_start").student.read_text("utf-8"))


def write_mangled(folder: Path) -> None:
    """Write a solved notebook as editors, habits and accidents leave it."""
    lesson = COURSE.lesson(LESSON)
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    book = fill(released, lesson)
    sources = [cell.source for cell in book.cells if cell.cell_type == "code"]
    stubs = [cell.source for cell in released.cells if cell.cell_type == "code"]
    moved = next(source for source in sources if source.startswith("def nll("))
    sources.remove(moved)
    timed = next(i for i, source in enumerate(sources) if source.startswith("def normalise("))
    sources[timed] = "%%time\n" + sources[timed]
    answers = next(i for i, source in enumerate(sources) if source.startswith("answer_1 ="))
    sources[answers : answers + 1] = sources[answers].splitlines()
    untouched = next(source for source in stubs if source.startswith("def generate("))
    sources += [
        "%pip install left-pad\n!pip install left-pad\n%matplotlib inline",
        moved,
        untouched,
    ]
    sources += ["import sys, warnings\nprint('x', file=sys.stderr)\nwarnings.warn('careful')"]
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": 1}
        for source in sources
    ]
    book = {"nbformat": 4, "nbformat_minor": 0, "metadata": {"colab": {}}, "cells": cells}
    path = folder / "mangled" / "Copy of lesson.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(book))


def write_unprintable(folder: Path) -> None:
    """Write a notebook whose error message no database can hold."""
    lesson = COURSE.lesson(LESSON)
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    replacements: dict[str, str | None] = dict.fromkeys(lesson.exercises())
    replacements["nll"] = "def nll(table, ids):\n    raise ValueError(chr(0xD800) + chr(0))\n"
    path = folder / "unprintable" / f"{LESSON}.ipynb"
    path.parent.mkdir()
    nbformat.write(fill(released, lesson, replacements), path)


DRAWING = """\
import random
import numpy as np

drawn = [random.random(), float(np.random.rand()), torch.rand(1).item()]

def count_bigrams(ids, V):
    raise ValueError(drawn)
"""


def write_drawing(folder: Path) -> None:
    """Write a notebook that draws numbers without a seed."""
    lesson = COURSE.lesson(LESSON)
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    replacements = dict.fromkeys(lesson.exercises()) | {"count_bigrams": DRAWING}
    path = folder / "drawing" / f"{LESSON}.ipynb"
    path.parent.mkdir()
    nbformat.write(fill(released, lesson, replacements), path)


UNREADABLE = {
    "not-json": "not_a_notebook",
    "another-kind-of-json": "not_a_notebook",
    "empty-file": "not_a_notebook",
    "huge": "too_large",
    "no-cells": "empty",
    "no-kernel": "graded",
    "another-language": "wrong_language",
    "another-lesson": "wrong_lesson",
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Grade the sample class and ten odd files; give the submissions and the gradebook."""
    submissions = tmp_path_factory.mktemp("class")
    out = tmp_path_factory.mktemp("out") / "grades"
    write_sample_class(COURSE, submissions, LESSON)
    write_unreadable(submissions)
    write_mangled(submissions)
    write_unprintable(submissions)
    with graded_here():
        assert main(["grade", str(submissions), "--out", str(out), "--lesson", LESSON]) == 0
    return submissions, out


def results(out: Path) -> dict[str, SubmissionResult]:
    return {result.student: result for result in Gradebook.open(out).results()}


@pytest.mark.sandbox
@pytest.mark.parametrize("student", SUBMISSIONS)
def test_the_sample_class_gets_what_the_table_says(graded: tuple[Path, Path], student: str) -> None:
    result = results(graded[1])[student]
    earned, statuses = SAMPLE[student]
    assert result.status == "graded"
    assert {e.name: e.status for e in result.exercises if e.status != "passed"} == statuses
    assert result.points == pytest.approx(earned, abs=1e-3)
    assert result.max_points == TOTAL


@pytest.mark.sandbox
def test_a_known_mistake_reaches_the_student_with_its_hint(graded: tuple[Path, Path]) -> None:
    mistake = next(m for m in COURSE.mistakes(LESSON) if m.exercise == "count_bigrams")
    result = results(graded[1])["known-mistake"].exercises[0]
    failure = next(case for case in result.cases if not case.passed)
    assert mistake.hint in failure.hint


@pytest.mark.sandbox
def test_a_syntax_error_is_told_where_it_is(graded: tuple[Path, Path]) -> None:
    result = results(graded[1])["syntax-error"].exercises[1]
    assert "SyntaxError: expected ':'" in result.message


@pytest.mark.sandbox
@pytest.mark.parametrize("student", UNREADABLE)
def test_an_odd_file_gets_a_status_and_a_sentence(graded: tuple[Path, Path], student: str) -> None:
    result = results(graded[1])[student]
    assert result.status == UNREADABLE[student]
    assert result.message.endswith(".")
    assert (result.points, result.max_points) == (0, TOTAL)


@pytest.mark.sandbox
def test_cells_moved_split_copied_and_stripped_of_metadata_still_count(
    graded: tuple[Path, Path],
) -> None:
    result = results(graded[1])["mangled"]
    assert {e.name: e.status for e in result.exercises if e.status != "passed"} == {}


@pytest.mark.sandbox
def test_a_message_that_no_database_can_hold_stops_nobody(graded: tuple[Path, Path]) -> None:
    result = results(graded[1])["unprintable"]
    assert {e.name: e.status for e in result.exercises}["nll"] == "error"


@pytest.mark.sandbox
def test_a_fault_of_the_grader_stops_nobody_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for student in ("ada", "bob"):
        notebook(tmp_path / "class" / student / f"{LESSON}.ipynb")
    right = grade_submission

    def faulty(task: Task, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
        if task.student == "ada":
            raise RuntimeError("a fault")
        return right(task, rules)

    monkeypatch.setattr(grade, "executor", lambda *_: ThreadPoolExecutor(1))
    monkeypatch.setattr("grader.grading.run.grade_submission", faulty)
    again = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out")]
    assert main(again) == 1
    assert results(tmp_path / "out")["ada"].status == "not_graded"
    assert results(tmp_path / "out")["bob"].status == "graded"

    monkeypatch.setattr("grader.grading.run.grade_submission", right)
    assert main(again) == 0
    assert results(tmp_path / "out")["ada"].status == "graded"
    assert "1 unchanged" in capsys.readouterr().out


@pytest.mark.sandbox
@pytest.mark.usefixtures("graded_here")
def test_grading_again_keeps_what_is_unchanged_and_grades_what_is_new(
    graded: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    submissions, out = graded
    before = results(out)
    again = ["grade", str(submissions), "--out", str(out), "--lesson", LESSON]
    assert main(again) == 0
    assert "22 unchanged" in capsys.readouterr().out
    assert results(out) == before

    source = (submissions / "blank" / f"{LESSON}.ipynb").read_text("utf-8")
    (submissions / "latecomer").mkdir()
    (submissions / "latecomer" / f"{LESSON}.ipynb").write_text(source)
    assert main(again) == 0
    assert "1 graded, 0 could not be, 22 unchanged" in capsys.readouterr().out
    shutil.rmtree(submissions / "latecomer")


@pytest.mark.sandbox
def test_an_exercise_that_is_up_to_date_is_not_graded_again(
    graded: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    submissions, out = graded
    before = results(out)
    again = ["grade", str(submissions), "--out", str(out), "--lesson", "02", "--exercise", "nll"]
    assert main(again) == 0
    told = capsys.readouterr().out
    assert "nll of 02_bigrams: 0 graded again, 0 could not be, 15 up to date, 7 left out" in told
    assert results(out) == before


@pytest.mark.sandbox
def test_grading_twice_with_one_secret_gives_the_same_bytes(
    graded: tuple[Path, Path], tmp_path: Path
) -> None:
    submissions, first = graded
    for student in ("partial", "known-mistake", "syntax-error", "fake-score", "not-json"):
        shutil.copytree(submissions / student, tmp_path / "class" / student)
    write_drawing(tmp_path / "class")
    for out, place in (("one", graded_here()), ("two", contextlib.nullcontext())):
        (tmp_path / out).mkdir()
        shutil.copy(first / SECRET_FILE, tmp_path / out)
        command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / out)]
        with place:
            assert main([*command, "--lesson", LESSON, "--jobs", "2"]) == 0
    one, two = tmp_path / "one", tmp_path / "two"
    assert results(one) == results(two)
    drawn = results(one)["drawing"].exercises[0]
    assert drawn.status == "error"
    assert "ValueError: [0." in drawn.cases[0].message
    manifest = (one / "manifest.json").read_bytes()
    assert manifest == (two / "manifest.json").read_bytes()
    whole = json.loads((first / "manifest.json").read_bytes())["submissions"]
    for submission in json.loads(manifest)["submissions"]:
        assert submission in whole or submission["student"] == "drawing"


@pytest.mark.sandbox
def test_the_manifest_says_what_was_graded_and_with_what(graded: tuple[Path, Path]) -> None:
    submissions, out = graded
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    (facts,) = manifest["runs"].values()
    assert (facts["sandbox"], facts["isolation"]) == ("bwrap", "warm")
    assert facts["memory cgroup"] == ("one per worker" if find_cgroups() else "none")
    assert (facts["torch"], facts["numpy"]) == (torch.__version__, np.__version__)
    assert {"course", "python", "bubblewrap", "limit: memory_mb"} <= set(facts)
    assert facts["limit: memory_mb"] == "2048, or the exercise's or lesson's own"
    secret = (out / SECRET_FILE).read_bytes()
    assert hashlib.sha256(secret).hexdigest() in facts["inputs"]
    assert secret.hex() not in json.dumps(manifest)
    described = {entry["student"]: entry for entry in manifest["submissions"]}
    assert set(described) == set(results(out)) >= {path.name for path in submissions.iterdir()}
    file = submissions / "perfect" / f"{LESSON}.ipynb"
    entry = described["perfect"]
    assert entry["file_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert entry["lesson_sha256"] == lesson_version(COURSE, LESSON)
    assert manifest["runs"][entry["run"]] == facts


def test_the_inputs_differ_between_files_and_classes_and_stay_the_same_for_each() -> None:
    exercise = EXERCISES["nll"]
    seed = input_seed
    assert seed(b"a", exercise, "file") == seed(b"a", exercise, "file")
    others = {seed(b"a", exercise, "file"), seed(b"b", exercise, "file"), seed(b"a", exercise, "x")}
    assert len(others | {seed(b"a", EXERCISES["generate"], "file")}) == 4


def test_the_secret_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    first = grade.class_secret(tmp_path)
    assert len(first) == 32
    assert grade.class_secret(tmp_path) == first
    assert (tmp_path / SECRET_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grade", "nowhere", "--out", "{out}"], "nowhere"),
        (["grade", "{empty}", "--out", "{out}"], "there are no notebooks in"),
        (["grade", "{empty}", "--out", "{out}", "--lesson", "77"], "there is no lesson '77'"),
        (["report", "{empty}"], "make one with: grader grade"),
        (["build", "77_none"], "there is no lesson '77_none'"),
    ],
)
@pytest.mark.sandbox
def test_bad_input_is_told_in_a_line(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"empty": tmp_path / "empty", "out": tmp_path / "out"}
    places["empty"].mkdir()
    assert main([argument.format(**places) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


# --- grader check -----------------------------------------------------------------------------


@pytest.fixture
def half_done(tmp_path: Path) -> Path:
    """Return a notebook with one right exercise, one wrong, and the others not started."""
    lesson = COURSE.lesson(LESSON)
    replacements: dict[str, str | None] = dict.fromkeys(lesson.exercises())
    del replacements["normalise"]
    replacements["count_bigrams"] = "def count_bigrams(ids, V):\n    return torch.zeros(V, V)\n"
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    path = tmp_path / f"{LESSON}.ipynb"
    nbformat.write(fill(released, lesson, replacements), path)
    return path


def test_check_tells_a_terminal_and_a_ci_system_what_is_wrong(
    half_done: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    summary, junit = tmp_path / "summary.md", tmp_path / "reports" / "checks.xml"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(["check", str(half_done), "--junit", str(junit)]) == 1

    out = capsys.readouterr().out
    assert re.search(r"✗ count_bigrams: partly right \(0\.\d+ of 2 points\)", out)
    assert "✓ normalise" in out
    annotations = [line for line in out.splitlines() if line.startswith("::error ")]
    assert len(annotations) == 1
    assert "title=count_bigrams::" in annotations[0]
    assert "Left to do: count_bigrams" in summary.read_text("utf-8")

    cases = {case.attrib["name"]: case for case in ET.parse(junit).getroot().iter("testcase")}
    assert set(cases) == set(EXERCISES)
    assert cases["count_bigrams"].find("failure") is not None
    assert list(cases["normalise"]) == []
    assert cases["generate"].find("skipped") is not None


def test_check_of_an_untouched_notebook_finds_nothing_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", str(COURSE.paths(LESSON).student)]) == 0
    assert f"0 of {TOTAL:g} points" in capsys.readouterr().out


def test_check_of_a_file_that_is_no_notebook_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.ipynb"
    path.write_text("hello")
    assert main(["check", str(path)]) == 2
    assert "not a notebook" in capsys.readouterr().out

"""What a student sees in the notebook: plain text in a terminal, a card in Jupyter."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from grader.checks import recording, selfcheck
from grader.checks import run as running
from grader.checks.case import Case, Rng, case
from grader.checks.registry import Exercise
from grader.checks.selfcheck import CheckFailed, SelfCheck
from grader.checks.student import Host, Student

LESSON = "99_toy"


def double(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case("two", lambda: student.double(2), 4, hint="add it to itself", explain="2 + 2 = 4")
    number = int(rng.integers(10, 100))
    want = reference.double(number)
    yield case("<random>", lambda: student.double(number), want, hint="any number")
    yield case("secret", lambda: student.double(0), 1, hint="", hidden=True)


def quiz(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    want = reference.answer_1
    yield case("question 1", lambda: student.answer_1, want, hint="reread", reveal=False)


TOY = {
    "double": Exercise("lmcourse", LESSON, "double", 3.0, double, ("double",), {}),
    "quiz": Exercise("lmcourse", LESSON, "quiz", 1.0, quiz, ("answer_1",), {}),
}
SOLVED = {"double": lambda value: value * 2, "answer_1": "b"}


STUB = "raise NotImplementedError('double is not started')"


@pytest.fixture
def toy_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SelfCheck:
    """A check of a toy lesson, with a recording of its solution."""
    recorded = {}
    for exercise in TOY.values():
        recorder = recording.Recorder(Host(dict(SOLVED), {}).send)
        student = Student(Host(dict(SOLVED), {}).send)
        seed = running.PUBLIC_SEED
        running.run(exercise, student, Student(recorder.send), seed=seed, hidden=True)
        recorded[exercise.name] = recorder.entries
    (tmp_path / "recordings").mkdir()
    text = json.dumps({"exercises": recorded, "fixed": {name: [] for name in recorded}})
    (tmp_path / "recordings" / f"{LESSON}.json").write_text(text)
    monkeypatch.setattr(recording, "_folder", lambda _: tmp_path / "recordings")
    monkeypatch.setattr(selfcheck, "exercises", lambda *_: TOY)
    check = SelfCheck("lmcourse")
    check.lesson(LESSON)
    return check


def run_cell(check: SelfCheck, source: str, **namespace: Any) -> None:
    exec(source, {**namespace, "check": check})


def test_right(toy_check: SelfCheck, capsys: pytest.CaptureFixture[str]) -> None:
    run_cell(toy_check, "check('double')", **SOLVED)
    out = capsys.readouterr().out
    assert "✓ double: right (3 of 3 points)" in out
    assert "2 + 2 = 4" in out
    assert "secret" not in out


def test_wrong_shows_the_first_difference_and_raises_for_a_machine(
    toy_check: SelfCheck, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckFailed, match="double: two: expected 4, got 5"):
        run_cell(toy_check, "check('double')", double=lambda value: 5)
    out = capsys.readouterr().out
    assert "\n    call      double(2)\n    expected  4\n    got       5\n" in out
    assert "hint      add it to itself" in out
    assert "any number" not in out  # the second thing worth fixing waits


def test_what_a_call_is_given_is_there_to_call_it_again(
    toy_check: SelfCheck, capsys: pytest.CaptureFixture[str]
) -> None:
    def long(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        x = torch.arange(100)
        yield case("long", lambda: student.double(x), 2 * x, hint="add it to itself")

    exercise = replace(TOY["double"], check=long)
    student = Host({"double": lambda value: value}, {})
    found = running.run(exercise, Student(student.send), Student(student.send), seed=1, hidden=True)
    assert torch.equal(found.given[0], torch.arange(100))
    with pytest.raises(CheckFailed):
        run_cell(toy_check, "check('double')", double=lambda value: 5)
    assert toy_check.given == []


@pytest.mark.parametrize(
    ("before", "words"),
    [("answer_1 = 'b'", "defines answer_1, which still has its older value, stopped"), ("", "")],
)
def test_a_cell_that_failed_is_not_graded_by_its_older_answers(
    toy_check: SelfCheck,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: str,
    words: str,
) -> None:
    shell = InteractiveShell()
    with monkeypatch.context() as patched:
        patched.setattr(selfcheck, "get_ipython", lambda: shell)
        toy_check.lesson(LESSON)
    shell.run_cell(before)
    shell.run_cell("answer_1 = b")
    capsys.readouterr()
    with pytest.raises(CheckFailed, match="Nothing was checked"):
        run_cell(toy_check, "check('quiz')", **shell.user_ns)
    out = capsys.readouterr().out
    assert "✗ quiz: not right yet (0 of 1 points)" in out
    assert "stopped with NameError: name 'b' is not defined. Mend that cell" in out
    assert words in out
    shell.run_cell("answer_1 = 'b'")
    run_cell(toy_check, "check('quiz')", **shell.user_ns)
    assert "✓ quiz: right" in capsys.readouterr().out
    assert shell.history_manager is not None
    shell.history_manager.end_session()


def test_wrong_does_not_raise_for_a_person(
    toy_check: SelfCheck, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selfcheck, "a_person_watches", lambda: True)
    run_cell(toy_check, "check('double')", double=lambda value: 5)
    assert "✗ double: not right yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    "namespace",
    [{}, {"double": ...}, {"double": lambda value: exec(STUB)}],
)
def test_not_started_is_neither_right_nor_an_error(
    toy_check: SelfCheck, capsys: pytest.CaptureFixture[str], namespace: dict[str, Any]
) -> None:
    run_cell(toy_check, "check('double')", **namespace)
    out = capsys.readouterr().out
    assert out.startswith("○ double: not started\n")
    assert "✗" not in out


def test_nbgrader_must_not_count_what_was_not_started(
    toy_check: SelfCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(CheckFailed):
        run_cell(toy_check, "check('double')")


def test_a_check_that_takes_long_says_how_to_stop_it(
    toy_check: SelfCheck, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    monkeypatch.setattr(selfcheck, "PATIENCE", 0.0)

    def slow(value: int) -> int:
        for _ in range(1000):
            said.append(capsys.readouterr().out)
            if "Kernel > Interrupt" in "".join(said):
                break
            time.sleep(0.01)
        return value * 2

    run_cell(toy_check, "check('double')", double=slow)
    assert "Kernel > Interrupt" in "".join(said)


def test_a_quiz_never_says_the_answer(
    toy_check: SelfCheck, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckFailed) as raised:
        run_cell(toy_check, "check('quiz')", answer_1="a")
    out = capsys.readouterr().out
    assert "not this one" in out
    assert "'b'" not in out + str(raised.value)


def test_a_question_that_was_not_answered_says_so(
    toy_check: SelfCheck, capsys: pytest.CaptureFixture[str]
) -> None:
    run_cell(toy_check, "check('quiz')", answer_1=...)
    assert "not started" in capsys.readouterr().out


def test_html_carries_marks_and_words_and_escapes_names() -> None:
    student = Student(Host({"double": lambda value: value * 2 if value == 2 else "<b>"}, {}).send)
    reference = Student(Host(dict(SOLVED), {}).send)
    found = running.run(TOY["double"], student, reference, seed=1, hidden=False)
    page = selfcheck.outcome_html(TOY["double"], found)
    assert "✓" in page
    assert "✗" in page
    assert "&lt;random&gt;" in page
    assert "<b>'" not in page
    assert "any number" in page


def test_checking_leaves_the_notebooks_random_numbers_alone(toy_check: SelfCheck) -> None:
    torch.manual_seed(7)
    np.random.seed(7)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(7)
    np.random.seed(7)
    run_cell(toy_check, "check('double')", **SOLVED)
    assert (torch.rand(1), np.random.rand()) == expected


def test_summary_counts_points_and_names_what_is_left(
    toy_check: SelfCheck, capsys: pytest.CaptureFixture[str]
) -> None:
    run_cell(toy_check, "check('double'); check.summary()", **SOLVED)
    out = capsys.readouterr().out
    assert "3 of 4 points" in out
    assert "Left to do: quiz." in out


def test_ready_waits_for_what_is_not_written(
    toy_check: SelfCheck, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """
def started(): return 1
def stub(): raise NotImplementedError("stub is not started")
@torch.no_grad()
def decorated(): raise NotImplementedError("decorated is not started")
class Half:
    def forward(self): raise NotImplementedError("Half is not started")
found = [check.ready("started"), check.ready("started", "stub"), check.ready("decorated"),
         check.ready("Half"), check.ready("answer_1"), check.ready("nothing")]
"""
    namespace: dict[str, Any] = {"check": toy_check, "answer_1": ..., "torch": torch}
    exec(source, namespace)
    assert namespace["found"] == [True, False, False, False, False, False]
    assert "waits for stub" in capsys.readouterr().out


def test_ready_warns_of_what_was_checked_and_is_not_right(
    toy_check: SelfCheck, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selfcheck, "a_person_watches", lambda: True)
    namespace: dict[str, Any] = {"check": toy_check, "double": lambda value: 5}
    exec("check('double'); found = check.ready('double')", namespace)
    assert namespace["found"]
    assert "double is not right yet" in capsys.readouterr().out


def test_in_the_graders_worker_check_says_and_does_nothing(
    toy_check: SelfCheck, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRADER_WORKER", "1")
    source = "check('double'); check.summary(); found = check.ready('double')"
    namespace: dict[str, Any] = {"check": toy_check, "double": 5}
    exec(source, namespace)
    assert namespace["found"] is False
    assert capsys.readouterr().out == ""


def test_a_misspelt_exercise_is_answered_with_those_that_there_are(toy_check: SelfCheck) -> None:
    with pytest.raises(ValueError, match=r"no exercise 'duoble'; it has: double, quiz"):
        run_cell(toy_check, "check('duoble')")


def test_without_the_set_up_cell_check_says_what_to_run() -> None:
    with pytest.raises(RuntimeError, match="Run the set-up cell"):
        SelfCheck("lmcourse")("double")

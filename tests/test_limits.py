"""What a submission may use: the defaults, the lesson's own limits, the command line's."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from course import COURSE, SHOWN

from grader.checks import registry
from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.cli import main
from grader.grading import grade
from grader.grading.judge import judge
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.submissions.cells import Cell

LESSON = "02_bigrams"
OWN = {"call_seconds": 30.0, "exercise_seconds": 90.0, "memory_mb": 3000}


def test_an_exercises_own_limits_take_the_place_of_the_defaults() -> None:
    limits = Limits().for_exercise(OWN)
    assert (limits.call_seconds, limits.exercise_seconds, limits.memory_mb) == (30, 90, 3000)
    assert replace(limits, **{name: getattr(Limits(), name) for name in OWN}) == Limits()


def test_what_the_command_line_sets_holds_whatever_the_exercise_asks_for() -> None:
    typed = dict.fromkeys(vars(Limits())) | {"exercise_seconds": 20.0, "memory_mb": 500}
    limits = Limits.from_command_line(typed).for_exercise(OWN)
    assert (limits.call_seconds, limits.exercise_seconds, limits.memory_mb) == (30, 20, 500)


def test_an_exercise_has_the_time_of_one_of_its_calls_unless_it_says_otherwise() -> None:
    assert Limits().for_exercise({"call_seconds": 200.0}).exercise_seconds == 200
    assert Limits().for_exercise({"exercise_seconds": 5.0}).exercise_seconds == 5


def test_a_submission_has_more_time_where_its_exercises_do() -> None:
    lesson = [{}, {"exercise_seconds": 90.0}, {"exercise_seconds": 5.0}, {"call_seconds": 70.0}]
    assert Limits().for_submission(lesson).submission_seconds == 120 + 30 + 10
    slow = dict.fromkeys(vars(Limits())) | {"exercise_seconds": 100.0}
    assert Limits.from_command_line(slow).for_submission(lesson).submission_seconds == 120 + 4 * 40
    short = dict.fromkeys(vars(Limits())) | {"submission_seconds": 30.0}
    assert Limits.from_command_line(short).for_submission(lesson).submission_seconds == 30


def test_a_check_registers_its_limits_and_none_of_nought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", {})

    def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        yield case("x", lambda: student.x, 1, hint="")

    exercise("99_toy", "x", points=1, memory_mb=3000, call_seconds=30)(check)
    exercise("99_toy", "y", points=1)(check)
    registered = registry._REGISTRY["test_limits"]["99_toy"]
    assert registered["x"].limits == {"memory_mb": 3000, "call_seconds": 30}
    assert registered["y"].limits == {}
    with pytest.raises(ValueError, match="99_toy/z must be above 0"):
        exercise("99_toy", "z", points=1, exercise_seconds=0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--call-seconds", "0"),
        ("--cell-seconds", "-1"),
        ("--exercise-seconds", "nan"),
        ("--submission-seconds", "inf"),
        ("--submission-seconds", "an hour"),
        ("--memory-mb", "0"),
        ("--memory-mb", "1.5"),
        ("--scratch-mb", "0"),
        ("--scratch-mb", "9" * 30),
        ("--jobs", "0"),
    ],
)
def test_a_limit_that_is_none_is_refused(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["grade", "submissions", "--out", "grades", option, value])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert re.search(rf"argument {option}: '{value}' is not a (whole )?number from [\d.]+ to", told)


def test_the_command_lines_limits_reach_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = []
    monkeypatch.setattr(grade, "main", lambda *_, limits, **__: reached.append(limits) or 0)
    command = ["grade", str(tmp_path), "--out", str(tmp_path)]
    main([*command, "--call-seconds", "2.5", "--memory-mb", "512"])
    main(command)
    fixed = frozenset({"call_seconds", "memory_mb"})
    assert reached == [Limits(call_seconds=2.5, memory_mb=512, fixed=fixed), Limits()]


# --- In the sandbox ---------------------------------------------------------------------------

SLOW = "import time\ndef nll(table, ids):\n    time.sleep(0.3)\n    return -9.0\n"
HUNGRY = "def nll(table, ids):\n    return -float(len(bytearray(600 * 2**20)))\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox("bwrap", Limits(), SHOWN)
    yield made
    made.close()


def status(
    sandbox: Sandbox, code: str, monkeypatch: pytest.MonkeyPatch, own: dict[str, float]
) -> tuple[str, str]:
    """Return the status and the message that `code` gets where nll has its `own` limits."""
    limited = replace(COURSE.exercises(LESSON)["nll"], limits=own)
    with monkeypatch.context() as patch:
        patch.setitem(registry._REGISTRY["lmcourse"][LESSON], "nll", limited)
        cells = [Cell(1, f"import torch\n{code}")]
        reference = {"nll": lambda table, ids: 0.5}
        (result,) = judge(
            COURSE.exercises(LESSON), cells, "x", reference, sandbox, b"secret", only="nll"
        )
    return result.status, result.message


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("code", "own", "found"),
    [
        (SLOW, {}, ("failed", "")),
        (SLOW, {"call_seconds": 0.1}, ("timeout", "it took longer than 0.1 s")),
        (SLOW, {"exercise_seconds": 0.8}, ("timeout", "the whole exercise took longer than 0.8 s")),
        (HUNGRY, {}, ("failed", "")),
        (HUNGRY, {"memory_mb": 300}, ("out_of_memory", "")),
    ],
)
def test_an_exercise_is_held_to_its_own_limits(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    own: dict[str, float],
    found: tuple[str, str],
) -> None:
    assert status(sandbox, code, monkeypatch, own) == found


@pytest.mark.sandbox
def test_the_command_line_has_the_last_word(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = Limits(exercise_seconds=0.8, memory_mb=300, fixed=frozenset(OWN) - {"call_seconds"})
    monkeypatch.setattr(sandbox, "limits", typed)
    assert status(sandbox, SLOW, monkeypatch, OWN)[0] == "timeout"
    assert status(sandbox, HUNGRY, monkeypatch, OWN)[0] == "out_of_memory"

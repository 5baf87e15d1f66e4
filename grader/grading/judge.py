"""The judge: asks a submission's worker, compares with the solved notebook, gives the points."""

import hashlib
import hmac
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from grader.checks import recording
from grader.checks.registry import Exercise
from grader.checks.run import Outcome, run
from grader.checks.student import Host, Lost, Student
from grader.checks.values import MAX_BYTES, Frame
from grader.gradebook.store import ExerciseResult
from grader.grading.forbidden import forbidden_uses
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.session import CellProblem, Session
from grader.submissions.cells import Cell, defined_names
from grader.submissions.clock import Clock, Result, TimeUp
from grader.terminal.log import log

CHECK_BYTES = MAX_BYTES + 200_000_000
"""So much memory may a check take, beside what this process has: an answer's own, and this."""

TOO_SLOW = "what the code returned took the grader too long to check: return less"
TOO_LARGE = "what the code returned took the grader too much memory to check: return less"
UNREADABLE = (
    "the code took the grader too long to read, or too much memory: write it in a simpler way"
)


def judge(
    exercises: Mapping[str, Exercise],
    cells: list[Cell],
    file_hash: str,
    reference: dict[str, Any],
    sandbox: Sandbox,
    secret: bytes,
    only: str | None = None,
) -> list[ExerciseResult]:
    """Grade the cells of one submission.

    Parameters
    ----------
    exercises : those of the lesson, by name
    cells : the code cells to run, in order
    file_hash : decides, with the secret, the inputs that this submission is asked with
    reference : the namespace of the solved notebook
    sandbox : where the cells run
    secret : the class's own
    only : grade this exercise alone

    Returns
    -------
    One result for each exercise asked for, whatever the submission did.

    Notes
    -----
    What the judge itself does with an answer is within the limits too: its time is that of the
    exercise and of the submission, its memory `CHECK_BYTES`. What is over either is a status.
    """
    first = next(iter(exercises.values()))
    fixed = recording.fixed(first.package, first.lesson)

    def check(exercise: Exercise, student: Student, clock: Clock) -> Outcome:
        solved = Student(clock.outside(Host(dict(reference), exercise.probes).send))
        seed = input_seed(secret, exercise, file_hash)
        return run(exercise, student, solved, seed=seed, hidden=True, fixed=fixed[exercise.name])

    return [
        ExerciseResult(
            name=exercise.name,
            status=outcome.status,
            points=round(outcome.share * exercise.points, 4),
            max_points=exercise.points,
            message=outcome.message,
            cases=outcome.cases,
        )
        for exercise, outcome in outcomes(
            exercises, Session(cells, exercises, sandbox), check, only
        )
    ]


def input_seed(secret: bytes, exercise: Exercise, file_hash: str) -> int:
    """Return the seed of an exercise's inputs: the same for the same file, unknown to a student."""
    text = f"{exercise.lesson}/{exercise.name}/{file_hash}"
    return int.from_bytes(hmac.digest(secret, text.encode(), hashlib.sha256)[:16], "big")


def outcomes(
    exercises: Mapping[str, Exercise],
    session: Session,
    check: Callable[[Exercise, Student, Clock], Outcome],
    only: str | None = None,
) -> Iterator[tuple[Exercise, Outcome]]:
    """Yield what `check` finds of each of the lesson's `exercises` in the cells of `session`.

    `check` runs by the clock that it is given. An exercise that takes the worker with it is lost
    alone: the next one gets a new worker. Where the cell that should define an exercise failed, the
    outcome says how. In the end the session is stopped.
    """
    wanted = [each for each in exercises.values() if only in (None, each.name)]
    misuses = _misuses(wanted, session.cells)
    defined = {cell.number: defined_names(cell.source) for cell in reversed(session.cells)}
    try:
        for exercise in wanted:
            if exercise.name in misuses:
                yield exercise, misuses[exercise.name]
                continue
            outcome = checked(exercise, session, check)
            problem = _cause(exercise, defined, session.problems)
            if problem and outcome.status == "missing":
                outcome = Outcome(problem.status, 0.0, message=problem.message)
            yield exercise, outcome
    finally:
        session.stop()
        if session.stderr:
            log.info("the worker wrote to stderr:\n%s", session.stderr)


def _misuses(wanted: list[Exercise], cells: list[Cell]) -> dict[str, Outcome]:
    """Return the outcomes of exercises whose code uses what it may not, or cannot be searched."""
    clock = Clock(time.monotonic())

    def search() -> dict[str, str]:
        return forbidden_uses(wanted, cells)

    try:
        found = _bounded(clock, search)
    except (TimeUp, MemoryError):
        unread = Outcome("timeout", 0.0, message=UNREADABLE)
        return {each.name: unread for each in wanted if each.forbidden}
    return {name: Outcome("forbidden", 0.0, message=use) for name, use in found.items()}


class Asked(Protocol):
    """What a check asks: a `Session` of a submission's code, or what stands in for one."""

    def start(self, own: Mapping[str, float] = {}) -> float:
        """Begin an exercise with `own` limits; return when its time ends."""

    def send(self, frame: bytes) -> Frame:
        """Return the reply to a question."""

    def stop(self) -> None:
        """Stop what runs."""


def checked(
    exercise: Exercise, session: Asked, check: Callable[[Exercise, Student, Clock], Outcome]
) -> Outcome:
    """Return what `check` finds of `exercise`, whatever becomes of it."""
    try:
        clock = Clock(session.start(exercise.limits))
        student = Student(clock.outside(session.send))
        return _bounded(clock, lambda: check(exercise, student, clock))
    except Lost as lost:
        return Outcome(lost.status, 0.0, message=str(lost))
    except TimeUp:
        session.stop()  # it may have been in the middle of a question
        return Outcome("timeout", 0.0, message=TOO_SLOW)
    except MemoryError:
        session.stop()
        return Outcome("out_of_memory", 0.0, message=TOO_LARGE)


def _bounded(clock: Clock, work: Callable[[], Result]) -> Result:
    """Return what `work` returns, which may take as long as the clock and `CHECK_BYTES` say."""
    with _bounded_memory():
        return clock.run(work)


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Let a check that was led to make something huge fail, rather than use up this machine."""
    if sys.platform != "linux":
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    most = used + CHECK_BYTES if before[1] < 0 else min(used + CHECK_BYTES, before[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _cause(
    exercise: Exercise, defined: Mapping[int, set[str]], problems: Mapping[int, CellProblem]
) -> CellProblem | None:
    """Return why the exercise's names are missing, if a cell that should define them failed.

    `defined` are the names that each cell defines, by number, the last cell first.
    """
    for number, names in defined.items():
        if number in problems and names & set(exercise.names):
            return problems[number]
    return None

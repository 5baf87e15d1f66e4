"""The judge: asks a submission's worker, compares with the solved notebook, gives the points."""

import hashlib
import hmac
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from grader.byhand import forbidden_use
from grader.cells import Cell, defined_names
from grader.gradebook import ExerciseResult
from grader.sandbox import Sandbox
from grader.session import CellProblem, Session
from lmcourse import recording
from lmcourse.checks import Exercise, Outcome, exercises, run
from lmcourse.student import Host, Lost, Student

CHECK_BYTES = 2 * 2**30
"""So much memory may a check take, beside what this process has."""


def judge(
    lesson: str,
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
    lesson : such as "02_bigrams"
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
    No clock watches the judge's own code: a student can make it slow only by what it reads. An
    answer is bounded in size (`lmcourse.values`), the judge in memory, and all questions end with
    the submission's time, which is wall time; so at most one answer is dealt with beyond that. The
    slowest that was found, millions of integers that a check made a list of, took a minute.
    """
    fixed = recording.fixed(lesson)

    def check(exercise: Exercise, student: Student) -> Outcome:
        solved = Student(Host(dict(reference), exercise.probes).send)
        seed = input_seed(secret, exercise, file_hash)
        with _bounded_memory():
            return run(
                exercise, student, solved, seed=seed, hidden=True, fixed=fixed[exercise.name]
            )

    return [
        ExerciseResult(
            name=exercise.name,
            status=outcome.status,
            points=round(outcome.share * exercise.points, 4),
            max_points=exercise.points,
            message=outcome.message,
            cases=outcome.cases,
        )
        for exercise, outcome in outcomes(lesson, cells, sandbox, check, only)
    ]


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


def input_seed(secret: bytes, exercise: Exercise, file_hash: str) -> int:
    """Return the seed of an exercise's inputs: the same for the same file, unknown to a student."""
    text = f"{exercise.lesson}/{exercise.name}/{file_hash}"
    return int.from_bytes(hmac.digest(secret, text.encode(), hashlib.sha256)[:16], "big")


def outcomes(
    lesson: str,
    cells: list[Cell],
    sandbox: Sandbox,
    check: Callable[[Exercise, Student], Outcome],
    only: str | None = None,
) -> Iterator[tuple[Exercise, Outcome]]:
    """Run `cells` in a worker and yield what `check` finds of each exercise, or of `only` one.

    An exercise that takes the worker with it is lost alone: the next one gets a new worker. Where
    the cell that should define an exercise failed, the outcome says how.
    """
    session = Session(cells, lesson, sandbox)
    try:
        for exercise in exercises(lesson).values():
            if only not in (None, exercise.name):
                continue
            if misuse := forbidden_use(exercise, cells):
                yield exercise, Outcome("forbidden", 0.0, message=misuse)
                continue
            try:
                session.start(exercise.limits)
                outcome = check(exercise, Student(session.send))
            except Lost as lost:
                outcome = Outcome(lost.status, 0.0, message=str(lost))
            if outcome.status == "missing":
                problem = _cause(exercise, cells, session.problems)
                if problem:
                    outcome = Outcome(problem.status, 0.0, message=problem.message)
            yield exercise, outcome
    finally:
        session.stop()


def _cause(
    exercise: Exercise, cells: list[Cell], problems: Mapping[int, CellProblem]
) -> CellProblem | None:
    """Return why the exercise's names are missing, if a cell that should define them failed."""
    for cell in reversed(cells):
        if cell.number in problems and defined_names(cell.source) & set(exercise.names):
            return problems[cell.number]
    return None

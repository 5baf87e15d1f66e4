"""A class's entries for a race, each measured with the same seeds and the same budget.

An entry runs in the sandbox, as in grading. What it has to learn is drawn by the judge from the
class's secret, the same for everybody; its processor time is what the kernel counted; and what it
reached the judge works out, by the course's own measure.
"""

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import Exercise
from grader.checks.run import Outcome, run
from grader.checks.student import Host, Lost, Student
from grader.course.lessons import Course
from grader.course.regions import without_markers
from grader.formats.files import write_text
from grader.gradebook.copies import copy_path
from grader.gradebook.store import SubmissionResult
from grader.grading.decides import lesson_version
from grader.grading.judge import input_seed, outcomes
from grader.grading.pool import executor
from grader.grading.run import facts_that_decide, fingerprint
from grader.grading.task import Rules, at_work, cells_to_judge
from grader.sandbox.session import Session
from grader.submissions.cells import Cell, cells_to_run
from grader.submissions.clock import Clock
from grader.submissions.notebook import Notebook, read
from grader.terminal.log import log
from grader.terminal.progress import progress

SEEDS = 3
"""How many times each entry is measured, each time on what another seed draws."""

WALL = 4.0
SLACK_SECONDS = 60.0
"""A call may take `WALL` times its budget on the wall, and this, on a machine that others use."""

KEPT = "measured.json"


@dataclass(frozen=True)
class Entry:
    """What runs for one student, or for the baseline, whose `student` is empty."""

    student: str
    lesson: str
    exercise: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Measured:
    """What came of one entry with one seed: a `value` if it "passed", else a message."""

    status: str
    message: str = ""
    value: float | None = None


def entry_of(course: Course, folder: Path, result: SubmissionResult, exercise: str) -> Entry | None:
    """Return what a student handed in, as the gradebook in `folder` kept it, if it can be run."""
    notebook = read(copy_path(folder, result.student, result.lesson), course.names)
    if result.status != "graded" or not isinstance(notebook, Notebook):
        return None
    cells = cells_to_judge(notebook, course.lesson(result.lesson))
    return Entry(result.student, result.lesson, exercise, tuple(cells))


def baseline(course: Course, lesson: str, exercise: str) -> Entry:
    """Return the solved lesson as an entry."""
    source = [cell for cell in course.lesson(lesson).cells if cell.is_code]
    cells = [
        Cell(number, without_markers(cell.text), tuple(cell.tags))
        for number, cell in enumerate(source, 1)
    ]
    return Entry("", lesson, exercise, tuple(cells_to_run(cells)))


def measure_all(
    course: Course, rules: Rules, entries: list[Entry], seconds: float, jobs: int, kept_in: Path
) -> list[list[Measured]]:
    """Return what each of the `entries` reached with each seed.

    What was measured before, and is in the folder `kept_in`, is not measured again; each result is
    there as soon as it is known.
    """
    kept = _Kept(kept_in / KEPT)
    keys = {
        (number, seed): _key(course, rules, entry, seconds, seed)
        for number, entry in enumerate(entries)
        for seed in range(SEEDS)
    }
    left = {place: key for place, key in keys.items() if key not in kept}
    failed: dict[str, Measured] = {}
    with (
        progress("measuring", len(left), "runs") as bar,
        executor(min(jobs, len(left)) or 1) as pool,
    ):
        waiting: dict[Future[Measured], str] = {
            pool.submit(measure, rules, entries[number], seconds, seed): key
            for (number, seed), key in left.items()
        }
        for future in as_completed(waiting):
            key = waiting[future]
            try:
                kept.add(key, future.result())
            except Exception as error:  # a fault of the grader's own must not stop the class
                log.error("the grader failed", exc_info=error)
                failed[key] = Measured("not_graded", f"{type(error).__name__}: {error}")
            bar.update()
    return [
        [failed.get(key := keys[number, seed]) or kept[key] for seed in range(SEEDS)]
        for number in range(len(entries))
    ]


def measure(rules: Rules, entry: Entry, seconds: float, seed: int) -> Measured:
    """Return what an entry reaches on what `seed` draws, in `seconds` of processor time."""
    with at_work(rules, entry.student or "the baseline") as (course, sandbox):
        known = course.exercises(entry.lesson)[entry.exercise]
        wall = WALL * seconds + SLACK_SECONDS
        limits = known.limits | {"call_seconds": wall, "exercise_seconds": 2 * wall}
        race = replace(known, limits=limits)
        session = Session(list(entry.cells), {race.name: race}, sandbox)
        reached: list[float] = []

        def check(exercise: Exercise, student: Student, _: Clock) -> Outcome:
            asked = replace(exercise, check=_check_of(exercise, session, seconds, reached.append))
            nobody = Student(Host({}, {}).send)
            drawn_from = input_seed(rules.secret, exercise, f"leaderboard, seed {seed}")
            return run(asked, student, nobody, seed=drawn_from, hidden=True)

        ((_, outcome),) = outcomes({race.name: race}, session, check)
    if outcome.status == "passed":
        return Measured("passed", value=reached[0])
    first = outcome.first_failure
    return Measured(outcome.status, outcome.message or (first.message if first else ""))


def _check_of(
    exercise: Exercise, session: Session, seconds: float, tell: Callable[[float], None]
) -> Callable[[Student, Student, Rng], Iterator[Case]]:
    """Return a check of one case: that the course's measure gives a number, which `tell` gets."""
    board = exercise.leaderboard
    assert board is not None

    def timed(ask: Callable[[], Any], at_most: float) -> Any:
        before = session.processor_seconds()
        answer = ask()
        spent = session.processor_seconds() - before
        if spent > at_most:
            raise Lost(
                "timeout", f"it took {spent:.1f} s of processor time, and may take {at_most:g} s"
            )
        return answer

    def check(student: Student, _: Student, rng: Rng) -> Iterator[Case]:
        def is_measured() -> bool:
            value = float(board.measure(student, rng, seconds, timed))
            if not math.isfinite(value):
                raise ValueError(f"it is {value}")
            tell(value)
            return True

        yield case("what it reached", is_measured, True, hint="")

    return check


# --- What is kept ------------------------------------------------------------------------------


def _key(course: Course, rules: Rules, entry: Entry, seconds: float, seed: int) -> str:
    """Return what decides a result, as a hash."""
    cells = [(cell.source, cell.tags) for cell in entry.cells]
    version = lesson_version(course, entry.lesson)
    return fingerprint(
        [entry.exercise, cells, version, facts_that_decide(rules), WALL, seconds, seed]
    )


class _Kept:
    """What was measured, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Mapping[str, Any]] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):  # what is broken is done again
            self._known = json.loads(path.read_text("utf-8"))

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> Measured:
        return Measured(**self._known[key])

    def add(self, key: str, measured: Measured) -> None:
        """Keep a result, in the file too."""
        self._known[key] = asdict(measured)
        write_text(self._path, json.dumps(self._known, indent=1) + "\n")

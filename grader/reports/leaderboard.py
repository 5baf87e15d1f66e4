"""`grader leaderboard`: a class's entries for a race, best first, as a page and a CSV."""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from grader.checks.registry import Exercise, Leaderboard
from grader.course.lessons import Course
from grader.formats.spreadsheet import write_rows
from grader.gradebook.secret import class_secret
from grader.gradebook.store import Gradebook, SubmissionResult
from grader.grading.leaderboard import SEEDS, Measured, baseline, entry_of, measure_all
from grader.grading.task import Rules, facts
from grader.reports.pages import environment, write_page
from grader.sandbox.bubblewrap import require
from grader.sandbox.limits import Limits
from grader.terminal.log import kept_in
from grader.terminal.names import printable
from grader.terminal.words import counted, terminal

FOLDER = "leaderboard"
BASELINE = "baseline: the solution"


@dataclass(frozen=True)
class Row:
    """What an entry reached with each seed, if it counts, else its status and why.

    The baseline has no `student`. `place` is None for the baseline, and for what does not count.
    """

    student: str
    values: tuple[float, ...] = ()
    status: str = "passed"
    message: str = ""
    place: int | None = None

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return mean(self.values)

    @property
    def spread(self) -> float:
        """The standard deviation over the seeds."""
        return stdev(self.values)


def main(
    course: Course, folder: Path, *, seconds: float | None, jobs: int | None, mode: str
) -> int:
    """Measure what the gradebook in `folder` has of each race, write its leaderboard, show it.

    Returns 1 if the grader itself failed on an entry, else 0.

    Raises
    ------
    OSError
        If there is no gradebook, or no sandbox.
    ValueError
        If the course has no leaderboard, or the gradebook nothing for one.
    """
    require(mode, course.root)
    results = Gradebook.open(folder).results()
    races = _races(course)
    found = False
    failed = False
    rules = Rules(course.root, mode, Limits(), class_secret(folder))
    with kept_in(folder):
        for exercise, board in races:
            theirs = [result for result in results if result.lesson == exercise.lesson]
            if theirs:
                found = True
                budget = seconds or board.seconds
                rows = _rows(course, rules, folder, exercise, theirs, budget, jobs)
                _write(folder / FOLDER, exercise, board, budget, rows, facts(rules))
                failed = failed or any(row.status == "not_graded" for row in rows)
    if not found:
        wanted = " or ".join(exercise.lesson for exercise, _ in races)
        raise ValueError(
            f"the gradebook has nobody's {wanted}, and so nothing to rank; grade that first: "
            f"grader grade SUBMISSIONS --out {folder}"
        )
    return int(failed)


def _races(course: Course) -> list[tuple[Exercise, Leaderboard]]:
    races = [
        (exercise, exercise.leaderboard)
        for lesson in course.names
        for exercise in course.exercises(lesson).values()
        if exercise.leaderboard is not None
    ]
    if not races:
        raise ValueError(
            "this course has no exercise with a leaderboard; a lesson's checks declare one with "
            "@leaderboard, as CONTRIBUTING.md says"
        )
    return races


def _rows(
    course: Course,
    rules: Rules,
    folder: Path,
    exercise: Exercise,
    results: list[SubmissionResult],
    seconds: float,
    jobs: int | None,
) -> list[Row]:
    """Return a row for each submission and the baseline, the best first."""
    entries = {
        result.student: entry
        for result in results
        if (entry := entry_of(course, folder, result, exercise.name)) is not None
    }
    jobs = jobs or os.cpu_count() or 1
    runs = SEEDS * (len(entries) + 1)
    print(
        f"{exercise.name} of {exercise.lesson}: {counted(len(entries), 'student')} and the "
        f"baseline, {counted(runs, 'run')} of {seconds:g} s, {jobs} at a time: "
        f"about {duration(math.ceil(runs / jobs) * seconds)}, less what is measured already."
    )
    racing = [baseline(course, exercise.lesson, exercise.name), *entries.values()]
    measured = measure_all(course, rules, racing, seconds, jobs, folder / FOLDER)
    rows = [_row(entry.student, runs) for entry, runs in zip(racing, measured, strict=True)]
    rows += [
        Row(result.student, status=result.status, message=result.message)
        for result in results
        if result.student not in entries
    ]
    return ranked(rows)


def _row(student: str, runs: list[Measured]) -> Row:
    values = tuple(run.value for run in runs if run.value is not None)
    wrong = next((run for run in runs if run.value is None), None)
    if wrong is not None:
        return Row(student, status=wrong.status, message=wrong.message)
    return Row(student, values)


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Return the rows by their means, the least first, then those that do not count, by name.

    Students with equal means share a place. The baseline has none.
    """
    counting = sorted((row for row in rows if row.values), key=lambda row: (row.mean, row.student))
    students = [row.mean for row in counting if row.student]
    placed = [
        replace(row, place=1 + students.index(row.mean)) if row.student else row for row in counting
    ]
    return placed + sorted((row for row in rows if not row.values), key=lambda row: row.student)


def duration(seconds: float) -> str:
    """Return a time in words, such as "2 min" or "1 h 30 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes else [])])


def _write(
    folder: Path,
    exercise: Exercise,
    board: Leaderboard,
    seconds: float,
    rows: list[Row],
    run: dict[str, str],
) -> None:
    """Write the page and the CSV of a leaderboard, and show it."""
    stem = f"{exercise.lesson}-{exercise.name}"
    seeds = [f"seed_{number}" for number in range(1, SEEDS + 1)]
    header = ["place", "student", "mean", "standard_deviation", *seeds, "status", "message"]
    cells = [
        [
            *(str(row.place or ""), row.student or BASELINE),
            *(f"{value:.4f}" for value in ([row.mean, row.spread] if row.values else ())),
            *([""] * 2 if not row.values else ()),
            *(f"{value:.4f}" for value in row.values),
            *([""] * (SEEDS - len(row.values))),
            *(row.status, row.message),
        ]
        for row in rows
    ]
    write_rows(folder / f"{stem}.csv", [header, *cells])
    page = folder / f"{stem}.html"
    write_page(
        page,
        environment()
        .get_template("leaderboard.html.jinja")
        .render(
            exercise=exercise,
            board=board,
            seconds=seconds,
            rows=rows,
            baseline=BASELINE,
            seeds=SEEDS,
            csv=f"{stem}.csv",
            facts=run,
        ),
    )
    width = max(len(row.student or BASELINE) for row in rows)
    print(f"place  {'student':{width}}  {board.unit}")
    for row in rows:
        reached = (
            f"{row.mean:.4f} ± {row.spread:.4f}"
            if row.values
            else f"{row.status.replace('_', ' ')}. {terminal(row.message)}".rstrip(" .")
        )
        print(f"{row.place or '':>5}  {printable(row.student or BASELINE):{width}}  {reached}")
    print(f"Leaderboard: {page}")

"""`grader grade`: a class, or one exercise of it, submission by submission, into the gradebook."""

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from grader.course.lessons import Course
from grader.gradebook.manifest import write_manifest
from grader.gradebook.secret import class_secret
from grader.gradebook.store import Gradebook
from grader.gradebook.tables import FILE_NAME
from grader.gradebook.versions import notices
from grader.grading.pool import executor
from grader.grading.regrade import Regrade
from grader.grading.run import Run
from grader.grading.task import Rules
from grader.sandbox.bubblewrap import require
from grader.sandbox.limits import Limits
from grader.submissions.archives import Unusable
from grader.submissions.collect import Collected, collect
from grader.submissions.notebook import Submission, problem
from grader.submissions.roster import Person, assign, read_roster
from grader.terminal.log import FILE_NAME as LOG_NAME
from grader.terminal.log import kept_in
from grader.terminal.words import counted, listed, unknown


def main(
    course: Course,
    submissions: Path,
    out: Path,
    *,
    lesson: str | None,
    mode: str,
    exercise: str | None = None,
    limits: Limits | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    student: str | None = None,
    roster: Path | None = None,
    dry_run: bool = False,
) -> int:
    """Grade all `submissions` into the gradebook in `out`; what is there unchanged is kept.

    With `exercise`, that one of `lesson` is graded again in all submissions that the gradebook has,
    and the others stay as they are. With `student`, only that one's submissions are graded. Who is
    in the `roster` and handed in nothing for `lesson` is in the gradebook too, and it says so. With
    `dry_run`, what would be done is said, and nothing is run or written.

    `jobs` processes of this machine grade, one a core if not given; or the Dask cluster at the
    address `scheduler`, with the same course installed. Results are written as they come, by this
    process alone.

    Returns 1 if the grader itself failed on a submission, else 0.

    Raises
    ------
    KeyError, ValueError
        If there is no such lesson, exercise or student, or an exercise or roster without its
        lesson; if the submissions or the roster cannot be read, or `submissions` is a gradebook's.
    OSError
        If the gradebook cannot be written, another run writes into it, or no cluster answers. What
        was graded before is kept.
    ModuleMissing
        If a lesson wants a module imported that is not installed here. What was graded before is
        kept.
    """
    if scheduler is None and not dry_run:
        require(mode, course.root)
    if submissions.resolve() == out.resolve() or (submissions / FILE_NAME).is_file():
        raise ValueError(
            f"{submissions} is a gradebook's folder, and nobody hands in there; name the folder or "
            "zip of the class, and a folder of its own for the gradebook: "
            "grader grade SUBMISSIONS --out DIR"
        )
    lesson = None if lesson is None else course.name_of(lesson)
    if exercise is not None:
        _require_exercise(course, lesson, exercise)
        Gradebook.open(out)
    if roster is not None and lesson is None:
        raise ValueError("--roster needs the lesson that everybody hands in; add: --lesson NN")
    with (
        gradebook_in(out, dry_run=dry_run) as (gradebook, kept),
        tempfile.TemporaryDirectory() as scratch,
    ):
        rules = Rules(course.root, mode, limits or Limits(), class_secret(kept))
        collected = collect(submissions, Path(scratch), course.names, lesson)
        if roster is not None and lesson is not None:
            add_absent(collected, read_roster(roster), lesson)
        for remark in collected.remarks:
            print(f"Note: {remark}.")
        handed_in = of_student(student, collected.submissions)
        if not handed_in:
            raise FileNotFoundError(f"there are no notebooks in {submissions}")
        run = Run(course, gradebook, out, rules, lesson)
        if exercise is not None:
            run = Regrade(course, gradebook, out, rules, lesson, exercise)
        if dry_run:
            show(run.plan(handed_in))
            return 0
        if roster is not None and lesson is not None:
            remove_absent(gradebook, lesson, {one.student for one in collected.submissions})
        return finish(run, handed_in, gradebook, out, jobs=jobs, scheduler=scheduler)


@contextlib.contextmanager
def gradebook_in(out: Path, *, dry_run: bool) -> Iterator[tuple[Gradebook, Path]]:
    """Give the gradebook in `out`, and where it is: kept from other runs, with its log.

    In a `dry_run` none is made: one that is not there is an empty one elsewhere.
    """
    with tempfile.TemporaryDirectory() as scratch:
        if dry_run and not (out / FILE_NAME).is_file():
            out = Path(scratch) / "gradebook"
        gradebook = Gradebook(out)
        with contextlib.nullcontext() if dry_run else gradebook.reserved(), kept_in(out):
            yield gradebook, out


def finish(
    run: Run,
    handed_in: list[Submission],
    gradebook: Gradebook,
    out: Path,
    *,
    jobs: int | None,
    scheduler: str | None,
) -> int:
    """Grade what is left of all that was handed in, say what came of it; 1 if the grader failed."""
    try:
        with executor(jobs or os.cpu_count() or 1, scheduler) as pool:
            run.grade(handed_in, pool)
    except KeyboardInterrupt:
        write_manifest(out, gradebook)
        raise
    write_manifest(out, gradebook)
    run.report(len(handed_in))
    for notice in notices(gradebook).values():
        print(notice)
    if failed := run.statuses["not_graded"]:
        print(
            f"The grader itself failed on {failed} of them; they are graded again next time. "
            f"What happened is in {out / LOG_NAME}."
        )
    print(f"Next: {shlex.join(['grader', 'report', str(out)])}")
    return int(failed > 0)


def of_student(student: str | None, submissions: list[Submission]) -> list[Submission]:
    """Return the submissions of one student, or all if `student` is None."""
    if student is None:
        return submissions
    theirs = [submission for submission in submissions if submission.student == student]
    if not theirs:
        raise ValueError(unknown(student, (submission.student for submission in submissions)))
    return theirs


def show(plan: list[tuple[str, str, str, str]]) -> None:
    """Show what would be done, as `Run.plan` says it."""
    rows = [("student", "file", "lesson", "what would be done"), *plan]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for *cells, what in rows:
        padded = [f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)]
        print("  ".join([*padded, what]))
    to_do = sum(what == "grade" for *_, what in plan)
    print(f"{to_do} of {counted(len(plan), 'submission')} to grade. Nothing was run or written.")


def add_absent(collected: Collected, people: list[Person], lesson: str) -> None:
    """Add a submission that says so for each of `people` who handed in nothing."""
    found = assign(people, [submission.student for submission in collected.submissions])
    unclear = {one.row for fitting in found.unclear.values() for one in fitting}
    absent = [one for one in people if one.row not in found.students and one.row not in unclear]
    for one in absent:
        reason = Unusable("not_submitted", f"Nothing was handed in for lesson {lesson}.")
        none = Submission(one.student, Path(), problem(reason))
        collected.submissions.append(none)
    collected.submissions.sort(key=lambda submission: submission.student)
    for student, fitting in found.unclear.items():
        collected.remarks.append(f"{student} fits {len(fitting)} rows of the roster")
    if found.strangers:
        names = listed(found.strangers)
        collected.remarks.append(f"not in the roster, and graded all the same: {names}")


def remove_absent(gradebook: Gradebook, lesson: str, students: set[str]) -> None:
    """Remove what the gradebook has of an earlier roster alone, but for those in `students`."""
    for one in gradebook.ungraded():
        from_roster = (one.lesson, one.status, one.file) == (lesson, "not_submitted", "")
        if from_roster and one.student not in students:
            gradebook.remove(one.student, lesson)


def _require_exercise(course: Course, lesson: str | None, exercise: str) -> None:
    if lesson is None:
        homes = [name for name in course.names if exercise in course.exercises(name)]
        raise ValueError(
            "--exercise needs the lesson that it belongs to; add: "
            f"--lesson {' or '.join(homes) or 'NN'}"
        )
    if exercise not in (known := course.exercises(lesson)):
        raise ValueError(f"{lesson} has no exercise {exercise!r}; it has: {', '.join(known)}")

"""`grader grade`: a class, or one exercise of it, submission by submission, into the gradebook."""

import os
import secrets
import tempfile
from pathlib import Path

from grader.course import lesson_named
from grader.gradebook import FILE_NAME, Gradebook
from grader.limits import Limits
from grader.manifest import write_manifest
from grader.pool import executor
from grader.regrade import Regrade
from grader.run import Run
from grader.sandbox import require
from grader.submissions import collect
from grader.task import Rules
from grader.versions import notices

SECRET_FILE = "secret.key"
SECRET_BYTES = 32
SECRET_LOST = (
    "the inputs of what is in the gradebook there were made from it. Put it back from a copy. If "
    "there is none, grade the whole class into a new folder, with new inputs: "
    "grader grade SUBMISSIONS --out NEW; then merge what you gave with adjust again. "
    "{out} keeps its grades as they are."
)


def main(
    submissions: Path,
    out: Path,
    *,
    lesson: str | None,
    mode: str,
    exercise: str | None = None,
    limits: Limits | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
) -> int:
    """Grade all `submissions` into the gradebook in `out`; what is there unchanged is kept.

    With `exercise`, that one of `lesson` is graded again in all submissions that the gradebook has,
    and the others stay as they are.

    `jobs` processes of this machine grade, one a core if not given; or the Dask cluster at the
    address `scheduler`, with the same course installed. Results are written as they come, by this
    process alone.

    Returns 1 if the grader itself failed on a submission, else 0.

    Raises
    ------
    KeyError, ValueError
        If there is no such lesson or exercise, or an exercise without its lesson.
    OSError
        If the gradebook cannot be written, another run writes into it, or no cluster answers. What
        was graded before is kept.
    """
    if scheduler is None:
        require(mode)
    lesson = None if lesson is None else lesson_named(lesson)
    if exercise is not None:
        _require_exercise(lesson, exercise)
    gradebook = Gradebook(out) if exercise is None else Gradebook.open(out)
    with gradebook.reserved(), tempfile.TemporaryDirectory() as scratch:
        rules = Rules(mode, limits or Limits(), class_secret(out))
        collected = collect(submissions, Path(scratch), lesson)
        if not collected:
            raise FileNotFoundError(f"there are no notebooks in {submissions}")
        run = Run(gradebook, out, rules, lesson)
        if exercise is not None:
            run = Regrade(gradebook, out, rules, lesson, exercise)
        try:
            with executor(jobs or os.cpu_count() or 1, scheduler) as pool:
                run.grade(collected, pool)
        except KeyboardInterrupt:
            write_manifest(out, gradebook)
            raise
        write_manifest(out, gradebook)
    run.report(len(collected))
    for notice in notices(gradebook).values():
        print(notice)
    if failed := run.statuses["not_graded"]:
        print(f"The grader itself failed on {failed} of them; they are graded again next time.")
    return int(failed > 0)


def _require_exercise(lesson: str | None, exercise: str) -> None:
    from lmcourse.checks import exercises, lessons

    if lesson is None:
        homes = [name for name in lessons() if exercise in exercises(name)]
        raise ValueError(
            "--exercise needs the lesson that it belongs to; add: "
            f"--lesson {' or '.join(homes) or 'NN'}"
        )
    if exercise not in exercises(lesson):
        known = ", ".join(exercises(lesson))
        raise ValueError(f"{lesson} has no exercise {exercise!r}; it has: {known}")


def class_secret(out: Path) -> bytes:
    """Return the secret that makes this class's inputs, a new one on the first run.

    Raises
    ------
    OSError
        If it is damaged, or missing although something was graded with it.
    """
    file = out / SECRET_FILE
    if not file.exists():
        if (out / FILE_NAME).is_file() and Gradebook.open(out).fingerprints():
            raise OSError(f"{file} is missing, and {SECRET_LOST.format(out=out)}")
        unfinished = file.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(SECRET_BYTES))
        os.replace(unfinished, file)
    secret = file.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise OSError(f"{file} is damaged, and {SECRET_LOST.format(out=out)}")
    return secret

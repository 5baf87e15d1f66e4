"""`grader grade`: a class, submission by submission, into the gradebook."""

import hashlib
import json
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tqdm import tqdm

from grader.build import ROOT, fingerprint
from grader.copies import keep_copy
from grader.course import Course
from grader.gradebook import Gradebook, SubmissionResult
from grader.manifest import write_manifest
from grader.pool import executor
from grader.sandbox import Limits, require
from grader.submissions import Notebook, Submission, collect
from grader.task import Rules, Task, facts, grade_submission, not_graded
from lmcourse.checks import exercises

SECRET_FILE = "secret.key"
SECRET_BYTES = 32
AHEAD = 256
"""Submissions that wait at a time, so that memory does not grow with the class."""


def main(
    submissions: Path,
    out: Path,
    *,
    lesson: str | None,
    mode: str,
    jobs: int | None = None,
    scheduler: str | None = None,
) -> int:
    """Grade all `submissions` into the gradebook in `out`; what is there unchanged is kept.

    `jobs` processes of this machine grade, one a core if not given; or the Dask cluster at the
    address `scheduler`, with the same course installed. Results are written as they come, by this
    process alone.

    Returns 1 if the grader itself failed on a submission, else 0.

    Raises
    ------
    OSError
        If the gradebook cannot be written, another run writes into it, or no cluster answers. What
        was graded before is kept.
    """
    if scheduler is None:
        require(mode)
    if lesson is not None:
        exercises(lesson)
    gradebook = Gradebook(out)
    with gradebook.reserved(), tempfile.TemporaryDirectory() as scratch:
        rules = Rules(mode, Limits(), class_secret(out))
        collected = collect(submissions, Path(scratch), lesson)
        if not collected:
            raise FileNotFoundError(f"there are no notebooks in {submissions}")
        run = _Run(gradebook, out, rules)
        try:
            with executor(jobs or os.cpu_count() or 1, scheduler) as pool:
                run.grade(collected, lesson, pool)
        except KeyboardInterrupt:
            write_manifest(out, gradebook)
            raise
        write_manifest(out, gradebook)
    statuses = run.statuses
    print(
        f"{len(collected)} submissions: {statuses['graded']} graded, "
        f"{statuses.total() - statuses['graded']} could not be, "
        f"{len(collected) - statuses.total()} unchanged since the last run. Gradebook: {out}"
    )
    if failed := statuses["not_graded"]:
        print(f"The grader itself failed on {failed} of them; they are graded again next time.")
    return int(failed > 0)


_Future = Future[tuple[SubmissionResult, dict[str, str]]]


class _Run:
    """One run's way from submissions to the gradebook."""

    def __init__(self, gradebook: Gradebook, out: Path, rules: Rules) -> None:
        self._gradebook = gradebook
        self._out = out
        self._rules = rules
        self._waiting: dict[_Future, tuple[Submission, Task]] = {}
        self.statuses: Counter[str] = Counter()
        """How many submissions got which status."""

    def grade(self, collected: list[Submission], lesson: str | None, pool: Executor) -> None:
        """Grade what is not in the gradebook yet, and write each result as it comes."""
        with tqdm(total=len(collected), unit=" submissions", desc="grading") as progress:
            try:
                for submission, task in self._changed(collected, lesson, progress):
                    future = pool.submit(grade_submission, task, self._rules)
                    self._waiting[future] = (submission, task)
                    if len(self._waiting) >= AHEAD:
                        self._store_next(progress)
                while self._waiting:
                    self._store_next(progress)
            except KeyboardInterrupt:
                self._store([future for future in self._waiting if future.done()], progress)
                raise

    def _changed(
        self, collected: list[Submission], lesson: str | None, progress: "tqdm[Any]"
    ) -> Iterator[tuple[Submission, Task]]:
        stored = self._gradebook.fingerprints()
        for submission in collected:
            task = make_task(submission, lesson, self._rules)
            if stored.get((task.student, task.lesson)) == task.fingerprint:
                progress.total -= 1  # the time left is that of what is still to do
            else:
                yield submission, task

    def _store_next(self, progress: "tqdm[Any]") -> None:
        self._store(list(wait(self._waiting, return_when=FIRST_COMPLETED).done), progress)

    def _store(self, done: list[_Future], progress: "tqdm[Any]") -> None:
        results = []
        for future in done:
            submission, task = self._waiting[future]
            results.append(self._result(future, task))
            keep_copy(self._out, task.student, task.lesson, submission.path)
        self._gradebook.write(*results)
        for future, result in zip(done, results, strict=True):
            del self._waiting[future]
            self.statuses[result.status] += 1
        progress.update(len(done))

    def _result(self, future: _Future, task: Task) -> SubmissionResult:
        try:
            result, made = future.result()
        except Exception as error:  # a fault of the grader's own must not stop the class
            tqdm.write(f"{task.student}: the grader failed: {type(error).__name__}: {error}")
            result, made = not_graded(task), facts(self._rules)
        return replace(result, run=self._gradebook.describe_run(made))


def make_task(submission: Submission, lesson: str | None, rules: Rules) -> Task:
    """Return what it takes to grade `submission`, whose lesson should be `lesson` if given."""
    notebook = submission.read()
    name = lesson or notebook.lesson or ""
    lesson_sha256 = _lesson_fingerprint(name) if name else ""
    # All that decides the result.
    parts = [
        submission.path.name,
        notebook.sha256,
        notebook.note if isinstance(notebook, Notebook) else notebook.message,
        name,
        lesson_sha256,
        {key: value for key, value in facts(rules).items() if key != "bubblewrap"},
    ]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return Task(submission.student, submission.path.name, notebook, name, lesson_sha256, digest)


@cache
def _lesson_fingerprint(lesson: str) -> str:
    return fingerprint(Course(ROOT), lesson)


def class_secret(out: Path) -> bytes:
    """Return the secret that makes this class's inputs, a new one on the first run."""
    file = out / SECRET_FILE
    if not file.exists():
        unfinished = file.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(SECRET_BYTES))
        os.replace(unfinished, file)
    secret = file.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise OSError(f"{file} is damaged: put it back from a copy, or grade into a new folder")
    return secret

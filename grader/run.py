"""One run over a class: what is left to grade goes to the pool, results go to the gradebook."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tqdm import tqdm

from grader.copies import keep_copy
from grader.course import Course
from grader.decides import lesson_version
from grader.gradebook import Gradebook, SubmissionResult
from grader.places import ROOT
from grader.submissions import Notebook, Submission
from grader.task import Rules, Task, facts, grade_submission, not_graded

AHEAD = 256
"""Submissions that wait at a time, so that memory does not grow with the class."""

TOLD_ONLY = ("bubblewrap", "lmcourse")
"""Facts of a run that decide no result."""

_Future = Future[tuple[SubmissionResult, dict[str, str]]]


class Run:
    """Grades what is not in the gradebook yet, and writes each result as it comes."""

    def __init__(self, gradebook: Gradebook, out: Path, rules: Rules, lesson: str | None) -> None:
        self._gradebook = gradebook
        self._out = out
        self._rules = rules
        self._lesson = lesson
        self._fingerprints = gradebook.fingerprints()
        self._waiting: dict[_Future, tuple[Submission, Task]] = {}
        self.statuses: Counter[str] = Counter()
        """How many submissions got which status."""

    def grade(self, collected: list[Submission], pool: Executor) -> None:
        """Grade what is left to do of the `collected` submissions."""
        with tqdm(total=len(collected), unit=" submissions", desc="grading") as progress:
            try:
                for submission, task in self._left(collected, progress):
                    future = pool.submit(grade_submission, task, self._rules)
                    self._waiting[future] = (submission, task)
                    if len(self._waiting) >= AHEAD:
                        self._store_next(progress)
                while self._waiting:
                    self._store_next(progress)
            except KeyboardInterrupt:
                self._store([future for future in self._waiting if future.done()], progress)
                raise

    def report(self, collected: int) -> None:
        """Say what came of the `collected` submissions."""
        done, graded = self.statuses.total(), self.statuses["graded"]
        print(
            f"{collected} submissions: {graded} graded, {done - graded} could not be, "
            f"{collected - done} unchanged since the last run. Gradebook: {self._out}"
        )

    def _left(
        self, collected: list[Submission], progress: "tqdm[Any]"
    ) -> Iterator[tuple[Submission, Task]]:
        for submission in collected:
            task = self._task(submission)
            if task is None:
                progress.total -= 1  # the time left is that of what is still to do
            else:
                yield submission, task

    def _task(self, submission: Submission) -> Task | None:
        """Return what is to do for a submission, or None if there is nothing."""
        task = make_task(submission, self._lesson, self._rules)
        is_done = self._fingerprints.get((task.student, task.lesson)) == task.fingerprint
        return None if is_done else task

    def _store_next(self, progress: "tqdm[Any]") -> None:
        self._store(list(wait(self._waiting, return_when=FIRST_COMPLETED).done), progress)

    def _store(self, done: list[_Future], progress: "tqdm[Any]") -> None:
        results = []
        for future in done:
            submission, task = self._waiting[future]
            results.append(self._result(future, task))
            keep_copy(self._out, task.student, task.lesson, submission.path)
        self._gradebook.write(*results)
        for future in done:
            del self._waiting[future]
        progress.update(len(done))

    def _result(self, future: _Future, task: Task) -> SubmissionResult:
        """Return what to write into the gradebook."""
        try:
            result, made = future.result()
        except Exception as error:  # a fault of the grader's own must not stop the class
            tqdm.write(f"{task.student}: the grader failed: {type(error).__name__}: {error}")
            result, made = not_graded(task), facts(self._rules)
        self.statuses[result.status] += 1
        return replace(result, run=self._gradebook.describe_run(made))


def make_task(submission: Submission, lesson: str | None, rules: Rules) -> Task:
    """Return what it takes to grade `submission`, whose lesson should be `lesson` if given."""
    notebook = submission.read()
    name = lesson or notebook.lesson or ""
    lesson_sha256 = _lesson_fingerprint(name) if name else ""
    # All that decides the result: what was read of the file, and how it is judged.
    facts_that_decide = {key: text for key, text in facts(rules).items() if key not in TOLD_ONLY}
    read = vars(notebook)
    if isinstance(notebook, Notebook):
        read = read | {"cells": [(cell.source, cell.tags) for cell in notebook.cells]}
    parts = [submission.path.name, read, name, lesson_sha256, facts_that_decide]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return Task(submission.student, submission.path.name, notebook, name, lesson_sha256, digest)


@cache
def _lesson_fingerprint(lesson: str) -> str:
    return lesson_version(Course(ROOT), lesson)

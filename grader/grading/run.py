"""One run over a class: what is left to grade goes to the pool, results go to the gradebook."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from grader.course.lessons import Course
from grader.formats.spreadsheet import points
from grader.gradebook.copies import keep_copy
from grader.gradebook.store import Gradebook, SubmissionResult
from grader.grading.decides import lesson_version
from grader.grading.task import Rules, Task, facts, grade_submission, not_graded, verdict
from grader.submissions.notebook import Notebook, Submission
from grader.terminal.log import about, log
from grader.terminal.progress import Progress, progress
from grader.terminal.words import counted, terminal

AHEAD = 256
"""Submissions that wait at a time, so that memory does not grow with the class."""

NAMED = 10
"""Of those that could not be graded, how many the end of a run names."""

TOLD_ONLY = ("bubblewrap", "course")
"""Facts of a run that decide no result."""

_Future = Future[tuple[SubmissionResult, dict[str, str]]]


class Run:
    """Grades what is not in the gradebook yet, and writes each result as it comes."""

    ahead = AHEAD
    """Submissions that wait at a time."""

    def __init__(
        self, course: Course, gradebook: Gradebook, out: Path, rules: Rules, lesson: str | None
    ) -> None:
        self._course = course
        self._gradebook = gradebook
        self._out = out
        self._rules = rules
        self._lesson = lesson
        self._fingerprints = gradebook.fingerprints()
        self._waiting: dict[_Future, tuple[Submission, Task]] = {}
        self._seen: set[tuple[str, str]] = set()
        """Of whom, and for which lessons, the submissions are."""
        self.statuses: Counter[str] = Counter()
        """How many submissions got which status."""

    def grade(self, collected: list[Submission], pool: Executor) -> None:
        """Grade what is left to do of the `collected` submissions."""
        with progress("grading", len(collected), "submissions") as bar:
            try:
                for submission, task in self._left(collected, bar):
                    future = pool.submit(self._judge(), task, self._rules)
                    self._waiting[future] = (submission, task)
                    if len(self._waiting) >= self.ahead:
                        self._store_next(bar)
                while self._waiting:
                    self._store_next(bar)
            except KeyboardInterrupt:
                self._store([future for future in self._waiting if future.done()], bar)
                raise

    def plan(self, collected: list[Submission]) -> list[tuple[str, str, str, str]]:
        """Return student, file, lesson, and what `grade` would do, for each submission."""
        rows = []
        for submission in collected:
            task = self._task(submission)
            status = verdict(task)[0]
            if self._to_do(task) is None:
                what = "nothing: unchanged"
            elif status == "graded":
                what = "grade"
            else:
                what = f"cannot grade: {status.replace('_', ' ')}"
            rows.append((task.student, terminal(task.file), task.lesson, what))
        return rows

    def report(self, collected: int) -> None:
        """Say what came of the `collected` submissions."""
        done, graded = self.statuses.total(), self.statuses["graded"]
        print(
            f"{counted(collected, 'submission')}: {graded} graded, {done - graded} could not be, "
            f"{collected - done} unchanged since the last run. Gradebook: {self._out}"
        )
        ungraded = [
            one for one in self._gradebook.ungraded() if (one.student, one.lesson) in self._seen
        ]
        if ungraded:
            print("Not graded:")
        for one in ungraded[:NAMED]:
            status = one.status.replace("_", " ")
            print(f"  {one.student}: {status}. {terminal(one.message)}")
        if len(ungraded) > NAMED:
            print(f"  and {len(ungraded) - NAMED} more, who are in the report too")

    def _left(
        self, collected: list[Submission], bar: Progress
    ) -> Iterator[tuple[Submission, Task]]:
        for submission in collected:
            task = self._task(submission)
            self._seen.add((task.student, task.lesson))
            to_do = self._to_do(task)
            if to_do is None:
                bar.total -= 1  # the time left is that of what is still to do
            else:
                self._require(task)
                yield submission, to_do

    def _task(self, submission: Submission) -> Task:
        """Return what it takes to grade a submission."""
        return make_task(self._course, submission, self._lesson, self._rules)

    def _judge(self) -> Callable[[Any, Rules], tuple[SubmissionResult, dict[str, str]]]:
        """Return what grades a task, in another process."""
        return grade_submission

    def _require(self, task: Task) -> None:
        if task.lesson:  # what is missing here would be missing for all who come next
            self._course.require(task.lesson)

    def _keep(self, submission: Submission, task: Task) -> None:
        """Keep what the feedback shows of a submission."""
        keep_copy(self._out, task.student, task.lesson, submission.path)

    def _to_do(self, task: Task) -> Task | None:
        """Return what is to do of a task, or None if there is nothing."""
        is_done = self._fingerprints.get((task.student, task.lesson)) == task.fingerprint
        return None if is_done else task

    def _store_next(self, bar: Progress) -> None:
        self._store(list(wait(self._waiting, return_when=FIRST_COMPLETED).done), bar)

    def _store(self, done: list[_Future], bar: Progress) -> None:
        results = []
        for future in done:
            submission, task = self._waiting[future]
            result = self._result(future, task)
            self._keep(submission, task)
            with about(task.subject):
                earned = f"{points(result.points)} of {points(result.max_points)} points"
                log.debug("%s, %s, %g s", result.status, earned, result.seconds)
            results.append(result)
        self._gradebook.write(*results)
        for future in done:
            del self._waiting[future]
        bar.update(len(done))

    def _result(self, future: _Future, task: Task) -> SubmissionResult:
        """Return what to write into the gradebook."""
        try:
            result, made = future.result()
        except Exception as error:  # a fault of the grader's own must not stop the class
            tqdm.write(f"{task.student}: the grader failed: {type(error).__name__}: {error}")
            with about(task.subject):
                log.error("the grader failed", exc_info=error)
            result, made = not_graded(self._course, task), facts(self._rules)
        self.statuses[result.status] += 1
        return replace(result, run=self._gradebook.describe_run(made))


def make_task(course: Course, submission: Submission, lesson: str | None, rules: Rules) -> Task:
    """Return what it takes to grade `submission`, whose lesson should be `lesson` if given."""
    notebook = submission.read(course.names)
    name = lesson or notebook.lesson or ""
    lesson_sha256 = lesson_version(course, name) if name else ""
    # All that decides the result: what was read of the file, and how it is judged.
    read = vars(notebook)
    if isinstance(notebook, Notebook):
        read = read | {"cells": [(cell.source, cell.tags) for cell in notebook.cells]}
    parts = [submission.path.name, read, name, lesson_sha256, facts_that_decide(rules)]
    digest = fingerprint(parts)
    return Task(submission.student, submission.path.name, notebook, name, lesson_sha256, digest)


def facts_that_decide(rules: Rules) -> dict[str, str]:
    """Return the facts of a run that decide its results."""
    return {key: text for key, text in facts(rules).items() if key not in TOLD_ONLY}


def fingerprint(parts: list[Any]) -> str:
    """Return the SHA-256 of all that decides a result."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

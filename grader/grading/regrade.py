"""`grader grade --exercise NAME --lesson NN`: one exercise again, the others as they were."""

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from grader.course.lessons import Course
from grader.gradebook.store import ExerciseResult, Gradebook, Regraded, SubmissionResult
from grader.grading.run import Run
from grader.grading.task import Rules, Task, verdict
from grader.terminal.words import listed


class Regrade(Run):
    """Grades an exercise again in those submissions that the gradebook has.

    What the gradebook says of the submission and its other exercises stays, its fingerprint too:
    the next run without an exercise grades again what is out of date.
    """

    def __init__(
        self,
        course: Course,
        gradebook: Gradebook,
        out: Path,
        rules: Rules,
        lesson: str | None,
        exercise: str,
    ) -> None:
        super().__init__(course, gradebook, out, rules, lesson)
        self._exercise = exercise
        self._stored = {(r.student, r.lesson): r for r in self._gradebook.results()}
        self._wanted: dict[str, str] = {}
        """By student, the fingerprint by which the exercise should be graded."""
        self._new: list[str] = []

    def report(self, collected: int) -> None:
        """Say whose score changed.

        Those who were graded again by an earlier run, and are up to date, count as well: a run that
        was stopped and started again says the same as one that was not.
        """
        changed = [
            (result.student, again.before, exercise.points)
            for result in self._gradebook.results()
            if (exercise := self._of(result)) and (again := exercise.regraded)
            if again.fingerprint == self._wanted.get(result.student)
            and again.before != exercise.points
        ]
        done, graded = self.statuses.total(), self.statuses["graded"]
        print(
            f"{self._exercise} of {self._lesson}: {graded} graded again, {done - graded} could not "
            f"be, {len(self._wanted) - done} up to date, {collected - len(self._wanted)} left out. "
            f"Gradebook: {self._out}"
        )
        if self._new:
            print(
                f"New, or not what the gradebook has: {listed(self._new)}; grade them without "
                "--exercise."
            )
        if changed:
            width = max(len("student"), *(len(student) for student, _, _ in changed))
            print(f"{'student':{width}}  before  after")
            for student, before, after in changed:
                print(f"{student:{width}}  {before:6.4g}  {after:5.4g}")
        print(f"Scores: {len(changed)} changed, {len(self._wanted) - len(changed)} did not.")

    def _to_do(self, task: Task) -> Task | None:
        stored = self._stored.get((task.student, task.lesson))
        if stored is None or stored.sha256 != task.notebook.sha256 or stored.status == "not_graded":
            self._new.append(task.student)
            return None
        if not stored.status == verdict(task)[0] == "graded":
            return None
        self._wanted[task.student] = task.fingerprint
        exercise = self._of(stored)
        if exercise is not None and (exercise.regraded or stored).fingerprint == task.fingerprint:
            return None
        return replace(task, exercise=self._exercise)

    def _result(self, future: "Future[Any]", task: Task) -> SubmissionResult:
        stored = self._stored[task.student, task.lesson]
        result = super()._result(future, task)
        if result.status != "graded":  # the grader itself failed; what it had is no worse
            return stored
        (again,) = result.exercises
        known = self._of(stored)
        before = known.points if known else 0.0
        made = Regraded(before, task.fingerprint, task.lesson_sha256, result.run)
        every = {exercise.name: exercise for exercise in stored.exercises}
        every[self._exercise] = replace(again, regraded=made)
        return replace(stored, exercises=list(every.values()))

    def _of(self, result: SubmissionResult) -> ExerciseResult | None:
        return next((e for e in result.exercises if e.name == self._exercise), None)

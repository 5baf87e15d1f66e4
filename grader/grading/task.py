"""One submission to grade, as plain data, and how a process grades it.

A `Task` holds all that it takes but the course itself, so the process may be on another machine.
What judges is imported where something is judged: saying what is left to do of a class that did not
change needs no torch.
"""

import hashlib
import platform
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from grader.course.lessons import Course
from grader.course.regions import stub
from grader.course.source import Lesson
from grader.gradebook.store import ExerciseResult, SubmissionResult
from grader.grading.decides import judge_version
from grader.sandbox.bubblewrap import Sandbox, Shown
from grader.sandbox.limits import Limits
from grader.submissions.cells import Cell, cells_to_run, defined_names
from grader.submissions.notebook import Notebook, Problem
from grader.terminal.log import about


@dataclass(frozen=True)
class Rules:
    """How a class is graded; `course` is the folder of its course."""

    course: Path
    mode: str
    limits: Limits
    secret: bytes


@dataclass(frozen=True)
class Task:
    """A submission to grade: whose it is, what was handed in, and for which lesson.

    `file` is the file's own name. `lesson` is empty if nobody says which it is. `lesson_sha256` and
    `fingerprint` are as in `SubmissionResult`. `exercise` is the only one to grade, or None.
    """

    student: str
    file: str
    notebook: Notebook | Problem
    lesson: str
    lesson_sha256: str
    fingerprint: str
    exercise: str | None = None

    @property
    def subject(self) -> str:
        """Whose it is and for which lesson, in a few words."""
        return ", ".join(filter(None, (self.student, self.lesson)))


AnyTask = TypeVar("AnyTask", bound=Task)

_alone = threading.Lock()  # a check seeds the generators of its process; Dask's may have threads


def grade_submission(task: Task, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
    """Return a submission's result, and the facts of how this process made it.

    Raises
    ------
    ModuleMissing
        If its lesson imports what is not installed here.
    """
    return judged(task, rules, _judge_notebook)


def judged(
    task: AnyTask,
    rules: Rules,
    judge: Callable[[Course, AnyTask, Sandbox, Rules], list[ExerciseResult]],
) -> tuple[SubmissionResult, dict[str, str]]:
    """Return a task's result by what `judge` finds, and the facts of how this process made it."""
    with at_work(rules, task.subject) as (course, sandbox):
        started = time.monotonic()
        status, message = verdict(task)
        if status == "graded":
            results = judge(course, task, sandbox, rules)
        else:
            results = nothing(course, task.lesson)
        seconds = round(time.monotonic() - started, 2)
    result = _result(task, task.fingerprint, status, message, seconds, results)
    had = {"isolation": sandbox.isolation, "memory cgroup": sandbox.memory_cgroup}
    return result, facts(rules) | had


@contextmanager
def at_work(rules: Rules, subject: str) -> Iterator[tuple[Course, Sandbox]]:
    """Give this process's course and sandbox to one at a time, who judges `subject` on one thread.

    Raises
    ------
    RuntimeError
        If the sandbox was killed meanwhile.
    """
    import torch

    course = _course(rules.course)
    with _alone, about(subject):
        sandbox = _sandbox(rules.course, rules.mode, rules.limits)
        warm_parent = sandbox.warm_parent
        torch.set_num_threads(1)
        yield course, sandbox
        if warm_parent not in (None, sandbox.warm_parent):
            raise RuntimeError("the sandbox was killed, perhaps for lack of memory")


def _judge_notebook(
    course: Course, task: Task, sandbox: Sandbox, rules: Rules
) -> list[ExerciseResult]:
    from grader.grading.judge import judge

    assert isinstance(task.notebook, Notebook)
    course.require(task.lesson)
    return judge(
        course.exercises(task.lesson),
        cells_to_judge(task.notebook, course.lesson(task.lesson)),
        task.notebook.sha256,
        _reference(course, task.lesson),
        sandbox,
        rules.secret,
        task.exercise,
    )


def not_graded(course: Course, task: Task) -> SubmissionResult:
    """Return the result of a submission on which the grader itself failed."""
    message = "The grader itself failed on this one. It is graded again at the next run."
    return _result(task, "", "not_graded", message, 0.0, nothing(course, task.lesson))


def nothing(course: Course, lesson: str) -> list[ExerciseResult]:
    """Return what a submission earns of which nothing ran."""
    return [
        ExerciseResult(exercise.name, "missing", 0.0, exercise.points)
        for exercise in (course.exercises(lesson).values() if lesson else ())
    ]


@cache
def facts(rules: Rules) -> dict[str, str]:
    """Return what else there is to say of results that this process makes by `rules`."""
    secret = hashlib.sha256(rules.secret).hexdigest()
    return {
        "sandbox": rules.mode,
        **{f"limit: {name}": words for name, words in rules.limits.described().items()},
        "inputs": f"seeded by HMAC-SHA256 of a secret whose SHA-256 is {secret}",
        "course": _course(rules.course).configuration.revision,
        "grader": f"the source with SHA-256 {judge_version()}",
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
        "bubblewrap": _bubblewrap() if rules.mode == "bwrap" else "not used",
    }


def _bubblewrap() -> str:
    if shutil.which("bwrap") is None:
        return "not installed"
    told = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=False)
    return told.stdout.strip().removeprefix("bubblewrap ")


def _result(
    task: Task, fingerprint: str, status: str, message: str, seconds: float, results: Any
) -> SubmissionResult:
    return SubmissionResult(
        student=task.student,
        lesson=task.lesson,
        file=task.file,
        fingerprint=fingerprint,
        status=status,
        message=message,
        seconds=seconds,
        exercises=results,
        sha256=task.notebook.sha256,
        lesson_sha256=task.lesson_sha256,
    )


def verdict(task: Task) -> tuple[str, str]:
    """Return whether a submission can be graded, as a status and a sentence for the student."""
    notebook = task.notebook
    if isinstance(notebook, Problem):
        return notebook.status, notebook.message
    if notebook.lesson is None:
        return "wrong_lesson", (
            "No cell says which lesson this is. Start again from the lesson's notebook and keep "
            "its first code cell, which calls check.lesson(...)."
        )
    if notebook.lesson != task.lesson:
        return "wrong_lesson", (
            f"This is the notebook of lesson {notebook.lesson}; hand in that of {task.lesson}."
        )
    return "graded", notebook.note


def cells_to_judge(notebook: Notebook, lesson: Lesson) -> list[Cell]:
    """Return the cells that the judge runs: all but demos and spare stubs.

    A stub is spare if it is untouched and another cell defines its names, as when a cell was
    copied.
    """
    demos = {cell.text for cell in lesson.cells if "demo" in cell.tags}
    cells = cells_to_run(notebook.cells, demos)
    exercises = lesson.exercises().values()
    stubs = {stub(cell.text, cell.name).strip() for cell in exercises}
    if not any(cell.source.strip() in stubs for cell in cells):
        return cells
    written = {
        name
        for cell in cells
        if cell.source.strip() not in stubs
        for name in defined_names(cell.source)
    }
    return [
        cell
        for cell in cells
        if cell.source.strip() not in stubs or not defined_names(cell.source) <= written
    ]


# --- What a process makes once ----------------------------------------------------------------


@cache
def _sandbox(root: Path, mode: str, limits: Limits) -> Sandbox:
    """Return this process's sandbox; it ends with the process."""
    course = _course(root)
    hides = course.configuration.hides
    shown = Shown(course.root / course.package, course.names[0], course.imports(), hides)
    return Sandbox(mode, limits, shown)


@cache
def _course(root: Path) -> Course:
    return Course(root)


@cache
def _reference(course: Course, lesson: str) -> dict[str, Any]:
    from grader.course.solved import solved_namespace

    return solved_namespace(course.lesson(lesson))

"""Run a solved lesson: in a kernel for its outputs, against its own checks for its answers."""

import copy
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from grader.author.byheart import fixed_cases
from grader.checks.recording import Entry, Recorder
from grader.checks.registry import Exercise
from grader.checks.run import PUBLIC_SEED, Outcome, run
from grader.checks.student import Host, Student
from grader.course.lessons import Course, registered
from grader.course.solved import solved_namespace
from grader.course.source import Lesson

CELL_SECONDS = 600
_TAIL = 12  # lines of a traceback


def execute(
    notebook: NotebookNode, lesson: Lesson, root: Path, on_cell: Callable[[int], None]
) -> NotebookNode:
    """Return `notebook`, one of `lesson`, with its outputs.

    It runs in an empty folder with the course's package below `root`; `on_cell` gets the position
    of each code cell before it runs.

    Raises
    ------
    LessonError
        If a cell raises, takes too long, or prints a warning that names a file of this machine.
    """
    executed = copy.deepcopy(notebook)
    position = 0

    def started(cell: NotebookNode, cell_index: int) -> None:
        nonlocal position
        position = cell_index
        on_cell(cell_index)

    with tempfile.TemporaryDirectory() as scratch:
        client = NotebookClient(
            executed,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,  # how the kernel cuts its output differs from run to run
            extra_arguments=["--log-level=ERROR"],  # it warns of its own TCP port on this machine
            resources={"metadata": {"path": scratch}},
            on_cell_execute=started,
        )
        try:
            client.execute(env=_environment(root))
        except (CellControlSignal, DeadKernelError) as error:
            raise lesson.error(
                lesson.cells[position].line,
                f"cell {position + 1} of the notebook does not run.\n{_tail(error)}",
            ) from None
    for cell, rendered in zip(lesson.cells, executed.cells, strict=True):
        for output in rendered.get("outputs", ()):
            if "ipykernel_" in output.get("text", ""):
                message = (
                    f"this cell prints a warning; write it so that it does not:\n{output.text}"
                )
                raise lesson.error(cell.line, message)
    executed.metadata = copy.deepcopy(notebook.metadata)
    return executed


@contextmanager
def with_recording(course: Course, name: str, text: str) -> Iterator[Path]:
    """Give a folder with a copy of the course's package whose recording of lesson `name` is `text`.

    A notebook that runs with it is checked against that; the course's own folder stays as it is.
    """
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch) / course.package
        shutil.copytree(course.root / course.package, package)
        recording = package / "recordings" / f"{name}.json"
        recording.parent.mkdir(exist_ok=True)
        recording.write_text(text, "utf-8")
        yield Path(scratch)


def losses_shown(executed: NotebookNode) -> dict[str, float]:
    """Return the losses on the ladders of an executed notebook, in nats per character."""
    losses: dict[str, float] = {}
    for cell in executed.cells:
        for output in cell.get("outputs", ()):
            losses |= output.get("metadata", {}).get("losses", {})
    return losses


def record(course: Course, name: str) -> tuple[dict[str, list[Entry]], dict[str, list[str]]]:
    """Return the solved lesson's answers to each exercise's check, with the public seed.

    Beside them, the names of each exercise's cases whose right answer the seed does not change.

    Raises
    ------
    LessonError
        If it does not run, does not pass its own checks, or too much of an exercise can be learnt
        by heart.
    """
    lesson = course.lesson(name)
    namespace = solved_namespace(lesson)
    recordings, fixed = {}, {}
    for known, exercise in registered(course, name).items():
        try:
            recordings[known] = answers(exercise, namespace)
            fixed[known] = fixed_cases(exercise, namespace)
        except ValueError as problem:
            raise lesson.error(lesson.exercises()[known].line, str(problem)) from None
    return recordings, fixed


def answers(exercise: Exercise, namespace: dict[str, Any]) -> list[Entry]:
    """Return the answers of the solved notebook's `namespace` to the check, with the public seed.

    Raises
    ------
    ValueError
        If it does not pass.
    """
    recorder = Recorder(Host(namespace, exercise.probes).send)
    student = Student(Host(namespace, exercise.probes).send)
    outcome = run(exercise, student, Student(recorder.send), seed=PUBLIC_SEED, hidden=True)
    if outcome.status != "passed":
        raise ValueError(
            f"the solved {exercise.name} does not pass its own check: {reason(outcome)}"
        )
    return recorder.entries


def reason(outcome: Outcome) -> str:
    """Return in words why an outcome is not "passed"."""
    failure = outcome.first_failure
    if failure is None:
        return outcome.message or outcome.status
    kind = "hidden case" if failure.hidden else "case"
    return " ".join(filter(None, [f"{kind} {failure.name!r}:", failure.message, failure.line]))


def _environment(root: Path) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(root.resolve()), os.environ.get("PYTHONPATH")]))
    # With a fixed hash seed, sets print in the same order on every run.
    return {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}


def _tail(error: Exception) -> str:
    text = error.traceback if isinstance(error, CellExecutionError) else str(error)
    lines = re.sub(r"\x1b\[[\d;]*m", "", text).strip().splitlines()
    return "\n".join(f"    {line}" for line in lines[-_TAIL:])

"""`grader grade`: a class, submission by submission, into the gradebook."""

import hashlib
import json
import os
import platform
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

import lmcourse
from grader.build import ROOT, fingerprint
from grader.course import Course
from grader.execute import solved_namespace
from grader.gradebook import ExerciseResult, Gradebook, SubmissionResult
from grader.judge import defined_names, judge
from grader.regions import stub
from grader.sandbox import Limits, Sandbox, require
from grader.session import Cell
from grader.submissions import Notebook, Problem, Submission, cells_to_run, collect
from lmcourse.checks import exercises

SECRET_FILE = "secret.key"


@dataclass(frozen=True)
class Rules:
    """How a class is graded."""

    mode: str
    limits: Limits
    secret: bytes


def main(submissions: Path, out: Path, *, lesson: str | None, mode: str, jobs: int | None) -> int:
    """Grade all `submissions` into the gradebook in `out`; what is there unchanged is kept.

    Returns 1 if the grader itself failed on a submission, else 0.
    """
    require(mode)
    if lesson is not None:
        exercises(lesson)
    gradebook = Gradebook(out)
    rules = Rules(mode, Limits(), class_secret(out))
    gradebook.describe_run(_facts(rules))
    with tempfile.TemporaryDirectory() as scratch:
        collected = collect(submissions, Path(scratch), lesson)
        if not collected:
            raise FileNotFoundError(f"there are no notebooks in {submissions}")
        results = list(_grade(collected, gradebook, lesson, rules, jobs or os.cpu_count() or 1))
    graded = sum(result.status == "graded" for result in results)
    failed = sum(result.status == "not_graded" for result in results)
    kept = len(collected) - len(results)
    print(
        f"{len(collected)} submissions: {graded} graded, {len(results) - graded} could not be, "
        f"{kept} unchanged since the last run. Gradebook: {out}"
    )
    if failed:
        print(f"The grader itself failed on {failed} of them; they are graded again next time.")
    return int(failed > 0)


def _grade(
    collected: list[Submission], gradebook: Gradebook, lesson: str | None, rules: Rules, jobs: int
) -> Iterator[SubmissionResult]:
    """Grade what is not in the gradebook yet, and write each result as it comes."""
    stored = gradebook.fingerprints()
    with (
        tqdm(total=len(collected), unit=" submissions", desc="grading") as progress,
        # Processes, not threads: a check seeds the generators of the process that it runs in.
        ProcessPoolExecutor(jobs, get_context("spawn"), _ignore_interrupt) as pool,
    ):
        waiting = {}
        for submission in collected:
            notebook = submission.read()
            fingerprint = _fingerprint(submission, notebook, lesson, rules)
            name = _lesson_of(notebook, lesson)
            if stored.get((submission.student, name)) == fingerprint:
                progress.update()
                continue
            task = pool.submit(_grade_one, submission, lesson, rules, fingerprint)
            waiting[task] = (submission, name)
        try:
            for done in as_completed(waiting):
                try:
                    result = done.result()
                except Exception as error:  # a fault of the grader's own must not stop the class
                    result = _failed(*waiting[done], error)
                gradebook.write(result)
                progress.update()
                yield result
            if waiting:
                isolation = pool.submit(_isolation, rules).result()
                gradebook.describe_run({"isolation": isolation})
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _isolation(rules: Rules) -> str:
    return _sandbox(rules).isolation


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that writes


def _grade_one(
    submission: Submission, lesson: str | None, rules: Rules, fingerprint: str
) -> SubmissionResult:
    started = time.monotonic()
    notebook = submission.read()
    status, message = _verdict(notebook, lesson)
    name = _lesson_of(notebook, lesson)
    if isinstance(notebook, Notebook) and status == "graded":
        torch.set_num_threads(1)
        cells = _without_spare_stubs(cells_to_run(notebook, _demos(name)), name)
        results = judge(
            name, cells, notebook.sha256, _reference(name), _sandbox(rules), rules.secret
        )
    else:
        results = _nothing(name)
    return SubmissionResult(
        student=submission.student,
        lesson=name,
        file=submission.path.name,
        fingerprint=fingerprint,
        status=status,
        message=message,
        seconds=round(time.monotonic() - started, 2),
        exercises=results,
    )


def _failed(submission: Submission, lesson: str, error: Exception) -> SubmissionResult:
    tqdm.write(f"{submission.student}: the grader failed: {type(error).__name__}: {error}")
    message = "The grader itself failed on this notebook. It is graded again at the next run."
    file, status = submission.path.name, "not_graded"
    results = _nothing(lesson)
    return SubmissionResult(submission.student, lesson, file, "", status, message, 0.0, results)


def _nothing(lesson: str) -> list[ExerciseResult]:
    return [
        ExerciseResult(exercise.name, "missing", 0.0, exercise.points)
        for exercise in (exercises(lesson).values() if lesson else ())
    ]


def _without_spare_stubs(cells: list[Cell], lesson: str) -> list[Cell]:
    """Leave out each untouched stub of what another cell defines, as when a cell was copied."""
    stubs = {
        stub(cell.text, cell.name).strip() for cell in _course().lesson(lesson).exercises().values()
    }
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


def _verdict(notebook: Notebook | Problem, lesson: str | None) -> tuple[str, str]:
    """Return whether a submission can be graded, as a status and a sentence for the student."""
    if isinstance(notebook, Problem):
        return notebook.status, notebook.message
    if notebook.lesson is None:
        return "wrong_lesson", (
            "No cell says which lesson this is. Start again from the lesson's notebook and keep "
            "its first code cell, which calls check.lesson(...)."
        )
    if lesson is not None and notebook.lesson != lesson:
        return "wrong_lesson", (
            f"This is the notebook of lesson {notebook.lesson}; hand in that of {lesson}."
        )
    return "graded", notebook.note


def _lesson_of(notebook: Notebook | Problem, lesson: str | None) -> str:
    return lesson or notebook.lesson or ""


@cache
def _sandbox(rules: Rules) -> Sandbox:
    """Return this process's sandbox; it ends with the process."""
    return Sandbox(rules.mode, rules.limits)


@cache
def _course() -> Course:
    return Course(ROOT)


@cache
def _reference(lesson: str) -> dict[str, Any]:
    return solved_namespace(_course().lesson(lesson))


@cache
def _demos(lesson: str) -> frozenset[str]:
    cells = _course().lesson(lesson).cells
    return frozenset(cell.text for cell in cells if "demo" in cell.tags)


@cache
def _lesson_fingerprint(lesson: str) -> str:
    return fingerprint(_course(), lesson)


def _fingerprint(
    submission: Submission, notebook: Notebook | Problem, lesson: str | None, rules: Rules
) -> str:
    """Return a hash of all that decides a submission's result."""
    name = _lesson_of(notebook, lesson)
    parts = [
        submission.path.name,
        notebook.sha256,
        name,
        _lesson_fingerprint(name) if name else "",
        rules.mode,
        asdict(rules.limits),
        hashlib.sha256(rules.secret).hexdigest(),
        lmcourse.__version__,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def class_secret(out: Path) -> bytes:
    """Return the secret that makes this class's inputs, a new one on the first run."""
    file = out / SECRET_FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_bytes()
    with os.fdopen(descriptor, "wb") as stream:
        secret = secrets.token_bytes(32)
        stream.write(secret)
    return secret


def _facts(rules: Rules) -> dict[str, Any]:
    return {
        "sandbox": rules.mode,
        **{f"limit: {name}": value for name, value in asdict(rules.limits).items()},
        "lmcourse": lmcourse.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }

"""A repository judged, row by row of the rubric.

A row whose names are all of `HELD` is asked of the repository itself, which this process holds as
data. Every other row is asked of the code in it, which runs in the sandbox like a notebook's cells.
"""

import hashlib
import importlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from grader.checks.registry import Exercise
from grader.checks.run import Outcome, run
from grader.checks.student import Host, Student
from grader.course.lessons import Course
from grader.gradebook.store import ExerciseResult, SubmissionResult
from grader.grading.decides import followed, judge_version
from grader.grading.judge import checked, input_seed, outcomes
from grader.grading.task import Rules, Task, judged
from grader.sandbox.bubblewrap import Sandbox
from grader.submissions.archives import Unusable
from grader.submissions.cells import Cell
from grader.submissions.clock import Clock
from grader.submissions.history import MAX_PATCHES, read_history
from grader.submissions.repository import Repository

HELD = frozenset({"read", "content", "history"})
"""What the repository itself answers."""
MAX_TEXT = 100_000
"""Characters of a file that a row reads."""
SECONDS = 120.0
"""For a row that asks the repository itself, where it has no limit of its own."""


class Held:
    """A repository that answers a check's questions, in place of a `Session`: nothing runs."""

    def __init__(self, repository: Repository) -> None:
        self._files = repository.files
        self._git = repository.git
        answers = {"read": self.read, "content": self.content, "history": self.history}
        self.send = Host(answers, {}).send

    def start(self, own: Mapping[str, float] = {}) -> float:
        """Return when the time of a row ends."""
        return time.monotonic() + own.get("exercise_seconds", SECONDS)

    def stop(self) -> None:
        """Stop nothing: nothing runs."""

    def read(self, path: str) -> str:
        """Return the text of a file.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is none, or it is no text that is short enough.
        """
        try:
            text = self._bytes(path).decode()
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not text in UTF-8") from None
        if len(text) > MAX_TEXT:
            raise ValueError(f"{path} has {len(text):,} characters, and {MAX_TEXT:,} are read")
        return text

    def content(self, path: str) -> torch.Tensor:
        """Return the bytes of a file, (N,) uint8.

        Raises
        ------
        FileNotFoundError
            If there is none, or nothing in it.
        """
        return torch.frombuffer(bytearray(self._bytes(path)), dtype=torch.uint8)

    def history(self) -> list[dict[str, Any]]:
        """Return the commits that lead to HEAD, as `Commit` has them, the latest first.

        Raises
        ------
        FileNotFoundError, ValueError
            If there are none, or git cannot read them, or they add more text than people write.
        """
        if not self._git:
            raise FileNotFoundError("there is no git history: hand in the folder with its .git")
        try:
            commits = read_history(self._git)
        except Unusable as problem:
            raise ValueError(str(problem)) from None
        if sum(len(commit.patch) for commit in commits) > MAX_PATCHES:
            raise ValueError(f"the commits add more than {MAX_PATCHES:,} characters: keep no data")
        return [vars(commit) for commit in commits]

    def _bytes(self, path: str) -> bytes:
        if not self._files.get(path):
            raise FileNotFoundError(f"there is no {path} in the repository, or nothing in it")
        return self._files[path]


@dataclass(frozen=True)
class ProjectTask(Task):
    """A repository to grade; `notebook` says why, if it cannot be."""

    repository: Repository | None = None


def grade_project(task: ProjectTask, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
    """Return a project's result, and the facts of how this process made it."""
    return judged(task, rules, _judge)


def _judge(
    course: Course, task: ProjectTask, sandbox: Sandbox, rules: Rules
) -> list[ExerciseResult]:
    assert task.repository is not None
    rows = course.exercises(task.lesson)
    return judge_repository(course, rows, task.repository, sandbox, rules.secret)


def judge_repository(
    course: Course,
    rows: Mapping[str, Exercise],
    repository: Repository,
    sandbox: Sandbox,
    secret: bytes,
) -> list[ExerciseResult]:
    """Return a result for each row of the rubric, whatever is in the repository."""

    def check(row: Exercise, student: Student, clock: Clock) -> Outcome:
        seed = input_seed(secret, row, repository.sha256)
        nothing = Student(Host({}, {}).send)
        return run(row, student, nothing, seed=seed, hidden=True)

    found: dict[str, Outcome] = {}
    if repository.problem is None:
        held = Held(repository)
        asked = {key: row for key, row in rows.items() if HELD.issuperset(row.names)}
        found = {key: checked(row, held, check) for key, row in asked.items()}
        code = {key: row for key, row in rows.items() if key not in asked}
        if code:
            cells = list(_cells(course, repository))
            found |= {row.name: out for row, out in outcomes(code, cells, sandbox, check)}
    return [_result(row, found.get(key, Outcome("missing", 0.0))) for key, row in rows.items()]


def _cells(course: Course, repository: Repository) -> Iterator[Cell]:
    """Yield the files that the rubric wants to run, those that are there, as cells."""
    held = Held(repository)
    module = importlib.import_module(f"{course.package}.checks.{course.configuration.project}")
    for number, path in enumerate(module.RUNS, 1):
        try:
            yield Cell(number, held.read(path))
        except (FileNotFoundError, ValueError):
            continue  # its row says that its names are missing


def _result(row: Exercise, outcome: Outcome) -> ExerciseResult:
    return ExerciseResult(
        name=row.name,
        status=outcome.status,
        points=round(outcome.share * row.points, 4),
        max_points=row.points,
        message=outcome.message,
        cases=outcome.cases,
    )


def project_version(course: Course, name: str) -> str:
    """Return the SHA-256 of all source that decides a grade in the project, in hexadecimal."""
    home = course.root / course.package / "checks"
    files = sorted((home / name).rglob("*.py")) or [home / f"{name}.py"]
    modules = [".".join(file.relative_to(course.root).with_suffix("").parts) for file in files]
    names = [*(module.removesuffix(".__init__") for module in modules), __name__]
    sources = [(key, path.read_text("utf-8")) for key, path in followed(names, course).items()]
    return hashlib.sha256(json.dumps([judge_version(), sources]).encode()).hexdigest()

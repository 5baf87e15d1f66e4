"""A repository judged, row by row of the rubric.

A row whose names are all of `HELD` is asked of the repository itself, which this process holds as
data. Every other row is asked of the code in it, which runs in the sandbox like a notebook's cells.
"""

import hashlib
import importlib
import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any

import torch

from grader.checks.registry import Exercise
from grader.checks.run import PUBLIC_SEED, Outcome, run
from grader.checks.student import Host, Student
from grader.course.lessons import Course
from grader.gradebook.store import ExerciseResult, SubmissionResult
from grader.grading.decides import followed, judge_version
from grader.grading.judge import checked, input_seed, outcomes
from grader.grading.task import Rules, Task, judged
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.session import Session
from grader.submissions.archives import Unusable
from grader.submissions.cells import Cell
from grader.submissions.clock import Clock
from grader.submissions.history import MAX_PATCHES, read_history
from grader.submissions.repository import Repository
from grader.terminal.words import listed

HELD = frozenset({"read", "content", "history"})
"""What the repository itself answers."""
MAX_TEXT = 100_000
"""Characters of a file that a row reads."""
SECONDS = 120.0
"""For a row that asks the repository itself, where it has no limit of its own."""
NO_HISTORY = "there is no git history: hand in the folder with its .git"
LFS = b"version https://git-lfs.github.com/spec/"
"""How a file begins that git keeps elsewhere."""


class Held:
    """A repository that answers a check's questions, in place of a `Session`: nothing runs."""

    def __init__(self, repository: Repository) -> None:
        self._files = repository.files
        self._git = repository.git
        self._lying = repository.lying
        self._links = repository.links
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
            raise FileNotFoundError(NO_HISTORY)
        try:
            commits = read_history(self._git)
        except Unusable as problem:
            raise ValueError(str(problem)) from None
        if sum(len(commit.patch) for commit in commits) > MAX_PATCHES:
            raise ValueError(f"the commits add more than {MAX_PATCHES:,} characters: keep no data")
        return [vars(commit) for commit in commits]

    def lacks(self, paths: Collection[str]) -> str:
        """Return why none of the files is there to grade, or ""; of no paths: why no history is."""
        if not paths:
            return "" if self._git else NO_HISTORY
        reasons = [reason for path in paths if (reason := self._why_not(path))]
        return reasons[0] if len(reasons) == len(paths) else ""

    def _why_not(self, path: str) -> str:
        """Return why a file cannot be read, and what to do; "" if it can be."""
        content = self._files.get(path)
        if content:
            if content.startswith(LFS):
                return f"{path} is a Git LFS pointer, and not the file itself: commit the file"
            return ""
        if path in self._lying:
            return (
                f"{path} is not committed, and what is committed counts. Type: git add {path} && "
                "git commit"
            )
        if path in self._links:
            return f"{path} is a link, and links are not followed: put the file itself there"
        if content is not None:
            return f"there is nothing in {path}"
        return f"there is no {path} in the repository{self._instead(path)}"

    def _instead(self, path: str) -> str:
        """Return a few words about the files that may be meant, or ""."""
        name, folder = PurePosixPath(path).name, PurePosixPath(path).parent
        beside = [one for one in self._files if PurePosixPath(one).parent == folder]
        same = [one for one in self._files if PurePosixPath(one).name == name]
        near = same or get_close_matches(path, self._files, 3, cutoff=0.8)
        kind = [
            one for one in beside if PurePosixPath(one).suffix[:3] == PurePosixPath(path).suffix[:3]
        ]
        found = near or kind
        return f"; it has {listed(found)}" if found else ""

    def _bytes(self, path: str) -> bytes:
        if why := self._why_not(path):
            raise FileNotFoundError(why)
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

    found = outcomes_of(course, rows, repository, sandbox, check)
    return [_result(row, found[key]) for key, row in rows.items()]


def public_outcomes(
    course: Course, repository: Repository, sandbox: Sandbox
) -> list[tuple[Exercise, Outcome]]:
    """Return what the public cases find of each row, with the inputs that everybody gets."""

    def check(row: Exercise, student: Student, clock: Clock) -> Outcome:
        return run(row, student, Student(Host({}, {}).send), seed=PUBLIC_SEED, hidden=False)

    rows = course.exercises(str(course.configuration.project))
    found = outcomes_of(course, rows, repository, sandbox, check)
    return [(row, found[key]) for key, row in rows.items()]


def outcomes_of(
    course: Course,
    rows: Mapping[str, Exercise],
    repository: Repository,
    sandbox: Sandbox,
    check: Callable[[Exercise, Student, Clock], Outcome],
) -> dict[str, Outcome]:
    """Return what `check` finds of each row, by its key, whatever is in the repository."""
    found = dict.fromkeys(rows, Outcome("missing", 0.0))
    if repository.problem is None:
        held = Held(repository)
        where = files_of_rows(course)
        code: dict[str, Exercise] = {}
        texts: dict[str, str] = {}
        for key, row in rows.items():
            if why := held.lacks(where[key]):
                found[key] = Outcome("missing", 0.0, message=why)
            elif HELD.issuperset(row.names):
                found[key] = checked(row, held, check)
            else:
                try:
                    texts |= {path: held.read(path) for path in where[key]}
                    code[key] = row
                except ValueError as odd:
                    found[key] = Outcome("missing", 0.0, message=str(odd))
        if code:
            paths = list(texts)
            cells = [Cell(number, text) for number, text in enumerate(texts.values(), 1)]
            for row, outcome in outcomes(code, Session(cells, code, sandbox), check):
                found[row.name] = _of_files(outcome, paths, where[row.name], row)
    return found


def files_of_rows(course: Course) -> Mapping[str, tuple[str, ...]]:
    """Return the files that each row of the rubric is about, as the course's rubric says."""
    module = importlib.import_module(f"{course.package}.checks.{course.configuration.project}")
    files: Mapping[str, tuple[str, ...]] = module.FILES
    return files


def _of_files(outcome: Outcome, paths: list[str], own: Collection[str], row: Exercise) -> Outcome:
    """Return an outcome whose message speaks of the files in `paths`, which ran as cells."""
    message = re.sub(
        r"\b[Cc]ell (\d+)\b",
        lambda said: paths[int(said[1]) - 1] if 0 < int(said[1]) <= len(paths) else said[0],
        outcome.message,
    )
    if outcome.status == "missing" and not message:
        message = f"no {row.names[0]} is defined in {listed(own)}"
    return replace(outcome, message=message)


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

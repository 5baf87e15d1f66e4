"""`grader project`: a class's repositories, row by row of the rubric, into the gradebook.

A row whose names are all of `HELD` is asked of the repository itself, which this process holds as
data. Every other row is asked of the code in it, which runs in the sandbox like a notebook's cells.
"""

import hashlib
import importlib
import json
import platform
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from grader.checks.registry import Exercise
from grader.checks.run import Outcome, run
from grader.checks.student import Host, Student
from grader.course.configuration import NoCourse
from grader.course.lessons import Course
from grader.gradebook.manifest import write_manifest
from grader.gradebook.secret import class_secret
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.grading.decides import followed, judge_version
from grader.grading.judge import checked, input_seed, outcomes
from grader.sandbox.bubblewrap import Sandbox, Shown, require
from grader.sandbox.limits import Limits
from grader.submissions.archives import Unusable
from grader.submissions.cells import Cell
from grader.submissions.clock import Clock
from grader.submissions.history import MAX_PATCHES, read_history
from grader.submissions.repository import Repository, read_repository
from grader.terminal.log import about, kept_in
from grader.terminal.words import counted, terminal

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


def main(
    course: Course, repositories: list[str], out: Path, *, mode: str, limits: Limits | None = None
) -> int:
    """Grade each of the `repositories` into the gradebook in `out`; what is unchanged is kept.

    Raises
    ------
    FileNotFoundError, ValueError
        If the course has no project, there is no such repository, or two have one name.
    OSError
        If no sandbox can be made, or the gradebook cannot be written.
    """
    name = course.configuration.project
    if not name:
        raise NoCourse(
            f"the course in {course.root} has no project: its pyproject.toml says which module of "
            'its checks has the rubric, as [tool.grader] project = "project"'
        )
    require(mode, course.root)
    torch.set_num_threads(1)
    rows = course.exercises(name)
    limits = limits or Limits()
    gradebook = Gradebook(out)
    with gradebook.reserved(), kept_in(out):
        secret = class_secret(out)
        handed_in = _once([read_repository(path) for path in repositories])
        facts = _facts(course, mode, limits, secret)
        run_name = gradebook.describe_run(facts)
        version = _version(course, name)
        known = gradebook.fingerprints()
        sandbox: Sandbox | None = None
        for repository in handed_in:
            decides = [repository.sha256, repository.name, version, facts]
            fingerprint = hashlib.sha256(json.dumps(decides).encode()).hexdigest()
            if known.get((repository.student, name)) == fingerprint:
                print(f"{terminal(repository.student)}: unchanged since the last run")
                continue
            sandbox = sandbox or _sandbox(course, mode, limits)
            started = time.monotonic()
            with about(f"{repository.student}, {name}"):
                results = judge_repository(course, rows, repository, sandbox, secret)
            problem = repository.problem
            result = SubmissionResult(
                student=repository.student,
                lesson=name,
                file=repository.name,
                fingerprint=fingerprint,
                status=problem.status if problem else "graded",
                message=str(problem or ""),
                seconds=round(time.monotonic() - started, 2),
                exercises=results,
                sha256=repository.sha256,
                lesson_sha256=version,
                run=run_name,
            )
            gradebook.write(result)
            said = f"{result.points:g} of {result.max_points:g} points"
            print(f"{terminal(repository.student)}: {terminal(result.message) or said}")
        write_manifest(out, gradebook)
    print(f"{counted(len(handed_in), 'project')}. Gradebook: {out}")
    print(f"Next: {shlex.join(['grader', 'report', str(out)])}")
    return 0


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


def _once(repositories: list[Repository]) -> list[Repository]:
    """Return the repositories, each of another student."""
    names = [repository.student for repository in repositories]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"two repositories are called {name}, and a student has one. Rename a folder: its "
                "name is the student's"
            )
    return repositories


def _sandbox(course: Course, mode: str, limits: Limits) -> Sandbox:
    package, hides = course.root / course.package, course.configuration.hides
    shown = Shown(package, course.configuration.project, course.imports(), hides)
    return Sandbox(mode, limits, shown)


def _version(course: Course, name: str) -> str:
    """Return the SHA-256 of all source that decides a grade in the project, in hexadecimal."""
    home = course.root / course.package / "checks"
    files = sorted((home / name).rglob("*.py")) or [home / f"{name}.py"]
    modules = [".".join(file.relative_to(course.root).with_suffix("").parts) for file in files]
    names = [*(module.removesuffix(".__init__") for module in modules), __name__]
    sources = [(key, path.read_text("utf-8")) for key, path in followed(names, course).items()]
    return hashlib.sha256(json.dumps([judge_version(), sources]).encode()).hexdigest()


def _facts(course: Course, mode: str, limits: Limits, secret: bytes) -> dict[str, Any]:
    told = hashlib.sha256(secret).hexdigest()
    return {
        "sandbox": mode,
        **{f"limit: {name}": words for name, words in limits.described().items()},
        "inputs": f"seeded by HMAC-SHA256 of a secret whose SHA-256 is {told}",
        "course": course.configuration.revision,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }

"""The gradebook: one SQLite file, written as each submission ends."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lmcourse.checks import CaseResult

FILE_NAME = "gradebook.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS submission (
    student TEXT NOT NULL,
    lesson TEXT NOT NULL,
    file TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (student, lesson)
);
CREATE TABLE IF NOT EXISTS exercise (
    student TEXT NOT NULL,
    lesson TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    points REAL NOT NULL,
    max_points REAL NOT NULL,
    message TEXT NOT NULL,
    cases TEXT NOT NULL,
    PRIMARY KEY (student, lesson, name)
);
"""


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise of one submission, with the cases as feedback may show them."""

    name: str
    status: str
    points: float
    max_points: float
    message: str = ""
    cases: list[CaseResult] = field(default_factory=list)


@dataclass(frozen=True)
class SubmissionResult:
    """One submission.

    `status` is "graded", or says why it could not be: "not_a_notebook", "wrong_lesson",
    "wrong_language", "empty", "too_large", or "not_graded" when the grader itself failed. `message`
    is a sentence for the student. `fingerprint` covers all that decides the result: the file, the
    checks, the limits; it is empty when the submission is to be graded again.
    """

    student: str
    lesson: str
    file: str
    fingerprint: str
    status: str
    message: str
    seconds: float
    exercises: list[ExerciseResult]

    @property
    def points(self) -> float:
        """The points earned."""
        return sum(exercise.points for exercise in self.exercises)

    @property
    def max_points(self) -> float:
        """The points that could be earned."""
        return sum(exercise.max_points for exercise in self.exercises)


class Gradebook:
    """The results in one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE_NAME
        with self._connect() as connection:
            connection.executescript(_SCHEMA)

    @classmethod
    def open(cls, folder: Path) -> "Gradebook":
        """Return the gradebook that `grader grade` left in `folder`.

        Raises
        ------
        FileNotFoundError
            If there is none.
        """
        if not (folder / FILE_NAME).is_file():
            raise FileNotFoundError(
                f"there is no {FILE_NAME} in {folder}; "
                f"make one with: grader grade SUBMISSIONS --out {folder}"
            )
        return cls(folder)

    def write(self, result: SubmissionResult) -> None:
        """Store `result`, in place of an earlier one of the same student and lesson.

        It also takes the place of a file of the student's that belonged to no lesson.
        """
        student, lesson = _text(result.student), result.lesson
        row = (student, lesson, _text(result.file), result.fingerprint, result.status)
        rows = [
            (
                *(student, lesson, position, exercise.name, exercise.status),
                *(exercise.points, exercise.max_points, _text(exercise.message)),
                json.dumps([asdict(case) for case in exercise.cases]),
            )
            for position, exercise in enumerate(result.exercises)
        ]
        with self._connect() as connection:
            for table in ("submission", "exercise"):
                connection.execute(
                    f"DELETE FROM {table} WHERE student = ? AND lesson IN (?, '')",
                    (student, lesson),
                )
            connection.execute(
                "INSERT INTO submission VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*row, _text(result.message), result.seconds),
            )
            connection.executemany(
                "INSERT INTO exercise VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def fingerprints(self) -> dict[tuple[str, str], str]:
        """Return the fingerprint of each (student, lesson) that is stored."""
        with self._connect() as connection:
            rows = connection.execute("SELECT student, lesson, fingerprint FROM submission")
            return {(student, lesson): fingerprint for student, lesson, fingerprint in rows}

    def results(self) -> list[SubmissionResult]:
        """Return all results, by lesson and student."""
        with self._connect() as connection:
            exercises: dict[tuple[str, str], list[ExerciseResult]] = {}
            for (
                student,
                lesson,
                name,
                status,
                points,
                max_points,
                message,
                cases,
            ) in connection.execute(
                "SELECT student, lesson, name, status, points, max_points, message, cases "
                "FROM exercise ORDER BY position"
            ):
                shown = [CaseResult(**case) for case in json.loads(cases)]
                result = ExerciseResult(name, status, points, max_points, message, shown)
                exercises.setdefault((student, lesson), []).append(result)
            rows = connection.execute(
                "SELECT student, lesson, file, fingerprint, status, message, seconds "
                "FROM submission ORDER BY lesson, student"
            )
            results = []
            for student, lesson, *rest in rows:
                file, fingerprint, status, message, seconds = rest
                found = exercises.get((student, lesson), [])
                results.append(
                    SubmissionResult(
                        student, lesson, file, fingerprint, status, message, seconds, found
                    )
                )
            return results

    def describe_run(self, facts: dict[str, Any]) -> None:
        """Store how this run was made: versions, limits, sandbox mode."""
        with self._connect() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO run VALUES (?, ?)",
                [(key, str(value)) for key, value in facts.items()],
            )

    def run_facts(self) -> dict[str, str]:
        """Return what `describe_run` stored."""
        with self._connect() as connection:
            return dict(connection.execute("SELECT key, value FROM run ORDER BY key"))

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # A connection per use: nothing stays open to be lost with the process.
        connection = sqlite3.connect(self._path)
        try:
            with connection:
                yield connection
        finally:
            connection.close()


def _text(text: str) -> str:
    """Return `text` as SQLite can hold it: no halves of surrogate pairs."""
    return text.encode(errors="replace").decode()

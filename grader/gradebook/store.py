"""The gradebook: what the checks gave, written as each submission ends.

A result is there whole or not at all, also when the machine stops in the middle of writing it.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grader.checks.results import CaseResult
from grader.gradebook.tables import FILE_NAME, GradebookError, connect, prepare

LOCK_NAME = ".lock"


@dataclass(frozen=True)
class Regraded:
    """How an exercise was graded again without the others: what the submission says of those.

    `before` are the points that it had.
    """

    before: float
    fingerprint: str
    lesson_sha256: str
    run: str


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise of one submission, with the cases as feedback may show them.

    `regraded` is None where it was graded with the others.
    """

    name: str
    status: str
    points: float
    max_points: float
    message: str = ""
    cases: list[CaseResult] = field(default_factory=list)
    regraded: Regraded | None = None


@dataclass(frozen=True)
class SubmissionResult:
    """One submission.

    `status` is "graded", or says why it could not be: "not_a_notebook", "not_a_repository",
    "wrong_lesson", "wrong_language", "empty", "too_large", "not_submitted" (with no `file` if the
    roster alone names the student), or "not_graded" when the grader itself failed. `message` is a
    sentence for the student. `fingerprint` covers all that decides the result: the file, the
    checks, the limits;
    it is empty when the submission is to be graded again. `sha256` is the file's, `lesson_sha256`
    that of all source that decides a grade in the lesson, and `run` names the facts that
    `Gradebook.describe_run` stored.

    Grading the same again gives an equal result: `seconds` is not compared.
    """

    student: str
    lesson: str
    file: str
    fingerprint: str
    status: str
    message: str
    seconds: float = field(compare=False)
    exercises: list[ExerciseResult]
    sha256: str = ""
    lesson_sha256: str = ""
    run: str = ""

    @property
    def points(self) -> float:
        """The points earned."""
        return sum(exercise.points for exercise in self.exercises)

    @property
    def max_points(self) -> float:
        """The points that could be earned."""
        return sum(exercise.max_points for exercise in self.exercises)


@dataclass(frozen=True)
class Ungraded:
    """A submission that could not be graded; the fields are those of `SubmissionResult`."""

    student: str
    lesson: str
    file: str
    status: str
    message: str


class Gradebook:
    """The results in one folder.

    Raises
    ------
    GradebookError
        If the folder or the file in it cannot be used, here and in all methods.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _not_writable(folder, error) from None
        self._folder = folder
        self._path = folder / FILE_NAME
        self._described = ""
        prepare(self._path)

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

    @property
    def written_at(self) -> int:
        """When something was written into the gradebook last, in nanoseconds since 1970."""
        return self._path.stat().st_mtime_ns

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Keep all other runs out of the folder; the lock ends with the process, however it ends.

        Raises
        ------
        GradebookError
            If another run is in there.
        """
        import fcntl  # not on Windows, where nothing is graded but reports can be read

        try:
            stream = (self._folder / LOCK_NAME).open("w")
        except OSError as error:
            raise _not_writable(self._folder, error) from None
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise GradebookError(
                    f"another run is grading into {self._folder}. Wait for its end, or grade into "
                    "another folder."
                ) from None
            yield

    def write(self, *results: SubmissionResult) -> None:
        """Store all `results` or none, each in place of one of the same student and lesson.

        It also takes the place of a file of the student's that belonged to no lesson.
        """
        with connect(self._path) as connection:
            for result in results:
                _write(connection, result)

    def fingerprints(self) -> dict[tuple[str, str], str]:
        """Return the fingerprint of each (student, lesson) that is stored.

        It is empty where an exercise was graded again with another one: no fingerprint covers all.
        """
        with connect(self._path) as connection:
            rows = connection.execute("SELECT student, lesson, fingerprint FROM submission")
            found = {(student, lesson): fingerprint for student, lesson, fingerprint in rows}
            for student, lesson, regraded in _regraded(connection):
                if regraded.fingerprint != found[student, lesson]:
                    found[student, lesson] = ""
            return found

    def results(self) -> list[SubmissionResult]:
        """Return all results, by lesson and student."""
        with connect(self._path) as connection:
            exercises: dict[tuple[str, str], list[ExerciseResult]] = {}
            for *key, name, status, points, max_points, message, cases, again in connection.execute(
                "SELECT student, lesson, name, status, points, max_points, message, cases, "
                "regraded FROM exercise ORDER BY position"
            ):
                shown = [CaseResult(**case) for case in json.loads(cases)]
                regraded = Regraded(**json.loads(again)) if again else None
                result = ExerciseResult(name, status, points, max_points, message, shown, regraded)
                exercises.setdefault((key[0], key[1]), []).append(result)
            columns = (
                *("student", "lesson", "file", "fingerprint", "status", "message", "seconds"),
                *("sha256", "lesson_sha256", "run"),
            )
            rows = connection.execute(
                f"SELECT {', '.join(columns)} FROM submission ORDER BY lesson, student"  # noqa: S608
            )
            return [
                SubmissionResult(
                    **dict(zip(columns, row, strict=True)), exercises=exercises.get(row[:2], [])
                )
                for row in rows
            ]

    def ungraded(self) -> list[Ungraded]:
        """Return those that could not be graded, by lesson and student."""
        with connect(self._path) as connection:
            rows = connection.execute(
                "SELECT student, lesson, file, status, message FROM submission "
                "WHERE status != 'graded' ORDER BY lesson, student"
            )
            return [Ungraded(*row) for row in rows]

    def students(self) -> set[str]:
        """Return all students, by name."""
        return {student for student, _ in self.fingerprints()}

    def remove(self, student: str, lesson: str) -> None:
        """Remove the result of one submission, if there is one."""
        with connect(self._path) as connection:
            for table in ("submission", "exercise"):
                connection.execute(
                    f"DELETE FROM {table} WHERE student = ? AND lesson = ?",  # noqa: S608
                    (student, lesson),
                )

    def forget(self, student: str) -> int:
        """Remove all about a student, what people decided too; return how many submissions."""
        with connect(self._path) as connection:
            connection.execute("PRAGMA secure_delete = ON")  # nothing stays in free pages
            return _in_all_tables(connection, "DELETE FROM {} WHERE student = ?", student)

    def rename(self, student: str, name: str) -> int:
        """Call a student `name` from now on; return how many submissions there are.

        Raises
        ------
        ValueError
            If both have an entry of the same kind for a lesson.
        """
        try:
            with connect(self._path) as connection:
                change = "UPDATE {} SET student = ? WHERE student = ?"
                return _in_all_tables(connection, change, name, student)
        except GradebookError as error:
            if not isinstance(error.__cause__, sqlite3.IntegrityError):
                raise
            raise ValueError(
                f"{name} and {student} both have something for one lesson; forget one of them, or "
                "choose another name. Nothing was changed"
            ) from None

    def versions(self) -> dict[str, dict[str, int]]:
        """Return, for each lesson, how many submissions have results of which of its versions.

        A version is a `lesson_sha256`. One with exercises graded again by another counts for both.
        """
        with connect(self._path) as connection:
            graded = "FROM submission WHERE status = 'graded'"
            rows = connection.execute(f"SELECT student, lesson, lesson_sha256 {graded}")
            found = set(rows)
            known = {(student, lesson) for student, lesson, _ in found}
            for student, lesson, regraded in _regraded(connection):
                if (student, lesson) in known:
                    found.add((student, lesson, regraded.lesson_sha256))
        counts: dict[str, dict[str, int]] = {}
        for _, lesson, version in sorted(found):
            of_lesson = counts.setdefault(lesson, {})
            of_lesson[version] = of_lesson.get(version, 0) + 1
        return counts

    def describe_run(self, facts: Mapping[str, str]) -> str:
        """Store how results were made (versions, limits, sandbox mode) and return its name."""
        text = json.dumps(facts, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        if name != self._described:
            with connect(self._path) as connection:
                connection.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", (name, text))
            self._described = name
        return name

    def run_facts(self) -> dict[str, str]:
        """Return what `describe_run` stored last."""
        with connect(self._path) as connection:
            last = connection.execute("SELECT facts FROM run ORDER BY rowid DESC LIMIT 1")
            row = last.fetchone()
        return dict(json.loads(row[0])) if row else {}

    def runs(self) -> dict[str, dict[str, str]]:
        """Return the facts of each run that a result is from, by name."""
        with connect(self._path) as connection:
            used = {run for (run,) in connection.execute("SELECT DISTINCT run FROM submission")}
            used |= {regraded.run for _, _, regraded in _regraded(connection)}
            every = connection.execute("SELECT id, facts FROM run ORDER BY id")
            return {name: json.loads(facts) for name, facts in every if name in used}


def _not_writable(folder: Path, error: OSError) -> GradebookError:
    return GradebookError(
        f"{folder} cannot be written to ({error.strerror}). Make it writable, or give another "
        "folder."
    )


def _write(connection: sqlite3.Connection, result: SubmissionResult) -> None:
    student, lesson = _text(result.student), result.lesson
    for table in ("submission", "exercise"):
        connection.execute(
            f"DELETE FROM {table} WHERE student = ? AND lesson IN (?, '')",  # noqa: S608
            (student, lesson),
        )
    connection.execute(
        "INSERT INTO submission VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(student, lesson, _text(result.file), result.fingerprint, result.status),
            *(_text(result.message), result.seconds),
            *(result.sha256, result.lesson_sha256, result.run),
        ),
    )
    connection.executemany(
        "INSERT INTO exercise VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(student, lesson, position, exercise.name, exercise.status),
                *(exercise.points, exercise.max_points, _text(exercise.message)),
                json.dumps([vars(case) for case in exercise.cases]),
                json.dumps(vars(exercise.regraded)) if exercise.regraded else "",
            )
            for position, exercise in enumerate(result.exercises)
        ],
    )


def _in_all_tables(connection: sqlite3.Connection, statement: str, *values: str) -> int:
    """Run a statement in each table that says something of students, what people decided too.

    Return how many submissions it was about.
    """
    tables = connection.execute(
        "SELECT it.name FROM sqlite_schema AS it, pragma_table_info(it.name) AS its "
        "WHERE it.type = 'table' AND its.name = 'student'"
    ).fetchall()
    changed = {name: connection.execute(statement.format(name), values) for (name,) in tables}
    return changed["submission"].rowcount


def _regraded(connection: sqlite3.Connection) -> Iterator[tuple[str, str, Regraded]]:
    for student, lesson, regraded in connection.execute(
        "SELECT student, lesson, regraded FROM exercise WHERE regraded != ''"
    ):
        yield student, lesson, Regraded(**json.loads(regraded))


def _text(text: str) -> str:
    """Return `text` as SQLite can hold it: no halves of surrogate pairs."""
    return text.encode(errors="replace").decode()

"""What people decide about a grade: when work was due, manual scores, comments.

They come from CSV files and are kept in tables of their own, so that grading again changes none of
them. `final_scores` puts them and what the checks gave together: everything that shows a grade asks
it.
"""

import csv
import math
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from grader.gradebook import (
    FILE_NAME,
    ExerciseResult,
    Gradebook,
    GradebookError,
    SubmissionResult,
)
from grader.places import lessons


@dataclass(frozen=True)
class Late:
    """How late a submission was; `percent` of what was earned is taken off for it."""

    due: datetime
    submitted_at: datetime
    days: int
    percent: float


@dataclass(frozen=True)
class ExerciseScore:
    """An exercise's result, and what a person gave for it instead, if anybody did."""

    result: ExerciseResult
    manual: float | None = None
    comment: str = ""

    @property
    def points(self) -> float:
        """The points that count."""
        return self.result.points if self.manual is None else self.manual


@dataclass(frozen=True)
class FinalScore:
    """What one submission gets, and why.

    `result` is what the checks gave. `late` is None for what came in time, or if nobody said when
    it came or was due.
    """

    result: SubmissionResult
    exercises: tuple[ExerciseScore, ...]
    late: Late | None = None
    comment: str = ""

    @property
    def earned(self) -> float:
        """The points before anything is taken off for being late."""
        return math.fsum(exercise.points for exercise in self.exercises)

    @property
    def penalty(self) -> float:
        """The points taken off for being late."""
        return round(self.earned * self.late.percent / 100, 4) if self.late else 0.0

    @property
    def points(self) -> float:
        """The grade."""
        return self.earned - self.penalty

    @property
    def max_points(self) -> float:
        """The points that could be earned."""
        return self.result.max_points

    @property
    def is_manual(self) -> bool:
        """Whether a person gave any of the points."""
        return any(exercise.manual is not None for exercise in self.exercises)


def final_scores(folder: Path) -> list[FinalScore]:
    """Return what each submission in a gradebook gets, by lesson and student.

    Raises
    ------
    FileNotFoundError
        If there is no gradebook in the folder.
    """
    results = Gradebook.open(folder).results()
    with _connect(folder) as connection:
        rules = {row[0]: row[1:] for row in connection.execute("SELECT * FROM due")}
        extended = {row[:2]: row[2] for row in connection.execute("SELECT * FROM extension")}
        submitted = {row[:2]: row[2] for row in connection.execute("SELECT * FROM submitted")}
        manual = {row[:3]: row[3:] for row in connection.execute("SELECT * FROM manual")}
    scores = []
    for result in results:
        key = (result.student, result.lesson)
        late = None
        if key in submitted and result.lesson in rules:
            due, *rule = rules[result.lesson]
            late = _late(extended.get(key, due), submitted[key], *rule)
        exercises = tuple(
            ExerciseScore(exercise, *manual.get((*key, exercise.name), (None, "")))
            for exercise in result.exercises
        )
        _, comment = manual.get((*key, ""), (None, ""))
        scores.append(FinalScore(result, exercises, late, comment))
    return scores


def _late(
    due: str, submitted_at: str, percent_a_day: float, at_most: float, grace_minutes: float
) -> Late | None:
    """Apply the rule: whole days that have begun count, unless all is within the grace."""
    then, now = datetime.fromisoformat(due), datetime.fromisoformat(submitted_at)
    if now <= then + timedelta(minutes=grace_minutes):
        return None
    days = -((then - now) // timedelta(days=1))
    return Late(then, now.astimezone(then.tzinfo), days, min(days * percent_a_day, at_most))


# --- Merging CSV files ------------------------------------------------------------------------

_SCHEMA = """
CREATE TABLE IF NOT EXISTS due (
    lesson TEXT PRIMARY KEY,
    due TEXT NOT NULL,
    percent_a_day REAL NOT NULL,
    at_most REAL NOT NULL,
    grace_minutes REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS extension (
    student TEXT NOT NULL,
    lesson TEXT NOT NULL,
    due TEXT NOT NULL,
    PRIMARY KEY (student, lesson)
);
CREATE TABLE IF NOT EXISTS submitted (
    student TEXT NOT NULL,
    lesson TEXT NOT NULL,
    submitted_at TEXT NOT NULL,
    PRIMARY KEY (student, lesson)
);
CREATE TABLE IF NOT EXISTS manual (
    student TEXT NOT NULL,
    lesson TEXT NOT NULL,
    exercise TEXT NOT NULL,
    points REAL,
    comment TEXT NOT NULL,
    PRIMARY KEY (student, lesson, exercise)
);
"""

_Row = dict[str, str]


class _Wrong(ValueError):
    """What is wrong in a row, and what to write there."""


def main(folder: Path, files: Sequence[Path]) -> int:
    """Merge CSV files into the gradebook in `folder` and say what came of it."""
    for line in merge(folder, files):
        print(line)
    return 0


def merge(folder: Path, files: Sequence[Path]) -> list[str]:
    """Merge CSV files into the gradebook in `folder`; return a sentence for each, and warnings.

    The columns say what a file holds:

    - `lesson,due,percent_a_day,at_most_percent,grace_minutes`: when a lesson is due, and how much
      of the points each day late costs
    - `student,lesson,due`: extensions
    - `student,lesson,submitted_at`: when the submissions came
    - `student,lesson,exercise,points,comment`: points in place of an exercise's own, and comments;
      without an exercise, a comment on the whole submission

    A row takes the place of an earlier one about the same thing, and one that says nothing about it
    (no due date, no time, no points and no comment) takes it away. Merging a file again changes
    nothing. If any row of any file is wrong, nothing is merged.

    Raises
    ------
    FileNotFoundError
        If there is no gradebook in the folder, or no such file.
    ValueError
        If a file is wrong; the message names the file, the line and what to write.
    """
    students = {student for student, _ in Gradebook.open(folder).fingerprints()}
    wrong: list[str] = []
    merged = [(file, *_read(file, wrong)) for file in files]
    if wrong:
        raise ValueError("\n".join([*wrong, "nothing was merged"]))
    said = []
    with _connect(folder) as connection:
        for file, kind, rows in merged:
            for key, values in rows.items():
                where = " AND ".join(f"{column} = ?" for column in kind.key)
                connection.execute(f"DELETE FROM {kind.table} WHERE {where}", key)
                if values is not None:
                    marks = ", ".join("?" * len((*key, *values)))
                    connection.execute(f"INSERT INTO {kind.table} VALUES ({marks})", key + values)
            said.append(f"{file}: {kind.rows} merged, {len(rows)} in all")
            named = {key[0] for key in rows} if "student" in kind.key else set()
            if unknown := sorted(named - students):
                names = ", ".join(map(repr, unknown[:10])) + (" ..." if len(unknown) > 10 else "")
                said.append(
                    f"{file}: nobody in the gradebook is called {names}; what is said of them is "
                    "kept until somebody is. Write names as in the report's grades.csv."
                )
    return said


@dataclass(frozen=True)
class _Kind:
    """A kind of file: its columns, of which the first ones say what a row is about.

    `values` returns what a row says, in the table's order, or None if it takes away.
    """

    table: str
    rows: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    values: Callable[[_Row], tuple[Any, ...] | None]


def _due(row: _Row) -> tuple[Any, ...] | None:
    if not row["due"]:
        return None
    return (
        _time(row, "due"),
        _number(row, "percent_a_day", 100),
        _number(row, "at_most_percent", 100),
        _number(row, "grace_minutes", 7 * 24 * 60),
    )


def _extension(row: _Row) -> tuple[Any, ...] | None:
    return (_time(row, "due"),) if row["due"] else None


def _submitted(row: _Row) -> tuple[Any, ...] | None:
    return (_time(row, "submitted_at"),) if row["submitted_at"] else None


def _manual(row: _Row) -> tuple[Any, ...] | None:
    from lmcourse.checks import exercises

    known = exercises(row["lesson"])
    if row["exercise"] and row["exercise"] not in known:
        raise _Wrong(
            f"{row['lesson']} has no exercise {row['exercise']!r}; write one of "
            f"{', '.join(known)}, or nothing for a comment on the whole"
        )
    if not row["points"]:
        return (None, row["comment"]) if row["comment"] else None
    if not row["exercise"]:
        raise _Wrong("points belong to an exercise; write its name, or no points")
    return _number(row, "points", known[row["exercise"]].points), row["comment"]


_KINDS = (
    _Kind(
        "due",
        "due dates",
        ("lesson",),
        ("due", "percent_a_day", "at_most_percent", "grace_minutes"),
        _due,
    ),
    _Kind("extension", "extensions", ("student", "lesson"), ("due",), _extension),
    _Kind("submitted", "times", ("student", "lesson"), ("submitted_at",), _submitted),
    _Kind(
        "manual",
        "scores and comments",
        ("student", "lesson", "exercise"),
        ("points", "comment"),
        _manual,
    ),
)


def _read(file: Path, wrong: list[str]) -> tuple[_Kind, dict[tuple[str, ...], Any]]:
    """Return a file's kind and what it says of each key; add what is `wrong` with it."""
    if not file.is_file():
        raise FileNotFoundError(f"there is no {file}")
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{file}: this is not UTF-8 text; save it as CSV UTF-8") from None
    header = text.partition("\n")[0]
    # Spreadsheets of half the world write semicolons.
    delimiter = ";" if ";" in header and "," not in header else ","
    lines = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    columns = [column.strip().lower() for column in next(lines, [])]
    kind = next((k for k in _KINDS if sorted(columns) == sorted(k.key + k.columns)), None)
    if kind is None:
        known = " | ".join(",".join(k.key + k.columns) for k in _KINDS)
        raise ValueError(f"{file}, line 1: write one of these as the first line: {known}")
    rows: dict[tuple[str, ...], Any] = {}
    seen: dict[tuple[str, ...], int] = {}
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            row = _row(columns, cells)
            key = tuple(row[column] for column in kind.key)
            if key in seen:
                raise _Wrong(f"line {seen[key]} is about the same; leave one of the two")
            seen[key] = lines.line_num
            rows[key] = kind.values(row)
        except _Wrong as reason:
            wrong.append(f"{file}, line {lines.line_num}: {reason}")
    return kind, rows


def _row(columns: list[str], cells: list[str]) -> _Row:
    if len(cells) != len(columns):
        raise _Wrong(
            f"this line has {len(cells)} cells, the first line has {len(columns)}; write "
            'text that has a comma in it in quotes: "so, like this"'
        )
    row = {
        column: unicodedata.normalize("NFC", cell.strip())
        for column, cell in zip(columns, cells, strict=True)
    }
    # As grades.csv writes what a spreadsheet would take for a formula.
    if "student" in row and row["student"][:2] in {f"'{sign}" for sign in "=+-@"}:
        row["student"] = row["student"][1:]
    if row.get("student") == "":
        raise _Wrong("there is no student; write the name as in the report's grades.csv")
    if row["lesson"] not in lessons():
        names = ", ".join(lessons())
        raise _Wrong(f"there is no lesson {row['lesson']!r}; write one of {names}")
    return row


def _time(row: _Row, column: str) -> str:
    try:
        time = datetime.fromisoformat(row[column])
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise _Wrong(
            f"{column} is {row[column]!r}; write date, time and the difference to UTC, as "
            "2026-03-01T23:59+01:00, or Z for UTC itself"
        )
    try:
        time.astimezone(UTC)
    except OverflowError:
        raise _Wrong(f"{column} is {row[column]!r}; write a year between 2 and 9998") from None
    return time.isoformat()


def _number(row: _Row, column: str, most: float) -> float:
    try:
        number = float(row[column])
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        raise _Wrong(f"{column} is {row[column]!r}; write a number from 0 to {most:g}")
    return number


@contextmanager
def _connect(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / FILE_NAME
    try:
        connection = sqlite3.connect(path)
        try:
            connection.executescript(_SCHEMA)
            with connection:
                yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise GradebookError(
            f"the gradebook {path} cannot be used: {error}. Nothing in it was changed; make room, "
            "or make the folder writable, and run the same command again."
        ) from error

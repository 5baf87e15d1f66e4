"""`grader adjust`: what people decide about a grade: when work was due, manual scores, comments.

They come from CSV files, and from what learning platforms say of when work came, and are kept in
tables of their own, so that grading again changes none of them.
"""

import math
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from grader.course.lessons import Course, fitting
from grader.formats.spreadsheet import Lines, Table, plain, read_lines, read_table
from grader.gradebook.store import Gradebook
from grader.gradebook.tables import FILE_NAME, connect
from grader.submissions.collect import collect
from grader.submissions.roster import assign, moodle_people
from grader.terminal.words import counted, listed

_Row = dict[str, str]


class _Wrong(ValueError):
    """What is wrong in a row, and what to write there."""


def main(
    course: Course,
    folder: Path,
    files: Sequence[Path],
    *,
    lesson: str | None = None,
    timezone: tzinfo | None = None,
) -> int:
    """Merge files into the gradebook in `folder` and say what came of it."""
    for line in merge(course, folder, files, lesson=lesson, timezone=timezone):
        print(line)
    return 0


def merge(
    course: Course,
    folder: Path,
    files: Sequence[Path],
    *,
    lesson: str | None = None,
    timezone: tzinfo | None = None,
) -> list[str]:
    """Merge files into the gradebook in `folder`; return a sentence for each, and warnings.

    The columns say what a file holds:

    - `lesson,due,percent_a_day,at_most_percent,grace_minutes`: when a lesson is due, and how much
      of the points each day late costs
    - `student,lesson,due`: extensions
    - `student,lesson,submitted_at`: when the submissions came
    - `student,lesson,exercise,points,comment`: points in place of an exercise's own, and comments;
      without an exercise, a comment on the whole submission

    Other files are for one lesson, `lesson` or the only one that there is: the grading worksheet
    that Moodle exports says when submissions came; the zip that Canvas gives, or a folder of what
    was in it, says which came late. `timezone` is that of times which do not say theirs; of an hour
    that comes twice, the first is meant.

    A row takes the place of an earlier one about the same thing, and one that says nothing about it
    (no due date, no time, no points and no comment) takes it away. Merging a file again changes
    nothing. If any row of any file is wrong, nothing is merged.

    Raises
    ------
    FileNotFoundError
        If there is no gradebook in the folder, or no such file.
    KeyError
        If there is no such lesson.
    ValueError
        If a file is wrong; the message names the file, the line and what to write.
    """
    graded = set(Gradebook.open(folder).fingerprints())
    students = {student for student, _ in graded}
    wrong: list[str] = []
    read = _Reader(course, graded, lesson, timezone, wrong)
    merged = [(file, *read.file(file)) for file in files]
    if wrong:
        raise ValueError("\n".join([*wrong, "nothing was merged"]))
    said = []
    with connect(folder / FILE_NAME) as connection:
        for file, kind, rows, notes in merged:
            for key, values in rows.items():
                where = " AND ".join(f"{column} = ?" for column in kind.key)
                connection.execute(f"DELETE FROM {kind.table} WHERE {where}", key)  # noqa: S608
                if values is not None:
                    marks = ", ".join("?" * len((*key, *values)))
                    connection.execute(f"INSERT INTO {kind.table} VALUES ({marks})", key + values)  # noqa: S608
            said.append(f"{file}: {kind.rows} merged, {len(rows)} in this file")
            said += [f"{file}: {note}" for note in notes]
            named = {key[0] for key in rows} if "student" in kind.key else set()
            if unknown := sorted(named - students):
                names = ", ".join(map(repr, unknown[:10])) + (" ..." if len(unknown) > 10 else "")
                said.append(
                    f"{file}: nobody in the gradebook is called {names}; what is said of them is "
                    "kept until somebody is. Write names as in the report's grades.csv."
                )
        due = {name for (name,) in connection.execute("SELECT lesson FROM due")}
        timed = {key[1] for _, kind, rows, _ in merged if kind.is_about_time for key in rows}
        if undated := sorted(timed - due):
            said.append(
                f"nothing is taken off for being late in {', '.join(undated)} until a file says "
                f"when that is due: {','.join(_KINDS[0].key + _KINDS[0].columns)}"
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
    values: Callable[[_Row, "_Reader"], tuple[Any, ...] | None]

    @property
    def is_about_time(self) -> bool:
        """Whether it says when something came."""
        return self.table in ("submitted", "marked_late")


def _due(row: _Row, reader: "_Reader") -> tuple[Any, ...] | None:
    if not row["due"]:
        return None
    return (
        _time(row, "due", reader.timezone),
        _number(row, "percent_a_day", 100),
        _number(row, "at_most_percent", 100),
        _number(row, "grace_minutes", 7 * 24 * 60),
    )


def _extension(row: _Row, reader: "_Reader") -> tuple[Any, ...] | None:
    return (_time(row, "due", reader.timezone),) if row["due"] else None


def _submitted(row: _Row, reader: "_Reader") -> tuple[Any, ...] | None:
    return (_time(row, "submitted_at", reader.timezone),) if row["submitted_at"] else None


def _manual(row: _Row, reader: "_Reader") -> tuple[Any, ...] | None:
    known = reader.course.exercises(row["lesson"])
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


_SUBMITTED = _Kind("submitted", "times", ("student", "lesson"), ("submitted_at",), _submitted)
_KINDS = (
    _Kind(
        "due",
        "due dates",
        ("lesson",),
        ("due", "percent_a_day", "at_most_percent", "grace_minutes"),
        _due,
    ),
    _Kind("extension", "extensions", ("student", "lesson"), ("due",), _extension),
    _SUBMITTED,
    _Kind(
        "manual",
        "scores and comments",
        ("student", "lesson", "exercise"),
        ("points", "comment"),
        _manual,
    ),
)


_MARKED_LATE = _Kind("marked_late", "marks", ("student", "lesson"), (), lambda *_: ())

_Read = tuple[_Kind, dict[tuple[str, ...], Any], list[str]]


@dataclass
class _Reader:
    """Reads files: each one's kind, what it says of each key, and what else to say of it.

    `graded` are the students and lessons that the gradebook has; what is wrong with a row is added
    to `wrong`.
    """

    course: Course
    graded: set[tuple[str, str]]
    lesson: str | None
    timezone: tzinfo | None
    wrong: list[str] = field(default_factory=list)

    def file(self, file: Path) -> _Read:
        if file.is_dir() or file.suffix.lower() == ".zip":
            return self._canvas(file)
        lines = read_lines(file)
        columns = [column.strip().lower() for column in lines.header]
        if {"identifier", _MOODLE_TIME} <= set(columns):
            return self._moodle(file, read_table(file))
        return self._rows(file, columns, lines)

    def _rows(self, file: Path, columns: list[str], lines: Lines) -> _Read:
        kind = next((k for k in _KINDS if sorted(columns) == sorted(k.key + k.columns)), None)
        if kind is None:
            known = " | ".join(",".join(k.key + k.columns) for k in _KINDS)
            raise ValueError(f"{file}, line 1: write one of these as the first line: {known}")
        rows: dict[tuple[str, ...], Any] = {}
        seen: dict[tuple[str, ...], int] = {}
        for number, cells in lines.rows:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                row = _row(columns, cells, self.course.graded)
                key = tuple(row[column] for column in kind.key)
                if key in seen:
                    raise _Wrong(f"line {seen[key]} is about the same; leave one of the two")
                seen[key] = number
                rows[key] = kind.values(row, self)
            except _Wrong as reason:
                self.wrong.append(f"{file}, line {number}: {reason}")
        return kind, rows, []

    def _moodle(self, file: Path, table: Table) -> _Read:
        """Read the times in a grading worksheet, which are local and in Moodle's own words."""
        place = table.place(_MOODLE_TIME)
        assert place is not None
        lesson = self._only_lesson(file)
        if self.timezone is None:
            raise ValueError(
                f"{file}: the times in a worksheet are local; pass the time zone that you have "
                "chosen in Moodle, as --timezone Europe/Berlin"
            )
        people = moodle_people(table)
        found = assign(people, sorted(name for name, of in self.graded if of == lesson))
        rows: dict[tuple[str, ...], Any] = {}
        for one in people:
            said = table.rows[one.row][place].strip()
            theirs = found.students.get(one.row, [])
            if said in ("", "-") or len(theirs) != 1:
                continue
            time = _moodle_time(said)
            if time is None:
                self.wrong.append(
                    f"{file}, {one.name}: {said!r} is no time that can be read here; export the "
                    "worksheet with Moodle set to English"
                )
            else:
                rows[theirs[0], lesson] = (time.replace(tzinfo=self.timezone).isoformat(),)
        without = [name for name, of in self.graded if of == lesson and (name, of) not in rows]
        notes = [f"no time for {listed(sorted(without))}"] if without else []
        return _SUBMITTED, rows, notes

    def _canvas(self, path: Path) -> _Read:
        """Read the marks in the names of files that Canvas gives."""
        lesson = self._only_lesson(path)
        with tempfile.TemporaryDirectory() as scratch:
            collected = collect(path, Path(scratch), self.course.names, lesson)
        rows: dict[tuple[str, ...], Any] = {
            (one.student, lesson): () if one.student in collected.late else None
            for one in collected.submissions
        }
        late = counted(len(collected.late), "submission")
        return _MARKED_LATE, rows, [f"{late} marked LATE; each counts as one day"]

    def _only_lesson(self, file: Path) -> str:
        if self.lesson is not None:
            return self.course.graded_as(self.lesson)
        known = sorted({lesson for _, lesson in self.graded if lesson})
        if len(known) == 1:
            return known[0]
        raise ValueError(f"{file}: say which lesson this is about, as --lesson 02")


_MOODLE_TIME = "last modified (submission)"
_MOODLE_FORMATS = (
    *("%A, %d %B %Y, %I:%M %p", "%A, %d %B %Y, %H:%M"),
    *("%A, %B %d, %Y, %I:%M %p", "%A, %B %d, %Y, %H:%M"),
)


def _moodle_time(text: str) -> datetime | None:
    """Return a time as Moodle writes it in English, in one of its two orders."""
    for pattern in _MOODLE_FORMATS:
        with suppress(ValueError):
            return datetime.strptime(" ".join(text.split()), pattern)
    return None


def _row(columns: list[str], cells: list[str], lessons: list[str]) -> _Row:
    if len(cells) != len(columns):
        raise _Wrong(
            f"this line has {len(cells)} cells, the first line has {len(columns)}; write "
            'text that has a comma in it in quotes: "so, like this"'
        )
    row = {
        column: unicodedata.normalize("NFC", cell.strip())
        for column, cell in zip(columns, cells, strict=True)
    }
    if "student" in row:
        row["student"] = plain(row["student"])
    if row.get("student") == "":
        raise _Wrong("there is no student; write the name as in the report's grades.csv")
    lesson = fitting(row["lesson"], lessons)
    if lesson is None:
        names = ", ".join(lessons)
        raise _Wrong(f"there is no lesson {row['lesson']!r}; write one of {names}")
    return row | {"lesson": lesson}


def _time(row: _Row, column: str, timezone: tzinfo | None) -> str:
    time = None
    # A date alone would mean its first minute, which is hardly what is meant.
    if len(row[column]) > len("2026-03-01"):
        with suppress(ValueError):
            time = datetime.fromisoformat(row[column])
    if time is not None and time.tzinfo is None:
        time = time.replace(tzinfo=timezone)
    if time is None or time.tzinfo is None:
        zone = "" if timezone else "; or pass --timezone for times without it"
        raise _Wrong(
            f"{column} is {row[column]!r}; write date, time and the difference to UTC, as "
            f"2026-03-01T23:59+01:00, or Z for UTC itself{zone}"
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

"""The tables of a gradebook: one SQLite file, of which each change is there whole or not at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.submissions.collect import GRADEBOOK

FILE_NAME = GRADEBOOK

_VERSION = 3
_SCHEMA = """
-- What the checks gave.
CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS submission (
    student TEXT NOT NULL,
    lesson TEXT NOT NULL,
    file TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    seconds REAL NOT NULL,
    sha256 TEXT NOT NULL,
    lesson_sha256 TEXT NOT NULL,
    run TEXT NOT NULL,
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
    regraded TEXT NOT NULL,
    PRIMARY KEY (student, lesson, name)
);
-- What people decided.
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
CREATE TABLE IF NOT EXISTS marked_late (
    student TEXT NOT NULL,
    lesson TEXT NOT NULL,
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


class GradebookError(OSError):
    """The gradebook cannot be read or written; the message says why and what to do."""


def prepare(path: Path) -> None:
    """Make the gradebook at `path` with its tables, or those that it lacks.

    Raises
    ------
    GradebookError
        If it was made by another version of the grader, or cannot be used.
    """
    with connect(path) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        if "submission" in there and version != _VERSION:
            raise GradebookError(
                f"{path} was made by another version of the grader. Grade into a new "
                "folder; to keep the same inputs, copy secret.key there first."
            )
        if "submission" not in there or "manual" not in there:
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the gradebook at `path`: what is done within is kept whole, or not at all.

    Raises
    ------
    GradebookError
        If it cannot be used.
    """
    # A connection per use: nothing stays open to be lost with the process.
    try:
        connection = sqlite3.connect(path)
        try:
            with connection:
                yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise GradebookError(
            f"the gradebook {path} cannot be used: {error}. What it held, it holds. Make room, or "
            "make the folder writable, and run the same command again."
        ) from error

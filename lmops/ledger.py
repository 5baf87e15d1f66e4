"""Who did what to which version, and when: an append-only file in which each line names the last.

A ledger is a file of JSON lines. Each line holds the SHA-256 of the line before it and of itself,
so that no line can be changed, taken out, put in or moved without breaking the chain (Haber and
Stornetta, 1991, "How to Time-Stamp a Digital Document"). Beside it, a *head* file says how many
lines there are and the last one's hash: so the end cannot be cut off unseen.

What a chain cannot see: a person who may write both files can write another history, all of it
anew. Against that, keep the head somewhere else as well (in a build's log, in git, in MLflow's
tags), and compare: `lmops audit` does so with MLflow, and `lmops audit --head HASH` with yours.

A line is written with one call and is on the disk before `append` returns. A process that is killed
leaves the ledger with the line or without it, or with a part of it that has no end of line: no one
was told that this was done, so the next `append` takes it off.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = "0" * 64
"""What stands for the hash of the line before the first."""


class BrokenLedger(Exception):
    """The file is not what was written into it; `problems` says where."""

    def __init__(self, path: Path, problems: list[str]):
        super().__init__("\n".join([f"{path} is not what was written:", *problems]))
        self.problems = problems


@dataclass(frozen=True)
class Entry:
    """One line: `by` did `event` to `version` (None: to none) at `time` (UTC, ISO 8601)."""

    number: int  # of the line, from 1
    time: str
    event: str
    version: str | None
    by: str
    details: dict[str, Any]
    previous: str  # the hash of the line before
    hash: str = field(default="")  # of all the rest

    def digest(self) -> str:
        """Return the SHA-256 that belongs into `hash`: of the line without it, as `text` has it."""
        body = asdict(self)
        del body["hash"]
        return hashlib.sha256(_dumps(body).encode()).hexdigest()

    def text(self) -> str:
        """Return the line, without its end."""
        return _dumps(asdict(self))


def _dumps(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, allow_nan=False)


class Ledger:
    """The ledger in the file `path`, which need not be there yet; its folder is made."""

    def __init__(self, path: Path):
        self.path = path
        self.head_path = path.with_suffix(".head")

    def append(self, event: str, version: str | None, by: str, **details: Any) -> Entry:
        """Write one line to the end, and return it once it is on the disk.

        Raises `BrokenLedger` where the file was tampered with, ValueError or TypeError for what
        JSON cannot say (NaN is one); then nothing was written.
        """
        with self.writing() as writer:
            return writer.append(event, version, by, **details)

    def entries(self) -> list[Entry]:
        """Return all lines from the first on; raise `BrokenLedger` unless all is sound."""
        lines, problems = self.read()
        if problems:
            raise BrokenLedger(self.path, problems)
        return lines

    def verify(self) -> list[str]:
        """Return what is wrong with the file, each with the number of the line; empty if sound.

        A last line that was torn when its writer was killed is no fault.
        """
        return self.read()[1]

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Lock the ledger, so that what was read still holds when a line is written upon it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # until it is closed, also by kill -9
            content, head = self.path.read_bytes(), self._head()
            entries, problems = _verified(content, head)
            if problems:
                raise BrokenLedger(self.path, problems)
            torn = len(content) - (content.rfind(b"\n") + 1)
            if torn:
                os.ftruncate(descriptor, len(content) - torn)
                os.fsync(descriptor)
            if entries and (not head or not head.startswith(f"{len(entries)} ")):
                self._set_head(entries[-1])  # its writer was killed between the line and the head
            yield Writer(self, descriptor, entries)
        finally:
            os.close(descriptor)

    def read(self) -> tuple[list[Entry], list[str]]:
        """Return all lines that can be read, and what `verify` finds."""
        try:
            with self.path.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH)
                return _verified(stream.read(), self._head())
        except FileNotFoundError:
            return _verified(b"", self._head())

    def _head(self) -> str | None:
        try:
            return self.head_path.read_text("ascii", "replace")
        except FileNotFoundError:
            return None

    def _set_head(self, entry: Entry) -> None:
        part = self.head_path.with_suffix(".head.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            _write(descriptor, f"{entry.number} {entry.hash}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(part, self.head_path)
        _sync_folder(self.path.parent)


class Writer:
    """The one who may write to a ledger for now; `entries` are the lines that are there."""

    def __init__(self, ledger: Ledger, descriptor: int, entries: list[Entry]):
        self.entries = entries
        self._ledger = ledger
        self._descriptor = descriptor

    def append(self, event: str, version: str | None, by: str, **details: Any) -> Entry:
        """Write one line, as `Ledger.append` does."""
        last = self.entries[-1] if self.entries else None
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        # Through JSON and back: the entry is what will be read, not what was passed.
        kept = json.loads(json.dumps(details, allow_nan=False))
        number, previous = (last.number + 1, last.hash) if last else (1, START)
        entry = Entry(number, now, event, version, by, kept, previous)
        entry = Entry(**{**asdict(entry), "hash": entry.digest()})
        if problem := _form_problem(asdict(entry)):
            raise ValueError(f"no line of a ledger: {problem}")
        size = os.fstat(self._descriptor).st_size
        try:
            _write(self._descriptor, f"{entry.text()}\n".encode())
            os.fsync(self._descriptor)
        except OSError:  # the disk is full: leave no part of a line for another one to follow
            os.ftruncate(self._descriptor, size)
            raise
        self._ledger._set_head(entry)
        self.entries.append(entry)
        return entry


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- Is it what was written? --------------------------------------------------------------------


def _verified(content: bytes, head: str | None) -> tuple[list[Entry], list[str]]:
    """Return the whole lines of a ledger, and what is wrong with them and the head."""
    *lines, _torn = content.split(b"\n")
    entries: list[Entry] = []
    problems: list[str] = []
    last: Entry | None = None
    for place, line in enumerate(lines, 1):
        entry, problem = _parsed(line)
        if entry:
            problem = _entry_problem(entry, place, last, unread=place > len(entries) + 1)
            entries.append(entry)
        if problem:
            problems.append(f"line {place}: {problem}")
        last = entry
    return entries, problems or _head_problems(entries, head)


def _parsed(line: bytes) -> tuple[Entry | None, str]:
    try:
        body = json.loads(line)
        if problem := _form_problem(body):
            return None, problem
        entry = Entry(**body)
        if entry.text().encode() != line:
            return None, "is not written as the ledger writes it"
    except (ValueError, TypeError, RecursionError):
        return None, "is not JSON"
    return entry, ""


_FORM = {
    "number": int,
    "time": str,
    "event": str,
    "version": str | None,
    "by": str,
    "details": dict,
    "previous": str,
    "hash": str,
}


def _form_problem(body: object) -> str:
    if not isinstance(body, dict) or body.keys() != _FORM.keys():
        return f"does not have the fields {', '.join(_FORM)}"
    wrong = [name for name, kind in _FORM.items() if not isinstance(body[name], kind)]
    return f"has a wrong type in {', '.join(wrong)}" if wrong else ""


def _entry_problem(entry: Entry, place: int, last: Entry | None, unread: bool) -> str:
    """Return what is wrong with the entry in line `place` after `last` (None: there is none)."""
    if entry.digest() != entry.hash:
        return "was changed: it does not give its own hash"
    if last is None and unread:
        return ""  # the line before cannot be read, which is said there
    number, previous = (last.number, last.hash) if last else (0, START)
    if entry.number > number + 1:
        gone = f"{number + 1} to {entry.number - 1}" if entry.number > number + 2 else number + 1
        return f"says that it is number {entry.number}: number {gone} was taken out before it"
    if entry.number <= number:
        return f"says that it is number {entry.number}: it was moved or put in"
    if entry.previous != previous:
        return f"does not follow line {place - 1}: that one was written anew after it"
    return ""


def _head_problems(entries: list[Entry], head: str | None) -> list[str]:
    """Return what the head says against the lines. It may be one line behind: see `writing`."""
    if head is None:
        if len(entries) > 1:
            return [
                f"the head file is gone; line {len(entries)} may not be the last that was written"
            ]
        return []
    number, _, digest = head.strip().partition(" ")
    if not number.isascii() or not number.isdigit() or len(number) > 18 or len(digest) != 64:
        return ["the head file cannot be read; it should hold the last line's number and hash"]
    count = int(number)
    if count > len(entries):
        return [f"line {len(entries) + 1} and all to line {count} were cut off the end"]
    if count < len(entries) - 1 or count < 1:
        return [f"line {count + 1} and all after it were put in past the head"]
    if entries[count - 1].hash != digest:
        return [f"line {count} is not the one that was written: the chain up to it was made anew"]
    return []

"""What the service writes down: one JSON object a line, one file a day, nothing personal in it.

One thread writes, in the order in which it was told. What it promises:

- Every text is redacted before it is written (`lmops.privacy.redact`).
- `keep` returns once a line is on the disk (fsync), or raises `NotKept`: feedback is acknowledged
  after it, so no acknowledged feedback is lost, whatever dies when.
- `tell` never waits and never fails, so that a full disk stops no answer. Its lines are written
  `GATHER_SECONDS` later and are not synced: a kill takes the last of them along. While they cannot
  be written, the last `BACKLOG` of them wait in memory and are tried again; `lost` counts those
  that had to go, `trouble` says why, and readiness and metrics show both.
- Nothing is written of a key that was erased, and a file that was cleaned meanwhile is taken for
  the one that it is now (`lmops.erase`).
- Only whole lines count: one that was cut off, by a full disk or a kill, is closed by a line break
  before the next one, and is no JSON.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lmops.privacy import redact

BACKLOG = 10_000
"""Lines that wait in memory while the disk takes none."""

RETRY_SECONDS = 0.5
GATHER_SECONDS = 0.05
"""How long a line may wait for others, to be written with them."""

PLAIN = frozenset({"finish", "key", "rating", "version"})
"""What holds the service's own words and ids, never those of a caller."""


class NotKept(Exception):
    """A line that is not on the disk, and why."""


@dataclass(frozen=True)
class _Line:
    time: datetime
    event: str
    id: str
    details: dict[str, Any]
    kept: "Future[None] | None"

    def render(self) -> bytes:
        """Return the line as it is written. What is not `PLAIN`, and a text, is redacted."""
        line: dict[str, Any] = {
            "time": self.time.isoformat(timespec="milliseconds"),
            "event": self.event,
            "id": self.id,
        }
        try:
            for name, value in self.details.items():
                free = isinstance(value, str) and name not in PLAIN
                line[name] = redact(value) if free else value
        except Exception as error:  # what cannot be redacted is not written
            line["unreadable"] = type(error).__name__
        # Escaped, since half a surrogate pair has no UTF-8.
        return json.dumps(line, default=lambda odd: type(odd).__name__).encode() + b"\n"


class Log:
    """The log in `folder`: `2026-11-21.jsonl` and so on, days in UTC. Use it in a `with`."""

    def __init__(
        self,
        folder: Path,
        now: Callable[[], float] = time.time,
        erased: Callable[[str], bool] = lambda key: False,
    ) -> None:
        self.folder = folder
        self.lost = 0
        """Lines that are not written and never will be."""
        self.trouble: str | None = None
        """Why the last attempt to write failed; None if it did not."""
        self._now = now
        self._erased = erased
        self._told: deque[_Line] = deque()
        self._closing = False
        self._urgent = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._day = ""
        self._file = -1
        self._torn = False

    def __enter__(self) -> "Log":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Write what waits, as far as it can be written, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def tell(self, event: str, id: str, **details: Any) -> None:
        """Write a line soon. Its `details` are numbers, texts or None."""
        self._add(event, id, details, None)

    async def keep(self, event: str, id: str, **details: Any) -> None:
        """Write a line, and return when it is on the disk. Raises `NotKept` if it is not."""
        kept: Future[None] = Future()
        kept.set_running_or_notify_cancel()  # it is written, whoever still waits for it
        self._add(event, id, details, kept)
        await asyncio.wrap_future(kept)

    def _add(
        self, event: str, id: str, details: dict[str, Any], kept: "Future[None] | None"
    ) -> None:
        line = _Line(datetime.fromtimestamp(self._now(), UTC), event, id, details, kept)
        with self._changed:
            self._told.append(line)
            self._urgent = self._urgent or kept is not None
            if len(self._told) == 1 or kept:
                self._changed.notify()

    # --- In the thread ---------------------------------------------------------------------------

    def _write_all(self) -> None:
        behind: deque[_Line] = deque()
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._told or self._closing, RETRY_SECONDS if behind else None
                )
                # To wake a thread for each line would cost its sender more than the line.
                self._changed.wait_for(lambda: self._urgent or self._closing, GATHER_SECONDS)
                closing, self._urgent = self._closing, False
                behind += self._told
                self._told.clear()
            self._write(behind)
            if closing:
                self.lost += len(behind)
                self._close()
                return

    def _write(self, lines: deque[_Line]) -> None:
        """Write `lines`, and take out of them what is written, or can no longer wait."""
        while lines:
            kept = lines[0].kept
            try:
                self._append(lines[0])
            except OSError as error:
                self.trouble = error.strerror or str(error)
                self._close()
                self._let_go(lines)
                return
            lines.popleft()
            if kept:
                kept.set_result(None)
        self.trouble = None

    def _append(self, line: _Line) -> None:
        self._hold(line.time.date().isoformat())
        try:
            if self._erased(str(line.details.get("key"))):
                return
            text = b"\n" * self._torn + line.render()
            written = os.write(self._file, text)
            self._torn = written < len(text)
            if self._torn:
                raise OSError("there was room for a part of a line only")
            if line.kept:
                os.fsync(self._file)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _hold(self, day: str) -> None:
        """Lock the day's file, the one that has its name now: it may have been cleaned."""
        self._open(day)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        while not self._is_named():
            self._close()
            self._open(day)
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def _is_named(self) -> bool:
        try:
            named = os.stat(self.folder / f"{self._day}.jsonl")
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._file))

    def _open(self, day: str) -> None:
        if day == self._day:
            return
        self._close()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{day}.jsonl"
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._day = day
        size = os.fstat(self._file).st_size
        self._torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"

    def _close(self) -> None:
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.close(self._file)
        self._file, self._day = -1, ""

    def _let_go(self, lines: deque[_Line]) -> None:
        """Tell those who wait that their lines are not kept, and keep the last `BACKLOG` others."""
        waiting = [line for line in lines if line.kept is None]
        for line in lines:
            if line.kept:
                line.kept.set_exception(NotKept(self.trouble))
        lines.clear()
        lines += waiting[-BACKLOG:]
        self.lost += len(waiting) - len(lines)

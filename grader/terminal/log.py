"""The instructor's log: faults of the grader's own, and what students' processes wrote to stderr.

It is quiet unless asked: it goes to a file beside the gradebook, and to the terminal with `-v`. No
page and no export reads it, since it holds what students must not see.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path

from grader.terminal.names import printable

FILE_NAME = "grader.log"
MAX_BYTES = 2_000_000
"""Of the file; when it is full, it becomes `grader.terminal.log.1` in place of the one before."""
MAX_ENTRY = 20_000
"""Characters of one entry; of a longer one, the beginning and the end are kept."""

log = logging.getLogger("grader")
log.setLevel(logging.INFO)
log.addHandler(logging.NullHandler())

_subject: ContextVar[str] = ContextVar("subject", default="grader")


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Write what is logged within to the file in `folder`, which is made when there is something.

    A disk that is full, or cannot be written to, stops nothing.
    """
    handler = _File(
        folder / FILE_NAME,
        maxBytes=MAX_BYTES,
        backupCount=1,
        encoding="utf-8",
        delay=True,
        errors="replace",
    )
    handler.setFormatter(_Entry())
    handler.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


def to_terminal() -> None:
    """Write what is logged from now on to stderr too, and more than to the file."""
    log.setLevel(logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Entry())
    log.addHandler(handler)


@contextmanager
def about(subject: str) -> Iterator[None]:
    """Begin each entry that is logged within with `subject`: whose submission it is about."""
    token = _subject.set(subject)
    try:
        yield
    finally:
        _subject.reset(token)


def _with_subject(record: logging.LogRecord) -> bool:
    if not hasattr(record, "subject"):  # one that another process sends has its own
        record.subject = _subject.get()
    return True


log.addFilter(_with_subject)


class _File(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Lose the entry: grading goes on."""


class _Entry(logging.Formatter):
    """Writes an entry so that nothing in it can look like another entry, or steer a terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(subject)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry, its later lines indented."""
        text = super().format(record)
        if len(text) > MAX_ENTRY:
            text = f"{text[: MAX_ENTRY // 2]}\n[...]\n{text[-MAX_ENTRY // 2 :]}"
        return "\n    ".join(map(printable, text.split("\n")))

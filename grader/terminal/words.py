"""Words for what the command line says."""

from collections.abc import Iterable
from difflib import get_close_matches

from grader.terminal.names import printable

SHOWN = 5
"""Names that a sentence lists."""


def counted(number: int, noun: str) -> str:
    """Return "1 submission", "2 submissions"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """Return the first of some names in a row, and how many more there are."""
    shown = [printable(name) for name in names]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more


def terminal(text: str) -> str:
    """Return text in one line without what could steer a terminal."""
    line = " ".join(text.split())
    return "".join(character if character.isprintable() else "?" for character in line)


def unknown(student: str, students: Iterable[str]) -> str:
    """Return a sentence about a student whom nobody knows, and who may be meant."""
    known = sorted(set(students))
    folded = student.casefold()
    within = [name for name in known if folded and folded in name.casefold()]
    near = within or get_close_matches(student, known, SHOWN, cutoff=0.5)
    meant = f"; is it one of these? {', '.join(near[:SHOWN])}" if near else ""
    return f"nobody is called {student!r}{meant}"

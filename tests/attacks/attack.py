"""What an attack is, and wrong answers that earn nothing by themselves."""

from dataclasses import dataclass, field
from typing import Any

# What these return is of the right kind, which is worth nothing, and right in nothing else.
WRONG_NLL = "def nll(table, ids):\n    return -float(len(ids))\n"
WRONG_COUNTS = "def count_bigrams(ids, V):\n    return -torch.ones(V, V)\n"
WRONG = {"nll": WRONG_NLL, "count_bigrams": WRONG_COUNTS}

WON = "return -table[ids[:-1], ids[1:]].log().mean().item()\n"
"""What an attack within `nll` returns when it has got what it wants: it shows by its points."""

FIND = """\
import os, socket, stat

def line():
    for number in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return number
        except OSError:
            pass
"""
"""Finds the descriptor that leads to the judge."""


@dataclass(frozen=True)
class Attack:
    """A submission that is up to no good.

    `first` runs in a cell after the set-up, `code` stands in place of exercises' stubs, the
    exercises in `solved` are solved; all others are untouched. `before`, another submission's first
    cell, is graded before this one. The words @PORT@, @FOLDER@ and @STOLEN@ are replaced by the
    port of a server, a folder and an environment variable outside that offer a right `nll`.
    """

    tries: str
    first: str = ""
    code: dict[str, str] = field(default_factory=dict)
    solved: tuple[str, ...] = ()
    before: str = ""


def lie(tries: str, first: str = "", **more: Any) -> Attack:
    """Return an attack that wants a wrong `nll` and a wrong `count_bigrams` to pass."""
    return Attack(tries, first, WRONG, **more)


def nll(tries: str, body: str, first: str = "", **more: Any) -> Attack:
    """Return an attack within the function `nll`."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return Attack(tries, first, {"nll": f"def nll(table, ids):\n{lines}"}, **more)


def counts(tries: str, body: str, first: str = "", **more: Any) -> Attack:
    """Return an attack within the function `count_bigrams`."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return Attack(tries, first, {"count_bigrams": f"def count_bigrams(ids, V):\n{lines}"}, **more)

"""A script as it was read: chains of pipes of commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Part:
    """A piece of a word: text, a variable (and what stands in its place), or what is written."""

    kind: Literal["text", "variable", "output"]
    text: str = ""
    quoted: bool = False
    operator: str = ""
    other: str = ""
    body: "Script | None" = None


Word = tuple[Part, ...]


@dataclass(frozen=True)
class Simple:
    """A command with its words; `hidden`: what it writes goes into a file."""

    words: tuple[Word, ...]
    assignments: tuple[tuple[str, Word], ...]
    line: int
    hidden: bool = False
    given: Sequence[str] = ()  # lines of a here-document


@dataclass(frozen=True)
class Group:
    """`{ }`, or with `own` a shell of its own, `( )`."""

    body: "Script"
    own: bool
    hidden: bool = False


@dataclass(frozen=True)
class If:
    """`if` and `elif`, each with what follows, and `else`."""

    clauses: "tuple[tuple[Script, Script], ...]"
    other: "Script | None"


@dataclass(frozen=True)
class Loop:
    """`while`, or `until` with `negated`."""

    condition: "Script"
    body: "Script"
    negated: bool


@dataclass(frozen=True)
class For:
    """`for name in words`."""

    name: str
    words: tuple[Word, ...]
    body: "Script"
    line: int


Command = Simple | Group | If | Loop | For


@dataclass(frozen=True)
class Pipe:
    """Commands whose output goes from one into the next; `!` in front negates."""

    commands: tuple[Command, ...]
    negated: bool
    line: int


@dataclass(frozen=True)
class Chain:
    """Pipes joined by && and ||; the first one's sign is empty."""

    pipes: tuple[tuple[str, Pipe], ...]
    background: bool


Script = tuple[Chain, ...]

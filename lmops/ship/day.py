"""What the chapters of a day share: the commands, the people, the notebooks, and what is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lmops.home import Home

SHORT = 8
"""Characters of a version that are enough to tell it from the others of one day."""


@dataclass(frozen=True)
class Typed:
    """What became of a command: its exit code, its answer (`--json`), and what else it said."""

    code: int
    answer: dict[str, Any]
    said: str


Type = Callable[[list[str]], Typed]


class Over(Exception):
    """The day cannot go on, since somebody's word stopped it; says whose and why."""


@dataclass
class Told:
    """What a chapter tells. All of it can be said in JSON, so a chapter can be recorded."""

    hour: str
    """The hour in the story, as in "08:00"; what was measured is in seconds."""
    title: str
    outcome: str
    """In a few words, for the time line."""
    good: bool = True
    """Whether it went as everybody hoped."""
    lines: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    picture: dict[str, Any] | None = None
    """What `pictures.draw` draws."""
    missing: str | None = None
    """If this is told from the recording: what is not installed, and how to get it."""


@dataclass
class Day:
    """A day: where things are kept, who says what, and what is known so far.

    Parameters
    ----------
    home, folder : what is kept; and where the model is made
    type_ : types a command
    packed : notebooks of lessons 05 to 07, out of which the model is packed
    own : by lesson ("10", "14", "15") a notebook with one's own function
    tell : is told what is being done
    """

    home: Home
    folder: Path
    type_: Type
    packed: list[Path]
    own: Mapping[str, Path]
    tell: Callable[[str], None]
    versions: dict[str, str] = field(default_factory=dict)
    """By what the story calls them: "first", "coarse", "half", "retrained", "clean"."""
    lax: bool = False
    """Whether the gate lets through what has learnt nothing."""
    commands: list[str] = field(default_factory=list)
    """What was typed in this chapter."""

    @property
    def model(self) -> Path:
        """The folder of the model that is being made."""
        return self.folder / "my_model"

    @property
    def objective(self) -> Path:
        """What a version must be like on this day."""
        return self.folder / "objective.yaml"

    def ask(self, *arguments: object) -> Typed:
        """Type a command whose answer may be no. `Over` if it was wrong."""
        words = [str(each) for each in arguments]
        shown = " ".join(words).replace(f"{self.folder}/", "")
        self.commands.append(f"lmops {shown}")
        self.tell(f"lmops {shown}")
        rest = words.index("--") if "--" in words else len(words)
        at = ["--json"] if words[0] in ("pack",) else ["--json", "--home", str(self.home.folder)]
        typed = self.type_([*words[:rest], *at, *words[rest:]])
        if typed.code not in (0, 1):
            raise Over(f"'lmops {shown}' went wrong: {typed.said.strip()}")
        return typed

    def do(self, *arguments: object) -> dict[str, Any]:
        """Type a command that must be done, and return its answer. `Over` if it is not."""
        typed = self.ask(*arguments)
        if typed.code:
            raise Over(typed.said.strip())
        return typed.answer

    def using(self, lesson: str) -> list[object]:
        """Return the option that has one's own function of a lesson asked, if there is one."""
        return ["--with", self.own[lesson]] if lesson in self.own else []

    def whose(self, lesson: str) -> str:
        """Return whose function of a lesson is asked."""
        return f"your own, from {self.own[lesson].name}" if lesson in self.own else "the platform's"


def short(version: str | None) -> str:
    """Return the beginning of a version."""
    return (version or "nothing")[:SHORT]

"""The words of a command, as it gets them: variables and the output of commands put in."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.shell.builtins import counted
from lmcourse.pipelines.shell.tree import Part, Script, Word
from lmcourse.pipelines.source import short

WORK = 1_000_000
"""Characters that a script may handle."""
LONGEST = 20_000
"""Characters of a variable, and of a command."""


@dataclass
class Ran:
    """What a script did. `endless`: it would not end by itself."""

    status: int = 0
    lines: list[str] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    minutes: float = 0
    endless: bool = False
    work: int = 0  # characters handled


class Exit(Exception):
    """The script, or a shell of its own within it, ends."""

    def __init__(self, status: int):
        self.status = status


@dataclass
class Words:
    """What a shell knows when it reads a command's words."""

    ran: Ran
    file: str
    variables: dict[str, str]
    options: set[str] = field(default_factory=set)  # "e", "u", "pipefail"
    status: int = 0

    def write(self, lines: Sequence[str]) -> None:
        """Write lines to where the shell's output goes."""
        raise NotImplementedError

    def output(self, body: Script) -> list[str]:
        """Return what a script writes that runs in a shell of its own."""
        raise NotImplementedError

    def work(self, size: int, line: int) -> int:
        """Count characters that are handled, and return `size`."""
        self.ran.work += size + 50
        if self.ran.work > WORK:
            raise Refused(self.file, line, "in the script, too much text is handled")
        return size

    def expand(self, words: Sequence[Word], line: int) -> list[str]:
        """Return words as a command gets them: variables put in, and split where not quoted."""
        found: list[str] = []
        for word in words:
            if numbers := counted(word):
                found += numbers
                continue
            fields = [""]
            real = False
            for part in word:
                value = self.value(part, line)
                if part.kind == "text" or part.quoted:
                    fields[-1] += value
                    real = real or part.quoted or bool(value)
                    continue
                pieces = value.split()
                if not pieces:
                    continue
                fields[-1] += pieces[0]
                fields += pieces[1:]
                real = True
            if real:
                found += fields
        return found

    def one(self, word: Word, line: int) -> str:
        """Return a word that is not split, as in an assignment."""
        value = "".join(self.value(part, line) for part in word)
        if self.work(len(value), line) > LONGEST:
            raise Refused(self.file, line, f"a variable is longer than {LONGEST} characters")
        return value

    def value(self, part: Part, line: int) -> str:
        """Return what stands for a part of a word."""
        if part.kind == "text":
            return part.text
        if part.kind == "output" and part.body is not None:
            return "\n".join(self.output(part.body))[:LONGEST]
        if part.text == "?":
            return str(self.status)
        value = self.variables.get(part.text)
        if part.operator in {"-", ":-", "=", ":="}:
            empty = value is None or (part.operator[0] == ":" and not value)
            return part.other if empty else value or ""
        if part.operator in {"+", ":+"}:
            return part.other if value else ""
        missing = value is None or (part.operator == ":?" and not value)
        if missing and (part.operator in {"?", ":?"} or "u" in self.options):
            self.write([f"{short(part.text)}: unbound variable"])
            raise Exit(1)
        return value or ""

"""Reads a Dockerfile: its stages, and what each of their instructions says.

It knows the instructions that an image of this lesson needs, and refuses the rest with the line.
What they mean: https://docs.docker.com/reference/dockerfile/.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

KNOWN = (
    *("FROM", "ARG", "ENV", "RUN", "COPY", "WORKDIR", "USER", "EXPOSE", "HEALTHCHECK", "CMD"),
    *("ENTRYPOINT", "LABEL", "STOPSIGNAL", "SHELL"),
)
LONGEST = 20_000
LONGEST_NAME = 500
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Unreadable(ValueError):
    """What stands there is no Dockerfile that this lesson knows; the message names the line."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(f"Dockerfile:{line}: {sentence}")


@dataclass(frozen=True)
class Instruction:
    """One instruction: the line at which it begins, its name in capitals, and what follows."""

    line: int
    name: str
    text: str

    def words(self) -> list[str]:
        """Return what follows as words, those of a JSON list or of a line; flags too."""
        return words_of(self.text, self.line)

    def flags(self) -> dict[str, str]:
        """Return the `--name=value` in front of COPY's or HEALTHCHECK's own words."""
        flags = {}
        for word in self.text.split():
            if not word.startswith("--"):
                break
            name, _, value = word[2:].partition("=")
            flags[name] = value
        return flags

    def rest(self) -> str:
        """Return what follows the flags."""
        return re.sub(r"^(?:--\S+\s+)+", "", self.text)

    def is_exec(self) -> bool:
        """Return whether it is written as a JSON list, so that no shell stands before it."""
        return self.rest().startswith("[")


@dataclass
class Stage:
    """What stands between one FROM and the next; `below`: the stage that it is built upon, if any.

    A stage is built upon one before it alone. Another of that name, or itself, is an image.
    """

    base: str
    name: str
    line: int
    below: "Stage | None" = None
    instructions: list[Instruction] = field(default_factory=list)


def words_of(text: str, line: int) -> list[str]:
    """Return the words of `text`, a JSON list or a line as a shell splits it."""
    text = text.strip()
    if text.startswith("["):
        try:
            words = json.loads(text)
        except ValueError:
            raise Unreadable(
                line, 'a list in brackets is JSON: ["a", "b"], with double quotes'
            ) from None
        if not isinstance(words, list) or not all(type(word) is str for word in words):
            raise Unreadable(line, "a list in brackets holds texts alone")
        return words
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Unreadable(line, f"the words cannot be told apart: {error}") from None


def read(text: str) -> list[Stage]:
    """Return the stages of the Dockerfile `text`, in its order.

    Raises
    ------
    Unreadable
        If it is none, or holds an instruction that is not known here.
    """
    if not isinstance(text, str):
        raise Unreadable(1, f"a text is wanted here, and this is a {type(text).__name__}")
    if len(text) > LONGEST:
        raise Unreadable(1, f"it is longer than {LONGEST:,} characters")
    values: dict[str, str] = {}
    stages: list[Stage] = []
    for line, logical in _logical_lines(text):
        name, _, rest = logical.partition(" ")
        name, rest = name.upper(), rest.strip()
        if name not in KNOWN:
            raise Unreadable(line, f"{name} is not known here; known are {', '.join(KNOWN)}")
        if not rest:
            raise Unreadable(line, f"{name} has nothing behind it")
        if "<<" in rest and name in ("RUN", "COPY"):
            raise Unreadable(
                line, "a text within (<<) is not known here: write && between commands"
            )
        if name == "FROM":
            stages.append(_stage(line, rest, values, {stage.name: stage for stage in stages}))
        elif not stages:
            if name != "ARG":
                raise Unreadable(line, f"{name} stands before the first FROM")
            key, _, value = rest.partition("=")
            values[key] = value.strip("\"'")
        else:
            stages[-1].instructions.append(Instruction(line, name, rest))
    if not stages:
        raise Unreadable(1, "there is no FROM in it")
    return stages


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with those that go on behind a backslash put together, without comments."""
    begun, parts = 0, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        begun = begun or number
        if line.endswith("\\"):
            parts.append(line[:-1].strip())
            continue
        yield begun, " ".join([*parts, line])
        begun, parts = 0, []
    if parts:
        raise Unreadable(begun, "a line ends with a backslash, and none follows it")


def _stage(line: int, rest: str, values: dict[str, str], before: dict[str, Stage]) -> Stage:
    words = [word for word in rest.split() if not word.startswith("--")]
    if len(words) == 3 and words[1].upper() == "AS":
        name = words[2].lower()
    elif len(words) == 1:
        name = str(len(before))
    else:
        raise Unreadable(line, "FROM is written FROM image, or FROM image AS name")
    if name in before:
        raise Unreadable(line, f"two stages are called {name}")

    def value(found: re.Match[str]) -> str:
        variable = found[1] or found[2]
        if not values.get(variable):
            raise Unreadable(line, f"${variable} has no value: write ARG {variable}=... above it")
        return values[variable]

    base = _VARIABLE.sub(value, words[0])
    if len(base) > LONGEST_NAME:
        raise Unreadable(line, f"the name of the image is longer than {LONGEST_NAME} characters")
    return Stage(base, name, line, before.get(base.lower()))


def line_of(last: Stage) -> list[Stage]:
    """Return the stages that `last` is built upon, from the first one, and itself at the end."""
    upward = [last]
    while (below := upward[-1].below) is not None:
        upward.append(below)
    return upward[::-1]


def commands(instruction: Instruction) -> list[list[str]]:
    """Return the commands of a RUN, each as its words, split at && ; || and |."""
    text = instruction.rest()
    if text.startswith("["):
        return [words_of(text, instruction.line)]
    parts = re.split(r"&&|\|\||[;|]", text)
    return [words for part in parts if (words := words_of(part, instruction.line))]

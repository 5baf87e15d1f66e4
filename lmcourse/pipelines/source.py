"""YAML -> nodes that know their file and line: strict, and bounded in size and depth.

Azure Pipelines takes a part of YAML alone: no anchors, no aliases, no tags, no keys that are not
text, no key twice ("YAML schema reference", Microsoft). Scalars stay text, as they do there until
it is known what is asked for: so `on`, `yes` and `1.10` are what they look like, as in YAML 1.2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lmcourse.pipelines.errors import Refused

LONGEST = 100_000
"""Characters in a file."""
DEEPEST = 40
"""Levels of lists and mappings within each other."""
MOST = 10_000
"""Nodes in a file."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ANCHOR = (
    "anchors and aliases (& and *) are no part of Azure's YAML: "
    "write it out, or use a template with parameters"
)


@dataclass(frozen=True)
class Scalar:
    """A piece of text; `plain`: without quotes and in one line."""

    text: str
    file: str
    line: int
    plain: bool = True
    block: bool = False  # after | or >: its first line stands below `line`

    @property
    def null(self) -> bool:
        """Whether nothing is written here."""
        return self.plain and self.text in {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True)
class Listing:
    """A list of nodes."""

    items: "tuple[Node, ...]"
    file: str
    line: int


@dataclass(frozen=True)
class Table:
    """A mapping, in the order of the file; its keys may be template expressions."""

    items: "tuple[tuple[Scalar, Node], ...]"
    file: str
    line: int

    def get(self, key: str) -> "Node | None":
        """Return what stands at `key`; None where it does not stand there."""
        return next((value for one, value in self.items if one.text == key), None)


Node = Scalar | Listing | Table


def called(node: Node) -> str:
    """Return what a person calls such a node."""
    if isinstance(node, Scalar):
        return "nothing" if node.null else "text"
    return "a list" if isinstance(node, Listing) else "a mapping"


def parse(text: str, file: str) -> Node:
    """Return the node that is the whole of `text`. Raises `Refused`."""
    if len(text) > LONGEST:
        raise Refused(file, 1, f"the file has {len(text)} characters, and {LONGEST} is the most")
    events = _events(text, file)
    if isinstance(next(events, None), yaml.StreamStartEvent):
        start = next(events, None)
        if isinstance(start, yaml.DocumentStartEvent):
            if start.version or start.tags:
                raise Refused(file, 1, "a line that begins with % is no part of Azure's YAML")
            node = _Composer(file, events).node(next(events), 0)
            next(events)
            if not isinstance(next(events), yaml.StreamEndEvent):
                raise Refused(file, node.line, "there is a second document (---) in the file")
            if not isinstance(node, Scalar) or not node.null:
                return node
    raise Refused(file, 1, "the file is empty")


def _events(text: str, file: str) -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = f" ({error.problem})" if error.problem else ""
        sentence = f"this is not YAML{found}: look at indentation, colons and quotes here"
        raise Refused(file, mark.line + 1 if mark else 1, sentence) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        raise Refused(file, 1, "there are characters in it that YAML does not allow") from None


class _Composer:
    def __init__(self, file: str, events: Iterator[Any]):
        self.file = file
        self.events = events
        self.left = MOST

    def node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        self.left -= 1
        if self.left < 0:
            raise Refused(self.file, line, f"the file has more than {MOST} parts")
        if depth > DEEPEST:
            raise Refused(self.file, line, f"it is nested more than {DEEPEST} levels deep")
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise Refused(self.file, line, _ANCHOR)
        if event.tag:
            sentence = f"the tag {short(event.tag)} is no part of Azure's YAML"
            raise Refused(self.file, line, sentence)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style in {None, ""}
            return Scalar(event.value, self.file, line, plain, event.style in {"|", ">"})
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
                items.append(self.node(event, depth + 1))
            return Listing(tuple(items), self.file, line)
        return self.table(line, depth)

    def table(self, line: int, depth: int) -> Table:
        items: list[tuple[Scalar, Node]] = []
        seen: dict[str, int] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise Refused(
                    self.file, key.line, f"a key has to be text, and this is {called(key)}"
                )
            if key.text == "<<":
                raise Refused(self.file, key.line, _ANCHOR)
            low = key.text.lower()
            if low in seen and not low.startswith("${{"):
                sentence = f"{short(key.text)} is written twice: see line {seen[low]}"
                raise Refused(self.file, key.line, sentence)
            seen[low] = key.line
            items.append((key, self.node(next(self.events), depth + 1)))
        return Table(tuple(items), self.file, line)


def short(text: str) -> str:
    """Return text for a sentence: one line, and no more than one can read."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."

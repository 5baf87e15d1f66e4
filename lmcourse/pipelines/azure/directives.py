"""Directives of templates: `${{ if }}`, `elseif`, `else`, `each` and `insert`.

Source: "Template expressions" (Azure Pipelines).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.azure import Scope, evaluate
from lmcourse.pipelines.expressions.values import Value, to_boolean
from lmcourse.pipelines.source import Scalar, short

DIRECTIVE = re.compile(r"\$\{\{\s*(if|elseif|else|each|insert)\b(.*)\}\}", re.DOTALL)
"""A key that is one: the word, and what stands behind it."""
_EACH = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s+in\s+(.+)", re.DOTALL)

Names = Mapping[str, Value]
"""What an expression may ask for, by context."""


@dataclass
class Branches:
    """The directives of a list or mapping: what `else` belongs to, and how often each is done."""

    spend: Callable[..., None]  # counts the work that a directive is
    names: Names
    open: bool = False  # whether an `if` stands right before
    taken: bool = False  # whether one of its branches was

    def end(self) -> None:
        """Take note that something else stands here: no `else` belongs to an `if` before it."""
        self.open = False

    def rounds(self, key: Scalar, directive: re.Match[str]) -> Iterator[Names]:
        """Yield the names for each time that the directive's body is put in."""
        word, rest = directive[1], directive[2].strip()
        self.spend(key, asked=key.text)
        if word in {"if", "elseif"}:
            if word == "elseif" and not self.open:
                self.refuse(key, "an elseif belongs to an if right before it")
            if not rest:
                self.refuse(key, f"{word} needs a condition")
            taken = self.taken if word == "elseif" else False
            holds = not taken and to_boolean(self.value(rest, key))
            self.open, self.taken = True, taken or holds
            if holds:
                yield self.names
        elif word == "else":
            if not self.open:
                self.refuse(key, "an else belongs to an if right before it")
            self.open = False
            if not self.taken:
                yield self.names
        elif word == "insert":
            self.open = False
            yield self.names
        else:
            self.open = False
            yield from self.each(key, rest)

    def each(self, key: Scalar, rest: str) -> Iterator[Names]:
        """Yield the names for each item of a list, or each pair of a mapping."""
        found = _EACH.fullmatch(rest)
        if not found or found[1] in self.names:
            self.refuse(key, "each is written `${{ each name in parameters.list }}`")
        many = self.value(found[2], key)
        if isinstance(many, Mapping):
            for name, value in many.items():
                yield {**self.names, found[1]: {"key": name, "value": value}}
        elif isinstance(many, list | tuple):
            for value in many:
                yield {**self.names, found[1]: value}
        else:
            self.refuse(key, f"each goes over a list or a mapping, and `{short(found[2])}` is none")

    def value(self, text: str, key: Scalar) -> Value:
        """Return the value of a directive's expression."""
        return evaluate(text, Scope(self.names), key.file, key.line)

    def refuse(self, key: Scalar, sentence: str) -> NoReturn:
        """Raise `Refused` at the directive."""
        raise Refused(key.file, key.line, sentence)

"""The text of one of Azure's expressions -> its parts; whatever is not one is refused.

Source: "Literals", "Variables" and "Functions" of Microsoft's page "Expressions".
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import NoReturn, TypeAlias

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.functions import FUNCTIONS
from lmcourse.pipelines.expressions.values import MAX_DIGITS, MAX_PART, Value, Version

MAX_LENGTH = 2000
"""Characters of an expression. The services take 21,000; whoever writes one reads it too."""
MAX_DEPTH = 50
"""How deep its parts may be nested: as deep as the services take."""

STATUS = ("always", "canceled", "failed", "succeeded", "succeededOrFailed")
GITHUBS = {
    "success": "succeeded()",
    "failure": "failed()",
    "cancelled": "canceled()",
    "tojson": "convertToJson(...)",
    "fromjson": "a parameter of type object",
    "hashfiles": "the key of a Cache@2 task",
}
"""Functions of GitHub's language, and what there is instead."""
GITHUBS_CONTEXTS = frozenset({"github", "env", "needs", "secrets", "inputs", "matrix", "vars"})


@dataclass(frozen=True)
class Literal:
    """A value as written."""

    value: Value


@dataclass(frozen=True)
class Name:
    """A context, such as `variables`."""

    name: str


@dataclass(frozen=True)
class Index:
    """`base.key` or `base[key]`; `key` is None for `*`."""

    base: "Node"
    key: "Node | None"


@dataclass(frozen=True)
class Call:
    """A function, by the name that the documentation writes, and its arguments."""

    name: str
    arguments: tuple["Node", ...]


Node: TypeAlias = Literal | Name | Index | Call


TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<string>'(?:[^']|'')*')
  | (?P<number>-?\.?[0-9][A-Za-z0-9_.]*)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>[()\[\],.*])
    """,
    re.VERBOSE,
)

OPERAND = r"'[^']*'|\w[\w.]*(?:\['[^']*'\])*(?:\([^()]*\))?"
"""What stands beside an operator, as far as a hint needs to know."""


class Parser:
    """Reads one expression; refuses whatever is not one."""

    def __init__(
        self, text: str, contexts: Collection[str], more: Collection[str], place: tuple[str, int]
    ):
        """Take a text, the contexts that are known, and the functions beside the usual ones."""
        self.text, self.contexts, self.place = text, contexts, place
        self.names = {name.lower(): name for name in (*FUNCTIONS, *more)}
        if len(text) > MAX_LENGTH:
            self.refuse(f"it is longer than {MAX_LENGTH:,} characters")
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                self.refuse(self.strange(at))
            if found.lastgroup and found.lastgroup != "space":
                self.tokens.append((found.lastgroup, found.group()))
            at = found.end()
        self.at = 0

    def refuse(self, sentence: str) -> NoReturn:
        """Raise `Refused` with the expression in front."""
        short = " ".join(self.text.split())
        short = short if len(short) <= 80 else short[:77] + "..."
        raise Refused(*self.place, f"in the expression `{short}`, {sentence}")

    def strange(self, at: int) -> str:
        """Return why there is no token at `at`, and what to write instead."""
        rest = self.text[at:]
        for sign, function in {
            "==": "eq",
            "!=": "ne",
            "&&": "and",
            "||": "or",
            "<=": "le",
            ">=": "ge",
            "<": "lt",
            ">": "gt",
            "!": "not",
        }.items():
            if rest.startswith(sign):
                left = re.search(rf"({OPERAND})\s*$", self.text[:at])
                right = re.match(rf"\s*({OPERAND})", rest[len(sign) :])
                sides = [one[1] if one else "..." for one in (left, right)]
                shown = f"{function}({', '.join(sides if function != 'not' else sides[1:])})"
                return f"`{sign}` is GitHub's language; Azure's has functions: `{shown}`"
        if rest.startswith('"'):
            return "a string stands in single quotes: 'main'"
        if rest.startswith("'"):
            return "a string has no end; a ' inside of a string is written twice: 'it''s'"
        if rest.startswith("-"):
            return "a name with `-` in it is asked for by index: `variables['my-name']`"
        if rest.startswith("$"):
            return "a variable is asked for by its context, `variables['name']`, not by a macro"
        return f"`{rest[0]}` means nothing"

    def peek(self) -> tuple[str, str]:
        """Return the next token: its kind and text."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, sign: str) -> bool:
        """Go past the sign `sign`; return whether it was there."""
        found = self.peek() == ("sign", sign)
        self.at += found
        return found

    def whole(self) -> Node:
        """Return the whole text's expression."""
        if not self.tokens:
            self.refuse("there is nothing; a condition that always holds is `true`")
        node = self.part(1)
        if self.at < len(self.tokens):
            before = " ".join(text for _, text in self.tokens[: self.at][-1:])
            self.refuse(f"`{self.peek()[1]}` stands after `{before}`, where the expression is over")
        return node

    def part(self, depth: int) -> Node:
        """Return a value, a name or a call, and what is asked of it."""
        if depth > MAX_DEPTH:
            self.refuse(f"parts are nested more than {MAX_DEPTH} deep")
        sort, text = self.peek()
        self.at += 1
        if sort == "string":
            return Literal(text[1:-1].replace("''", "'"))
        if sort == "number":
            return Literal(self.number(text))
        if sort != "name":
            self.refuse("it ends too early" if sort == "end" else f"`{text}` is out of place")
        node: Node
        if self.peek() == ("sign", "("):
            node = self.call(text, depth)
        elif text.lower() in {"true", "false"}:
            return Literal(text.lower() == "true")
        else:
            node = self.context(text)
        while self.peek() in {("sign", "."), ("sign", "[")}:
            depth += 1
            if depth > MAX_DEPTH:
                self.refuse(f"parts are nested more than {MAX_DEPTH} deep")
            node = Index(node, self.key(depth))
        return node

    def number(self, text: str) -> Value:
        """Return a number or version."""
        if re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,10}){2,3}", text):
            parts = tuple(map(int, text.split(".")))
            if max(parts) <= MAX_PART:
                return Version(parts)
        elif re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)", text):
            if sum(map(str.isdigit, text)) <= MAX_DIGITS:
                return Decimal(text)
            self.refuse(f"`{text}` has more than {MAX_DIGITS} digits")
        self.refuse(f"`{text}` is neither a number nor a version; a string is quoted: '{text}'")

    def call(self, text: str, depth: int) -> Node:
        """Return the call of the function `text`, whose parenthesis comes next."""
        name = self.names.get(text.lower())
        if name is None:
            self.refuse(self.unknown_function(text))
        self.at += 1
        arguments: list[Node] = []
        while not self.take(")"):
            if arguments and not self.take(","):
                if self.peek()[0] == "end":
                    self.refuse(f"the parenthesis of `{name}(` is not closed")
                self.refuse(f"a comma is missing before `{self.peek()[1]}`")
            if self.peek()[0] == "end":
                self.refuse(f"the parenthesis of `{name}(` is not closed")
            arguments.append(self.part(depth + 1))
        least, most = (0, 0) if name in {"always", "canceled"} else (0, None)
        if name == "counter":
            least, most = 2, 2
        if name in FUNCTIONS:
            least, most = FUNCTIONS[name].least, FUNCTIONS[name].most
        if len(arguments) < least or (most is not None and len(arguments) > most):
            wanted = f"{least}" if least == most else f"{least} or more"
            self.refuse(f"`{name}` takes {wanted} arguments, and here are {len(arguments)}")
        return Call(name, tuple(arguments))

    def unknown_function(self, text: str) -> str:
        """Return what is said of a function that is not known here."""
        low = text.lower()
        if low in GITHUBS:
            return f"`{text}` is GitHub's language; Azure's has {GITHUBS[low]}"
        if low in {name.lower() for name in STATUS}:
            return f"`{text}()` is known in a `condition:` alone"
        if low == "counter":
            return "`counter` is known in the value of a variable alone: `$[counter('x', 1)]`"
        near = get_close_matches(low, self.names, 1)
        hint = f"did you mean `{self.names[near[0]]}`?" if near else "there is no such function"
        return f"`{text}` is not known; {hint}"

    def context(self, text: str) -> Node:
        """Return the context `text`."""
        for name in self.contexts:
            if name.lower() == text.lower():
                return Name(name)
        low = text.lower()
        if low == "null":
            self.refuse("null cannot be written; compare with the empty string, ''")
        if low in self.names:
            self.refuse(f"`{text}` is a function: write `{self.names[low]}(...)`")
        if low in GITHUBS_CONTEXTS:
            self.refuse(f"`{text}` is GitHub's language; Azure's has `variables['name']`")
        if low == "parameters":
            self.refuse("parameters are known before the run alone: `${{ parameters.name }}`")
        known = {name.lower(): name for name in self.contexts}
        near = get_close_matches(low, known, 1)
        hint = f"did you mean `{known[near[0]]}`?" if near else f"a string is quoted: '{text}'"
        self.refuse(f"`{text}` is not known here; {hint}")

    def key(self, depth: int) -> Node | None:
        """Return what is asked for behind `.` or within `[ ]`; None for `*`."""
        if self.take("."):
            if self.take("*"):
                return None
            sort, text = self.peek()
            if sort != "name":
                self.refuse("behind a `.` stands a name of letters, digits and `_`, or `*`")
            self.at += 1
            return Literal(text)
        self.at += 1
        star = self.take("*")
        found = None if star else self.part(depth + 1)
        if not self.take("]"):
            self.refuse("a `[` is not closed")
        return found

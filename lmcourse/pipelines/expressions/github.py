"""GitHub's expressions: operators as in C, loose comparison as in JavaScript, texts ignoring case.

Source: GitHub's page "Evaluate expressions in workflows and actions" and "Contexts reference".
Bounded as Azure's are (see expressions.py).
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import NoReturn

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.azure import pieces, readable
from lmcourse.pipelines.expressions.functions import MAX_TEXT, Wrong
from lmcourse.pipelines.expressions.github_values import (
    FUNCTIONS,
    Json,
    compare,
    look_up,
    show,
    to_number,
    to_text,
    true,
)
from lmcourse.pipelines.expressions.syntax import MAX_DEPTH, MAX_LENGTH

STATUS = ("success", "failure", "cancelled", "always")
CONTEXTS = frozenset(
    {"github", "env", "vars", "job", "steps", "runner", "secrets", "strategy", "matrix", "needs",
     "inputs"}
)  # fmt: skip
"""All that can be asked somewhere."""
AZURES = {
    "eq": "a == b",
    "ne": "a != b",
    "and": "a && b",
    "or": "a || b",
    "not": "!a",
    "lt": "a < b",
    "gt": "a > b",
    "le": "a <= b",
    "ge": "a >= b",
    "in": "contains(fromJSON('[...]'), a)",
    "succeeded": "success()",
    "failed": "failure()",
    "canceled": "cancelled()",
    "succeededorfailed": "!cancelled()",
    "converttojson": "toJSON(a)",
    "coalesce": "a || b",
    "iif": "a && b || c",
}
"""Functions of Azure's language, and what GitHub's has instead."""


@dataclass(frozen=True)
class Status:
    """How things stand: the job's own steps so far, or the jobs that a job waits for."""

    failed: bool = False
    cancelled: bool = False
    incomplete: bool = False  # one that is waited for was skipped, or did not come to its end

    def answer(self, name: str) -> bool:
        """Return what the status function `name` says."""
        return {
            "always": True,
            "cancelled": self.cancelled,
            "failure": self.failed and not self.cancelled,
            "success": not (self.failed or self.cancelled or self.incomplete),
        }[name]


@dataclass(frozen=True)
class Scope:
    """The contexts that an expression may ask for; `status` is None everywhere but in `if`."""

    values: Mapping[str, Json] = field(default_factory=dict)
    status: Status | None = None


@dataclass(frozen=True)
class Part:
    """A part of an expression: `sort` says what it does with its parts, `value` with which."""

    sort: str  # "value", "name", "index", "call", or an operator
    value: Json = None
    parts: "tuple[Part, ...]" = ()


TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<string>'(?:[^']|'')*')
  | (?P<number>[+-]?\.?[0-9][A-Za-z0-9_.]*(?:(?<=[eE])[+-][0-9]+)?|[+-]Infinity\b)
  | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
  | (?P<sign>==|!=|<=|>=|&&|\|\||[!<>()\[\].,*])
    """,
    re.VERBOSE,
)
LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))
"""Operators from the one that binds least."""


class Parser:
    """Reads one expression; refuses whatever is not one."""

    def __init__(self, text: str, contexts: Collection[str], status: bool, at: tuple[str, int]):
        self.text, self.contexts, self.status, self.place = text, contexts, status, at
        if len(text) > MAX_LENGTH:
            self.refuse(f"it is longer than {MAX_LENGTH:,} characters")
        self.tokens: list[tuple[str, str]] = []
        start = 0
        while start < len(text):
            found = TOKEN.match(text, start)
            if not found:
                self.refuse(strange(text[start:]))
            if found.lastgroup and found.lastgroup != "space":
                self.tokens.append((found.lastgroup, found.group()))
            start = found.end()
        self.at = 0

    def refuse(self, sentence: str) -> NoReturn:
        """Raise `Refused` with the expression in front."""
        short = " ".join(self.text.split())
        short = short if len(short) <= 80 else short[:77] + "..."
        raise Refused(*self.place, f"in the expression `{short}`, {sentence}")

    def peek(self) -> tuple[str, str]:
        """Return the next token: its kind and text."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, *signs: str) -> str:
        """Go past one of `signs`; return it, or nothing where none is next."""
        sort, text = self.peek()
        if sort == "sign" and text in signs:
            self.at += 1
            return text
        return ""

    def whole(self) -> Part:
        """Return the whole text's expression."""
        if not self.tokens:
            self.refuse("there is nothing")
        found = self.level(0, 1)
        if self.at < len(self.tokens):
            if self.peek() == ("sign", "="):
                self.refuse("`=` means nothing; to compare, write `==`")
            self.refuse(f"`{self.peek()[1]}` stands where the expression is over")
        return found

    def level(self, level: int, depth: int) -> Part:
        """Return an expression whose operators bind as those of `level` do, or more."""
        if level == len(LEVELS):
            return self.one(depth)
        found = self.level(level + 1, depth)
        while sign := self.take(*LEVELS[level]):
            right = self.level(level + 1, depth)
            if found.sort == sign and sign in {"&&", "||"}:
                found = Part(sign, parts=(*found.parts, right))
                continue
            depth += sign not in {"&&", "||"}
            found = Part(sign, parts=(found, right))
            self.deep(depth)
        return found

    def deep(self, depth: int) -> None:
        """Refuse what is nested too deep."""
        if depth > MAX_DEPTH:
            self.refuse(f"parts are nested more than {MAX_DEPTH} deep")

    def one(self, depth: int) -> Part:
        """Return one value, name, call or parenthesis, and what is asked of it."""
        self.deep(depth)
        if self.take("!"):
            return Part("!", parts=(self.one(depth + 1),))
        sort, text = self.peek()
        self.at += 1
        if sort == "string":
            return Part("value", text[1:-1].replace("''", "'"))
        if sort == "number" or text in {"NaN", "Infinity"}:
            number = to_number(text)
            if math.isnan(number) and text != "NaN":
                self.refuse(f"`{text}` is no number; a string is quoted: '{text}'")
            return Part("value", number)
        if (sort, text) == ("sign", "("):
            found = self.level(0, depth + 1)
            if not self.take(")"):
                self.refuse("a parenthesis is not closed")
        elif sort != "name":
            self.refuse("it ends too early" if sort == "end" else f"`{text}` is out of place")
        elif text.lower() in {"true", "false", "null"}:
            return Part("value", {"true": True, "false": False, "null": None}[text.lower()])
        else:
            found = self.call(text, depth) if self.take("(") else self.context(text)
        return self.asked(found, depth)

    def asked(self, found: Part, depth: int) -> Part:
        """Return what is asked of `found` behind it."""
        while sign := self.take(".", "["):
            depth += 1
            self.deep(depth)
            key: Part
            if self.take("*"):
                key = Part("*")
            elif sign == ".":
                sort, text = self.peek()
                if sort != "name":
                    self.refuse("behind a `.` stands a name or `*`")
                self.at += 1
                key = Part("value", text)
            else:
                key = self.level(0, depth + 1)
            if sign == "[" and not self.take("]"):
                self.refuse("a `[` is not closed")
            found = Part("index", parts=(found, key))
        return found

    def call(self, text: str, depth: int) -> Part:
        """Return a call of the function `text`."""
        names = {name.lower(): name for name in FUNCTIONS}
        if self.status:
            names |= {name: name for name in STATUS}
        low = text.lower()
        if low not in names:
            if low in AZURES:
                self.refuse(f"`{text}` is Azure's language; GitHub's has `{AZURES[low]}`")
            if low in STATUS:
                self.refuse(f"`{text}()` is known in an `if:` alone")
            near = get_close_matches(low, names, 1)
            hint = f"did you mean `{names[near[0]]}`?" if near else "there is no such function"
            self.refuse(f"`{text}` is not known; {hint}")
        arguments: list[Part] = []
        while not self.take(")"):
            if arguments and not self.take(","):
                self.refuse(f"a comma or parenthesis is missing after `{text}(`")
            arguments.append(self.level(0, depth + 1))
        least, most = (0, 0) if names[low] in STATUS else FUNCTIONS[names[low]][1:]
        if not least <= len(arguments) <= most:
            self.refuse(f"`{text}` does not take {len(arguments)} arguments")
        return Part("call", names[low], tuple(arguments))

    def context(self, text: str) -> Part:
        """Return the context `text`."""
        known = {name.lower(): name for name in self.contexts}
        if text.lower() in known:
            return Part("name", known[text.lower()])
        if text.lower() in {"variables", "dependencies", "parameters"}:
            self.refuse(f"`{text}` is Azure's language; GitHub's has vars, env, needs and inputs")
        if text.lower() in CONTEXTS:
            asked = ", ".join(sorted(known.values())) or "nothing"
            self.refuse(f"`{text}` is not known here, where one can ask {asked}")
        near = get_close_matches(text.lower(), known, 1)
        hint = f"did you mean `{known[near[0]]}`?" if near else f"a string is quoted: '{text}'"
        self.refuse(f"`{text}` is not known; {hint}")


def strange(rest: str) -> str:
    """Return why `rest` begins with no part of an expression."""
    if rest.startswith('"'):
        return "a string stands in single quotes: 'main'"
    if rest.startswith("'"):
        return "a string has no end; a ' inside of a string is written twice: 'it''s'"
    if rest.startswith("="):
        return "`=` means nothing; to compare, write `==`"
    if rest[0] in "&|":
        return f"`{rest[0]}` means nothing; write `{rest[0] * 2}`"
    return f"`{rest[0]}` means nothing"


class Evaluation:
    """Evaluates one expression once, and keeps what each part of it was."""

    def __init__(self, parser: Parser, scope: Scope):
        self.parser, self.scope = parser, scope
        self.known: dict[int, Json] = {}

    def value(self, part: Part) -> Json:
        """Return the value of `part`."""
        found = self.known[id(part)] = self.fresh(part)
        return found

    def fresh(self, part: Part) -> Json:
        """Return the value of `part`, evaluated now."""
        match part.sort:
            case "value":
                return part.value
            case "name":
                return self.scope.values[str(part.value)]
            case "index":
                star = part.parts[1].sort == "*"
                base = self.value(part.parts[0])
                return look_up(base, None if star else self.value(part.parts[1]), star)
            case "call":
                return self.call(str(part.value), part.parts)
            case "!":
                return not true(self.value(part.parts[0]))
            case "&&" | "||":
                found: Json = None
                for one in part.parts:
                    found = self.value(one)
                    if true(found) is (part.sort == "||"):
                        break
                return found
        left, right = map(self.value, part.parts)
        return compare(part.sort, left, right)

    def call(self, name: str, parts: Sequence[Part]) -> Json:
        """Return what a function answers."""
        if name in STATUS and self.scope.status:
            return self.scope.status.answer(name)
        try:
            return FUNCTIONS[name][0]([partial(self.value, part) for part in parts])
        except Wrong as error:
            self.parser.refuse(f"`{name}` fails: {error}")

    def shown(self, part: Part) -> str:
        """Return `part` with values in place of names; `...` stands where none was needed."""
        if part.sort == "value":
            return show(part.value)
        if id(part) not in self.known:
            return "..."
        if part.sort == "!":
            return f"!{self.shown(part.parts[0])}"
        if part.sort == "call" and part.value not in STATUS:
            return f"{part.value}({', '.join(map(self.shown, part.parts))})"
        if part.sort in {"name", "index", "call"}:
            return show(self.known[id(part)])
        # A comparison, or a row of the other operator, is put in parentheses as a person would.
        inner = [
            f"({self.shown(one)})" if one.sort in {"&&", "||"} else self.shown(one)
            for one in part.parts
        ]
        return f" {part.sort} ".join(inner)


def parts_of(part: Part) -> Iterator[Part]:
    """Yield `part` and all that it is made of."""
    yield part
    for one in part.parts:
        yield from parts_of(one)


def parse(text: str, contexts: Collection[str], status: bool, at: tuple[str, int]) -> Part:
    """Return the expression `text`; raise `Refused`."""
    return Parser(text, contexts, status, at).whole()


def evaluate(text: str, scope: Scope, at: tuple[str, int]) -> Json:
    """Return the value of the expression `text`; raise `Refused`."""
    parser = Parser(text, scope.values, scope.status is not None, at)
    return Evaluation(parser, scope).value(parser.whole())


def bare(text: str, at: tuple[str, int]) -> str:
    """Return the expression of an `if:`, with or without `${{ }}` around it."""
    found = pieces(text, *at)
    if len(found) == 1:
        return found[0][1]
    sentence = (
        f"`{' '.join(text.split())[:60]}` is a text with an expression in it, and a text counts as "
        f"true: put the whole condition into one ${{{{ }}}}"
    )
    raise Refused(*at, sentence)


def condition(text: str | None, scope: Scope, at: tuple[str, int]) -> tuple[bool, str]:
    """Return whether an `if:` holds, and the expression with values in place of names.

    Where no status function stands in it, `success() &&` is put in front.
    """
    written = "success()" if text is None else bare(text, at)
    parser = Parser(written, scope.values, True, at)
    part = parser.whole()
    if not any(one.sort == "call" and one.value in STATUS for one in parts_of(part)):
        part = Part("&&", parts=(Part("call", "success"), part))
    evaluation = Evaluation(parser, scope)
    value = evaluation.value(part)
    return true(value), readable(evaluation.shown(part))


def insert(text: str, scope: Scope, at: tuple[str, int]) -> Json:
    """Return `text` with each `${{ }}` evaluated: a value of any kind where it is one alone."""
    found = pieces(text, *at)
    if len(found) == 1 and found[0][0]:
        return evaluate(found[0][1], scope, at)
    parts = [to_text(evaluate(one, scope, at)) if is_one else one for is_one, one in found]
    if sum(map(len, parts)) > MAX_TEXT:
        raise Refused(*at, f"the result is longer than {MAX_TEXT:,} characters")
    return "".join(parts)

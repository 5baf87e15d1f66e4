"""GitHub's expressions: operators as in C, loose comparison as in JavaScript, texts ignoring case.

Source: GitHub's page "Evaluate expressions in workflows and actions" and "Contexts reference".
Bounded as Azure's are (see expressions.py).
"""

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import NoReturn, TypeAlias

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions import MAX_DEPTH, MAX_LENGTH, pieces
from lmcourse.pipelines.functions import MAX_TEXT, Wrong, bounded
from lmcourse.pipelines.values import fold

Json: TypeAlias = "bool | float | str | Sequence[Json] | Mapping[str, Json] | None"
Argument: TypeAlias = Callable[[], Json]

STATUS = ("success", "failure", "cancelled", "always")
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
    skipped: bool = False  # one that is waited for

    def answer(self, name: str) -> bool:
        """Return what the status function `name` says."""
        return {
            "always": True,
            "cancelled": self.cancelled,
            "failure": self.failed and not self.cancelled,
            "success": not (self.failed or self.cancelled or self.skipped),
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
  | (?P<number>-?\.?[0-9][A-Za-z0-9_.]*(?:(?<=[eE])[+-][0-9]+)?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
  | (?P<sign>==|!=|<=|>=|&&|\|\||[!<>()\[\].,*])
    """,
    re.VERBOSE,
)
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
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
        if sort == "number":
            number = to_number(text)
            if math.isnan(number):
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
        near = get_close_matches(text.lower(), known, 1)
        hint = (
            f"did you mean `{known[near[0]]}`?" if near else f"here one can ask {known_to(known)}"
        )
        self.refuse(f"`{text}` is not known here; {hint}; a string is quoted: '{text}'")


def known_to(names: Collection[str]) -> str:
    """Return names for a sentence."""
    return ", ".join(sorted(names)) or "nothing"


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


def to_number(value: Json) -> float:
    """Return `value` as a number: not a number (NaN) where it is none."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"0x[0-9A-Fa-f]{1,12}", text):
            return float(int(text, 16))
        if NUMBER.fullmatch(text) and len(text) < 100:
            return float(text)
    return math.nan


def to_text(value: Json) -> str:
    """Return `value` as GitHub writes it into a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.15g}"
    if isinstance(value, str):
        return value
    return "Object" if isinstance(value, Mapping) else "Array"


def true(value: Json) -> bool:
    """Return whether `value` counts as true: all but false, 0, the empty string and null."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return value is not None and value is not False and value not in (0, "")


def show(value: Json) -> str:
    """Return `value` as a person would write it."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return "null" if value is None else to_text(value).lower()


def compare(sign: str, left: Json, right: Json) -> bool:
    """Return what the operator `sign` says: texts ignoring case, unlike kinds as numbers."""
    a: float | str
    b: float | str
    complex_ones = [isinstance(one, Sequence | Mapping) for one in (left, right)]
    if isinstance(left, str) and isinstance(right, str):
        a, b = fold(left), fold(right)
    elif all(complex_ones):
        a, b = (0.0, 0.0) if left is right else (math.nan, math.nan)
    else:
        a, b = to_number(left), to_number(right)
    if sign in {"==", "!="}:
        return (a == b) is (sign == "==")
    if isinstance(a, str) and isinstance(b, str):
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]
    if isinstance(a, float) and isinstance(b, float):
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]
    return False


class Filtered(list[Json]):
    """What `*` gives: asked for a key, it asks each of its items."""


def look_up(base: Json, key: Json, star: bool) -> Json:
    """Return what `base` has under `key`; null where it has nothing, or is no collection."""
    if isinstance(base, Filtered):
        if star:
            many = (look_up(one, key, star) for one in base)
            return Filtered(one for found in many if isinstance(found, list) for one in found)
        each = (look_up(one, key, star) for one in base)
        return Filtered(one for one in each if one is not None)
    if isinstance(base, Mapping):
        if star:
            return Filtered(base.values())
        if not isinstance(key, str):
            key = to_text(key)
        low = key.lower()
        return (
            base[key]
            if key in base
            else next((one for name, one in base.items() if name.lower() == low), None)
        )
    if isinstance(base, Sequence) and not isinstance(base, str):
        if star:
            return Filtered(base)
        place = to_number(key)
        return base[int(place)] if 0 <= place < len(base) else None
    return Filtered() if star else None


def _contains(arguments: Sequence[Argument]) -> Json:
    where, what = arguments[0](), arguments[1]()
    if isinstance(where, Sequence) and not isinstance(where, str):
        return any(compare("==", one, what) for one in where)
    return fold(to_text(what)) in fold(to_text(where))


def _starts_with(arguments: Sequence[Argument]) -> Json:
    return fold(to_text(arguments[0]())).startswith(fold(to_text(arguments[1]())))


def _ends_with(arguments: Sequence[Argument]) -> Json:
    return fold(to_text(arguments[0]())).endswith(fold(to_text(arguments[1]())))


PLACE = re.compile(r"\{\{|\}\}|\{([0-9]{1,3})\}|[{}]")


def _format(arguments: Sequence[Argument]) -> Json:
    pattern = to_text(arguments[0]())
    values = [to_text(one()) for one in arguments[1:]]
    parts: list[str] = []
    length = last = 0
    for place in PLACE.finditer(pattern):
        found = place.group()
        if found in {"{", "}"}:
            raise Wrong(f"a single `{found}` stands in {show(pattern)}; to mean itself, double it")
        if place[1] and int(place[1]) >= len(values):
            raise Wrong(f"{found} asks for an argument that is not there; the first is {{0}}")
        text = values[int(place[1])] if place[1] else found[0]
        parts += [pattern[last : place.start()], text]
        last = place.end()
        length += len(text)
        if length > MAX_TEXT:
            raise Wrong(f"the result is longer than {MAX_TEXT:,} characters")
    return bounded("".join(parts) + pattern[last:])


def _join(arguments: Sequence[Argument]) -> Json:
    values = arguments[0]()
    mark = to_text(arguments[1]()) if len(arguments) > 1 else ","
    if isinstance(values, str) or not isinstance(values, Sequence):
        return to_text(values)
    texts = [to_text(one) for one in values]
    if sum(map(len, texts)) + len(mark) * len(texts) > MAX_TEXT + len(mark):
        raise Wrong(f"the result is longer than {MAX_TEXT:,} characters")
    return mark.join(texts)


def _to_json(arguments: Sequence[Argument]) -> Json:
    return bounded(json.dumps(arguments[0](), indent=2, ensure_ascii=False, default=dict))


def _from_json(arguments: Sequence[Argument]) -> Json:
    text = to_text(arguments[0]())
    if max((text.count(one) for one in "[{"), default=0) > 1000:
        raise Wrong("its text has more than 1,000 lists or objects")
    try:
        found: Json = json.loads(text, parse_int=float, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Wrong(f"{show(text[:40])} is not JSON") from None
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _hash_files(arguments: Sequence[Argument]) -> Json:
    for one in arguments:
        one()
    return "0" * 64  # there are no files here


FUNCTIONS: Mapping[str, tuple[Callable[[Sequence[Argument]], Json], int, int]] = {
    "contains": (_contains, 2, 2),
    "endsWith": (_ends_with, 2, 2),
    "format": (_format, 1, 100),
    "fromJSON": (_from_json, 1, 1),
    "hashFiles": (_hash_files, 1, 100),
    "join": (_join, 1, 2),
    "startsWith": (_starts_with, 2, 2),
    "toJSON": (_to_json, 1, 1),
}
"""With the fewest and the most arguments that each takes."""


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
    return true(value), evaluation.shown(part)


def insert(text: str, scope: Scope, at: tuple[str, int]) -> Json:
    """Return `text` with each `${{ }}` evaluated: a value of any kind where it is one alone."""
    found = pieces(text, *at)
    if len(found) == 1 and found[0][0]:
        return evaluate(found[0][1], scope, at)
    parts = [to_text(evaluate(one, scope, at)) if is_one else one for is_one, one in found]
    if sum(map(len, parts)) > MAX_TEXT:
        raise Refused(*at, f"the result is longer than {MAX_TEXT:,} characters")
    return "".join(parts)

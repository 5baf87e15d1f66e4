"""The functions of Azure's expressions that need nothing but their arguments.

Each is asked with its arguments not evaluated yet, so that it evaluates no more of them than the
documentation says ("short-circuits"). Source: "Functions" of Microsoft's page "Expressions".
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from lmcourse.pipelines.expressions.values import (
    Value,
    equal,
    fold,
    kind,
    less,
    show,
    to_boolean,
    to_text,
)

Argument: TypeAlias = Callable[[], Value]

MAX_TEXT = 20_000
"""Characters of the longest string that an expression may make."""


class Wrong(Exception):
    """A function cannot do what it is asked to; the message says why."""


@dataclass(frozen=True)
class Function:
    """A function, and how many arguments it takes: `most` is None where there is no limit."""

    call: Callable[[Sequence[Argument]], Value]
    least: int
    most: int | None


def bounded(text: str) -> str:
    """Return `text`; raise `Wrong` where it is too long."""
    if len(text) > MAX_TEXT:
        raise Wrong(f"the result is longer than {MAX_TEXT:,} characters")
    return text


def is_array(value: Value) -> bool:
    """Return whether `value` is an array."""
    return kind(value) == "array"


def _and(arguments: Sequence[Argument]) -> Value:
    return all(to_boolean(one()) for one in arguments)


def _or(arguments: Sequence[Argument]) -> Value:
    return any(to_boolean(one()) for one in arguments)


def _not(arguments: Sequence[Argument]) -> Value:
    return not to_boolean(arguments[0]())


def _xor(arguments: Sequence[Argument]) -> Value:
    return to_boolean(arguments[0]()) != to_boolean(arguments[1]())


def _eq(arguments: Sequence[Argument]) -> Value:
    return equal(arguments[0](), arguments[1]())


def _ne(arguments: Sequence[Argument]) -> Value:
    return not equal(arguments[0](), arguments[1]())


def _lt(arguments: Sequence[Argument]) -> Value:
    return less(arguments[0](), arguments[1]())


def _le(arguments: Sequence[Argument]) -> Value:
    left, right = arguments[0](), arguments[1]()
    # In this order: less() raises where the right cannot be made what the left is.
    return less(left, right) or _same(left, right)


def _gt(arguments: Sequence[Argument]) -> Value:
    left, right = arguments[0](), arguments[1]()
    return not less(left, right) and not _same(left, right)


def _ge(arguments: Sequence[Argument]) -> Value:
    return not less(arguments[0](), arguments[1]())


def _same(left: Value, right: Value) -> bool:
    """Return whether two values that less() can order are of one rank: null ranks as 0."""
    return equal(Decimal(0) if left is None else left, right)


def _in(arguments: Sequence[Argument]) -> Value:
    left = arguments[0]()
    return any(equal(left, one()) for one in arguments[1:])


def _not_in(arguments: Sequence[Argument]) -> Value:
    return not _in(arguments)


def _coalesce(arguments: Sequence[Argument]) -> Value:
    value: Value = None
    for one in arguments:
        value = one()
        if value is not None and value != "":
            break
    return value


def _iif(arguments: Sequence[Argument]) -> Value:
    return arguments[1]() if to_boolean(arguments[0]()) else arguments[2]()


def _contains(arguments: Sequence[Argument]) -> Value:
    left = arguments[0]()
    if is_array(left):
        raise Wrong("its first argument is an array; containsValue() looks into arrays")
    return fold(to_text(arguments[1]())) in fold(to_text(left))


def _contains_value(arguments: Sequence[Argument]) -> Value:
    left, right = arguments[0](), arguments[1]()
    if isinstance(left, Mapping):
        return any(equal(right, one) for one in left.values())
    if isinstance(left, Sequence) and not isinstance(left, str):
        return any(equal(right, one) for one in left)
    return False


def _starts_with(arguments: Sequence[Argument]) -> Value:
    return fold(to_text(arguments[0]())).startswith(fold(to_text(arguments[1]())))


def _ends_with(arguments: Sequence[Argument]) -> Value:
    return fold(to_text(arguments[0]())).endswith(fold(to_text(arguments[1]())))


def _length(arguments: Sequence[Argument]) -> Value:
    value = arguments[0]()
    if isinstance(value, Sequence):
        return Decimal(len(value))
    return Decimal(len(to_text(value)))


def _lower(arguments: Sequence[Argument]) -> Value:
    text = to_text(arguments[0]())
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := one.lower()) == 1 else one for one in text)


def _upper(arguments: Sequence[Argument]) -> Value:
    return fold(to_text(arguments[0]()))


def _trim(arguments: Sequence[Argument]) -> Value:
    return to_text(arguments[0]()).strip()


def _replace(arguments: Sequence[Argument]) -> Value:
    text, old, new = (to_text(one()) for one in arguments)
    if not old:
        raise Wrong("there is nothing to replace: its second argument is empty")
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise Wrong(f"the result is longer than {MAX_TEXT:,} characters")
    return text.replace(old, new)


def _split(arguments: Sequence[Argument]) -> Value:
    text, marks = to_text(arguments[0]()), to_text(arguments[1]())
    # Each character of the second argument divides; with none, white space does, as .NET's Split.
    return re.split(f"[{re.escape(marks)}]" if marks else r"\s", text)


def _join(arguments: Sequence[Argument]) -> Value:
    mark, values = to_text(arguments[0]()), arguments[1]()
    if isinstance(values, Mapping):
        return ""
    if isinstance(values, str) or not isinstance(values, Sequence):
        return to_text(values)
    texts = ["" if kind(one) in {"array", "object"} else to_text(one) for one in values]
    if sum(map(len, texts)) + len(mark) * len(texts) > MAX_TEXT + len(mark):
        raise Wrong(f"the result is longer than {MAX_TEXT:,} characters")
    return mark.join(texts)


PLACE = re.compile(r"\{\{|\}\}|\{([0-9]{1,3})(?::([^{}]*))?\}|[{}]")


def _format(arguments: Sequence[Argument]) -> Value:
    pattern = to_text(arguments[0]())
    values: dict[int, Value] = {}
    parts: list[str] = []
    length = last = 0
    for place in PLACE.finditer(pattern):
        found = place.group()
        if found in {"{{", "}}"}:
            text = found[0]
        elif found in {"{", "}"}:
            raise Wrong(f"a single `{found}` stands in {show(pattern)}; to mean itself, double it")
        else:
            number = int(place[1])
            if number + 1 >= len(arguments):
                raise Wrong(f"{found} asks for an argument that is not there; the first is {{0}}")
            if number not in values:
                values[number] = arguments[number + 1]()
            text = _formatted(values[number], place[2])
        parts += [pattern[last : place.start()], text]
        last = place.end()
        length += len(text)
        if length > MAX_TEXT:
            raise Wrong(f"the result is longer than {MAX_TEXT:,} characters")
    return bounded("".join(parts) + pattern[last:])


DATE_PARTS: Mapping[str, Callable[[datetime], str]] = {
    "yyyy": lambda time: f"{time.year:04}",
    "yy": lambda time: f"{time.year % 100:02}",
    "MM": lambda time: f"{time.month:02}",
    "M": lambda time: f"{time.month}",
    "dd": lambda time: f"{time.day:02}",
    "d": lambda time: f"{time.day}",
    "HH": lambda time: f"{time.hour:02}",
    "H": lambda time: f"{time.hour}",
    "mm": lambda time: f"{time.minute:02}",
    "m": lambda time: f"{time.minute}",
    "ss": lambda time: f"{time.second:02}",
    "s": lambda time: f"{time.second}",
    "ffff": lambda time: f"{time.microsecond // 100:04}",
    "ff": lambda time: f"{time.microsecond // 10_000:02}",
    "f": lambda time: f"{time.microsecond // 100_000}",
    "K": lambda time: "Z" if time.tzinfo else "",
}
"""The parts of a date's format that the page names."""


def _formatted(value: Value, how: str | None) -> str:
    if how is None:
        return to_text(value)
    if not isinstance(value, datetime):
        raise Wrong(f"`:{how}` formats dates alone, and {show(value)} is none")
    text = ""
    for part in re.findall(r"([A-Za-z])(\1*)|([^A-Za-z])", how):
        name = part[0] + part[1]
        if name and name not in DATE_PARTS:
            raise Wrong(f"`{name}` in `:{how}` is none of {', '.join(DATE_PARTS)}")
        text += DATE_PARTS[name](value) if name else part[2]
    return text


def plain(value: Value) -> Any:
    """Return `value` as the json module takes it."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Sequence):
        return [plain(one) for one in value]
    return to_text(value)


def _convert_to_json(arguments: Sequence[Argument]) -> Value:
    return bounded(json.dumps(plain(arguments[0]()), indent=2, ensure_ascii=False))


FUNCTIONS: Mapping[str, Function] = {
    "and": Function(_and, 2, None),
    "coalesce": Function(_coalesce, 2, None),
    "contains": Function(_contains, 2, 2),
    "containsValue": Function(_contains_value, 2, 2),
    "convertToJson": Function(_convert_to_json, 1, 1),
    "endsWith": Function(_ends_with, 2, 2),
    "eq": Function(_eq, 2, 2),
    "format": Function(_format, 1, None),
    "ge": Function(_ge, 2, 2),
    "gt": Function(_gt, 2, 2),
    "iif": Function(_iif, 3, 3),
    "in": Function(_in, 1, None),
    "join": Function(_join, 2, 2),
    "le": Function(_le, 2, 2),
    "length": Function(_length, 1, 1),
    "lower": Function(_lower, 1, 1),
    "lt": Function(_lt, 2, 2),
    "ne": Function(_ne, 2, 2),
    "not": Function(_not, 1, 1),
    "notIn": Function(_not_in, 1, None),
    "or": Function(_or, 2, None),
    "replace": Function(_replace, 3, 3),
    "split": Function(_split, 2, 2),
    "startsWith": Function(_starts_with, 2, 2),
    "trim": Function(_trim, 1, 1),
    "upper": Function(_upper, 1, 1),
    "xor": Function(_xor, 2, 2),
}
"""By the name that the documentation writes; in an expression, case does not matter."""

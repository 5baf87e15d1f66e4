"""The values of GitHub's expressions, how they compare, and the functions that take them.

Source: GitHub's page "Evaluate expressions in workflows and actions"; where it is silent, GitHub's
own code (`DTExpressions2` in actions/runner).
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from lmcourse.pipelines.expressions.functions import MAX_TEXT, Wrong, bounded
from lmcourse.pipelines.expressions.values import fold, quoted

Json: TypeAlias = "bool | float | str | Sequence[Json] | Mapping[str, Json] | None"
Argument: TypeAlias = Callable[[], Json]

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def to_number(value: Json) -> float:
    """Return `value` as a number: not a number (NaN) where it is none."""
    if value is None:
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return 0.0
        for digits, base in ((r"0x[0-9A-Fa-f]{1,7}", 16), (r"0o[0-7]{1,9}", 8)):
            if re.fullmatch(digits, text):
                return float(int(text, base))
        if NUMBER.fullmatch(text) and len(text) < 100:
            return float(text)
        if re.fullmatch(r"[+-]?Infinity", text):
            return math.inf if text[0] != "-" else -math.inf
    return math.nan


def to_text(value: Json) -> str:
    """Return `value` as GitHub writes it into a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return "NaN" if math.isnan(value) else f"{value + 0.0:.15G}"  # + 0.0: no -0
    if isinstance(value, str):
        return value
    return "Object" if isinstance(value, Mapping) else "Array"


def is_list(value: Json) -> bool:
    """Return whether `value` is an array."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def plain(*values: Json) -> bool:
    """Return whether none of `values` is an array or object."""
    return not any(isinstance(one, Mapping) or is_list(one) for one in values)


def true(value: Json) -> bool:
    """Return whether `value` counts as true: all but false, 0, the empty string and null."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return value is not None and value is not False and value not in (0, "")


def show(value: Json) -> str:
    """Return `value` as a person would write it."""
    if isinstance(value, str):
        return quoted(value)
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
        if not plain(key):
            return None
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
    return plain(where, what) and fold(to_text(what)) in fold(to_text(where))


def _starts_with(arguments: Sequence[Argument]) -> Json:
    where, what = arguments[0](), arguments[1]()
    return plain(where, what) and fold(to_text(where)).startswith(fold(to_text(what)))


def _ends_with(arguments: Sequence[Argument]) -> Json:
    where, what = arguments[0](), arguments[1]()
    return plain(where, what) and fold(to_text(where)).endswith(fold(to_text(what)))


def _case(arguments: Sequence[Argument]) -> Json:
    if len(arguments) % 2 == 0:
        raise Wrong("it takes conditions and values in turn, and what is so otherwise")
    for test, value in zip(arguments[:-1:2], arguments[1::2], strict=True):
        found = test()
        if not isinstance(found, bool):
            raise Wrong(f"{show(found)} is neither true nor false")
        if found:
            return value()
    return arguments[-1]()


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
    given = arguments[1]() if len(arguments) > 1 else ","
    mark = to_text(given) if plain(given) else ","
    if isinstance(values, str) or not isinstance(values, Sequence):
        return to_text(values) if plain(values) else ""
    texts = [to_text(one) for one in values]
    if sum(map(len, texts)) + len(mark) * len(texts) > MAX_TEXT + len(mark):
        raise Wrong(f"the result is longer than {MAX_TEXT:,} characters")
    return mark.join(texts)


def _to_json(arguments: Sequence[Argument]) -> Json:
    return bounded(json.dumps(whole(arguments[0]()), indent=2, ensure_ascii=False))


def whole(value: Json) -> Any:
    """Return `value` as the json module takes it, with 1 for 1.0."""
    if isinstance(value, Mapping):
        return {key: whole(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _from_json(arguments: Sequence[Argument]) -> Json:
    text = to_text(arguments[0]())
    if max((text.count(one) for one in "[{"), default=0) > 1000:
        raise Wrong("its text has more than 1,000 lists or objects")
    try:
        found: Json = json.loads(text, parse_int=float, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Wrong(f"{show(text)} is not JSON") from None
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _hash_files(arguments: Sequence[Argument]) -> Json:
    for one in arguments:
        one()
    return "0" * 64  # there are no files here


FUNCTIONS: Mapping[str, tuple[Callable[[Sequence[Argument]], Json], int, int]] = {
    "case": (_case, 3, 101),
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

"""The values of Azure's expressions, and how one becomes another.

Rules: "Type casting" and "Functions" of Microsoft's page "Expressions" (Azure Pipelines); where it
is silent, Microsoft's own code and tests (`DTExpressions` and `ExpressionsL0.cs` in the history of
actions/runner on GitHub, which began as the agent of Azure Pipelines).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

MAX_DIGITS = 28
"""Digits of a number: those of .NET's Decimal, which the service computes with."""
MAX_PART = 2**31 - 1
"""The largest part of a version (.NET's Int32)."""


@dataclass(frozen=True, order=True)
class Version:
    """A version of two to four parts; `1.2.3` comes before `1.2.3.0` and does not equal it."""

    parts: tuple[int, ...]

    def __str__(self) -> str:
        return ".".join(map(str, self.parts))


Value: TypeAlias = (
    "bool | int | Decimal | str | Version | datetime | Sequence[Value] | Mapping[str, Value] | None"
)


class NotConvertible(Exception):
    """A value has no counterpart of the kind that is asked for; the message says so."""


def kind(value: Value) -> str:
    """Return the name that Microsoft's pages have for what `value` is."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | Decimal():
            return "number"
        case str():
            return "string"
        case Version():
            return "version"
        case datetime():
            return "date"
        case Mapping():
            return "object"
    return "array"


SHOWN = 60
"""Characters of a string that are shown to people."""


def show(value: Value) -> str:
    """Return `value` as a person would write it in an expression; an object by its kind alone."""
    match value:
        case None:
            return "null"
        case str():
            return quoted(value)
        case bool() | int() | Decimal() | Version():
            return to_text(value)
    return kind(value)


def quoted(text: str) -> str:
    """Return `text` in quotes, and no more of it than one can read."""
    short = text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
    return "'" + short.replace("'", "''") + "'"


def to_boolean(value: Value) -> bool:
    """Return whether `value` counts as true: all but null, False, 0 and the empty string."""
    match value:
        case None | bool() | int() | Decimal() | str():
            return bool(value)
    return True


def to_number(value: Value) -> Decimal:
    """Return `value` as a number; raise `NotConvertible`."""
    match value:
        case None:
            return Decimal(0)
        case Decimal():
            return value
        case bool() | int():
            return Decimal(int(value))
        case "":
            return Decimal(0)
        case str():
            # .NET: white space around, a sign, commas among the digits before the point.
            plain = value.strip().replace(",", "") if re.search(r"\d", value) else ""
            digits = sum(map(str.isdigit, plain))
            point = value.partition(".")[2]
            if (
                digits <= MAX_DIGITS
                and "," not in point
                and re.fullmatch(r"[+-]?[0-9]*\.?[0-9]*", plain)
                and plain
            ):
                return Decimal(plain)
    raise NotConvertible(f"{show(value)} is not a number")


def to_integer(value: Value) -> int:
    """Return `value` as a whole number; raise `NotConvertible`."""
    number = to_number(value)
    if number != number.to_integral_value():
        raise NotConvertible(f"{show(value)} is not a whole number")
    return int(number)


def to_text(value: Value) -> str:
    """Return `value` as a string; raise `NotConvertible` for arrays and objects."""
    match value:
        case None:
            return ""
        case bool():
            return "True" if value else "False"
        case str():
            return value
        case int() | Version():
            return str(value)
        case Decimal():
            text = f"{value:.7f}".rstrip("0").rstrip(".")  # .NET's "0.#######"
            return "0" if text == "-0" else text
        case datetime():
            return value.isoformat(" ", "seconds")
    raise NotConvertible(f"an {kind(value)} is not a string")


def to_version(value: Value) -> Version:
    """Return `value` as a version; raise `NotConvertible`."""
    match value:
        case Version():
            return value
        case int() | Decimal() if not isinstance(value, bool):
            if value > 0 and value != int(value):
                return to_version(to_text(value))
        case str():
            parts = [part.strip() for part in value.split(".")]
            if 2 <= len(parts) <= 4 and all(re.fullmatch(r"[0-9]{1,10}", part) for part in parts):
                numbers = tuple(map(int, parts))
                if max(numbers) <= MAX_PART:
                    return Version(numbers)
    raise NotConvertible(f"{show(value)} is not a version such as 1.2.3")


def fold(text: str) -> str:
    """Return `text` as it is compared: ordinal, ignoring case.

    As .NET does it: letter by letter, so that ß stays; and none outside of ASCII becomes one of
    ASCII, so that the Turkish ı stays.
    """
    if text.isascii():
        return text.upper()
    return "".join(
        big if len(big := one.upper()) == 1 and (one.isascii() or not big.isascii()) else one
        for one in text
    )


def equal(left: Value, right: Value) -> bool:
    """Return whether `right`, made what `left` is, equals it; False where it cannot be made so."""
    try:
        match left:
            case None:
                return right is None or right == ""
            case bool():
                return left == to_boolean(right)
            case int() | Decimal():
                return left == to_number(right)
            case str():
                return fold(left) == fold(to_text(right))
            case Version():
                return left == to_version(right)
    except NotConvertible:
        return False
    return left is right


def less(left: Value, right: Value) -> bool:
    """Return whether `left` comes before `right`, made what `left` is; raise `NotConvertible`."""
    match left:
        case bool():
            return left < to_boolean(right)
        case str():
            return fold(left) < fold(to_text(right))
        case Version():
            return left < to_version(right)
    return to_number(left) < to_number(right)

"""What `[ ]`, `[[ ]]` and `test` answer of words that are known."""

import fnmatch
import re
from collections.abc import Callable

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.source import short

_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}


def holds(words: list[str], file: str, line: int) -> int:
    """Return 0 where the test holds, 1 where it does not, 2 where it is none."""
    name, inside = words[0], words[1:]
    if name != "test":
        end = "]" if name == "[" else "]]"
        if not inside or inside[-1] != end:
            raise Refused(file, line, f"in the script, `{name}` has no `{end}` behind a space")
        inside = inside[:-1]
    answer = False
    for part in _split(inside, {"||", "-o"}):
        answer = answer or all(
            _one(one, file, line, double=name == "[[") for one in _split(part, {"&&", "-a"})
        )
    return int(not answer)


def _split(words: list[str], signs: set[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word in signs:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _one(words: list[str], file: str, line: int, *, double: bool) -> bool:
    negated = False
    while len(words) > 1 and words[0] == "!":
        negated, words = not negated, words[1:]
    return _plain(words, file, line, double=double) != negated


def _plain(words: list[str], file: str, line: int, *, double: bool) -> bool:
    if not words:
        return False
    if len(words) == 1:
        return words[0] != ""
    if len(words) == 2 and words[0] in {"-z", "-n"}:
        return (words[1] == "") == (words[0] == "-z")
    if len(words) == 3:
        left, sign, right = words
        if sign in {"=", "==", "!="}:
            same = left == right or (double and "*" in right and _like(left, right))
            return same == (sign != "!=")
        if sign in _NUMBERS and all(re.fullmatch("-?[0-9]{1,15}", one) for one in (left, right)):
            return _NUMBERS[sign](int(left), int(right))
    said = short(" ".join(words))
    raise Refused(
        file,
        line,
        f"in the script, the test `{said}` is not followed: it compares texts, numbers, -z and -n",
    )


def _like(text: str, pattern: str) -> bool:
    if pattern.count("*") > 4:
        return False
    return fnmatch.fnmatchcase(text[:1000], pattern[:1000])

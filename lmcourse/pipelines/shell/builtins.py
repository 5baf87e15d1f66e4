"""What bash's own commands do with words that are known: tests, echo, printf; make's targets."""

import fnmatch
import re
from collections.abc import Callable

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.shell.tree import Word
from lmcourse.pipelines.source import short

_BEFORE = frozenset({"sudo", "time", "command", "nohup", "exec", "builtin"})
UNFOLLOWED = {
    "eval": "put what it does into the script",
    "trap": "say what follows with `||`, or with a step of its own and a condition",
    "return": "it belongs into a function; a script ends with `exit`",
}
"""Commands that would need more than words, and what to write instead."""
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


def exit_status(text: str) -> int:
    """Return the status that `exit` ends with: 2 for what is no number."""
    return int(text) % 256 if text.isascii() and text.isdigit() and len(text) < 10 else 2


def seconds(text: str) -> float:
    """Return how long `sleep` sleeps."""
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smhd]?)", text)
    return (
        float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]] if found else 0
    )


def echo(words: list[str]) -> list[str]:
    """Return the lines that `echo` writes."""
    escapes = False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        escapes = escapes or "e" in words[0]
        words = words[1:]
    text = " ".join(words)
    return (text.replace("\\n", "\n") if escapes else text).split("\n")


def printf(words: list[str]) -> list[str]:
    """Return the lines that `printf` writes, of texts and numbers."""
    if not words:
        return []
    text, rest = words[0].replace("\\n", "\n"), list(words[1:])
    filled = ""
    while True:  # a format is used again while there are words left
        before = len(rest)
        filled += re.sub("%[sd]", lambda _: rest.pop(0) if rest else "", text)
        if not rest or len(rest) == before:
            return filled.removesuffix("\n").split("\n")


def targets(words: list[str]) -> list[list[str]]:
    """Return a call of make as one for each target, in order; any other call alone.

    Like this, `make test train` fails where `make test` does, and then trains nothing.
    """
    named = [one for one in words[1:] if "=" not in one]
    if words[0] != "make" or len(named) < 2 or any(one.startswith("-") for one in named):
        return [words]
    settings = [one for one in words[1:] if "=" in one]
    return [["make", one, *settings] for one in named]


def bare(words: list[str]) -> list[str]:
    """Return a command without what only says how it is called: sudo, env A=b, timeout 60."""
    while words and (words[0] in _BEFORE or (words[0] in {"env", "timeout"} and len(words) > 1)):
        words = words[2:] if words[0] == "timeout" else words[1:]
        while words and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", words[0]):
            words = words[1:]
    return words


def set_options(options: set[str], words: list[str]) -> set[str]:
    """Return the options "e", "u" and "pipefail" as they are after `set -e`, `set +o pipefail`."""
    found, words = set(options), list(words)
    while words and words[0][:1] in {"-", "+"}:
        word = words.pop(0)
        names = {one for one in word[1:] if one in "eu"}
        if word.endswith("o") and words:
            name = words.pop(0)
            names.add({"errexit": "e", "nounset": "u"}.get(name, name))
        found = found | names if word[0] == "-" else found - names
    return found


def counted(word: Word) -> list[str]:
    """Return the numbers that `{1..5}` stands for; nothing for any other word."""
    if len(word) != 1 or word[0].kind != "text" or word[0].quoted:
        return []
    found = re.fullmatch(r"\{([0-9]{1,3})\.\.([0-9]{1,3})\}", word[0].text)
    if not found:
        return []
    first, last = int(found[1]), int(found[2])
    step = 1 if last >= first else -1
    return [str(number) for number in range(first, last + step, step)]

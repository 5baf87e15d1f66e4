"""What a log may not keep: personal data and keys in its text, and its own files for ever.

`redact` goes by patterns and check digits. It finds what has a shape: an address, a number, a key,
a name that is introduced as one. A name in the middle of a story, or a surname in small letters,
has none; so a log is also deleted after some days (`expire`).
"""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

Span = tuple[int, int, str]
"""Where something begins and ends in the folded text, and what it is called in its place."""

# --- Redaction ---------------------------------------------------------------------------------


def redact(text: str) -> str:
    """Return the text with what is personal or secret in it replaced by `[name]`, `[email]`, ...

    What is found, in full-width digits, with invisible characters inside or spaced out as well:
    names after "I am", "my name is" and the like; e-mail addresses; telephone numbers; card
    numbers (Luhn's check digit) and IBANs (ISO 13616, modulo 97); IP addresses; keys of this
    service (`lm_...`). All other text stays as it is, to the letter, and redacting again changes
    nothing.
    """
    for _ in range(_PASSES):
        clean = _redact_once(text)
        if clean == text:
            return text
        text = clean
    return "[redacted]"


# What is taken out may leave a new edge, at which a word begins that was the end of another: such
# text is read again. Two passes are usual; what is still not at rest then was made to be so.
_PASSES = 8


def _redact_once(text: str) -> str:
    folded, starts, ends = _fold(text)
    parts, done = [], 0
    for begin, end, what in _merged(span for find in _FINDERS for span in find(folded)):
        parts += [text[done : starts[begin]], f"[{what}]"]
        done = ends[end - 1]
    return "".join([*parts, text[done:]])


def _fold(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """Return the text in plain characters, and where in `text` each of them begins and ends.

    Compatibility forms become plain ones (Unicode's NFKC), all digits become 0 to 9, all dashes -,
    white space one space; accents that no letter has, and what is invisible, go.
    """
    if text.isascii() and not _BLANKS.search(text):
        return text.translate(_BLANK), range(len(text)), range(1, len(text) + 1)
    plain: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for found in _CLUSTER.finditer(text):
        for character in unicodedata.normalize("NFKC", found[0]):
            category = unicodedata.category(character)
            if category in ("Cf", "Mn", "Me"):
                continue
            if category == "Nd":
                character = str(unicodedata.decimal(character))
            elif category == "Pd" or character == "−":
                character = "-"
            elif character.isspace():
                if plain[-1:] == [" "]:
                    continue
                character = " "
            plain.append(character)
            starts.append(found.start())
            ends.append(found.end())
    return "".join(plain), starts, ends


_BLANKS = re.compile(r"\s\s")
_BLANK = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f"), " ")

# A character and the accents after it (the blocks of combining marks), which NFKC joins to one.
_CLUSTER = re.compile(r"(?s).[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]*")


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans from left to right; those that overlap as one, named after the first."""
    merged: list[Span] = []
    for begin, end, what in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and begin < merged[-1][1]:
            first, last, name = merged[-1]
            merged[-1] = (first, max(last, end), name)
        else:
            merged.append((begin, end, what))
    return merged


# --- Names, addresses and keys: by their shape --------------------------------------------------

_LETTER = r"[^\W\d_]"
_WORD = rf"{_LETTER}+(?:['’-]{_LETTER}+)*"
_SPACED_WORD = rf"{_LETTER}(?: {_LETTER}\b)+"
_INTRODUCTION = re.compile(
    r"(?<!\w)(?i:"
    r"(?P<surely>my (?:full |first |last |real )?name(?: is|['’]s))"
    r"|i am|i['’]m|im|call me|this is"
    r") (?i:not |really |just |actually |called |named |mr\.? |mrs\.? |ms\.? |dr\.? )?+"
    rf"[\"'“‘]?(?P<name>{_SPACED_WORD}|{_WORD})"
)
_MORE_NAMES = re.compile(
    rf" ((?:(?:van|von|de|der|den|di|da|la|le|el|al|bin|ibn|ten|ter) ){{0,2}}{_WORD}|{_LETTER}\.)"
)
_NO_NAMES = frozenset(["I", "A", "An", "The", "My", "Not", "In", "On", "At", "So", "Very", "It"])


def _names(text: str) -> Iterator[Span]:
    for found in _INTRODUCTION.finditer(text):
        name = found["name"]
        # After "I am", what begins with a small letter is a mood, not a name.
        if name in _NO_NAMES or (name[0].islower() and not found["surely"]):
            continue
        end = found.end()
        for _ in range(4):
            more = _MORE_NAMES.match(text, end)
            if not more or more[1].split()[-1][0].islower() or more[1] in _NO_NAMES:
                break
            end = more.end()
        yield found.start("name"), end, "name"


_LOCAL = r"(?<![\w.+%-])(?:\w(?: [\w.]\b){1,63}|[\w.+%'-]{1,64})"
_HOST = r"(?:\w(?: \w\b){1,62}|\w[\w-]{0,62})"
_AT = r" ?[\[({] ?(?:@|at) ?[\])}] ?"
_DOT = r" ?[\[({] ?(?:\.|dot) ?[\])}] ?| dot "
_EMAIL = re.compile(
    rf"(?i){_LOCAL}(?:"
    rf"(?: ?@ ?|{_AT}){_HOST}(?:(?:\.| \. |{_DOT}){_HOST}){{1,8}}"
    rf"| at {_HOST}(?:(?:{_DOT}){_HOST}){{1,8}})"
)


def _emails(text: str) -> Iterator[Span]:
    for found in _EMAIL.finditer(text):
        yield found.start(), found.end(), "email"


_KEY = re.compile(r"(?i)l ?m ?_ ?[a-z0-9_-]{12,}")


def _keys(text: str) -> Iterator[Span]:
    for found in _KEY.finditer(text):
        yield found.start(), found.end(), "key"


_IPV4_DOT = r"(?: ?\. ?| ?[\[(] ?\. ?[\])] ?)"
_IPV4 = re.compile(rf"(?<![\d.])\d{{1,3}}(?:{_IPV4_DOT}\d{{1,3}}){{3}}(?!\.?\d)")
_IPV6 = re.compile(r"(?i)(?<![\w:])[0-9a-f:]{4,39}(?:\.\d{1,3}){0,3}(?![\w:])")


def _addresses(text: str) -> Iterator[Span]:
    for found in _IPV4.finditer(text):
        if all(int(part) < 256 for part in re.findall(r"\d+", found[0])):
            yield found.start(), found.end(), "ip"
    for found in _IPV6.finditer(text):
        # `::2` is a slice, and 10:30 a time of day.
        if found[0].count(":") > 1 and len(re.findall(r"\w+", found[0])) > 1:
            try:
                ipaddress.IPv6Address(found[0])
            except ValueError:
                continue
            yield found.start(), found.end(), "ip"


# --- Numbers: by their length and check digits --------------------------------------------------

_GAP = r"[ .\-/()]{0,3}"
_DIGITS = re.compile(rf"\d+(?:{_GAP}\d+)*")


def _numbers(text: str) -> Iterator[Span]:
    """Find card and telephone numbers: as many groups of digits as belong to one, from the left."""
    for run in _DIGITS.finditer(text):
        groups = [
            (run.start() + g.start(), run.start() + g.end()) for g in re.finditer(r"\d+", run[0])
        ]
        first = 0
        while first < len(groups):
            after = first + 1
            for last, digits in reversed(_from(text, groups[first:])):
                begin, end = groups[first][0], groups[first + last][1]
                if what := _kind_of_number(text, begin, end, digits):
                    yield begin - _sign(text, begin), end, what
                    after = first + last + 1
                    break
            first = after


def _from(text: str, groups: list[tuple[int, int]]) -> list[tuple[int, str]]:
    """Return the digits of the first group, the first two, ..., while they are one number's."""
    joined = accumulate((text[begin:end] for begin, end in groups[:_LONGEST]), str.__add__)
    return [(last, digits) for last, digits in enumerate(joined) if len(digits) <= _LONGEST]


_LONGEST = 19  # digits in a card number


def _kind_of_number(text: str, begin: int, end: int, digits: str) -> str | None:
    if len(digits) >= 13 and digits[0] in "23456" and _luhn(digits):
        return "card"
    if 7 <= len(digits) <= 15 and _sign(text, begin):
        return "phone"
    if 9 <= len(digits) <= 15 and _NATIONAL.match(text, begin):
        return "phone"
    if _AMERICAN.fullmatch(text, begin, end):
        return "phone"
    return None


_NATIONAL = re.compile(r"0(?!\.)")  # 0.123456789 is no telephone number
_AMERICAN = re.compile(r"(?:1[ .-]?)?\d{3}[ .)-]{1,2}\d{3}[ .-]\d{4}|\d{3}-\d{4}")


def _sign(text: str, begin: int) -> int:
    """Return how many characters before a number belong to it: those of +, ( or (+."""
    found = re.search(r"\+ ?\(? ?$", text[max(0, begin - 4) : begin])
    return len(found[0]) if found else 0


def _luhn(digits: str) -> bool:
    """Is the last digit the one that Luhn's formula asks for? (ISO/IEC 7812-1)."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


_IBAN = re.compile(r"(?i)(?<![^\W_])(?=([a-z] ?[a-z][ -]?\d ?\d(?:[ -]?[a-z0-9]){11,30}))")


def _ibans(text: str) -> Iterator[Span]:
    for found in _IBAN.finditer(text):
        # What follows an IBAN looks like more of it: the longest beginning that adds up is one.
        for end in range(found.end(1), found.start(1) + 14, -1):
            if text[end : end + 1].isalnum() or not text[end - 1].isalnum():
                continue
            iban = re.sub(r"[ -]", "", text[found.start(1) : end])
            if (
                len(iban) >= 15
                and int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1
            ):
                yield found.start(1), end, "iban"
                break


_FINDERS = (_names, _emails, _keys, _addresses, _ibans, _numbers)

# --- Retention ---------------------------------------------------------------------------------

_DAY_FILE = re.compile(r"(?:.*[^\d])?(\d{4}-\d{2}-\d{2})\.jsonl(?:\.\d+)?(?:\.gz)?")


class ClockWentBack(Exception):
    """There are logs of days to come: what is old cannot be known."""


def due(logs: Path, days: int, today: date) -> list[Path]:
    """Return the day files (`...2026-11-21.jsonl`) that are more than `days` days old, by name.

    They may have been rotated or packed (`...2026-11-21.jsonl.1.gz`).

    Raises `ClockWentBack` where a file is of a later day than `today`, and ValueError for fewer
    than 0 days. What is not a day file is never due.
    """
    if days < 0:
        raise ValueError(f"logs cannot be kept for {days} days; 0 keeps those of today alone")
    dated = sorted(_dated(logs))
    if dated and dated[-1][0] > today:
        day, path = dated[-1]
        raise ClockWentBack(
            f"{path.name} is of a day after today, {today}: the clock went back, so nothing was "
            f"deleted. Set the clock, or, if {day} was the mistake, delete that file yourself."
        )
    return [path for day, path in dated if day < today - timedelta(days=days)]


def expire(logs: Path, days: int, today: date) -> list[Path]:
    """Delete the day files that are `due`, and return them."""
    paths = due(logs, days, today)
    for path in paths:
        path.unlink(missing_ok=True)
    return paths


def _dated(logs: Path) -> Iterator[tuple[date, Path]]:
    for path in logs.iterdir() if logs.is_dir() else ():
        found = _DAY_FILE.fullmatch(path.name)
        if found and path.is_file():
            try:
                yield date.fromisoformat(found[1]), path
            except ValueError:
                continue

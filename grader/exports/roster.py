"""Finding each submission's row in the list that a learning platform exported."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from grader.adjust import FinalScore
from grader.files import printable
from grader.spreadsheet import Table, points


@dataclass(frozen=True)
class Person:
    """Whom a row is about: its name, the platform's number, and other identifiers."""

    row: int
    name: str
    number: str
    logins: frozenset[str]


@dataclass
class Merge:
    """A platform's table with the points in it, and what became of each submission.

    `lost` says whose points went nowhere and why; `notes` what else a person should know.
    """

    table: Table
    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def person(row: int, name: str, number: str, logins: Iterable[str]) -> Person:
    """Return whom a row is about; empty identifiers do not count."""
    known = frozenset(login.strip().casefold() for login in logins if login.strip())
    return Person(row, name.strip(), number.strip(), known)


def match(
    scores: list[FinalScore], people: list[Person], merge: Merge
) -> list[tuple[Person, FinalScore]]:
    """Return each person that handed something in, with it, in the order of `people`.

    A student is found by the platform's number at the end of the name, as in "lovelaceada_12345";
    else by login; else, where there is no such number, by name. Whoever cannot be told for certain
    goes to `merge.lost`, and who has handed in nothing is named in `merge.notes`.
    """
    index = _Index(people)
    claims: dict[int, list[FinalScore]] = {}
    for score in scores:
        student = score.result.student
        found = index.find(student)
        if len(found) == 1:
            claims.setdefault(found[0].row, []).append(score)
        elif found:
            merge.lost.append(f"{student}: {len(found)} rows of the roster fit")
        else:
            merge.lost.append(f"{student}: not in the roster")
    matched = []
    absent = []
    for one in people:
        theirs = claims.get(one.row, [])
        if len(theirs) > 1:
            merge.lost += [
                f"{score.result.student}: {printable(one.name)} fits {len(theirs)} submissions"
                for score in theirs
            ]
        elif theirs:
            matched.append((one, theirs[0]))
        else:
            absent.append(printable(one.name))
    others = [
        f"{score.result.student} as {printable(one.name)}"
        for one, score in matched
        if _is_called_otherwise(score.result.student, one)
    ]
    if others:
        merge.notes.append(
            f"{len(others)} were found by number although the name is another; are these the same "
            f"people? {'; '.join(others)}"
        )
    if absent:
        merge.notes.append(
            f"{len(absent)} of the roster handed in nothing; their rows are as they were: "
            + "; ".join(absent)
        )
    return matched


def scaled(score: FinalScore, possible: str) -> str:
    """Return the points of a submission where the platform gives `possible` for a full one.

    Where that is no number above zero, they are not scaled.
    """
    most = most_points(possible)
    share = most / score.max_points if most and score.max_points else 1.0
    return points(score.points * share)


def most_points(possible: str) -> float | None:
    """Return what a platform calls full marks, if it is a number above zero."""
    text = possible.strip()
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def note_scale(scores: list[FinalScore], possible: str, platform: str, merge: Merge) -> None:
    """Say so where the platform's full marks are not the lesson's."""
    most = most_points(possible)
    ours = max((score.max_points for score in scores), default=0.0)
    if most is None:
        merge.notes.append(f"{platform} gives no full marks; the points are those of the lesson")
    elif ours and most != ours:
        merge.notes.append(
            f"a full mark is {points(most)} in {platform} and {points(ours)} in the lesson: "
            "the points are scaled"
        )


def letters(text: str) -> str:
    """Return the letters and digits alone, in one spelling."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if character.isalnum())


class _Index:
    """Finds people by what is known of them."""

    def __init__(self, people: list[Person]) -> None:
        self._numbers: dict[str, list[Person]] = {}
        self._logins: dict[str, list[Person]] = {}
        self._names: dict[str, list[Person]] = {}
        for one in people:
            self._numbers.setdefault(one.number, []).append(one)
            for login in one.logins:
                self._logins.setdefault(login, []).append(one)
            for name in _names(one.name):
                self._names.setdefault(name, []).append(one)

    def find(self, student: str) -> list[Person]:
        name, number = _split(student)
        by_number = self._numbers.get(number, []) if number else []
        by_login = self._logins.get(student.casefold(), [])
        by_name = [] if number else self._names.get(letters(name), [])
        return by_number or by_login or by_name


def _split(student: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*)_(\d+)", student, re.DOTALL)
    return (match[1], match[2]) if match else (student, "")


def _names(name: str) -> set[str]:
    """Return both orders of "Lovelace, Ada"; no name at all fits nobody."""
    last, _, first = name.partition(",")
    return {letters(last + first), letters(first + last)} - {""}


def _is_called_otherwise(student: str, one: Person) -> bool:
    name, number = _split(student)
    return number == one.number != "" and letters(name) not in _names(one.name)

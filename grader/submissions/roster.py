"""Rosters: who is in a class, as Canvas, Moodle or a plain table says, and whose work is whose.

A student is found by the platform's number at the end of the name, as in "lovelaceada_12345"; else
by login; else, where there is no such number, by name. Nobody is guessed.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.formats.spreadsheet import Table, plain, read_table
from grader.terminal.names import person as visible

CANVAS_NAMES = ("Student", "LastName", "FirstName")
CANVAS_IDENTIFIERS = ("ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account")
POINTS_POSSIBLE = "Points Possible"


@dataclass(frozen=True)
class Person:
    """Whom a row is about.

    `student` is what the platform would call this person's files, `number` its own number, and
    `logins` are other identifiers.
    """

    row: int
    name: str
    number: str
    logins: frozenset[str]
    student: str


def read_roster(path: Path) -> list[Person]:
    """Return the people in a roster: what Canvas or Moodle exports, or a CSV with `student`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is none of these.
    """
    table = read_table(path)
    if is_canvas(table):
        return canvas_people(table)
    if is_moodle(table):
        return moodle_people(table)
    place = table.place("student")
    if place is None:
        raise ValueError(
            f"{path} is no roster: pass the gradebook that Canvas exports, the grading worksheet "
            "that Moodle exports, or a CSV file with a column called student"
        )
    names = [plain(row[place]).strip() for row in table.rows]
    return [_person(i, name, "", [name], name) for i, name in enumerate(names) if name]


def is_canvas(table: Table) -> bool:
    """Return whether a table is a gradebook that Canvas exported."""
    known = table.place("ID") is not None and table.place("Section") is not None
    return known and bool(_canvas_names(table))


def is_moodle(table: Table) -> bool:
    """Return whether a table is a grading worksheet that Moodle exported."""
    columns = ("Identifier", "Grade", "Last modified (grade)")
    return all(table.place(column) is not None for column in columns)


def canvas_people(table: Table) -> list[Person]:
    """Return the people in a gradebook that Canvas exported."""
    number, names = table.place("ID"), _canvas_names(table)
    assert number is not None
    logins = [i for name in CANVAS_IDENTIFIERS[1:3] if (i := table.place(name)) is not None]
    people = []
    for i, row in enumerate(table.rows):
        known_as = row[number].strip()
        if not known_as or POINTS_POSSIBLE in row[0]:
            continue
        name = ", ".join(row[n] for n in names)
        # As Canvas names files.
        student = re.sub(r"\W", "", name).lower() + f"_{known_as}"
        people.append(_person(i, name, known_as, [row[j] for j in logins], student))
    return people


def moodle_people(table: Table) -> list[Person]:
    """Return the people in a grading worksheet that Moodle exported."""
    identifier, name = table.place("Identifier"), table.place("Full name")
    assert identifier is not None
    logins = [
        i for title in ("ID number", "Email address") if (i := table.place(title)) is not None
    ]
    people = []
    for i, row in enumerate(table.rows):
        found = re.search(r"\d+$", row[identifier].strip())
        number = found[0] if found else ""
        called = (row[name] if name is not None else row[identifier]).strip()
        student = f"{called}_{number}" if number else called
        people.append(_person(i, called, number, [row[j] for j in logins], student))
    return people


def _canvas_names(table: Table) -> list[int]:
    whole, last, first = (table.place(name) for name in CANVAS_NAMES)
    if whole is not None:
        return [whole]
    return [place for place in (last, first) if place is not None]


def _person(row: int, name: str, number: str, logins: Iterable[str], student: str) -> Person:
    # Empty identifiers do not count.
    known = frozenset(login.strip().casefold() for login in logins if login.strip())
    return Person(row, name.strip(), number.strip(), known, visible(student))


@dataclass(frozen=True)
class Assigned:
    """Which students are whom: by the person's row; and who fits nobody, or more than one row."""

    students: dict[int, list[str]]
    strangers: list[str]
    unclear: dict[str, list[Person]]


def assign(people: list[Person], students: Iterable[str]) -> Assigned:
    """Find each student among the people of a roster."""
    index = _Index(people)
    found = Assigned({}, [], {})
    for student in students:
        fitting = index.find(student)
        if len(fitting) == 1:
            found.students.setdefault(fitting[0].row, []).append(student)
        elif fitting:
            found.unclear[student] = fitting
        else:
            found.strangers.append(student)
    return found


def letters(text: str) -> str:
    """Return the letters and digits alone, in lower case."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


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
        self._has_numbers = set(self._numbers) != {""}

    def find(self, student: str) -> list[Person]:
        name, number = _split(student)
        by_number = self._numbers.get(number, []) if number else []
        by_login = self._logins.get(student.casefold(), [])
        # A number that the roster does not have is not overruled by a name.
        by_name = [] if number and self._has_numbers else self._names.get(letters(name), [])
        return by_number or by_login or by_name


def _split(student: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*)_(\d+)", student, re.DOTALL)
    return (match[1], match[2]) if match else (student, "")


def _names(name: str) -> set[str]:
    """Return both orders of "Lovelace, Ada"; no name at all fits nobody."""
    last, _, first = name.partition(",")
    return {letters(last + first), letters(first + last)} - {""}


def is_called_otherwise(student: str, one: Person) -> bool:
    """Return whether a student was found by number although the name is another."""
    name, number = _split(student)
    return number == one.number != "" and letters(name) not in _names(one.name)

"""What the checks of this lesson draw: words, names of stages and of people."""

from collections.abc import Callable
from functools import cache
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.paste import call_of, shown_as
from grader.checks.registry import probe
from grader.checks.student import Student

LESSON = "13_pipelines"

STAGES = (
    *("lint", "unit", "data", "train", "gate", "pack", "sign", "register", "staging", "smoke"),
    *(
        "canary",
        "promote",
        "notify",
        "cleanup",
        "report",
        "audit",
        "bench",
        "docs",
        "scan",
        "wheel",
    ),
)
"""Names of stages; none of them is part of another."""

PEOPLE = ("ana", "bo", "chen", "dara", "emil", "fay", "goro", "hana", "ivo", "jun", "kaya", "lior")

SMALL = "abcdefghijklmnopqrstuvwxyz"
LETTERS = SMALL + SMALL.upper() + "0123456789"


def word(rng: Rng, letters: str = SMALL, length: int = 7) -> str:
    return "".join(letters[place] for place in rng.integers(0, len(letters), length))


def some(rng: Rng, names: tuple[str, ...], count: int) -> list[str]:
    """Return so many of `names`, each once, in an order that is drawn."""
    return [str(name) for name in rng.permutation(names)[:count]]


def once(student: Student, name: str) -> Callable[[], Any]:
    """Return a function that gives the student's text `name`, for which it asks once.

    All situations see the same file: a namespace could have another one ready for each.
    """
    return cache(lambda: getattr(student, name))


def plain(value: Any) -> Any:
    """Return `value` with its tuples as lists: either will do as an answer."""
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


@probe
@shown_as(call_of)
def plain_and_arguments(_: dict[str, Any], function: Callable[..., Any], *args: Any) -> Any:
    """Return a list of what `function` gives and of `args` as it leaves them, or None for None."""
    answer = function(*args)
    return None if answer is None else [plain(answer), *args]


def all_stays(
    name: str, student: Student, function: str, *args: Any, answer: Any, hint: str
) -> Case:
    """Return the case that `function` gives `answer`, in lists or tuples, and leaves `args`."""
    return case(
        name,
        lambda: student.probe(plain_and_arguments, getattr(student, function), *args),
        [answer, *args],
        hint=hint,
    )

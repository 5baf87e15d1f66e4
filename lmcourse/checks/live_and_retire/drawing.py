"""What the checks of this lesson share: names that are drawn, and a function asked many times."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grader.checks.case import Case, Rng, case
from grader.checks.registry import probe
from grader.checks.student import Student

LESSON = "15_live_and_retire"

PEOPLE = ("ana", "bo", "chen", "dara", "emil", "fay", "goro", "hana", "ivo", "jun", "kaya", "lior")

DIGITS = "0123456789abcdef"


def code(rng: Rng, length: int = 8) -> str:
    """Return a name such as a version or a request has: hexadecimal digits."""
    return "".join(DIGITS[place] for place in rng.integers(0, 16, length))


def codes(rng: Rng, count: int, length: int = 8) -> list[str]:
    """Return so many of them, no two alike."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[code(rng, length)] = None
    return list(found)


def some(rng: Rng, names: Sequence[str], count: int) -> list[str]:
    """Return so many of `names`, each once, in an order that is drawn."""
    return [str(name) for name in rng.permutation(list(names))[:count]]


def plain(value: Any) -> Any:
    """Return `value` with tuples as lists and numpy's numbers as Python's: either is an answer."""
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return value.item() if isinstance(value, np.generic) else value


@probe
def answers(_: dict[str, Any], function: Callable[..., Any], asked: list[list[Any]]) -> Any:
    """Return what `function` gives to each list of arguments, or None if it gives nothing at all.

    The answers are as `plain` has them.
    """
    given = [plain(function(*arguments)) for arguments in asked]
    return None if all(part is None for part in given) else given


@probe
def answer_and_rest(_: dict[str, Any], function: Callable[..., Any], *args: Any) -> Any:
    """Return a list of what `function` gives and of `args` as it leaves them, or None for None."""
    answer = plain(function(*args))
    return None if answer is None else [answer, *args]


def all_stays(
    name: str, student: Student, function: str, *args: Any, answer: Any, hint: str
) -> Case:
    """Return the case that `function` gives `answer`, in lists or tuples, and leaves `args`."""
    return case(
        name,
        lambda: student.probe(answer_and_rest, getattr(student, function), *args),
        [plain(answer), *args],
        hint=hint,
    )


def asked(
    name: str,
    student: Student,
    reference: Student,
    rng: Rng,
    function: str,
    *questions: tuple[Any, ...],
    hint: str,
) -> Case:
    """Return the case that `function` answers each of these tuples of arguments as it should.

    They come in an order that is drawn: whoever counts the questions does not know the answer.
    """
    arguments = [list(questions[place]) for place in rng.permutation(len(questions))]
    want = reference.probe(answers, getattr(reference, function), arguments)
    return case(
        name,
        lambda: student.probe(answers, getattr(student, function), arguments),
        want,
        hint=hint,
    )

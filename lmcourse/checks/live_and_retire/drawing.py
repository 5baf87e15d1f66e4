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
def answers_and_rests(
    _: dict[str, Any], function: Callable[..., Any], asked: list[list[Any]]
) -> Any:
    """Return for each list of arguments what `function` gives, and these as it leaves them.

    None if it gives nothing at all.
    """
    given = [[plain(function(*arguments)), arguments] for arguments in asked]
    return None if all(answer is None for answer, _ in given) else given


def all_stays(
    name: str,
    student: Student,
    rng: Rng,
    function: str,
    *answered: tuple[list[Any], Any],
    hint: str,
) -> Case:
    """Return the case that `function` answers each of these lists of arguments, and leaves it.

    Have two with different answers: of who always gives the same, nothing is worth a point.
    """
    order = [answered[place] for place in rng.permutation(len(answered))]
    arguments = [asked for asked, _ in order]
    return case(
        name,
        lambda: student.probe(answers_and_rests, getattr(student, function), arguments),
        [[plain(answer), asked] for asked, answer in order],
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

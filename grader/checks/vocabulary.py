"""What checks often ask, each in one statement; `grader.checks.case` has the cases themselves.

    yield arguments_stay("the counts stay as they were", student, "normalise", counts, hint="...")
    yield holds("a table at random", "every row sums to 1", odd_row, hint="...")
    yield from same_as_reference(
        student,
        reference,
        "random counts",
        lambda notebook, counts: notebook.normalise(counts),
        lambda: [integers(rng, 9, 5, 5) + 1.0],
        hint="...",
    )

and, beside the checks, `quiz(LESSON, Question("which way round", hint="...", explain="...",
wrong={"a": "..."}), ...)`.

The probes in here are there in every lesson: `student.probe(repeat, student.draw, 50, probs)`. They
give None where the student's function does, so that a missing `return` is told as such.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from numbers import Integral, Real
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.compare import describe
from grader.checks.paste import call_of, shown_as
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

# ----------------------------------------------------------------------------- statements of checks


@dataclass(frozen=True)
class Question:
    """A question of a quiz: its case's name, and what to say while it is wrong, and once right.

    `wrong` has for each wrong letter why it is not that one; after it comes the hint, which says
    where to look.
    """

    title: str
    hint: str
    explain: str
    wrong: Mapping[str, str] = field(default_factory=dict)


QUIZ_POINTS = 2.0
"""What each lesson's quiz is worth, few beside the exercises: tries are free, and letters few."""


def quiz(lesson: str, *questions: Question) -> None:
    """Register the exercise "quiz" of `lesson`, whose answers are `answer_1`, `answer_2` and so on.

    An answer is right in upper or lower case, and with spaces, brackets or a full stop around it.
    The quiz is worth `QUIZ_POINTS`, and its questions count alike.
    """
    names = tuple(f"answer_{number}" for number in range(1, len(questions) + 1))

    def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        for name, question in zip(names, questions, strict=True):
            answer = _answer(student, name)
            yield case(
                question.title,
                answer,
                getattr(reference, name),
                hint=_hint(question, answer),
                explain=question.explain,
                reveal=False,
            )

    # It belongs to the module that asks for it, which says of which course and lesson it is.
    check.__module__ = sys._getframe(1).f_globals["__name__"]
    exercise(lesson, "quiz", points=QUIZ_POINTS, names=names, constant=True)(check)


def _answer(student: Student, name: str) -> Callable[[], str]:
    """Ask for an answer now, and return what gives it, or raises what came in its place.

    A case asks within its function; but what a quiz's hint says depends on the answer.
    """
    try:
        answer = str(getattr(student, name)).strip(" ().").lower()
    except Exception as error:
        return partial(_raise, error)
    return lambda: answer


def _raise(error: Exception) -> str:
    raise error


def _hint(question: Question, answer: Callable[[], str]) -> str:
    """Return why the answer is wrong, if that is known, and where to look."""
    with suppress(Exception):
        return " ".join(filter(None, [question.wrong.get(answer()), question.hint]))
    return question.hint


def arguments_stay(
    name: str,
    student: Student,
    function: str,
    *arguments: Any,
    hint: str,
    answer: Any = ...,
    points: float = 1.0,
) -> Case:
    """Return the case that the notebook's `function` leaves its `arguments` as they were.

    With `answer` it must also return that: arguments that stay are worth little beside a wrong
    answer.
    """

    def afterwards() -> Any:
        came = student.probe(answer_and_arguments, getattr(student, function), *arguments)
        return came if came is None or answer is not ... else came[1:]

    want = list(arguments) if answer is ... else [answer, *arguments]
    return case(name, afterwards, want, hint=hint, points=points)


def holds(name: str, want: str, seen: Callable[[], str], *, hint: str, points: float = 1.0) -> Case:
    """Return the case that a property holds, such as `want` "every row sums to 1".

    `seen` asks the student. It returns "" where the property holds, and otherwise says in words
    what it saw: "row 2 sums to 0.7".
    """
    return case(name, lambda: seen() or want, want, hint=hint, points=points)


def public_and_hidden(cases: Callable[[], Iterable[Case]]) -> Iterator[Case]:
    """Yield what `cases` gives, and then once more, hidden, as "..., again".

    `cases` draws fresh inputs each time that it is called.
    """
    yield from cases()
    for item in cases():
        yield replace(item, name=f"{item.name}, again", hidden=True)


def same_as_reference(
    student: Student,
    reference: Student,
    name: str,
    ask: Callable[..., Any],
    draw: Callable[[], Sequence[Any]],
    *,
    hint: str,
    points: float = 1.0,
    atol: float = 1e-5,
    rtol: float = 1e-4,
) -> Iterator[Case]:
    """Yield the cases, a public and a hidden one, that student and reference answer alike.

    `ask(notebook, *arguments)` puts the question to either, with the arguments that `draw()` gives.
    """

    def cases() -> Iterator[Case]:
        arguments = draw()
        want = ask(reference, *arguments)
        yield case(
            name,
            lambda: ask(student, *arguments),
            want,
            hint=hint,
            points=points,
            atol=atol,
            rtol=rtol,
        )

    return public_and_hidden(cases)


# ---------------------------------------------------------------------- beside the student's code


@probe
@shown_as(call_of)
def answer_and_arguments(_: dict[str, Any], function: Callable[..., Any], *args: Any) -> Any:
    """Return a list of what `function` gives and of `args` as it leaves them, or None for None."""
    answer = function(*args)
    return None if answer is None else [answer, *args]


@probe
@shown_as(lambda function, times, *args: f"[{call_of(function, *args)} for _ in range({times})]")
def repeat(_: dict[str, Any], function: Callable[..., Any], times: int, *args: Any) -> Any:
    """Return what `times` calls of `function` gave, a list, or None if none gave anything."""
    given = [function(*args) for _ in range(times)]
    return None if all(part is None for part in given) else given


@probe
@shown_as(lambda function, *args: f"type({call_of(function, *args)})")
def kind_of(_: dict[str, Any], function: Callable[..., Any], *args: Any) -> str | None:
    """Return `kind` of what `function` gives: a tensor that looks like a number does not here."""
    return kind(function(*args))


@probe
@shown_as(call_of)
def kinds_in(_: dict[str, Any], function: Callable[..., Any], *args: Any) -> Any:
    """Return the kinds, each once, of what is in the list that `function` gives, or None for None.

    Of a dictionary it is what stands under the keys.
    """
    given = function(*args)
    if given is None:
        return None
    parts = given.values() if hasattr(given, "values") else given
    return sorted({str(kind(part)) for part in parts})


def slopes_of(result: torch.Tensor, leaves: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return the slopes of `result`, a single number, for each of `leaves`; 0 if cut off."""
    if result.requires_grad:
        torch.autograd.backward(result)
    return [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]


# ------------------------------------------------------------------------------- what is seen of it

_KINDS = ((bool, "bool"), (Integral, "int"), (Real, "float"), (Counter, "Counter"))


def kind(value: Any) -> str | None:
    """Return the name of the type of `value`, or None if there is no value.

    numpy's numbers serve as well as Python's, and what is made from a Counter is one.
    """
    if value is None:
        return None
    return next((name for of, name in _KINDS if isinstance(value, of)), type(value).__name__)


def described(value: Any) -> str | None:
    """Return kind and size of `value` in words, as `describe` does, or None if there is no value.

    So a missing return is told as such.
    """
    return None if value is None else describe(value)


def one_number(value: Any) -> str | None:
    """Return "one number" for a number or a tensor of shape (), and else what it is, in words."""
    single = isinstance(value, int | float) or getattr(value, "shape", None) == ()
    return "one number" if single else described(value)


def apart(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the largest difference between two tensors."""
    return float((a - b).abs().max())

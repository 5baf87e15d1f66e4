"""Checks: written once, run in a student's notebook and by the grader.

A check is a generator of cases, registered for one exercise of one lesson:

    @exercise("02_bigrams", "normalise", points=2)
    def normalise(student, reference, rng):
        counts = torch.tensor([[1.0, 3.0], [2.0, 2.0]])
        yield case(
            "a table by hand",
            lambda: student.normalise(counts),
            torch.tensor([[0.25, 0.75], [0.5, 0.5]]),
            hint="divide each row by its own sum",
        )

`student` and `reference` are the student's and the solved notebook (`student.Student`).
Whatever asks the student stands inside the case's function, so that an error there fails this one
case; whatever asks the reference stands outside, because in a notebook the reference is a recording
that answers in a fixed order. `rng` makes every input.

Write the cases from the plain to the demanding: kind and shape, a tiny case worked by hand, a
property, then equality with the reference on random inputs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from grader.checks.student import Student

Rng = np.random.Generator


@dataclass(frozen=True)
class Case:
    """One thing asked of an exercise: `got()` should give `want`. Made by `case`."""

    name: str
    got: Callable[[], Any]
    want: Any
    hint: str
    points: float = 1.0
    explain: str = ""
    hidden: bool = False
    reveal: bool = True
    form: bool = False
    atol: float = 1e-5
    rtol: float = 1e-4


Check = Callable[[Student, Student, Rng], Iterator[Case]]


def case(
    name: str,
    got: Callable[[], Any],
    want: Any,
    *,
    hint: str,
    points: float = 1.0,
    explain: str = "",
    hidden: bool = False,
    reveal: bool = True,
    form: bool = False,
    atol: float = 1e-5,
    rtol: float = 1e-4,
) -> Case:
    """Return a case of a check.

    Parameters
    ----------
    name : what is asked, in a few words, as the student reads it
    got : a function of no arguments that asks the student
    want : what it should return, within `atol + rtol * abs(want)`
    hint : what to look at when it does not
    points : the case's weight within its exercise
    explain : what to add once it is right
    hidden : run only when grading; feedback then shows the name and the outcome alone
    reveal : whether feedback may say what was expected; false for a quiz
    form : it asks for kind or shape alone: worth nothing where no case about values is right
    """
    return Case(name, got, want, hint, points, explain, hidden, reveal, form, atol, rtol)


def normal(rng: Rng, *shape: int) -> torch.Tensor:
    """Return a float32 tensor of `shape` with standard normal entries."""
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


def integers(rng: Rng, high: int, *shape: int) -> torch.Tensor:
    """Return an int64 tensor of `shape` with entries 0 to `high - 1`."""
    return torch.from_numpy(rng.integers(0, high, shape))

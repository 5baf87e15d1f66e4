"""Checks of lesson 00: arrays."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

LESSON = "00_arrays"


@probe
def argument_afterwards(namespace: dict[str, Any], name: str, x: Any) -> Any:
    """Return `x` as the notebook's function `name` leaves it."""
    namespace[name](x)
    return x


def _shape(rng: Rng, dimensions: int) -> list[int]:
    """Return a shape without a size that comes twice."""
    sizes: list[int] = rng.permutation(np.arange(2, 9))[:dimensions].tolist()
    return sizes


@exercise(LESSON, "fahrenheit", points=1)
def fahrenheit(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "ice and steam",
        lambda: student.fahrenheit(np.array([0.0, 100.0])),
        np.array([32.0, 212.0]),
        hint="multiply by 9 / 5 first, then add 32. Arithmetic works on the whole array at once",
    )
    table = rng.normal(15, 10, _shape(rng, 2))
    yield case(
        "a table",
        lambda: student.fahrenheit(table),
        reference.fahrenheit(table),
        hint="write it without a loop: what works for one row works for a table",
        points=2,
    )
    yield case(
        "your argument stays as it was",
        lambda: student.probe(argument_afterwards, "fahrenheit", table),
        table,
        hint="`celsius *= 2` changes the caller's array; `celsius * 2` makes a new one",
    )
    box = rng.normal(15, 10, _shape(rng, 3))
    yield case(
        "three dimensions",
        lambda: student.fahrenheit(box),
        reference.fahrenheit(box),
        hint="",
        hidden=True,
    )


@exercise(LESSON, "quiz", points=1, names=("answer_1", "answer_2", "answer_3"), constant=True)
def quiz(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    for name, hint in {
        "answer_1": "the axis that you name is the one that goes away",
        "answer_2": "write the two shapes one above the other, flush right: 7 4 above 7",
        "answer_3": "write the two shapes one above the other, flush right: 5 1 above 3",
    }.items():
        want = getattr(reference, name)
        yield case(
            f"question {name[-1]}",
            lambda name=name: getattr(student, name),  # type: ignore[misc]
            want,
            hint=hint,
            reveal=False,
        )


@exercise(LESSON, "standardise", points=2)
def standardise(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "one column by hand",
        lambda: student.standardise(np.array([[10.0], [14.0]])),
        np.array([[-1.0], [1.0]]),
        hint="take the mean away, then divide by the deviation of np.std, which divides by N",
    )
    yield case(
        "each column by itself",
        lambda: student.standardise(np.array([[0.0, 10.0], [2.0, 50.0]])),
        np.array([[-1.0, -1.0], [1.0, 1.0]]),
        hint="one mean and one deviation for each column: axis=0",
    )
    rows, columns = _shape(rng, 2)
    x = rng.normal(0, 1, (rows, columns)) * rng.uniform(1, 9, columns) + rng.uniform(-9, 9, columns)
    yield case(
        "random numbers",
        lambda: student.standardise(x),
        reference.standardise(x),
        hint="the columns have other scales: divide each by its own standard deviation",
        points=4,
    )
    flat = np.column_stack([x, np.full(rows, 3.0)])
    yield case(
        "a column of one number",
        lambda: student.standardise(flat),
        reference.standardise(flat),
        hint="where the deviation is 0, divide by 1: 0 / 0 is no number",
        points=2,
    )
    yield case(
        "your argument stays as it was",
        lambda: student.probe(argument_afterwards, "standardise", x),
        x,
        hint="`x -= ...` changes the caller's array; `x - ...` makes a new one",
    )
    long = rng.normal(rng.uniform(50, 90), 5, (500, 1))
    yield case(
        "many rows",
        lambda: student.standardise(long),
        reference.standardise(long),
        hint="",
        hidden=True,
    )


@exercise(LESSON, "distances", points=3)
def distances(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    corner, points = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])
    yield case(
        "by hand",
        lambda: student.distances(corner, points),
        np.array([[5.0, 1.0]]),
        hint="Pythagoras: the square root of the sum of the squares, over the last axis",
    )
    yield case(
        "rows and columns",
        lambda: student.distances(points, corner),
        np.array([[5.0], [1.0]]),
        hint="a row for each point of a, and a column for each point of b",
    )
    n, m = _shape(rng, 2)
    a, b = rng.normal(0, 3, (n, 2)), rng.normal(0, 3, (m, 2))
    yield case(
        "random points",
        lambda: student.distances(a, b),
        reference.distances(a, b),
        hint="every point of a meets every point of b: a[:, None] has the shape (N, 1, D)",
        points=3,
    )
    d = int(rng.integers(3, 9))
    c, e = rng.normal(0, 3, (n, d)), rng.normal(0, 3, (m, d))
    yield case(
        "more dimensions",
        lambda: student.distances(c, e),
        reference.distances(c, e),
        hint="D need not be 2: sum over the last axis, whatever its size",
        points=2,
    )
    yield case(
        "to itself",
        lambda: student.distances(a, a),
        reference.distances(a, a),
        hint="",
        hidden=True,
        atol=1e-4,
    )

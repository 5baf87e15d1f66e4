"""Checks of lesson 01: a line by gradient descent."""

from collections.abc import Iterator

import numpy as np

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student

LESSON = "01_line"


def _points(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Return x, standardised, and y, which is near a line."""
    x = rng.normal(0, 1, int(rng.integers(20, 60)))
    x = (x - x.mean()) / x.std()
    return x, rng.uniform(-3, 3) * x + rng.uniform(-3, 3) + rng.normal(0, 0.5, x.size)


@exercise(LESSON, "gradients", points=2)
def gradients(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "one point by hand",
        lambda: student.gradients(0.0, 0.0, np.array([2.0]), np.array([3.0])),
        (-12.0, -6.0),
        hint="the error is w * x + b - y, here -3. To w belongs 2 * error * x, to b 2 * error",
    )
    yield case(
        "two points by hand",
        lambda: student.gradients(1.0, 0.0, np.array([1.0, 2.0]), np.array([0.0, 0.0])),
        (5.0, 3.0),
        hint="the loss is a mean, so each gradient is a mean over the points too",
    )
    x, y = _points(rng)
    w, b = rng.uniform(-3, 3, 2).tolist()
    yield case(
        "random points",
        lambda: student.gradients(w, b, x, y),
        reference.gradients(w, b, x, y),
        hint="b is a part of the error: w * x + b - y",
        points=3,
    )
    many = rng.normal(5, 2, 1000), rng.normal(1, 2, 1000)
    yield case(
        "many points",
        lambda: student.gradients(w, b, *many),
        reference.gradients(w, b, *many),
        hint="",
        hidden=True,
    )


@exercise(LESSON, "fit", points=3)
def fit(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    x, y = _points(rng)
    yield case(
        "no step at all",
        lambda: student.fit(x, y, steps=0),
        (0.0, 0.0),
        hint="start with w and b at 0.0, and return both",
    )
    yield case(
        "one step",
        lambda: student.fit(x, y, steps=1),
        reference.fit(x, y, steps=1),
        hint="a step takes rate * gradient away from w, and from b: downhill",
        points=2,
    )
    rate = float(rng.uniform(0.01, 0.05))
    yield case(
        "another rate",
        lambda: student.fit(x, y, steps=1, rate=rate),
        reference.fit(x, y, steps=1, rate=rate),
        hint="multiply the gradient by rate, the argument",
        points=2,
    )
    z = x + float(rng.uniform(1, 2))
    yield case(
        "a few steps, where w and b pull at each other",
        lambda: student.fit(z, y, steps=5, rate=rate),
        reference.fit(z, y, steps=5, rate=rate),
        hint="ask for both gradients before you change w or b, and do that in each of the steps",
        points=3,
    )
    slope, start = rng.uniform(-3, 3, 2).tolist()
    yield case(
        "it finds the line",
        lambda: student.fit(x, slope * x + start),
        (slope, start),
        hint="a hundred steps at rate 0.1, if nothing else is said",
        points=3,
    )
    yield case(
        "other points",
        lambda: student.fit(z, y, rate=rate),
        reference.fit(z, y, rate=rate),
        hint="",
        hidden=True,
        points=2,
    )

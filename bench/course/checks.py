"""The checks of the bench's lesson. `bench/grading.py` gives the other graders the same cases."""

from grader.checks.case import case, normal
from grader.checks.registry import exercise


@exercise("00_line", "standardise", points=1)
def standardise(student, reference, rng):
    for size in (2, 10, 1000):
        x = 3 * normal(rng, size) + 1
        want = reference.standardise(x)
        yield case(
            f"{size} numbers",
            lambda: student.standardise(x),
            want,
            hint="divide by the standard deviation",
        )


@exercise("00_line", "fit", points=2)
def fit(student, reference, rng):
    for size in (50, 200):
        x = normal(rng, size)
        y = 2 * x + 1 + 0.1 * normal(rng, size)
        want = reference.fit(x, y)
        yield case(f"{size} points", lambda: student.fit(x, y), want, hint="a hundred steps")

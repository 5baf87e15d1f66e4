"""Checks of `lr_schedule`."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from lmcourse.checks.mlp.nets import kind_of_number

LESSON = "04_mlp"


@exercise(LESSON, "lr_schedule", points=2)
def lr_schedule(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    warmup, fall = int(rng.integers(5, 20)), int(rng.integers(50, 120))
    steps = warmup + fall

    def rate(step: int, peak: float = 1.0) -> Any:
        return student.lr_schedule(step, steps, peak, warmup)

    yield case(
        "peak = 1, step 0",
        lambda: rate(0),
        1 / warmup,
        hint="peak * (step + 1) / warmup: with step alone the first rate is 0, and the first step "
        "is lost. (Divide with /: // cuts off what is behind the point.)",
    )
    yield case(
        "the last step of the warm-up",
        lambda: rate(warmup - 1),
        1.0,
        hint="The last step of the warm-up, step = warmup - 1, has the full peak.",
    )
    yield case(
        "the first step after the warm-up",
        lambda: rate(warmup),
        1.0,
        hint="The fall begins at step = warmup, and begins with the full peak: the warm-up is "
        "`step < warmup`, and the fall is divided by steps - warmup, its length.",
    )
    yield case(
        "the last step of all",
        lambda: rate(steps - 1),
        1 / fall,
        hint="The last step still moves a little: peak * (steps - step) / (steps - warmup), where "
        "steps - step is 1.",
    )
    some = sorted(int(n) for n in rng.choice(range(1, fall), 3, replace=False))
    yield case(
        "three steps on the way down",
        lambda: [rate(warmup + n) for n in some],
        [1 - n / fall for n in some],
        hint="Down on a straight line: after half of the fall the rate is half of the peak.",
    )
    climb = int(rng.integers(1, warmup - 1))
    peak = round(float(rng.uniform(0.001, 0.02)), 4)
    yield case(
        "a small peak: a step on the way up, and one on the way down",
        lambda: [rate(climb, peak), rate(warmup + some[0], peak)],
        [peak * (climb + 1) / warmup, peak * (1 - some[0] / fall)],
        hint="Both formulas begin with peak.",
        atol=1e-8,
    )
    yield case(
        "no warm-up: the first and the last step",
        lambda: [student.lr_schedule(step, fall, peak, 0) for step in (0, fall - 1)],
        [peak, peak / fall],
        hint="With warmup = 0 no step is below it, so the first formula must not be computed: it "
        "divides by 0. Use an if.",
        atol=1e-8,
    )
    yield case(
        "what kind of thing a rate is",
        lambda: kind_of_number(rate(climb)),
        "a plain number",
        hint="Compute with Python's numbers: no tensor is needed here.",
    )
    for which, hidden in (("a short training", False), ("another training", True)):
        length, rise = int(rng.integers(6, 30)), int(rng.integers(1, 6))
        top = float(rng.integers(1, 9))
        yield case(
            f"{which}: the rates of all steps",
            lambda: [student.lr_schedule(step, length, top, rise) for step in range(length)],
            [reference.lr_schedule(step, length, top, rise) for step in range(length)],
            hint="Up to peak in `warmup` steps, then down on a straight line to just above 0.",
            hidden=hidden,
        )

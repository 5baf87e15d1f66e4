"""Checks of the weights to begin with: `kaiming_init`."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

LESSON = "04_mlp"


@probe
def kind_of_weights(_: dict[str, Any], kaiming_init: Callable[..., torch.Tensor]) -> str | None:
    """Return the dtype of the weights, and whether they require gradients."""
    weights = kaiming_init(6, 4, 1.0)
    if weights is None:
        return None
    return f"{weights.dtype}, {'with' if weights.requires_grad else 'without'} gradients"


@exercise(LESSON, "kaiming_init", points=2)
def kaiming_init(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # All tolerances are at least six standard deviations of what a right answer gives. The sizes
    # are drawn from far apart, and stand before each measure: so no weights can be kept for the
    # next time, not even cut to size.
    def draw(*args: float) -> Any:
        return student.kaiming_init(*args)

    def spread(*args: float) -> list[float]:
        weights = draw(*args)
        return [*weights.shape, float(weights.std())]

    few, fewer = (int(n) for n in 3 + rng.permutation(20)[:2])
    yield case(
        "the shape for fan_in and fan_out",
        lambda: 0 * draw(few, fewer, 1.0),
        torch.zeros(few, fewer),
        hint="A float tensor of shape (fan_in, fan_out), made with torch.randn.",
        form=True,
    )
    yield case(
        "what kind of tensor",
        lambda: student.probe(kind_of_weights, student.kaiming_init),
        "torch.float32, without gradients",
        hint="Plain float32 numbers, as torch.randn gives them. Whoever makes a net of them says "
        "requires_grad_().",
    )
    many, wide = int(rng.integers(190, 600)), int(rng.integers(190, 600))

    def means() -> list[float]:
        weights = draw(many, wide, 1.0)
        rows, columns = (weights.mean(dim=dim).std() for dim in (1, 0))
        scale = weights.std()
        alone = [rows * math.sqrt(wide) / scale, columns * math.sqrt(many) / scale]
        return [*weights.shape, *map(float, alone)]

    yield case(
        "the size, and how far the means of rows and of columns spread, beside single weights",
        means,
        [many, wide, 1.0, 1.0],
        hint="Each weight is drawn on its own: fan_in * fan_out draws. Here rows or columns are "
        "alike.",
        atol=0,
        rtol=0.35,
    )
    yield case(
        "the size, and the mean in standard deviations",
        lambda: [*(weights := draw(many, wide, 1.0)).shape, float(weights.mean() / weights.std())],
        [many, wide, 0.0],
        hint="The mean is 0: torch.randn draws around 0, torch.rand draws from 0 to 1.",
        atol=0.035,
    )
    yield case(
        "fan_in and fan_out alike, gain = 1: the size, and the standard deviation",
        lambda: spread(many, many, 1.0),
        [many, many, 1 / math.sqrt(many)],
        hint="Multiply by the gain that is handed in and divide by math.sqrt(fan_in), the square "
        "root. No other factor comes in.",
        atol=0,
        rtol=0.045,
    )
    yield case(
        "fan_in larger than fan_out, gain = 1: the size, and the standard deviation",
        lambda: spread(3 * many, many // 3, 1.0),
        [3 * many, many // 3, 1 / math.sqrt(3 * many)],
        hint="What counts is fan_in alone, the first of the two: so many products are added up in "
        "each sum.",
        atol=0,
        rtol=0.045,
    )
    gain = 2 + round(float(rng.uniform(0, 3)), 1)
    yield case(
        "a larger gain: the size, and the standard deviation",
        lambda: spread(many, wide, gain),
        [many, wide, gain / math.sqrt(many)],
        hint="The gain is a factor: gain / math.sqrt(fan_in).",
        atol=0,
        rtol=0.045,
    )
    yield case(
        "no gain given: the size, and the standard deviation",
        lambda: spread(wide, many),
        [wide, many, 5 / 3 / math.sqrt(wide)],
        hint="Keep the signature: kaiming_init(fan_in, fan_out, gain=5 / 3).",
        atol=0,
        rtol=0.045,
    )
    yield case(
        "the size, and the share of weights beyond twice the standard deviation",
        lambda: [
            *(weights := draw(many, wide, 1.0)).shape,
            float((weights.abs() > 2 / math.sqrt(many)).float().mean()),
        ],
        [many, wide, 0.0455],
        hint="Draw from the normal distribution, torch.randn: there nearly 5 in 100 lie so far "
        "out. A uniform one (torch.rand) has none of them.",
        atol=0.0066,
        rtol=0,
    )
    yield case(
        "two calls: the size, and the standard deviation of their difference",
        lambda: [
            *(apart := draw(wide, many, 1.0) - draw(wide, many, 1.0)).shape,
            float(apart.std()),
        ],
        [wide, many, math.sqrt(2 / wide)],
        hint="Every call draws anew: set no seed inside.",
        atol=0,
        rtol=0.045,
    )
    fan_in = int(rng.integers(900, 1100))
    yield case(
        "a wide layer",
        lambda: spread(fan_in, 50, 2.0),
        [fan_in, 50, 2 / math.sqrt(fan_in)],
        hint="gain / math.sqrt(fan_in)",
        hidden=True,
        atol=0,
        rtol=0.045,
    )

"""The checks of dropout."""

from collections.abc import Iterator

import torch

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, repeat
from lmcourse.checks.transformer.seen import probabilities


@exercise(
    "06_transformer",
    "dropout",
    points=2,
    forbidden=("dropout", "native_dropout", "alpha_dropout", "feature_dropout"),
)
def dropout(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    x = normal(rng, 3, 4)
    square = normal(rng, 40, 40)
    yield case(
        "the shape of what comes out, for shapes (3, 4), (5,) and (2, 3, 4)",
        lambda: [
            list(student.dropout(some, 0.5, True).shape)
            for some in (x, torch.ones(5), torch.ones(2, 3, 4))
        ],
        [[3, 4], [5], [2, 3, 4]],
        hint="What comes out has the shape of x, however many axes that has: torch.rand_like(x), "
        "or torch.rand(x.shape).",
    )
    yield arguments_stay(
        "x afterwards: as it was",
        student,
        "dropout",
        x,
        0.5,
        True,
        hint="x[...] = 0, x *= ... and x /= ... change the tensor itself, and others may still "
        "need it. Make a new one, such as x * stays, or work on x.clone().",
    )
    yield case(
        "not in training: as it is",
        lambda: student.dropout(x, 0.5, False),
        x,
        hint="In evaluation nothing is dropped and nothing is made larger: if training is False, "
        "return x.",
    )
    yield case(
        "p = 0: nothing is dropped",
        lambda: student.dropout(x, 0.0, True),
        x,
        hint="With p = 0 every number stays, and is divided by 1. p is the share that goes, not "
        "the share that stays.",
    )
    # Two rows of 40 alike by chance: once in 10^9 tries.
    yield case(
        "40 rows and 40 columns, p = 0.5: in how many ways rows and columns are dropped",
        lambda: _different(student.dropout(square, 0.5, True) == 0),
        [40, 40],
        hint="Every number is drawn on its own. torch.rand with fewer numbers than x drops whole "
        "rows or columns: give it the shape of x.",
    )
    # 5,000 numbers each: -2, -0.5, 0.5 and 2, a little more or less.
    groups = torch.tensor([[-2.0], [-0.5], [0.5], [2.0]]) + normal(rng, 4, 5000) / 20
    some = probabilities(rng)
    yield case(
        "many random numbers: how far what stays is from x / (1 - p)",
        lambda: [_off(student.dropout(groups, p, True), groups / (1 - p)) for p in some],
        [0.0] * 4,
        hint="What stays is the number itself, divided by 1 - p, so that the mean is as it was.",
    )
    yield case(
        "the share of zeros among numbers near -2, -0.5, 0.5 and 2",
        lambda: [_zeros(student.dropout(groups, p, True)) for p in some],
        [[p] * 4 for p in some],
        hint="Each number goes with probability p: torch.rand_like(x) is below p with probability "
        "p. Which ones go is drawn by chance, and has nothing to do with how large they are.",
        atol=0.05,  # 7 standard errors
        rtol=0,
    )

    def drawn(x: torch.Tensor, times: int) -> list[torch.Tensor]:
        return list(student.probe(repeat, student.dropout, times, x, 0.5, True))

    yield holds(
        "two calls: whether both give the same",
        "they differ",
        lambda: "both give the same" if torch.equal(*drawn(square, 2)) else "",
        hint="Every call draws anew. A seed inside the function makes all calls the same.",
    )

    def alike() -> str:
        found = {int((each == 0).sum()) for each in drawn(torch.ones(16), 30)}
        return f"each has {found.pop()} zeros" if len(found) == 1 else ""

    # By chance: once in 10^20 tries.
    yield holds(
        "30 calls with 16 ones, p = 0.5: whether all give the same number of zeros",
        "they differ",
        alike,
        hint="Each number has a draw of its own, so how many go is left to chance: do not choose a "
        "fixed number of them.",
    )
    yield case(
        "training is True when it is not given: the share of zeros",
        lambda: [_zeros(student.dropout(groups, p)) for p in some],
        [[p] * 4 for p in some],
        hint="Keep the signature: dropout(x, p, training=True).",
        atol=0.05,
        rtol=0,
    )
    other, others = 3 * normal(rng, 1, 5000), probabilities(rng)
    yield case(
        "many random numbers, again: how far what stays is from x / (1 - p)",
        lambda: [_off(student.dropout(other, p, True), other / (1 - p)) for p in others],
        [0.0] * 4,
        hint="What stays is divided by 1 - p.",
        hidden=True,
    )
    yield case(
        "the share of zeros, again",
        lambda: [_zeros(student.dropout(other, p, True)) for p in others],
        [[p] for p in others],
        hint="Each number goes with probability p.",
        atol=0.05,
        rtol=0,
        hidden=True,
    )


def _zeros(x: torch.Tensor) -> list[float]:
    """Return the share of zeros in each row."""
    return [float(share) for share in (x == 0).float().mean(dim=-1)]


def _different(x: torch.Tensor) -> list[int]:
    return [len({str(row) for row in side.tolist()}) for side in (x, x.T)]


def _off(came: torch.Tensor, if_kept: torch.Tensor) -> float:
    return float(((came - if_kept) * (came != 0)).abs().max())

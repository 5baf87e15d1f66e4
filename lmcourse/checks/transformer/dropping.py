"""The checks of dropout."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import apart, arguments_stay, holds, repeat, slopes_of
from lmcourse.checks.transformer.seen import probabilities

DROPOUTS = (
    *("dropout", "dropout1d", "dropout2d", "dropout3d", "native_dropout"),
    *("alpha_dropout", "feature_dropout", "feature_alpha_dropout"),
)


@probe
def dropped_slopes(
    _: dict[str, Any],
    dropout: Callable[..., torch.Tensor],
    x: torch.Tensor,
    p: float,
    training: bool,
) -> list[torch.Tensor] | None:
    """Return what dropout gives, and the slopes of its sum for `x`; None if it gives nothing."""
    x.requires_grad_()
    given = dropout(x, p, training)
    return None if given is None else [given, *slopes_of(given.sum(), [x])]


@probe
def sets_seed(_: dict[str, Any], dropout: Callable[..., torch.Tensor]) -> str:
    """Say so if a call sets the seed of torch's generator."""
    before = torch.initial_seed()
    dropout(torch.ones(4), 0.5, True)
    return "" if torch.initial_seed() == before else "a call sets it"


@exercise(
    "06_transformer",
    "dropout",
    points=2,
    forbidden=DROPOUTS,
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
        form=True,
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
        lambda: student.dropout(square, 0.0, True),
        square,
        hint="With p = 0 every number stays, and is divided by 1. p is the share that goes, not "
        "the share that stays. torch.rand draws between 0 and 1; torch.randn does not.",
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
    some = [*probabilities(rng), float(rng.uniform(0.93, 0.97))]
    yield case(
        "many random numbers: how far what stays is from x / (1 - p)",
        lambda: [_off(student.dropout(groups, p, True), groups / (1 - p)) for p in some],
        [0.0] * 5,
        hint="What stays is the number itself, divided by 1 - p, so that the mean is as it was. "
        "p is the share that goes, not the share that stays.",
    )
    yield case(
        "the share of zeros among numbers near -2, -0.5, 0.5 and 2",
        lambda: [_zeros(student.dropout(groups, p, True)) for p in some],
        [[p] * 4 for p in some],
        hint="Each number goes with probability p: torch.rand_like(x) is below p with probability "
        "p, as it is, not rounded and without a limit. Which ones go is drawn by chance, and has "
        "nothing to do with how large they are.",
        atol=0.05,  # 7 standard errors
        rtol=0,
    )
    yield case(
        "the share of zeros among all of them",
        lambda: [_share_of_zeros(student.dropout(groups, p, True)) for p in some],
        some,
        hint="The probability is p as it is, not rounded and without a limit.",
        atol=0.025,  # 7 standard errors
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

    def never_gone() -> str:
        kept = torch.stack(drawn(torch.ones(16), 30)).all(dim=0).nonzero().flatten().tolist()
        return f"number {kept[0]} always stays" if kept else ""

    # By chance: once in 10^20 tries, and the next once in 10^7.
    yield holds(
        "30 calls with 16 ones, p = 0.5: whether all give the same number of zeros",
        "they differ",
        alike,
        hint="Each number has a draw of its own, so how many go is left to chance: do not choose a "
        "fixed number of them.",
    )
    yield holds(
        "30 calls with 16 ones, p = 0.5: whether each of them goes at least once",
        "each of them goes",
        never_gone,
        hint="Every number may go, the first and the last too.",
    )
    yield holds(
        "the seed of torch's generator after a call",
        "as it was",
        lambda: student.probe(sets_seed, student.dropout),
        hint="Set no seed, not even one that differs each time: who calls you has set one, so that "
        "all draws come again.",
    )

    def off_slopes(*, training: bool) -> float:
        """Return how far the slopes are from those of x times what it was multiplied by."""
        given, found = student.probe(dropped_slopes, student.dropout, square, some[0], training)
        factor = (given != 0) / (1 - some[0]) if training else torch.ones_like(square)
        return apart(found, factor)

    yield case(
        "the gradients that travel back to x, in training and in evaluation: how far they are off",
        lambda: [off_slopes(training=training) for training in (True, False)],
        [0.0, 0.0],
        hint="Slopes travel back through what stays, times 1 / (1 - p): no .detach(), no .item() "
        "or .tolist(), no numpy, no torch.no_grad().",
    )
    yield case(
        "training is True when it is not given: the share of zeros",
        lambda: [_zeros(student.dropout(groups, p)) for p in some],
        [[p] * 4 for p in some],
        hint="Keep the signature: dropout(x, p, training=True).",
        atol=0.05,
        rtol=0,
    )
    other, others = 3 * normal(rng, 1, 20_000), probabilities(rng)
    yield case(
        "many random numbers, again: how far what stays is from x / (1 - p)",
        lambda: [_off(student.dropout(other, p, True), other / (1 - p)) for p in others],
        [0.0] * 4,
        hint="What stays is divided by 1 - p.",
        hidden=True,
    )
    yield case(
        "the share of zeros, again",
        lambda: [_share_of_zeros(student.dropout(other, p, True)) for p in others],
        others,
        hint="Each number goes with probability p.",
        atol=0.025,
        rtol=0,
        hidden=True,
    )


def _zeros(x: torch.Tensor) -> list[float]:
    """Return the share of zeros in each row."""
    return [float(share) for share in (x == 0).float().mean(dim=-1)]


def _share_of_zeros(x: torch.Tensor) -> float:
    return float((x == 0).float().mean())


def _different(x: torch.Tensor) -> list[int]:
    return [len({str(row) for row in side.tolist()}) for side in (x, x.T)]


def _off(came: torch.Tensor, if_kept: torch.Tensor) -> float:
    return float(((came - if_kept) * (came != 0)).abs().max())

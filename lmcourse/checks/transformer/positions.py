"""The checks of the clocks that tell positions apart."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden


def _positions(T: int, C: int) -> torch.Tensor:
    angles = [[t * 10000 ** (-2 * (c // 2) / C) for c in range(C)] for t in range(T)]
    rows = [[math.cos(a) if c % 2 else math.sin(a) for c, a in enumerate(row)] for row in angles]
    return torch.tensor(rows)


@probe
def is_learnt(_: dict[str, Any], encode: Callable[[int, int], torch.Tensor]) -> str | None:
    """Say so if slopes lead to what `encode` gives; "" if not, None if it gives nothing."""
    given = encode(3, 4)
    return None if given is None else "it is" * given.requires_grad


@exercise("06_transformer", "positional_encoding", points=2)
def positional_encoding(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "the shape for T = 5, channels = 4",
        lambda: list(student.positional_encoding(5, 4).shape),
        [5, 4],
        hint="A row for each position, a column for each channel: (T, channels).",
        form=True,
    )
    yield case(
        "the kind of its numbers",
        lambda: str(student.positional_encoding(5, 4).dtype),
        "torch.float32",
        hint="A tensor of float32, which torch makes by itself unless you ask for another kind. "
        "From float64, as of numpy, .float() leads there.",
        form=True,
    )
    yield case(
        "column 0: the sine of the fastest clock",
        lambda: student.positional_encoding(4, 4)[:, 0],
        torch.tensor([math.sin(t) for t in range(4)]),
        hint="Position t is the row, counted from 0: row 0 has sin(0) = 0. The first clock turns "
        "by 1 radian for each position. Round nothing.",
    )
    yield case(
        "column 1: the cosine of the same clock",
        lambda: student.positional_encoding(4, 4)[:, 1],
        torch.tensor([math.cos(t) for t in range(4)]),
        hint="Sines and cosines take turns: each sine stands in an even column, and the cosine of "
        "the same clock, with the same rate, in the column behind it. Not all sines first.",
    )
    yield case(
        "columns 2 and 3: the second of two clocks",
        lambda: student.positional_encoding(4, 4)[:, 2:],
        _positions(4, 4)[:, 2:],
        hint="The rate of clock i is 10000 to the power of -2i / channels: with 4 channels the "
        "second clock has i = 1 and the rate 0.01. Mind the minus sign, and that 2i is the number "
        "of the even column.",
    )
    yield holds(
        "whether it is to be learnt",
        "it is not",
        lambda: student.probe(is_learnt, student.positional_encoding),
        hint="The clocks are a plain tensor: no nn.Parameter, no requires_grad_().",
    )

    def other_sizes() -> Iterator[Case]:
        rule = (
            "sin(t * rate) in column 2i, cos(t * rate) in column 2i + 1, and the rate is "
            "10000 ** (-2i / channels). T is how many positions there are, and changes no rate."
        )
        T, C = int(rng.integers(5, 40)), 2 * int(rng.integers(65, 100))
        yield case(
            "more channels than positions",
            lambda: student.positional_encoding(T, C),
            _positions(T, C),
            hint=rule,
            atol=1e-3,
        )
        long, few = int(rng.integers(520, 700)), 2 * int(rng.integers(3, 20))
        yield case(
            "more positions than channels",
            lambda: student.positional_encoding(long, few),
            _positions(long, few),
            hint=rule,
            atol=1e-3,
        )

    yield from public_and_hidden(other_sizes)
    few = 2 * int(rng.integers(3, 9))
    T = int(rng.integers(5, 9))
    sizes = [(T, 2 * few), (T, few), (2 * T, few), (T + 1, 2 * few)]
    yield case(
        "other sizes, one after the other",
        lambda: [student.positional_encoding(*size) for size in sizes],
        [_positions(*size) for size in sizes],
        hint="The rates depend on channels and the rows on T, in each call: what is kept from one "
        "call is wrong for another.",
        atol=1e-3,
    )

"""The checks of the clocks that tell positions apart."""

import math
from collections.abc import Iterator

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden


def _positions(T: int, C: int) -> torch.Tensor:
    angles = [[t * 10000 ** (-2 * (c // 2) / C) for c in range(C)] for t in range(T)]
    rows = [[math.cos(a) if c % 2 else math.sin(a) for c, a in enumerate(row)] for row in angles]
    return torch.tensor(rows)


@exercise("06_transformer", "positional_encoding", points=2)
def positional_encoding(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "the shape for T = 5, channels = 4",
        lambda: list(student.positional_encoding(5, 4).shape),
        [5, 4],
        hint="A row for each position, a column for each channel: (T, channels).",
    )
    yield case(
        "the kind of its numbers",
        lambda: str(student.positional_encoding(5, 4).dtype),
        "torch.float32",
        hint="A tensor of float32, which torch makes by itself unless you ask for another kind. "
        "From float64, as of numpy, .float() leads there.",
    )
    yield case(
        "column 0: the sine of the fastest clock",
        lambda: student.positional_encoding(4, 4)[:, 0],
        torch.tensor([math.sin(t) for t in range(4)]),
        hint="Position t is the row, counted from 0: row 0 has sin(0) = 0. The first clock turns "
        "by 1 radian for each position.",
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

    def other_sizes() -> Iterator[Case]:
        rule = (
            "sin(t * rate) in column 2i, cos(t * rate) in column 2i + 1, and the rate is "
            "10000 ** (-2i / channels). T is how many positions there are, and changes no rate."
        )
        T, C = int(rng.integers(5, 40)), 2 * int(rng.integers(20, 40))
        yield case(
            "more channels than positions",
            lambda: student.positional_encoding(T, C),
            _positions(T, C),
            hint=rule,
            atol=1e-3,
        )
        long, few = int(rng.integers(100, 300)), 2 * int(rng.integers(3, 20))
        yield case(
            "more positions than channels",
            lambda: student.positional_encoding(long, few),
            _positions(long, few),
            hint=rule,
            atol=1e-3,
        )

    yield from public_and_hidden(other_sizes)

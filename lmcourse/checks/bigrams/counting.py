"""Checks of the table of pairs: `count_bigrams` and `normalise`."""

from collections.abc import Iterator
from itertools import pairwise

import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, described

LESSON = "02_bigrams"


@exercise(LESSON, "count_bigrams", points=2)
def count_bigrams(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # Every character, then the last one again: V pairs, all different.
    V = int(rng.integers(4, 20))
    each = torch.tensor([*rng.permutation(V - 1).tolist(), V - 1, V - 1])
    yield case(
        "the kind of the table: float32, V rows and V columns",
        lambda: described(student.count_bigrams(each, V)),
        f"float32 tensor ({V}, {V})",
        hint="The table is (V, V) and float32: .float() makes it so.",
        points=0.5,
        form=True,
    )
    yield case(
        "the sum of the table: how many pairs there are",
        lambda: float(student.count_bigrams(each, V).sum()),
        float(V),
        hint="N characters make N - 1 pairs: the first has nothing before it, the last pair "
        "counts too, and the end does not wrap round to the start. All counts start at 0.",
    )
    yield case(
        "each pair in its place",
        lambda: student.count_bigrams(each, V),
        _table_of_pairs(each, V),
        hint="The row is the first character of the pair, the column the second.",
    )
    one, other = rng.permutation(V)[:2].tolist()
    often = torch.tensor([one, other] * 3 + [one] * int(rng.integers(3, 6)) + [V - 1, V - 1])
    yield case(
        "pairs that come several times",
        lambda: student.count_bigrams(often, V),
        _table_of_pairs(often, V),
        hint="A pair that comes three times counts three. counts[rows, columns] += 1 with whole "
        "tensors of indices adds only once; use torch.bincount, or a loop.",
    )
    yield case(
        "characters that the text does not use",
        lambda: student.count_bigrams(each, V + 2),
        _table_of_pairs(each, V + 2),
        hint="The table has V rows and V columns whatever the text holds: with torch.bincount, "
        "give minlength=V * V.",
    )
    yield case(
        "a text of one character",
        lambda: student.count_bigrams(each[:1], V),
        torch.zeros(V, V),
        hint="One character makes no pair: every count is 0.",
    )
    yield arguments_stay(
        "the ids stay as they were",
        student,
        "count_bigrams",
        often,
        V,
        answer=_table_of_pairs(often, V),
        hint="ids[:-1] is a part of the caller's own tensor, so *= or += on it changes the text: "
        "first * V makes a new tensor.",
        points=0.5,
    )
    # 3,000 characters, nine tenths of them the same: more pairs than small kinds of number hold.
    same = torch.where(torch.from_numpy(rng.random(3000)) < 0.9, one, other)
    yield case(
        "a pair that comes more than 2,000 times",
        lambda: student.count_bigrams(same, V),
        reference.count_bigrams(same, V),
        hint="Count in int64 or float32: smaller kinds of number, such as uint8 and float16, do "
        "not reach that far.",
        points=0.5,
    )
    for length, hidden in ((60, False), (2000, True)):
        ids = integers(rng, V, length)
        yield case(
            f"{length:,} characters at random",
            lambda: student.count_bigrams(ids, V),
            reference.count_bigrams(ids, V),
            hint="Row = first character, column = second, one count for each of the N - 1 pairs.",
            hidden=hidden,
        )


def _table_of_pairs(ids: torch.Tensor, V: int) -> torch.Tensor:
    pairs = list(pairwise(ids.tolist()))
    return torch.tensor([[float(pairs.count((i, j))) for j in range(V)] for i in range(V)])


@exercise(LESSON, "normalise", points=2)
def normalise(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(3, 15))
    counts = integers(rng, 9, V, V).float() + 1
    yield case(
        "the kind of the table: float32, V rows and V columns",
        lambda: described(student.normalise(counts, 1.0)),
        f"float32 tensor ({V}, {V})",
        hint="As many rows and columns as counts has, of float32. (An error about sizes? "
        "counts.sum(dim=1, keepdim=True) has shape (V, 1).)",
        points=0.5,
        form=True,
    )
    yield case(
        "by hand, alpha = 0",
        lambda: student.normalise(counts, 0.0),
        torch.stack([row / row.sum() for row in counts]),
        hint="Divide each row by the sum of that row: counts.sum(dim=1, keepdim=True) has shape "
        "(V, 1). Without keepdim, or along dim=0, the wrong numbers meet. alpha = 0 adds nothing.",
    )
    gap = counts.clone()
    gap[int(rng.integers(V))] = 0
    smoothed = torch.stack([(row + 1) / (row.sum() + V) for row in gap])
    yield case(
        "by hand, alpha = 1, with a row that was never seen",
        lambda: student.normalise(gap, 1.0),
        smoothed,
        hint="Add alpha to every count first, and only then divide by the sum of the new row.",
    )
    yield case(
        "alpha is 1 when it is not given",
        lambda: student.normalise(gap),
        smoothed,
        hint="Keep the signature: normalise(counts, alpha=1.0).",
    )
    yield arguments_stay(
        "the counts stay as they were",
        student,
        "normalise",
        gap,
        1.0,
        answer=smoothed,
        hint="counts += alpha changes the caller's own table. counts + alpha makes a new one.",
    )
    for name, size, high, hidden in (
        ("a random table, mostly zeros", 5, 9, False),
        ("a large table, mostly zeros", 40, 400, True),
    ):
        sparse = integers(rng, high, size, size).float() * (integers(rng, 3, size, size) == 0)
        alpha = float(rng.uniform(0.01, 0.5))
        yield case(
            name,
            lambda: student.normalise(sparse, alpha),
            reference.normalise(sparse, alpha),
            hint="(count + alpha) / (sum of the row + V * alpha)",
            hidden=hidden,
        )

"""Checks of writing with a table: `sample_next` and `generate`."""

from collections.abc import Iterator
from itertools import pairwise

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import kind_of, kinds_in, repeat

LESSON = "02_bigrams"


def _shares(drawn: list[int], V: int) -> torch.Tensor:
    """Return how often each of V characters was drawn, as shares that sum to one."""
    ids = torch.as_tensor(drawn)
    return torch.stack([(ids == i).float().mean() for i in range(V)])


@exercise(LESSON, "sample_next", points=1)
def sample_next(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(5, 20))
    only = int(rng.integers(V))
    certain = torch.zeros(V)
    certain[only] = 1.0
    yield case(
        "all the probability on one character",
        lambda: student.sample_next(certain),
        only,
        hint="The result is a plain int, counted from 0. torch.multinomial returns a tensor with "
        "one entry; .item() takes the number out of it. A character of probability 0 never comes.",
    )
    yield case(
        "the kind of what comes back: a plain int",
        lambda: student.probe(kind_of, student.sample_next, certain),
        "int",
        hint="A tensor of shape () looks like a number; .item() makes a plain number of it.",
        points=0.5,
        form=True,
    )
    yield case(
        "50 draws, all the probability on one character",
        lambda: sorted(
            set(torch.tensor(student.probe(repeat, student.sample_next, 50, certain)).tolist())
        ),
        [only],
        hint="A character of probability 0 never comes. Draw by `probs` as they are: they are "
        "probabilities already, so no softmax.",
    )
    # 2,000 draws: a share is off by 0.011 on average at most, so 0.07 is more than six times that.
    weights = torch.tensor([8.0, 4.0, 2.0, 1.0, 0.0]) * torch.from_numpy(rng.uniform(0.8, 1.2, 5))
    probs = (weights / weights.sum()).float()[torch.from_numpy(rng.permutation(5))]
    yield case(
        "2,000 draws: how often each character comes",
        lambda: _shares(student.probe(repeat, student.sample_next, 2000, probs), 5),
        probs,
        hint="Each character must come as often as its probability says. Taking the most likely "
        "one every time (argmax) is not sampling, and a fixed seed inside the function makes "
        "every draw the same.",
        atol=0.07,
    )
    # 2,000 draws again: a share is off by 0.0047 on average at most, a sixth of 0.028.
    seldom = float(rng.uniform(0.032, 0.045))
    rare = torch.tensor(rng.permutation([seldom, 1 - seldom]).tolist())
    yield case(
        "2,000 draws: how often a rare character comes",
        lambda: _shares(student.probe(repeat, student.sample_next, 2000, rare), 2),
        rare,
        hint="A rare character comes too, as seldom as its probability says: do not round the "
        "probabilities, and leave none out.",
        points=0.5,
        atol=0.028,
    )


@exercise(LESSON, "generate", points=2)
def generate(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    circle, order = _ring(rng, 5)
    yield case(
        "a text of length 1",
        lambda: student.generate(circle, order[0], 1),
        order[:1],
        hint="The result is a list, its first entry is `start`, and `length` counts that entry "
        "too: with length 1 there is nothing more.",
    )
    length = int(rng.integers(6, 20))
    yield case(
        "the length of a longer text",
        lambda: len(student.generate(circle, order[0], length)),
        length,
        hint="The list has `length` entries in all, the first one included.",
        points=0.5,
    )
    yield case(
        "a table that leaves no choice",
        lambda: student.generate(circle, order[0], 7),
        [*order, *order[:2]],
        hint="Each step looks at the row of the latest character: table[ids[-1]].",
    )
    yield case(
        "the kind of the entries: plain ints",
        lambda: student.probe(kinds_in, student.generate, circle, order[0], 5),
        ["int"],
        hint="The list holds plain numbers, as sample_next gives them, and no tensors.",
        points=0.5,
        form=True,
    )
    # Each row is used 450 times or more: a share is off by 0.023 at most, far less than 0.15.
    lopsided = torch.tensor([rng.permutation([0.65, 0.2, 0.15]).tolist() for _ in range(3)])
    start = int(rng.integers(3))
    yield case(
        "3,000 characters: the shares of what follows each one",
        lambda: _followers(student.generate(lopsided, start, 3000), 3),
        lopsided,
        hint="Draw each next character with sample_next. Always taking the most likely one "
        "(argmax) writes the same few characters for ever. (RecursionError? A function that calls "
        "itself does so too often for thousands of characters: use a loop.)",
        atol=0.15,
    )
    # The same 60 characters twice by chance: less than once in 10^10 tries.
    yield case(
        "two texts of 60 characters: how many different ones",
        lambda: len(
            {str(ids) for ids in student.probe(repeat, student.generate, 2, lopsided, start, 60)}
        ),
        2,
        hint="A seed inside the function makes all its texts the same: leave torch.manual_seed to "
        "those who call it.",
        points=0.5,
    )
    for name, V, hidden in (("a larger table", 12, False), ("a larger table still", 17, True)):
        ring, order = _ring(rng, V)
        length = int(rng.integers(20, 40))
        yield case(
            name,
            lambda: student.generate(ring, order[3], length),
            reference.generate(ring, order[3], length),
            hint="Each step looks at the row of the latest character.",
            hidden=hidden,
        )


def _ring(rng: Rng, V: int) -> tuple[torch.Tensor, list[int]]:
    """Return a table in which each character has one that follows, and their order."""
    order = rng.permutation(V).tolist()
    table = torch.zeros(V, V)
    table[order, [*order[1:], order[0]]] = 1.0
    return table, order


def _followers(ids: list[int], V: int) -> torch.Tensor:
    """Return for each character the shares of the characters that follow it, as (V, V)."""
    rows: list[list[int]] = [[] for _ in range(V)]
    for first, second in pairwise(ids):
        rows[first].append(second)
    return torch.stack([_shares(row, V) for row in rows])

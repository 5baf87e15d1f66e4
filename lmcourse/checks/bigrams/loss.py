"""Checks of how surprised a table is by a text: `nll`."""

import math
from collections.abc import Iterator

import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, one_number

LESSON = "02_bigrams"


@exercise(LESSON, "nll", points=2)
def nll(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(5, 12))
    uniform = torch.full((V, V), 1 / V)
    ids = integers(rng, V, 9)
    yield case(
        "the kind of what comes back: one number",
        lambda: one_number(student.nll(uniform, ids)),
        "one number",
        hint="The result is one number, the mean: a float or a tensor of shape (). (p.log() takes "
        "the logarithms of a whole tensor, math.log that of one number.)",
        points=0.5,
        form=True,
    )
    nats = math.log(V)
    yield case(
        "nine characters, all equally likely: ln V",
        lambda: student.nll(uniform, ids),
        nats,
        hint="The mean of -ln p over the 8 pairs. Mind the minus sign: a loss is above 0. "
        f"{8 * nats:.4g} is the sum of the pairs, {8 / 9 * nats:.4g} that sum divided by N. "
        f"{math.log2(V):.4g} is in bits, from log2. {V} is the perplexity, exp(loss).",
    )
    table = torch.from_numpy(rng.permutation(V * V) + 1.0).reshape(V, V)
    table = (table / table.sum(dim=1, keepdim=True)).float()
    a, b, c = rng.permutation(V)[:3].tolist()

    def surprise(first: int, second: int) -> float:
        return -math.log(float(table[first, second]))

    yield case(
        "texts of two characters",
        lambda: [float(student.nll(table, torch.tensor(pair))) for pair in ([a, b], [c, a])],
        [surprise(a, b), surprise(c, a)],
        hint="Two characters make one pair, so the last pair counts: table[first, second], where "
        "the row is the first of them, the column the second.",
    )
    x, y = surprise(a, b), surprise(b, c)
    blend = -math.log((math.exp(-x) + math.exp(-y)) / 2)
    yield case(
        "a text of three characters",
        lambda: student.nll(table, torch.tensor([a, b, c])),
        (x + y) / 2,
        hint=f"Its two pairs have the surprises {x:.4g} and {y:.4g}, and their mean is asked for. "
        f"{blend:.4g} is -ln of the mean probability: take the logarithms first. And "
        "table[rows, columns] takes pairs, where table[rows][:, columns] takes every row with "
        "every column.",
    )
    yield case(
        "a pair that comes three times",
        lambda: student.nll(table, torch.tensor([a, b, a, b, a, b])),
        (3 * x + 2 * surprise(b, a)) / 5,
        hint="Each pair counts as often as it comes, and every pair of neighbours does.",
        points=0.5,
    )
    three = torch.tensor([a, b, c])
    yield arguments_stay(
        "its arguments stay as they were",
        student,
        "nll",
        table,
        three,
        answer=(x + y) / 2,
        hint="A name that ends in _, such as log_, changes the caller's own table: log() makes a "
        "new tensor.",
        points=0.5,
    )
    for name, length, hidden in (
        ("20 characters at random", 20, False),
        ("2,000 characters at random", 2000, False),
        ("1,000 characters at random", 1000, True),
    ):
        text = integers(rng, V, length)
        yield case(
            name,
            lambda: student.nll(table, text),
            reference.nll(table, text),
            hint="The mean of -ln table[first, second] over all neighbouring pairs."
            if length == 20
            else "The product of so many probabilities is too small for a float32: it becomes 0. "
            "Take the logarithm of each, and then the mean.",
            hidden=hidden,
        )

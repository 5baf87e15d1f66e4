"""The checks of the causal mask, and of the mean over the past."""

from collections.abc import Iterator

import numpy as np
import torch

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import apart, arguments_stay, same_as_reference


@exercise("05_attention", "causal_mask", points=1)
def causal_mask(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "the shape for T = 3",
        lambda: list(student.causal_mask(3).shape),
        [3, 3],
        hint="One row for each position that looks, one column for each position that is looked "
        "at: (T, T), with no other axis.",
        form=True,
    )
    yield case(
        "the kind of its entries",
        lambda: str(student.causal_mask(3).dtype),
        "torch.bool",
        hint="The entries are True and False: torch.ones(T, T, dtype=torch.bool), or a comparison "
        "such as rows >= columns.",
        form=True,
    )
    above, below, diagonal = ([0, 0, 1], [1, 2, 2]), ([1, 2, 2], [0, 0, 1]), ([0, 1, 2], [0, 1, 2])
    yield case(
        "T = 3, right of the diagonal: the positions after t",
        lambda: student.causal_mask(3)[above],
        torch.tensor([False, False, False]),
        hint="Row t is the position that looks, and the columns right of the diagonal are later "
        "than t: False. (triu keeps just these, tril the others.)",
    )
    yield case(
        "T = 3, left of the diagonal: the positions before t",
        lambda: student.causal_mask(3)[below],
        torch.tensor([True, True, True]),
        hint="Row t may look at every position before t, not at some of them: True.",
    )
    yield case(
        "T = 3, on the diagonal: position t itself",
        lambda: student.causal_mask(3)[diagonal],
        torch.tensor([True, True, True]),
        hint="Each position may look at itself too: the diagonal is True.",
    )
    sizes = [1, *sorted(int(T) for T in rng.choice(np.arange(4, 40), 3, replace=False))]
    yield case(
        "T = 1, and three other sizes",
        lambda: [student.causal_mask(T) for T in sizes],
        [reference.causal_mask(T) for T in sizes],
        hint="Row t is True in columns 0 to t and False behind them, whatever T is: (T, T), also "
        "where T is 1.",
    )
    # The lesson itself asks for 1,024; and from 2,048 on 16 bits do not hold all positions.
    large = int(rng.integers(2060, 2200))
    yield case(
        "a large T",
        lambda: student.causal_mask(large),
        torch.ones(large, large, dtype=torch.bool).tril(),
        hint="T may be as large as a text: make the table for each T, not once for all.",
    )


@exercise("05_attention", "masked_mean", points=2, forbidden=("cumsum", "mean"))
def masked_mean(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    wide = normal(rng, 2, 4, 3)
    yield case(
        "the shape for 2 texts, 4 positions, 3 channels",
        lambda: list(student.masked_mean(wide).shape),
        [2, 4, 3],
        hint="The shape stays (B, T, C): weights of shape (T, T) times x. T is x.shape[1]. (An "
        "error about bool? A matrix product needs numbers: causal_mask(T).float().)",
        form=True,
    )
    text = wide[:1]
    later = torch.cat([text[:, :2], normal(rng, 1, 2, 3)], dim=1)
    yield case(
        "a single text: how far positions 0 and 1 move when positions 2 and 3 change",
        lambda: apart(student.masked_mean(text)[:, :2], student.masked_mean(later)[:, :2]),
        0.0,
        hint="Nothing comes from later positions. They stand in the columns behind t of row t of "
        "the weights, and those have to be 0. Is a table turned over, as by .T or triu?",
    )
    yield case(
        "four positions, all 1: the means at positions 1 to 3 are 1",
        lambda: student.masked_mean(torch.ones(1, 4, 1))[0, 1:, 0],
        torch.ones(3),
        hint="Each row of weights has to sum to 1, so divide each row of the mask by its own sum: "
        ".sum(dim=1, keepdim=True). dim=0 gives the sums of the columns, and so does dim=1 without "
        "keepdim, as torch lays the sums along the columns. T is the sum of the last row alone.",
    )
    yield case(
        "the first position, which sees only itself",
        lambda: student.masked_mean(wide)[:, 0],
        wide[:, 0],
        hint="The mean of a single row is that row, in each text, whatever the other texts are: "
        "position t takes part in its own mean, so row 0 of the weights is 1, 0, 0, 0. (// rounds "
        "down, / does not.)",
    )
    by_hand = torch.tensor([[[2.0], [4.0], [9.0]]])
    yield case(
        "by hand: 2, 4, 9",
        lambda: student.masked_mean(by_hand),
        torch.tensor([[[2.0], [3.0], [5.0]]]),
        hint="Position t takes the same part, 1 / (t + 1), of each of positions 0 to t: 2, (2 + 4) "
        "/ 2, (2 + 4 + 9) / 3.",
    )
    yield arguments_stay(
        "x afterwards: as it was",
        student,
        "masked_mean",
        wide,
        hint="x[:, t] = ... and x /= ... change the caller's tensor. Make a new one.",
    )
    yield from same_as_reference(
        student,
        reference,
        "random rows, in texts of any length",
        lambda notebook, *texts: [notebook.masked_mean(some) for some in texts],
        lambda: [
            normal(rng, *rng.integers((2, 5, 2), (5, 13, 6)).tolist()),
            normal(rng, 2, int(rng.integers(60, 90)), 2),
            normal(rng, 2, 1, 3),
        ],
        hint="Row t of the weights is 1 / (t + 1) in columns 0 to t, and 0 after that; "
        "weights @ x does this for each text by itself.",
    )

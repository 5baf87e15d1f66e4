"""The checks of attention as a function."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention as torchs_attention

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, public_and_hidden


@exercise(
    "05_attention",
    "scaled_dot_product_attention",
    points=3,
    forbidden=("scaled_dot_product_attention",),
)
def scaled_dot_product_attention(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(*args: torch.Tensor) -> Any:
        return student.scaled_dot_product_attention(*args)

    q, k, v = normal(rng, 3, 4), normal(rng, 5, 4), normal(rng, 5, 2)
    yield case(
        "the shape for T = 3 queries, S = 5 keys, d = 4, e = 2",
        lambda: list(ask(q, k, v).shape),
        [3, 2],
        hint="The scores are (T, S): query @ key.transpose(-2, -1). The weights times value are "
        "(T, e). No mask is given here: the first line says mask=None, and then none is used.",
        form=True,
    )
    yield case(
        "values that are all 1, without a mask: what comes out",
        lambda: ask(q, k, torch.ones(5, 1)),
        torch.ones(3, 1),
        hint="Each query shares out its attention among the keys, so each row of weights sums to "
        "1: softmax over the last axis, dim=-1, and nothing is done to the weights after it.",
    )
    yield case(
        "keys that are all alike, without a mask: the mean of all values, for each query",
        lambda: ask(q, k[:1].expand(5, 4).contiguous(), v),
        v.mean(dim=0).expand(3, 2).contiguous(),
        hint="Alike keys get the same score, so each of them gets the same weight. Without a mask "
        "every query looks at all keys, the first query too: mask only if a mask is given.",
    )
    long_query = torch.tensor([[2.0, 0.0, 0.0, 0.0]] * 3)
    two_keys = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    ten_twenty = torch.tensor([[10.0], [20.0]])
    first = math.exp(2) / (math.exp(2) + 1)
    both = 10 * first + 20 * (1 - first)
    yield case(
        "by hand: three queries, products 4 and 0, d = 4, values 10 and 20",
        lambda: ask(long_query, two_keys, ten_twenty),
        torch.tensor([[both]] * 3),
        hint="The scores are 4 and 0, divided by the square root of 4: 2 and 0. Softmax makes "
        "0.881 and 0.119 of them. d is the length of a query, query.shape[-1]: not T, not S, not "
        "e. Without the division 10.18 comes out, divided by d itself 12.69.",
    )
    mask = torch.tensor([[True, False], [False, True], [True, True]])
    yield case(
        "the shape with a mask",
        lambda: list(ask(long_query, two_keys, ten_twenty, mask).shape),
        [3, 1],
        hint="Ask `if mask is not None:`. A line such as `if mask:` wants a single True or False, "
        "and a mask is a table of them. Inside it, ~mask turns True and False round.",
        form=True,
    )
    yield case(
        "the same with a mask: only the first, only the second, both",
        lambda: ask(long_query, two_keys, ten_twenty, mask),
        torch.tensor([[10.0], [20.0], [both]]),
        hint="True means: may look. Where the mask is False, set the *score* to minus infinity, "
        "before the softmax: scores.masked_fill(~mask, -math.inf), and keep the result. A weight "
        "that is set to 0 afterwards is missing in its row, and a score of 0 still counts.",
    )
    Q, K, values = normal(rng, 2, 3, 4, 6), normal(rng, 2, 3, 5, 6), normal(rng, 2, 3, 5, 2)
    yield case(
        "the shape with two axes in front, (2, 3)",
        lambda: list(ask(Q, K, values).shape),
        [2, 3, 4, 2],
        hint="Any number of axes may stand in front. Turn over only the last two: "
        "key.transpose(-2, -1). (key.T turns over all of them.)",
        form=True,
    )
    yield case(
        "the shape for one text, one query and values of one number",
        lambda: list(ask(q[None, :1], k[None], v[None, :, :1]).shape),
        [1, 1, 1],
        hint="An axis of length 1 stays where it is: no .squeeze().",
        form=True,
    )
    allowed = _mask(rng, 4, 5)
    yield arguments_stay(
        "query, key, value and mask afterwards: as they were",
        student,
        "scaled_dot_product_attention",
        Q,
        K,
        values,
        allowed,
        hint="query /= ... changes the caller's tensor, and so do methods that end in _, such as "
        "masked_fill_. Make new tensors.",
    )
    formula = (
        "softmax(query @ key.transpose(-2, -1) / sqrt(d), masked) @ value. Nothing is rounded: not "
        "math.isqrt, not //."
    )
    gap = float(rng.uniform(1, 2))
    high = float(rng.integers(300, 500))
    near = torch.tensor([[high], [high - gap], [-high]])
    yield case(
        "two scores of several hundred, a little apart, and two as far below 0",
        lambda: ask(torch.tensor([[1.0], [-1.0]]), near, torch.tensor([[0.0], [1.0], [0.0]])),
        torch.tensor([[1 / (1 + math.exp(gap))], [0.0]]),
        hint="exp of a large number is infinite. torch.softmax takes the largest score away first; "
        "nothing is cut off, at 80 or so, where all large scores are alike.",
        atol=1e-3,
    )
    yield case(
        "scores of several hundred",
        lambda: ask(300 * q, k, v),
        torchs_attention(300 * q[None], k[None], v[None])[0],
        hint="exp of a large number is infinite. torch.softmax takes the largest score away first, "
        "as yours in lesson 00.",
        atol=1e-2,  # a score of 1,000 is rounded to 0.0001
    )
    far, least = float(rng.integers(300, 900)), float(rng.uniform(1, 2))
    yield case(
        "scores far below 0, a huge value, and a mask: only the first, only the second, both",
        lambda: ask(
            torch.full((3, 1), -far), torch.ones(2, 1), torch.tensor([[least], [1e9]]), mask
        ),
        torch.tensor([[least], [1e9], [5e8]]),
        hint="The weight of what is hidden is 0, however low the other scores are and however "
        "large its value: hide with minus infinity, -math.inf. A score such as -100 may be the "
        "highest of all, and one that is a little below the others leaves a little weight.",
    )
    yield case(
        "a score of several hundred, hidden from the second of three queries",
        lambda: ask(
            torch.ones(3, 1), torch.tensor([[far], [0.0]]), torch.tensor([[least], [20.0]]), mask
        ),
        torch.tensor([[least], [20.0], [least]]),
        hint="Softmax over all keys gives everything to that one. Hidden after that, the weights "
        "that are left are 0, and dividing them by their sum, 0 too, brings nothing back. Hide the "
        "*score*, before the softmax.",
    )

    def against_torch() -> Iterator[Case]:
        d = int(rng.integers(5, 9))  # no square, so that a rounded root is wrong
        T, S, e = (int(size) for size in rng.permutation(list({4, 5, 6, 7, 8} - {d}))[:3])
        q, k, v = normal(rng, T, d), normal(rng, S, d), normal(rng, S, e)
        yield case(
            "random numbers, without a mask, against torch's own",
            lambda: ask(q, k, v),
            torchs_attention(q[None], k[None], v[None])[0],
            hint=formula,
        )
        front = [2, 3]
        many = normal(rng, *front, T, d), normal(rng, *front, S, d), normal(rng, *front, S, e)
        hides = _mask(rng, T, S)
        yield case(
            "random numbers, with two axes in front and a mask",
            lambda: ask(*many, hides),
            torchs_attention(*many, attn_mask=hides),
            hint="Count the axes from the end, as any number may stand in front: dim=-1, "
            f"query.shape[-1], transpose(-2, -1). {formula}",
        )
        square = normal(rng, 2, T, d), normal(rng, 2, T, d), normal(rng, 2, T, e)
        causal = torch.ones(T, T, dtype=torch.bool).tril()
        yield case(
            "as many keys as queries, with a causal mask",
            lambda: ask(*square, causal),
            torchs_attention(*square, is_causal=True),
            hint="Where T = S the shapes cannot tell rows from columns. Queries are the rows of "
            f"scores and mask, keys the columns. {formula}",
        )

    yield from public_and_hidden(against_torch)


def _mask(rng: Rng, T: int, S: int) -> torch.Tensor:
    """Return a random mask (T, S) that leaves each query a key."""
    allowed = integers(rng, 2, T, S) == 1
    allowed[torch.arange(T), integers(rng, S, T)] = True
    return allowed

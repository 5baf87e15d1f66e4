"""The checks of rotary positions."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import apart, arguments_stay, holds, public_and_hidden, slopes_of


@probe
def slopes_before_turning(
    _: dict[str, Any], turn: Callable[..., Any], x: torch.Tensor, direction: torch.Tensor
) -> torch.Tensor | None:
    """Return the slopes of sum(turn(x) * direction) for x."""
    turned = turn(x.requires_grad_())
    return None if turned is None else slopes_of((turned * direction).sum(), [x])[0]


@probe
def turns_elsewhere(_: dict[str, Any], turn: Callable[..., Any]) -> str:
    """Return in words what keeps `turn` from turning what is not on the CPU."""
    try:  # on the meta device, where no number is computed
        turn(torch.zeros(2, 3, 4, device="meta"))
    except RuntimeError as error:
        if "expected device" in str(error) or "same device" in str(error):
            return "two tensors of one operation are on different devices"
        if "meta" not in str(error):  # code that wants to see numbers cannot be judged here
            raise
    return ""


@probe
def turned_view(
    _: dict[str, Any], turn: Callable[..., Any], x: torch.Tensor
) -> torch.Tensor | None:
    """Return what `turn` makes of `x`, (B, T, heads, d), as (B, heads, T, d): not a new tensor."""
    turned: torch.Tensor | None = turn(x.transpose(1, 2))
    return turned


@exercise("09_scale", "apply_rope", points=3)
def apply_rope(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    x = normal(rng, 2, 3, 5, 8)
    yield case(
        "the shapes of what comes out, for four axes and for two",
        lambda: [list(student.apply_rope(part).shape) for part in (x, x[0, 0])],
        [[2, 3, 5, 8], [5, 8]],
        hint="T and d are the last two axes, x.shape[-2:], however many stand in front. What comes "
        "out has the shape of what came in: join the two halves again, torch.cat([...], dim=-1).",
        form=True,
    )
    yield case(
        "the kind of its numbers",
        lambda: str(student.apply_rope(x).dtype),
        "torch.float32",
        hint="float32, as x is. (A float64 may come from numpy or from math: .float().)",
        form=True,
    )
    yield case(
        "the character at position 0",
        lambda: student.apply_rope(x)[..., 0, :],
        x[..., 0, :],
        hint="Positions count from 0, and an angle of 0 turns nothing: cos 0 = 1, sin 0 = 0. The "
        "axis of the positions is the last but one.",
    )
    point = torch.tensor([[1.0, 0.0]] * 4)
    turned = torch.tensor([[math.cos(t), math.sin(t)] for t in range(4)])
    yield case(
        "the point (1, 0) at the positions 0 to 3, with d = 2",
        lambda: student.apply_rope(point),
        turned,
        hint="(a, b) becomes (a cos − b sin, a sin + b cos), both with the old a and b, and "
        "position t turns by t radians here. With the signs of the sines the other way round it "
        "turns backwards.",
    )
    up = torch.tensor([[0.0, 1.0]] * 4)
    yield case(
        "the point (0, 1) at the positions 0 to 3",
        lambda: student.apply_rope(up),
        torch.stack([-turned[:, 1], turned[:, 0]], dim=1),
        hint="The first coordinate is a cos − b sin, the second a sin + b cos: both with the old a "
        "and b.",
    )
    four = torch.zeros(3, 4)
    four[:, 1] = 1.0
    yield case(
        "channel 1 of four alone is 1: its partner is channel 3",
        lambda: student.apply_rope(four),
        torch.tensor([[0, math.cos(t / 100), 0, math.sin(t / 100)] for t in range(3)]),
        hint="Channel i belongs together with channel i + d/2, not with its neighbour: "
        "a, b = x.chunk(2, dim=-1). Pair i turns by t · 10000^(−2i/d): with d = 4, pair 1 turns by "
        "t/100.",
    )
    yield case(
        "the same, beginning at position 50",
        lambda: student.apply_rope(four, 50),
        torch.tensor([[0, math.cos(t / 100), 0, math.sin(t / 100)] for t in range(50, 53)]),
        hint="The first character stands at position `start`: torch.arange(start, start + T).",
    )
    far = int(rng.integers(20_000, 60_000))
    yield case(
        "the same, far behind in a long text",
        lambda: student.apply_rope(four, far),
        torch.tensor([[0, math.cos(t / 100), 0, math.sin(t / 100)] for t in range(far, far + 3)]),
        hint="A text has no end here: make the angles of the positions that are asked for, from "
        "start on, and not a table for so many positions.",
        atol=2e-3,
    )
    yield holds(
        "what it makes, beside an x that is on another device",
        "all tensors are on one device",
        lambda: str(student.probe(turns_elsewhere, student.apply_rope)),
        hint="What you make must be where x is: torch.arange(..., device=x.device).",
    )
    yield arguments_stay(
        "x afterwards: as it was",
        student,
        "apply_rope",
        x,
        hint="Write into a new tensor: x belongs to the caller, and its chunks are parts of it.",
    )

    def drawn() -> Iterator[Case]:
        T, d, start = int(rng.integers(5, 20)), 2 * int(rng.integers(3, 12)), int(rng.integers(900))
        q = normal(rng, 2, 3, T, d)
        rule = (
            "Pair i is channels i and i + d/2, its rate 10000^(−2i/d), its angle at position t the "
            "rate times t; the first position is `start`."
        )
        yield case(
            "four axes",
            lambda: student.apply_rope(q),
            reference.apply_rope(q),
            hint=rule,
            points=2.0,
            atol=1e-3,
        )
        yield case(
            "two axes, from a later position on",
            lambda: student.apply_rope(q[0, 0], start),
            reference.apply_rope(q[0, 0], start),
            hint=rule,
            points=2.0,
            atol=2e-3,
        )
        yield case(
            "how much longer or shorter its rows become",
            lambda: apart(student.apply_rope(q).norm(dim=-1), q.norm(dim=-1)),
            0.0,
            hint="Turning changes no length: both coordinates with the old a and b, and with "
            "cosine and sine of the same angle.",
            atol=1e-3,
        )
        yield case(
            "queries as attention has them: heads and positions changed places by transpose",
            lambda: student.probe(turned_view, student.apply_rope, q.transpose(1, 2).contiguous()),
            reference.apply_rope(q),
            hint="x may be another tensor's numbers in another order, where .view fails: .reshape, "
            "or leave the axes in front alone, as x.chunk(2, dim=-1) does.",
            atol=1e-3,
        )
        direction = normal(rng, T, d)
        yield case(
            "the gradient that travels back to x",
            lambda: student.probe(slopes_before_turning, student.apply_rope, q[0, 0], direction),
            reference.probe(slopes_before_turning, reference.apply_rope, q[0, 0], direction),
            hint="No .detach(), .data or torch.no_grad() on x: query and key learn by what comes "
            "back through the turning.",
            atol=1e-3,
        )
        query, key = normal(rng, 1, d), normal(rng, 1, d)
        back = int(rng.integers(1, 40))
        want = float((reference.apply_rope(query, back) * reference.apply_rope(key, 0)).sum())
        yield case(
            "the score of a query and a key, wherever the two stand, so far apart",
            lambda: [
                float((student.apply_rope(query, at + back) * student.apply_rope(key, at)).sum())
                for at in (0, 17, 300)
            ],
            [want] * 3,
            hint="Turn queries and keys in the same way: then only the distance counts.",
            atol=5e-3,
            rtol=1e-3,
        )

    yield from public_and_hidden(drawn)

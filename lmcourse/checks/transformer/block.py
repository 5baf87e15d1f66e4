"""The checks of the block."""

from collections.abc import Iterator
from functools import cache, partial

import torch
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.transformer.expected import (
    block_shapes,
    random_weights,
    shapes_of,
    torch_block,
    torch_slopes,
)
from lmcourse.checks.transformer.modules import (
    Weights,
    answers,
    input_stays,
    parameters_of,
    slopes_in_both_modes,
)
from lmcourse.checks.transformer.seen import (
    extremes,
    holes,
    moved,
    odd_start,
    other_futures,
    probabilities,
)


def _without(weights: Weights, *names: str) -> Weights:
    """Return `weights` with zeros for those whose name begins with one of `names`."""
    return {name: 0 * value if name.startswith(names) else value for name, value in weights.items()}


NO_ATTENTION, NO_THINKING = "attention.project", "feed_forward.shrink"
"""The weights that must be 0 for a half of a block to add nothing."""


@exercise("06_transformer", "Block", points=4)
def block(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    ask = partial(answers, student, "Block")

    yield case(
        "the names and shapes of the parameters of Block(4, 2)",
        lambda: shapes_of(student.probe(parameters_of, student.Block, [4, 2])),
        block_shapes(4),
        hint="Four parts in __init__: norm1, attention, norm2 and feed_forward. The two norms are "
        "two modules of their own, each with its own weight and bias. attention is your "
        "MultiHeadAttention, feed_forward your FeedForward.",
    )
    yield holds(
        "the weights of Block(24, 4) at first",
        "as its parts make them",
        lambda: odd_start(student.probe(parameters_of, student.Block, [24, 4]), block_shapes(24)),
        hint="Leave the four parts as they are made: the norms' weights 1 and their biases 0, and "
        "all else as nn.Linear draws it. (`project` and `shrink` are zeros only in the example.)",
    )
    weights = random_weights(rng, block_shapes(6))
    x = normal(rng, 2, 5, 6)
    yield case(
        "the shape of what comes out",
        lambda: list(ask([6, 2], weights, x)[0].shape),
        [2, 5, 6],
        hint="(B, T, C) comes in, and (B, T, C) goes out.",
        form=True,
    )
    yield input_stays(
        student,
        "Block",
        [6, 2],
        x,
        hint="x += ... changes the tensor itself, which the norm still needs on the way back: "
        "write x = x + ...",
    )
    # With texts of one character, and hidden numbers so large that GELU passes them on, few of the
    # mistakes that may be in the parts show.
    parts = random_weights(rng, block_shapes(4))
    parts["feed_forward.expand.bias"] += 40
    plain = {name: torch.full((4,), float("weight" in name)) for name in parts if "norm" in name}
    calm = F.layer_norm(normal(rng, 5, 1, 4), (4,))  # a norm leaves it as it is
    loud = 5 * normal(rng, 5, 1, 4) + 2
    silent = _without(parts | plain, NO_ATTENTION, NO_THINKING)
    yield case(
        "both halves add nothing, and the stream is normalised already: what comes out",
        lambda: ask([4, 1], silent, calm)[0],
        calm,
        hint="Each half ADDS to the stream: x = x + ... twice. Without `x +` the half replaces it, "
        "and where it has nothing to say nothing is left.",
        atol=1e-3,
    )
    yield case(
        "both halves add nothing, and the stream is loud: what comes out",
        lambda: ask([4, 1], silent, loud)[0],
        loud,
        hint="The stream itself is never normalised: the norm stands inside the branch, "
        "x + attention(norm1(x)). Not norm1(x + attention(x)), and not x = norm1(x) first.",
    )
    yield case(
        "attention alone adds something",
        lambda: ask([4, 1], _without(parts, NO_THINKING), loud)[0],
        torch_block(_without(parts, NO_THINKING), 1, loud),
        hint="Attention reads norm1 of the stream, and what it says stays in the stream: "
        "x = x + attention(norm1(x)).",
        atol=1e-3,
    )
    yield case(
        "feed_forward alone adds something",
        lambda: ask([4, 1], _without(parts, NO_ATTENTION), loud)[0],
        torch_block(_without(parts, NO_ATTENTION), 1, loud),
        hint="feed_forward reads norm2 of the stream: feed_forward(norm2(x)), and not norm1 a "
        "second time.",
        atol=1e-2,
    )
    yield case(
        "both add something",
        lambda: ask([4, 1], parts, loud)[0],
        torch_block(parts, 1, loud),
        hint="One after the other, attention first: feed_forward reads the stream to which "
        "attention has already added.",
        atol=1e-2,
    )
    quiet = normal(rng, 5, 1, 4) / 30
    yield case(
        "both add something, and the stream is quiet, of spread 0.03",
        lambda: ask([4, 1], parts, quiet)[0],
        torch_block(parts, 1, quiet),
        hint="nn.LayerNorm(channels), with the eps that it has by itself.",
        atol=1e-2,
    )
    yield case(
        "texts of five characters, three heads",
        lambda: ask([6, 3], weights, x)[0],
        torch_block(weights, 3, x),
        hint="Hand the number of heads on: MultiHeadAttention(channels, heads, dropout). (And "
        "check MultiHeadAttention, FeedForward and the norm by themselves.)",
        atol=2e-2,
    )
    futures = other_futures(rng, normal(rng, 1, 5, 6))
    yield case(
        "how far the past moves when the future changes, at each position",
        lambda: moved(ask([6, 2], weights, *futures)),
        [0.0] * 4,
        hint="Nothing in a block may look ahead. Check MultiHeadAttention and the norm by "
        "themselves.",
        atol=1e-4,
    )
    yield case(
        "with dropout, in evaluation: nothing is dropped",
        lambda: ask([4, 1, 0.5], parts, loud)[0],
        torch_block(parts, 1, loud),
        hint="Dropout works only in training: leave it to the two parts, which know that.",
        atol=1e-2,
    )
    yield case(
        "with dropout, in training, both halves add nothing: what comes out",
        lambda: ask([4, 1, 0.5], silent, loud, training=True)[0],
        loud,
        hint="The stream itself is never dropped, only what is added to it.",
    )
    # What goes into each part is all 1, whatever x is, and what comes out is all alike.
    alike = {name: torch.ones(shape) for name, shape in block_shapes(12).items()}
    alike |= {name: torch.zeros(12) for name in ("norm1.weight", "norm2.weight")}
    zeros = torch.zeros(1000, 1, 12)
    some = probabilities(rng)
    for part, other, times in (("attention", NO_THINKING, 2), ("feed_forward", NO_ATTENTION, 1)):
        alone = _without(alike, other)
        whole = float(torch_block(alone, 1, zeros[:1])[0, 0, 0])

        @cache
        def added(p: float) -> torch.Tensor:
            return ask([12, 1, p], alone, zeros, training=True)[0]

        yield case(
            f"with dropout, in training, {part} alone: the share of zeros that it adds",
            lambda: [holes(added(p)) for p in some],
            some,
            hint=f"Hand dropout on to {part}, as its last argument, and leave the dropping to it: "
            "dropped in the block as well, too much is gone.",
            atol=0.05,  # 6 standard errors
            rtol=0,
        )
        yield case(
            f"with dropout, in training, {part} alone: the smallest and the largest that it adds",
            lambda: [extremes(added(p)) for p in some],
            [[whole / (1 - p) ** times] * 2 for p in some],
            hint=f"What {part} reads is the norm of the stream, with nothing dropped from it.",
        )
    calmer = {name: value / 2 for name, value in weights.items()}
    direction = normal(rng, 2, 5, 6)
    yield case(
        "the gradients that travel back to all parameters and to x",
        lambda: slopes_in_both_modes(student, "Block", [6, 2], calmer, x, direction),
        [torch_slopes(lambda own, x: torch_block(own, 2, x), calmer, x, direction)] * 2,
        hint="Slopes travel back through both halves and along the stream, so all four parts must "
        "be used in forward, and no .detach(). If torch speaks of an inplace operation: x += ... "
        "changes the tensor itself, which the norm still needs on the way back, so write "
        "x = x + ...",
        atol=2e-2,
        rtol=1e-2,
    )

    def other_sizes() -> Iterator[Case]:
        heads, d, T = (int(size) for size in rng.integers((3, 2, 3), (5, 5, 9)))
        wide = random_weights(rng, block_shapes(heads * d))
        wide = {name: value / 2 for name, value in wide.items()}
        text = normal(rng, 3, T, heads * d)
        yield case(
            "more heads, more texts",
            lambda: ask([heads * d, heads], wide, text)[0],
            torch_block(wide, heads, text),
            hint="Hand channels, heads and dropout on.",
            atol=2e-2,
        )

    yield from public_and_hidden(other_sizes)

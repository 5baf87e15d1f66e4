"""The checks of the feed-forward part."""

from collections.abc import Iterator
from functools import cache, partial

import torch
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import apart, holds, public_and_hidden
from lmcourse.checks.transformer.expected import (
    feed_forward_shapes,
    random_weights,
    shapes_of,
    torch_feed_forward,
    torch_slopes,
)
from lmcourse.checks.transformer.modules import answers, parameters_of, slopes_in_both_modes
from lmcourse.checks.transformer.seen import (
    extremes,
    holes,
    odd_start,
    probabilities,
    same_holes,
)


@exercise("06_transformer", "FeedForward", points=2)
def feed_forward(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    ask = partial(answers, student, "FeedForward")

    yield case(
        "the names and shapes of the parameters of FeedForward(3)",
        lambda: shapes_of(student.probe(parameters_of, student.FeedForward, [3])),
        feed_forward_shapes(3),
        hint="Two layers in __init__: expand, nn.Linear(channels, 4 * channels), and shrink, "
        "nn.Linear(4 * channels, channels), both with a bias.",
    )
    yield holds(
        "the weights of FeedForward(24) at first",
        "as nn.Linear draws them",
        lambda: odd_start(
            student.probe(parameters_of, student.FeedForward, [24]), feed_forward_shapes(24)
        ),
        hint="Leave the two layers as nn.Linear makes them: no zeros, and no other spread.",
    )
    weights = random_weights(rng, feed_forward_shapes(4))
    x = normal(rng, 2, 3, 4)
    yield case(
        "the shape of what comes out",
        lambda: list(ask([4], weights, x)[0].shape),
        [2, 3, 4],
        hint="(B, T, C) comes in, and (B, T, C) goes out: expand, then shrink.",
        form=True,
    )
    yield case(
        "without dropout, in training and in evaluation: how far two results are apart",
        lambda: [apart(*ask([4], weights, x, x, training=training)) for training in (True, False)],
        [0.0, 0.0],
        hint="As long as dropout is 0, nothing is left to chance. Write F.dropout(..., p): without "
        "p it drops half of the numbers.",
    )
    silent = {name: 0 * value for name, value in weights.items()}
    yield case(
        "weights and biases that are all 0: what comes out",
        lambda: ask([4], silent, x)[0],
        torch.zeros(2, 3, 4),
        hint="What comes out is what shrink gives, and no more. The stream is added in the block, "
        "not here.",
    )
    yield case(
        "one position by itself, and the same one among others: the largest difference",
        lambda: _at_last_place(*ask([4], weights, x, x[1:, 2:])),
        0.0,
        hint="Each position is worked on by itself. nn.Linear works on the last axis: no reshape, "
        "and no mean or sum over the positions.",
        atol=1e-3,
    )
    through = {
        "expand.weight": torch.tensor([[1.0], [0.0], [0.0], [0.0]]),
        "expand.bias": torch.zeros(4),
        "shrink.weight": torch.tensor([[-1.0, 0.0, 0.0, 0.0]]),
        "shrink.bias": torch.zeros(1),
    }
    line = torch.tensor([[[-1.0], [0.5], [2.0]]]) + normal(rng, 1, 3, 1) / 10
    yield case(
        "one channel, passed through and its sign turned: minus GELU of three numbers",
        lambda: ask([1], through, line)[0],
        -F.gelu(line),
        hint="The bend is F.gelu, between expand and shrink, and only there: not ReLU or tanh, not "
        "none, and not behind shrink. No norm stands here, and each layer uses its own weight.",
        atol=1e-3,  # GELU's tanh form differs by half as much
    )
    tails = torch.tensor([[[-2.5], [-2.0], [2.0], [2.5]]]) + normal(rng, 1, 4, 1) / 20
    yield case(
        "the same near -2.5, -2, 2 and 2.5, to four positions",
        lambda: ask([1], through, tails)[0],
        -F.gelu(tails),
        hint='Take F.gelu(z) as it is: with approximate="tanh" it is another function, which '
        "only comes near.",
    )
    yield case(
        "random weights",
        lambda: ask([4], weights, x)[0],
        torch_feed_forward(weights, x),
        hint="First expand, then F.gelu, then shrink, each on what the one before gave.",
        atol=1e-2,
    )
    yield case(
        "with dropout = 0.5, in evaluation: nothing is dropped",
        lambda: ask([4, 0.5], weights, x)[0],
        torch_feed_forward(weights, x),
        hint="Dropout works only in training. Use the p that is there, and not self.dropout.",
        atol=1e-2,
    )
    # All hidden numbers are alike, so all that go out are alike, but those dropped at the very end.
    ones = {name: torch.ones(shape) for name, shape in feed_forward_shapes(12).items()}
    many = torch.ones(500, 1, 12)
    some = probabilities(rng)

    @cache
    def dropped(p: float) -> torch.Tensor:
        return ask([12, p], ones, many, training=True)[0]

    yield case(
        "with dropout, in training: the share of zeros",
        lambda: [holes(dropped(p)) for p in some],
        some,
        hint="Dropout comes last, and once: what shrink gives goes through F.dropout(..., p).",
        atol=0.05,  # 7 standard errors
        rtol=0,
    )
    yield case(
        "with dropout, in training: the smallest and the largest number that is left",
        lambda: [extremes(dropped(p)) for p in some],
        [[float(torch_feed_forward(ones, many)[0, 0, 0]) / (1 - p)] * 2 for p in some],
        hint="Dropout makes up for what it drops, as F.dropout does. Nothing is dropped before the "
        "very end: neither x nor what is hidden.",
        atol=1e-2,
    )
    yield holds(
        "with dropout, in training, two positions of a text: which channels they lose",
        "each its own",
        lambda: same_holes(ask([12, some[0]], ones, many.expand(500, 2, 12), training=True)[0]),
        hint="Every number is drawn on its own, at every position: F.dropout, not F.dropout1d.",
    )
    direction = normal(rng, 2, 3, 4)
    yield case(
        "the gradients that travel back to the weights, the biases and x",
        lambda: slopes_in_both_modes(student, "FeedForward", [4], weights, x, direction),
        [torch_slopes(torch_feed_forward, weights, x, direction)] * 2,
        hint="Both layers must be used in forward, and no .detach(), .data or torch.no_grad() on "
        "the way.",
        atol=2e-2,
    )

    def other_sizes() -> Iterator[Case]:
        B, T, C = (int(size) for size in rng.integers((1, 4, 5), (4, 12, 12)))
        wide = random_weights(rng, feed_forward_shapes(C))
        text = normal(rng, B, T, C) / 3
        yield case(
            "more channels, longer texts",
            lambda: ask([C], wide, text)[0],
            torch_feed_forward(wide, text),
            hint="First expand, then F.gelu, then shrink, at each position by itself.",
            atol=1e-2,
        )

    yield from public_and_hidden(other_sizes)


def _at_last_place(among_others: torch.Tensor, by_itself: torch.Tensor) -> float:
    return apart(among_others[1:, 2:], by_itself)

"""The checks of attention with several heads."""

from collections.abc import Iterator
from functools import cache, partial

import torch

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import apart, holds, public_and_hidden
from lmcourse.checks.transformer.expected import (
    attention_shapes,
    random_weights,
    shapes_of,
    torch_attention,
    torch_slopes,
)
from lmcourse.checks.transformer.modules import answers, parameters_of, slopes_in_both_modes
from lmcourse.checks.transformer.seen import (
    extremes,
    holes,
    moved,
    odd_start,
    other_futures,
    probabilities,
    same_holes,
)


@exercise("06_transformer", "MultiHeadAttention", points=6)
def multi_head_attention(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    ask = partial(answers, student, "MultiHeadAttention")

    yield case(
        "the names and shapes of the parameters of MultiHeadAttention(6, 2)",
        lambda: shapes_of(student.probe(parameters_of, student.MultiHeadAttention, [6, 2])),
        attention_shapes(6),
        hint="Four layers in __init__, named query, key, value and project: each of them "
        "nn.Linear(channels, channels, bias=False), kept in self.",
    )
    yield holds(
        "the weights of MultiHeadAttention(48, 4) at first",
        "as nn.Linear draws them",
        lambda: odd_start(
            student.probe(parameters_of, student.MultiHeadAttention, [48, 4]), attention_shapes(48)
        ),
        hint="Leave the four layers as nn.Linear makes them, each on its own: no zeros, no other "
        "spread, no copies.",
    )
    weights = random_weights(rng, attention_shapes(6))
    x = normal(rng, 2, 3, 6)
    yield case(
        "the shape of what comes out",
        lambda: list(ask([6, 2], weights, x)[0].shape),
        [2, 3, 6],
        hint="(B, T, C) comes in, and (B, T, C) goes out: put the heads side by side again. "
        "Reshape to (B, T, heads, d), where d is C // heads.",
        form=True,
    )
    yield case(
        "without dropout, in training and in evaluation: how far two results are apart",
        lambda: [
            apart(*ask([6, 2], weights, x, x, training=training)) for training in (True, False)
        ],
        [0.0, 0.0],
        hint="As long as dropout is 0, nothing is left to chance. Write F.dropout(..., p): without "
        "p it drops half of the numbers.",
    )
    yield case(
        "weights that are all 0: what comes out",
        lambda: ask([6, 2], {name: 0 * value for name, value in weights.items()}, x)[0],
        torch.zeros(2, 3, 6),
        hint="What comes out is what the heads have found, through `project`, and no more. The "
        "stream is added in the block, not here.",
    )
    # With one character there is only one position to look at, so each head finds its value.
    single = normal(rng, 1, 1, 6)
    alike = {
        "value.weight": normal(rng, 1, 6).expand(6, 6).contiguous(),
        "project.weight": torch.eye(6),
    }
    yield case(
        "a text of one character: its value (the same in all channels, and project passes it on)",
        lambda: ask([6, 2], weights | alike, single)[0],
        single @ alike["value.weight"].T,
        hint="Queries come from the layer query, keys from key, values from value. With one "
        "position to look at, what a head finds is the value there.",
    )
    passed_on = weights | {"project.weight": torch.eye(6)}
    yield case(
        "a text of one character: its value (project passes it on)",
        lambda: ask([6, 2], passed_on, single)[0],
        single @ weights["value.weight"].T,
        hint="Each head has channels of its own, and they come back side by side, in their order: "
        "those of head 0 first. Attention works on the last two axes, (T, d), so after the reshape "
        "to (B, T, heads, d) comes transpose(1, 2).",
    )
    yield case(
        "a text of one character: its value, projected",
        lambda: ask([6, 2], weights, single)[0],
        single @ weights["value.weight"].T @ weights["project.weight"].T,
        hint="At the end `project` is applied to all channels together.",
    )
    eye = torch.eye(4)
    as_it_is = {"value.weight": eye, "project.weight": eye}
    plain = {"query.weight": eye, "key.weight": eye} | as_it_is
    # Wherever a position looks and however the heads come back, one number of four is not 0.
    one_channel = torch.tensor([1.0, 0, 0, 0]).expand(1, 3, 4).contiguous()
    yield case(
        "three positions whose channel 0 is 1 and the rest 0: how many numbers are not 0",
        lambda: int((ask([4, 2], plain, one_channel)[0] != 0).sum()),
        3,
        hint="On the way in, each head needs its channels of every position. A reshape straight to "
        "(B, heads, T, d) cuts between positions: reshape to (B, T, heads, d) first, and then "
        "transpose(1, 2).",
    )
    other = normal(rng, 1, 3, 6)
    changed = [x, torch.cat([x[:1], other]), torch.cat([other, x[1:]])]
    yield case(
        "how far each of two texts moves when the other one changes",
        lambda: _texts_moved(*ask([6, 2], weights, *changed)),
        [0.0, 0.0],
        hint="Each text of the batch is read by itself: its axis, the first, stays where it is.",
        atol=1e-4,
    )
    futures = other_futures(rng, normal(rng, 1, 5, 6))
    yield case(
        "one head: how far the past moves when the future changes, at each position",
        lambda: moved(ask([6, 1], weights, *futures)),
        [0.0] * 4,
        hint="A position may look at itself and back: is_causal=True, or your causal mask, before "
        "the softmax. The softmax goes over the keys, the last axis.",
        atol=1e-4,
    )
    same_scores = {"query.weight": 0 * eye, "key.weight": 0 * eye}
    numbers = normal(rng, 1, 3, 4)
    means = numbers.cumsum(dim=1) / torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1)
    yield case(
        "one head, all scores are alike: the mean of the past",
        lambda: ask([4, 1], same_scores | as_it_is, numbers)[0],
        means,
        hint="Where all scores are equal, each position takes the mean of itself and those before "
        "it: scores are query times key, and their softmax is multiplied with the values.",
    )
    # Scores of 141 with itself and of 0 with the others, however the channels are cut into heads.
    alone = {"query.weight": 10 * eye, "key.weight": 10 * eye}
    signs = torch.tensor([[1.0, 1, 1, 1], [1, -1, -1, 1], [-1, 1, 1, -1]])
    texts = torch.stack([signs, signs[[2, 0, 1]]])
    yield case(
        "each position looks at itself alone: what comes back is what went in",
        lambda: ask([4, 2], alone | as_it_is, texts)[0],
        texts,
        hint="On the way back the axes are (B, heads, T, d). Use transpose(1, 2) once more before "
        "the reshape to (B, T, C), or positions and heads are mixed up.",
    )
    # At position 1 the score of the larger number wins by far: in channels 0 and 1 that of
    # position 0, in channels 2 and 3 its own.
    a, b, more_a, more_b = (float(number) for number in rng.uniform(1, 2, 4))
    elsewhere = torch.tensor([[[a + more_a, 0, 0, b], [a, 0, 0, b + more_b]]])
    found = torch.tensor([[[a + more_a, 0, 0, b], [a + more_a, 0, 0, b + more_b]]])
    yield case(
        "two heads, each of which looks at another position",
        lambda: ask([4, 2], alone | as_it_is, elsewhere)[0],
        found,
        hint="Each head asks with its own channels and looks where it likes, so there must be "
        "`heads` of them: reshape to (B, T, heads, d), where heads is self.heads.",
        atol=1e-4,
    )
    # In each position all channels are equal, so it does not matter which of them make a head.
    equal = torch.tensor([1.0, 2.0, -1.0]).reshape(1, 3, 1).expand(1, 3, 4).contiguous()
    yield case(
        "the size of the scores, with 2 heads of 2 channels",
        lambda: ask([4, 2], plain, equal)[0],
        torch_attention(plain, 2, equal),
        hint="Divide the scores by the square root of d, the channels of one head: not by that of "
        "all channels, and not at all is wrong as well. Torch's function does it by itself, so do "
        "not do it a second time.",
    )
    yield case(
        "two heads, compared with torch's own nn.MultiheadAttention",
        lambda: ask([6, 2], weights, x)[0],
        torch_attention(weights, 2, x),
        hint="Head 0 has the first d channels, head 1 the next d: reshape to (B, T, heads, d), and "
        "not to (B, T, d, heads). Queries ask, keys answer: mind the order of the arguments. "
        "`project` comes last, behind attention.",
        atol=1e-4,
    )
    calm = {name: value / 2 for name, value in weights.items()}
    direction = normal(rng, 2, 3, 6)
    yield case(
        "the gradients that travel back to the weights and to x",
        lambda: slopes_in_both_modes(student, "MultiHeadAttention", [6, 2], calm, x, direction),
        [torch_slopes(lambda own, x: torch_attention(own, 2, x), calm, x, direction)] * 2,
        hint="Slopes must be able to travel back through every step: no .detach(), no .data, no "
        "torch.no_grad(), in training and in evaluation.",
        atol=1e-3,
    )

    def other_sizes() -> Iterator[Case]:
        heads, d, T = (int(size) for size in rng.integers((3, 2, 5), (5, 5, 12)))
        many = random_weights(rng, attention_shapes(heads * d))
        long = int(rng.integers(100, 150))
        sizes = [(3, T), (1, 2), (2, T + 4), (1, long)]
        inputs = [normal(rng, B, length, heads * d) / 2 for B, length in sizes]
        yield case(
            "more heads, and texts of other lengths, one after the other",
            lambda: ask([heads * d, heads], many, *inputs),
            [torch_attention(many, heads, text) for text in inputs],
            hint="Use self.heads, and take B, T and C from x.shape in forward: they may be others "
            "at each call, and no text is too long.",
            atol=1e-3,
        )

    yield from public_and_hidden(other_sizes)
    yield case(
        "with dropout = 0.5, in evaluation: nothing is dropped",
        lambda: ask([6, 2, 0.5], weights, x)[0],
        torch_attention(weights, 2, x),
        hint="Dropout works only in training. Use the p that is there, and not self.dropout: "
        "F.dropout(x, self.dropout) and dropout_p=self.dropout always drop.",
        atol=1e-4,
    )
    # `project` mixes the channels: a number that is 0 before it is none behind it.
    wide = {name: torch.eye(12) + (name == "project.weight") for name in attention_shapes(12)}
    ones = torch.ones(4000, 1, 12)
    some = probabilities(rng)

    @cache
    def dropped(p: float) -> torch.Tensor:
        return ask([12, 1, p], wide, ones, training=True)[0]

    yield case(
        "with dropout, in training: the share of positions that lose their only weight",
        lambda: [_empty_rows(dropped(p)) for p in some],
        some,
        hint="Hand dropout_p=p to the attention function, so that attention weights are dropped.",
        atol=0.05,  # 6 standard errors
        rtol=0,
    )
    yield case(
        "with dropout, in training: the share of zeros at the other positions",
        lambda: [holes(dropped(p)) for p in some],
        some,
        hint="The very last result is dropped, once: what comes out of `project` goes through "
        "F.dropout(..., p), and not what goes into it.",
        atol=0.05,
        rtol=0,
    )
    yield case(
        "with dropout, in training: the smallest and the largest number that is left",
        lambda: [extremes(dropped(p)) for p in some],
        [[13 / (1 - p) ** 2] * 2 for p in some],
        hint="Dropout makes up for what it drops, for the attention weights and for the very last "
        "result. Nothing else is dropped on the way.",
    )
    pairs = torch.ones(500, 2, 12)
    yield holds(
        "with dropout, in training, two positions of a text: which channels they lose",
        "each its own",
        lambda: same_holes(ask([12, 1, some[0]], wide, pairs, training=True)[0]),
        hint="Every number of the very last result is drawn on its own, at every position: "
        "F.dropout, not F.dropout1d.",
    )


def _texts_moved(first: torch.Tensor, *others: torch.Tensor) -> list[float]:
    """Return how far text 0 moved in the first of `others`, text 1 in the second, and so on."""
    return [apart(other[text], first[text]) for text, other in enumerate(others)]


def _empty_rows(x: torch.Tensor) -> float:
    """Return the share of the rows of x (B, 1, C) in which every number is 0."""
    return float((x == 0).all(dim=-1).float().mean())

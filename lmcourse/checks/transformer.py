"""Checks of lesson 06: the parts of a transformer's block, and the block.

The judge sends the weights, and works out with torch's own modules what has to come back.
"""

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

LESSON = "06_transformer"

Weights = dict[str, torch.Tensor]


# -------------------------------------------------------------- what runs beside the student's code


@probe
def parameters_of(_: dict[str, Any], kind: type[nn.Module], arguments: list[Any]) -> Weights:
    """Return the parameters of a new module `kind(*arguments)` by name."""
    return {name: value.detach() for name, value in kind(*arguments).named_parameters()}


@probe
def outputs(
    _: dict[str, Any],
    kind: type[nn.Module],
    arguments: list[Any],
    weights: Weights,
    inputs: list[torch.Tensor],
    training: bool = False,
) -> list[torch.Tensor]:
    """Return what `kind(*arguments)` with these weights gives for each of `inputs`."""
    module = _module(kind, arguments, weights)
    module.train(training)
    return [module(x) for x in inputs]


@probe
def slopes(
    _: dict[str, Any],
    kind: type[nn.Module],
    arguments: list[Any],
    weights: Weights,
    x: torch.Tensor,
    direction: torch.Tensor,
) -> Weights:
    """Return the slopes of sum(result * direction) for each parameter and for x, by name."""
    module = _module(kind, arguments, weights)
    leaves = {**dict(module.named_parameters()), "x": x.requires_grad_()}
    torch.autograd.backward((module(x) * direction).sum())
    return {
        name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        for name, leaf in leaves.items()
    }


@probe
def input_after(
    _: dict[str, Any], kind: type[nn.Module], arguments: list[Any], x: torch.Tensor
) -> torch.Tensor:
    """Return what is left of `x` after `kind(*arguments)` has read it."""
    kind(*arguments)(x)
    return x


def _module(kind: type[nn.Module], arguments: list[Any], weights: Weights) -> nn.Module:
    module = kind(*arguments)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(weights[name])
    return module


# ------------------------------------------------------------------------- what the judge works out


def _shapes(parameters: Weights) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in parameters.items()}


def _random_weights(rng: Rng, shapes: dict[str, list[int]]) -> Weights:
    return {name: normal(rng, *shape) for name, shape in shapes.items()}


def _attention_shapes(C: int) -> dict[str, list[int]]:
    return {f"{name}.weight": [C, C] for name in ("query", "key", "value", "project")}


def _feed_forward_shapes(C: int) -> dict[str, list[int]]:
    return {
        "expand.weight": [4 * C, C],
        "expand.bias": [4 * C],
        "shrink.weight": [C, 4 * C],
        "shrink.bias": [C],
    }


def _norm_shapes(C: int) -> dict[str, list[int]]:
    return {"weight": [C], "bias": [C]}


def _block_shapes(C: int) -> dict[str, list[int]]:
    parts = {
        "norm1": _norm_shapes(C),
        "attention": _attention_shapes(C),
        "norm2": _norm_shapes(C),
        "feed_forward": _feed_forward_shapes(C),
    }
    return {f"{part}.{name}": shape for part, own in parts.items() for name, shape in own.items()}


def _part(weights: Weights, part: str) -> Weights:
    return {
        name.removeprefix(f"{part}."): value
        for name, value in weights.items()
        if name.startswith(f"{part}.")
    }


def _attention(weights: Weights, heads: int, x: torch.Tensor) -> torch.Tensor:
    """Return what torch's own nn.MultiheadAttention gives with these weights and a causal mask."""
    T, C = x.shape[1:]
    theirs = nn.MultiheadAttention(C, heads, bias=False, batch_first=True, device="meta")
    asking = [weights[f"{name}.weight"] for name in ("query", "key", "value")]
    own = {"in_proj_weight": torch.cat(asking), "out_proj.weight": weights["project.weight"]}
    hidden = torch.ones(T, T, dtype=torch.bool).triu(1)
    how = {"attn_mask": hidden, "need_weights": False}
    result: torch.Tensor = torch.func.functional_call(theirs, own, (x, x, x), how)[0]
    return result


def _norm(weights: Weights, x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:], weights["weight"], weights["bias"], eps)


def _feed_forward(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    hidden = F.gelu(F.linear(x, weights["expand.weight"], weights["expand.bias"]))
    return F.linear(hidden, weights["shrink.weight"], weights["shrink.bias"])


def _block(weights: Weights, heads: int, x: torch.Tensor) -> torch.Tensor:
    read = _norm(_part(weights, "norm1"), x)
    x = x + _attention(_part(weights, "attention"), heads, read)
    return x + _feed_forward(_part(weights, "feed_forward"), _norm(_part(weights, "norm2"), x))


def _slopes(
    function: Callable[[Weights, torch.Tensor], torch.Tensor],
    weights: Weights,
    x: torch.Tensor,
    direction: torch.Tensor,
) -> Weights:
    """Return what the probe `slopes` has to give where the module computes `function`."""
    leaves = {name: value.clone().requires_grad_() for name, value in {**weights, "x": x}.items()}
    result = function(leaves, leaves["x"])
    found = torch.autograd.grad((result * direction).sum(), list(leaves.values()))
    return dict(zip(leaves, found, strict=True))


def _other_futures(rng: Rng, x: torch.Tensor) -> list[torch.Tensor]:
    """Return x, and for each position but the first a copy that differs from there on."""
    others = []
    for t in range(1, x.shape[1]):
        other = x.clone()
        other[:, t:] = normal(rng, *other[:, t:].shape)
        others.append(other)
    return [x, *others]


def _moved(results: list[torch.Tensor]) -> list[float]:
    """Return how far the past of each changed future moved."""
    first, *others = results
    pasts = enumerate(others, start=1)
    return [_apart(other[:, :t], first[:, :t]) for t, other in pasts]


def _apart(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the largest difference."""
    return float((a - b).abs().max())


def _probabilities(rng: Rng) -> list[float]:
    """Return four between 0.1 and 0.5, of all sizes, in random order."""
    return [float(low + rng.uniform(0, 0.1)) for low in rng.permutation([0.1, 0.2, 0.3, 0.4])]


def _holes(x: torch.Tensor) -> float:
    """Return the share of zeros in those rows of x (B, 1, C) that are not all zeros."""
    return float((x[~(x == 0).all(dim=-1)] == 0).float().mean())


def _left(x: torch.Tensor) -> list[float]:
    """Return the smallest and the largest number of x that is not 0."""
    left = x[x != 0]
    return [float(left.min()), float(left.max())]


def _shape(x: Any) -> list[int] | None:
    """Return the shape of x, or None if nothing came back."""
    return None if x is None else list(x.shape)


NO_RETURN = "If nothing comes back, the `return` is missing."


# ------------------------------------------------------------------------------ MultiHeadAttention


@exercise(LESSON, "MultiHeadAttention", points=6)
def multi_head_attention(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(
        arguments: list[Any], weights: Weights, *inputs: torch.Tensor, training: bool = False
    ) -> list[torch.Tensor]:
        kind = student.MultiHeadAttention
        answers = student.probe(outputs, kind, arguments, weights, list(inputs), training)
        return list(answers)

    yield case(
        "the names and shapes of the parameters of MultiHeadAttention(6, 2)",
        lambda: _shapes(student.probe(parameters_of, student.MultiHeadAttention, [6, 2])),
        _attention_shapes(6),
        hint="Four layers in __init__, named query, key, value and project: each of them "
        "nn.Linear(channels, channels, bias=False), kept in self.",
    )
    weights = _random_weights(rng, _attention_shapes(6))
    x = normal(rng, 2, 3, 6)
    yield case(
        "the shape of what comes out",
        lambda: _shape(ask([6, 2], weights, x)[0]),
        [2, 3, 6],
        hint="(B, T, C) comes in, and (B, T, C) goes out: put the heads side by side again. "
        f"Reshape to (B, T, heads, d), where d is C // heads. {NO_RETURN}",
    )
    yield case(
        "without dropout, in training and in evaluation: how far two results are apart",
        lambda: [
            _apart(*ask([6, 2], weights, x, x, training=training)) for training in (True, False)
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
    # With one character there is only one place to look at, so each head finds its value.
    single = normal(rng, 1, 1, 6)
    alike = {
        "value.weight": normal(rng, 1, 6).expand(6, 6).contiguous(),
        "project.weight": torch.eye(6),
    }
    yield case(
        "a text of one character: its value (the same in all channels, and project passes it on)",
        lambda: ask([6, 2], weights | alike, single)[0],
        single @ alike["value.weight"].T,
        hint="Queries come from the layer query, keys from key, values from value. With one place "
        "to look at, what a head finds is the value there.",
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
    futures = _other_futures(rng, normal(rng, 1, 5, 6))
    yield case(
        "one head: how far the past moves when the future changes, at each position",
        lambda: _moved(ask([6, 1], weights, *futures)),
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
    apart = torch.tensor([[[a + more_a, 0, 0, b], [a, 0, 0, b + more_b]]])
    found = torch.tensor([[[a + more_a, 0, 0, b], [a + more_a, 0, 0, b + more_b]]])
    yield case(
        "two heads, each of which looks at another position",
        lambda: ask([4, 2], alone | as_it_is, apart)[0],
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
        _attention(plain, 2, equal),
        hint="Divide the scores by the square root of d, the channels of one head: not by that of "
        "all channels, and not at all is wrong as well. Torch's function does it by itself, so do "
        "not do it a second time.",
    )
    yield case(
        "two heads, compared with torch's own nn.MultiheadAttention",
        lambda: ask([6, 2], weights, x)[0],
        _attention(weights, 2, x),
        hint="Head 0 has the first d channels, head 1 the next d: reshape to (B, T, heads, d), and "
        "not to (B, T, d, heads). Queries ask, keys answer: mind the order of the arguments. "
        "`project` comes last, behind attention.",
        atol=1e-4,
    )
    calm = {name: value / 2 for name, value in weights.items()}
    direction = normal(rng, 2, 3, 6)
    yield case(
        "the slopes that travel back to the weights and to x",
        lambda: student.probe(slopes, student.MultiHeadAttention, [6, 2], calm, x, direction),
        _slopes(lambda own, x: _attention(own, 2, x), calm, x, direction),
        hint="Slopes must be able to travel back through every step: no .detach(), no .data, no "
        "torch.no_grad().",
        atol=1e-3,
    )
    for hidden in (False, True):
        heads, d, T = (int(size) for size in rng.integers((3, 2, 5), (5, 5, 12)))
        many = _random_weights(rng, _attention_shapes(heads * d))
        inputs = [normal(rng, 3, length, heads * d) / 2 for length in (T, 2, T + 4)]
        yield case(
            "more heads, and texts of other lengths, one after the other" + ", again" * hidden,
            lambda: ask([heads * d, heads], many, *inputs),
            [_attention(many, heads, text) for text in inputs],
            hint="Use self.heads, and take B, T and C from x.shape in forward: they may be others "
            "at each call.",
            atol=1e-3,
            hidden=hidden,
        )
    yield case(
        "with dropout = 0.5, in evaluation: nothing is dropped",
        lambda: ask([6, 2, 0.5], weights, x)[0],
        _attention(weights, 2, x),
        hint="Dropout works only in training. Use the p that is there, and not self.dropout: "
        "F.dropout(x, self.dropout) and dropout_p=self.dropout always drop.",
        atol=1e-4,
    )
    # `project` mixes the channels: a number that is 0 before it is none behind it.
    wide = {name: torch.eye(12) + (name == "project.weight") for name in _attention_shapes(12)}
    ones = torch.ones(4000, 1, 12)
    some = _probabilities(rng)

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
        lambda: [_holes(dropped(p)) for p in some],
        some,
        hint="The very last result is dropped, once: what comes out of `project` goes through "
        "F.dropout(..., p), and not what goes into it.",
        atol=0.05,
        rtol=0,
    )
    yield case(
        "with dropout, in training: the smallest and the largest number that is left",
        lambda: [_left(dropped(p)) for p in some],
        [[13 / (1 - p) ** 2] * 2 for p in some],
        hint="Dropout makes up for what it drops, for the attention weights and for the very last "
        "result. Nothing else is dropped on the way.",
    )


def _texts_moved(first: torch.Tensor, *others: torch.Tensor) -> list[float]:
    """Return how far text 0 moved in the first of `others`, text 1 in the second, and so on."""
    return [_apart(other[text], first[text]) for text, other in enumerate(others)]


def _empty_rows(x: torch.Tensor) -> float:
    """Return the share of the rows of x (B, 1, C) in which every number is 0."""
    return float((x == 0).all(dim=-1).float().mean())


# ----------------------------------------------------------------------------- positional_encoding


def _positions(T: int, C: int) -> torch.Tensor:
    angles = [[t * 10000 ** (-2 * (c // 2) / C) for c in range(C)] for t in range(T)]
    rows = [[math.cos(a) if c % 2 else math.sin(a) for c, a in enumerate(row)] for row in angles]
    return torch.tensor(rows)


@exercise(LESSON, "positional_encoding", points=2)
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
    for hidden in (False, True):
        again = ", again" * hidden
        rule = (
            "sin(t * rate) in column 2i, cos(t * rate) in column 2i + 1, and the rate is "
            "10000 ** (-2i / channels). T is how many positions there are, and changes no rate."
        )
        T, C = int(rng.integers(5, 40)), 2 * int(rng.integers(20, 40))
        yield case(
            f"more channels than positions{again}",
            lambda: student.positional_encoding(T, C),
            _positions(T, C),
            hint=rule,
            atol=1e-3,
            hidden=hidden,
        )
        long, few = int(rng.integers(100, 300)), 2 * int(rng.integers(3, 20))
        yield case(
            f"more positions than channels{again}",
            lambda: student.positional_encoding(long, few),
            _positions(long, few),
            hint=rule,
            atol=1e-3,
            hidden=hidden,
        )


# --------------------------------------------------------------------------------------- LayerNorm


# With one group, or of one position, these are all the same thing.
NORMS = ("layer_norm", "group_norm", "batch_norm", "instance_norm", "rms_norm")


@exercise(
    LESSON,
    "LayerNorm",
    points=3,
    forbidden=(*NORMS, "native_layer_norm", "native_group_norm", "native_batch_norm"),
)
def layer_norm(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(
        arguments: list[Any], weights: Weights, *inputs: torch.Tensor, training: bool = False
    ) -> list[torch.Tensor]:
        kind = student.LayerNorm
        answers = student.probe(outputs, kind, arguments, weights, list(inputs), training)
        return list(answers)

    def at_first(C: int) -> Weights:
        return {"weight": torch.ones(C), "bias": torch.zeros(C)}

    yield case(
        "the parameters of LayerNorm(3)",
        lambda: student.probe(parameters_of, student.LayerNorm, [3]),
        at_first(3),
        hint="Two parameters, named weight and bias, both of shape (channels,): ones and zeros at "
        "first. A tensor is a parameter only if it is wrapped in nn.Parameter.",
    )
    x = 3 * normal(rng, 2, 3, 4) + 1
    yield case(
        "the shape of what comes out",
        lambda: _shape(ask([4], at_first(4), x)[0]),
        [2, 3, 4],
        hint="What comes out has the shape of what came in: keepdim=True lets mean and variance "
        f"stretch over the channels again. {NO_RETURN}",
    )
    yield case(
        "x afterwards: as it was",
        lambda: student.probe(input_after, student.LayerNorm, [4], x),
        x,
        hint="x -= ... and x /= ... change the tensor itself, and the stream still needs it. "
        "Make a new one: (x - mean) / ...",
    )
    yield case(
        "one position by itself, and the same one among others: the largest difference",
        lambda: _largest_difference(ask([4], at_first(4), x, x[1:, 2:])),
        0.0,
        hint="Each position is normalised by itself, over its channels: dim=-1, the last axis, and "
        "keepdim=True, so that the result stretches over the channels again.",
    )
    yield case(
        "the channels 2 and 6",
        lambda: ask([2], at_first(2), torch.tensor([[[2.0, 6.0]]]))[0],
        torch.tensor([[[-1.0, 1.0]]]),
        hint="The mean is 4, the variance the mean of the squares of -2 and 2, which is 4, and its "
        "root 2. Torch's var and std divide by C - 1 unless you give correction=0; and take the "
        "root of the variance.",
    )
    yield case(
        "the channels 0 and 4, with eps = 12",
        lambda: ask([2, 12.0], at_first(2), torch.tensor([[[0.0, 4.0]]]))[0],
        torch.tensor([[[-0.5, 0.5]]]),
        hint="eps is added to the variance, under the root: the variance is 4, and the root of "
        "4 + 12 is 4. It is self.eps, as given to LayerNorm.",
    )
    yield case(
        "four channels that are all equal",
        lambda: ask([4], at_first(4), torch.full((1, 1, 4), 7.0))[0],
        torch.zeros(1, 1, 4),
        hint="The difference to the mean is 0, and eps saves you from dividing 0 by 0.",
    )
    weights = _random_weights(rng, _norm_shapes(4))
    yield case(
        "with a weight and a bias, compared with torch's own",
        lambda: ask([4], weights, x)[0],
        _norm(weights, x),
        hint="Last of all, after the division: times self.weight, plus self.bias.",
        atol=1e-4,
    )
    yield case(
        "the same in training",
        lambda: ask([4], weights, x, training=True)[0],
        _norm(weights, x),
        hint="Training and evaluation are alike: only the numbers of the position itself count.",
        atol=1e-4,
    )
    eps = float(rng.uniform(1, 9))
    yield case(
        "with another eps, and the parameters as they are at first",
        lambda: ask([4, eps], at_first(4), x)[0],
        _norm(at_first(4), x, eps),
        hint="(x - mean) / sqrt(variance + eps), with the eps that LayerNorm was given.",
        atol=1e-4,
    )
    direction = normal(rng, 2, 3, 4)
    yield case(
        "the slopes that travel back to weight, bias and x",
        lambda: student.probe(slopes, student.LayerNorm, [4], weights, x, direction),
        _slopes(_norm, weights, x, direction),
        hint="Both parameters must be used in forward, and no .detach(), .data or torch.no_grad() "
        "on the way: mean and variance depend on x as well.",
        atol=1e-3,
    )
    row = normal(rng, 5)
    five = _random_weights(rng, _norm_shapes(5))
    yield case(
        "a single position, of shape (5,)",
        lambda: ask([5], five, row)[0],
        _norm(five, row),
        hint="There may be any number of axes in front, even none: count from the end, dim=-1.",
        atol=1e-4,
    )
    for hidden in (False, True):
        C = int(rng.integers(6, 20))
        wide = _random_weights(rng, _norm_shapes(C))
        loud = 50 * normal(rng, 2, 2, 3, C) + 20
        yield case(
            "four axes, loud numbers" + ", again" * hidden,
            lambda: ask([C], wide, loud)[0],
            _norm(wide, loud),
            hint="(x - mean) / sqrt(variance + eps) * weight + bias, over the last axis.",
            atol=1e-3,
            hidden=hidden,
        )


def _largest_difference(answers: list[torch.Tensor]) -> float:
    among_others, by_itself = answers
    return _apart(among_others[1:, 2:], by_itself)


# ------------------------------------------------------------------------------------- FeedForward


@exercise(LESSON, "FeedForward", points=2)
def feed_forward(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(
        arguments: list[Any], weights: Weights, *inputs: torch.Tensor, training: bool = False
    ) -> list[torch.Tensor]:
        kind = student.FeedForward
        answers = student.probe(outputs, kind, arguments, weights, list(inputs), training)
        return list(answers)

    yield case(
        "the names and shapes of the parameters of FeedForward(3)",
        lambda: _shapes(student.probe(parameters_of, student.FeedForward, [3])),
        _feed_forward_shapes(3),
        hint="Two layers in __init__: expand, nn.Linear(channels, 4 * channels), and shrink, "
        "nn.Linear(4 * channels, channels), both with a bias.",
    )
    weights = _random_weights(rng, _feed_forward_shapes(4))
    x = normal(rng, 2, 3, 4)
    yield case(
        "the shape of what comes out",
        lambda: _shape(ask([4], weights, x)[0]),
        [2, 3, 4],
        hint=f"(B, T, C) comes in, and (B, T, C) goes out: expand, then shrink. {NO_RETURN}",
    )
    yield case(
        "without dropout, in training and in evaluation: how far two results are apart",
        lambda: [_apart(*ask([4], weights, x, x, training=training)) for training in (True, False)],
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
        "none, and not behind shrink.",
        atol=1e-3,  # GELU's tanh form differs by half as much
    )
    tails = torch.tensor([[[-2.5], [-2.0], [2.0], [2.5]]]) + normal(rng, 1, 4, 1) / 20
    yield case(
        "the same near -2.5, -2, 2 and 2.5, to four places",
        lambda: ask([1], through, tails)[0],
        -F.gelu(tails),
        hint='Take F.gelu(z) as it is: with approximate="tanh" it is another function, which '
        "only comes near.",
    )
    yield case(
        "random weights",
        lambda: ask([4], weights, x)[0],
        _feed_forward(weights, x),
        hint="First expand, then F.gelu, then shrink, each on what the one before gave.",
        atol=1e-2,
    )
    yield case(
        "with dropout = 0.5, in evaluation: nothing is dropped",
        lambda: ask([4, 0.5], weights, x)[0],
        _feed_forward(weights, x),
        hint="Dropout works only in training. Use the p that is there, and not self.dropout.",
        atol=1e-2,
    )
    # All hidden numbers are alike, so all that go out are alike, but those dropped at the very end.
    ones = {name: torch.ones(shape) for name, shape in _feed_forward_shapes(12).items()}
    many = torch.ones(500, 1, 12)
    some = _probabilities(rng)

    @cache
    def dropped(p: float) -> torch.Tensor:
        return ask([12, p], ones, many, training=True)[0]

    yield case(
        "with dropout, in training: the share of zeros",
        lambda: [_holes(dropped(p)) for p in some],
        some,
        hint="Dropout comes last, and once: what shrink gives goes through F.dropout(..., p).",
        atol=0.05,  # 7 standard errors
        rtol=0,
    )
    yield case(
        "with dropout, in training: the smallest and the largest number that is left",
        lambda: [_left(dropped(p)) for p in some],
        [[float(_feed_forward(ones, many)[0, 0, 0]) / (1 - p)] * 2 for p in some],
        hint="Dropout makes up for what it drops, as F.dropout does. Nothing is dropped before the "
        "very end: neither x nor what is hidden.",
        atol=1e-2,
    )
    direction = normal(rng, 2, 3, 4)
    yield case(
        "the slopes that travel back to the weights, the biases and x",
        lambda: student.probe(slopes, student.FeedForward, [4], weights, x, direction),
        _slopes(_feed_forward, weights, x, direction),
        hint="Both layers must be used in forward, and no .detach(), .data or torch.no_grad() on "
        "the way.",
        atol=2e-2,
    )
    for hidden in (False, True):
        B, T, C = (int(size) for size in rng.integers((1, 4, 5), (4, 12, 12)))
        wide = _random_weights(rng, _feed_forward_shapes(C))
        text = normal(rng, B, T, C) / 3
        yield case(
            "more channels, longer texts" + ", again" * hidden,
            lambda: ask([C], wide, text)[0],
            _feed_forward(wide, text),
            hint="First expand, then F.gelu, then shrink, at each position by itself.",
            atol=1e-2,
            hidden=hidden,
        )


# ----------------------------------------------------------------------------------------- dropout


@probe
def twice(namespace: dict[str, Any], x: torch.Tensor, p: float) -> list[torch.Tensor]:
    """Return what two calls of dropout give."""
    return [namespace["dropout"](x, p, True), namespace["dropout"](x, p, True)]


@probe
def dropout_input_after(namespace: dict[str, Any], x: torch.Tensor, p: float) -> torch.Tensor:
    """Return what is left of `x` after dropout has read it."""
    namespace["dropout"](x, p, True)
    return x


@probe
def zeros_in_calls(namespace: dict[str, Any], x: torch.Tensor, p: float, calls: int) -> list[int]:
    """Return how many zeros each of some calls of dropout gives."""
    return [int((namespace["dropout"](x, p, True) == 0).sum()) for _ in range(calls)]


@exercise(
    LESSON,
    "dropout",
    points=2,
    forbidden=("dropout", "native_dropout", "alpha_dropout", "feature_dropout"),
)
def dropout(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    x = normal(rng, 3, 4)
    square = normal(rng, 40, 40)
    yield case(
        "the shape of what comes out, for shapes (3, 4), (5,) and (2, 3, 4)",
        lambda: [
            list(student.dropout(some, 0.5, True).shape)
            for some in (x, torch.ones(5), torch.ones(2, 3, 4))
        ],
        [[3, 4], [5], [2, 3, 4]],
        hint="What comes out has the shape of x, however many axes that has: torch.rand_like(x), "
        "or torch.rand(x.shape).",
    )
    yield case(
        "x afterwards: as it was",
        lambda: student.probe(dropout_input_after, x, 0.5),
        x,
        hint="x[...] = 0, x *= ... and x /= ... change the tensor itself, and others may still "
        "need it. Make a new one, such as x * stays, or work on x.clone().",
    )
    yield case(
        "not in training: as it is",
        lambda: student.dropout(x, 0.5, False),
        x,
        hint="In evaluation nothing is dropped and nothing is made larger: if training is False, "
        "return x.",
    )
    yield case(
        "p = 0: nothing is dropped",
        lambda: student.dropout(x, 0.0, True),
        x,
        hint="With p = 0 every number stays, and is divided by 1. p is the share that goes, not "
        "the share that stays.",
    )
    # Two rows of 40 alike by chance: once in 10^9 tries.
    yield case(
        "40 rows and 40 columns, p = 0.5: in how many ways rows and columns are dropped",
        lambda: _different(student.dropout(square, 0.5, True) == 0),
        [40, 40],
        hint="Every number is drawn on its own. torch.rand with fewer numbers than x drops whole "
        "rows or columns: give it the shape of x.",
    )
    # 5,000 numbers each: -2, -0.5, 0.5 and 2, a little more or less.
    groups = torch.tensor([[-2.0], [-0.5], [0.5], [2.0]]) + normal(rng, 4, 5000) / 20
    some = _probabilities(rng)
    yield case(
        "many random numbers: how far what stays is from x / (1 - p)",
        lambda: [_off(student.dropout(groups, p, True), groups / (1 - p)) for p in some],
        [0.0] * 4,
        hint="What stays is the number itself, divided by 1 - p, so that the mean is as it was.",
    )
    yield case(
        "the share of zeros among numbers near -2, -0.5, 0.5 and 2",
        lambda: [_zeros(student.dropout(groups, p, True)) for p in some],
        [[p] * 4 for p in some],
        hint="Each number goes with probability p: torch.rand_like(x) is below p with probability "
        "p. Which ones go is drawn by chance, and has nothing to do with how large they are.",
        atol=0.05,  # 7 standard errors
        rtol=0,
    )
    yield case(
        "two calls: whether both give the same",
        lambda: torch.equal(*student.probe(twice, square, 0.5)),
        False,
        hint="Every call draws anew. A seed inside the function makes all calls the same.",
    )
    yield case(
        "30 calls with 16 ones, p = 0.5: whether all give the same number of zeros",
        lambda: len(set(student.probe(zeros_in_calls, torch.ones(16), 0.5, 30))) == 1,
        False,  # by chance: once in 10^20 tries
        hint="Each number has a draw of its own, so how many go is left to chance: do not choose a "
        "fixed number of them.",
    )
    yield case(
        "training is True when it is not given: the share of zeros",
        lambda: [_zeros(student.dropout(groups, p)) for p in some],
        [[p] * 4 for p in some],
        hint="Keep the signature: dropout(x, p, training=True).",
        atol=0.05,
        rtol=0,
    )
    other, others = 3 * normal(rng, 1, 5000), _probabilities(rng)
    yield case(
        "many random numbers, again: how far what stays is from x / (1 - p)",
        lambda: [_off(student.dropout(other, p, True), other / (1 - p)) for p in others],
        [0.0] * 4,
        hint="What stays is divided by 1 - p.",
        hidden=True,
    )
    yield case(
        "the share of zeros, again",
        lambda: [_zeros(student.dropout(other, p, True)) for p in others],
        [[p] for p in others],
        hint="Each number goes with probability p.",
        atol=0.05,
        rtol=0,
        hidden=True,
    )


def _zeros(x: torch.Tensor) -> list[float]:
    """Return the share of zeros in each row."""
    return [float(share) for share in (x == 0).float().mean(dim=-1)]


def _different(x: torch.Tensor) -> list[int]:
    return [len({str(row) for row in side.tolist()}) for side in (x, x.T)]


def _off(came: torch.Tensor, if_kept: torch.Tensor) -> float:
    return float(((came - if_kept) * (came != 0)).abs().max())


# ------------------------------------------------------------------------------------------- Block


def _without(weights: Weights, *names: str) -> Weights:
    """Return `weights` with zeros for those whose name begins with one of `names`."""
    return {name: 0 * value if name.startswith(names) else value for name, value in weights.items()}


NO_ATTENTION, NO_THINKING = "attention.project", "feed_forward.shrink"
"""The weights that must be 0 for a half of a block to add nothing."""


@exercise(LESSON, "Block", points=4)
def block(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(
        arguments: list[Any], weights: Weights, *inputs: torch.Tensor, training: bool = False
    ) -> list[torch.Tensor]:
        answers = student.probe(outputs, student.Block, arguments, weights, list(inputs), training)
        return list(answers)

    yield case(
        "the names and shapes of the parameters of Block(4, 2)",
        lambda: _shapes(student.probe(parameters_of, student.Block, [4, 2])),
        _block_shapes(4),
        hint="Four parts in __init__: norm1, attention, norm2 and feed_forward. The two norms are "
        "two modules of their own, each with its own weight and bias.",
    )
    weights = _random_weights(rng, _block_shapes(6))
    x = normal(rng, 2, 5, 6)
    yield case(
        "the shape of what comes out",
        lambda: _shape(ask([6, 2], weights, x)[0]),
        [2, 5, 6],
        hint=f"(B, T, C) comes in, and (B, T, C) goes out. {NO_RETURN}",
    )
    yield case(
        "x afterwards: as it was",
        lambda: student.probe(input_after, student.Block, [6, 2], x),
        x,
        hint="x += ... changes the tensor itself, which the norm still needs on the way back: "
        "write x = x + ...",
    )
    # With texts of one character, and hidden numbers so large that GELU passes them on, few of the
    # mistakes that may be in the parts show.
    parts = _random_weights(rng, _block_shapes(4))
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
        _block(_without(parts, NO_THINKING), 1, loud),
        hint="Attention reads norm1 of the stream, and what it says stays in the stream: "
        "x = x + attention(norm1(x)).",
        atol=1e-3,
    )
    yield case(
        "feed_forward alone adds something",
        lambda: ask([4, 1], _without(parts, NO_ATTENTION), loud)[0],
        _block(_without(parts, NO_ATTENTION), 1, loud),
        hint="feed_forward reads norm2 of the stream: feed_forward(norm2(x)), and not norm1 a "
        "second time.",
        atol=1e-2,
    )
    yield case(
        "both add something",
        lambda: ask([4, 1], parts, loud)[0],
        _block(parts, 1, loud),
        hint="One after the other, attention first: feed_forward reads the stream to which "
        "attention has already added.",
        atol=1e-2,
    )
    yield case(
        "texts of five characters, three heads",
        lambda: ask([6, 3], weights, x)[0],
        _block(weights, 3, x),
        hint="Hand the number of heads on: MultiHeadAttention(channels, heads, dropout). (And "
        "check MultiHeadAttention, FeedForward and the norm by themselves.)",
        atol=2e-2,
    )
    futures = _other_futures(rng, normal(rng, 1, 5, 6))
    yield case(
        "how far the past moves when the future changes, at each position",
        lambda: _moved(ask([6, 2], weights, *futures)),
        [0.0] * 4,
        hint="Nothing in a block may look ahead. Check MultiHeadAttention and the norm by "
        "themselves.",
        atol=1e-4,
    )
    yield case(
        "with dropout, in evaluation: nothing is dropped",
        lambda: ask([4, 1, 0.5], parts, loud)[0],
        _block(parts, 1, loud),
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
    alike = {name: torch.ones(shape) for name, shape in _block_shapes(12).items()}
    alike |= {name: torch.zeros(12) for name in ("norm1.weight", "norm2.weight")}
    zeros = torch.zeros(1000, 1, 12)
    some = _probabilities(rng)
    for part, other, times in (("attention", NO_THINKING, 2), ("feed_forward", NO_ATTENTION, 1)):
        alone = _without(alike, other)
        whole = float(_block(alone, 1, zeros[:1])[0, 0, 0])

        @cache
        def added(p: float) -> torch.Tensor:
            return ask([12, 1, p], alone, zeros, training=True)[0]

        yield case(
            f"with dropout, in training, {part} alone: the share of zeros that it adds",
            lambda: [_holes(added(p)) for p in some],
            some,
            hint=f"Hand dropout on to {part}, as its last argument, and leave the dropping to it: "
            "dropped in the block as well, too much is gone.",
            atol=0.05,  # 6 standard errors
            rtol=0,
        )
        yield case(
            f"with dropout, in training, {part} alone: the smallest and the largest that it adds",
            lambda: [_left(added(p)) for p in some],
            [[whole / (1 - p) ** times] * 2 for p in some],
            hint=f"What {part} reads is the norm of the stream, with nothing dropped from it.",
        )
    calmer = {name: value / 2 for name, value in weights.items()}
    direction = normal(rng, 2, 5, 6)
    yield case(
        "the slopes that travel back to all parameters and to x",
        lambda: student.probe(slopes, student.Block, [6, 2], calmer, x, direction),
        _slopes(lambda own, x: _block(own, 2, x), calmer, x, direction),
        hint="Slopes travel back through both halves and along the stream, so all four parts must "
        "be used in forward, and no .detach(). If torch speaks of an inplace operation: x += ... "
        "changes the tensor itself, which the norm still needs on the way back, so write "
        "x = x + ...",
        atol=2e-2,
        rtol=1e-2,
    )
    for hidden in (False, True):
        heads, d, T = (int(size) for size in rng.integers((3, 2, 3), (5, 5, 9)))
        wide = _random_weights(rng, _block_shapes(heads * d))
        wide = {name: value / 2 for name, value in wide.items()}
        text = normal(rng, 3, T, heads * d)
        yield case(
            "more heads, more texts" + ", again" * hidden,
            lambda: ask([heads * d, heads], wide, text)[0],
            _block(wide, heads, text),
            hint="Hand channels, heads and dropout on.",
            atol=2e-2,
            hidden=hidden,
        )


# -------------------------------------------------------------------------------------------- quiz

QUESTIONS = (
    (
        "answer_1",
        "what heads cost",
        "Reread how the channels are cut, and the example at the end of the contract of "
        "MultiHeadAttention.",
        "64 channels are cut into 8 heads of 8. The four layers are (64, 64) however many heads "
        "there are: 4 · 64 · 64.",
    ),
    (
        "answer_2",
        "a forgotten transpose",
        "Look again at the last line of the cell with 0, 1, 2, 3 and 10, 11, 12, 13.",
        "reshape only cuts the line of numbers anew, so any shape with as many numbers will do, "
        "and nobody warns you.",
    ),
    (
        "answer_3",
        "a shuffled past",
        "Run the cell again that shuffles nine characters. Which character stayed where it was?",
        "The last character is the same, and those before it are the same bag. In the other pairs "
        "another character is last, or the bag has one more.",
    ),
    (
        "answer_4",
        "layers that replace",
        "Look at the last column of the table with the norm in front of each layer.",
        "Each layer hands on means of means, and nothing tells any longer which character stands "
        "where. With x + f(norm(x)) the character stays in the sum.",
    ),
    (
        "answer_5",
        "dropout in evaluation",
        "Reread the contract of dropout: what does it return if training is False?",
        "What stays is divided by 1 - p in training already, so that evaluation needs nothing.",
    ),
    (
        "answer_6",
        "a difference and its spread",
        "Reread how the table of the ablation is to be read.",
        "0.01 is less than the models with the same parts differ from seed to seed. It may be "
        "worth something, but this does not show it.",
    ),
)


@exercise(LESSON, "quiz", points=6, names=tuple(name for name, *_ in QUESTIONS), constant=True)
def quiz(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    for name, title, hint, explain in QUESTIONS:
        yield case(
            title,
            lambda: str(getattr(student, name)).strip(" ().").lower(),
            getattr(reference, name),
            hint=hint,
            explain=explain,
            reveal=False,
        )

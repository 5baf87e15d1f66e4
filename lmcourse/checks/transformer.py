"""Checks of lesson 06: the parts of a transformer's block, and the block.

The judge sends the weights, and works out with torch's own modules what has to come back.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from lmcourse.checks import Case, Rng, case, exercise, normal, probe
from lmcourse.student import Student

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
    module = kind(*arguments)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(weights[name])
    module.train(training)
    return [module(x) for x in inputs]


@probe
def without_slope(
    _: dict[str, Any], kind: type[nn.Module], arguments: list[Any], x: torch.Tensor
) -> list[str]:
    """Return the names of the parameters that no slope reaches."""
    module = kind(*arguments)
    module(x).square().sum().backward()
    return [
        name
        for name, parameter in module.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]


@probe
def changes_input(
    _: dict[str, Any], kind: type[nn.Module], arguments: list[Any], x: torch.Tensor
) -> bool:
    """Return whether `kind(*arguments)` changes the tensor that it is given."""
    before = x.clone()
    kind(*arguments)(x)
    return not torch.equal(x, before)


@probe
def wired(
    _: dict[str, Any], kind: type[nn.Module], weights: Weights, x: torch.Tensor
) -> torch.Tensor:
    """Return what a block gives whose four parts were replaced by simple ones of torch."""
    C = x.shape[-1]
    block = kind(C, 1)
    for name in ("norm1", "norm2"):
        setattr(block, name, nn.LayerNorm(C))
    for name in ("attention", "feed_forward"):
        setattr(block, name, nn.Linear(C, C, bias=False))
    with torch.no_grad():
        for name, parameter in block.named_parameters():
            parameter.copy_(weights[name])
    result: torch.Tensor = block(x)
    return result


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


@torch.no_grad()
def _attention(weights: Weights, heads: int, x: torch.Tensor) -> torch.Tensor:
    """Return what torch's own nn.MultiheadAttention gives with these weights and a causal mask."""
    T, C = x.shape[1:]
    theirs = nn.MultiheadAttention(C, heads, bias=False, batch_first=True)
    asking = [weights[f"{name}.weight"] for name in ("query", "key", "value")]
    theirs.in_proj_weight.copy_(torch.cat(asking))
    theirs.out_proj.weight.copy_(weights["project.weight"])
    hidden = torch.ones(T, T, dtype=torch.bool).triu(1)
    result: torch.Tensor = theirs(x, x, x, attn_mask=hidden, need_weights=False)[0]
    return result


def _norm(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:], weights["weight"], weights["bias"])


def _feed_forward(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    hidden = F.gelu(F.linear(x, weights["expand.weight"], weights["expand.bias"]))
    return F.linear(hidden, weights["shrink.weight"], weights["shrink.bias"])


def _block(weights: Weights, heads: int, x: torch.Tensor) -> torch.Tensor:
    read = _norm(_part(weights, "norm1"), x)
    x = x + _attention(_part(weights, "attention"), heads, read)
    return x + _feed_forward(_part(weights, "feed_forward"), _norm(_part(weights, "norm2"), x))


def _wired(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    x = x + _norm(_part(weights, "norm1"), x) @ weights["attention.weight"].T
    return x + _norm(_part(weights, "norm2"), x) @ weights["feed_forward.weight"].T


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
    return [float((other[:, :t] - first[:, :t]).abs().max()) for t, other in pasts]


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
    eye = torch.eye(4)
    # Scores of 141 with itself and of 0 with the others, however the channels are cut into heads.
    signs = torch.tensor([[1.0, 1, 1, 1], [1, -1, -1, 1], [-1, 1, 1, -1]])
    alone = {"query.weight": 10 * eye, "key.weight": 10 * eye}
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
    texts = torch.stack([signs, signs[[2, 0, 1]]])
    single = normal(rng, 2, 1, 6)
    yield case(
        "a text of one character: its value, projected",
        lambda: ask([6, 2], weights, single)[0],
        single @ weights["value.weight"].T @ weights["project.weight"].T,
        hint="Queries come from the layer query, keys from key, values from value. At the end "
        "`project` is applied to all channels together.",
    )
    yield case(
        "each position looks at itself alone: what comes back is what went in",
        lambda: ask([4, 2], alone | as_it_is, texts)[0],
        texts,
        hint="On the way back the axes are (B, heads, T, d). Use transpose(1, 2) once more before "
        "the reshape to (B, T, C), or positions and heads are mixed up.",
    )
    futures = _other_futures(rng, normal(rng, 1, 5, 6))
    yield case(
        "how much the past moves when the future changes, at each position",
        lambda: _moved(ask([6, 2], weights, *futures)),
        [0.0] * 4,
        hint="A position may look at itself and back: is_causal=True, or your causal mask, before "
        "the softmax. The softmax goes over the keys, the last axis.",
    )
    alike = {"query.weight": 0 * eye, "key.weight": 0 * eye}
    numbers = normal(rng, 2, 3, 4)
    means = numbers.cumsum(dim=1) / torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1)
    yield case(
        "all scores are alike: the mean of the past",
        lambda: ask([4, 2], alike | as_it_is, numbers)[0],
        means,
        hint="Where all scores are equal, each position takes the mean of itself and those before "
        "it: scores are query times key, and their softmax is multiplied with the values.",
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
        "not to (B, T, d, heads). And queries ask, keys answer: mind the order of the arguments.",
        atol=1e-4,
    )
    yield case(
        "parameters that no slope reaches",
        lambda: student.probe(without_slope, student.MultiHeadAttention, [6, 2], x),
        [],
        hint="Slopes must be able to travel back through every step: no .detach(), no .data, and "
        "all four layers in use.",
    )
    many = _random_weights(rng, _attention_shapes(12))
    longer = normal(rng, 3, 7, 12) / 2
    yield case(
        "four heads",
        lambda: ask([12, 4], many, longer)[0],
        _attention(many, 4, longer),
        hint="Use self.heads, and take B, T and C from x.shape.",
        atol=1e-3,
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
    wide = {name: torch.eye(16) + (name == "project.weight") for name in weights}
    ones = torch.ones(200, 1, 16)
    yield case(
        "with dropout = 0.5, in training: the share of positions that lose their only weight",
        lambda: _empty_rows(ask([16, 1, 0.5], wide, ones, training=True)[0]),
        0.5,
        hint="Hand dropout_p=p to the attention function, so that attention weights are dropped.",
        atol=0.25,
    )
    yield case(
        "with dropout = 0.5, in training: the share of zeros at the other positions",
        lambda: _holes(ask([16, 1, 0.5], wide, ones, training=True)[0]),
        0.5,
        hint="The very last result is dropped: what comes out of `project` goes through "
        "F.dropout(..., p), and not what goes into it.",
        atol=0.15,
    )
    order = torch.from_numpy(rng.permutation(3))
    yield case(
        "the texts of a batch in another order, one head",
        lambda: ask([12, 1], many, longer[order])[0],
        _attention(many, 1, longer)[order],
        hint="Each text of the batch is read by itself.",
        atol=1e-3,
        hidden=True,
    )
    last = _random_weights(rng, _attention_shapes(24))
    text = normal(rng, 2, 11, 24) / 4
    yield case(
        "three heads of 8 channels",
        lambda: ask([24, 3], last, text)[0],
        _attention(last, 3, text),
        hint="Use self.heads, and take B, T and C from x.shape.",
        atol=1e-3,
        hidden=True,
    )


def _empty_rows(x: torch.Tensor) -> float:
    """Return the share of the rows of x (B, 1, C) in which every number is 0."""
    return float((x == 0).all(dim=-1).float().mean())


def _holes(x: torch.Tensor) -> float:
    """Return the share of zeros in those rows of x (B, 1, C) that are not all zeros."""
    return float((x[~(x == 0).all(dim=-1)] == 0).float().mean())


# ----------------------------------------------------------------------------- positional_encoding


def _positions(T: int, C: int) -> torch.Tensor:
    angles = [[t * 10000 ** (-2 * (c // 2) / C) for c in range(C)] for t in range(T)]
    rows = [[math.cos(a) if c % 2 else math.sin(a) for c, a in enumerate(row)] for row in angles]
    return torch.tensor(rows)


@exercise(LESSON, "positional_encoding", points=2)
def positional_encoding(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "the shape for T = 5, channels = 4",
        lambda: _shape(student.positional_encoding(5, 4)),
        [5, 4],
        hint=f"A row for each position, a column for each channel: (T, channels). {NO_RETURN}",
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
    yield case(
        "64 positions, 16 channels",
        lambda: student.positional_encoding(64, 16),
        _positions(64, 16),
        hint="sin(t * rate) in column 2i, cos(t * rate) in column 2i + 1, and the rate is "
        "10000 ** (-2i / channels).",
        atol=1e-3,
    )
    T, C = int(rng.integers(2, 90)), 2 * int(rng.integers(1, 20))
    yield case(
        "other sizes",
        lambda: student.positional_encoding(T, C),
        _positions(T, C),
        hint="sin(t * rate) in column 2i, cos(t * rate) in column 2i + 1, and the rate is "
        "10000 ** (-2i / channels).",
        atol=1e-3,
        hidden=True,
    )


# --------------------------------------------------------------------------------------- LayerNorm


@exercise(LESSON, "LayerNorm", points=3, forbidden=("layer_norm", "native_layer_norm"))
def layer_norm(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(arguments: list[Any], weights: Weights, *inputs: torch.Tensor) -> list[torch.Tensor]:
        answers = student.probe(outputs, student.LayerNorm, arguments, weights, list(inputs))
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
        "stretch over the channels again. Write the formula yourself: torch's layer_norm is "
        f"refused here. {NO_RETURN}",
    )
    yield case(
        "whether x is changed",
        lambda: student.probe(changes_input, student.LayerNorm, [4], x),
        False,
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
        lambda: ask([2], at_first(2), torch.tensor([[2.0, 6.0]]))[0],
        torch.tensor([[-1.0, 1.0]]),
        hint="The mean is 4, the variance the mean of the squares of -2 and 2, which is 4, and its "
        "root 2. Torch's var and std divide by C - 1 unless you give correction=0; and take the "
        "root of the variance.",
    )
    yield case(
        "the channels 0 and 4, with eps = 12",
        lambda: ask([2, 12.0], at_first(2), torch.tensor([[0.0, 4.0]]))[0],
        torch.tensor([[-0.5, 0.5]]),
        hint="eps is added to the variance, under the root: the variance is 4, and the root of "
        "4 + 12 is 4. It is self.eps, as given to LayerNorm.",
    )
    yield case(
        "four channels that are all equal",
        lambda: ask([4], at_first(4), torch.full((1, 4), 7.0))[0],
        torch.zeros(1, 4),
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
        "parameters that no slope reaches",
        lambda: student.probe(without_slope, student.LayerNorm, [4], x),
        [],
        hint="Both parameters must be used in forward, and no .detach() or .data on the way.",
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
    wide = _random_weights(rng, _norm_shapes(16))
    loud = 50 * normal(rng, 2, 2, 3, 16) + 20
    yield case(
        "four axes, loud numbers",
        lambda: ask([16], wide, loud)[0],
        _norm(wide, loud),
        hint="(x - mean) / sqrt(variance + eps) * weight + bias, over the last axis.",
        atol=1e-3,
        hidden=True,
    )


def _largest_difference(answers: list[torch.Tensor]) -> float:
    among_others, by_itself = answers
    return float((among_others[1:, 2:] - by_itself).abs().max())


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
    through = {
        "expand.weight": torch.tensor([[1.0], [0.0], [0.0], [0.0]]),
        "expand.bias": torch.zeros(4),
        "shrink.weight": torch.tensor([[-1.0, 0.0, 0.0, 0.0]]),
        "shrink.bias": torch.zeros(1),
    }
    line = torch.tensor([[[-1.0], [0.5], [2.0]]])
    yield case(
        "one channel, passed through and its sign turned: minus GELU of -1, 0.5 and 2",
        lambda: ask([1], through, line)[0],
        -F.gelu(line),
        hint="The bend is F.gelu, between expand and shrink, and only there: not ReLU or tanh, not "
        "none, and not behind shrink. (The stream is added in the block, not here.)",
        atol=1e-3,  # GELU's tanh form differs by half as much
    )
    tails = torch.tensor([[[-2.5], [-2.0], [2.0], [2.5]]])
    yield case(
        "the same at -2.5, -2, 2 and 2.5, to four places",
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
    # Whatever comes in, each number that goes out is 1, unless it is dropped at the very end.
    ones = {name: torch.zeros_like(value) for name, value in weights.items()}
    ones["shrink.bias"] = torch.ones(4)
    yield case(
        "with dropout = 0.5, in training: how many of 1,000 numbers that should be 1 are 0",
        lambda: float((ask([4, 0.5], ones, torch.ones(1, 250, 4), training=True)[0] == 0).sum()),
        500.0,
        hint="Dropout comes last: what shrink gives goes through F.dropout(..., p).",
        atol=100.0,
    )
    yield case(
        "parameters that no slope reaches",
        lambda: student.probe(without_slope, student.FeedForward, [4], x),
        [],
        hint="Both layers must be used in forward, and no .detach() or .data on the way.",
    )
    wide = _random_weights(rng, _feed_forward_shapes(10))
    text = normal(rng, 1, 6, 10) / 3
    yield case(
        "ten channels",
        lambda: ask([10], wide, text)[0],
        _feed_forward(wide, text),
        hint="First expand, then F.gelu, then shrink.",
        atol=1e-2,
        hidden=True,
    )


# ----------------------------------------------------------------------------------------- dropout


@probe
def twice(namespace: dict[str, Any], x: torch.Tensor, p: float) -> list[torch.Tensor]:
    """Return what two calls of dropout give."""
    return [namespace["dropout"](x, p, True), namespace["dropout"](x, p, True)]


@probe
def dropout_changes_input(namespace: dict[str, Any], x: torch.Tensor, p: float) -> bool:
    """Return whether dropout changes the tensor that it is given."""
    before = x.clone()
    namespace["dropout"](x, p, True)
    return not torch.equal(x, before)


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
    ones = torch.ones(40, 40)
    yield case(
        "the shape of what comes out",
        lambda: _shape(student.dropout(x, 0.5, True)),
        [3, 4],
        hint="What comes out has the shape of x. Write it yourself, with torch.rand: torch's own "
        f"dropout is refused here. {NO_RETURN}",
    )
    yield case(
        "whether x is changed",
        lambda: student.probe(dropout_changes_input, ones, 0.5),
        False,
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
    yield case(
        "1,600 ones, p = 0.25: the different numbers that come out",
        lambda: sorted({round(value, 3) for value in _flat(student.dropout(ones, 0.25, True))}),
        [0.0, 1.333],
        hint="What stays is divided by 1 - p, here by 0.75, so that the mean is as it was. p is "
        "the share that goes, and which ones go is drawn by chance.",
    )
    # Two rows of 40 alike by chance: once in 10^9 tries, and they are drawn by a fixed seed.
    yield case(
        "40 rows and 40 columns, p = 0.5: how many different rows, how many different columns",
        lambda: _different(student.dropout(ones, 0.5, True)),
        [40, 40],
        hint="Every number is drawn on its own. torch.rand with fewer numbers than x drops whole "
        "rows or columns: give it the shape of x.",
    )
    yield case(
        "1,600 ones, p = 0.25: the share of zeros",
        lambda: _flat(student.dropout(ones, 0.25, True)).count(0.0) / 1600,
        0.25,
        hint="Each number goes with probability p: torch.rand_like(x) is below p with probability "
        "p.",
        atol=0.08,  # 7 standard errors
    )
    yield case(
        "two calls: whether both give the same",
        lambda: torch.equal(*student.probe(twice, ones, 0.5)),
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
        "training is True when it is not given: whether anything is dropped",
        lambda: 0.0 in _flat(student.dropout(ones, 0.5)),
        True,
        hint="Keep the signature: dropout(x, p, training=True).",
    )
    numbers = normal(rng, 20, 5)
    yield case(
        "random numbers, p = 0.2: how far what stays is from x / 0.8",
        lambda: _off(student.dropout(numbers, 0.2, True), numbers / 0.8),
        0.0,
        hint="What stays is the number itself, divided by 1 - p. Which ones go has nothing to do "
        "with how large they are.",
    )
    yield case(
        "1,000 numbers, p = 0.6: what stays, on average",
        lambda: float((student.dropout(torch.full((1000,), 3.0), 0.6, True)).mean()),
        3.0,
        hint="The mean must stay as it was.",
        atol=0.9,  # 8 standard errors
        hidden=True,
    )


def _flat(x: torch.Tensor) -> list[float]:
    return [float(value) for value in x.flatten().tolist()]


def _different(x: torch.Tensor) -> list[int]:
    return [len({str(row) for row in side.tolist()}) for side in (x, x.T)]


def _off(came: torch.Tensor, if_kept: torch.Tensor) -> float:
    return float(((came - if_kept) * (came != 0)).abs().max())


# ------------------------------------------------------------------------------------------- Block


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
        "whether x is changed",
        lambda: student.probe(changes_input, student.Block, [6, 2], x),
        False,
        hint="x += ... changes the tensor itself, which the norm still needs on the way back: "
        "write x = x + ...",
    )
    # The halves are tried with simple parts in place of the student's own.
    parts = _random_weights(
        rng,
        {"norm1.weight": [4], "norm1.bias": [4], "attention.weight": [4, 4]}
        | {"norm2.weight": [4], "norm2.bias": [4], "feed_forward.weight": [4, 4]},
    )
    no_attention = {"attention.weight": torch.zeros(4, 4)}
    no_thinking = {"feed_forward.weight": torch.zeros(4, 4)}
    plain = {
        "norm1.weight": torch.ones(4),
        "norm1.bias": torch.zeros(4),
        "norm2.weight": torch.ones(4),
        "norm2.bias": torch.zeros(4),
    }
    calm = F.layer_norm(normal(rng, 1, 3, 4), (4,))  # a norm leaves it as it is
    loud = 5 * normal(rng, 1, 3, 4) + 2
    yield case(
        "both halves add nothing, and the stream is normalised already: what comes out",
        lambda: student.probe(wired, student.Block, plain | no_attention | no_thinking, calm),
        calm,
        hint="Each half ADDS to the stream: x = x + ... twice. Without `x +` the half replaces it, "
        "and where it has nothing to say nothing is left.",
        atol=1e-3,
    )
    yield case(
        "both halves add nothing, and the stream is loud: what comes out",
        lambda: student.probe(wired, student.Block, plain | no_attention | no_thinking, loud),
        loud,
        hint="The stream itself is never normalised: the norm stands inside the branch, "
        "x + attention(norm1(x)). Not norm1(x + attention(x)), and not x = norm1(x) first.",
    )
    yield case(
        "attention alone adds something",
        lambda: student.probe(wired, student.Block, parts | no_thinking, loud),
        _wired(parts | no_thinking, loud),
        hint="Attention reads norm1 of the stream: attention(norm1(x)).",
        atol=1e-3,
    )
    yield case(
        "feed_forward alone adds something",
        lambda: student.probe(wired, student.Block, parts | no_attention, loud),
        _wired(parts | no_attention, loud),
        hint="feed_forward reads norm2 of the stream: feed_forward(norm2(x)), and not norm1 a "
        "second time.",
        atol=1e-3,
    )
    yield case(
        "both add something",
        lambda: student.probe(wired, student.Block, parts, loud),
        _wired(parts, loud),
        hint="One after the other, attention first: feed_forward reads the stream to which "
        "attention has already added.",
        atol=1e-3,
    )
    yield case(
        "with your own parts, two heads",
        lambda: ask([6, 2], weights, x)[0],
        _block(weights, 2, x),
        hint="Hand the number of heads on: MultiHeadAttention(channels, heads, dropout). (And "
        "check MultiHeadAttention, FeedForward and the norm by themselves.)",
        atol=2e-2,
    )
    futures = _other_futures(rng, normal(rng, 1, 5, 6))
    yield case(
        "how much the past moves when the future changes, at each position",
        lambda: _moved(ask([6, 2], weights, *futures)),
        [0.0] * 4,
        hint="Nothing in a block may look ahead. Check MultiHeadAttention and the norm by "
        "themselves.",
        atol=1e-4,
    )
    halves = (("attention", "feed_forward.shrink"), ("feed_forward", "attention.project"))
    for part, other in halves:
        silent = {name: 0 * value for name, value in weights.items() if name.startswith(other)}
        yield case(
            f"with dropout = 0.5 and {part} alone: alike twice in evaluation, and in training",
            lambda: [
                torch.equal(*ask([6, 2, 0.5], weights | silent, x, x, training=training))
                for training in (False, True)
            ],
            [True, False],
            hint=f"Hand dropout on to {part}, as its last argument. It drops in training, and only "
            "there.",
        )
    yield case(
        "parameters that no slope reaches",
        lambda: student.probe(without_slope, student.Block, [6, 2], x),
        [],
        hint="All four parts must be used in forward. If torch speaks of an inplace operation: "
        "x += ... changes the tensor itself, which the norm still needs on the way back, so write "
        "x = x + ...",
    )
    wide = _random_weights(rng, _block_shapes(12))
    wide = {name: value / 2 for name, value in wide.items()}
    text = normal(rng, 2, 7, 12)
    order = torch.from_numpy(rng.permutation(2))
    yield case(
        "three heads, the texts of the batch in another order",
        lambda: ask([12, 3], wide, text[order])[0],
        _block(wide, 3, text)[order],
        hint="Hand channels, heads and dropout on.",
        atol=2e-2,
        hidden=True,
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

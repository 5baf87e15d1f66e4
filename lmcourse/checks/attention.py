"""Checks of lesson 05: weights over the past, attention, a head, and the test for leaks."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention as torchs_attention

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

LESSON = "05_attention"

Function = Callable[..., torch.Tensor]


@probe
def arguments_after(
    namespace: dict[str, Any], name: str, *arguments: torch.Tensor
) -> list[torch.Tensor]:
    """Return what is left of `arguments` after a call of the notebook's function `name`."""
    namespace[name](*arguments)
    return list(arguments)


def _largest_move(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).abs().max())


# -------------------------------------------------------------------------------- causal_mask


@exercise(LESSON, "causal_mask", points=1)
def causal_mask(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "the shape for T = 3",
        lambda: list(student.causal_mask(3).shape),
        [3, 3],
        hint="One row for each place that looks, one column for each place that is looked at: "
        "(T, T), with no other axis.",
    )
    yield case(
        "the kind of its entries",
        lambda: str(student.causal_mask(3).dtype),
        "torch.bool",
        hint="The entries are True and False: torch.ones(T, T, dtype=torch.bool), or a comparison "
        "such as rows >= columns.",
    )
    above, below, diagonal = ([0, 0, 1], [1, 2, 2]), ([1, 2, 2], [0, 0, 1]), ([0, 1, 2], [0, 1, 2])
    yield case(
        "T = 3, right of the diagonal: the places after t",
        lambda: student.causal_mask(3)[above],
        torch.tensor([False, False, False]),
        hint="Row t is the place that looks, and the columns right of the diagonal are later than "
        "t: False. (triu keeps just these, tril the others.)",
    )
    yield case(
        "T = 3, left of the diagonal: the places before t",
        lambda: student.causal_mask(3)[below],
        torch.tensor([True, True, True]),
        hint="Row t may look at every place before t, not at some of them: True.",
    )
    yield case(
        "T = 3, on the diagonal: place t itself",
        lambda: student.causal_mask(3)[diagonal],
        torch.tensor([True, True, True]),
        hint="Each place may look at itself too: the diagonal is True.",
    )
    sizes = [int(T) for T in rng.choice(np.arange(4, 40), 3, replace=False)]
    yield case(
        "three other sizes",
        lambda: [student.causal_mask(T) for T in sizes],
        [reference.causal_mask(T) for T in sizes],
        hint="Row t is True in columns 0 to t and False behind them, whatever T is.",
    )


# -------------------------------------------------------------------------------- masked_mean


@exercise(LESSON, "masked_mean", points=2, forbidden=("cumsum", "mean"))
def masked_mean(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    wide = normal(rng, 2, 4, 3)
    yield case(
        "the shape for 2 texts, 4 places, 3 channels",
        lambda: list(student.masked_mean(wide).shape),
        [2, 4, 3],
        hint="The shape stays (B, T, C): weights of shape (T, T) times x. T is x.shape[1]. (An "
        "error about bool? A matrix product needs numbers: causal_mask(T).float().)",
    )
    text = wide[:1]
    later = torch.cat([text[:, :2], normal(rng, 1, 2, 3)], dim=1)
    yield case(
        "a single text: how far places 0 and 1 move when places 2 and 3 change",
        lambda: _largest_move(student.masked_mean(text)[:, :2], student.masked_mean(later)[:, :2]),
        0.0,
        hint="Nothing comes from later places. They stand in the columns behind t of row t of the "
        "weights, and those have to be 0. Is a table turned over, as by .T or triu?",
    )
    yield case(
        "four places, all 1: the means at places 1 to 3 are 1",
        lambda: student.masked_mean(torch.ones(1, 4, 1))[0, 1:, 0],
        torch.ones(3),
        hint="Each row of weights has to sum to 1, so divide each row of the mask by its own sum: "
        ".sum(dim=1, keepdim=True). dim=0 gives the sums of the columns, and so does dim=1 without "
        "keepdim, as torch lays the sums along the columns. T is the sum of the last row alone.",
    )
    yield case(
        "the first place, which sees only itself",
        lambda: student.masked_mean(wide)[:, 0],
        wide[:, 0],
        hint="The mean of a single row is that row, in each text, whatever the other texts are: "
        "place t takes part in its own mean, so row 0 of the weights is 1, 0, 0, 0.",
    )
    by_hand = torch.tensor([[[2.0], [4.0], [9.0]]])
    yield case(
        "by hand: 2, 4, 9",
        lambda: student.masked_mean(by_hand),
        torch.tensor([[[2.0], [3.0], [5.0]]]),
        hint="Place t takes the same part, 1 / (t + 1), of each of places 0 to t: 2, (2 + 4) / 2, "
        "(2 + 4 + 9) / 3.",
    )
    yield case(
        "x afterwards: as it was",
        lambda: student.probe(arguments_after, "masked_mean", wide),
        [wide],
        hint="x[:, t] = ... and x /= ... change the caller's tensor. Make a new one.",
    )
    for hidden in (False, True):
        B, T, C = (int(size) for size in rng.integers((2, 5, 2), (5, 13, 6)))
        some = normal(rng, B, T, C)
        yield case(
            "random rows, in texts of any length" + ", again" * hidden,
            lambda: student.masked_mean(some),
            reference.masked_mean(some),
            hint="Row t of the weights is 1 / (t + 1) in columns 0 to t, and 0 after that; "
            "weights @ x does this for each text by itself.",
            hidden=hidden,
        )


# --------------------------------------------------------------- scaled_dot_product_attention


@exercise(
    LESSON,
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
        "(T, e).",
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
    )
    allowed = _mask(rng, 4, 5)
    yield case(
        "query, key, value and mask afterwards: as they were",
        lambda: student.probe(
            arguments_after, "scaled_dot_product_attention", Q, K, values, allowed
        ),
        [Q, K, values, allowed],
        hint="query /= ... changes the caller's tensor, and so do methods that end in _, such as "
        "masked_fill_. Make new tensors.",
    )
    formula = "softmax(query @ key.transpose(-2, -1) / sqrt(d), masked) @ value"
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
    for hidden in (False, True):
        again = ", again" * hidden
        T, S, d, e = (int(size) for size in rng.permutation([4, 5, 6, 7, 8])[:4])
        q, k, v = normal(rng, T, d), normal(rng, S, d), normal(rng, S, e)
        yield case(
            f"random numbers, without a mask, against torch's own{again}",
            lambda: ask(q, k, v),
            torchs_attention(q[None], k[None], v[None])[0],
            hint=formula,
            hidden=hidden,
        )
        front = [2, 3]
        many = normal(rng, *front, T, d), normal(rng, *front, S, d), normal(rng, *front, S, e)
        hides = _mask(rng, T, S)
        yield case(
            f"random numbers, with two axes in front and a mask{again}",
            lambda: ask(*many, hides),
            torchs_attention(*many, attn_mask=hides),
            hint="Count the axes from the end, as any number may stand in front: dim=-1, "
            f"query.shape[-1], transpose(-2, -1). {formula}",
            hidden=hidden,
        )
        square = normal(rng, 2, T, d), normal(rng, 2, T, d), normal(rng, 2, T, e)
        causal = torch.ones(T, T, dtype=torch.bool).tril()
        yield case(
            f"as many keys as queries, with a causal mask{again}",
            lambda: ask(*square, causal),
            torchs_attention(*square, is_causal=True),
            hint="Where T = S the shapes cannot tell rows from columns. Queries are the rows of "
            f"scores and mask, keys the columns. {formula}",
            hidden=hidden,
        )


def _mask(rng: Rng, T: int, S: int) -> torch.Tensor:
    """Return a random mask (T, S) that leaves each query a key."""
    allowed = integers(rng, 2, T, S) == 1
    allowed[torch.arange(T), integers(rng, S, T)] = True
    return allowed


# --------------------------------------------------------------------------------------- Head

PARTS = ("query", "key", "value")


@probe
def parameter_shapes(
    _: dict[str, Any], Head: Callable[..., torch.nn.Module], channels: int, head_size: int
) -> dict[str, list[int]]:
    """Return the shape of each parameter of a new head."""
    head = Head(channels, head_size)
    return {name: list(parameter.shape) for name, parameter in head.named_parameters()}


@probe
def outputs(
    _: dict[str, Any],
    Head: Callable[..., torch.nn.Module],
    weights: torch.Tensor,
    *inputs: torch.Tensor,
) -> list[torch.Tensor]:
    """Return what a head with these weights gives for each of `inputs`, one after the other."""
    head = _head(Head, weights)
    return [head(x).detach() for x in inputs]


@probe
def reached(
    _: dict[str, Any],
    Head: Callable[..., torch.nn.Module],
    weights: torch.Tensor,
    x: torch.Tensor,
) -> list[str]:
    """Return the names of the parameters that the slopes of a loss reach, in order."""
    head = _head(Head, weights)
    torch.autograd.backward((head(x) ** 2).sum())
    grads = {name: parameter.grad for name, parameter in head.named_parameters()}
    return sorted(name for name, grad in grads.items() if grad is not None and bool(grad.any()))


def _head(Head: Callable[..., torch.nn.Module], weights: torch.Tensor) -> torch.nn.Module:
    """Return a new head with `weights` (3, head_size, channels), in the order of PARTS."""
    _, head_size, channels = weights.shape
    head = Head(channels, head_size)
    with torch.no_grad():
        for name, weight in zip(PARTS, weights, strict=True):
            getattr(head, name).weight.copy_(weight)
    return head


def _expected(weights: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    q, k, v = (x @ weight.T for weight in weights)
    return torchs_attention(q, k, v, is_causal=True)


@exercise(LESSON, "Head", points=3)
def Head(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(weights: torch.Tensor, *inputs: torch.Tensor) -> Any:
        return student.probe(outputs, student.Head, weights, *inputs)

    yield case(
        "the parameters of Head(6, 4), with their shapes",
        lambda: student.probe(parameter_shapes, student.Head, 6, 4),
        {f"{name}.weight": [4, 6] for name in PARTS},
        hint="Three attributes, made in __init__ after super().__init__(): self.query, self.key, "
        "self.value. Each is a layer of its own, nn.Linear(channels, head_size, bias=False), so it "
        "has no bias. Layers that are made in forward, or kept in a plain list, are not noted.",
    )
    weights = normal(rng, len(PARTS), 4, 6)
    x = normal(rng, 2, 5, 6)
    yield case(
        "the shape for x of shape (2, 5, 6)",
        lambda: list(ask(weights, x)[0].shape),
        [2, 5, 4],
        hint="forward returns what attention gives, (B, T, head_size). If the shape ends in 6, "
        "the values are x itself: they are self.value(x). If it ends in 5, those are the weights, "
        "not what they mix. The mask is made for T places, and T is x.shape[1]. Mind the return.",
    )
    yield case(
        "the same x twice: how far the results are apart",
        lambda: _largest_move(*ask(weights, x, x)),
        0.0,
        hint="Nothing in a head is left to chance. (Dropout comes in lesson 06.)",
    )
    one = normal(rng, 3, 1, 6)
    yield case(
        "one place only: the value of x",
        lambda: ask(weights, one)[0],
        one @ weights[-1].T,
        hint="With a single place there is nothing to choose from, and what comes out is "
        "self.value(x), as it is. Is the order query, key, value?",
    )
    yield case(
        "the first of five places: its own value",
        lambda: ask(weights, x)[0][:, 0],
        (x @ weights[-1].T)[:, 0],
        hint="The first place may look only at itself. Pass the mask, "
        "causal_mask(x.shape[1]).to(x.device), as the fourth argument.",
    )
    changed = [x.clone() for _ in range(4)]
    for t, other in enumerate(changed, start=1):
        other[:, t:] = normal(rng, 2, 5 - t, 6)
    yield case(
        "a change at places 1, 2, 3, 4 and later: how far what stands before it moves",
        lambda: _moves(*ask(weights, x, *changed)),
        [0.0] * 4,
        hint="No place may take anything from a later one: pass your causal_mask.",
    )
    yield case(
        "random weights and rows, against torch's own attention",
        lambda: ask(weights, x)[0],
        _expected(weights, x),
        hint="Queries from self.query(x), keys from self.key(x), values from self.value(x), passed "
        "in this order: those who look ask with query. Your scaled_dot_product_attention divides "
        "by the square root already, so once is enough.",
    )
    square = normal(rng, len(PARTS), 6, 6)
    yield case(
        "head_size the same as channels",
        lambda: ask(square, x)[0],
        _expected(square, x),
        hint="What attention gives is all: x itself is not added to it, even where the shapes fit.",
    )
    order = torch.from_numpy(rng.permutation(4))
    batch = normal(rng, 4, 3, 6)
    yield case(
        "the texts of a batch in another order",
        lambda: ask(weights, batch[order])[0],
        _expected(weights, batch)[order],
        hint="Each text of the batch is on its own.",
    )
    texts = [normal(rng, 2, T, 6) for T in (3, int(rng.integers(17, 60)), 1)]
    yield case(
        "a short text, a long one, and one of a single place, one after the other",
        lambda: ask(weights, *texts),
        [_expected(weights, text) for text in texts],
        hint="T may differ from call to call, so make the mask in forward, for x.shape[1] places.",
    )
    yield case(
        "which parameters a loss reaches",
        lambda: student.probe(reached, student.Head, weights, x),
        ["key.weight", "query.weight", "value.weight"],
        hint="All three are to be learnt, so compute with the layers themselves, self.query(x): no "
        ".detach(), no .data, no torch.no_grad(), neither here nor in your attention.",
    )
    for hidden in (False, True):
        head_size, channels, T = (int(size) for size in rng.integers((2, 2, 5), (12, 12, 16)))
        other, text = normal(rng, len(PARTS), head_size, channels), normal(rng, 2, T, channels)
        yield case(
            "another head_size, other channels" + ", again" * hidden,
            lambda: ask(other, text)[0],
            _expected(other, text),
            hint="nn.Linear(channels, head_size, bias=False), three times.",
            hidden=hidden,
        )


def _moves(first: torch.Tensor, *others: torch.Tensor) -> list[float]:
    """Return how far the places before t moved in each of `others`, for t = 1, 2, ..."""
    return [_largest_move(first[:, :t], other[:, :t]) for t, other in enumerate(others, start=1)]


# ---------------------------------------------------------------------------------- is_causal


def _sees(x: torch.Tensor, target: int, source: int) -> torch.Tensor:
    """Return `x` with its row at place `source` added at place `target`."""
    return _added(x, x[:, source], target)


def _added(x: torch.Tensor, row: torch.Tensor, target: int) -> torch.Tensor:
    """Return `x` with `row`, (B, C), added at place `target`."""
    out = x.clone()
    out[:, target] = out[:, target] + row
    return out


def _sees_channel(x: torch.Tensor, target: int, source: int, channel: int) -> torch.Tensor:
    """Return `x` with one number of `source` added to all channels of `target`."""
    return _added(x, x[:, source, channel, None], target)


def _channel_sees(x: torch.Tensor, target: int, source: int, channel: int) -> torch.Tensor:
    """Return `x` with the sum of `source` added to one channel of `target`."""
    chosen = torch.arange(x.shape[2]) == channel
    return _added(x, x[:, source].sum(dim=-1, keepdim=True) * chosen, target)


def _text_sees(x: torch.Tensor, target: int, source: int, text: int) -> torch.Tensor:
    """Return `x` with the row at `source` added at `target`, in one text of the batch."""
    chosen = torch.arange(len(x))[:, None] == text
    return _added(x, x[:, source] * chosen, target)


def _sees_differences(x: torch.Tensor, target: int, source: int, axis: int) -> torch.Tensor:
    """Return `x` with `source`, less its mean over texts (0) or channels (1), added at `target`."""
    row = x[:, source]
    return _added(x, row - row.mean(dim=axis, keepdim=True), target)


def _sees_bends(x: torch.Tensor, target: int, a: int, b: int, c: int) -> torch.Tensor:
    """Return `x` with the differences between places a and b, times those of b and c, added."""
    return _added(x, (x[:, a] - x[:, b]) * (x[:, b] - x[:, c]), target)


def _rounds(x: torch.Tensor, target: int, source: int) -> torch.Tensor:
    """Return what `target` sees of `source`, else 0, differently rounded at each call."""
    return _sees(x, target, source) - x + 1e-6 * torch.randn_like(x)


def _mean_of_past(x: torch.Tensor) -> torch.Tensor:
    return x.cumsum(dim=1) / torch.arange(1, x.shape[1] + 1)[:, None]


def _place_before(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)


def _masked_in_time(x: torch.Tensor) -> torch.Tensor:
    """Return attention whose scores of the future are hidden before the softmax."""
    return torchs_attention(x, x, x, is_causal=True)


def _masked_too_late(x: torch.Tensor) -> torch.Tensor:
    """Return attention whose weights of the future are set to 0 after the softmax."""
    return torch.softmax(x @ x.transpose(-2, -1), dim=-1).tril() @ x


FUNCTIONS: dict[str, Function] = {
    "copy": lambda x: 1 * x,
    "mean of all": lambda x: x.mean(dim=1, keepdim=True).expand(x.shape),
    "mean of the past": _mean_of_past,
    "mean of the future": lambda x: _mean_of_past(x.flip(1)).flip(1),
    "the place before": _place_before,
    "the place after": lambda x: _place_before(x.flip(1)).flip(1),
    "two channels of the past": lambda x: _mean_of_past(_place_before(x))[..., :2] ** 2,
    "two channels of the future": lambda x: _mean_of_past(x.flip(1)).flip(1)[..., :2] ** 2,
    "masked in time": _masked_in_time,
    "masked too late": _masked_too_late,
    "sees": _sees,
    "sees a little": lambda x, target, source: _added(x, x[:, source] / 100, target),
    "rises with": lambda x, target, source: _added(x, x[:, source].abs(), target),
    "falls with": lambda x, target, source: _added(x, -x[:, source].abs(), target),
    "sees channel": _sees_channel,
    "channel sees": _channel_sees,
    "text sees": _text_sees,
    "sees differences": _sees_differences,
    "sees bends": _sees_bends,
    "rounds": _rounds,
}
"""Suspects for `is_causal`: x (B, T, C), and numbers that say more, to a tensor (B, T, D)."""

Suspect = tuple[str, list[int]]


@probe
def verdicts(
    _: dict[str, Any],
    is_causal: Callable[..., Any],
    suspects: list[Suspect],
    inputs: list[torch.Tensor],
) -> list[Any]:
    """Return what `is_causal` says of each of the FUNCTIONS `suspects`, each with its own input."""
    return [
        is_causal(_only_for(x, FUNCTIONS[name], numbers), x)
        for (name, numbers), x in zip(suspects, inputs, strict=True)
    ]


def _only_for(x: torch.Tensor, function: Function, numbers: list[int]) -> Function:
    """Return `function`, with `numbers`, which refuses what has another shape than `x`."""

    def checked(given: torch.Tensor) -> torch.Tensor:
        if given.shape != x.shape:
            shapes = f"{tuple(x.shape)}, not {tuple(given.shape)}"
            raise ValueError(f"this function takes tensors of the shape of x, {shapes}")
        return function(given, *numbers)

    return checked


@probe
def x_afterwards(_: dict[str, Any], is_causal: Callable[..., Any], x: torch.Tensor) -> list[Any]:
    """Return what `is_causal` says of a copy and of a mean over all, and what is left of `x`."""
    return [is_causal(FUNCTIONS[name], x) for name in ("copy", "mean of all")] + [x]


@exercise(LESSON, "is_causal", points=4)
def is_causal(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    B, T, C = 3, 4, 3
    x, zeros = normal(rng, B, T, C), torch.zeros(B, T, C)

    def judged(
        name: str, suspects: dict[str, tuple[Suspect, bool]], hint: str, at: torch.Tensor = x
    ) -> Case:
        """Return a case that asks for all verdicts, in random order: both kinds are among them."""
        words = [str(word) for word in rng.permutation(list(suspects))]
        asked = [suspects[word][0] for word in words]

        def said() -> dict[str, Any]:
            given = student.probe(verdicts, student.is_causal, asked, [at] * len(asked))
            return dict(zip(words, given, strict=True))

        return case(name, said, {word: suspects[word][1] for word in words}, hint=hint)

    def looking(
        function: str, words: str, leaks: list[tuple[int, int]], which: Sequence[int] = ()
    ) -> dict[str, tuple[Suspect, bool]]:
        """Return suspects that look from one place to another: `leaks`, and those turned round."""
        suspects: dict[str, tuple[Suspect, bool]] = {}
        for i, (early, late) in enumerate(leaks):
            for places in ((early, late), (late, early)):
                numbers = [*places, *which[i : i + 1]]
                suspects[words.format(*numbers)] = (function, numbers), places == (late, early)
        return suspects

    def leaks(count: int) -> list[tuple[int, int]]:
        """Return `count` different pairs of places, the earlier one first."""
        pairs = [(early, late) for late in range(T) for early in range(late)]
        return [pairs[i] for i in rng.choice(len(pairs), count, replace=False)]

    yield case(
        "a function that copies its input, and the mean over all places",
        lambda: student.probe(
            verdicts, student.is_causal, [("copy", []), ("mean of all", [])], [x, x]
        ),
        [True, False],
        hint="True for the copy, with True at the very end, after the loop. Change a fresh copy "
        "for each t, x.clone(), and compare only what comes out *before* the place from which you "
        "changed it, [:, :t]: that place itself may differ. False for the mean: a change of x at "
        "later places changes the result before them.",
    )
    yield case(
        "the same again, and x afterwards: as it was",
        lambda: student.probe(x_afterwards, student.is_causal, x),
        [True, False, x],
        hint="changed = x is the same tensor under a second name. x.clone() makes a copy.",
    )
    yield judged(
        "functions that look at the past, or at the future",
        {
            name: ((name, []), "past" in name or "before" in name)
            for name in (
                "mean of the past",
                "the place before",
                "mean of the future",
                "the place after",
            )
        },
        "The past may change what comes later. Change x from place t on, [:, t:], and look at "
        "what comes out before it, [:, :t]: not the other way round.",
    )
    everywhere = [(0, T - 1), (1, 2), (T - 2, T - 1)]
    yield judged(
        "only one place sees another one",
        looking("sees", "place {} sees place {}", everywhere),
        "A leak may be anywhere. Try every place t from 1 to T - 1, with a fresh copy each time, "
        "and compare all places before t, not only the nearest or the first.",
    )
    yield judged(
        "an x of zeros",
        looking("sees", "place {} sees place {}", leaks(3)),
        "Setting the future to 0, or multiplying it, changes nothing if it is 0 already. Change "
        "it to random numbers.",
        at=zeros,
    )
    yield judged(
        "an x of zeros, and what comes out can only rise, or only fall",
        looking("rises with", "place {} rises with place {}", leaks(2))
        | looking("falls with", "place {} falls with place {}", leaks(1)),
        "A leak may make what comes out larger or smaller, so ask how far apart the two results "
        "are, whichever is larger: torch.allclose, or the .abs() of the difference.",
        at=zeros,
    )
    yield judged(
        "only one channel is seen",
        looking("sees channel", "place {0} sees channel {2} of place {1}", leaks(C), range(C)),
        "A leak may come from one channel only. Change all channels, changed[:, t:], not one "
        "of them such as changed[:, t:, 0].",
    )
    yield judged(
        "only one channel sees something",
        looking("channel sees", "channel {2} of place {0} sees place {1}", leaks(C), range(C)),
        "A leak may go to one channel only. Compare all channels, before[:, :t], not one of "
        "them such as before[:, :t, -1].",
    )
    yield judged(
        "only in one of three texts a place sees another one",
        looking("text sees", "in text {2} place {0} sees place {1}", leaks(B), range(B)),
        "A leak may show in one text only. Change all texts, changed[:, t:], and compare all of "
        "them, before[:, :t]. changed[0, t:] changes the first text alone, before[0, :t] compares "
        "the first text alone.",
    )
    yield case(
        "a result with two channels, of the past or of the future, where x has three",
        lambda: student.probe(
            verdicts,
            student.is_causal,
            [("two channels of the past", []), ("two channels of the future", [])],
            [x, x],
        ),
        [True, False],
        hint="function may return (B, T, D) with another D than C.",
    )
    yield judged(
        "an x of zeros, and differences between the channels",
        looking("sees differences", "place {} sees differences of place {}", leaks(3), [1] * 3),
        "The same number in all channels leaves no differences between them. Each channel gets a "
        "number of its own: torch.randn_like(changed[:, t:]).",
        at=zeros,
    )
    yield judged(
        "an x of zeros, and differences between the texts",
        looking("sees differences", "place {} sees differences at place {}", leaks(3), [0] * 3),
        "The same row in all texts leaves no differences between them. Each text gets numbers of "
        "its own: torch.randn_like(changed[:, t:]).",
        at=zeros,
    )
    six = range(6)
    bends: dict[str, tuple[Suspect, bool]] = {}
    for _ in range(3):
        early, *late = sorted(int(place) for place in rng.choice(six, 4, replace=False))
        for target, places in ((early, late), (5 - early, [5 - place for place in late[::-1]])):
            words = "place {} sees differences of places {}, {} and {}".format(target, *places)
            bends[words] = ("sees bends", [target, *places]), target > places[0]
    yield judged(
        "an x of zeros, and differences between three places",
        bends,
        "The same row at all later places leaves no differences between them. Each place gets "
        "numbers of its own: torch.randn_like(changed[:, t:]).",
        at=torch.zeros(B, len(six), C),
    )
    yield judged(
        "functions that round a little differently each time",
        looking("rounds", "place {} sees place {}", leaks(3)),
        "Differences of up to 0.0001 are no leak. Ask with torch.allclose(a, b, atol=1e-4); "
        "torch.equal and == want the very last digit, and torch.allclose without atol allows "
        "nearly nothing close to 0.",
    )
    yield judged(
        "one place sees another one a little: differences of about 0.01",
        looking("sees a little", "place {} sees place {}", leaks(3)),
        "Differences of more than 0.0001 are a leak: atol=1e-4, and no more.",
    )
    yield case(
        "attention, masked before its softmax and after it",
        lambda: student.probe(
            verdicts, student.is_causal, [("masked in time", []), ("masked too late", [])], [x, x]
        ),
        [True, False],
        hint="Masked after the softmax, the future is still in the sum that softmax divides by.",
    )
    few = [int(length) for length in rng.permutation([1, 1, 1, 2, 2, 2])]
    short = [normal(rng, 1, length, C) for length in few]
    yield case(
        "each place sees the next one, in texts of one place or two",
        lambda: student.probe(
            verdicts, student.is_causal, [("the place after", [])] * len(short), short
        ),
        [length == 1 for length in few],
        hint="With T = 1 there is no later place, so nothing can leak. With T = 2 there is one.",
    )
    B, T, C = 2, 7, 3
    yield judged(
        "texts of 7 places",
        looking("sees channel", "place {} sees place {}", leaks(3), [2] * 3),
        "Try every place from 1 to T - 1, where T is x.shape[1].",
        at=normal(rng, B, T, C),
    )


# ------------------------------------------------------------------------------------ windows


@exercise(LESSON, "windows", points=1)
def windows(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    ids = torch.arange(8)
    yield case(
        "x and y for N = 8, T = 3: how many axes each has",
        lambda: [len(part.shape) for part in student.windows(ids, 3)],
        [2, 2],
        hint="Return two tensors, x and y, both (W, T). (An error about slice indices? W has "
        "to be a whole number: / gives 2.333 here, // rounds it down.)",
    )
    yield case(
        "the kinds of the numbers in x and in y",
        lambda: [str(part.dtype) for part in student.windows(ids, 3)],
        ["torch.int64"] * 2,
        hint="x and y hold characters of `ids`, int64 as they are there.",
    )
    yield case(
        "the shapes of x and y for N = 8, T = 3",
        lambda: [list(part.shape) for part in student.windows(ids, 3)],
        [[2, 3], [2, 3]],
        hint="W = (N - 1) // T = 7 // 3 = 2. One window too few? Both are complete here, as their "
        "last target is id 6. Too many? The windows do not overlap, so each character stands in x "
        "once at most.",
    )
    yield case(
        "x for the numbers 0 to 7, T = 3",
        lambda: student.windows(ids, 3)[0],
        torch.tensor([[0, 1, 2], [3, 4, 5]]),
        hint="Each row holds T characters in the order of the text, and the next row goes on where "
        "it ended.",
    )
    yield case(
        "y for the numbers 0 to 7, T = 3",
        lambda: student.windows(ids, 3)[1],
        torch.tensor([[1, 2, 3], [4, 5, 6]]),
        hint="y holds what comes next in the *text*: at the end of a window that is the first "
        "character of the next one. Cut ids[1:] in the same way as ids.",
    )
    yield case(
        "N = 7, T = 3: both windows fit just so",
        lambda: student.windows(torch.arange(7), 3)[1],
        torch.tensor([[1, 2, 3], [4, 5, 6]]),
        hint="The last character is still the target of the second window. The number of windows "
        "is (N - 1) // T.",
    )
    yield case(
        "N = 6, T = 3: one window",
        lambda: [list(part.shape) for part in student.windows(torch.arange(6), 3)],
        [[1, 3], [1, 3]],
        hint="x has six characters for two windows, but the last target is missing, so the second "
        "one is left out in both: W is (N - 1) // T.",
    )
    for hidden in (False, True):
        T = int(rng.integers(4, 12))
        for name, rest in (
            ("all windows fit just so", 0),
            ("some characters are left over", int(rng.integers(1, T - 1))),
            ("the last target is missing", T - 1),
        ):
            some = integers(rng, 60, T * int(rng.integers(2, 6)) + 1 + rest)
            yield case(
                f"random characters, {name}" + ", again" * hidden,
                lambda: list(student.windows(some, T)),
                list(reference.windows(some, T)),
                hint="x: the first W * T characters, row by row, with W = (N - 1) // T. y: the "
                "same, begun one later.",
                hidden=hidden,
            )


# --------------------------------------------------------------------------------------- quiz

QUESTIONS = (
    (
        "answer_1",
        "what softmax makes sum to one",
        "dim=-1 runs over the last axis: the keys.",
        "Each query takes a mixture of all values, and the shares of a mixture sum to 1.",
    ),
    (
        "answer_2",
        "without the square root",
        "Look at the top right of the picture with the twelve keys, and at the slopes below it.",
        "The scores have a spread of 16, so by chance one is far above the others, and p (1 - p) "
        "is almost 0 for all.",
    ),
    (
        "answer_3",
        "the mask after the softmax",
        "What did your is_causal say of it? Reread the folded text below the suspects.",
        "A weight of the past is exp(score) divided by a sum, and the future is in that sum.",
    ),
    (
        "answer_4",
        "a loss below the floor",
        "No model can be below the floor. Reread what a leak does to the loss.",
        "What is too good to be true is not true: the model sees what it should predict.",
    ),
    (
        "answer_5",
        "looking back twice as far",
        "Which of the costs in 'What does it cost?' have a T in them, and are they parameters?",
        "The three matrices stay as they are; each character is compared with twice as many keys.",
    ),
    (
        "answer_6",
        "the second letter, and the first",
        "What does the query look for at the first letter of the name, and what before it?",
        "The head finds what came after the same characters. Where any name can follow these, they "
        "do not say which one is due.",
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

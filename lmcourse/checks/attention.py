"""Checks of lesson 05: weights over the past, attention, a head, and the test for leaks."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention as torchs_attention

from lmcourse.checks import Case, Rng, case, exercise, integers, normal, probe
from lmcourse.student import Student

LESSON = "05_attention"

Function = Callable[[torch.Tensor], torch.Tensor]


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
    yield case(
        "a text of one character",
        lambda: student.causal_mask(1),
        torch.tensor([[True]]),
        hint="Each place may look at itself too: the diagonal is True.",
    )
    yield case(
        "T = 3",
        lambda: student.causal_mask(3),
        torch.tensor([[True, False, False], [True, True, False], [True, True, True]]),
        hint="Row t is True in columns 0 to t, which is the lower left: the first place sees only "
        "itself, the last one sees all. (triu keeps the other half.)",
    )
    T = int(rng.integers(4, 9))
    yield case(
        f"T = {T}",
        lambda: student.causal_mask(T),
        reference.causal_mask(T),
        hint="Row t is True in columns 0 to t, whatever T is.",
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
        hint="The mean of a single row is that row, in each text. Each place takes part in its own "
        "mean, and nothing comes from later places.",
    )
    by_hand = torch.tensor([[[2.0], [4.0], [9.0]]])
    yield case(
        "by hand: 2, 4, 9",
        lambda: student.masked_mean(by_hand),
        torch.tensor([[[2.0], [3.0], [5.0]]]),
        hint="Place t takes the same part, 1 / (t + 1), of each of places 0 to t: 2, (2 + 4) / 2, "
        "(2 + 4 + 9) / 3.",
    )
    later = wide.clone()
    later[:, 2:] = normal(rng, 2, 2, 3)
    yield case(
        "places 0 and 1 after a change of places 2 and 3: as they were",
        lambda: student.masked_mean(later)[:, :2],
        reference.masked_mean(wide)[:, :2],
        hint="A later place must have weight 0.",
    )
    yield case(
        "random rows, two texts",
        lambda: student.masked_mean(wide),
        reference.masked_mean(wide),
        hint="Row t of the weights is 1 / (t + 1) in columns 0 to t, and 0 after that; weights @ x "
        "does this for each text by itself.",
    )
    long = normal(rng, 3, 12, 2)
    yield case(
        "12 places",
        lambda: student.masked_mean(long),
        reference.masked_mean(long),
        hint="Row t of the weights is 1 / (t + 1) in columns 0 to t, and 0 after that.",
        hidden=True,
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
    alike = torch.ones(3, 2)
    three = torch.tensor([[3.0], [6.0], [12.0]])
    yield case(
        "two queries, three keys that are all alike: the mean of 3, 6 and 12",
        lambda: ask(torch.tensor([[1.0, 0.0], [0.0, 3.0]]), alike, three),
        torch.tensor([[7.0], [7.0]]),
        hint="Each query shares out its attention among the keys, so each row of weights sums to "
        "1: softmax over the last axis, dim=-1, and nothing is done to the weights after it.",
    )
    long_query = torch.tensor([[2.0, 0.0, 0.0, 0.0]] * 3)
    two_keys = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    ten_twenty = torch.tensor([[10.0], [20.0]])
    first = math.exp(2) / (math.exp(2) + 1)
    yield case(
        "by hand: three queries, products 4 and 0, d = 4, values 10 and 20",
        lambda: ask(long_query, two_keys, ten_twenty),
        torch.tensor([[10 * first + 20 * (1 - first)]] * 3),
        hint="Divide the scores by the square root of d, math.sqrt(query.shape[-1]), before the "
        "softmax. d is the length of a query: not T, not S. Without the division the scores are 4 "
        "and 0, divided by d itself 1 and 0; right are 2 and 0.",
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
        torch.tensor([[10.0], [20.0], [10 * first + 20 * (1 - first)]]),
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
    shifted = k + normal(rng, 4)
    yield case(
        "the same vector added to every key: nothing changes",
        lambda: ask(q, shifted, v),
        torchs_attention(q[None], k[None], v[None])[0],
        hint="This adds the same number to all scores of a query, and softmax does not mind that. "
        "Softmax goes over the keys, after the division.",
    )
    yield case(
        "scores of several hundred: finite numbers",
        lambda: bool(torch.isfinite(ask(300 * q, k, v)).all()),
        True,
        hint="exp of a large number is infinite. torch.softmax takes the largest score away first, "
        "as yours in lesson 00.",
    )
    allowed = integers(rng, 2, 4, 5) == 1
    allowed[:, int(rng.integers(5))] = True  # each query has a key to look at
    yield case(
        "random numbers, with a mask, against torch's own",
        lambda: ask(Q, K, values, allowed),
        torchs_attention(Q, K, values, attn_mask=allowed),
        hint="softmax(query @ key.transpose(-2, -1) / sqrt(d), masked) @ value",
    )
    T, d = int(rng.integers(5, 9)), int(rng.integers(2, 12))
    some = normal(rng, 2, T, d), normal(rng, 2, T, d), normal(rng, 2, T, 3)
    causal = torch.ones(T, T, dtype=torch.bool).tril()
    yield case(
        "random sizes, with a causal mask",
        lambda: ask(*some, causal),
        reference.scaled_dot_product_attention(*some, causal),
        hint="softmax(query @ key.transpose(-2, -1) / sqrt(d), masked) @ value",
        hidden=True,
    )


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
    yield case(
        "the parameters of Head(6, 4), with their shapes",
        lambda: student.probe(parameter_shapes, student.Head, 6, 4),
        {f"{name}.weight": [4, 6] for name in PARTS},
        hint="Three attributes, made in __init__ after super().__init__(): self.query, self.key, "
        "self.value. Each is nn.Linear(channels, head_size, bias=False), so it has no bias. Layers "
        "that are made in forward, or kept in a plain list, are not noted.",
    )
    weights = normal(rng, len(PARTS), 4, 6)
    x = normal(rng, 2, 5, 6)
    yield case(
        "the shape for x of shape (2, 5, 6)",
        lambda: list(student.probe(outputs, student.Head, weights, x)[0].shape),
        [2, 5, 4],
        hint="forward returns what attention gives, (B, T, head_size). If the shape ends in 6, "
        "the values are x itself: they are self.value(x). If it ends in 5, those are the weights, "
        "not what they mix. The mask is made for T places, and T is x.shape[1]. Mind the return.",
    )
    one = normal(rng, 3, 1, 6)
    yield case(
        "one place only: the value of x",
        lambda: student.probe(outputs, student.Head, weights, one)[0],
        one @ weights[-1].T,
        hint="With a single place there is nothing to choose from, and what comes out is "
        "self.value(x). Is the order query, key, value?",
    )
    yield case(
        "the first of five places: its own value",
        lambda: student.probe(outputs, student.Head, weights, x)[0][:, 0],
        (x @ weights[-1].T)[:, 0],
        hint="The first place may look only at itself. Pass the mask, "
        "causal_mask(x.shape[1]).to(x.device), as the fourth argument.",
    )
    yield case(
        "random weights and rows, against torch's own attention",
        lambda: student.probe(outputs, student.Head, weights, x)[0],
        _expected(weights, x),
        hint="Queries from self.query(x), keys from self.key(x), values from self.value(x), passed "
        "in this order: those who look ask with query. Your scaled_dot_product_attention divides "
        "by the square root already, so once is enough.",
    )
    changed = [x.clone() for _ in range(4)]
    for t, other in enumerate(changed, start=1):
        other[:, t:] = normal(rng, 2, 5 - t, 6)
    wanted = _expected(weights, x)
    yield case(
        "a change at places 1, 2, 3, 4 and later: what stands before it",
        lambda: [
            given[:, :t]
            for t, given in enumerate(
                student.probe(outputs, student.Head, weights, *changed), start=1
            )
        ],
        [wanted[:, :t] for t in range(1, 5)],
        hint="No place may take anything from a later one.",
    )
    order = torch.from_numpy(rng.permutation(4))
    batch = normal(rng, 4, 3, 6)
    yield case(
        "the texts of a batch in another order",
        lambda: student.probe(outputs, student.Head, weights, batch[order])[0],
        _expected(weights, batch)[order],
        hint="Each text of the batch is on its own.",
    )
    yield case(
        "texts of 3, 7 and 1 places, one after the other",
        lambda: student.probe(
            outputs, student.Head, weights, batch[:, :3], x.repeat(1, 2, 1)[:, :7], one
        ),
        [
            _expected(weights, batch[:, :3]),
            _expected(weights, x.repeat(1, 2, 1)[:, :7]),
            _expected(weights, one),
        ],
        hint="T may differ from call to call, so make the mask in forward, for x.shape[1] places.",
    )
    yield case(
        "which parameters a loss reaches",
        lambda: student.probe(reached, student.Head, weights, x),
        ["key.weight", "query.weight", "value.weight"],
        hint="All three are to be learnt, so compute with the layers themselves, self.query(x): no "
        ".detach(), no .data, no torch.no_grad().",
    )
    big, long = normal(rng, len(PARTS), 12, 9), normal(rng, 2, 11, 9)
    yield case(
        "another size, head_size above channels",
        lambda: student.probe(outputs, student.Head, big, long)[0],
        _expected(big, long),
        hint="nn.Linear(channels, head_size, bias=False), three times.",
        hidden=True,
    )


# ---------------------------------------------------------------------------------- is_causal


def _take(x: torch.Tensor, target: int, source: int) -> torch.Tensor:
    """Return `x` with its row at place `source` added at place `target`."""
    out = x.clone()
    out[:, target] = out[:, target] + x[:, source]
    return out


def _from_channel(x: torch.Tensor, channel: int) -> torch.Tensor:
    """Return `x` with one number of place 3 added to all channels of place 0."""
    out = x.clone()
    out[:, 0] = out[:, 0] + x[:, 3, channel, None]
    return out


def _to_channel(x: torch.Tensor, channel: int) -> torch.Tensor:
    """Return `x` with the sum of place 3 added to one channel of place 0."""
    out = x.clone()
    out[:, 0, channel] = out[:, 0, channel] + x[:, 3].sum(dim=-1)
    return out


def _differences(x: torch.Tensor) -> torch.Tensor:
    """Return the mean of all places, of what is left without the mean of the channels."""
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred.mean(dim=1, keepdim=True).expand(x.shape)


def _past(x: torch.Tensor) -> torch.Tensor:
    """Return the mean of places 0 to t at each place."""
    return x.cumsum(dim=1) / torch.arange(1, x.shape[1] + 1)[:, None]


def _before(x: torch.Tensor) -> torch.Tensor:
    """Return at each place the row of the place before."""
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)


def _rounding(x: torch.Tensor) -> torch.Tensor:
    """Return numbers near 0, and differently rounded at each call, for each place by itself."""
    return 0 * x + 1e-6 * torch.randn_like(x)


def _masked_too_late(x: torch.Tensor) -> torch.Tensor:
    """Return attention whose weights of the future are set to 0 after the softmax."""
    return torch.softmax(x @ x.transpose(-2, -1), dim=-1).tril() @ x


def _second_text(x: torch.Tensor) -> torch.Tensor:
    """Return `x`, but in the second text of the batch place 1 sees place 4."""
    out = x.clone()
    out[1, 1] = out[1, 1] + x[1, 4]
    return out


FUNCTIONS: dict[str, Function] = {
    "copy": lambda x: 1 * x,
    "mean of all": lambda x: x.mean(dim=1, keepdim=True).expand(x.shape),
    "mean of the past": _past,
    "place before": _before,
    "next place": lambda x: torch.cat([x[:, 1:], x[:, -1:]], dim=1),
    "first sees last": lambda x: _take(x, 0, -1),
    "place 1 sees place 2": lambda x: _take(x, 1, 2),
    "last but one sees last": lambda x: _take(x, -2, -1),
    "from channel 1": lambda x: _from_channel(x, 1),
    "from channel 2": lambda x: _from_channel(x, 2),
    "to channel 1": lambda x: _to_channel(x, 1),
    "to channel 2": lambda x: _to_channel(x, 2),
    "differences": _differences,
    "rounding": _rounding,
    "masked too late": _masked_too_late,
    "second text": _second_text,
    "two channels of the past": lambda x: _past(_before(x))[..., :2] ** 2,
}
"""Suspects for `is_causal`: tensors (B, T, C), made for (3, 6, 4), to tensors (B, T, D)."""


@probe
def verdict(_: dict[str, Any], is_causal: Callable[..., Any], suspect: str, x: torch.Tensor) -> Any:
    """Return what `is_causal` says of a function of FUNCTIONS."""
    return is_causal(FUNCTIONS[suspect], x)


@probe
def x_afterwards(
    _: dict[str, Any], is_causal: Callable[..., Any], suspect: str, x: torch.Tensor
) -> torch.Tensor:
    """Return what is left of `x` after `is_causal` has used it."""
    is_causal(FUNCTIONS[suspect], x)
    return x


@exercise(LESSON, "is_causal", points=4)
def is_causal(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    x = normal(rng, 3, 6, 4)

    def judged(
        name: str,
        suspect: str,
        causal: bool,
        hint: str,
        at: torch.Tensor = x,
        hidden: bool = False,
    ) -> Case:
        return case(
            f"{name}: {causal}",
            lambda: student.probe(verdict, student.is_causal, suspect, at),
            causal,
            hint=hint,
            hidden=hidden,
        )

    yield judged(
        "a function that copies its input",
        "copy",
        True,
        "Return True or False, with True at the very end, after the loop. Change a fresh copy for "
        "each t, x.clone(), and compare only what comes out *before* the place from which you "
        "changed it, [:, :t]: that place itself may differ.",
    )
    yield judged(
        "the mean over all places",
        "mean of all",
        False,
        "Here every place sees the future: a change of x at later places changes the result "
        "before them. False is for a leak, True for none.",
    )
    yield case(
        "x afterwards: as it was",
        lambda: student.probe(x_afterwards, student.is_causal, "copy", x),
        x,
        hint="changed = x is the same tensor under a second name. x.clone() makes a copy.",
    )
    for suspect in ("mean of the past", "place before"):
        yield judged(
            f"the {suspect}",
            suspect,
            True,
            "The past may change what comes later. Change x from place t on, [:, t:], and look at "
            "what comes out before it, [:, :t]: not the other way round.",
        )
    for name, suspect in (
        ("each place sees the next one", "next place"),
        ("only the first place sees the last one", "first sees last"),
        ("only place 1 sees place 2", "place 1 sees place 2"),
        ("only the last but one sees the last", "last but one sees last"),
    ):
        yield judged(
            name,
            suspect,
            False,
            "A leak may be anywhere. Try every place t from 1 to T - 1, with a fresh copy each "
            "time, and compare all places before t, not only the nearest or the first.",
        )
    for channel in (1, 2):
        yield judged(
            f"only channel {channel} of place 3 is seen, at place 0",
            f"from channel {channel}",
            False,
            "A leak may come from one channel only. Change all channels, changed[:, t:], not one "
            "of them such as changed[:, t:, 0].",
        )
    for channel in (1, 2):
        yield judged(
            f"only channel {channel} of place 0 sees place 3",
            f"to channel {channel}",
            False,
            "A leak may go to one channel only. Compare all channels, before[:, :t], not one of "
            "them such as before[:, :t, -1].",
        )
    yield judged(
        "only in the second of three texts place 1 sees place 4",
        "second text",
        False,
        "A leak may show in one text only. Change all texts, changed[:, t:], and compare all of "
        "them, before[:, :t]. changed[0, t:] changes the first text alone, before[0, :t] compares "
        "the first text alone.",
    )
    yield judged(
        "each place sees differences between the channels of all places",
        "differences",
        False,
        "The same number added to all channels leaves their differences as they are. Change x to "
        "random numbers: torch.randn_like(changed[:, t:]).",
    )
    yield judged(
        "the mean over all places, with an x of zeros",
        "mean of all",
        False,
        "Setting the future to 0, or multiplying it, changes nothing if it is 0 already. Change "
        "it to random numbers.",
        at=torch.zeros(3, 6, 4),
    )
    yield judged(
        "differences between the channels again, with an x of zeros",
        "differences",
        False,
        "One random number for all channels leaves no differences between them. Each channel gets "
        "a number of its own: torch.randn_like(changed[:, t:]).",
        at=torch.zeros(3, 6, 4),
    )
    yield judged(
        "a function that rounds a little differently each time",
        "rounding",
        True,
        "Differences of up to 0.0001 are no leak. Ask with torch.allclose(a, b, atol=1e-4); "
        "torch.equal and == want the very last digit, and torch.allclose without atol allows "
        "nearly nothing close to 0.",
    )
    yield judged(
        "attention that is masked after its softmax",
        "masked too late",
        False,
        "The future is still in the sum that softmax divides by.",
    )
    yield judged(
        "a text of one place",
        "copy",
        True,
        "With T = 1 there is no later place, so nothing can leak.",
        at=normal(rng, 1, 1, 3),
    )
    yield judged(
        "a result with other channels than x",
        "two channels of the past",
        True,
        "function may return (B, T, D) with another D.",
        hidden=True,
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
    some = integers(rng, 30, 23)
    for place, name in enumerate(("x", "y")):
        yield case(
            f"{name} for 23 characters at random, T = 4",
            lambda: student.windows(some, 4)[place],
            reference.windows(some, 4)[place],
            hint="x: the first W * T characters, row by row. y: the same, begun one later.",
        )
    long = integers(rng, 60, 151)
    for place, name in enumerate(("x", "y")):
        yield case(
            f"{name} for 151 characters, T = 10",
            lambda: student.windows(long, 10)[place],
            reference.windows(long, 10)[place],
            hint="x: the first W * T characters, row by row. y: the same, begun one later.",
            hidden=True,
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

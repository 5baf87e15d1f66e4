"""The checks of a head."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention as torchs_attention

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import apart, public_and_hidden, slopes_of

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
) -> list[torch.Tensor] | None:
    """Return what a head with these weights gives for each of `inputs`, one after the other.

    None if it gives nothing.
    """
    head = _head(Head, weights)
    given = [head(x) for x in inputs]
    return None if all(each is None for each in given) else given


@probe
def in_evaluation(
    _: dict[str, Any],
    Head: Callable[..., torch.nn.Module],
    weights: torch.Tensor,
    x: torch.Tensor,
) -> torch.Tensor:
    """Return what a head with these weights gives for `x` in evaluation mode."""
    result: torch.Tensor = _head(Head, weights).eval()(x)
    return result


@probe
def begun(_: dict[str, Any], Head: Callable[..., torch.nn.Module]) -> list[str]:
    """Return the names of the weights that begin all alike, in a new head."""
    weights = Head(6, 4).named_parameters()
    return [name for name, weight in weights if bool((weight == weight.flatten()[0]).all())]


@probe
def slopes(
    _: dict[str, Any],
    Head: Callable[..., torch.nn.Module],
    weights: torch.Tensor,
    x: torch.Tensor,
    direction: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """Return the slopes of sum(result * direction) for each parameter, and for x."""
    head = _head(Head, weights)
    leaves = dict(head.named_parameters()) | {"x": x.requires_grad_()}
    total = (head(x) * direction).sum()
    return dict(zip(leaves, slopes_of(total, leaves.values()), strict=True))


@probe
def reached(
    _: dict[str, Any],
    Head: Callable[..., torch.nn.Module],
    weights: torch.Tensor,
    x: torch.Tensor,
) -> list[str]:
    """Return the names of the parameters that the slopes of a loss reach, in order, and of x."""
    head = _head(Head, weights)
    torch.autograd.backward((head(x.requires_grad_()) ** 2).sum())
    grads = {name: parameter.grad for name, parameter in head.named_parameters()} | {"x": x.grad}
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


@exercise("05_attention", "Head", points=3)
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
    yield case(
        "weights whose numbers are all alike in a new head",
        lambda: student.probe(begun, student.Head),
        [],
        hint="Leave the random numbers that nn.Linear draws to begin with: where query and key are "
        "0, no slope reaches either.",
    )
    weights = normal(rng, len(PARTS), 4, 6)
    x = normal(rng, 2, 5, 6)
    yield case(
        "the shape for x of shape (2, 5, 6)",
        lambda: list(ask(weights, x)[0].shape),
        [2, 5, 4],
        hint="forward returns what attention gives, (B, T, head_size). If the shape ends in 6, "
        "the values are x itself: they are self.value(x). If it ends in 5, those are the weights, "
        "not what they mix. The mask is made for T positions, and T is x.shape[1].",
        form=True,
    )
    yield case(
        "the same x twice: how far the results are apart",
        lambda: apart(*ask(weights, x, x)),
        0.0,
        hint="Nothing in a head is left to chance: no layer is made in forward, and dropout comes "
        "in lesson 06. (nan? A position has no key left: is the mask inverted?)",
    )
    one = normal(rng, 3, 1, 6)
    yield case(
        "one position only: the value of x",
        lambda: ask(weights, one)[0],
        one @ weights[-1].T,
        hint="With a single position there is nothing to choose from, and what comes out is "
        "self.value(x), as it is. Is the order query, key, value?",
    )
    yield case(
        "the first of five positions: its own value",
        lambda: ask(weights, x)[0][:, 0],
        (x @ weights[-1].T)[:, 0],
        hint="The first position may look only at itself. Pass the mask, "
        "causal_mask(x.shape[1]).to(x.device), as the fourth argument.",
    )
    changed = [x.clone() for _ in range(4)]
    for t, other in enumerate(changed, start=1):
        other[:, t:] = normal(rng, 2, 5 - t, 6)
    yield case(
        "a change at positions 1, 2, 3, 4 and later: how far what stands before it moves",
        lambda: _moves(*ask(weights, x, *changed)),
        [0.0] * 4,
        hint="No position may take anything from a later one: pass your causal_mask.",
    )
    yield case(
        "random weights and rows, against torch's own attention",
        lambda: ask(weights, x)[0],
        _expected(weights, x),
        hint="Queries from self.query(x), keys from self.key(x), values from self.value(x), passed "
        "in this order: those who look ask with query. Your scaled_dot_product_attention divides "
        "by the square root already, so once is enough.",
    )
    yield case(
        "the same in evaluation mode, after .eval()",
        lambda: student.probe(in_evaluation, student.Head, weights, x),
        _expected(weights, x),
        hint="A head is causal always, in training and in evaluation: do not ask self.training.",
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
    # The lesson itself reads 1,024 positions: longer than any mask that is made for once and all.
    texts = [normal(rng, 1, T, 6) for T in (2, int(rng.integers(1030, 1100)), 1)]
    yield case(
        "a short text, a long one, and one of a single position, one after the other",
        lambda: ask(weights, *texts),
        [_expected(weights, text) for text in texts],
        hint="T may differ from call to call, and be large, so make the mask in forward, for "
        "x.shape[1] positions.",
    )
    yield case(
        "what a loss reaches: the parameters, and x",
        lambda: student.probe(reached, student.Head, weights, x),
        ["key.weight", "query.weight", "value.weight", "x"],
        hint="All three are to be learnt, and what made x, so compute with the layers themselves, "
        "self.query(x): no .detach(), no .data, no torch.no_grad(), neither here nor in your "
        "attention.",
    )
    direction = normal(rng, 2, 5, 4)
    yield case(
        "the slopes themselves",
        lambda: student.probe(slopes, student.Head, weights, x, direction),
        _expected_slopes(weights, x, direction),
        hint="x goes into all three layers as it is: x.detach() in one of them cuts a part of its "
        "slopes off.",
        rtol=1e-3,
        atol=1e-4,
    )

    def other_sizes() -> Iterator[Case]:
        head_size, channels, T = (int(size) for size in rng.integers((2, 2, 5), (12, 12, 16)))
        other, text = normal(rng, len(PARTS), head_size, channels), normal(rng, 2, T, channels)
        yield case(
            "another head_size, other channels",
            lambda: ask(other, text)[0],
            _expected(other, text),
            hint="nn.Linear(channels, head_size, bias=False), three times.",
        )

    yield from public_and_hidden(other_sizes)


def _expected_slopes(
    weights: torch.Tensor, x: torch.Tensor, direction: torch.Tensor
) -> dict[str, torch.Tensor]:
    leaves = [weights.clone().requires_grad_(), x.clone().requires_grad_()]
    total = (_expected(leaves[0], leaves[1]) * direction).sum()
    of_weights, of_x = torch.autograd.grad(total, leaves)
    names = [f"{name}.weight" for name in PARTS]
    return dict(zip(names, of_weights, strict=True)) | {"x": of_x}


def _moves(first: torch.Tensor, *others: torch.Tensor) -> list[float]:
    """Return how far the positions before t moved in each of `others`, for t = 1, 2, ..."""
    return [apart(first[:, :t], other[:, :t]) for t, other in enumerate(others, start=1)]

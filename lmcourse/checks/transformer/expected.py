"""What has to come back from the parts of a block, worked out with torch's own modules."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from grader.checks.case import Rng, normal
from lmcourse.checks.transformer.modules import Weights


def shapes_of(parameters: Weights) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in parameters.items()}


def random_weights(rng: Rng, shapes: dict[str, list[int]]) -> Weights:
    return {name: normal(rng, *shape) for name, shape in shapes.items()}


def attention_shapes(C: int) -> dict[str, list[int]]:
    return {f"{name}.weight": [C, C] for name in ("query", "key", "value", "project")}


def feed_forward_shapes(C: int) -> dict[str, list[int]]:
    return {
        "expand.weight": [4 * C, C],
        "expand.bias": [4 * C],
        "shrink.weight": [C, 4 * C],
        "shrink.bias": [C],
    }


def norm_shapes(C: int) -> dict[str, list[int]]:
    return {"weight": [C], "bias": [C]}


def block_shapes(C: int) -> dict[str, list[int]]:
    parts = {
        "norm1": norm_shapes(C),
        "attention": attention_shapes(C),
        "norm2": norm_shapes(C),
        "feed_forward": feed_forward_shapes(C),
    }
    return {f"{part}.{name}": shape for part, own in parts.items() for name, shape in own.items()}


def _part(weights: Weights, part: str) -> Weights:
    return {
        name.removeprefix(f"{part}."): value
        for name, value in weights.items()
        if name.startswith(f"{part}.")
    }


def torch_attention(weights: Weights, heads: int, x: torch.Tensor) -> torch.Tensor:
    """Return what torch's own nn.MultiheadAttention gives with these weights and a causal mask."""
    T, C = x.shape[1:]
    theirs = nn.MultiheadAttention(C, heads, bias=False, batch_first=True, device="meta")
    asking = [weights[f"{name}.weight"] for name in ("query", "key", "value")]
    own = {"in_proj_weight": torch.cat(asking), "out_proj.weight": weights["project.weight"]}
    hidden = torch.ones(T, T, dtype=torch.bool).triu(1)
    how = {"attn_mask": hidden, "need_weights": False}
    result: torch.Tensor = torch.func.functional_call(theirs, own, (x, x, x), how)[0]
    return result


def torch_norm(weights: Weights, x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:], weights["weight"], weights["bias"], eps)


def torch_feed_forward(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    hidden = F.gelu(F.linear(x, weights["expand.weight"], weights["expand.bias"]))
    return F.linear(hidden, weights["shrink.weight"], weights["shrink.bias"])


def torch_block(weights: Weights, heads: int, x: torch.Tensor) -> torch.Tensor:
    read = torch_norm(_part(weights, "norm1"), x)
    x = x + torch_attention(_part(weights, "attention"), heads, read)
    return x + torch_feed_forward(
        _part(weights, "feed_forward"), torch_norm(_part(weights, "norm2"), x)
    )


def torch_slopes(
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

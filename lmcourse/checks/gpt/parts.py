"""Small models of all kinds of parts, and how many numbers each has to learn."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def new_part(kind: str, sizes: Any) -> nn.Module:
    """Return a piece of a model."""
    if kind == "linear":
        return nn.Linear(*sizes)
    if kind == "there and back":
        return nn.Sequential(nn.Linear(*sizes), nn.GELU(), nn.Linear(*sizes[::-1]))
    if kind == "tied":
        V, C = sizes
        tied = nn.ModuleDict({"embedding": nn.Embedding(V, C), "head": nn.Linear(C, V, bias=False)})
        tied["head"].weight = tied["embedding"].weight
        return tied
    if kind == "norms":
        return nn.ModuleList([nn.LayerNorm(size) for size in sizes])
    if kind == "buffers":
        return nn.BatchNorm1d(*sizes)
    if kind == "meta":
        return nn.Sequential(nn.Linear(*sizes), nn.Linear(*sizes)).to("meta")
    if kind == "half":
        return nn.Linear(*sizes).half()
    if kind == "frozen":
        return nn.Linear(*sizes).requires_grad_(False)
    return nn.ParameterList([torch.ones(sizes), torch.ones(())])  # a block of numbers, and one


def new_model(parts: list[list[Any]]) -> nn.Module:
    """Return a model of these parts, each a kind and its sizes."""
    named = {f"{kind}{i}": new_part(kind, sizes) for i, (kind, *sizes) in enumerate(parts)}
    return nn.ModuleDict(named)


NUMBERS: dict[str, Callable[..., int]] = {
    "linear": lambda n, m: n * m + m,
    "there and back": lambda n, m: 2 * n * m + n + m,
    "tied": lambda n, m: n * m,
    "norms": lambda n, m: 2 * n + 2 * m,
    "buffers": lambda n: 2 * n,
    "meta": lambda n, m: 2 * (n * m + m),
    "half": lambda n, m: n * m + m,
    "frozen": lambda n, m: n * m + m,
    "odd": lambda n, m, k: n * m * k + 1,
}
"""How many numbers a piece of each kind has to learn."""

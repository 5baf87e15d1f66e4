"""The nets that lesson 04 is checked with."""

import math
from typing import Any

import torch

from grader.checks.case import Rng, normal
from grader.checks.vocabulary import kind

Parameters = dict[str, torch.Tensor]


def random_net(rng: Rng, V: int, T: int, C: int, H: int) -> Parameters:
    """Return the parameters of a net for V characters, contexts of T, C channels, H hidden."""
    return {
        "embedding": normal(rng, V, C),
        "W1": normal(rng, T * C, H) / math.sqrt(T * C),
        "b1": 0.5 * normal(rng, H),
        "W2": normal(rng, H, V) / math.sqrt(H),
        "b2": 0.5 * normal(rng, V),
    }


def net_of_zeros(V: int, T: int, C: int, H: int) -> Parameters:
    """Return the parameters of such a net, all of them 0."""
    shapes = {"embedding": (V, C), "W1": (T * C, H), "b1": (H,), "W2": (H, V), "b2": (V,)}
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


def with_gradients(parameters: Parameters) -> Parameters:
    """Return copies of `parameters` that are to be learnt."""
    return {name: tensor.clone().requires_grad_() for name, tensor in parameters.items()}


def kind_of_number(value: Any) -> str | None:
    """Return "a plain number" for one, and else what `kind` says."""
    return "a plain number" if isinstance(value, int | float) else kind(value)

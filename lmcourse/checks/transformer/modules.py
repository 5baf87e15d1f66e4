"""Probes that ask a module of the student's which the judge gave its weights."""

from typing import Any

import torch
from torch import nn

from grader.checks.registry import probe

Weights = dict[str, torch.Tensor]


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

"""Asking a module of the student's: the judge sends the weight, and what goes in."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from grader.checks.registry import probe
from grader.checks.vocabulary import slopes_of


@probe
def parameters_of(
    _: dict[str, Any], kind: Callable[..., nn.Module], arguments: list[Any]
) -> dict[str, torch.Tensor]:
    """Return the parameters of a new module `kind(*arguments)` by name."""
    return {name: value.detach() for name, value in kind(*arguments).named_parameters()}


@probe
def outputs(
    _: dict[str, Any],
    kind: Callable[..., nn.Module],
    arguments: list[Any],
    weight: torch.Tensor,
    inputs: list[torch.Tensor],
) -> list[torch.Tensor] | None:
    """Return what `kind(*arguments)` with this weight gives for each of `inputs`.

    None if it gives nothing.
    """
    module = _module(kind, arguments, weight)
    given = [module(x) for x in inputs]
    return None if all(each is None for each in given) else given


@probe
def slopes(
    _: dict[str, Any],
    kind: Callable[..., nn.Module],
    arguments: list[Any],
    weight: torch.Tensor,
    x: torch.Tensor,
    direction: torch.Tensor,
) -> list[torch.Tensor]:
    """Return the slopes of sum(result * direction) for the weight and for x."""
    module = _module(kind, arguments, weight)
    leaves = [*module.parameters(), x.requires_grad_()]
    return slopes_of((module(x) * direction).sum(), leaves)


def _module(
    kind: Callable[..., nn.Module], arguments: list[Any], weight: torch.Tensor
) -> nn.Module:
    module = kind(*arguments)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(weight)
    return module

"""Asking a module of the student's: the judge sends the weights, and what goes in."""

from typing import Any

import torch
from torch import nn

from grader.checks.case import Case, case
from grader.checks.paste import shown_as
from grader.checks.registry import probe
from grader.checks.student import Student
from grader.checks.vocabulary import answer_and_arguments, slopes_of

Weights = dict[str, torch.Tensor]


def answers(
    student: Student,
    kind: str,
    arguments: list[Any],
    weights: Weights,
    *inputs: torch.Tensor,
    training: bool = False,
) -> list[torch.Tensor]:
    """Return what the student's `kind(*arguments)` with `weights` gives for each of `inputs`."""
    made = getattr(student, kind)
    return list(student.probe(outputs, made, arguments, weights, list(inputs), training))


def slopes_in_both_modes(
    student: Student,
    kind: str,
    arguments: list[Any],
    weights: Weights,
    x: torch.Tensor,
    direction: torch.Tensor,
) -> list[Weights]:
    """Return the probe `slopes` of the student's `kind(*arguments)`, training and evaluating."""
    made = getattr(student, kind)
    return [
        student.probe(slopes, made, arguments, weights, x, direction, training)
        for training in (True, False)
    ]


def input_stays(
    student: Student, kind: str, arguments: list[Any], x: torch.Tensor, *, hint: str
) -> Case:
    """Return the case that a new module `kind(*arguments)` leaves `x` as it was."""

    def afterwards() -> Any:
        module = getattr(student, kind)(*arguments)
        came = student.probe(answer_and_arguments, module, x)
        return None if came is None else came[1]

    return case("x afterwards: as it was", afterwards, x, hint=hint)


@probe
@shown_as(lambda kind, arguments: f"dict({kind}(*{arguments}).named_parameters())")
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
) -> list[torch.Tensor] | None:
    """Return what `kind(*arguments)` with these weights gives for each of `inputs`.

    None if it gives nothing.
    """
    module = _module(kind, arguments, weights)
    module.train(training)
    given = [module(x) for x in inputs]
    return None if all(each is None for each in given) else given


@probe
def slopes(
    _: dict[str, Any],
    kind: type[nn.Module],
    arguments: list[Any],
    weights: Weights,
    x: torch.Tensor,
    direction: torch.Tensor,
    training: bool = True,
) -> Weights:
    """Return the slopes of sum(result * direction) for each parameter and for x, by name."""
    module = _module(kind, arguments, weights)
    module.train(training)
    leaves = {**dict(module.named_parameters()), "x": x.requires_grad_()}
    found = slopes_of((module(x) * direction).sum(), leaves.values())
    return dict(zip(leaves, found, strict=True))


def _module(kind: type[nn.Module], arguments: list[Any], weights: Weights) -> nn.Module:
    module = kind(*arguments)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(weights[name])
    return module

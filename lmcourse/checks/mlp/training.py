"""Checks of `train_step`."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from lmcourse.checks.mlp.nets import (
    Parameters,
    kind_of_number,
    net_of_zeros,
    random_net,
    with_gradients,
)

LESSON = "04_mlp"


@probe
def after_steps(
    _: dict[str, Any],
    train_step: Callable[..., float],
    parameters: Parameters,
    batches: list[tuple[torch.Tensor, torch.Tensor]],
    lr: float,
) -> dict[str, Any]:
    """Return the losses of one step for each batch, and what became of the tensors themselves.

    These are held here, so new tensors in their places in the dictionary do not count.
    """
    held = with_gradients(parameters)
    given = dict(held)
    losses = [train_step(given, contexts, targets, lr) for contexts, targets in batches]
    return {"losses": losses, "parameters": held}


@exercise(LESSON, "train_step", points=3)
def train_step(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def steps(parameters: Parameters, batches: list[Any], lr: float, of: Student = student) -> Any:
        return of.probe(after_steps, of.train_step, parameters, batches, lr)

    def tensors(
        parameters: Parameters, batches: list[Any], lr: float, of: Student = student
    ) -> list[torch.Tensor]:
        return list(steps(parameters, batches, lr, of)["parameters"].values())

    def moved(before: Parameters, after: Parameters) -> list[str]:
        return [name for name in before if not torch.equal(before[name], after[name])]

    V = int(rng.integers(4, 40))
    empty = net_of_zeros(V, T=2, C=3, H=3)
    contexts, came = integers(rng, V, 3, 2), int(rng.integers(V))
    alike = contexts, torch.tensor([came] * 3)
    yield case(
        "whether a step runs to its end",
        lambda: len(steps(empty, [alike], 1.0)["losses"]),
        1,
        hint="Is a .grad None? Then call loss.backward() before the step. Has a 'str' no attribute "
        "'grad'? A dictionary hands out its names: give sgd_step list(parameters.values()).",
        points=0.5,
    )
    yield case(
        "what kind of thing comes back",
        lambda: kind_of_number(steps(empty, [alike], 0.1)["losses"][0]),
        "a plain number",
        hint="Return the loss as a plain number: loss.item(). The tensor itself would keep all of "
        "torch's notes alive.",
    )
    yield case(
        "all parameters 0, a batch of one: the loss, ln V",
        lambda: steps(empty, [(contexts[:1], alike[1][:1])], 1.0)["losses"],
        [math.log(V)],
        hint="Return the loss as it was before the step. When all logits are 0 it is ln V.",
    )
    yield case(
        "all parameters 0, a batch of three: the loss, ln V",
        lambda: steps(empty, [alike], 1.0)["losses"],
        [math.log(V)],
        hint="The mean over the batch, not the sum.",
    )
    net = random_net(rng, V=6, T=2, C=2, H=4)
    batch = integers(rng, 6, 5, 2), integers(rng, 6, 5)
    yield case(
        "a random net: the loss",
        lambda: steps(net, [batch], 0.5)["losses"],
        steps(net, [batch], 0.5, of=reference)["losses"],
        hint="cross_entropy wants mlp_forward's logits as they are, and the targets: those of the "
        "whole batch.",
    )
    yield case(
        "which of the five tensors have moved",
        lambda: moved(net, steps(net, [batch], 0.5)["parameters"]),
        ["embedding", "W1", "b1", "W2", "b2"],
        hint="Move all five, in place and after loss.backward(): sgd_step with "
        "list(parameters.values()). `tensor - ...` makes a new tensor, also in `parameters[name] = "
        "...`, and the net's own stays as it was.",
    )
    yield case(
        "which way b2 goes, when the same character came three times in three",
        lambda: torch.sign(steps(empty, [alike], 1.0)["parameters"]["b2"]),
        2.0 * (torch.arange(V) == came) - 1,
        hint="Step downhill, against the gradient: minus lr times the gradient. What came must "
        "become more likely.",
    )
    yield case(
        "a random net after one step on a batch of one",
        lambda: tensors(net, [(batch[0][:1], batch[1][:1])], 0.7),
        tensors(net, [(batch[0][:1], batch[1][:1])], 0.7, of=reference),
        hint="Each tensor moves by lr times its gradient, once.",
    )
    yield case(
        "a random net after one step on a batch of five",
        lambda: tensors(net, [batch], 0.5),
        tensors(net, [batch], 0.5, of=reference),
        hint="Each tensor moves by lr times the gradient of the mean loss, not of the sum.",
    )
    batches = [(integers(rng, 6, 4, 2), integers(rng, 6, 4)) for _ in range(4)]
    yield case(
        "the losses of four steps on four batches",
        lambda: steps(net, batches, 0.5)["losses"],
        steps(net, batches, 0.5, of=reference)["losses"],
        hint="Each call must use the gradients of its own batch: torch adds new ones to old ones, "
        "so clear them after the step. sgd_step does.",
    )
    larger = random_net(rng, V=9, T=3, C=4, H=8)
    others = [(integers(rng, 9, 6, 3), integers(rng, 9, 6)) for _ in range(2)]
    yield case(
        "a larger net after two steps",
        lambda: tensors(larger, others, 0.2),
        tensors(larger, others, 0.2, of=reference),
        hint="loss, backward, sgd_step, loss.item()",
        hidden=True,
    )

"""Checks of going downhill: `sgd_step` and `train_bigram`."""

import math
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds

LESSON = "03_gradients"


@probe
def after_step(
    _: dict[str, Any],
    sgd_step: Callable[..., None],
    values: list[torch.Tensor],
    grads: list[torch.Tensor],
    lr: float | torch.Tensor,
) -> list[torch.Tensor]:
    """Return the parameters after a step, as those who hold the tensors see them."""
    parameters = _with_gradients(values, grads)
    with torch.enable_grad():  # which leaves torch's notes as they were before it
        sgd_step(list(parameters), lr)
    return [parameter.detach() for parameter in parameters]


@probe
def notes_afterwards(
    _: dict[str, Any],
    sgd_step: Callable[..., None],
    values: list[torch.Tensor],
    grads: list[torch.Tensor],
    modes: list[bool],
) -> list[bool]:
    """Return whether torch takes notes after a step, where before it did so as `modes` say."""
    left = []
    for before in modes:
        with torch.set_grad_enabled(before):
            sgd_step(_with_gradients(values, grads), 0.1)
            left.append(torch.is_grad_enabled())
    return left


@probe
def gradients_left(
    _: dict[str, Any],
    sgd_step: Callable[..., None],
    values: list[torch.Tensor],
    grads: list[torch.Tensor],
) -> list[float]:
    """Return how large the largest slope of each parameter is after a step; 0 if there is none."""
    parameters = _with_gradients(values, grads)
    with torch.enable_grad():
        sgd_step(list(parameters), 0.1)
    left = [parameter.grad for parameter in parameters]
    return [0.0 if grad is None else grad.abs().max().item() for grad in left]


@probe
def walk(
    _: dict[str, Any], sgd_step: Callable[..., None], start: torch.Tensor, lr: float, steps: int
) -> torch.Tensor:
    """Return where `steps` steps lead from `start`, when the loss is half the sum of squares."""
    parameter = start.clone().requires_grad_()
    with torch.enable_grad():
        for _step in range(steps):
            torch.autograd.backward((parameter**2 / 2).sum())
            sgd_step([parameter], lr)
    return parameter.detach()


def _with_gradients(values: list[torch.Tensor], grads: list[torch.Tensor]) -> list[torch.Tensor]:
    parameters = [value.clone().requires_grad_() for value in values]
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = grad.clone()
    return parameters


@exercise(LESSON, "sgd_step", points=2)
def sgd_step(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def step(values: list[torch.Tensor], grads: list[torch.Tensor], lr: Any) -> Any:
        return student.probe(after_step, student.sgd_step, values, grads, lr)

    value, grad = normal(rng, 4), 0.5 + normal(rng, 4).abs()
    grad *= torch.tensor([1.0, -1.0, 1.0, -1.0])[torch.from_numpy(rng.permutation(4))]

    def unmoved() -> str:
        still = (step([value], [grad], 0.1)[0] == value).nonzero().flatten().tolist()
        return f"those at {still} have not" if still else ""

    yield holds(
        "whether each number of the tensor itself has moved",
        "all four have",
        unmoved,
        hint="Change the tensor itself, in place, with -=, under torch.no_grad(). "
        "`parameter = parameter - ...` makes a new one, and the net's own stays as it was. And use "
        "the gradient before you clear it.",
    )
    yield case(
        "which way each number goes",
        lambda: torch.sign(step([value], [grad], 0.1)[0] - value),
        -torch.sign(grad),
        hint="Step against the gradient, -= and not +=: plus goes uphill.",
    )
    yield case(
        "one parameter, lr = 0.1",
        lambda: step([value], [grad], 0.1),
        [value - 0.1 * grad],
        hint="The step is lr times the gradient.",
    )
    table, slopes = normal(rng, 2, 3), normal(rng, 2, 3)
    yield case(
        "two parameters, lr = 0.5",
        lambda: step([value, table], [grad, slopes], 0.5),
        [value - 0.5 * grad, table - 0.5 * slopes],
        hint="Step with every parameter of the list, each by its own gradient.",
    )
    yield case(
        "the gradients afterwards",
        lambda: student.probe(gradients_left, student.sgd_step, [value, table], [grad, slopes]),
        [0.0, 0.0],
        hint="Torch adds new gradients to old ones. Clear each gradient after the step: "
        "parameter.grad = None.",
    )
    modes = [bool(mode) for mode in rng.permutation([True, True, True, True, False, False])]
    yield case(
        "six steps, some of them under no_grad: whether torch takes notes afterwards",
        lambda: student.probe(notes_afterwards, student.sgd_step, [value], [grad], modes),
        modes,
        hint="As before the call: use `with torch.no_grad():`, which ends by itself. "
        "torch.set_grad_enabled(...) stays.",
    )
    start = 8 * normal(rng, 3)
    yield case(
        "three steps down a bowl, lr = 0.5: an eighth of the way is left",
        lambda: student.probe(walk, student.sgd_step, start, 0.5, 3),
        start / 8,
        hint="After a step the tensor must still require gradients, and its gradient be clear.",
    )
    rates = torch.tensor([[0.1], [2.0]])
    yield case(
        "a learning rate for each row",
        lambda: step([table], [slopes], rates),
        [table - rates * slopes],
        hint="lr may be a tensor that stretches: write lr * parameter.grad, which works for both. "
        "(alpha= of sub_ and add_ takes a single number only.)",
    )
    for which, hidden in (("a parameter", False), ("another parameter", True)):
        stack, more = normal(rng, 2, 2, 3), normal(rng, 2, 2, 3)
        yield case(
            f"{which} of three dimensions, lr = 0.25",
            lambda: step([stack], [more], 0.25),
            [stack - 0.25 * more],
            hint="The step is lr times the gradient.",
            hidden=hidden,
        )


@probe
def kinds_of_results(
    _: dict[str, Any], train_bigram: Callable[..., Any], counts: torch.Tensor, steps: int
) -> list[str]:
    """Return the kinds of the logits and of the losses that `train_bigram` gives."""
    logits, losses = train_bigram(counts, steps, 0.5)
    if not isinstance(logits, torch.Tensor) or not isinstance(losses, list):
        return [type(logits).__name__, type(losses).__name__]
    # numpy's numbers serve as well as Python's.
    plain = all(isinstance(loss, Real) for loss in losses)
    return [
        "noted by torch" if logits.requires_grad else "detached",
        "plain floats" if plain else "tensors",
    ]


@exercise(LESSON, "train_bigram", points=3)
def train_bigram(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(3, 6))
    counts = integers(rng, 9, V, V) + 1.0
    yield case(
        "no steps at all: the kinds of what comes back",
        lambda: [type(part).__name__ for part in student.train_bigram(counts, 0, 1.0)],
        ["Tensor", "list"],
        hint="Return two things, first the logits, then the list of the losses. (An error? With "
        "`steps = 0` the loop makes no loss: use none after it.)",
    )
    yield case(
        "no steps at all: how many losses",
        lambda: len(student.train_bigram(counts, 0, 1.0)[1]),
        0,
        hint="Loss, backward and step come `steps` times, and there is one loss for each step.",
    )
    yield case(
        "no steps at all: the logits",
        lambda: student.train_bigram(counts, 0, 1.0)[0],
        torch.zeros(V, V),
        hint="The logits begin as zeros of shape (V, V), and come back as logits: no softmax.",
    )
    yield case(
        "two steps: the kinds of the logits and of the losses",
        lambda: student.probe(kinds_of_results, student.train_bigram, counts, 2),
        ["detached", "plain floats"],
        hint="logits.detach() at the end, and loss.item() for the list. (An error? The logits need "
        "requires_grad=True; backward comes before the step; and each step needs a new loss, made "
        "inside the loop.)",
    )
    steps = int(rng.integers(3, 8))
    yield case(
        "a few steps: how many losses",
        lambda: len(student.train_bigram(counts, steps, 1.0)[1]),
        steps,
        hint="The list has one loss for each step: append it, in the loop.",
    )
    yield case(
        "one step: the losses",
        lambda: student.train_bigram(counts, 1, 1.0)[1],
        [math.log(V)],
        hint="Note the loss as it was before its step: at first all logits are 0, which gives "
        "ln V.",
    )
    lr = float(rng.integers(2, 9)) / 4
    yield case(
        "one step: the logits",
        lambda: student.train_bigram(counts, 1, lr)[0],
        lr * (counts - counts.mean(dim=1, keepdim=True)) / counts.sum(),
        hint="Each step: the loss on `counts` as they are, loss.backward(), sgd_step([logits], "
        "lr). One step for `steps = 1`, and by `lr`.",
    )
    yield case(
        "a few steps: the losses",
        lambda: student.train_bigram(counts, steps, 2.0)[1],
        reference.train_bigram(counts, steps, 2.0)[1],
        hint="The logits are made once, before the loop, and go on from where they are. And the "
        "gradient is cleared after each step: sgd_step does it.",
    )
    yield case(
        "a few steps: the logits",
        lambda: student.train_bigram(counts, steps, 3.0)[0],
        reference.train_bigram(counts, steps, 3.0)[0],
        hint="Loss, backward, step, and nothing else.",
    )
    yield arguments_stay(
        "the counts afterwards",
        student,
        "train_bigram",
        counts,
        2,
        1.0,
        hint="The caller's counts stay as they were: /= and += change them.",
    )
    rates = (1 + integers(rng, 8, V, 1)).float()
    yield case(
        "a learning rate for each row",
        lambda: student.train_bigram(counts, 3, rates)[0],
        reference.train_bigram(counts, 3, rates)[0],
        hint="Hand lr on to sgd_step as it is.",
    )
    # Every row's slopes shrink at least by 1 - p_min each step, and p_min is 1/11 or more.
    for which, hidden in (("400 steps", False), ("400 steps on other counts", True)):
        rarely = integers(rng, 5, 3, 3) + 1.0
        share = rarely.sum(dim=1, keepdim=True) / rarely.sum()
        yield case(
            f"{which} find the counts again",
            lambda: torch.softmax(student.train_bigram(rarely, 400, 2 / share)[0], dim=1),
            rarely / rarely.sum(dim=1, keepdim=True),
            hint="Each step: loss, backward, step.",
            hidden=hidden,
            atol=1e-3,
        )

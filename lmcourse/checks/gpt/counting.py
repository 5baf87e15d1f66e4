"""The checks of counting a model's parameters."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from torch import nn

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import kind, public_and_hidden
from lmcourse.checks.gpt.parts import NUMBERS, new_model, new_part


@probe
def counted(_: dict[str, Any], count: Callable[[nn.Module], Any], *parts: Any) -> Any:
    """Return what `count` says of a model of these parts, each a kind and its sizes."""
    sort, *sizes = parts[0]
    return count(new_part(sort, sizes) if len(parts) == 1 else new_model(list(parts)))


@probe
def kind_of_count(_: dict[str, Any], count: Callable[[nn.Module], Any]) -> str | None:
    """Return the kind of what `count` says of a linear layer, in a word."""
    return kind(count(nn.Linear(3, 4)))


@exercise("07_gpt", "count_parameters", points=1)
def count_parameters(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(*parts: list[Any]) -> Any:
        return student.probe(counted, student.count_parameters, *parts)

    def sizes(count: int) -> list[int]:
        return [int(size) for size in rng.choice(np.arange(5, 60), count, replace=False)]

    yield case(
        "a linear layer from 3 to 4: 12 weights and 4 biases",
        lambda: ask(["linear", 3, 4]),
        16,
        hint="model.parameters() gives tensors, and parameter.numel() says how many numbers are in "
        "one. Add these up, for matrices and biases.",
    )
    yield case(
        "the kind of what comes back",
        lambda: student.probe(kind_of_count, student.count_parameters),
        "int",
        hint="Return a plain int: .numel() gives one, and the sum of ints is one. A tensor is none "
        "(its .item() is).",
        form=True,
    )
    n = sizes(1)[0]
    asked = (
        (
            "two linear layers",
            ["there and back", *sizes(2)],
            "model.parameters() gives those of all layers, also of layers within layers.",
        ),
        (
            "an embedding and a head that share one matrix",
            ["tied", *sizes(2)],
            "A shared matrix is one matrix: count it once. model.parameters() does that; "
            "state_dict() lists it under both names.",
        ),
        (
            "two norms, whose parameters are alike",
            ["norms", n, n],
            "What has the same shape, or the same numbers, need not be the same parameter. Only "
            "a shared one counts once: model.parameters() sees to that.",
        ),
        (
            "a layer of n channels with 2 n parameters, and 2 n + 1 numbers that are none",
            ["buffers", *sizes(1)],
            "A state_dict() also holds numbers that no training step changes. Count parameters().",
        ),
        (
            "a layer that is frozen",
            ["frozen", *sizes(2)],
            "A frozen parameter is one too, whether it gets a gradient or not (requires_grad).",
        ),
        (
            "two layers of a model without memory, on the device meta",
            ["meta", *sizes(2)],
            "Tell parameters apart as model.parameters() does, not by where their numbers are.",
        ),
        (
            "a layer of half precision",
            ["half", *sizes(2)],
            "Count numbers, and not bytes.",
        ),
        (
            "a parameter of three dimensions, and one of none",
            ["odd", *sizes(3)],
            "A parameter may have any name, not only weight and bias: parameters() gives all. "
            ".numel() is right for any number of dimensions; without any, it is 1.",
        ),
    )
    for name, part, hint in asked:
        sort, *numbers = part
        yield case(name, lambda: ask(part), NUMBERS[str(sort)](*numbers), hint=hint)

    def several() -> Iterator[Case]:
        parts = [[sort, *sizes(2)] for sort in rng.permutation(["linear", "tied", "norms"])]
        yield case(
            "a model of several such parts",
            lambda: ask(*parts),
            sum(NUMBERS[sort](*numbers) for sort, *numbers in parts),
            hint="Add up what all the parameters hold, each parameter once.",
        )

    yield from public_and_hidden(several)

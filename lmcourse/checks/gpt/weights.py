"""GPTs whose weights the judge chose, so that it knows what they must compute."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from grader.checks.case import Rng, normal
from grader.checks.registry import probe
from grader.checks.student import Student

Weights = dict[str, torch.Tensor]

Shape = dict[str, Any]

NEAR: dict[str, Any] = {"rtol": 1e-3, "atol": 1e-4}
"""How near logits must be, whatever the processor."""

SMALL: Shape = {"vocab_size": 11, "context": 8, "layers": 2, "heads": 2, "channels": 12}


def new_gpt(of: Student, weights: Weights | None = None, **shape: Any) -> Any:
    """Return a GPT of `SMALL`, or as `shape` says, with `weights` if they are given."""
    model = of.GPT(of.Config(**(SMALL | shape)))
    if weights is not None:
        of.probe(put_weights, model, as_row(weights), shape)
    return model


@probe
def put_weights(_: dict[str, Any], model: nn.Module, flat: torch.Tensor, shape: Shape) -> None:
    """Load `flat` into a GPT of this shape: its weights in the order of their names, as one row."""
    model.load_state_dict(from_row(flat, shape))


def as_row(weights: Weights) -> torch.Tensor:
    return torch.cat([weights[name].flatten() for name in sorted(weights)])


def from_row(flat: torch.Tensor, shape: Shape) -> Weights:
    shapes = weight_shapes(**sizes_of(SMALL | shape))
    names = sorted(shapes)
    parts = torch.split(flat, [math.prod(shapes[name]) for name in names])
    return {name: part.view(shapes[name]) for name, part in zip(names, parts, strict=True)}


def sizes_of(shape: Shape) -> Shape:
    """Return `shape` without what changes no weight's size."""
    return {key: shape[key] for key in SMALL}


def weight_shapes(
    vocab_size: int, context: int, layers: int, heads: int, channels: int
) -> dict[str, list[int]]:
    C = channels
    block = {
        **{f"{norm}.{part}": [C] for norm in ("norm1", "norm2") for part in ("weight", "bias")},
        **{f"attention.{part}.weight": [C, C] for part in ("query", "key", "value", "project")},
        "feed_forward.expand.weight": [4 * C, C],
        "feed_forward.expand.bias": [4 * C],
        "feed_forward.shrink.weight": [C, 4 * C],
        "feed_forward.shrink.bias": [C],
    }
    shapes = {"token_embedding.weight": [vocab_size, C], "position_embedding.weight": [context, C]}
    shapes |= {f"blocks.{i}.{name}": block[name] for i in range(layers) for name in block}
    return shapes | {"norm.weight": [C], "norm.bias": [C], "head.weight": [vocab_size, C]}


def random_weights(rng: Rng, **shape: Any) -> Weights:
    """Return weights for `new_gpt`, large enough for every part of the model to matter."""
    shapes = weight_shapes(**(SMALL | shape))
    weights = {name: 0.4 * normal(rng, *size) for name, size in shapes.items()}
    return weights | {"head.weight": weights["token_embedding.weight"]}


ONE_DEVICE = "all tensors are on one device"


@contextmanager
def on_another_device(model: Any) -> Iterator[list[str]]:
    """Move the model to the meta device, where no number is computed; note what is not there."""
    model.to("meta")
    found: list[str] = []

    def watch(part: nn.Module, read: str) -> Any:
        def look(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            if inputs[0].device.type != "meta":
                found.append(f"the {read} are on the CPU, the model is not")

        return part.register_forward_pre_hook(look)

    hooks = watch(model.token_embedding, "ids"), watch(model.position_embedding, "positions")
    try:
        yield found
    except RuntimeError as error:
        if "expected device" in str(error):
            found.append("two tensors of one operation are on different devices")
        elif "meta" not in str(error):  # code that wants to see numbers cannot be judged here
            raise
    finally:
        for hook in hooks:
            hook.remove()


def odd_names(names: set[str], wanted: set[str]) -> list[str]:
    """Return in words which names are missing and which are too many: a few of each."""
    missing = [f"{name} is missing" for name in sorted(wanted - names)]
    extra = [f"{name} is too many" for name in sorted(names - wanted)]
    return missing[:2] + extra[:2]


def mode_of(model: nn.Module) -> str:
    """Return in a word in which mode the model and all its parts are."""
    modes = {module.training for module in model.modules()}
    if len(modes) == 2:
        return "some parts in training, others not"
    return "training" if modes == {True} else "evaluation"

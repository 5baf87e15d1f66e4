"""Checks of lesson 07: the whole model, its training, its checkpoints and its writing."""

import inspect
import math
import os
import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

LESSON = "07_gpt"

Weights = dict[str, torch.Tensor]
Shape = dict[str, Any]

NEAR: dict[str, Any] = {"rtol": 1e-3, "atol": 1e-4}
"""How near logits must be, whatever the processor."""

SMALL: Shape = {"vocab_size": 11, "context": 8, "layers": 2, "heads": 2, "channels": 12}


# ---------------------------------------------------------------------------------------- GPT


def _gpt(of: Student, weights: Weights | None = None, **shape: Any) -> Any:
    """Return a GPT of `SMALL`, or as `shape` says, with `weights` if they are given."""
    model = of.GPT(of.Config(**(SMALL | shape)))
    if weights is not None:
        of.probe(put_weights, model, _flat(weights), shape)
    return model


@probe
def put_weights(_: dict[str, Any], model: nn.Module, flat: torch.Tensor, shape: Shape) -> None:
    """Load `flat` into a GPT of this shape: its weights in the order of their names, as one row."""
    model.load_state_dict(_unflatten(flat, shape))


def _flat(weights: Weights) -> torch.Tensor:
    return torch.cat([weights[name].flatten() for name in sorted(weights)])


def _unflatten(flat: torch.Tensor, shape: Shape) -> Weights:
    shapes = _names_and_shapes(**_sizes(SMALL | shape))
    names = sorted(shapes)
    parts = torch.split(flat, [math.prod(shapes[name]) for name in names])
    return {name: part.view(shapes[name]) for name, part in zip(names, parts, strict=True)}


def _sizes(shape: Shape) -> Shape:
    """Return `shape` without what changes no weight's size."""
    return {key: shape[key] for key in SMALL}


def _names_and_shapes(
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


def _weights(rng: Rng, **shape: Any) -> Weights:
    """Return weights for `_gpt`, large enough for every part of the model to matter."""
    shapes = _names_and_shapes(**(SMALL | shape))
    weights = {name: 0.4 * normal(rng, *size) for name, size in shapes.items()}
    return weights | {"head.weight": weights["token_embedding.weight"]}


def _odd_names(names: set[str], wanted: set[str]) -> list[str]:
    """Return in words which names are missing and which are too many: a few of each."""
    missing = [f"{name} is missing" for name in sorted(wanted - names)]
    extra = [f"{name} is too many" for name in sorted(names - wanted)]
    return missing[:2] + extra[:2]


def _odd_shapes(weights: Weights, wanted: dict[str, list[int]]) -> list[str]:
    """Return in words which of the weights have another shape than wanted: a few of them."""
    shapes = {name: list(weight.shape) for name, weight in weights.items()}
    return [f"{name}: {shapes[name]}" for name in shapes if shapes[name] != wanted.get(name)][:3]


@probe
def is_tied(_: dict[str, Any], model: Any) -> bool:
    """Return whether the head's matrix is the token embedding's."""
    return model.head.weight is model.token_embedding.weight


@probe
def size(_: dict[str, Any], model: nn.Module) -> int:
    """Return how many numbers the model has, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


@probe
def leaks(_: dict[str, Any], model: nn.Module, ids: torch.Tensor) -> list[int]:
    """Return the positions whose character changes the logits of an earlier position."""
    before = model(ids)
    found = []
    for t in range(1, ids.shape[1]):
        changed = ids.clone()
        changed[:, t] = (changed[:, t] + 1) % 11
        if not torch.allclose(model(changed)[:, :t], before[:, :t], atol=1e-5):
            found.append(t)
    return found


@probe
def without_gradient(_: dict[str, Any], model: nn.Module, ids: torch.Tensor) -> list[str]:
    """Return the names of the parameters that a training step would not reach: a few of them."""
    loss: Any = F.cross_entropy(model(ids).flatten(0, 1), ids.flatten())
    loss.backward()
    parameters = model.named_parameters()
    return [name for name, p in parameters if p.grad is None or not p.grad.any()][:3]


@probe
def two_calls_agree(_: dict[str, Any], model: nn.Module, ids: torch.Tensor, training: bool) -> bool:
    """Return whether two calls give the same, in training mode or in evaluation mode."""
    model.train(training)
    return torch.equal(model(ids), model(ids))


ONE_DEVICE = "all tensors are on one device"


@contextmanager
def _lookups_elsewhere(model: Any) -> Iterator[list[str]]:
    """Move the model to the meta device, where no number is computed; note what is not there."""
    model.to("meta")
    found: list[str] = []

    def look(embedding: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs[0].device.type != "meta":
            found.append("the places are on the CPU, the model and the ids are not")

    hook = model.position_embedding.register_forward_pre_hook(look)
    try:
        yield found
    except RuntimeError as error:
        if "expected device" in str(error):
            found.append("two tensors of one operation are on different devices")
        elif "meta" not in str(error):  # code that wants to see numbers cannot be judged here
            raise
    finally:
        hook.remove()


@probe
def reads_elsewhere(_: dict[str, Any], model: Any) -> str:
    """Return in words whether the model can read ids that are not on the CPU."""
    with _lookups_elsewhere(model) as found:
        model(torch.zeros(2, 3, dtype=torch.int64, device="meta"))
    return found[0] if found else ONE_DEVICE


@probe
def training_logits(_: dict[str, Any], model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    """Return the logits in training mode."""
    model.train()
    return model(ids)  # type: ignore[no-any-return]


@exercise(LESSON, "GPT", points=4)
def gpt(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    made: list[Any] = []

    def make() -> bool:
        made.append(_gpt(student))
        return True

    yield case(
        "whether GPT(config) can be made: all else waits for that",
        make,
        True,
        hint="In __init__: nn.Embedding takes how many rows, and how long they are: V characters, "
        "`context` places. A Block takes channels, heads and dropout; positional_encoding takes "
        "context and channels, in this order. In initialise: write into the parameters that are "
        "there, with nn.init... or in `with torch.no_grad():`. ('A leaf Variable that requires "
        "grad'? The no_grad is missing. "
        "'Cannot assign ... as parameter'? A plain tensor is no Parameter: "
        "self.position_embedding.weight.copy_(...).)",
    )
    if not made:
        return
    heads = int(rng.integers(1, 4))
    drawn: Shape = {
        "vocab_size": int(rng.integers(20, 60)),
        "context": int(rng.integers(9, 19)),
        "layers": int(rng.integers(2, 4)),
        "heads": heads,
        "channels": 2 * heads * int(rng.integers(2, 4)),
    }
    V, (B, T) = drawn["vocab_size"], rng.integers(2, 8, 2).tolist()
    # The last character of the vocabulary is among them.
    ids = torch.cat([integers(rng, V, B, T - 1), torch.full((B, 1), V - 1)], dim=1)
    yield case(
        "the shape of the logits for ids of shape (B, T), where T is below the context",
        lambda: list(_gpt(student, **drawn)(ids).shape),
        [B, T, V],
        hint="ids (B, T) go in, logits (B, T, V) come out: the token embedding of `ids` plus the "
        "position embedding of 0, 1, ..., T - 1, each block in turn, norm, head. T may be smaller "
        "than the context.",
    )
    shapes = _names_and_shapes(**drawn)
    yield case(
        "names in the state dict that are missing, or too many",
        lambda: _odd_names(set(_gpt(student).state_dict()), set(_names_and_shapes(**SMALL))),
        [],
        hint="The names of the contract are those of the attributes: token_embedding, "
        "position_embedding, blocks, norm, head (with bias=False). Torch does not look into a "
        "plain Python list: put the blocks into an nn.ModuleList. (A buffer of your own needs "
        "persistent=False.)",
    )
    yield case(
        "weights of another shape, for sizes drawn at random",
        lambda: _odd_shapes(_gpt(student, **drawn).state_dict(), shapes),
        [],
        hint="nn.Embedding(how many, channels): V characters, `context` places. The head is a "
        "Linear from channels to V.",
    )
    yield case(
        "whether the head and the token embedding are one matrix",
        lambda: student.probe(is_tied, _gpt(student)),
        True,
        hint="Tie them: self.head.weight = self.token_embedding.weight makes the two names mean "
        "the same parameter. A copy would go its own way in training.",
    )
    numbers = sum(math.prod(size) for name, size in shapes.items() if name != "head.weight")
    yield case(
        "how many numbers there are, the shared ones counted once",
        lambda: student.probe(size, _gpt(student, **drawn)),
        numbers,
        hint="Every block has numbers of its own: [Block(...)] * layers is the same block again "
        "and again. A list comprehension makes new ones.",
    )
    wide: Shape = {
        "vocab_size": int(rng.integers(40, 60)),
        "context": int(rng.integers(10, 30)),
        "layers": int(rng.integers(2, 5)),
        "heads": 4,
        "channels": 4 * int(rng.integers(7, 12)),
    }
    C, layers = wide["channels"], wide["layers"]
    spread = 1 / math.sqrt(C)

    @cache
    def begun() -> Weights:
        return _of_shape(_gpt(student, **wide).state_dict(), wide)

    yield case(
        "the spread of token_embedding, query and expand, times the root of the channels",
        lambda: _spreads(begun(), math.sqrt(C), "token_", "query.w", "expand.w"),
        [1.0, 1.0, 1.0],
        hint="nn.init.normal_(weight, std=1 / math.sqrt(channels)) for every matrix, after all "
        "parts have been made: with torch's own spread of 1, or one that is too small, the model "
        "is far from where it should begin. Only `project` and `shrink` get less, and the places "
        "get clocks.",
        atol=0.15,
    )
    yield case(
        "the spread of project and shrink, times the root of channels * 2 * layers",
        lambda: _spreads(begun(), math.sqrt(C * 2 * layers), "project.w", "shrink.w"),
        [1.0, 1.0],
        hint="These two write into the residual stream, 2 * layers times in all: divide their "
        "standard deviation by the square root of that. Their names end in project.weight and "
        "shrink.weight.",
        atol=0.15,
    )
    yield case(
        "the largest bias at the start",
        lambda: _largest(begun(), "bias"),
        0.0,
        hint="Biases begin at 0 (nn.init.zeros_), those of the feed-forward layers too.",
    )
    yield case(
        "the smallest and the largest weight of the norms at the start",
        lambda: _range_of_norms(begun()),
        [1.0, 1.0],
        hint="The weights of a LayerNorm begin at 1, as torch made them: leave what is no matrix "
        "and no bias alone.",
    )
    yield case(
        "the position embedding at the start",
        lambda: begun()["position_embedding.weight"],
        2 * spread * reference.positional_encoding(wide["context"], C),
        hint="positional_encoding(context, channels), times 2 / sqrt(channels), copied into "
        "position_embedding.weight after everything else has been drawn.",
    )
    weights, drawn_weights = _weights(rng), _weights(rng, **drawn)
    full = integers(rng, 11, 2, 8)
    yield case(
        "the positions that change what comes before them",
        lambda: student.probe(leaks, _gpt(student, weights), full),
        [],
        hint="No position may look ahead. Your Block is causal; in GPT itself, never sum or "
        "average over the positions (dim=1).",
    )
    yield case(
        "a text read alone, and as the last of a batch: how far the logits differ",
        lambda: _moved_by_others(_gpt(student, weights), full),
        0.0,
        hint="Each text of the batch is read by itself: never sum or average over the batch "
        "(dim=0).",
    )
    same = torch.full((1, 4), 3)
    yield case(
        "the same character four times: whether the logits differ from place to place",
        lambda: _rows_differ(_gpt(student, weights)(same)[0]),
        True,
        hint="Without the position embedding the model cannot tell places apart: add "
        "position_embedding(torch.arange(T)) to the token embedding.",
    )
    part = full[:, :5]
    single: Shape = {"layers": 1}
    alone = _weights(rng, **single)
    silent = {
        name: torch.zeros_like(weight) for name, weight in alone.items() if _writes_into(name)
    }
    placeless = {"position_embedding.weight": torch.zeros_like(alone["position_embedding.weight"])}

    def logits(of: Student, weights: Weights, ids: torch.Tensor, **shape: Any) -> torch.Tensor:
        return torch.as_tensor(_gpt(of, weights, **shape)(ids))

    yield case(
        "the logits where the block adds nothing and the positions are 0",
        lambda: logits(student, alone | silent | placeless, part, **single),
        logits(reference, alone | silent | placeless, part, **single),
        hint="head(norm(x)): a last LayerNorm before the head, and no softmax behind it. What it "
        "reads is the token embedding of `ids`.",
        **NEAR,
    )
    yield case(
        "the logits where the block adds nothing: five characters, with a context of 8",
        lambda: logits(student, alone | silent, part, **single),
        logits(reference, alone | silent, part, **single),
        hint="The position embedding of 0, 1, ..., T - 1 is added to the token embedding, once: "
        "the first character stands at place 0, however many come after it, and nothing is scaled.",
        **NEAR,
    )
    yield case(
        "the logits of a model of one block",
        lambda: logits(student, alone, part, **single),
        logits(reference, alone, part, **single),
        hint="The token embedding and the position embedding are added, once, before the blocks; "
        "and each one adds to x by itself: x = block(x).",
        **NEAR,
    )
    yield case(
        "the parameters that no gradient reaches",
        lambda: student.probe(without_gradient, _gpt(student, weights), full),
        [],
        hint="Each part must take part: x = block(x) for every block, each on what the one before "
        "gave; head(norm(x)) at the end; and nothing detached.",
    )
    yield case(
        "the logits of a model of two blocks, five characters",
        lambda: logits(student, weights, part),
        logits(reference, weights, part),
        hint="The blocks come in their order, each on what the one before gave.",
        **NEAR,
    )
    yield case(
        "the logits of a model of two blocks, as many characters as the context",
        lambda: logits(student, weights, full),
        logits(reference, weights, full),
        hint="T may be as large as the context, 8: then the places are 0 to 7.",
        **NEAR,
    )
    yield case(
        "another shape of model, drawn at random",
        lambda: logits(student, drawn_weights, ids, **drawn),
        logits(reference, drawn_weights, ids, **drawn),
        hint="Take every size from the config, and T from the ids.",
        **NEAR,
    )
    yield case(
        "with dropout 0.5, in training: whether two calls give the same",
        lambda: student.probe(two_calls_agree, _gpt(student, weights, dropout=0.5), full, True),
        False,
        hint="Hand config.dropout on to every Block: Block(channels, heads, dropout).",
    )
    yield case(
        "with dropout 0.5, in evaluation: whether two calls give the same",
        lambda: student.probe(two_calls_agree, _gpt(student, weights, dropout=0.5), full, False),
        True,
        hint="Nothing is dropped in evaluation. A dropout of your own must be an nn.Dropout, or "
        "F.dropout(x, p, self.training).",
    )
    yield case(
        "in training, with dropout 0.5, where the block adds nothing: the logits",
        lambda: student.probe(
            training_logits, _gpt(student, alone | silent, **single, dropout=0.5), part
        ),
        logits(reference, alone | silent, part, **single),
        hint="Dropout is inside the blocks, and nowhere else in this model.",
        **NEAR,
    )
    yield case(
        "whether the ids may be on another device",
        lambda: student.probe(reads_elsewhere, _gpt(student, layers=1)),
        ONE_DEVICE,
        hint="A GPU trains this model later, and the ids are there then. What you make in forward "
        "must be there too: torch.arange(T, device=ids.device).",
    )
    other: Shape = {
        "vocab_size": int(rng.integers(12, 60)),
        "context": int(rng.integers(3, 9)),
        "layers": int(rng.integers(3, 6)),
        "heads": 1,
        "channels": 2 * int(rng.integers(7, 12)),
    }
    other_weights = _weights(rng, **other)
    short = integers(rng, 11, 4, 1)
    yield case(
        "another shape of model, one character",
        lambda: logits(student, other_weights, short, **other),
        logits(reference, other_weights, short, **other),
        hint="Take every size from the config, and T from the ids.",
        hidden=True,
        **NEAR,
    )
    yield case(
        "the spread of project and shrink, in that shape",
        lambda: _spreads(
            _of_shape(_gpt(student, **other).state_dict(), other),
            math.sqrt(2 * other["layers"] * other["channels"]),
            "project.w",
            "shrink.w",
        ),
        [1.0, 1.0],
        hint="1 / sqrt(channels), divided by sqrt(2 * layers).",
        atol=0.2,
        hidden=True,
    )


def _writes_into(name: str) -> bool:
    """Return whether this parameter of a block takes part in what it adds to the stream, last."""
    return "project" in name or "shrink" in name


def _of_shape(weights: Weights, shape: Shape) -> Weights:
    """Return `weights`, if they are those of a model of this shape, and none if not."""
    shapes = {name: list(weight.shape) for name, weight in weights.items()}
    return weights if shapes == _names_and_shapes(**_sizes(SMALL | shape)) else {}


def _rows_differ(logits: torch.Tensor) -> bool:
    return bool((logits - logits[:1]).abs().amax(dim=1)[1:].min() > 0.01)


def _moved_by_others(model: Any, ids: torch.Tensor) -> float:
    return float((model(ids.flip(0))[-1:] - model(ids[:1])).abs().max())


def _loss(logits: torch.Tensor, targets: torch.Tensor) -> float:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()


def _spreads(weights: Weights, factor: float, *parts: str) -> list[float]:
    """Return `factor` times the spread of all weights whose name contains each of `parts`."""
    found = [[w.flatten() for name, w in weights.items() if part in name] for part in parts]
    return [factor * torch.cat(part).std().item() for part in found]


def _largest(weights: Weights, ending: str) -> float:
    found = [w.flatten() for name, w in weights.items() if name.endswith(ending)]
    return torch.cat(found).abs().max().item()


def _range_of_norms(weights: Weights) -> list[float]:
    norms = torch.cat([w for name, w in weights.items() if "norm" in name and "weight" in name])
    return [norms.min().item(), norms.max().item()]


# --------------------------------------------------------------------------- count_parameters


def _part(kind: str, sizes: Any) -> nn.Module:
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
    if kind == "frozen":
        return nn.Linear(*sizes).requires_grad_(False)
    return nn.ParameterList([torch.ones(sizes), torch.ones(())])  # a block of numbers, and one


def _model(parts: list[list[Any]]) -> nn.Module:
    """Return a model of these parts, each a kind and its sizes."""
    named = {f"{kind}{i}": _part(kind, sizes) for i, (kind, *sizes) in enumerate(parts)}
    return nn.ModuleDict(named)


_NUMBERS: dict[str, Callable[..., int]] = {
    "linear": lambda n, m: n * m + m,
    "there and back": lambda n, m: 2 * n * m + n + m,
    "tied": lambda n, m: n * m,
    "norms": lambda n, m: 2 * n + 2 * m,
    "buffers": lambda n: 2 * n,
    "frozen": lambda n, m: n * m + m,
    "odd": lambda n, m, k: n * m * k + 1,
}
"""How many numbers a piece of each kind has to learn."""


@probe
def counted(_: dict[str, Any], count: Callable[[nn.Module], Any], *parts: Any) -> Any:
    """Return what `count` says of a model of these parts, each a kind and its sizes."""
    kind, *sizes = parts[0]
    return count(_part(kind, sizes) if len(parts) == 1 else _model(list(parts)))


@probe
def kind_of_count(_: dict[str, Any], count: Callable[[nn.Module], Any]) -> str:
    """Return the type of what `count` says of a linear layer, in a word."""
    came = count(nn.Linear(3, 4))
    whole = isinstance(came, (int, np.integer)) and not isinstance(came, bool)
    return "int" if whole else type(came).__name__


@exercise(LESSON, "count_parameters", points=1)
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
            "a parameter of three dimensions, and one of none",
            ["odd", *sizes(3)],
            ".numel() is right for any number of dimensions; without any, it is 1.",
        ),
    )
    for name, part, hint in asked:
        kind, *numbers = part
        yield case(name, lambda: ask(part), _NUMBERS[str(kind)](*numbers), hint=hint)
    for hidden in (False, True):
        parts = [[kind, *sizes(2)] for kind in rng.permutation(["linear", "tied", "norms"])]
        yield case(
            f"a model of several such parts{', another one' * hidden}",
            lambda: ask(*parts),
            sum(_NUMBERS[kind](*numbers) for kind, *numbers in parts),
            hint="Add up what all the parameters hold, each parameter once.",
            hidden=hidden,
        )


# ------------------------------------------------------------------------------- sample_token


@probe
def drawn(
    _: dict[str, Any],
    sample: Callable[..., int],
    logits: torch.Tensor,
    times: int,
    choice: dict[str, float],
) -> torch.Tensor:
    """Return how often each place came in `times` draws: (V,) shares that sum to one."""
    places = [sample(logits.clone(), **choice) for _ in range(times)]
    return torch.bincount(torch.tensor(places), minlength=len(logits)) / times


@probe
def kind_of_place(_: dict[str, Any], sample: Callable[..., int], logits: torch.Tensor) -> str:
    """Return the type of a draw, in a word."""
    place = sample(logits)
    whole = isinstance(place, (int, np.integer)) and not isinstance(place, bool)
    return "int" if whole else type(place).__name__


@probe
def drawn_again(
    _: dict[str, Any], sample: Callable[..., int], logits: torch.Tensor, seed: int
) -> list[list[int]]:
    """Return 40 draws, and 40 more after the same `torch.manual_seed`."""
    runs = []
    with torch.random.fork_rng(devices=[]):
        for _run in range(2):
            torch.default_generator.manual_seed(seed)
            runs.append([int(sample(logits.clone())) for _ in range(40)])
    return runs


@probe
def logits_afterwards(
    _: dict[str, Any],
    sample: Callable[..., int],
    logits: torch.Tensor,
    choices: list[dict[str, float]],
) -> list[torch.Tensor]:
    """Return what is left of `logits` after a draw, for each choice."""
    left = []
    for choice in choices:
        own = logits.clone()
        sample(own, **choice)
        left.append(own)
    return left


@exercise(LESSON, "sample_token", points=3)
def sample_token(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def shares(logits: torch.Tensor, times: int, **choice: float) -> torch.Tensor:
        came: torch.Tensor = student.probe(drawn, student.sample_token, logits, times, choice)
        return came

    def odd(probs: list[float], want: list[float], times: int, **choice: float) -> list[str]:
        return _odd_shares(shares(_logits(probs), times, **choice), want, times)

    def kept(logits: torch.Tensor, times: int, **choice: float) -> list[int]:
        # What may come is missing in all draws less than once in 10^9 tries: in 80 draws if its
        # probability is above 0.23, and in 40 if nothing else may come.
        return shares(logits, times, **choice).nonzero().flatten().tolist()

    def mixed(probs: list[float], *more: list[float]) -> list[list[float]]:
        """Return the lists in one new order, with the first number at another place than 0."""
        order = np.insert(rng.permutation(len(probs) - 1) + 1, int(rng.integers(1, len(probs))), 0)
        return [[row[i] for i in order] for row in (probs, *more)]

    yield case(
        "only one character to choose from",
        lambda: student.sample_token(torch.tensor([0.3])),
        0,
        hint="The result is a plain int, a place from 0 to V - 1: .item() makes one of a tensor.",
    )
    yield case(
        "the kind of what comes back",
        lambda: student.probe(kind_of_place, student.sample_token, normal(rng, 4)),
        "int",
        hint="The result is a plain int: .item() makes one of a tensor.",
    )
    (certain,) = mixed([1.0, *[1e-20] * 8])
    yield case(
        "which places come in 20 draws, where one has nearly all the probability",
        lambda: kept(_logits(certain), 20),
        [certain.index(1.0)],
        hint="logits become probabilities by softmax, once. What has no probability never comes: "
        "add nothing to the probabilities. (If you sort, place j of the sorted ones is not place j "
        "of the logits: look it up.)",
    )
    alike = sorted(rng.choice(30, 4, replace=False).tolist())
    four = _logits([0.25 if place in alike else 1e-20 for place in range(30)])
    yield case(
        "which places come in 80 draws, where four are equally likely",
        lambda: kept(four, 80),
        alike,
        hint="Let chance choose, anew in each call: torch.multinomial draws from probabilities. "
        "No argmax, which always takes the same one, and no seed inside.",
    )
    (sure,) = mixed([0.9, *[0.01] * 10])
    yield case(
        "400 draws, one of 90 and ten of 1 per cent: what comes far too often or too rarely",
        lambda: odd(sure, sure, 400),
        [],
        hint="Each place must come as often as its probability says, the rare ones too: logits "
        "become probabilities by softmax. Leave nothing out, and round nothing.",
    )
    seed = int(rng.integers(10_000))
    yield case(
        "whether the same draws come again after the same torch.manual_seed",
        lambda: len({*map(tuple, student.probe(drawn_again, student.sample_token, four, seed))}),
        1,
        hint="Draw with torch's own generator (torch.multinomial, torch.rand), so that "
        "torch.manual_seed makes the text come again. Python's random and numpy have others.",
    )
    plain, cold = mixed([0.5, 0.3, 0.2], _powered([0.5, 0.3, 0.2], 5))
    yield case(
        "300 draws at temperature 0.2: 50, 30 and 20 per cent become 92, 7 and 1",
        lambda: odd(plain, cold, 300, temperature=0.2),
        [],
        hint="Divide the logits by the temperature, before the softmax. A temperature below 1 "
        "makes the likely ones still likelier. (Multiplied, it does the opposite; on "
        "probabilities, it does something else.)",
    )
    six = [0.28, 0.24, 0.2, 0.14, 0.1, 0.04]
    unsure = [mixed(six)[0] for _ in range(3)]
    likeliest = [[probs.index(prob) for prob in six] for probs in unsure]
    yield case(
        "top_k = 1, in three places of a text: only the most likely one",
        lambda: [kept(_logits(probs), 15, top_k=1) for probs in unsure],
        [places[:1] for places in likeliest],
        hint="top_k = 1 leaves one place, the most likely: with it, every draw gives the argmax. "
        "After a sort, place j of the sorted ones is not place j of the logits: look it up. What "
        "is left out gets probability 0, which is a logit of minus infinity and not of 0.",
    )
    yield case(
        "top_k = 3, in two places: the three most likely",
        lambda: [kept(_logits(probs), 80, top_k=3) for probs in unsure[:2]],
        [sorted(places[:3]) for places in likeliest[:2]],
        hint="top_k counts how many stay: exactly k, not k - 1 and not k + 1.",
    )
    steep, two = mixed([0.8, 0.1, 0.06, 0.04], [8 / 9, 1 / 9, 0.0, 0.0])
    yield case(
        "200 draws with top_k = 2 of 80, 10, 6 and 4 per cent: 89 and 11 per cent are left",
        lambda: odd(steep, two, 200, top_k=2),
        [],
        hint="What stays keeps its proportions: 80 to 10. Draw from the probabilities of those "
        "that are left.",
    )
    yield case(
        "top_k = 50, of three",
        lambda: kept(_logits([0.4, 0.3, 0.3]), 80, top_k=50),
        [0, 1, 2],
        hint="A top_k above V leaves everything. torch.topk wants at most V: min(top_k, V).",
    )
    yield case(
        "top_k = 2, where four are equally likely: what is wrong with those that come",
        lambda: _odd_among(kept(four, 80, top_k=2), alike),
        [],
        hint="At least top_k stay, also where logits are equal: to leave only what is ABOVE some "
        "logit may leave fewer. (All the equal ones may stay.)",
    )
    yield case(
        "top_p = 0.2, in three places: always at least one",
        lambda: [kept(_logits(probs), 20, top_p=0.2) for probs in unsure],
        [places[:1] for places in likeliest],
        hint="The most likely one stays, even if it alone has more than top_p. Leave out a place "
        "if the mass of those BEFORE it has reached top_p: before the first there is 0.",
    )
    yield case(
        "top_p = 0.6, in two places: 28 + 24 + 20 per cent are the first to reach it",
        lambda: [kept(_logits(probs), 80, top_p=0.6) for probs in unsure[:2]],
        [sorted(places[:3]) for places in likeliest[:2]],
        hint="The one with which the sum reaches top_p stays too: 28 + 24 is not yet 60 per cent. "
        "Keep the smallest set whose mass is at least top_p.",
    )
    yield case(
        "top_p = 0.4, where four are equally likely: what is wrong with those that come",
        lambda: _odd_among(kept(four, 80, top_p=0.4), alike),
        [],
        hint="25 per cent are not yet 40, so at least two stay, also where logits are equal. (All "
        "the equal ones may stay.)",
    )
    yield case(
        "top_k = 3 and top_p = 0.75 of 40, 30, 20 and 10 per cent",
        lambda: kept(_logits([0.4, 0.3, 0.2, 0.1]), 80, top_k=3, top_p=0.75),
        [0, 1],
        hint="top_k first. What it leaves is scaled to a sum of 1 (40 + 30 of 90 per cent are 78 "
        "per cent), and top_p looks at that.",
    )
    yield case(
        "temperature 0.5 and top_p = 0.6 of 50, 35 and 15 per cent",
        lambda: kept(_logits([0.5, 0.35, 0.15]), 60, temperature=0.5, top_p=0.6),
        [0],
        hint="The temperature comes first: top_p looks at the probabilities that it made.",
    )
    yield case(
        "200 draws with top_p = 0.85 of 80, 10, 6 and 4 per cent: 89 and 11 per cent are left",
        lambda: odd(steep, two, 200, top_p=0.85),
        [],
        hint="What top_p leaves keeps its proportions, too: 80 to 10. Draw from the probabilities "
        "of those that are left.",
    )
    some = normal(rng, 6)
    choices: list[dict[str, float]] = [{"temperature": 0.5}, {}, {"top_k": 3}, {"top_p": 0.6}]
    choices.append({"temperature": 0.5, "top_k": 3, "top_p": 0.7})
    yield case(
        "the logits afterwards: as they were, with any choice",
        lambda: student.probe(logits_afterwards, student.sample_token, some, choices),
        [some] * len(choices),
        hint="logits /= temperature, or logits[...] = -inf, change the caller's own tensor: work "
        "on a new one, also where the temperature is 1 and nothing is divided.",
    )
    for hidden in (False, True):
        wild = [normal(rng, 9) for _ in range(3)]
        ways: list[dict[str, float]] = [
            {"temperature": float(rng.uniform(0.5, 2)), "top_k": int(rng.integers(2, 6))},
            {"top_k": int(rng.integers(3, 8)), "top_p": float(rng.uniform(0.3, 0.9))},
            {"temperature": float(rng.uniform(0.5, 2)), "top_p": float(rng.uniform(0.3, 0.9))},
        ]

        def together(
            wild: list[torch.Tensor] = wild, ways: list[dict[str, float]] = ways
        ) -> list[str]:
            pairs = zip(wild, ways, strict=True)
            return [
                word
                for logits, way in pairs
                for word in _odd_shares(shares(logits, 100, **way), _left(logits, **way), 100)
            ]

        yield case(
            f"two of the three choices together{', others' * hidden}: what comes far too often or "
            "too rarely",
            together,
            [],
            hint="Temperature, softmax, top_k, then top_p of what top_k left; and the draw.",
            hidden=hidden,
        )


def _logits(probs: list[float]) -> torch.Tensor:
    # The same number on every logit changes no probability.
    return torch.tensor(probs).log() + 1.5


def _powered(probs: list[float], power: float) -> list[float]:
    """Return these probabilities to some power, scaled to a sum of 1."""
    powers = [p**power if p else 0.0 for p in probs]
    return [p / sum(powers) for p in powers]


def _odd_shares(shares: torch.Tensor, probs: list[float], times: int) -> list[str]:
    """Return in words which places came far too often or too rarely: a few of them.

    After n draws the share of a place of probability p is s, or further away from p, with a chance
    of at most exp(-n KL(s, p)) (Chernoff's bound). What is named here comes less than once in 10^11
    tries.
    """
    found = []
    for place, share in enumerate(shares.tolist()):
        p = probs[place] if place < len(probs) else 0.0
        if times * _divergence(share, p) > 26:
            found.append(f"place {place}: {share:.0%}, not about {p:.0%}")
    return found[:3]


def _divergence(share: float, p: float) -> float:
    """Return KL(share, p) of two coins in nats."""
    pairs = ((share, p), (1 - share, 1 - p))
    if any(s > 0 and not q > 0 for s, q in pairs):
        return math.inf
    return sum(s * math.log(s / q) for s, q in pairs if s > 0)


def _odd_among(came: list[int], alike: list[int]) -> list[str]:
    """Say what is wrong if not two or more of those that are `alike` came, and no others."""
    found = [f"place {place} is not one of the likeliest" for place in came if place not in alike]
    return found[:3] or ["only one of the four came"] * (len(came) < 2)


def _left(
    logits: torch.Tensor, temperature: float = 1.0, top_k: float = 9, top_p: float = 1.0
) -> list[float]:
    """Return with what probability each place is drawn, worked out one by one."""
    probs = (logits.double() / temperature).softmax(dim=0).tolist()
    order = sorted(range(len(probs)), key=lambda place: -probs[place])[: int(top_k)]
    whole = sum(probs[place] for place in order)
    left, mass = [0.0] * len(probs), 0.0
    for place in order:
        if mass < top_p * whole:
            left[place] = probs[place]
        mass += probs[place]
    return [prob / sum(left) for prob in left]


# ------------------------------------------------------------------------ configure_optimizer


STRANGER = "a tensor that is no parameter of the model"


@probe
def configured(
    _: dict[str, Any], configure: Callable[..., Any], parts: list[list[Any]], *args: float
) -> dict[str, Any]:
    """Return what kind of optimizer this is for a model of these parts, and what it holds.

    That is for each parameter the decay, the learning rate and the betas, once for each group that
    holds it.
    """
    model = _model(parts)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    optimizer = configure(model, *args)
    held: dict[str, list[list[float]]] = {name: [] for name in names.values()}
    for group in optimizer.param_groups:
        settings = [float(x) for x in (group["weight_decay"], group["lr"], *group["betas"])]
        for parameter in group["params"]:
            held.setdefault(names.get(id(parameter), STRANGER), []).append(settings)
    adamw = isinstance(optimizer, torch.optim.AdamW)
    return {"kind": "AdamW" if adamw else type(optimizer).__name__, "held": held}


@probe
def stepped(
    _: dict[str, Any],
    configure: Callable[..., Any],
    weight: torch.Tensor,
    bias: torch.Tensor,
    gradients: list[torch.Tensor],
    *args: float,
) -> list[torch.Tensor]:
    """Return weight and bias after one step along each of `gradients`."""
    layer = nn.Linear(*weight.shape[::-1])
    layer.load_state_dict({"weight": weight, "bias": bias})
    optimizer = configure(layer, *args)
    for gradient in gradients:
        layer.weight.grad, layer.bias.grad = gradient.clone(), gradient[:, 0].clone()
        optimizer.step()
    return [layer.weight, layer.bias]


@exercise(LESSON, "configure_optimizer", points=2)
def configure_optimizer(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    kinds = ["linear", "tied", "norms", "odd"]
    kinds = [*kinds, *rng.choice(kinds, int(rng.integers(1, 6))).tolist()]
    sizes = {"odd": 3}
    parts = [
        [kind, *rng.integers(2, 6, sizes.get(kind, 2)).tolist()] for kind in rng.permutation(kinds)
    ]
    dims = {name: parameter.dim() for name, parameter in _model(parts).named_parameters()}
    lr, decay = (round(float(rng.uniform(0.02, 0.5)), 3) for _ in range(2))

    def ask(key: str, *args: float) -> Any:
        return student.probe(configured, student.configure_optimizer, parts, *args)[key]

    def settings(number: int, *args: float) -> list[float]:
        """Return what there is of one setting in all groups, and of the decay what is not 0."""
        held = ask("held", *args)
        found = {each[number] for name in held for each in held[name]}
        return sorted(found - {0.0} if number == 0 else found)

    yield case(
        "the kind of optimizer",
        lambda: ask("kind", 0.01, 0.3),
        "AdamW",
        hint="torch.optim.AdamW. Adam with weight_decay is another method: there the decay goes "
        "through the moments.",
    )
    yield case(
        "parameters that it does not hold, or holds twice, and tensors that are none",
        lambda: _not_once(ask("held", lr, decay), dims),
        [],
        hint="Every parameter belongs to one of two groups. model.parameters() gives a shared one "
        "once; that leaves nothing out and nothing twice. What state_dict() gives are no "
        "parameters: they never get a gradient.",
    )
    yield case(
        "parameters that decay and should not, or should and do not",
        lambda: _wrongly_decayed(ask("held", lr, decay), dims),
        [],
        hint="Only matrices decay: parameters with 2 or more dimensions (parameter.dim()), "
        "embeddings too. Biases and the weights of norms have one dimension and do not, whatever "
        "their name.",
    )
    yield case(
        "by how much",
        lambda: settings(0, lr, decay),
        [decay],
        hint="The group of the matrices gets weight_decay as it was asked for, the other one 0.0.",
    )
    yield case(
        "by how much, if nothing is said",
        lambda: settings(0, 0.01),
        [0.1],
        hint="Keep the signature: configure_optimizer(model, lr, weight_decay=0.1). A group that "
        "names no weight_decay gets AdamW's own, 0.01.",
    )
    yield case(
        "the learning rate of the groups",
        lambda: settings(1, lr, decay),
        [lr],
        hint="Hand `lr` on to AdamW: it holds for every group.",
    )
    yield case(
        "the betas",
        lambda: [settings(2, lr, decay), settings(3, lr, decay)],
        [[0.9], [0.99]],
        hint="betas=(0.9, 0.99), for every group. AdamW's own second one is 0.999.",
    )
    for hidden in (False, True):
        weight, bias = normal(rng, 3, 2), normal(rng, 3)
        gradients = [normal(rng, 3, 2) for _ in range(3)]
        slopes = [gradient[:, 0] for gradient in gradients]
        asked = weight, bias, gradients, lr, decay
        yield case(
            f"three steps along given gradients{', others' * hidden}",
            lambda: student.probe(stepped, student.configure_optimizer, *asked),
            [_adamw(weight, gradients, lr, decay), _adamw(bias, slopes, lr, 0.0)],
            hint="The steps are AdamW's as it is: set the learning rate, the decay and the betas, "
            "and leave all else (eps, amsgrad, maximize) as torch has it.",
            hidden=hidden,
        )


def _not_once(held: dict[str, Any], dims: dict[str, int]) -> list[str]:
    wanted = dict.fromkeys(dims, 1)
    counts = {name: len(held.get(name, [])) for name in [*held, *wanted]}
    strangers = [name for name in counts if name not in wanted]
    return (
        strangers[:1] + [f"{name}: {counts[name]} times" for name in dims if counts[name] != 1][:3]
    )


def _wrongly_decayed(held: dict[str, Any], dims: dict[str, int]) -> list[str]:
    wrong = []
    for name, number in dims.items():
        decays = any(each[0] != 0 for each in held.get(name, []))
        if decays != (number >= 2):
            wrong.append(f"{name} should {'not' if decays else 'decay'}")
    return wrong[:3]


def _adamw(
    start: torch.Tensor, gradients: list[torch.Tensor], lr: float, decay: float
) -> torch.Tensor:
    """AdamW as in its paper (Loshchilov and Hutter, 2019), in double precision."""
    value = start.double()
    mean, square = torch.zeros_like(value), torch.zeros_like(value)
    for n, gradient in enumerate(gradients, 1):
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        direction = mean / (1 - 0.9**n) / ((square / (1 - 0.99**n)).sqrt() + 1e-8)
        value = value - lr * (direction + decay * value)
    return value


# ----------------------------------------------------------------------------- clip_gradients


@probe
def clipped(
    _: dict[str, Any],
    clip: Callable[..., Any],
    gradients: list[torch.Tensor | None],
    *args: float,
) -> dict[str, Any]:
    """Return the norm that `clip` gives, and the gradients and parameters that it leaves.

    The parameters are twice their gradients before.
    """
    parameters = []
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros(3) if gradient is None else 2 * gradient)
        parameter.grad = None if gradient is None else gradient.clone()
        parameters.append(parameter)
    norm = clip(iter(parameters), *args)
    return {
        "norm": norm,
        "kind": "float" if isinstance(norm, float) else type(norm).__name__,
        "gradients": [parameter.grad for parameter in parameters],
        "parameters": parameters,
    }


@exercise(LESSON, "clip_gradients", points=2)
def clip_gradients(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(key: str, gradients: list[list[float] | None], *args: float) -> Any:
        sent = [None if gradient is None else torch.tensor(gradient) for gradient in gradients]
        answer = student.probe(clipped, student.clip_gradients, sent, *args)[key]
        return torch.cat([part.flatten() for part in answer]) if key == "gradients" else answer

    yield case(
        "the norm of the gradients [3, 0] and [4]",
        lambda: ask("norm", [[3.0, 0.0], [4.0]], 10.0),
        5.0,
        hint="One length for all parameters together: the square root of the sum of all squares, "
        "sqrt(9 + 0 + 16). Return the length that they had before anything was shortened.",
    )
    yield case(
        "the kind of what it returns",
        lambda: ask("kind", [[3.0, 0.0], [4.0]], 10.0),
        "float",
        hint="Return a plain number: float(...), or .item(), makes one of a tensor.",
    )
    yield case(
        "below the limit: the gradients in one row",
        lambda: ask("gradients", [[3.0, 0.0], [4.0]], 10.0),
        torch.tensor([3.0, 0.0, 4.0]),
        hint="Gradients shorter than the limit stay as they are: never make them longer.",
    )
    yield case(
        "above the limit: length 5, limit 1",
        lambda: ask("gradients", [[3.0, 0.0], [4.0]], 1.0),
        torch.tensor([0.6, 0.0, 0.8]),
        hint="Multiply all gradients by the same limit / norm, in place (grad *= ...). Then the "
        "length is the limit and the direction is kept. Shortening each parameter on its own, "
        "or each number, turns the direction. And `parameters` may be gone through only once: "
        "make a list of it first.",
    )
    yield case(
        "the norm that it returns when it shortens",
        lambda: ask("norm", [[3.0, 0.0], [4.0]], 1.0),
        5.0,
        hint="Return the length before the shortening: it tells how wild the step would have been.",
    )
    yield case(
        "all gradients zero",
        lambda: ask("gradients", [[0.0, 0.0], [0.0]], 1.0),
        torch.zeros(3),
        hint="With a length of 0, limit / norm is no number. Shorten only `if norm > limit`.",
    )
    yield case(
        "a parameter without a gradient",
        lambda: ask("norm", [[3.0], None, [4.0]], 1.0),
        5.0,
        hint="A parameter that took no part in the loss has grad None: pass over it.",
    )
    yield case(
        "a loss that was made 8 times larger: the norm",
        lambda: ask("norm", [[24.0, 0.0], [32.0]], 10.0, 8.0),
        5.0,
        hint="Divide the gradients by `scale` before anything else: the true length is 40 / 8.",
    )
    yield case(
        "the same: the gradients, limit 10",
        lambda: ask("gradients", [[24.0, 0.0], [32.0]], 10.0, 8.0),
        torch.tensor([3.0, 0.0, 4.0]),
        hint="Unscale first, then clip. The true length is 5, below the limit of 10, so nothing is "
        "shortened; clipping before unscaling would compare 40 with 10.",
    )
    for hidden in (False, True):
        word = ", others" * hidden
        gradients: list[torch.Tensor | None] = [
            normal(rng, *rng.integers(1, 6, dims).tolist()) for dims in (2, 1, 3)
        ]
        gradients.insert(int(rng.integers(1, 3)), None)
        long, short = (float(rng.uniform(low, low + 0.2)) for low in (100, 0.1))
        ways = (
            ("their length", "norm", (long,), "One length for all, whatever their shapes."),
            (
                "shorter than the limit",
                "gradients",
                (long,),
                "What is shorter than the limit stays as it is.",
            ),
            (
                "longer than the limit",
                "gradients",
                (short,),
                "All of them times limit / length; one without a gradient is passed over, and what "
                "comes after it is not.",
            ),
            (
                "longer than the limit, scaled by 4",
                "gradients",
                (short, 4.0),
                "Unscale, measure, shorten.",
            ),
            (
                "the parameters themselves",
                "parameters",
                (short, 4.0),
                "Only the gradients change, parameter.grad: the parameters stay as they are.",
            ),
        )
        for name, key, args, hint in ways:
            yield case(
                f"gradients at random{word}: {name}",
                lambda: student.probe(clipped, student.clip_gradients, gradients, *args)[key],
                reference.probe(clipped, reference.clip_gradients, gradients, *args)[key],
                hint=hint,
                hidden=hidden,
            )


# -------------------------------------------------------------------------------------- train


class _Pairs(nn.Module):
    """A bigram as a model: the logits after a character are its row of a table."""

    def __init__(self, table: torch.Tensor, context: int) -> None:
        super().__init__()
        self.table = nn.Parameter(table.clone())
        self.config = SimpleNamespace(context=context)
        self.seen: list[torch.Tensor] = []
        self.modes: set[bool] = set()

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        self.seen.append(ids.clone())
        self.modes.add(self.training)
        return self.table[ids]


class _Watched(torch.optim.SGD):
    """Plain gradient descent that remembers for each step the rate of each group and the inputs."""

    def __init__(self, model: _Pairs) -> None:
        idle = nn.Parameter(torch.zeros(1))
        # Their own rates are useless: train must set those of the schedule.
        super().__init__([{"params": [model.table], "lr": 0.0}, {"params": [idle], "lr": 0.0}])
        self.model = model
        self.rates: list[list[float]] = []
        self.batches: list[list[torch.Tensor]] = []

    def step(self, closure: Any = None) -> Any:
        """Let `closure` compute the gradients if there is one; note what there is, and step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.rates.append([float(group["lr"]) for group in self.param_groups])
        self.batches.append(self.model.seen)
        self.model.seen = []
        super().step()
        return loss


@probe
def bigram(_: dict[str, Any], table: torch.Tensor, context: int) -> _Pairs:
    """Return a bigram that can be trained like a GPT."""
    return _Pairs(table, context)


@probe
def watched_sgd(_: dict[str, Any], model: _Pairs) -> torch.optim.Optimizer:
    """Return plain gradient descent that remembers its rates."""
    return _Watched(model)


@probe
def adamw(_: dict[str, Any], model: _Pairs) -> torch.optim.Optimizer:
    """Return an AdamW whose rate must be set by others."""
    return torch.optim.AdamW(model.parameters(), lr=0.0)


@probe
def trained(
    _: dict[str, Any],
    train: Callable[..., Any],
    model: _Pairs,
    optimizer: Any,
    ids: torch.Tensor,
    setup: dict[str, Any],
) -> dict[str, Any]:
    """Train a small model and return all that can be seen of it."""
    model.eval()
    losses = train(model, optimizer, ids, **setup)
    kinds = {type(loss) for loss in losses} if isinstance(losses, list) else set()
    return {
        "kind": type(losses).__name__,
        "losses": losses,
        "kinds": sorted("float" if issubclass(kind, float) else kind.__name__ for kind in kinds),
        "table": model.table,
        "rates": getattr(optimizer, "rates", []),
        # What was read since the last step; all of it, call by call, if there was no step.
        "batches": [*getattr(optimizer, "batches", []), *([seen] for seen in model.seen)],
        "modes": sorted(model.modes),
    }


@probe
def reported(
    _: dict[str, Any],
    train: Callable[..., Any],
    model: _Pairs,
    optimizer: Any,
    ids: torch.Tensor,
    setup: dict[str, Any],
    stop: int = -1,
    error: str = "",
) -> dict[str, Any]:
    """Return what `on_step` is told, and what it sees; it raises `error` in step `stop`."""
    told: list[tuple[int, float]] = []
    tables: list[torch.Tensor] = []
    errors = {"KeyboardInterrupt": KeyboardInterrupt, "ArithmeticError": ArithmeticError}

    def on_step(step: int, loss: Any) -> None:
        told.append((step, float(loss.detach() if isinstance(loss, torch.Tensor) else loss)))
        tables.append(model.table.detach().clone())
        if step == stop:
            raise errors[error]

    came = "nothing"
    try:
        train(model, optimizer, ids, on_step=on_step, **setup)
    except tuple(errors.values()) as raised:
        came = type(raised).__name__
    return {
        "steps": [step for step, _ in told],
        "losses": [loss for _, loss in told],
        "tables": tables,
        "came": came,
    }


@exercise(LESSON, "train", points=4)
def train(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V, T = int(rng.integers(20, 30)), int(rng.integers(3, 7))
    table = normal(rng, V, V)
    # A text of context + 1 characters has one window only, so nothing is left to chance.
    single = torch.from_numpy(rng.permutation(V)[: T + 1])
    # Each character comes once, so that its successor is known.
    text = torch.from_numpy(rng.permutation(V))
    plain = {
        "steps": int(rng.integers(4, 9)),
        "batch": int(rng.integers(2, 8)),
        "peak": float(rng.uniform(0.5, 1.5)),
        "warmup": int(rng.integers(1, 4)),
        "clip": 1000.0,
    }
    steps, warmup = int(plain["steps"]), int(plain["warmup"])

    def run(
        of: Student,
        setup: dict[str, Any],
        table: torch.Tensor = table,
        ids: torch.Tensor = single,
        kind: Callable[..., Any] = watched_sgd,
    ) -> dict[str, Any]:
        model = of.probe(bigram, table, T)
        optimizer = of.probe(kind, model)
        return dict(of.probe(trained, of.train, model, optimizer, ids, setup))

    def ask(key: str, kind: Callable[..., Any] = watched_sgd, **setup: Any) -> Any:
        return run(student, plain | setup, kind=kind)[key]

    yield case(
        "the kind of what comes back",
        lambda: ask("kind"),
        "list",
        hint="Return a list with the loss of each step, when all is done: not the last loss alone, "
        "and no `yield`. (An error from cross_entropy? It wants (B * T, V) and (B * T,): flatten "
        "both.)",
    )
    yield case(
        "how many windows the model reads in each step, and how long they are",
        lambda: [_size_of_batch(batch) for batch in ask("batches") if batch],
        [[plain["batch"], T]] * steps,
        hint="In each step one batch: get_batch(ids, batch, model.config.context) gives x and y, "
        "and the model reads each window of x once. Without `start`, the steps are 0, 1, ..., "
        "steps - 1.",
    )
    yield case(
        "how many losses come back",
        lambda: len(ask("losses")),
        steps,
        hint="Return a list with the loss of each step.",
    )
    yield case(
        "the kind of the losses",
        lambda: ask("kinds"),
        ["float"],
        hint="loss.item() is a plain float. A tensor would keep alive all that was needed to "
        "compute it, step for step.",
    )
    yield case(
        "the first loss of a model that knows nothing: ln V, whatever comes",
        lambda: run(student, plain, 0 * table)["losses"][0],
        math.log(V),
        hint="The loss is the mean over all B * T places, and not the sum. (Who goes through the "
        "batch in parts adds up the parts' losses, each times its share of the batch.)",
    )
    yield case(
        "the first loss: of the model as it was, on the characters that follow",
        lambda: ask("losses")[0],
        _loss(table[single[None, :-1]], single[None, 1:]),
        hint="The target of each position is the character after it: y, not x, and y is shifted "
        "already. And the loss is that of the batch before the weights move.",
    )
    yield case(
        "the model's modes while it reads: training?",
        lambda: ask("modes"),
        [True],
        hint="model.train() at the start: else there is no dropout in training.",
    )
    by_hand: dict[str, Any] = {"steps": 4, "peak": 1.0, "warmup": 2}
    yield case(
        "the learning rate at each step: peak 1, warmup 2, of 4 steps",
        lambda: [rates[0] for rates in ask("rates", **by_hand)],
        [0.5, 1.0, 1.0, 0.5],
        hint="Before optimizer.step(), set group['lr'] = lr_schedule(step, steps, peak, warmup), "
        "with steps counted from 0. Set after it, or from step + 1, every rate comes at the "
        "wrong step. And call optimizer.step() once in each.",
    )
    yield case(
        "the learning rate in the second group of parameters",
        lambda: [rates[-1] for rates in ask("rates")],
        _rates(plain),
        hint="The optimizer has several groups: for group in optimizer.param_groups.",
    )
    # One step by hand.
    gradient = _gradient(table, single[:-1], single[1:])
    rate = float(plain["peak"]) / warmup

    def moved(**setup: Any) -> torch.Tensor:
        """Return how the first step moves the table."""
        return torch.as_tensor(ask("table", steps=1, **setup) - table)

    want = run(reference, plain)["table"]
    yield case(
        "the direction of the first step: how much of it is downhill",
        lambda: F.cosine_similarity(moved().flatten(), -gradient.flatten(), dim=0).item(),
        1.0,
        hint="zero_grad(), then loss.backward(), and then optimizer.step(): what was cleared after "
        "backward() is gone, and without a gradient nothing moves.",
        atol=1e-3,
    )
    yield case(
        "the length of the first step, compared with rate times gradient",
        lambda: (moved().norm() / (rate * gradient.norm())).item(),
        1.0,
        hint="The gradient is that of the mean loss of the whole batch, and each step has one "
        "alone. (backward() adds up: who calls it for parts of the batch multiplies each part's "
        "loss by its share of the batch first.)",
        rtol=1e-3,
    )
    yield case(
        "the model after all steps",
        lambda: ask("table"),
        want,
        hint="backward() adds to the gradients that are there: optimizer.zero_grad() in every "
        "step, before it.",
    )
    yield case(
        "how far one step goes with clip = 0.01: 0.01 times the rate",
        lambda: moved(clip=0.01).norm().item(),
        0.01 * rate,
        hint="clip_gradients(model.parameters(), clip) between backward() and step(): after the "
        "step it comes too late. And `clip` is the limit that was asked for.",
        atol=1e-4 * rate,
        rtol=0.01,
    )
    unclipped = {"steps": 1, "batch": 2, "peak": 100.0, "warmup": 1}
    steep = 30 * table
    yield case(
        "how far one step goes when clip is not given",
        lambda: (run(student, unclipped, steep)["table"] - steep).norm().item(),
        100 * min(1.0, float(_gradient(steep, single[:-1], single[1:]).norm())),
        hint="Keep the signature: clip=1.0 when nothing is said.",
        rtol=1e-2,
    )

    def drawn_windows() -> list[str]:
        batches = run(student, plain | {"batch": 8}, ids=text)["batches"]
        return _odd_batches([torch.cat(batch) for batch in batches if batch], text)

    yield case(
        "windows that are not of the text, and steps that read the same ones as the step before",
        drawn_windows,
        [],
        hint="Draw a new batch in every step: get_batch stands inside the loop, and no seed does.",
    )

    def off_course() -> float:
        """Return how far a step on drawn windows is from what these windows ask for."""
        setup = plain | {"steps": 1, "warmup": 1, "batch": 7}
        ran = run(student, setup, ids=text)
        x = torch.cat([part.reshape(-1) for batch in ran["batches"] for part in batch])
        successor = torch.zeros(V, dtype=torch.int64)
        successor[text[:-1]] = text[1:]
        asked = -setup["peak"] * _gradient(table, x, successor[x])
        return float((ran["table"] - table - asked).norm() / asked.norm())

    yield case(
        "how far a step is from what all its 7 windows ask for together",
        off_course,
        0.0,
        hint="Every window has the same weight, whatever part of the batch it is in: a part of 4 "
        "windows counts for 4 of 7.",
        atol=1e-3,
    )

    def watch(key: str, *stop: Any, **setup: Any) -> Any:
        model = student.probe(bigram, table, T)
        optimizer = student.probe(watched_sgd, model)
        setup = plain | setup
        return student.probe(reported, student.train, model, optimizer, single, setup, *stop)[key]

    yield case(
        "the steps that on_step is told",
        lambda: watch("steps"),
        list(range(steps)),
        hint="Call on_step(step, loss) at the end of each step, if it is not None.",
    )
    yield case(
        "the losses that on_step is told",
        lambda: watch("losses"),
        run(reference, plain)["losses"],
        hint="on_step(step, loss) gets the loss of this step.",
    )
    yield case(
        "the model as the last on_step sees it",
        lambda: watch("tables")[-1],
        want,
        hint="on_step comes after optimizer.step(): a checkpoint made in it must hold the step.",
    )
    yield case(
        "the steps after start = 2",
        lambda: watch("steps", start=2),
        list(range(2, steps)),
        hint="range(start, steps): `start` is the first step to be done, and the numbers go on "
        "from there.",
    )
    yield case(
        "the learning rates after start = 2",
        lambda: [rates[0] for rates in ask("rates", start=2)],
        _rates(plain)[2:],
        hint="The schedule goes on where it was: lr_schedule gets the number of the step in the "
        "whole training.",
    )
    yield case(
        "an interrupt in on_step, and an error: do they get through?",
        lambda: [watch("came", 1, error) for error in ("KeyboardInterrupt", "ArithmeticError")],
        ["KeyboardInterrupt", "ArithmeticError"],
        hint="Let KeyboardInterrupt through, and whatever else on_step raises: who called train "
        "decides what to do.",
    )
    for hidden in (False, True):
        wild: dict[str, Any] = {"steps": 5, "batch": 3, "warmup": 1, "start": 1}
        wild |= {"peak": float(rng.uniform(0.1, 0.5)), "clip": float(rng.uniform(0.05, 0.3))}
        start = normal(rng, V, V)
        want = run(reference, wild, start, kind=adamw)["table"]
        yield case(
            f"AdamW, clipped, from step 1 to 5{', another' * hidden}",
            lambda: run(student, wild, start, kind=adamw)["table"],
            want,
            hint="In each step all groups get the rate of the step, and what clip_gradients left "
            "is what the optimizer steps along.",
            hidden=hidden,
            rtol=1e-3,
            atol=1e-4,
        )


def _rates(setup: dict[str, Any]) -> list[float]:
    """Return the learning rates of all steps, by the formulas of lr_schedule."""
    steps, peak, warmup = setup["steps"], setup["peak"], setup["warmup"]
    return [
        peak * min((step + 1) / warmup, 1.0 if step < warmup else (steps - step) / (steps - warmup))
        for step in range(steps)
    ]


def _size_of_batch(parts: list[torch.Tensor]) -> Any:
    """Return how many windows these parts of a batch hold, and how long they are."""
    shapes = [list(part.shape) for part in parts]
    if any(len(shape) != 2 or shape[1] != shapes[0][1] for shape in shapes):
        return shapes
    return [sum(shape[0] for shape in shapes), shapes[0][1]]


def _gradient(table: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the mean loss on the pairs `x`, `y` for a bigram's table."""
    errors = table[x].softmax(dim=1) - F.one_hot(y, table.shape[1])
    return torch.zeros_like(table).index_add(0, x, errors / len(x))


def _odd_batches(batches: list[torch.Tensor], text: torch.Tensor) -> list[str]:
    """Say which batches hold windows that are not of the text, or are those of the one before."""
    windows = {tuple(window) for window in text.unfold(0, batches[0].shape[1], 1).tolist()}
    found = []
    for step, batch in enumerate(batches):
        if not all(tuple(row) in windows for row in batch.tolist()):
            found.append(f"step {step}: not of the text")
        if step and torch.equal(batch, batches[step - 1]):
            found.append(f"step {step}: the same as before")
    return found[:3]


# -------------------------------------------------------------------------------- save and load


@dataclass
class _Size:
    """As the config of a GPT."""

    vocab_size: int
    context: int
    layers: int
    heads: int
    channels: int
    dropout: float


class _Noisy(nn.Module):
    """A bigram with the config and the weights of a GPT, whose training draws random numbers."""

    def __init__(self, shape: Shape, weights: Weights) -> None:
        super().__init__()
        self.config = _Size(**shape)
        made: dict[int, nn.Parameter] = {}
        for name, weight in weights.items():
            *path, last = name.split(".")
            holder: nn.Module = self
            for part in path:
                if not hasattr(holder, part):
                    holder.add_module(part, nn.Module())
                holder = getattr(holder, part)
            # A tied matrix stays one.
            made.setdefault(id(weight), nn.Parameter(weight.clone()))
            holder.register_parameter(last, made[id(weight)])

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.get_parameter("token_embedding.weight")[ids]
        x = x + self.get_parameter("position_embedding.weight")[0]
        if self.training:
            x = x * (torch.rand(x.shape) > 0.3)
        wide = torch.tanh(x @ self.get_parameter("blocks.0.feed_forward.expand.weight").T)
        x = x + wide @ self.get_parameter("blocks.0.feed_forward.shrink.weight").T
        return x @ self.get_parameter("head.weight").T


Start = tuple[Shape, torch.Tensor, int]
"""What a training begins with: the config, the weights as one row, and a seed."""


def _begin(shape: Shape, flat: torch.Tensor, seed: int) -> tuple[_Noisy, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    weights = _unflatten(flat, shape)
    model = _Noisy(shape, weights | {"head.weight": weights["token_embedding.weight"]})
    # A large eps: with a small one the sign of a tiny slope, which is rounding, would move weights.
    return model, torch.optim.AdamW(model.parameters(), lr=0.05, eps=1e-2)


def _advance(model: _Noisy, optimizer: torch.optim.Optimizer, steps: int, random: bool) -> None:
    model.train(random)
    V = model.config.vocab_size
    for _ in range(steps):
        ids = torch.randint(V, (3, 6)) if random else (torch.arange(18) % V).view(3, 6)
        optimizer.zero_grad()
        loss: Any = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        optimizer.step()


def _straight(start: Start, steps: int, random: bool) -> Weights:
    """Return the weights after training in one go, as the judge makes them."""
    with torch.random.fork_rng(devices=[]):
        model, optimizer = _begin(*start)
        _advance(model, optimizer, steps, random)
    return {name: weight.clone() for name, weight in model.state_dict().items()}


@probe
def saved(_: dict[str, Any], save: Callable[..., Any], start: Start, step: int) -> dict[str, Any]:
    """Return what stands in a checkpoint, as far as it can be sent."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        save(str(path), *_begin(*start), step)
        if not path.exists():
            return {"there": False}
        try:
            content = torch.load(path, weights_only=True)
        except pickle.UnpicklingError:
            return {"there": True, "missing": ["weights_only=True refuses what is in the file"]}
    keys = ["config", "model", "optimizer", "random", "step"]
    return {
        "there": True,
        "missing": [key for key in keys if key not in content],
        "config": content.get("config"),
        "step": content.get("step"),
    }


@probe
def refused(
    _: dict[str, Any], save: Callable[..., Any], load: Callable[..., Any], start: Start
) -> bool:
    """Return whether `load` refuses a file with an object in it, which may bring code along."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.pt")
        save(path, *_begin(*start), 12)
        content = torch.load(path, weights_only=True)
        torch.save(content | {"more": _Size(**start[0])}, path)
        # Where weights_only is not given, torch decides, and before version 2.6 it said False.
        with mock.patch.dict(os.environ, {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}):
            try:
                with warnings.catch_warnings(action="ignore"):
                    load(path, *_begin(*start))
            except NotImplementedError:  # load is not written yet
                raise
            except Exception:
                return True
    return False


@probe
def resumed(
    _: dict[str, Any],
    save: Callable[..., Any],
    load: Callable[..., Any],
    start: Start,
    number: int,
    before: int,
    after: int,
    random: bool,
) -> dict[str, Any]:
    """Train, save as step `number`, load into a new model and a new optimizer, and train on."""
    shape, flat, seed = start
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.pt")
        model, optimizer = _begin(*start)
        _advance(model, optimizer, before, random)
        save(path, model, optimizer, number)
        model, optimizer = _begin(shape, 1 - flat, seed + 1)
        _advance(model, optimizer, 2, random)  # as another process, it has done something else
        step = load(path, model, optimizer)
        _advance(model, optimizer, after, random)
    return {"step": step, "weights": model.state_dict()}


@probe
def went_on(
    _: dict[str, Any], save: Callable[..., Any], start: Start, before: int, after: int
) -> Weights:
    """Train, save, and train on; return the weights."""
    with tempfile.TemporaryDirectory() as folder:
        model, optimizer = _begin(*start)
        _advance(model, optimizer, before, True)
        save(str(Path(folder) / "model.pt"), model, optimizer, before)
        _advance(model, optimizer, after, True)
    return model.state_dict()


@probe
def interrupted_save(
    _: dict[str, Any],
    save: Callable[..., Any],
    load: Callable[..., Any],
    start: Start,
    number: int,
    moment: str,
) -> dict[str, Any]:
    """Save step `number`, stop the save of the next on its way, and return what can be loaded.

    Also whether the new file was written in the same folder as the old one.
    """
    real = torch.save
    beside = None

    def half(content: Any, file: Any, *args: Any, **kwargs: Any) -> None:
        whole = BytesIO()
        real(content, whole)
        data = whole.getvalue()[: whole.tell() // 2]
        if hasattr(file, "write"):
            file.write(data)
        else:
            Path(file).write_bytes(data)
        raise KeyboardInterrupt

    def refuse(src: Any, *_: Any, **__: Any) -> None:
        nonlocal beside
        beside = os.path.samefile(os.path.dirname(os.path.abspath(src)), folder)
        raise KeyboardInterrupt

    with (
        tempfile.TemporaryDirectory() as elsewhere,
        tempfile.TemporaryDirectory() as folder,
        chdir(elsewhere),  # what is written to a bare name lands here, and goes again
    ):
        path = str(Path(folder) / "model.pt")
        model, optimizer = _begin(*start)
        save(path, model, optimizer, number)
        _advance(model, optimizer, 1, True)
        stops = (
            [mock.patch.object(torch, "save", half)]
            if moment == "writing"
            else [mock.patch(name, refuse) for name in ("os.replace", "os.rename")]
        )
        with suppress(KeyboardInterrupt):
            for stop in stops:
                stop.start()
            try:
                save(path, model, optimizer, number + 1)
            finally:
                for stop in stops:
                    stop.stop()
        try:
            left = f"step {load(path, *_begin(*start))}"
        except NotImplementedError:  # load is not written yet
            raise
        except (OSError, EOFError, RuntimeError, pickle.UnpicklingError):
            left = "nothing"
    return {"left": left, "beside": beside}


@exercise(LESSON, "save", points=3, names=("save", "load"))
def save(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    heads = int(rng.integers(1, 4))
    shape: Shape = {
        "vocab_size": int(rng.integers(7, 15)),
        "context": int(rng.integers(6, 20)),
        "layers": 1,
        "heads": heads,
        "channels": 2 * heads * int(rng.integers(1, 3)),
        "dropout": round(float(rng.uniform(0.1, 0.4)), 2),
    }
    start = shape, _flat(_weights(rng, **_sizes(shape))), int(rng.integers(10_000))
    number, before, after = (int(rng.integers(2, high)) for high in (10_000, 5, 5))

    def written(key: str) -> Any:
        return student.probe(saved, student.save, start, number).get(key)

    def resume(before: int, after: int, random: bool) -> Any:
        asked = start, number, before, after, random
        return student.probe(resumed, student.save, student.load, *asked)

    def off(weights: Weights, steps: int, random: bool) -> float:
        """Return how far the weights are from those of a training in one go."""
        wanted = _straight(start, steps, random)
        return max(float((weights[name] - wanted[name]).abs().max()) for name in wanted)

    def interrupt(key: str, moment: str) -> Any:
        asked = start, number, moment
        return student.probe(interrupted_save, student.save, student.load, *asked)[key]

    # The judge's processor may round otherwise than the student's did.
    near = 2e-5
    yield case(
        "whether there is a file at `path`",
        lambda: written("there"),
        True,
        hint="torch.save(checkpoint, new_path) writes a file, and os.replace(new_path, path) gives "
        "it the name that was asked for: from, to.",
    )
    yield case(
        "the keys that are missing in the file",
        lambda: written("missing"),
        [],
        hint="torch.save one dictionary with these five keys: config, model, optimizer, step, "
        "random. For torch.load(weights_only=True) to read it, it may hold tensors, numbers, "
        "strings, lists and dictionaries only: so asdict(model.config), and state_dict() of model "
        "and optimizer.",
    )
    yield case(
        "the config in it",
        lambda: written("config"),
        shape,
        hint='"config" is asdict(model.config): with it, anyone can build the model again.',
    )
    yield case(
        "the step in it",
        lambda: written("step"),
        number,
        hint='"step" is the step as save got it: the number of steps that are done.',
    )
    yield case(
        "the step that load returns",
        lambda: resume(1, 0, False)["step"],
        number,
        hint="load returns the step that was saved, as an int: the number of steps that are done, "
        "as save got it.",
    )
    yield case(
        "how far the weights after load are from those that were saved",
        lambda: off(resume(before, 0, False)["weights"], before, False),
        0.0,
        hint='model.load_state_dict(checkpoint["model"]) puts them back, into the model that '
        "load was given.",
        atol=near,
    )
    yield case(
        "a few steps, save, load, a few more: how far the weights are from all steps in one go",
        lambda: off(resume(before, after, False)["weights"], before + after, False),
        0.0,
        hint="AdamW keeps two moments for each weight: the optimizer's state_dict belongs into the "
        "checkpoint, and load gives it back.",
        atol=near,
    )
    yield case(
        "a few steps with random batches and dropout, save, and on without load: how far",
        lambda: off(
            student.probe(went_on, student.save, start, before, after), before + after, True
        ),
        0.0,
        hint="Saving changes nothing: neither the model, nor the optimizer, nor the random "
        "generator (a new model draws from it).",
        atol=near,
    )
    yield case(
        "the same with load: how far",
        lambda: off(resume(before, after, True)["weights"], before + after, True),
        0.0,
        hint="What batches and dropout draw depends on the state of torch's random generator. Save "
        "torch.get_rng_state(), and give it back with torch.set_rng_state(), last of all. A seed "
        "of your own is another state.",
        atol=near,
    )
    yield case(
        "what can be loaded after the save of the next step was interrupted while it wrote",
        lambda: interrupt("left", "writing"),
        f"step {number}",
        hint="Half a file is worse than an old one. Write to another file beside it, such as "
        'path + ".part", and when that is whole, os.replace(path + ".part", path).',
    )
    yield case(
        "what can be loaded when the new file could not be put in its place",
        lambda: interrupt("left", "replacing"),
        f"step {number}",
        hint="os.replace puts the new file in the old one's place in a single move. Copying, or "
        "deleting the old one first, leaves a moment without any.",
    )
    yield case(
        "whether the new file was written in the folder of the old one",
        lambda: interrupt("beside", "replacing"),
        True,
        hint='path + ".part" is in the same folder. From another folder, which may be on another '
        "disk, os.replace is not a single move, or fails.",
    )
    yield case(
        "whether load refuses a file that could run code, whatever torch does by default",
        lambda: student.probe(refused, student.save, student.load, start),
        True,
        hint="torch.load(path, weights_only=True): then only tensors, numbers, strings, lists and "
        "dictionaries are let through. Say so: not every torch does it by itself.",
    )
    yield case(
        "with random batches and dropout, another time",
        lambda: off(resume(after, before, True)["weights"], before + after, True),
        0.0,
        hint="Model, optimizer, random generator: all three.",
        atol=near,
        hidden=True,
    )


# ----------------------------------------------------------------------------- generate_cached


@probe
def read_in_parts(
    namespace: dict[str, Any],
    next_logits: Callable[..., torch.Tensor],
    model: nn.Module,
    parts: list[torch.Tensor],
) -> dict[str, Any]:
    """Read `parts` one after the other; return the logits after the last, and of the cache.

    Of the cache: the shapes of keys and values of all blocks, and both of the first block.
    """
    model.eval()
    cache = namespace["empty_cache"](model)
    logits = None
    with torch.no_grad():
        for part in parts:
            logits = next_logits(model, part, cache)
    return {
        "logits": logits,
        "shapes": [list(part.shape) for pair in cache for part in pair],
        "first": list(cache[0]),
    }


@probe
def reads_on_elsewhere(
    namespace: dict[str, Any], next_logits: Callable[..., torch.Tensor], model: nn.Module
) -> str:
    """Return in words whether characters can be read that are not on the CPU."""
    model.eval()
    with _lookups_elsewhere(model) as found, torch.no_grad():
        cache = namespace["empty_cache"](model)
        next_logits(model, torch.zeros(2, dtype=torch.int64, device="meta"), cache)
    return found[0] if found else ONE_DEVICE


@probe
def written(
    namespace: dict[str, Any],
    generate: Callable[..., Any],
    model: Any,
    ids: list[int],
    forced: list[int],
    choice: dict[str, Any],
    training: bool = False,
) -> dict[str, Any]:
    """Let `generate` write with a stand-in for sample_token, which returns the places `forced`.

    Return the text, what is left of `ids`, the logits and the choice that each call of the stand-in
    got, how many characters went through the model, and whether it is in training mode then.
    """
    calls: list[tuple[torch.Tensor, list[Any]]] = []
    read = 0

    def stand_in(logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None) -> int:
        calls.append((logits.detach().clone(), [temperature, top_k, top_p]))
        return forced[(len(calls) - 1) % len(forced)]

    def count(_: nn.Module, inputs: tuple[torch.Tensor, ...], __: torch.Tensor) -> None:
        nonlocal read
        read += inputs[0].numel()

    model.train(training)
    own = list(ids)
    hook = model.token_embedding.register_forward_hook(count)
    # Where the function itself looks names up.
    names = getattr(inspect.unwrap(generate), "__globals__", namespace)
    real = names["sample_token"]
    names["sample_token"] = stand_in
    try:
        text = generate(model, own, len(forced), **choice)
    finally:
        names["sample_token"] = real
        hook.remove()
    return {
        "text": text,
        "ids": own,
        "logits": [logits for logits, _ in calls],
        "choices": [choice for _, choice in calls],
        "read": read,
        "training": model.training,
    }


@exercise(
    LESSON, "generate_cached", points=4, names=("empty_cache", "next_logits", "generate_cached")
)
def generate_cached(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    weights = _weights(rng)
    blind = weights | {
        name: torch.zeros_like(weight) for name, weight in weights.items() if "query" in name
    }
    low: Shape = {"layers": 1}
    kinds: dict[str, tuple[Weights, Shape]] = {
        "two blocks": (weights, {}),
        "blind": (blind, {}),
        "one block": (_weights(rng, **low), low),
    }
    seven = integers(rng, 11, 7)

    @cache
    def model(of: Student, kind: str = "two blocks") -> Any:
        return _gpt(of, kinds[kind][0], **kinds[kind][1])

    @cache
    def read(kind: str, *lengths: int) -> Any:
        parts = list(torch.split(seven[: sum(lengths)], list(lengths)))
        return student.probe(read_in_parts, student.next_logits, model(student, kind), parts)

    # All seven characters, read at once by the model itself: the logits after each.
    want = {kind: model(reference, kind)(seven[None])[0] for kind in kinds}
    first = reference.probe(read_in_parts, reference.next_logits, model(reference), [seven[:4]])

    one_by_one = (1, 1, 1, 1)
    yield case(
        "the shapes of keys, values, keys, values in the cache after four characters",
        lambda: read("two blocks", 4)["shapes"],
        [[2, 4, 6]] * 4,
        hint="For each block the cache holds keys and values, each (heads, characters so far, "
        "C // heads). Put the new ones behind those that are there, torch.cat([old, new], dim=1) "
        "as dimension 0 is the heads, and the pair back into cache[i]. (It runs your GPT's parts: "
        "check GPT first.)",
    )
    yield case(
        "the shape of the logits after four characters",
        lambda: list(read("two blocks", 4)["logits"].shape),
        [11],
        hint="next_logits returns the logits of what comes after the LAST of the new characters, "
        "(V,).",
    )
    yield case(
        "one character: its logits",
        lambda: read("two blocks", 1)["logits"],
        want["two blocks"][0],
        hint="As in your Block: x = x + project(heads put side by side), then "
        "x = x + feed_forward(norm2(x)); norm1 before the attention; at the end norm and head. "
        "The first position is 0. (F.scaled_dot_product_attention takes query, key, value, in "
        "this order.)",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "four characters at once: keys and values of the first block",
        lambda: _comparison_of_cache(read("two blocks", 4)["first"], first["first"]),
        "as they should be",
        hint="Keys and values come from norm1(x), as (n, C). Channel c belongs to head "
        "c // (C // heads): view them as (n, heads, d), then transpose(0, 1). A reshape straight "
        "to (heads, n, d) mixes characters with channels. The cache keeps keys and values, "
        "no queries.",
    )
    yield case(
        "four characters one by one: keys and values of the first block",
        lambda: _comparison_of_cache(read("two blocks", *one_by_one)["first"], first["first"]),
        "as they should be",
        hint="The same as of four at once. The new character's position is the number of "
        "characters in the cache, as positions count from 0: the fourth is at 3. And the old "
        "ones first, then the new: torch.cat([old, new], dim=1).",
    )
    yield case(
        "four characters one by one, when all queries are 0: each sees the mean of all so far",
        lambda: read("blind", *one_by_one)["logits"],
        want["blind"][3],
        hint="Its query looks at all the keys, the cached ones and its own. (is_causal=True lets "
        "the first query see the first key only, and a query behind a cache is not the first: "
        "give the rows of the mask that you need.)",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "four characters one by one: the logits after the last",
        lambda: read("two blocks", *one_by_one)["logits"],
        want["two blocks"][3],
        hint="The scores are query times key, divided by the square root of d, the channels of one "
        "head, before the softmax over the keys. (F.scaled_dot_product_attention does that.)",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "a model of one block, four characters at once: the logits after the last",
        lambda: read("one block", 4)["logits"],
        want["one block"][3],
        hint="One by one it is right; so it is the order of heads and characters. Queries are "
        "split as keys are: view as (n, heads, d), then transpose(0, 1). On the way back "
        "transpose(0, 1) again, then flatten(1).",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "two blocks, four characters at once: the logits after the last",
        lambda: read("two blocks", 4)["logits"],
        want["two blocks"][3],
        hint="Among the new characters, too, nobody may look ahead: new character i, at position "
        "past + i, sees positions 0 to past + i. That is the lower part of a causal mask.",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "several new characters behind cached ones: 1 + 6, 3 + 4, and 3 + 1 + 3",
        lambda: [read("two blocks", *parts)["logits"] for parts in ((1, 6), (3, 4), (3, 1, 3))],
        [want["two blocks"][6]] * 3,
        hint="The mask for new characters behind cached ones is (new, past + new): the last rows "
        "of causal_mask(past + new).",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "whether the ids may be on another device",
        lambda: student.probe(reads_on_elsewhere, student.next_logits, _gpt(student, **low)),
        ONE_DEVICE,
        hint="On a GPU, what you make must be where the ids are: torch.arange(..., "
        "device=ids.device), and the mask with .to(ids.device).",
    )
    wide, shaken = {"layers": 1, "context": 24}, {"layers": 1, "dropout": 0.5}
    kinds["wide"] = _weights(rng, **wide), wide
    kinds["shaken"] = kinds["one block"][0], shaken
    start, longer = seven[:3].tolist(), integers(rng, 11, 13).tolist()
    forced = integers(rng, 11, 30).tolist()
    choice = {
        "temperature": round(float(rng.uniform(0.5, 2)), 2),
        "top_k": int(rng.integers(2, 9)),
        "top_p": round(float(rng.uniform(0.3, 0.9)), 2),
    }
    # The ids to begin with, how many more are written, and the mode of the model before.
    tasks: dict[str, tuple[str, list[int], int, bool]] = {
        "short": ("two blocks", start, 5, False),
        "within": ("wide", start, 20, False),
        "past": ("one block", start, 30, False),
        "longer": ("one block", longer, 12, False),
        "shaken": ("shaken", start, 12, True),
    }

    def write(of: Student, by: Any, task: str) -> Any:
        kind, ids, length, training = tasks[task]
        return of.probe(written, by, model(of, kind), ids, forced[:length], choice, training)

    @cache
    def wrote(task: str) -> Any:
        return write(student, student.generate_cached, task)

    right = {task: write(reference, reference.generate, task)["logits"] for task in tasks}

    def other_logits(task: str) -> str:
        return _first_other(wrote(task)["logits"], right[task])

    yield case(
        "three characters, and five more, where a stand-in for sample_token says which: the text",
        lambda: wrote("short")["text"],
        start + forced[:5],
        hint="The result is a list of ints: the start, and then `length` new ones. Each comes from "
        "one call of sample_token, and goes behind the text as it is.",
    )
    yield case(
        "the caller's list afterwards",
        lambda: wrote("short")["ids"],
        start,
        hint="written = ids is the caller's own list, and append changes it: list(ids) makes a "
        "new one.",
    )
    yield case(
        "temperature, top_k and top_p, as sample_token gets them",
        lambda: wrote("short")["choices"],
        [list(choice.values())] * 5,
        hint="Hand all three on, in each call: sample_token(logits, temperature, top_k, top_p).",
    )
    yield case(
        "what sample_token chooses from, in each of the five",
        lambda: other_logits("short"),
        "as they should be",
        hint="Each new character goes into next_logits by itself, with the cache, and what comes "
        "out goes to sample_token.",
    )
    yield case(
        "three characters, and five more: how many are read a second time",
        lambda: max(0, wrote("short")["read"] - 8),
        0,
        hint="After the start, next_logits gets the one new character, with the cache: not the "
        "whole text again.",
    )
    yield case(
        "20 more, within the context of 24: what sample_token chooses from",
        lambda: other_logits("within"),
        "as they should be",
        hint="As long as the window is not longer than the context, nothing is cut and nothing is "
        "read again: model.config.context says how long it may be.",
    )
    yield case(
        "30 more, past the context of 8: what sample_token chooses from",
        lambda: other_logits("past"),
        "as they should be",
        hint="When the window is longer than the context, keep its last context // 2 characters. "
        "They stand at other places now, so the cache is of no use: begin an empty one and read "
        "the window into it.",
    )
    yield case(
        "30 more, past the context of 8: the text",
        lambda: wrote("past")["text"],
        start + forced,
        hint="The window is what the model reads; the result is all that was written, from the "
        "start on.",
    )
    yield case(
        "a start of 13 characters, longer than the context: what sample_token chooses from",
        lambda: other_logits("longer"),
        "as they should be",
        hint="A start that is too long loses its beginning in the same way, before the first "
        "character is drawn.",
    )
    yield case(
        "a start of 13 characters, longer than the context: the text",
        lambda: wrote("longer")["text"],
        longer + forced[:12],
        hint="The result still holds all of the start.",
    )
    yield case(
        "30 more, past the context: how many are read again though the window was not cut",
        lambda: max(0, wrote("past")["read"] - _needed(3, 30, 8)),
        0,
        hint="Read the window anew only when it was cut; then go on one by one, until it is too "
        "long again.",
    )
    yield case(
        "a model with dropout in training mode: what sample_token chooses from",
        lambda: other_logits("shaken"),
        "as they should be",
        hint="model.eval() while it writes, or dropout takes part in the writing.",
    )
    yield case(
        "whether the model is in training mode afterwards, if it was, and if it was not",
        lambda: [wrote("shaken")["training"], wrote("short")["training"]],
        [True, False],
        hint="was_training = model.training at the start, and model.train(was_training) "
        "afterwards.",
    )
    for hidden in (False, True):
        heads = int(rng.integers(1, 5))
        other: Shape = {
            "vocab_size": int(rng.integers(5, 20)),
            "context": int(rng.integers(4, 12)),
            "layers": int(rng.integers(1, 4)),
            "heads": heads,
            "channels": 2 * heads * int(rng.integers(1, 4)),
        }
        name = f"another shape{' again' * hidden}"
        kinds[name] = _weights(rng, **other), other
        tasks[name] = name, [1, 3, 2], 15, False
        forced = integers(rng, other["vocab_size"], 15).tolist()
        right[name] = write(reference, reference.generate, name)["logits"]
        yield case(
            f"a model of {name}: what sample_token chooses from",
            lambda: other_logits(name),
            "as they should be",
            hint="Take the sizes from model.config.",
            hidden=hidden,
        )


def _needed(start: int, length: int, context: int) -> int:
    """Return how many characters must be read to write `length` more."""
    window, unread, read = start, start, 0
    for _ in range(length):
        if window > context:
            window = unread = context // 2
        read += unread
        window, unread = window + 1, 1
    return read


def _first_other(came: list[torch.Tensor], wanted: list[torch.Tensor]) -> str:
    """Say in words from which new character on the logits are not what they should be."""
    for step, (got, want) in enumerate(zip(came, wanted, strict=False), 1):
        if got.shape != want.shape:
            return f"of shape {tuple(got.shape)}, for new character {step}"
        if not torch.allclose(got, want, rtol=1e-3, atol=1e-4):
            return f"others for new character {step}"
    if len(came) != len(wanted):
        return f"{len(came)} calls of sample_token, not {len(wanted)}"
    return "as they should be"


def _comparison_of_cache(came: list[Any], wanted: list[Any]) -> str:
    """Say in words whether the keys and the values of one block are what they should be."""
    for name, got, want in zip(("keys", "values"), came, wanted, strict=True):
        if got.shape != want.shape:
            return f"{name} of another shape"
        close = torch.isclose(got, want, rtol=1e-3, atol=1e-4).all(dim=2).all(dim=0)
        if close.all():
            continue
        if torch.allclose(got.sort(dim=1).values, want.sort(dim=1).values, rtol=1e-3, atol=1e-4):
            return f"the {name} are there, in another order"
        return f"other {name} from position {int((~close).nonzero()[0])} on"
    return "as they should be"


# --------------------------------------------------------------------------------------- quiz

QUESTIONS = (
    (
        "answer_1",
        "a first loss far above ln V",
        "Reread 'How should it begin?': what is the loss of somebody who knows nothing?",
        "Guessing blindly costs ln V. Above it, the model is sure of something wrong: its logits "
        "are too large.",
    ),
    (
        "answer_2",
        "what does not decay",
        "Which of the three has fewer than two dimensions?",
        "The weight of a norm is a vector that should be free to stay near 1. Matrices and "
        "embeddings decay.",
    ),
    (
        "answer_3",
        "what clipping does to a long gradient",
        "Put the numbers into limit / length.",
        "All gradients are multiplied by 1 / 5: the step is shorter, and goes the same way.",
    ),
    (
        "answer_4",
        "without the optimizer's state",
        "What does AdamW keep for each weight?",
        "Nothing fails, which is what makes it dangerous: the means begin at 0, and the weights "
        "go another way.",
    ),
    (
        "answer_5",
        "top-p where the model is sure",
        "Keep the first ones until they have 0.9 together. How many does that take?",
        "The first one alone has reached 0.9, and it stays.",
    ),
    (
        "answer_6",
        "the cache and the window",
        "What goes into a key besides the character itself?",
        "The position embedding is part of what keys and values are made of. Another place, "
        "another key.",
    ),
)


@exercise(LESSON, "quiz", points=6, names=tuple(name for name, *_ in QUESTIONS), constant=True)
def quiz(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    for name, title, hint, explain in QUESTIONS:
        yield case(
            title,
            lambda: str(getattr(student, name)).strip(" ().").lower(),
            getattr(reference, name),
            hint=hint,
            explain=explain,
            reveal=False,
        )

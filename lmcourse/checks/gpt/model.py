"""The checks of the model itself: its parts, how they begin, and its logits."""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import apart, holds, repeat
from lmcourse.checks.gpt.weights import (
    NEAR,
    ONE_DEVICE,
    SMALL,
    Shape,
    Weights,
    new_gpt,
    odd_names,
    on_another_device,
    random_weights,
    sizes_of,
    weight_shapes,
)


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
def gradient_lengths(
    _: dict[str, Any], model: nn.Module, ids: torch.Tensor, direction: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return the lengths of the gradient of sum(logits * direction), row by row of each parameter.

    What is tied stands there under both its names, for either may be the first.
    """
    torch.autograd.backward((model(ids) * direction).sum())
    return {
        name: torch.zeros(len(p)) if p.grad is None else p.grad.reshape(len(p), -1).norm(dim=1)
        for name, p in model.named_parameters(remove_duplicate=False)
    }


@probe
def reads_elsewhere(_: dict[str, Any], model: Any) -> str:
    """Return in words what keeps the model from reading ids that are not on the CPU."""
    with on_another_device(model) as found:
        model(torch.zeros(2, 3, dtype=torch.int64, device="meta"))
    return "".join(found[:1])


def in_mode(model: Any, *, training: bool) -> Any:
    """Return the student's `model`, put into training mode or into evaluation mode."""
    model.train(training)
    return model


@exercise("07_gpt", "GPT", points=4)
def gpt(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    made: list[Any] = []

    def make() -> str:
        made.append(new_gpt(student))
        return ""

    yield holds(
        "whether GPT(config) can be made: all else waits for that",
        "it can be made",
        make,
        hint="In __init__: nn.Embedding takes how many rows, and how long they are: V characters, "
        "`context` positions. A Block takes channels, heads and dropout; positional_encoding takes "
        "context and channels, in this order. In init_weights: write into the parameters that are "
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
        "layers": heads + int(rng.integers(1, 3)),
        "heads": heads,
        "channels": 2 * heads * int(rng.integers(2, 4)),
    }
    V, (B, T) = drawn["vocab_size"], rng.integers(2, 8, 2).tolist()
    # The last character of the vocabulary is among them.
    ids = torch.cat([integers(rng, V, B, T - 1), torch.full((B, 1), V - 1)], dim=1)
    yield case(
        "the shape of the logits for ids of shape (B, T), where T is below the context",
        lambda: list(new_gpt(student, **drawn)(ids).shape),
        [B, T, V],
        hint="ids (B, T) go in, logits (B, T, V) come out: the token embedding of `ids` plus the "
        "position embedding of 0, 1, ..., T - 1, each block in turn, norm, head. T may be smaller "
        "than the context. Make each Block(channels, heads, dropout) with the config's numbers.",
        form=True,
    )
    shapes = weight_shapes(**drawn)
    yield case(
        "names in the state dict that are missing, or too many",
        lambda: odd_names(set(new_gpt(student).state_dict()), set(weight_shapes(**SMALL))),
        [],
        hint="The names of the contract are those of the attributes: token_embedding, "
        "position_embedding, blocks, norm, head (with bias=False). Torch does not look into a "
        "plain Python list: put the blocks into an nn.ModuleList. (A buffer of your own needs "
        "persistent=False.)",
    )
    yield case(
        "weights of another shape, for sizes drawn at random",
        lambda: _odd_shapes(new_gpt(student, **drawn).state_dict(), shapes),
        [],
        hint="nn.Embedding(how many, channels): V characters, `context` positions. The head is a "
        "Linear from channels to V.",
    )
    yield holds(
        "whether the head and the token embedding are one matrix",
        "they are one",
        lambda: "" if student.probe(is_tied, new_gpt(student)) else "they are two",
        hint="Tie them: self.head.weight = self.token_embedding.weight makes the two names mean "
        "the same parameter. A copy would go its own way in training.",
    )
    numbers = sum(math.prod(size) for name, size in shapes.items() if name != "head.weight")
    yield case(
        "how many numbers there are, the shared ones counted once",
        lambda: student.probe(size, new_gpt(student, **drawn)),
        numbers,
        hint="Every block has numbers of its own: [Block(...)] * layers is the same block again "
        "and again. A list comprehension makes new ones.",
    )
    wide: Shape = {
        "vocab_size": int(rng.integers(40, 60)),
        "context": int(rng.integers(10, 30)),
        "layers": int(rng.integers(2, 4)),
        "heads": 4,
        "channels": 4 * int(rng.integers(12, 17)),
    }
    # So much deeper that no single divisor is right for both.
    deep = wide | {"layers": wide["layers"] + int(rng.integers(4, 7))}
    C = wide["channels"]
    std = 1 / math.sqrt(C)

    @cache
    def begun(depth: str = "wide") -> Weights:
        shape = deep if depth == "deep" else wide
        return _of_shape(new_gpt(student, **shape).state_dict(), shape)

    yield case(
        "the deviation of token_embedding, query, key, value and expand, times the root of the "
        "channels",
        lambda: _stds(begun(), math.sqrt(C), "token_", "query.w", "key.w", "value.w", "expand.w"),
        [1.0] * 5,
        hint="nn.init.normal_(weight, std=1 / math.sqrt(channels)) for every matrix, after all "
        "parts have been made: with torch's own standard deviation of 1, or one that is too "
        "small, the model is far from where it should begin. Only `project` and `shrink` get "
        "less, and the positions get sinusoids.",
        atol=0.09,
        rtol=0,
    )

    def smaller(depth: str, shape: Shape) -> list[float]:
        factor = math.sqrt(C * 2 * shape["layers"])
        return _stds(begun(depth), factor, "project.w", "shrink.w")

    yield case(
        "the deviation of project and shrink, times the root of channels * 2 * layers; if deeper",
        lambda: [smaller("wide", wide), smaller("deep", deep)],
        [[1.0, 1.0]] * 2,
        hint="These two write into the residual stream, 2 * layers times in all: divide their "
        "standard deviation by the square root of that, with the config's number of layers. Their "
        "names end in project.weight and shrink.weight.",
        atol=0.09,
        rtol=0,
    )
    yield case(
        "the share of token_embedding, query and expand that is within one of these deviations",
        lambda: _shares_within(begun(), std, "token_", "query.w", "expand.w"),
        [math.erf(math.sqrt(0.5))] * 3,
        hint="nn.init.normal_: 68 per cent of normal numbers are within one standard deviation. Of "
        "numbers drawn evenly, as nn.Linear and nn.init.uniform_ draw them, it is 58.",
        atol=0.06,
        rtol=0,
    )
    yield holds(
        "two models made one after the other, and two matrices of the first: whether they differ",
        "they differ",
        lambda: _twins(begun(), _of_shape(new_gpt(student, **wide).state_dict(), wide)),
        hint="Every matrix gets draws of its own. Set no seed in here: who calls you has set one.",
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
        2 * std * reference.positional_encoding(wide["context"], C),
        hint="positional_encoding(context, channels), times 2 / sqrt(channels), copied into "
        "position_embedding.weight after everything else has been drawn.",
    )
    weights, drawn_weights = random_weights(rng), random_weights(rng, **drawn)
    full = integers(rng, 11, 2, 8)
    yield case(
        "the positions that change what comes before them",
        lambda: student.probe(leaks, new_gpt(student, weights), full),
        [],
        hint="No position may look ahead. Your Block is causal; in GPT itself, never sum or "
        "average over the positions (dim=1). (An IndexError? Of a text as long as the context the "
        "positions are 0 to context - 1.)",
    )
    yield case(
        "a text read alone, and as the last of a batch: how far the logits differ",
        lambda: _moved_by_others(new_gpt(student, weights), full),
        0.0,
        hint="Each text of the batch is read by itself: never sum or average over the batch "
        "(dim=0).",
    )
    same = torch.full((1, 4), 3)
    yield holds(
        "the same character four times: whether the logits differ from position to position",
        "they differ",
        lambda: _alike_rows(new_gpt(student, weights)(same).view(4, 11)),
        hint="Without the position embedding the model cannot tell positions apart: add "
        "position_embedding(torch.arange(T)) to the token embedding.",
    )
    part = full[:, :5]
    single: Shape = {"layers": 1}
    alone = random_weights(rng, **single)
    silent = {
        name: torch.zeros_like(weight) for name, weight in alone.items() if _writes_into(name)
    }
    placeless = {"position_embedding.weight": torch.zeros_like(alone["position_embedding.weight"])}

    def logits(of: Student, weights: Weights, ids: torch.Tensor, **shape: Any) -> torch.Tensor:
        return torch.as_tensor(new_gpt(of, weights, **shape)(ids))

    yield case(
        "the logits where the block adds nothing and the positions are 0",
        lambda: logits(student, alone | silent | placeless, part, **single),
        logits(reference, alone | silent | placeless, part, **single),
        hint="head(norm(x)): a last LayerNorm before the head, and no softmax behind it. What it "
        "reads is the token embedding of `ids` plus what position_embedding(positions) gives.",
        **NEAR,
    )
    yield case(
        "the logits where the block adds nothing: five characters, with a context of 8",
        lambda: logits(student, alone | silent, part, **single),
        logits(reference, alone | silent, part, **single),
        hint="The position embedding of 0, 1, ..., T - 1 is added to the token embedding, once: "
        "the first character stands at position 0, however many come after it, and nothing is "
        "scaled.",
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
        lambda: student.probe(without_gradient, new_gpt(student, weights), full),
        [],
        hint="Each part must take part: x = block(x) for every block, each on what the one before "
        "gave; head(norm(x)) at the end; and nothing detached or frozen.",
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
        hint="T may be as large as the context, 8: then the positions are 0 to 7.",
        **NEAR,
    )

    def longer() -> Any:
        """Return the logits of a text, from a model that has read a shorter one."""
        model = new_gpt(student, weights)
        model(part)
        return model(full)

    yield case(
        "the same from a model that has read five characters before",
        longer,
        logits(reference, weights, full),
        hint="Take T from the ids of each call, and keep nothing of one call for the next.",
        **NEAR,
    )
    yield case(
        "the logits of that model in evaluation",
        lambda: in_mode(new_gpt(student, weights), training=False)(full),
        logits(reference, weights, full),
        hint="In evaluation it returns the logits of every position too, and no probabilities: who "
        "writes takes the last position out of them.",
        **NEAR,
    )
    yield case(
        "another shape of model, drawn at random",
        lambda: logits(student, drawn_weights, ids, **drawn),
        logits(reference, drawn_weights, ids, **drawn),
        hint="Take every size from the config, and T from the ids.",
        **NEAR,
    )

    def alike(*, training: bool) -> bool:
        model = in_mode(new_gpt(student, weights, dropout=0.5), training=training)
        return torch.equal(*student.probe(repeat, model, 2, full))

    yield holds(
        "with dropout 0.5, in training: whether two calls give the same",
        "they differ",
        lambda: "both give the same" if alike(training=True) else "",
        hint="Hand config.dropout on to every Block: Block(channels, heads, dropout).",
    )
    yield holds(
        "with dropout 0.5, in evaluation: whether two calls give the same",
        "both give the same",
        lambda: "" if alike(training=False) else "they differ",
        hint="Nothing is dropped in evaluation. A dropout of your own must be an nn.Dropout, or "
        "F.dropout(x, p, self.training).",
    )
    yield case(
        "in training, with dropout 0.5, where the block adds nothing: the logits",
        lambda: in_mode(new_gpt(student, alone | silent, **single, dropout=0.5), training=True)(
            part
        ),
        logits(reference, alone | silent, part, **single),
        hint="Dropout is inside the blocks, and nowhere else in this model.",
        **NEAR,
    )
    yield holds(
        "whether the ids may be on another device",
        ONE_DEVICE,
        lambda: student.probe(reads_elsewhere, new_gpt(student, layers=1)),
        hint="A GPU trains this model later, and the ids are there then. What you make in forward "
        "must be there too: torch.arange(T, device=ids.device).",
    )
    direction = normal(rng, *part.shape, 11)
    yield case(
        "the lengths of the gradient, for each row of each parameter",
        lambda: student.probe(gradient_lengths, new_gpt(student, weights), part, direction),
        reference.probe(gradient_lengths, new_gpt(reference, weights), part, direction),
        hint="Nothing is detached on the way, not even a part of it: the token embedding learns "
        "from both ends, as what is looked up and as the head.",
        rtol=2e-3,
        atol=1e-3,
    )
    other: Shape = {
        "vocab_size": int(rng.integers(12, 60)),
        "context": int(rng.integers(3, 9)),
        "layers": int(rng.integers(3, 6)),
        "heads": 1,
        "channels": 2 * int(rng.integers(7, 12)),
    }
    other_weights = random_weights(rng, **other)
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
        "the standard deviation of project and shrink, in that shape",
        lambda: _stds(
            _of_shape(new_gpt(student, **other).state_dict(), other),
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
    return weights if shapes == weight_shapes(**sizes_of(SMALL | shape)) else {}


def _alike_rows(logits: torch.Tensor) -> str:
    """Say which position gets the logits of position 0, if one does."""
    alike = (logits - logits[:1]).abs().amax(dim=1) <= 0.01
    positions = alike.nonzero().flatten().tolist()[1:]
    return f"position {positions[0]} gets those of position 0" if positions else ""


def _moved_by_others(model: Any, ids: torch.Tensor) -> float:
    return apart(model(ids.flip(0))[-1:], model(ids[:1]))


def _stds(weights: Weights, factor: float, *parts: str) -> list[float]:
    """Return `factor` times the deviation from 0 of the weights whose name has each of `parts`."""
    return [factor * _joined(weights, part).square().mean().sqrt().item() for part in parts]


def _shares_within(weights: Weights, std: float, *parts: str) -> list[float]:
    """Return the share of the weights whose name has each of `parts` that is below `std`."""
    return [(_joined(weights, part).abs() < std).float().mean().item() for part in parts]


def _joined(weights: Weights, part: str) -> torch.Tensor:
    return torch.cat([weight.flatten() for name, weight in weights.items() if part in name])


def _twins(weights: Weights, others: Weights) -> str:
    """Say which drawn matrices are alike: of two models, or query and key of one block."""
    query, key = (f"blocks.0.attention.{part}.weight" for part in ("query", "key"))
    if torch.equal(weights[query], weights[key]):
        return f"{query} and {key} are alike"
    return f"{query} is alike in both" if torch.equal(weights[query], others[query]) else ""


def _largest(weights: Weights, ending: str) -> float:
    return max(w.abs().max().item() for name, w in weights.items() if name.endswith(ending))


def _range_of_norms(weights: Weights) -> list[float]:
    norms = torch.cat([w for name, w in weights.items() if "norm" in name and "weight" in name])
    return [norms.min().item(), norms.max().item()]

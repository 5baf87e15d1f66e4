"""The checks of `Classifier`."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden

LESSON = "08_bert_and_evaluation"
PAD, MASK, START = 0, 1, 2


class Body(nn.Module):
    """Looks ids up in a table (V, C), and mixes nothing."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.embedding = nn.Embedding(*table.shape)
        self.embedding.weight = nn.Parameter(table)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the rows of `ids`."""
        return self.embedding(ids)  # type: ignore[no-any-return]


@probe
def new_classifier(namespace: dict[str, Any], table: torch.Tensor, classes: int) -> Any:
    """Return the student's classifier on a body with this `table`."""
    return namespace["Classifier"](Body(table), table.shape[1], classes)


@probe
def weights_of(_: dict[str, Any], model: nn.Module) -> dict[str, list[int]]:
    """Return the shape of each of the model's weights."""
    return {name: list(weight.shape) for name, weight in model.named_parameters()}


@probe
def start_of(_: dict[str, Any], model: Any) -> list[torch.Tensor]:
    """Return the head's weight and bias, as they begin."""
    return [model.head.weight.detach(), model.head.bias.detach()]


@probe
def answers(
    _: dict[str, Any], model: Any, weight: torch.Tensor, bias: torch.Tensor, ids: torch.Tensor
) -> Any:
    """Return the logits of the model for `ids` once its head has this `weight` and `bias`."""
    with torch.no_grad():
        model.head.weight.copy_(weight)
        model.head.bias.copy_(bias)
    logits = model(ids)
    return None if logits is None else logits.detach()


@probe
def unreached(_: dict[str, Any], model: nn.Module, ids: torch.Tensor) -> list[str]:
    """Return the names of the parameters that a training step would not reach."""
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    loss = F.cross_entropy(model(ids), torch.zeros(len(ids), dtype=torch.int64))
    loss.backward()  # type: ignore[no-untyped-call]
    named = model.named_parameters()
    return [name for name, part in named if part.grad is None or not part.grad.any()]


def _lines(rng: Rng, V: int, rows: int, T: int) -> torch.Tensor:
    """Return ids (rows, T), each line with [start], words, and as many [pad] as are left."""
    ids = integers(rng, V - 3, rows, T) + 3
    ids[:, 0] = START
    for row, length in enumerate(rng.permutation(range(2, T + 1))[:rows]):
        ids[row, int(length) :] = PAD
    return ids


def _logits(
    table: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, ids: torch.Tensor
) -> torch.Tensor:
    means = [table[line[line != PAD]].double().mean(dim=0) for line in ids]
    return (torch.stack(means) @ weight.double().T + bias.double()).float()


@exercise(LESSON, "Classifier", points=3)
def classifier(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def draw() -> list[torch.Tensor]:
        V, C, classes = (int(rng.integers(low, low + 5)) for low in (20, 4, 3))
        table, weight = normal(rng, V, C), normal(rng, classes, C)
        return [table, weight, normal(rng, classes), _lines(rng, V, 4, int(rng.integers(7, 12)))]

    def ask(table: torch.Tensor, weight: torch.Tensor, *rest: torch.Tensor) -> Any:
        model = student.probe(new_classifier, table, len(weight))
        return student.probe(answers, model, weight, *rest)

    table, weight, bias, ids = draw()
    C, classes = table.shape[1], len(weight)
    shapes = {
        "body.embedding.weight": list(table.shape),
        "head.weight": [classes, C],
        "head.bias": [classes],
    }
    yield case(
        "its parts",
        lambda: student.probe(weights_of, student.probe(new_classifier, table, classes)),
        shapes,
        hint="self.body = body, and self.head = nn.Linear(channels, classes), with a bias. "
        "super().__init__() comes first.",
        form=True,
    )
    yield case(
        "the shape of what comes out; of a single line; and with a single class",
        lambda: [
            list(ask(table, weight, bias, ids).shape),
            list(ask(table, weight, bias, ids[:1]).shape),
            list(ask(table, weight[:1], bias[:1], ids).shape),
        ],
        [[len(ids), classes], [1, classes], [len(ids), 1]],
        hint="One row of logits for each line: (B, classes). The mean over the positions takes T "
        "away: dim=1. With one line or one class it is (1, classes) or (B, 1): no .squeeze().",
        form=True,
    )
    yield case(
        "the head at the start: its largest number",
        lambda: [
            float(part.abs().max())
            for part in student.probe(start_of, student.probe(new_classifier, table, classes))
        ],
        [0.0, 0.0],
        hint="nn.init.zeros_(self.head.weight), and the same for its bias: before training all "
        "classes are equally likely, and the loss is ln classes.",
        points=0.5,
    )
    full = ids.clone()
    full[full == PAD] = 5
    full[:, 2] = MASK
    yield case(
        "lines without [pad]",
        lambda: ask(table, weight, bias, full),
        _logits(table, weight, bias, full),
        hint="Ask the body, take the mean over the positions (dim=1), and give it to the "
        "head. Every "
        "position that is not PAD counts, those of [start] and [mask] too. Logits come out: no "
        "softmax.",
    )

    def padded() -> Iterator[Case]:
        drawn = draw()
        yield case(
            "lines of different lengths",
            lambda: ask(*drawn),
            _logits(*drawn),
            hint="[pad] is no word, so it has no part in the mean, neither in the sum nor in the "
            "number it is divided by. real = (ids != PAD), with an axis behind it, (B, T, 1), "
            "takes the rows of the others out. Each line is divided by its own number of words.",
            points=2,
        )

    yield from public_and_hidden(padded)
    between = torch.stack([line[torch.from_numpy(rng.permutation(len(line)))] for line in ids])
    between = F.pad(between, (1, 0))
    yield case(
        "[pad] in front and between the words",
        lambda: ask(table, weight, bias, between),
        _logits(table, weight, bias, between),
        hint="Ask of each position whether its id is PAD, wherever it stands: the first n rows are "
        "not always those of the n words.",
    )
    longer = F.pad(ids, (0, int(rng.integers(2, 6))))

    def moved() -> str:
        change = float(
            (ask(table, weight, bias, ids) - ask(table, weight, bias, longer)).abs().max()
        )
        return "" if change < 1e-4 else f"they move by {change:.2g}"

    yield holds(
        "more [pad] behind each line",
        "the logits stay",
        moved,
        hint="How far a line is filled up depends on the others in its batch: it must not change "
        "the answer.",
        points=0.5,
    )
    yield case(
        "which weights a training step does not reach",
        lambda: student.probe(unreached, student.probe(new_classifier, table, classes), ids),
        [],
        hint="The gradients reach the body too, and the head: no .detach(), no "
        "torch.no_grad(), and "
        "no requires_grad_(False).",
    )
    huge = [table, weight, bias, ids]
    huge[0] = table.clone()
    huge[0][PAD] = 1e4 * math.sqrt(float(rng.uniform(1, 2)))
    yield case(
        "a body that says large numbers at [pad]",
        lambda: ask(*huge),
        _logits(*huge),
        hint="What the body says at [pad] has no part in the sum either: multiply by real, or "
        "choose the rows.",
        atol=1e-3,
        rtol=1e-3,
    )

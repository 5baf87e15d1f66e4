"""Checks of `evaluate_loss`."""

import math
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds
from lmcourse.checks.mlp.nets import kind_of_number

LESSON = "04_mlp"


class _Upset(torch.nn.Module):
    """Turns logits round, and so spoils them, while it is in training mode."""

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.flip(-1) if self.training else logits


class _Module(_Upset):
    """The model `function`, with its logits turned round while it is in training mode."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return super().forward(self.function(ids))


class _WithParts(_Upset):
    """The model `function`, with its logits turned round while a part of a part is in that mode."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function
        self.parts = torch.nn.Sequential(torch.nn.Sequential(_Upset()))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.parts(self.function(ids))
        return logits


@probe
def judged(
    _: dict[str, Any],
    evaluate_loss: Callable[..., float],
    upset_by: str,
    table: torch.Tensor,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    *batch: int,
) -> float:
    """Return `evaluate_loss` of a model that looks its logits up in `table`.

    Targets of shape (N,) get one row of logits each, for a context; those of shape (W, T) get one
    for each character. `upset_by` says what makes the model's logits wrong: "nothing",
    "gradients", "its mode", or "a part's mode".
    """

    def model(ids: torch.Tensor) -> torch.Tensor:
        logits = table[ids].sum(dim=1) if targets.dim() == 1 else table[ids]
        is_upset = upset_by == "gradients" and torch.is_grad_enabled()
        return logits.flip(-1) if is_upset else logits

    modules = {"its mode": _Module, "a part's mode": _WithParts}
    with torch.enable_grad():  # whatever is switched off in here is as before afterwards
        chosen = modules[upset_by](model) if upset_by in modules else model
        return evaluate_loss(chosen, inputs, targets, *batch)


@probe
def pieces(
    _: dict[str, Any], evaluate_loss: Callable[..., float], inputs: torch.Tensor, batch: int
) -> list[list[int]] | None:
    """Return the first number of each row of `inputs` (N, T), for each piece the model gets."""
    seen: list[list[int]] = []

    def model(ids: torch.Tensor) -> torch.Tensor:
        seen.append(ids[:, 0].tolist())
        return torch.zeros(len(ids), 4)

    with torch.enable_grad():
        loss = evaluate_loss(model, inputs, torch.zeros(len(inputs)).long(), batch)
    return None if loss is None else seen


@probe
def modes_left(
    _: dict[str, Any], evaluate_loss: Callable[..., float], modes: list[bool]
) -> list[list[bool]] | None:
    """Return whether models, and their parts, are in training mode after they were judged.

    Before, the first model and its parts are in the first of `modes`, and so on.
    """
    left = []
    for training in modes:
        model = _WithParts(lambda ids: torch.zeros(len(ids), 4)).train(training)
        with torch.enable_grad():
            loss = evaluate_loss(model, torch.zeros(3, 2).long(), torch.zeros(3).long())
        if loss is None:
            return None
        left.append([part.training for part in model.modules()])
    return left


@probe
def gradients_left(
    _: dict[str, Any], evaluate_loss: Callable[..., float], enabled: list[bool]
) -> list[bool] | None:
    """Return whether torch takes notes after each call; `enabled` says so for before."""
    left = []
    for before in enabled:
        with torch.set_grad_enabled(before):
            loss = evaluate_loss(
                lambda ids: torch.zeros(len(ids), 4),
                torch.zeros(3, 2).long(),
                torch.zeros(3).long(),
            )
            if loss is None:
                return None
            left.append(torch.is_grad_enabled())
    return left


@exercise(LESSON, "evaluate_loss", points=3)
def evaluate_loss(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def judge(*args: Any, upset_by: str = "nothing") -> Any:
        return student.probe(judged, student.evaluate_loss, upset_by, *args)

    def mean(table: torch.Tensor, inputs: torch.Tensor, targets: torch.Tensor) -> float:
        logits = table[inputs].sum(dim=1) if targets.dim() == 1 else table[inputs]
        return cross_entropy(logits.reshape(targets.numel(), -1), targets.reshape(-1)).item()

    V = int(rng.integers(5, 60))
    blind = torch.zeros(V, V), integers(rng, V, 6, 2), integers(rng, V, 6)
    yield case(
        "whether it runs with a plain function as the model",
        lambda: None if judge(*blind, 6) is None else "it runs",
        "it runs",
        hint="A plain function has no eval() and no training: ask isinstance(model, "
        "torch.nn.Module) first. And V is logits.shape[-1] here: other models have other V.",
        points=0.5,
    )
    yield case(
        "what kind of thing comes back",
        lambda: kind_of_number(judge(*blind, 6)),
        "a plain number",
        hint="Return the loss as a plain number: .item() makes one of a sum that is a tensor.",
    )
    yield case(
        "logits that are all 0, 6 targets, one at a time: ln V",
        lambda: judge(*blind, 1),
        math.log(V),
        hint="The mean, not the sum: after the loop, divide by the number of targets.",
    )
    yield case(
        "logits that are all 0, 6 targets, 6 at a time: ln V",
        lambda: judge(*blind, 6),
        math.log(V),
        hint="Too small? Then you added up means and divided once more: take the sum of each "
        "piece, cross_entropy(..., reduction='sum').",
    )
    # A model that is nearly sure of character 0: a low loss for 0, a high one for all others.
    sure = torch.zeros(2, 4)
    sure[:, 0] = float(rng.uniform(2, 4))
    inputs, half = integers(rng, 2, 8, 2), torch.tensor([0, 0, 0, 0, 1, 2, 3, 1])
    yield case(
        "8 targets, 4 at a time, the second four much harder",
        lambda: judge(sure, inputs, half, 4),
        mean(sure, inputs, half),
        hint="Go through all the pieces, not just the first: for i in range(0, len(targets), "
        "batch). And keep a total over all of them. (A return inside the loop ends it at once.)",
    )
    lopsided = torch.tensor([0, 0, 0, 0, 3])
    yield case(
        "5 targets, 4 at a time: the last piece has only one",
        lambda: judge(sure, inputs[:5], lopsided, 4),
        mean(sure, inputs[:5], lopsided),
        hint="The last piece is smaller, and counts too, but less. Add up sums, "
        "cross_entropy(..., reduction='sum'), and divide once, by the number of all targets.",
    )
    yield case(
        "3 targets, and no batch given",
        lambda: judge(sure, inputs[:3], half[3:6]),
        mean(sure, inputs[:3], half[3:6]),
        hint="Keep the signature, batch=256. A piece may have fewer rows than `batch`, also the "
        "only one.",
    )
    table, windows, targets = normal(rng, 5, 5), integers(rng, 5, 3, 4), integers(rng, 5, 3, 4)
    yield case(
        "targets of shape (3, 4), logits of shape (3, 4, 5), 2 rows at a time",
        lambda: judge(table, windows, targets, 2),
        mean(table, windows, targets),
        hint="cross_entropy wants one row of logits for each target: reshape the logits to (-1, V) "
        "and the targets to (-1). And divide by all 12 targets, targets.numel(), not by the rows.",
        points=3,
    )
    rows = torch.from_numpy(rng.permutation(100)[:20]).reshape(10, 2)

    def too_many() -> str:
        most = max(map(len, student.probe(pieces, student.evaluate_loss, rows, 4)))
        return f"it gets {most}" if most > 4 else ""

    yield holds(
        "10 rows, 4 at a time: whether the model never gets more at once",
        "it never gets more than 4",
        too_many,
        hint="Give the model at most `batch` rows at a time: inputs[i : i + batch].",
    )
    yield case(
        "10 rows, 4 at a time: all that the model gets, in order of size",
        lambda: sorted(chain(*student.probe(pieces, student.evaluate_loss, rows, 4))),
        sorted(rows[:, 0].tolist()),
        hint="Each row once: the pieces begin at 0, batch, 2 * batch, ...",
    )
    many, answers = integers(rng, 5, 10, 3), integers(rng, 5, 10)
    yield case(
        "a model whose logits are wrong while torch takes notes",
        lambda: judge(table, many, answers, 4, upset_by="gradients"),
        mean(table, many, answers),
        hint="Call the model under `with torch.no_grad():`.",
        points=3,
    )
    enabled = [bool(n) for n in rng.permutation([0, 1] * 4)]
    yield case(
        "eight calls, some of them under no_grad: whether torch takes notes afterwards",
        lambda: student.probe(gradients_left, student.evaluate_loss, enabled),
        enabled,
        hint="As before the call: use `with torch.no_grad():`, which ends by itself. "
        "torch.set_grad_enabled(...) stays.",
    )
    yield case(
        "a torch.nn.Module whose logits are wrong in training mode",
        lambda: judge(table, many, answers, 4, upset_by="its mode"),
        mean(table, many, answers),
        hint="If the model is a torch.nn.Module, call model.eval(), and do so before the loop.",
        points=3,
    )
    yield case(
        "a torch.nn.Module with a part, such as dropout, that is wrong in training mode",
        lambda: judge(table, many, answers, 4, upset_by="a part's mode"),
        mean(table, many, answers),
        hint="model.eval() switches the model and all of its parts. model.training = False leaves "
        "the parts in training mode, and dropout goes on.",
        points=3,
    )
    modes = [bool(n) for n in rng.permutation([0, 1] * 4)]

    def left() -> Any:
        return student.probe(modes_left, student.evaluate_loss, modes)

    yield case(
        "eight of them, some in training mode, some not: in which mode they are afterwards",
        lambda: [model[0] for model in left()],
        modes,
        hint="Put the model back into the mode in which it was: note model.training before the "
        "loop, and after the loop call model.train() if it was True. If that was evaluation, do "
        "not call it. (A return before that comes too early.)",
    )
    yield case(
        "the same, and in which mode their parts are",
        left,
        [[training] * 4 for training in modes],
        hint="model.train() puts the model back with all of its parts; model.training = True "
        "changes the model alone.",
    )
    size = int(rng.integers(30, 40))
    more, others = integers(rng, 5, size, 3), integers(rng, 5, size)
    yield case(
        "random logits, 7 rows at a time",
        lambda: judge(table, more, others, 7),
        mean(table, more, others),
        hint="Sums over the pieces, divided once by the number of all targets.",
    )
    wide, wanted = integers(rng, 5, 11, 6), integers(rng, 5, 11, 6)
    yield case(
        "windows, 4 rows at a time",
        lambda: judge(table, wide, wanted, 4),
        mean(table, wide, wanted),
        hint="Sums over the pieces, divided once by the number of all targets.",
        hidden=True,
    )

"""The checks of `mlm_loss`."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, one_number, public_and_hidden, slopes_of

LESSON = "08_bert_and_evaluation"


class Counting(nn.Module):
    """A head of given weights (V, C) that counts the positions at which it is asked."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = weight
        self.positions = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of each row of `x`."""
        self.positions += x.numel() // x.shape[-1]
        return F.linear(x, self.weight)


@probe
def loss_and_more(
    _: dict[str, Any],
    mlm_loss: Callable[..., Any],
    x: torch.Tensor,
    weight: torch.Tensor,
    ids: torch.Tensor,
    chosen: torch.Tensor,
) -> Any:
    """Return the loss, its gradients for `x` and the head's `weight`, and how often it asked."""
    head = Counting(weight.requires_grad_())
    loss = mlm_loss(x.requires_grad_(), head, ids, chosen)
    if loss is None:
        return None
    value = loss.detach() if isinstance(loss, torch.Tensor) else loss
    loss = torch.as_tensor(loss)
    return [value, slopes_of(loss, [x, weight]), head.positions]


@probe
def step_from_nothing(
    _: dict[str, Any],
    mlm_loss: Callable[..., Any],
    x: torch.Tensor,
    weight: torch.Tensor,
    ids: torch.Tensor,
) -> str | None:
    """Say why a training step fails where no position of `ids` is chosen, or changes something."""
    head = Counting(weight.requires_grad_())
    loss = mlm_loss(x.requires_grad_(), head, ids, torch.zeros_like(ids, dtype=torch.bool))
    if loss is None:
        return None
    if not isinstance(loss, torch.Tensor):
        return f"the loss is of type {type(loss).__name__}, and no tensor"
    if not loss.requires_grad:
        return "loss.backward() fails: the tensor comes from no gradients"
    slopes = slopes_of(loss, [x, weight])
    return "some slopes are not 0" if any(bool((part != 0).any()) for part in slopes) else ""


def _truth(
    x: torch.Tensor, weight: torch.Tensor, ids: torch.Tensor, chosen: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """Return the loss and its gradients for `x` and `weight`, worked out in float64."""
    x, weight = (part.double().requires_grad_() for part in (x, weight))
    loss = F.cross_entropy(x[chosen] @ weight.T, ids[chosen])
    return loss.item(), [part.float() for part in slopes_of(loss, [x, weight])]


@exercise(LESSON, "mlm_loss", points=2)
def mlm_loss(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def draw(rows: int, T: int, C: int, V: int) -> list[torch.Tensor]:
        chosen = integers(rng, 100, rows, T) < int(rng.integers(20, 50))
        # The first line has more of them than the last one.
        chosen[0, :3], chosen[0, 3], chosen[-1], chosen[-1, -1] = True, False, False, True
        ids = integers(rng, V, rows, T)
        ids[0, :3] = torch.arange(3)  # marks are chosen too
        return [normal(rng, rows, T, C), normal(rng, V, C), ids, chosen]

    def ask(arguments: list[torch.Tensor]) -> Any:
        return student.probe(loss_and_more, student.mlm_loss, *arguments)

    few = draw(2, 5, 4, 7)
    yield case(
        "one number",
        lambda: one_number(ask(few)[0]),
        "one number",
        hint="The mean over the chosen positions is a single number: a tensor of shape ().",
        form=True,
    )

    alone = [normal(rng, 1, 1, 5), normal(rng, 9, 5), integers(rng, 6, 1, 1) + 3]
    alone.append(torch.ones(1, 1, dtype=torch.bool))
    yield case(
        "a line of one position, which is chosen",
        lambda: float(ask(alone)[0]),
        _truth(*alone)[0],
        hint="The loss is the cross-entropy at the chosen positions, and at no others. "
        "F.cross_entropy takes the logits as the head gives them, with no softmax before it; its "
        "answer is in nats, and stays so.",
    )

    def many() -> Iterator[Case]:
        arguments = draw(*(int(rng.integers(low, low + 4)) for low in (2, 6, 3, 8)))
        value, slopes = _truth(*arguments)
        yield case(
            "some positions chosen: the loss",
            lambda: float(ask(arguments)[0]),
            value,
            hint="The mean of the cross-entropy at the chosen positions, and at no "
            "others: x[chosen] "
            "has a row of C numbers for each, head(...) makes logits of it, and ids[chosen] are "
            "the words that stood there. Every chosen position counts, whatever stands "
            "there. Divide "
            "by how many are chosen, not by all positions.",
        )
        yield case(
            "its gradients",
            lambda: ask(arguments)[1],
            slopes,
            hint="Slopes travel back to x and to the head's weights: no .item(), no .detach(), no "
            "torch.no_grad().",
        )

    yield from public_and_hidden(many)
    single = draw(3, 8, 4, 9)
    single[3] = torch.zeros_like(single[3])
    single[3][1, int(rng.integers(8))] = True
    yield case(
        "one position chosen in all",
        lambda: float(ask(single)[0]),
        _truth(*single)[0],
        hint="The mean over a single position is its own loss: divide by how many are chosen in "
        "all lines together.",
    )
    none = draw(2, 6, 4, 7)
    none[3] = torch.zeros_like(none[3])
    yield case(
        "no position chosen",
        lambda: float(ask(none)[0]),
        0.0,
        hint="The mean of nothing is nan, and one nan spoils all weights. Where nothing is chosen, "
        "return 0: the sum divided by max(1, how many), for example.",
    )
    wide = draw(3, 40, 4, 9)
    yield case(
        "at how many positions the head is asked; and where no position is chosen",
        lambda: [ask(wide)[2], ask(none)[2]],
        [int(wide[3].sum()), 0],
        hint="Take the chosen positions out of x before the head, x[chosen], and not out of the "
        "logits: most of the head's work would be for nothing. Where nothing is chosen it gets no "
        "rows.",
    )
    yield holds(
        "no position chosen: a training step",
        "it changes nothing",
        lambda: student.probe(step_from_nothing, student.mlm_loss, *none[:3]),
        hint="Where nothing is chosen the training goes on too, and calls loss.backward(): return "
        "a tensor through which gradients travel, not the number 0. A sum over no "
        "positions is one.",
        points=0.5,
    )

"""The checks of `ensemble`."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import described, holds, public_and_hidden

LESSON = "08_bert_and_evaluation"


class Table(nn.Module):
    """Says the logits of a table (V, K) for the first id of each line; drops some in training."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.table = nn.Parameter(table)
        self.dropout = nn.Dropout(0.5)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the logits of each line of `ids`."""
        return self.dropout(self.table[ids[:, 0]])  # type: ignore[no-any-return]


@probe
def together(
    _: dict[str, Any],
    ensemble: Callable[..., Any],
    tables: list[torch.Tensor],
    modes: list[bool],
    ids: torch.Tensor,
) -> Any:
    """Return what `ensemble` gives, whether gradients hang on it, and what became of the models.

    That is: the mode of each, and what can no longer learn, in words.
    """
    models = [Table(table).train(mode) for table, mode in zip(tables, modes, strict=True)]
    given = ensemble(models, ids)
    if given is None:
        return None
    frozen = not all(weight.requires_grad for model in models for weight in model.parameters())
    off = "" if torch.is_grad_enabled() else "gradients are switched off for all that follows"
    slopes = isinstance(given, torch.Tensor) and given.requires_grad
    return [
        given.detach() if isinstance(given, torch.Tensor) else given,
        slopes,
        [model.training for model in models],
        "the models' weights are frozen" if frozen else off,
    ]


def _form(given: Any) -> str | None:
    """Return kind and shape of a tensor, any floats being "float", and what else it is in words."""
    if isinstance(given, torch.Tensor) and given.dtype.is_floating_point:
        return f"float tensor {tuple(given.shape)}"
    return described(given)


@exercise(LESSON, "ensemble", points=2)
def ensemble(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def draw(count: int, spread: float = 2.0) -> list[Any]:
        V, K, B = (int(rng.integers(low, low + 5)) for low in (9, 3, 4))
        tables = [spread * normal(rng, V, K) for _ in range(count)]
        return [tables, [False] * count, integers(rng, V, B, 5)]

    def ask(tables: list[torch.Tensor], modes: list[bool], ids: torch.Tensor) -> Any:
        return student.probe(together, student.ensemble, tables, modes, ids)

    def want(tables: list[torch.Tensor], _: list[bool], ids: torch.Tensor) -> torch.Tensor:
        probs = torch.stack([table[ids[:, 0]].double().softmax(dim=1) for table in tables])
        return probs.mean(dim=0).float()

    some = draw(3)
    shape = (len(some[2]), some[0][0].shape[1])
    yield case(
        "what comes out",
        lambda: _form(ask(*some)[0]),
        f"float tensor {shape}",
        hint="A tensor, and no list, with one row of probabilities for each line, (B, K): the mean "
        "over the models takes their axis away.",
        form=True,
    )
    alone = draw(1)
    yield case(
        "one model alone",
        lambda: ask(*alone)[0],
        want(*alone),
        hint="Probabilities come out: the softmax of the logits along the classes, dim=1.",
    )

    def several() -> Iterator[Case]:
        arguments = draw(int(rng.integers(2, 6)), float(rng.uniform(1.5, 4)))
        yield case(
            "several models",
            lambda: ask(*arguments)[0],
            want(*arguments),
            hint="First each model's own probabilities, and then their mean. The softmax of the "
            "mean of the logits is something else. All models count alike.",
            points=2,
        )

    yield from public_and_hidden(several)
    training = draw(4)
    training[1] = [True] * 4
    yield case(
        "models that were in training",
        lambda: ask(*training)[0],
        want(*training),
        hint="model.eval() before you ask: in training, dropout throws a part away.",
    )
    mixed = draw(4)
    mixed[1] = [bool(mode) for mode in rng.permutation([True, True, False, False])]
    yield case(
        "the models' modes afterwards",
        lambda: ask(*mixed)[2],
        mixed[1],
        hint="Each model is afterwards in the mode in which it was: keep model.training, and "
        "give it back with model.train(...).",
    )
    yield holds(
        "no gradients hang on what comes out",
        "none",
        lambda: "they do" if ask(*some)[1] else "",
        hint="@torch.no_grad() in front of the function: nobody trains here.",
        points=0.5,
    )
    yield holds(
        "whether the models can learn afterwards",
        "they can",
        lambda: ask(*some)[3],
        hint="Leave the models' weights as they are, and switch gradients off within the function "
        "alone: @torch.no_grad() in front of it, or with torch.no_grad(): inside.",
        points=0.5,
    )

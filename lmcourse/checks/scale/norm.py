"""The checks of RMSNorm."""

from collections.abc import Iterator

import torch
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import answer_and_arguments, apart, public_and_hidden
from lmcourse.checks.scale.modules import outputs, parameters_of, slopes

NORMS = ("rms_norm", "layer_norm", "group_norm", "instance_norm", "batch_norm")


def _want(x: torch.Tensor, weight: torch.Tensor, eps: float = 1e-6) -> torch.Tensor:
    return F.rms_norm(x, x.shape[-1:], weight, eps)


@exercise("09_scale", "RMSNorm", points=2, forbidden=(*NORMS, "native_layer_norm"))
def rms_norm(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(
        x: torch.Tensor, weight: torch.Tensor | None = None, *eps: float
    ) -> torch.Tensor | None:
        C = x.shape[-1]
        weight = torch.ones(C) if weight is None else weight
        given = student.probe(outputs, student.RMSNorm, [C, *eps], weight, [x])
        return None if given is None else torch.as_tensor(given[0])

    yield case(
        "the parameters of RMSNorm(3)",
        lambda: student.probe(parameters_of, student.RMSNorm, [3]),
        {"weight": torch.ones(3)},
        hint="One parameter, named weight, of shape (channels,), which begins as ones: a tensor "
        "wrapped in nn.Parameter. There is no bias.",
    )
    x = 3 * normal(rng, 2, 3, 4) + 1
    yield case(
        "the shape of what comes out",
        lambda: list(getattr(ask(x), "shape", ())),
        [2, 3, 4],
        hint="What comes out has the shape of what came in: keepdim=True lets the mean stretch "
        "over the channels again.",
        form=True,
    )
    yield case(
        "the channels 3 and 4",
        lambda: ask(torch.tensor([[[3.0, 4.0]]])),
        torch.tensor([[[3.0, 4.0]]]) / 12.5**0.5,
        hint="Divide by the root of the mean of the squares: (9 + 16) / 2 = 12.5, not their sum. "
        "Nothing is subtracted first, and the root must be taken.",
        atol=1e-4,
    )
    yield case(
        "the channels 2 and 2, with eps = 12",
        lambda: ask(torch.tensor([[[2.0, 2.0]]]), None, 12.0),
        torch.tensor([[[0.5, 0.5]]]),
        hint="eps is added to the mean square, under the root: the root of 4 + 12 is 4. It is the "
        "eps that was given to RMSNorm.",
        atol=1e-4,
    )
    yield case(
        "four channels that are all 0",
        lambda: ask(torch.zeros(1, 1, 4)),
        torch.zeros(1, 1, 4),
        hint="eps saves you from dividing 0 by 0: add it under the root.",
    )

    def afterwards() -> torch.Tensor | None:
        module = student.RMSNorm(4)
        came = student.probe(answer_and_arguments, module, x)
        return None if came is None else torch.as_tensor(came[1])

    yield case(
        "x afterwards: as it was",
        afterwards,
        x,
        hint="x *= ... and x /= ... change the tensor itself, and the stream still needs it. Make "
        "a new one.",
    )
    single = x[1:, 2:]
    yield case(
        "one position by itself, and the same one among others: the largest difference",
        lambda: apart(torch.as_tensor(ask(x))[1:, 2:], torch.as_tensor(ask(single))),
        0.0,
        hint="Each position is normalised by itself, over its channels: dim=-1, keepdim=True.",
    )

    def drawn() -> Iterator[Case]:
        C = int(rng.integers(5, 20))
        weight, loud = normal(rng, C), 50 * normal(rng, 2, 2, 3, C) + 20
        yield case(
            "four axes, loud numbers, and a weight",
            lambda: ask(loud, weight),
            _want(loud, weight),
            hint="x divided by the root of (mean of x² over the last axis + eps), and then times "
            "self.weight. There may be any number of axes in front.",
            atol=1e-3,
        )
        eps = float(rng.uniform(1, 9))
        few = normal(rng, 4, C)
        yield case(
            "two axes, and another eps",
            lambda: ask(few, weight, eps),
            _want(few, weight, eps),
            hint="Use self.eps, as it was given, under the root.",
            atol=1e-4,
        )
        quiet = normal(rng, C) / 1000
        yield case(
            "one axis, quiet numbers, and eps as it is when it is not given",
            lambda: ask(quiet),
            _want(quiet, torch.ones(C)),
            hint="Keep the signature: eps=1e-6 if nothing is said. And there may be no axis in "
            "front of the channels.",
            atol=1e-3,
        )
        direction = normal(rng, *few.shape)
        leaves = [weight.clone().requires_grad_(), few.clone().requires_grad_()]
        total = (_want(leaves[1], leaves[0]) * direction).sum()
        yield case(
            "the gradients that travel back to weight and x",
            lambda: student.probe(slopes, student.RMSNorm, [C], weight, few, direction),
            list(torch.autograd.grad(total, leaves)),
            hint="No .detach(), .data, .item() or torch.no_grad() on the way: the root mean square "
            "depends on x as well.",
            atol=1e-3,
        )

    yield from public_and_hidden(drawn)

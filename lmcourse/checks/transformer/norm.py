"""The checks of LayerNorm."""

from collections.abc import Iterator
from functools import partial

import torch

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import apart, public_and_hidden
from lmcourse.checks.transformer.expected import (
    norm_shapes,
    random_weights,
    torch_norm,
    torch_slopes,
)
from lmcourse.checks.transformer.modules import (
    Weights,
    answers,
    input_stays,
    parameters_of,
    slopes_in_both_modes,
)

# With one group, or of one position, these are all the same thing.
NORMS = ("layer_norm", "group_norm", "batch_norm", "instance_norm", "rms_norm")


@exercise(
    "06_transformer",
    "LayerNorm",
    points=3,
    forbidden=(*NORMS, "native_layer_norm", "native_group_norm", "native_batch_norm"),
)
def layer_norm(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    ask = partial(answers, student, "LayerNorm")

    def at_first(C: int) -> Weights:
        return {"weight": torch.ones(C), "bias": torch.zeros(C)}

    yield case(
        "the parameters of LayerNorm(3)",
        lambda: student.probe(parameters_of, student.LayerNorm, [3]),
        at_first(3),
        hint="Two parameters, named weight and bias, both of shape (channels,): ones and zeros at "
        "first. A tensor is a parameter only if it is wrapped in nn.Parameter.",
    )
    x = 3 * normal(rng, 2, 3, 4) + 1
    yield case(
        "the shape of what comes out",
        lambda: list(ask([4], at_first(4), x)[0].shape),
        [2, 3, 4],
        hint="What comes out has the shape of what came in: keepdim=True lets mean and variance "
        "stretch over the channels again.",
        form=True,
    )
    yield input_stays(
        student,
        "LayerNorm",
        [4],
        x,
        hint="x -= ... and x /= ... change the tensor itself, and the stream still needs it. "
        "Make a new one: (x - mean) / ...",
    )
    yield case(
        "one position by itself, and the same one among others: the largest difference",
        lambda: _largest_difference(ask([4], at_first(4), x, x[1:, 2:])),
        0.0,
        hint="Each position is normalised by itself, over its channels: dim=-1, the last axis, and "
        "keepdim=True, so that the result stretches over the channels again.",
    )
    yield case(
        "in training and in evaluation: how far the results are apart",
        lambda: apart(*(ask([4], at_first(4), x, training=how)[0] for how in (True, False))),
        0.0,
        hint="Layer norm does the same in both modes, with the mean and the variance of the "
        "position itself. Means of earlier calls belong to batch norm.",
    )
    yield case(
        "the channels 2 and 6",
        lambda: ask([2], at_first(2), torch.tensor([[[2.0, 6.0]]]))[0],
        torch.tensor([[[-1.0, 1.0]]]),
        hint="Subtract the mean, which is 4. The variance is the mean of the squares of -2 and 2, "
        "which is 4, and its root 2. Torch's var and std divide by C - 1 unless you give "
        "correction=0; and take the root of the variance. (A weight of 1, as a factor, and a bias "
        "of 0, which is added, change nothing.)",
    )
    yield case(
        "the channels 0, 0, 0, 0 and 5",
        lambda: ask([5], at_first(5), torch.tensor([[[0.0, 0.0, 0.0, 0.0, 5.0]]]))[0],
        torch.tensor([[[-0.5, -0.5, -0.5, -0.5, 2.0]]]),
        hint="The mean is 1. The variance is the mean of the squares 1, 1, 1, 1 and 16, which is "
        "4: squares, and not sizes without their sign.",
    )
    yield case(
        "the channels 0 and 4, with eps = 12",
        lambda: ask([2, 12.0], at_first(2), torch.tensor([[[0.0, 4.0]]]))[0],
        torch.tensor([[[-0.5, 0.5]]]),
        hint="eps is added to the variance, under the root: the variance is 4, and the root of "
        "4 + 12 is 4. It is self.eps, as given to LayerNorm.",
    )
    yield case(
        "four channels that are all equal",
        lambda: ask([4], at_first(4), torch.full((1, 1, 4), 7.0))[0],
        torch.zeros(1, 1, 4),
        hint="The difference to the mean is 0, and eps saves you from dividing 0 by 0.",
    )
    weights = random_weights(rng, norm_shapes(4))
    quiet = normal(rng, 1, 3, 4) / 300
    yield case(
        "quiet numbers, of spread 0.003, and eps as it is when it is not given",
        lambda: ask([4], at_first(4), quiet)[0],
        torch_norm(at_first(4), quiet),
        hint="Keep the signature: eps=1e-5 if nothing is said.",
        atol=1e-3,
    )
    yield case(
        "with a weight and a bias, compared with torch's own",
        lambda: ask([4], weights, x)[0],
        torch_norm(weights, x),
        hint="Last of all, after the division: times self.weight, plus self.bias.",
        atol=1e-4,
    )
    other = normal(rng, 2, 3, 4) / 2 - 1
    yield case(
        "the same in training, and another text after it",
        lambda: ask([4], weights, x, other, training=True),
        [torch_norm(weights, x), torch_norm(weights, other)],
        hint="Training and evaluation are alike: only the numbers of the position itself count, "
        "and nothing is kept from call to call.",
        atol=1e-4,
    )
    eps = float(rng.uniform(1, 9))
    yield case(
        "with another eps, and the parameters as they are at first",
        lambda: ask([4, eps], at_first(4), x)[0],
        torch_norm(at_first(4), x, eps),
        hint="(x - mean) / sqrt(variance + eps), with the eps that LayerNorm was given.",
        atol=1e-4,
    )
    high = 1000 + normal(rng, 1, 30, 64)
    yield case(
        "numbers of spread 1 about 1000",
        lambda: ask([64], at_first(64), high)[0],
        torch_norm(at_first(64), high),
        hint="First the differences to the mean, then the mean of their squares. The mean of the "
        "squares less the square of the mean is the same in theory; here two huge numbers that are "
        "nearly alike lose all their digits, and the variance may even fall below 0.",
        atol=1e-2,
    )
    direction = normal(rng, 2, 3, 4)
    yield case(
        "the gradients that travel back to weight, bias and x",
        lambda: slopes_in_both_modes(student, "LayerNorm", [4], weights, x, direction),
        [torch_slopes(torch_norm, weights, x, direction)] * 2,
        hint="Both parameters must be used in forward, and no .detach(), .data or torch.no_grad() "
        "on the way: mean and variance depend on x as well.",
        atol=1e-3,
    )
    row = normal(rng, 5)
    five = random_weights(rng, norm_shapes(5))
    yield case(
        "a single position, of shape (5,)",
        lambda: ask([5], five, row)[0],
        torch_norm(five, row),
        hint="There may be any number of axes in front, even none: count from the end, dim=-1.",
        atol=1e-4,
    )

    def loud_numbers() -> Iterator[Case]:
        C = int(rng.integers(6, 20))
        wide = random_weights(rng, norm_shapes(C))
        loud = 50 * normal(rng, 2, 2, 3, C) + 20
        yield case(
            "four axes, loud numbers",
            lambda: ask([C], wide, loud)[0],
            torch_norm(wide, loud),
            hint="(x - mean) / sqrt(variance + eps) * weight + bias, over the last axis.",
            atol=1e-3,
        )

    yield from public_and_hidden(loud_numbers)


def _largest_difference(answers: list[torch.Tensor]) -> float:
    among_others, by_itself = answers
    return apart(among_others[1:, 2:], by_itself)

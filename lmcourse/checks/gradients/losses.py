"""Checks of the loss and its slopes by hand: `cross_entropy`, `text_loss`, `grad_logits`."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, slopes_of

LESSON = "03_gradients"


@probe
def slopes_through(
    _: dict[str, Any], loss: Callable[..., torch.Tensor], logits: torch.Tensor, *args: Any
) -> torch.Tensor | None:
    """Return the slopes that torch finds for `logits` when it goes back through `loss`.

    They are 0 where it is cut off, as by a number that is no tensor.
    """
    logits.requires_grad_()
    result = loss(logits, *args)
    return None if result is None else slopes_of(torch.as_tensor(result), [logits])[0]


@exercise(
    LESSON,
    "cross_entropy",
    points=3,
    forbidden=("cross_entropy", "cross_entropy_loss", "nll_loss", "log_softmax", "logsumexp"),
)
def cross_entropy(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(5, 60))

    def even(B: int, logit: float = -3.0) -> torch.Tensor:
        """Return logits (B, V), all alike; none is 0, so that none is a log probability."""
        return torch.full((B, V), logit)

    two, six = integers(rng, V, 2), integers(rng, V, 6)
    yield case(
        "two rows: the shape of what comes back",
        lambda: str(tuple(torch.as_tensor(student.cross_entropy(even(2), two)).shape)),
        "()",
        hint="The result is one number, the mean over the B rows: shape (), not (1,). (An error? "
        ".max(dim=1) returns two things: take .values. And the largest of a row, and its sum, "
        "belong beside that row: dim=1, keepdim=True.)",
    )

    def below_0() -> str:
        loss = student.cross_entropy(even(2), two)
        return f"{float(loss):.4g}" if loss < -1e-5 else ""

    yield holds(
        "whether the loss is below 0",
        "0 or more",
        below_0,
        hint="Mind the minus sign: the logarithm of a probability is negative, the surprise is "
        "minus that.",
    )
    yield case(
        "by how much the loss changes when 5 is added to all logits",
        lambda: round(
            float(student.cross_entropy(even(1, 2.0), two[:1]))
            - float(student.cross_entropy(even(1), two[:1])),
            4,
        ),
        0.0,
        hint="Softmax does not notice it, so neither may the loss. The log probability is the "
        "logit minus the logarithm of the row's sum of exps, and both are of the same logits: the "
        "shifted ones, or those that were handed in.",
    )
    yield case(
        "one row of V equal logits: ln V",
        lambda: student.cross_entropy(even(1), two[:1]),
        math.log(V),
        hint="Each row is a distribution of its own: add up its exps along dim=1, not along dim=0. "
        "From each row pick only the log probability of its target, and take the mean over B, not "
        "over all B * V. Natural logarithms.",
    )
    yield case(
        "six rows of V equal logits: ln V",
        lambda: student.cross_entropy(even(6), six),
        math.log(V),
        hint="Six such rows give what one gives. Take the mean over the B rows, not the sum, and "
        "add up the exps of each row alone: dim=1.",
    )
    p = float(rng.uniform(0.6, 0.95))
    yield case(
        "one row of two logits, whose probabilities differ",
        lambda: student.cross_entropy(
            torch.tensor([[math.log(p), math.log(1 - p)]]) + 2, torch.tensor([0])
        ),
        -math.log(p),
        hint="The target's logit, minus ln of the sum of the row's exps, is the log probability. "
        "The logits go in as they are: no softmax before that.",
    )
    probs = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    logits = probs.log() + torch.tensor([[1.0], [3.0]])
    targets = torch.tensor([2, 0])
    yield case(
        "two rows by hand: the probabilities of the targets are 0.25 and 0.1",
        lambda: student.cross_entropy(logits, targets),
        -(math.log(0.25) + math.log(0.1)) / 2,
        hint="Take row i with column targets[i], in pairs, and the logarithms before the mean.",
    )
    random, picks = 3 * normal(rng, 5, 7), integers(rng, 7, 5)
    yield case(
        "random logits",
        lambda: student.cross_entropy(random, picks),
        reference.cross_entropy(random, picks),
        hint="The mean over the rows of -ln softmax, taken at the target.",
    )
    far = float(rng.integers(500, 2000))
    sure = torch.tensor([[far, 0.0]])
    yield case(
        "a net that is very sure, and right: the first of two logits is large, and target 0",
        lambda: student.cross_entropy(sure, torch.tensor([0])),
        0.0,
        hint="exp of a large number is infinite: subtract the row's largest logit before any exp.",
    )
    yield case(
        "a net that is very sure, and wrong: the same logits, and target 1",
        lambda: student.cross_entropy(sure, torch.tensor([1])),
        far,
        hint="A tiny probability is rounded to 0, and its logarithm is infinite: take no logarithm "
        "of a softmax, and set no floor or any other limit. The shifted logit minus ln of the sum "
        "of exps never leaves the range.",
    )
    yield case(
        "one row of zeros, and one of V equal large logits: ln V",
        lambda: student.cross_entropy(torch.cat([even(1, 0.0), even(1, far)]), two),
        math.log(V),
        hint="Subtract from each row its own largest logit, not the largest of all.",
    )
    yield case(
        "one row of V equal logits far below 0: ln V",
        lambda: student.cross_entropy(even(1, -far), two[:1]),
        math.log(V),
        hint="Subtract the row's largest logit itself, also where it is negative: after that the "
        "largest one is 0. Here all exps came out as 0, and ln 0 is infinite.",
    )
    wide, others = 100 * normal(rng, 6, 12), integers(rng, 12, 6)
    yield case(
        "large random logits",
        lambda: student.cross_entropy(wide, others),
        reference.cross_entropy(wide, others),
        hint="The mean over the rows of -ln softmax, taken at the target.",
    )
    yield arguments_stay(
        "logits and targets afterwards",
        student,
        "cross_entropy",
        random,
        picks,
        hint="Leave the caller's tensors as they are: `logits -= ...` changes the caller's own "
        "tensor. Make a new one: shifted = logits - ...",
    )
    yield case(
        "the gradient that torch finds when it goes back through the loss",
        lambda: student.probe(slopes_through, student.cross_entropy, random, picks),
        reference.probe(slopes_through, reference.cross_entropy, random, picks),
        hint="Compute with the tensors themselves, and return the tensor. .item(), float(...), "
        ".detach() and torch.tensor(...) of a number cut it off from what it was made of.",
    )
    wider, more = 100 * normal(rng, 8, 20), integers(rng, 20, 8)
    yield case(
        "more large random logits",
        lambda: student.cross_entropy(wider, more),
        reference.cross_entropy(wider, more),
        hint="The mean over the rows of -ln softmax, taken at the target.",
        hidden=True,
    )


@exercise(LESSON, "text_loss", points=1)
def text_loss(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # A logit is 0 or `high`: a pair that the net foresees costs `low`, another one `low + high`.
    high = round(float(rng.uniform(3, 6)), 1)
    low = math.log1p(math.exp(-high))
    again, other = high * torch.eye(2), high * (1 - torch.eye(2))
    V = int(rng.integers(5, 60))
    some = integers(rng, V, 4)
    yield case(
        "V characters, and a net whose logits are all alike: ln V",
        lambda: student.text_loss(torch.full((V, V), high), some),
        math.log(V),
        hint="The mean over the N - 1 pairs of neighbours, by your cross_entropy (does its own "
        "check pass?).",
    )
    yield case(
        "after 1 comes 1, twice: a text in which nothing can be mixed up",
        lambda: student.text_loss(again, torch.tensor([1, 1, 1])),
        low,
        hint="Each pair takes the row of its own input, whatever its place in the text: here row "
        "1, twice. And cross_entropy wants the logits themselves: no softmax before it.",
    )
    far = float(rng.integers(150, 900))
    yield case(
        "a net that is very sure, and wrong",
        lambda: student.text_loss(far * (1 - torch.eye(2)), torch.tensor([1, 1, 1])),
        far,
        hint="Softmax rounds a tiny probability to 0, and its logarithm is infinite. Hand the "
        "logits themselves to your cross_entropy, which is stable.",
    )
    yield case(
        "the text 0, 1, 0, 1, and the net foresees it",
        lambda: student.text_loss(other, torch.tensor([0, 1, 0, 1])),
        low,
        hint="The target is not the input itself, but the character to the right of it: inputs "
        "ids[:-1], targets ids[1:].",
    )
    yield case(
        "the text 0, 0, 1: two pairs, and the net foresees the first one",
        lambda: student.text_loss(again, torch.tensor([0, 0, 1])),
        low + high / 2,
        hint="N characters make N - 1 pairs. The last pair counts too, so ids[:-1] leaves out one "
        "character, not more. And the last character has nothing to its right: no pair joins the "
        "end to the start.",
    )
    yield case(
        "the text 0, 0, 0, 1: three pairs, two of them alike",
        lambda: student.text_loss(again, torch.tensor([0, 0, 0, 1])),
        low + high / 3,
        hint="The mean is over the text: every pair counts, as often as it comes.",
    )
    # After 0 comes 1, after 1 comes 2, after 2 comes 0: this net is all but sure of it.
    circle = high * torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    yield case(
        "the text 0, 1, and a net that foresees 0, 1, 2, 0, 1, 2, ...",
        lambda: student.text_loss(circle, torch.tensor([0, 1])),
        math.log1p(2 * math.exp(-high)),
        hint="The row of logits is that of the input, and its columns are what may come next: "
        "logits[ids[:-1]] for the rows, ids[1:] for the targets.",
    )
    logits, ids = 2 * normal(rng, 5, 5), integers(rng, 5, 30)
    yield case(
        "a random net and text",
        lambda: student.text_loss(logits, ids),
        reference.text_loss(logits, ids),
        hint="cross_entropy of the inputs' rows of logits, and the targets.",
    )
    yield case(
        "the gradient that torch finds when it goes back through the loss",
        lambda: student.probe(slopes_through, student.text_loss, logits, ids),
        reference.probe(slopes_through, reference.text_loss, logits, ids),
        hint="Return the tensor that cross_entropy gives, as it is: .item(), and nll of lesson 02, "
        "cut it off from what it was made of.",
    )
    larger, long = normal(rng, 9, 9), integers(rng, 9, 300)
    yield case(
        "a larger net, a longer text",
        lambda: student.text_loss(larger, long),
        reference.text_loss(larger, long),
        hint="cross_entropy of the inputs' rows of logits, and the targets.",
        hidden=True,
    )


@exercise(LESSON, "grad_logits", points=2, forbidden=("backward", "grad", "make_dual"))
def grad_logits(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(4, 8))
    B = V + 2
    logits, targets = 2 * normal(rng, B, V), integers(rng, V - 1, B)  # never the last column
    own = torch.nn.functional.one_hot(targets, V).bool()
    yield case(
        "the shape of what comes back, when no target is the last character",
        lambda: list(student.grad_logits(logits, targets).shape),
        [B, V],
        hint="There is one slope for each logit: shape (B, V). one_hot needs the number of "
        "columns, V = logits.shape[1], whatever the targets are.",
        form=True,
    )
    yield case(
        "the sign of the slope of each row's own target",
        lambda: torch.sign(student.grad_logits(logits, targets))[own],
        -torch.ones(B),
        hint="Softmax minus one-hot, in this order: to push up the target's logit makes the loss "
        "smaller, so its slope is negative. (Negative for some rows only? Then less than 1 was "
        "taken off: divide both parts by B, not one-hot alone.)",
    )
    yield case(
        "all the signs: -1 at each row's own target, 1 elsewhere",
        lambda: torch.sign(student.grad_logits(logits, targets)),
        1.0 - 2.0 * own,
        hint="To push up any other logit than the target's makes the loss larger: these slopes are "
        "probabilities, above 0. The logits themselves are no probabilities. And the 1 is taken "
        "off only at each row's own target.",
    )
    yield case(
        "the sum of each row",
        lambda: student.grad_logits(logits, targets).sum(dim=1),
        torch.zeros(B),
        hint="Each row of softmax sums to 1, and so does each one-hot row: the slopes of a row sum "
        "to 0. Softmax runs along the V characters of each row (the last dim), and both parts are "
        "divided by the same number.",
    )
    zeros, two = torch.zeros(2, 4), integers(rng, 4, 2)
    yield case(
        "two rows of four, all equally likely: -3/8 at the targets, and 1/8",
        lambda: student.grad_logits(zeros, two),
        reference.grad_logits(zeros, two),
        hint="The loss is the mean over B rows, so the slopes are divided by B, the number of "
        "rows: not by V, and not by B * V.",
    )
    uneven = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    yield case(
        "two rows by hand",
        lambda: student.grad_logits(uneven.log() + 5, torch.tensor([2, 0])),
        torch.tensor([[0.25, 0.125, -0.375], [-0.45, 0.05, 0.4]]),
        hint="(softmax(logits) - one_hot(targets, V)) / B, row by row.",
    )
    yield arguments_stay(
        "logits and targets afterwards",
        student,
        "grad_logits",
        logits,
        targets,
        hint="It changes the caller's own tensor: -= and [...] = ... do. Make a new one: "
        "softmax(logits) - ...",
    )
    yield case(
        "random logits",
        lambda: student.grad_logits(logits, targets),
        reference.grad_logits(logits, targets),
        hint="(softmax(logits) - one_hot(targets, V)) / B, row by row.",
    )
    large, others = 300 * normal(rng, 5, 6), integers(rng, 6, 5)
    yield case(
        "large random logits",
        lambda: student.grad_logits(large, others),
        reference.grad_logits(large, others),
        hint="e to the power of a large logit is infinite. Take your softmax of lesson 00, which "
        "subtracts the largest logit first.",
    )
    larger, more = 300 * normal(rng, 7, 9), integers(rng, 9, 7)
    yield case(
        "more large random logits",
        lambda: student.grad_logits(larger, more),
        reference.grad_logits(larger, more),
        hint="(softmax(logits) - one_hot(targets, V)) / B, row by row.",
        hidden=True,
    )

"""Checks of lesson 03: slopes by hand and by machine, and steps downhill."""

import math
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

LESSON = "03_gradients"


# ------------------------------------------------------------------------------ cross_entropy


@probe
def slopes_through(
    _: dict[str, Any], loss: Callable[..., torch.Tensor], logits: torch.Tensor, *args: Any
) -> torch.Tensor:
    """Return the slopes that torch finds for `logits` when it goes back through `loss`."""
    logits.requires_grad_()
    result = loss(logits, *args)
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return torch.zeros(logits.shape)  # what was cut off passes nothing back
    torch.autograd.backward(result)
    return torch.zeros(logits.shape) if logits.grad is None else logits.grad


@probe
def left_as_they_were(
    _: dict[str, Any], function: Callable[..., Any], *args: Any
) -> list[torch.Tensor]:
    """Return what is left of `args` after `function` has used them."""
    function(*args)
    return [arg for arg in args if isinstance(arg, torch.Tensor)]


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
    yield case(
        "whether the loss is below 0",
        lambda: bool(student.cross_entropy(even(2), two) < -1e-5),
        False,
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
    yield case(
        "logits and targets afterwards",
        lambda: student.probe(left_as_they_were, student.cross_entropy, random, picks),
        [random, picks],
        hint="Leave the caller's tensors as they are: `logits -= ...` changes the caller's own "
        "tensor. Make a new one: shifted = logits - ...",
    )
    yield case(
        "the slopes that torch finds when it goes back through the loss",
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
        "the slopes that torch finds when it goes back through the loss",
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


# -------------------------------------------------------------------------------- grad_logits


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
    yield case(
        "logits and targets afterwards",
        lambda: student.probe(left_as_they_were, student.grad_logits, logits, targets),
        [logits, targets],
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


# ------------------------------------------------------------------ backward_add_mul, backward

Program = list[tuple[str, list[int]]]
"""An expression, step by step: each operation and the places of what it works on."""


def _made_of(values: list[Any], program: Program) -> list[Any]:
    """Return `values` and, behind them, what each step of `program` makes."""
    values = list(values)
    for operation, places in program:
        first, *rest = (values[place] for place in places)
        if operation == "+":
            values.append(first + rest[0])
        elif operation == "*":
            values.append(first * rest[0])
        else:
            values.append(getattr(first, operation)())
    return values


def _plain(value: Any) -> Any:
    """Return a plain number as it is, and of anything else the kind."""
    return value if isinstance(value, Real) else type(value).__name__


@probe
def made(namespace: dict[str, Any], operation: str, numbers: list[float]) -> dict[str, Any]:
    """Return what `operation` makes of the student's Values of two `numbers`.

    These are its number, the places of its parents among the two (-1 is none of them), its slopes,
    and what the two Values are afterwards: their numbers and their grads.
    """
    both = [namespace["Value"](number) for number in numbers]
    value = _made_of(both, [(operation, [0, 1])])[-1]
    return {
        "data": value.data,
        "parents": [
            next((place for place, one in enumerate(both) if one is parent), -1)
            for parent in value.parents
        ],
        "slopes": [_plain(slope) for slope in value.slopes],
        "afterwards": [_plain(number) for one in both for number in (one.data, one.grad)],
    }


@probe
def passed_back(
    namespace: dict[str, Any],
    program: Program,
    numbers: list[float],
    grad: float,
    *only: str,
) -> list[Any]:
    """Return the slopes of the student's Values of `numbers`, when the last one's is `grad`.

    Behind them stands the grad that the last one is left with. All Values that `program` makes pass
    back, or "only the last".
    """
    values = _made_of([namespace["Value"](number) for number in numbers], program)
    values[-1].grad = grad
    leaves, made_values = values[: len(numbers)], values[len(numbers) :]
    for value in made_values[-1:] if only else reversed(made_values):  # parents after children
        value.pass_back()
    grads = [_plain(value.grad) for value in (*leaves, values[-1])]
    for leaf in leaves:  # it has no parents, so there is nothing to do
        leaf.pass_back()
    return grads


def _slopes(program: Program, numbers: list[float]) -> list[float]:
    """Return the slopes of what `program` makes, for each of `numbers`, worked out by torch."""
    leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    _made_of(leaves, program)[-1].backward()
    return [0.0 if leaf.grad is None else leaf.grad.item() for leaf in leaves]


def _numbers(rng: Rng, count: int) -> list[float]:
    """Return `count` different numbers with two digits, from 0.25 to 0.95."""
    return [float(n) / 100 for n in rng.choice(range(25, 96), count, replace=False)]


def _program(rng: Rng, leaves: int, steps: int) -> Program:
    """Return a random expression; each step works on the latest value and an earlier one."""
    return [
        (("+", "*")[int(rng.integers(2))], [leaves + step - 1, int(rng.integers(leaves + step))])
        for step in range(steps)
    ]


@exercise(LESSON, "backward_add_mul", points=3, names=("Value",))
def backward_add_mul(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def back(program: Program, *numbers: float, grad: float = 1.0) -> Any:
        """Return the slopes of `numbers` alone."""
        return student.probe(passed_back, program, list(numbers), grad)[:-1]

    add: Program = [("+", [0, 1])]
    multiply: Program = [("*", [0, 1])]
    a, b = _numbers(rng, 2)
    yield case(
        "the number in a + b",
        lambda: student.probe(made, "+", [a, b])["data"],
        a + b,
        hint="__add__ returns a new Value of self.data + other.data. Both are Values, so ask for "
        "their .data.",
    )
    yield case(
        "the number in a * b",
        lambda: student.probe(made, "*", [a, b])["data"],
        a * b,
        hint="__mul__ returns a new Value of self.data * other.data.",
    )
    yield case(
        "data and grad of a and b after a + b, and after a * b",
        lambda: [
            number
            for operation in "+*"
            for number in student.probe(made, operation, [a, b])["afterwards"]
        ],
        2 * [a, 0.0, b, 0.0],
        hint="Make a new Value: self and other keep their numbers, and only pass_back changes a "
        "grad.",
    )
    yield case(
        "the parents of the sum and of the product: 0 for self, 1 for other",
        lambda: [student.probe(made, operation, [a, b])["parents"] for operation in "+*"],
        [[0, 1], [0, 1]],
        hint="Each operation remembers both Values that it was made of: parents=(self, other).",
    )
    yield case(
        "the slopes of a + b",
        lambda: student.probe(made, "+", [a, b])["slopes"],
        [1.0, 1.0],
        hint="Push one part of a sum, and the sum moves by the same amount: both slopes are 1, one "
        "for each parent, whatever the numbers are. Slopes are plain numbers.",
    )
    yield case(
        "the slopes of a * b",
        lambda: student.probe(made, "*", [a, b])["slopes"],
        [b, a],
        hint="Push the first factor, and the product moves by the second one times that: each "
        "gets the other one's number, not its own. Slopes are plain numbers: .data.",
    )
    grad = float(rng.integers(5, 50))
    yield case(
        "what log passes back at a, when its own grad is 1: one parent, slope 1 / a",
        lambda: back([("log", [0])], a),
        [1 / a],
        hint="pass_back goes over self.parents and self.slopes, however many there are, and adds "
        "slope * self.grad to parent.grad, not to its own grad.",
    )
    yield case(
        "the grad of a * b after it has passed back: as before",
        lambda: student.probe(passed_back, multiply, [a, b], grad)[-1],
        grad,
        hint="A Value keeps its own grad: pass_back changes those of its parents alone.",
    )
    yield case(
        "what a + b passes back when its grad is 1",
        lambda: back(add, a, b),
        [1.0, 1.0],
        hint="pass_back adds slope * self.grad to each parent's grad.",
    )
    yield case(
        "what a * b passes back when its grad is larger",
        lambda: back(multiply, a, b, grad=grad),
        [b * grad, a * grad],
        hint="Along a path, slopes multiply: pass on slope * self.grad.",
    )
    yield case(
        "a * b + a, and only the sum passes back",
        lambda: student.probe(
            passed_back, [*multiply, ("+", [2, 0])], [a, b], grad, "only the last"
        ),
        [grad, 0.0, grad],
        hint="pass_back changes the grads of its own parents and goes no further. To call it for "
        "all of them, in order, is what the next exercise is for.",
    )
    yield case(
        "b * b, the same Value twice",
        lambda: back([("*", [0, 0])], b),
        [2 * b],
        hint="Where several paths meet, slopes add: parent.grad += ..., for = throws away what "
        "came before.",
    )
    yield case(
        "a * b + a",
        lambda: back([*multiply, ("+", [2, 0])], a, b),
        [b + 1, a],
        hint="Where several paths meet, slopes add: a gets b through the product and 1 straight.",
    )
    shuffled, numbers = _program(rng, leaves=3, steps=5), _numbers(rng, 3)
    yield case(
        "a random expression of three numbers",
        lambda: back(shuffled, *numbers),
        _slopes(shuffled, numbers),
        hint="Look at each operation alone: its number, its parents, its slopes.",
    )
    loss: Program = [
        *[("exp", [0]), ("exp", [1]), ("+", [3, 4]), ("log", [5])],
        *[("*", [1, 2]), ("+", [6, 7])],
    ]
    for which, hidden in (("a cross-entropy", False), ("another cross-entropy", True)):
        logits = [*(float(x) for x in rng.normal(size=2)), -1.0]
        yield case(
            f"{which} of two logits",
            lambda: back(loss, *logits),
            _slopes(loss, logits),
            hint="Look at each operation alone: its number, its parents, its slopes. (exp and log "
            "stay as they were.)",
            hidden=hidden,
        )


class _Node:
    """A stand-in for a Value: `backward` is checked whether or not the student's own Value works.

    `passed` is how often it has passed back.
    """

    def __init__(
        self, data: float, parents: tuple["_Node", ...] = (), slopes: tuple[float, ...] = ()
    ) -> None:
        self.data = data
        self.parents = parents
        self.slopes = slopes
        self.grad = 0.0
        self.passed = 0

    def __add__(self, other: "_Node") -> "_Node":
        return _Node(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: "_Node") -> "_Node":
        return _Node(self.data * other.data, (self, other), (other.data, self.data))

    def pass_back(self) -> None:
        self.passed += 1
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad


@probe
def slopes_after_backward(
    _: dict[str, Any], backward: Callable[..., None], program: Program, numbers: list[float]
) -> list[Any]:
    """Return the slopes of `numbers` that `backward` has found, and behind them the result's."""
    values = _made_of([_Node(number) for number in numbers], program)
    backward(values[-1])
    return [_plain(value.grad) for value in (*values[: len(numbers)], values[-1])]


@probe
def turns_in_backward(
    _: dict[str, Any], backward: Callable[..., None], program: Program, numbers: list[float]
) -> list[int]:
    """Return how often each value that was made by an operation has passed back."""
    values = _made_of([_Node(number) for number in numbers], program)
    backward(values[-1])
    return [value.passed for value in values[len(numbers) :]]


@probe
def slopes_of_a_second_result(
    _: dict[str, Any], backward: Callable[..., None], numbers: list[float]
) -> list[float]:
    """Return the slopes for a and b of c * b, where c = a * b has been part of another result."""
    a, b = (_Node(number) for number in numbers)
    c = a * b
    backward(c + a)
    for value in (a, b, c):
        value.grad = 0.0
    backward(c * b)
    return [a.grad, b.grad]


@exercise(LESSON, "backward", points=3)
def backward(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def slopes(program: Program, *numbers: float) -> Any:
        """Return the slopes of `numbers` alone."""
        return student.probe(slopes_after_backward, student.backward, program, list(numbers))[:-1]

    def turns(program: Program, *numbers: float) -> Any:
        return student.probe(turns_in_backward, student.backward, program, list(numbers))

    single: Program = [("*", [0, 1])]
    a, b = _numbers(rng, 2)
    yield case(
        "the result's own grad, after one operation",
        lambda: student.probe(slopes_after_backward, student.backward, single, [a, b])[-1],
        1.0,
        hint="Set result.grad = 1.0, a plain number: to push the result pushes the result by as "
        "much. ('NoneType' is not iterable? order.reverse() returns nothing: use reversed(order).)",
    )
    yield case(
        "one operation: how often the result passes back",
        lambda: turns(single, a, b),
        [1],
        hint="It has to call pass_back() of every Value, also of the result. Is the function that "
        "lists the Values called, for result?",
    )
    yield case(
        "one operation, a * b: the slopes",
        lambda: slopes(single, a, b),
        [b, a],
        hint="A Value's own grad must be there before it passes back: set the result's first. And "
        "set only the result's grad: the others begin at 0, and pass_back adds to them.",
    )
    # c = a * b; d = a + c; result = b * d
    chain: Program = [("*", [0, 1]), ("+", [0, 2]), ("*", [1, 3])]
    yield case(
        "c = a * b; d = a + c; result = b * d: how often c, d and the result pass back",
        lambda: turns(chain, a, b),
        [1, 1, 1],
        hint="Do not stop at the result's own parents: go on to each of the parents, to theirs, "
        "and so on.",
    )
    yield case(
        "c = a * b; d = a + c; result = b * d: the slopes of a and b",
        lambda: slopes(chain, a, b),
        _slopes(chain, [a, b]),
        hint="The result goes first, then d, then c: list the parents before what is made of them, "
        "and go through the order backward.",
    )
    # c = a * b; d = c * c; result = c + d. Who is there twice must be listed once.
    diamond: Program = [("*", [0, 1]), ("*", [2, 2]), ("+", [2, 3])]
    yield case(
        "c = a * b; d = c * c; result = c + d: how often c, d and the result pass back",
        lambda: turns(diamond, a, b),
        [1, 1, 1],
        hint="Each Value passes back once, however many were made of it: list it only if it is "
        "not listed yet.",
    )
    yield case(
        "c = a * b; d = c * c; result = c + d: the slopes of a and b",
        lambda: slopes(diamond, a, b),
        _slopes(diamond, [a, b]),
        hint="c must wait until d has passed back. List the parents before the Value itself, and "
        "go through that list backward.",
    )
    mirrored: Program = [("*", [0, 1]), ("*", [2, 2]), ("+", [3, 2])]
    yield case(
        "the same with result = d + c",
        lambda: slopes(mirrored, a, b),
        _slopes(mirrored, [a, b]),
        hint="c must wait until d has passed back, in whichever order the result's parents stand.",
    )
    twins: Program = [("*", [0, 1]), ("*", [0, 1]), ("+", [2, 3])]
    yield case(
        "c = a * b; d = a * b; result = c + d: how often c, d and the result pass back",
        lambda: turns(twins, a, b),
        [1, 1, 1],
        hint="c and d are two Values, though they have the same number, and both pass back. Look "
        "whether the Value itself is listed already, not its number.",
    )
    yield case(
        "c = a * b; first backward(c + a), then, with all grads at 0 again, backward(c * b)",
        lambda: student.probe(slopes_of_a_second_result, student.backward, [a, b]),
        [b * b, 2 * a * b],
        hint="Each call begins with an empty list: make it inside backward. A list outside, or one "
        "that is an argument's default, still holds the Values of the call before, and they pass "
        "back again. And leave no marks on the Values: the next call would take them for listed.",
    )
    times = int(rng.integers(8, 12))
    double: Program = [("+", [place, place]) for place in range(times)]
    yield case(
        "doubled again and again",
        lambda: slopes(double, a),
        [2.0**times],
        hint="Each Value passes back once, and only when its own grad is complete.",
    )
    shuffled, numbers = _program(rng, leaves=3, steps=7), _numbers(rng, 3)
    yield case(
        "a random expression of three numbers",
        lambda: slopes(shuffled, *numbers),
        _slopes(shuffled, numbers),
        hint="No Value's turn comes before everything that was made of it has had its turn.",
    )
    for which, hidden in (("a long sum", False), ("another long sum", True)):
        length = int(rng.integers(120, 240))
        long: Program = [("+", [place, 0]) for place in range(length)]
        yield case(
            which,
            lambda: slopes(long, b),
            [length + 1.0],
            hint="No Value's turn comes before everything that was made of it has had its turn.",
            hidden=hidden,
        )


# ----------------------------------------------------------------------------------- sgd_step


@probe
def after_step(
    _: dict[str, Any],
    sgd_step: Callable[..., None],
    values: list[torch.Tensor],
    grads: list[torch.Tensor],
    lr: float | torch.Tensor,
) -> list[torch.Tensor]:
    """Return the parameters after a step, as those who hold the tensors see them."""
    parameters = _with_gradients(values, grads)
    with torch.enable_grad():  # which leaves torch's notes as they were before it
        sgd_step(list(parameters), lr)
    return [parameter.detach() for parameter in parameters]


@probe
def notes_afterwards(
    _: dict[str, Any],
    sgd_step: Callable[..., None],
    values: list[torch.Tensor],
    grads: list[torch.Tensor],
    modes: list[bool],
) -> list[bool]:
    """Return whether torch takes notes after a step, where before it did so as `modes` say."""
    left = []
    for before in modes:
        with torch.set_grad_enabled(before):
            sgd_step(_with_gradients(values, grads), 0.1)
            left.append(torch.is_grad_enabled())
    return left


@probe
def gradients_left(
    _: dict[str, Any],
    sgd_step: Callable[..., None],
    values: list[torch.Tensor],
    grads: list[torch.Tensor],
) -> list[float]:
    """Return how large the largest slope of each parameter is after a step; 0 if there is none."""
    parameters = _with_gradients(values, grads)
    with torch.enable_grad():
        sgd_step(list(parameters), 0.1)
    left = [parameter.grad for parameter in parameters]
    return [0.0 if grad is None else grad.abs().max().item() for grad in left]


@probe
def walk(
    _: dict[str, Any], sgd_step: Callable[..., None], start: torch.Tensor, lr: float, steps: int
) -> torch.Tensor:
    """Return where `steps` steps lead from `start`, when the loss is half the sum of squares."""
    parameter = start.clone().requires_grad_()
    with torch.enable_grad():
        for _step in range(steps):
            torch.autograd.backward((parameter**2 / 2).sum())
            sgd_step([parameter], lr)
    return parameter.detach()


def _with_gradients(values: list[torch.Tensor], grads: list[torch.Tensor]) -> list[torch.Tensor]:
    parameters = [value.clone().requires_grad_() for value in values]
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = grad.clone()
    return parameters


@exercise(LESSON, "sgd_step", points=2)
def sgd_step(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def step(values: list[torch.Tensor], grads: list[torch.Tensor], lr: Any) -> Any:
        return student.probe(after_step, student.sgd_step, values, grads, lr)

    value, grad = normal(rng, 4), 0.5 + normal(rng, 4).abs()
    grad *= torch.tensor([1.0, -1.0, 1.0, -1.0])[torch.from_numpy(rng.permutation(4))]
    yield case(
        "whether each number of the tensor itself has moved",
        lambda: [moved != 0 for moved in (step([value], [grad], 0.1)[0] - value).tolist()],
        [True] * 4,
        hint="Change the tensor itself, in place, with -=, under torch.no_grad(). "
        "`parameter = parameter - ...` makes a new one, and the net's own stays as it was. And use "
        "the gradient before you clear it.",
    )
    yield case(
        "which way each number goes",
        lambda: torch.sign(step([value], [grad], 0.1)[0] - value),
        -torch.sign(grad),
        hint="Step against the slope, -= and not +=: plus goes uphill.",
    )
    yield case(
        "one parameter, lr = 0.1",
        lambda: step([value], [grad], 0.1),
        [value - 0.1 * grad],
        hint="The step is lr times the slope.",
    )
    table, slopes = normal(rng, 2, 3), normal(rng, 2, 3)
    yield case(
        "two parameters, lr = 0.5",
        lambda: step([value, table], [grad, slopes], 0.5),
        [value - 0.5 * grad, table - 0.5 * slopes],
        hint="Step with every parameter of the list, each by its own gradient.",
    )
    yield case(
        "the gradients afterwards",
        lambda: student.probe(gradients_left, student.sgd_step, [value, table], [grad, slopes]),
        [0.0, 0.0],
        hint="Torch adds new slopes to old ones. Clear each gradient after the step: "
        "parameter.grad = None.",
    )
    modes = [bool(mode) for mode in rng.permutation([True, True, True, True, False, False])]
    yield case(
        "six steps, some of them under no_grad: whether torch takes notes afterwards",
        lambda: student.probe(notes_afterwards, student.sgd_step, [value], [grad], modes),
        modes,
        hint="As before the call: use `with torch.no_grad():`, which ends by itself. "
        "torch.set_grad_enabled(...) stays.",
    )
    start = 8 * normal(rng, 3)
    yield case(
        "three steps down a bowl, lr = 0.5: an eighth of the way is left",
        lambda: student.probe(walk, student.sgd_step, start, 0.5, 3),
        start / 8,
        hint="After a step the tensor must still require gradients, and its gradient be clear.",
    )
    rates = torch.tensor([[0.1], [2.0]])
    yield case(
        "a learning rate for each row",
        lambda: step([table], [slopes], rates),
        [table - rates * slopes],
        hint="lr may be a tensor that stretches: write lr * parameter.grad, which works for both. "
        "(alpha= of sub_ and add_ takes a single number only.)",
    )
    for which, hidden in (("a parameter", False), ("another parameter", True)):
        stack, more = normal(rng, 2, 2, 3), normal(rng, 2, 2, 3)
        yield case(
            f"{which} of three dimensions, lr = 0.25",
            lambda: step([stack], [more], 0.25),
            [stack - 0.25 * more],
            hint="The step is lr times the slope.",
            hidden=hidden,
        )


# ------------------------------------------------------------------------------- train_bigram


@probe
def kinds_of_results(
    _: dict[str, Any], train_bigram: Callable[..., Any], counts: torch.Tensor, steps: int
) -> list[str]:
    """Return the kinds of the logits and of the losses that `train_bigram` gives."""
    logits, losses = train_bigram(counts, steps, 0.5)
    if not isinstance(logits, torch.Tensor) or not isinstance(losses, list):
        return [type(logits).__name__, type(losses).__name__]
    # numpy's numbers serve as well as Python's.
    plain = all(isinstance(loss, Real) for loss in losses)
    return [
        "noted by torch" if logits.requires_grad else "detached",
        "plain floats" if plain else "tensors",
    ]


@exercise(LESSON, "train_bigram", points=3)
def train_bigram(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(3, 6))
    counts = integers(rng, 9, V, V) + 1.0
    yield case(
        "no steps at all: the kinds of what comes back",
        lambda: [type(part).__name__ for part in student.train_bigram(counts, 0, 1.0)],
        ["Tensor", "list"],
        hint="Return two things, first the logits, then the list of the losses. (An error? With "
        "`steps = 0` the loop makes no loss: use none after it.)",
    )
    yield case(
        "no steps at all: how many losses",
        lambda: len(student.train_bigram(counts, 0, 1.0)[1]),
        0,
        hint="Loss, backward and step come `steps` times, and there is one loss for each step.",
    )
    yield case(
        "no steps at all: the logits",
        lambda: student.train_bigram(counts, 0, 1.0)[0],
        torch.zeros(V, V),
        hint="The logits begin as zeros of shape (V, V), and come back as logits: no softmax.",
    )
    yield case(
        "two steps: the kinds of the logits and of the losses",
        lambda: student.probe(kinds_of_results, student.train_bigram, counts, 2),
        ["detached", "plain floats"],
        hint="logits.detach() at the end, and loss.item() for the list. (An error? The logits need "
        "requires_grad=True; backward comes before the step; and each step needs a new loss, made "
        "inside the loop.)",
    )
    steps = int(rng.integers(3, 8))
    yield case(
        "a few steps: how many losses",
        lambda: len(student.train_bigram(counts, steps, 1.0)[1]),
        steps,
        hint="The list has one loss for each step: append it, in the loop.",
    )
    yield case(
        "one step: the losses",
        lambda: student.train_bigram(counts, 1, 1.0)[1],
        [math.log(V)],
        hint="Note the loss as it was before its step: at first all logits are 0, which gives "
        "ln V.",
    )
    lr = float(rng.integers(2, 9)) / 4
    yield case(
        "one step: the logits",
        lambda: student.train_bigram(counts, 1, lr)[0],
        lr * (counts - counts.mean(dim=1, keepdim=True)) / counts.sum(),
        hint="Each step: the loss on `counts` as they are, loss.backward(), sgd_step([logits], "
        "lr). One step for `steps = 1`, and by `lr`.",
    )
    yield case(
        "a few steps: the losses",
        lambda: student.train_bigram(counts, steps, 2.0)[1],
        reference.train_bigram(counts, steps, 2.0)[1],
        hint="The logits are made once, before the loop, and go on from where they are. And the "
        "gradient is cleared after each step: sgd_step does it.",
    )
    yield case(
        "a few steps: the logits",
        lambda: student.train_bigram(counts, steps, 3.0)[0],
        reference.train_bigram(counts, steps, 3.0)[0],
        hint="Loss, backward, step, and nothing else.",
    )
    yield case(
        "the counts afterwards",
        lambda: student.probe(left_as_they_were, student.train_bigram, counts, 2, 1.0),
        [counts],
        hint="The caller's counts stay as they were: /= and += change them.",
    )
    rates = (1 + integers(rng, 8, V, 1)).float()
    yield case(
        "a learning rate for each row",
        lambda: student.train_bigram(counts, 3, rates)[0],
        reference.train_bigram(counts, 3, rates)[0],
        hint="Hand lr on to sgd_step as it is.",
    )
    # Every row's slopes shrink at least by 1 - p_min each step, and p_min is 1/11 or more.
    for which, hidden in (("400 steps", False), ("400 steps on other counts", True)):
        rarely = integers(rng, 5, 3, 3) + 1.0
        share = rarely.sum(dim=1, keepdim=True) / rarely.sum()
        yield case(
            f"{which} find the counts again",
            lambda: torch.softmax(student.train_bigram(rarely, 400, 2 / share)[0], dim=1),
            rarely / rarely.sum(dim=1, keepdim=True),
            hint="Each step: loss, backward, step.",
            hidden=hidden,
            atol=1e-3,
        )


# --------------------------------------------------------------------------------------- quiz

QUESTIONS = (
    (
        "answer_1",
        "the slope for the character that came",
        "Softmax minus one-hot, at the target. What is the softmax of four equal logits?",
        "0.25 - 1 = -0.75: pushing the target's logit up makes the loss fall.",
    ),
    (
        "answer_2",
        "why not the logarithm of a softmax",
        "Look again at the logits [200, 0] in 'How bad is it?'",
        "A float32 has no number between 0 and about 10^-45: what is smaller becomes 0.",
    ),
    (
        "answer_3",
        "why slopes are added",
        "Look at a in the small picture with a, b and c: how many ways lead to the result?",
        "Along a path slopes multiply, and where paths meet they add: += keeps what came before.",
    ),
    (
        "answer_4",
        "a loss that jumps",
        "Look at the three maps again: which of the three walks jumps?",
        "Too long a step lands on the other side of the valley. More steps only jump more often.",
    ),
    (
        "answer_5",
        "rows that are late",
        "Reread what stands folded below the picture of the late rows.",
        "The loss is a mean over all pairs, so a row's slopes carry its share of the pairs.",
    ),
    (
        "answer_6",
        "what zero slopes mean",
        "Reread the first of the two facts in 'Why did it have to?'",
        "Softmax minus the counted shares is zero. The text still surprises: the loss is not 0.",
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

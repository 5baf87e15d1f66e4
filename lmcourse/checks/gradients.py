"""Checks of lesson 03: slopes by hand and by machine, and steps downhill."""

import math
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import torch

from lmcourse.checks import Case, Rng, case, exercise, integers, normal, probe
from lmcourse.student import Student

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


@exercise(
    LESSON,
    "cross_entropy",
    points=3,
    forbidden=("cross_entropy", "cross_entropy_loss", "nll_loss", "log_softmax", "logsumexp"),
)
def cross_entropy(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def even(B: int) -> torch.Tensor:
        """Return logits (B, 4), all alike; none is 0, so that none is a log probability."""
        return torch.full((B, 4), -2.0)

    two, six = integers(rng, 4, 2), integers(rng, 4, 6)
    yield case(
        "two rows: the shape of what comes back",
        lambda: str(tuple(torch.as_tensor(student.cross_entropy(even(2), two)).shape)),
        "()",
        hint="The result is one number, the mean over the B rows: shape (), not (1,). (An error? "
        ".max(dim=1) returns two things: take .values. And the largest of a row, and its sum, "
        "belong beside that row: dim=1, keepdim=True.)",
    )
    yield case(
        "whether the loss is above 0",
        lambda: bool(student.cross_entropy(even(2), two) > 0),
        True,
        hint="Mind the minus sign: the logarithm of a probability is negative, the surprise is "
        "minus that.",
    )
    yield case(
        "the loss of six equal rows less that of two: no difference",
        lambda: round(
            abs(
                float(student.cross_entropy(even(6), six))
                - float(student.cross_entropy(even(2), two))
            ),
            4,
        ),
        0.0,
        hint="Take the mean over the B rows, not the sum. And each row is a distribution of its "
        "own: add up along dim=1, over the V characters, not along dim=0.",
    )
    yield case(
        "four characters, all equally likely: ln 4 = 1.386",
        lambda: student.cross_entropy(even(6), six),
        math.log(4),
        hint="The log probability is the logit minus the logarithm of the row's sum of exps. From "
        "each row pick only the one of its target, then take the mean over B. Natural logarithms.",
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
    yield case(
        "a net that is very sure, and right: logits [1000, 0], target 0",
        lambda: student.cross_entropy(torch.tensor([[1000.0, 0.0]]), torch.tensor([0])),
        0.0,
        hint="exp(1000) is infinite: subtract the row's largest logit before any exp.",
    )
    yield case(
        "a net that is very sure, and wrong: logits [1000, 0], target 1",
        lambda: student.cross_entropy(torch.tensor([[1000.0, 0.0]]), torch.tensor([1])),
        1000.0,
        hint="A tiny probability is rounded to 0, and its logarithm is infinite. So take no "
        "logarithm of a softmax: shifted logit minus ln of the sum of exps never leaves the range.",
    )
    yield case(
        "rows of very different size",
        lambda: student.cross_entropy(
            torch.tensor([[0.0, 0.0], [1000.0, 1000.0]]), torch.tensor([0, 1])
        ),
        math.log(2),
        hint="Subtract from each row its own largest logit, not the largest of all.",
    )
    yield case(
        "torch can go back through it",
        lambda: student.probe(slopes_through, student.cross_entropy, logits, targets),
        (probs - torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])) / 2,
        hint="Return the tensor itself. .item(), float(...) and torch.tensor(...) of a number cut "
        "it off from what it was made of. (And `logits -= ...` changes the caller's own tensor.)",
    )
    random, picks = 3 * normal(rng, 5, 7), integers(rng, 7, 5)
    yield case(
        "random logits",
        lambda: student.cross_entropy(random, picks),
        reference.cross_entropy(random, picks),
        hint="The mean over the rows of -ln softmax, taken at the target.",
    )
    wide, others = 100 * normal(rng, 8, 20), integers(rng, 20, 8)
    yield case(
        "large random logits",
        lambda: student.cross_entropy(wide, others),
        reference.cross_entropy(wide, others),
        hint="The mean over the rows of -ln softmax, taken at the target.",
        hidden=True,
    )


@exercise(LESSON, "text_loss", points=1)
def text_loss(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # After 0 comes 1, after 1 comes 2, after 2 comes 0: this net is all but sure of it.
    circle = 20 * torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    yield case(
        "a text that the net foresees",
        lambda: student.text_loss(circle, torch.tensor([0, 1, 2, 0, 1])),
        0.0,
        hint="Each input's target is the character to the right of it: inputs ids[:-1], targets "
        "ids[1:]. The row of logits is that of the input, and cross_entropy wants logits: no "
        "softmax before it. The last character has nothing to its right.",
    )
    yield case(
        "a text that ends in a surprise",
        lambda: student.text_loss(circle, torch.tensor([0, 1, 0])),
        10.0,
        hint="The last pair counts too: ids[:-1] leaves out one character, not more.",
    )
    yield case(
        "a net that is very sure, and wrong",
        lambda: student.text_loss(torch.tensor([[200.0, 0.0], [0.0, 200.0]]), torch.tensor([0, 1])),
        200.0,
        hint="Softmax rounds a tiny probability to 0. Hand the logits themselves to your "
        "cross_entropy (which must be stable: does its own check pass?).",
    )
    logits, ids, pair = 2 * normal(rng, 5, 5), integers(rng, 5, 30), torch.tensor([0, 1])
    yield case(
        "a random net and text",
        lambda: student.text_loss(logits, ids),
        reference.text_loss(logits, ids),
        hint="cross_entropy of the inputs' rows of logits, and the targets.",
    )
    yield case(
        "torch can go back through it",
        lambda: student.probe(slopes_through, student.text_loss, torch.zeros(2, 2), pair),
        torch.tensor([[0.5, -0.5], [0.0, 0.0]]),
        hint="Return the tensor that cross_entropy gives, as it is: .item(), and nll of lesson 02, "
        "cut it off from what it was made of.",
    )
    other, long = normal(rng, 9, 9), integers(rng, 9, 300)
    yield case(
        "a larger net, a longer text",
        lambda: student.text_loss(other, long),
        reference.text_loss(other, long),
        hint="cross_entropy of the inputs' rows of logits, and the targets.",
        hidden=True,
    )


# -------------------------------------------------------------------------------- grad_logits


@probe
def logits_afterwards(
    _: dict[str, Any],
    grad_logits: Callable[..., Any],
    logits: torch.Tensor,
    targets: torch.Tensor,
) -> torch.Tensor:
    """Return what is left of `logits` after `grad_logits` has used them."""
    grad_logits(logits, targets)
    return logits


@exercise(LESSON, "grad_logits", points=2, forbidden=("backward", "grad"))
def grad_logits(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    zeros = torch.zeros(2, 3)
    yield case(
        "the shape of what comes back, for logits (2, 3)",
        lambda: list(student.grad_logits(zeros, torch.tensor([0, 2])).shape),
        [2, 3],
        hint="There is one slope for each logit: shape (B, V). one_hot needs the number of "
        "columns, V = logits.shape[1].",
    )
    yield case(
        "the signs, for targets 0 and 2",
        lambda: torch.sign(student.grad_logits(zeros, torch.tensor([0, 2]))),
        torch.tensor([[-1.0, 1.0, 1.0], [1.0, 1.0, -1.0]]),
        hint="Softmax minus one-hot, in this order: to push up the target's logit makes the loss "
        "smaller (negative slope), to push up any other makes it larger. And the 1 is taken off "
        "only at each row's own target.",
    )
    uneven = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    yield case(
        "whether each row sums to 0",
        lambda: (
            student.grad_logits(uneven.log(), torch.tensor([2, 0])).sum(dim=1).abs() < 1e-5
        ).tolist(),
        [True, True],
        hint="Each row of softmax sums to 1, and so does each one-hot row: the slopes of a row sum "
        "to 0. Softmax runs along the V characters of each row (the last dim), and the logits "
        "themselves are no probabilities.",
    )
    yield case(
        "two rows, all equally likely: -1/3 and 1/6",
        lambda: student.grad_logits(zeros, torch.tensor([0, 2])),
        torch.tensor([[-1 / 3, 1 / 6, 1 / 6], [1 / 6, 1 / 6, -1 / 3]]),
        hint="The loss is the mean over B rows, so the slopes are divided by B, the number of "
        "rows: not by V, and not by B * V.",
    )
    yield case(
        "two rows by hand",
        lambda: student.grad_logits(uneven.log() + 5, torch.tensor([2, 0])),
        torch.tensor([[0.25, 0.125, -0.375], [-0.45, 0.05, 0.4]]),
        hint="(softmax(logits) - one_hot(targets, V)) / B, row by row.",
    )
    random, targets = 2 * normal(rng, 4, 5), integers(rng, 5, 4)
    yield case(
        "its argument stays as it was",
        lambda: student.probe(logits_afterwards, student.grad_logits, random, targets),
        random,
        hint="-= changes the caller's own tensor. Make a new one: softmax(logits) - ...",
    )
    yield case(
        "random logits",
        lambda: student.grad_logits(random, targets),
        reference.grad_logits(random, targets),
        hint="(softmax(logits) - one_hot(targets, V)) / B, row by row.",
    )
    large, others = 300 * normal(rng, 7, 6), integers(rng, 6, 7)
    yield case(
        "large random logits",
        lambda: student.grad_logits(large, others),
        reference.grad_logits(large, others),
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


@probe
def computed(namespace: dict[str, Any], program: Program, numbers: list[float]) -> float:
    """Return the number that `program` makes of the student's Values of `numbers`."""
    data: float = _made_of([namespace["Value"](number) for number in numbers], program)[-1].data
    return data


@probe
def passed_back(
    namespace: dict[str, Any], program: Program, numbers: list[float], grad: float
) -> list[float]:
    """Return the slopes of the student's Values of `numbers`, when the last one's is `grad`."""
    values = _made_of([namespace["Value"](number) for number in numbers], program)
    values[-1].grad = grad
    for value in reversed(values):  # each was made before what is made of it
        value.pass_back()
    return [value.grad for value in values[: len(numbers)]]


def _slopes(program: Program, numbers: list[float]) -> list[float]:
    """Return the slopes of what `program` makes, for each of `numbers`, worked out by torch."""
    leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    _made_of(leaves, program)[-1].backward()
    return [0.0 if leaf.grad is None else leaf.grad.item() for leaf in leaves]


@exercise(LESSON, "backward_add_mul", points=3, names=("Value",))
def backward_add_mul(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def data(program: Program, *numbers: float) -> Any:
        return student.probe(computed, program, list(numbers))

    def back(program: Program, *numbers: float, grad: float = 1.0) -> Any:
        return student.probe(passed_back, program, list(numbers), grad)

    add: Program = [("+", [0, 1])]
    multiply: Program = [("*", [0, 1])]
    yield case(
        "the number in Value(2) + Value(5)",
        lambda: data(add, 2.0, 5.0),
        7.0,
        hint="__add__ returns a new Value of self.data + other.data. Both are Values, so ask for "
        "their .data.",
    )
    yield case(
        "the number in Value(2) * Value(5)",
        lambda: data(multiply, 2.0, 5.0),
        10.0,
        hint="__mul__ returns a new Value of self.data * other.data.",
    )
    yield case(
        "what log passes back at 0.5, when its own grad is 1: one parent, slope 2",
        lambda: back([("log", [0])], 0.5),
        [2.0],
        hint="pass_back goes over self.parents and self.slopes, however many there are, and adds "
        "slope * self.grad to parent.grad, not to its own grad, which stays as it is.",
    )
    yield case(
        "what + passes back when its grad is 1",
        lambda: back(add, 2.0, 5.0),
        [1.0, 1.0],
        hint="Push one part of a sum, and the sum moves by the same amount: both slopes are 1, "
        "whatever the numbers are. The parents are (self, other).",
    )
    yield case(
        "what 2 * 5 passes back when its grad is 1",
        lambda: back(multiply, 2.0, 5.0),
        [5.0, 2.0],
        hint="Push the first factor, and the product moves by the second one times that: each "
        "gets the other one's number, not its own. Slopes are plain numbers: .data.",
    )
    yield case(
        "what 2 * 5 passes back when its grad is 10",
        lambda: back(multiply, 2.0, 5.0, grad=10.0),
        [50.0, 20.0],
        hint="Along a path, slopes multiply: pass on slope * self.grad.",
    )
    yield case(
        "3 * 3, the same Value twice",
        lambda: back([("*", [0, 0])], 3.0),
        [6.0],
        hint="Where several paths meet, slopes add: parent.grad += ..., for = throws away what "
        "came before.",
    )
    yield case(
        "a * b + a, for a = 2 and b = 3",
        lambda: back([("*", [0, 1]), ("+", [2, 0])], 2.0, 3.0),
        [4.0, 2.0],
        hint="Where several paths meet, slopes add: a gets 3 through the product and 1 straight.",
    )
    shuffled = _program(rng, leaves=3, steps=5)
    numbers = [round(float(x), 3) for x in rng.uniform(0.5, 1.5, 3)]
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
    logits = [*(float(x) for x in rng.normal(size=2)), -1.0]
    yield case(
        "a cross-entropy of two logits",
        lambda: back(loss, *logits),
        _slopes(loss, logits),
        hint="Look at each operation alone: its number, its parents, its slopes.",
        hidden=True,
    )


def _program(rng: Rng, leaves: int, steps: int) -> Program:
    """Return a random expression; each step works on the latest value and an earlier one."""
    return [
        (("+", "*")[int(rng.integers(2))], [leaves + step - 1, int(rng.integers(leaves + step))])
        for step in range(steps)
    ]


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
) -> list[float]:
    """Return the slopes of `numbers` that `backward` has found."""
    values = _made_of([_Node(number) for number in numbers], program)
    backward(values[-1])
    return [value.grad for value in values[: len(numbers)]]


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
        return student.probe(slopes_after_backward, student.backward, program, list(numbers))

    single: Program = [("*", [0, 1])]
    yield case(
        "one operation, 2 * 5",
        lambda: slopes(single, 2.0, 5.0),
        [5.0, 2.0],
        hint="First set result.grad = 1.0: to push the result pushes the result by as much. Then "
        "call result.pass_back(). A Value's own grad must be there before it passes back. Is the "
        "function that lists the Values called, for result? ('NoneType' is not iterable? "
        "order.reverse() returns nothing: use reversed(order).)",
    )
    # c = a * b; d = c + a; result = d * b
    chain: Program = [("*", [0, 1]), ("+", [2, 0]), ("*", [3, 1])]
    yield case(
        "three operations, one after the other",
        lambda: slopes(chain, 2.0, 5.0),
        _slopes(chain, [2.0, 5.0]),
        hint="Do not stop at the result's own parents: go on to their parents, and so on. And go "
        "through the order backward, from the result to what it was made of.",
    )
    # c = a * b; d = c * c; result = c + d. Who is there twice must be listed once.
    diamond: Program = [("*", [0, 1]), ("*", [2, 2]), ("+", [2, 3])]
    yield case(
        "c = a * b; d = c * c; result = c + d: how often c, d and the result pass back",
        lambda: student.probe(turns_in_backward, student.backward, diamond, [2.0, 3.0]),
        [1, 1, 1],
        hint="Each Value passes back once, however many were made of it: list it only if it is "
        "not listed yet.",
    )
    yield case(
        "c = a * b; d = c * c; result = c + d: the slopes of a and b",
        lambda: slopes(diamond, 2.0, 3.0),
        [39.0, 26.0],
        hint="c must wait until d has passed back. List the parents before the Value itself, and "
        "go through that list backward.",
    )
    mirrored: Program = [("*", [0, 1]), ("*", [2, 2]), ("+", [3, 2])]
    yield case(
        "the same with result = d + c",
        lambda: slopes(mirrored, 2.0, 3.0),
        [39.0, 26.0],
        hint="c must wait until d has passed back, in whichever order the result's parents stand.",
    )
    double: Program = [("+", [0, 0]), *(("+", [place, place]) for place in range(1, 10))]
    yield case(
        "ten times doubled",
        lambda: slopes(double, 1.0),
        [1024.0],
        hint="Each Value passes back once, and only when its own grad is complete.",
    )
    yield case(
        "c = a * b; first backward(c + a), then, with all grads at 0 again, backward(c * b)",
        lambda: student.probe(slopes_of_a_second_result, student.backward, [2.0, 3.0]),
        [9.0, 12.0],
        hint="Each call begins with an empty list: make it inside backward. A list outside still "
        "holds the Values of the call before, and they pass back again. And leave no marks on "
        "the Values: the next call would take them for listed.",
    )
    shuffled = _program(rng, leaves=3, steps=7)
    numbers = [round(float(x), 3) for x in rng.uniform(0.5, 1.5, 3)]
    yield case(
        "a random expression of three numbers",
        lambda: slopes(shuffled, *numbers),
        _slopes(shuffled, numbers),
        hint="No Value's turn comes before everything that was made of it has had its turn.",
    )
    long: Program = [("+", [place, 0]) for place in range(200)]
    yield case(
        "200 operations",
        lambda: slopes(long, 0.5),
        [201.0],
        hint="No Value's turn comes before everything that was made of it has had its turn.",
        hidden=True,
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
    sgd_step(list(parameters), lr)
    return [parameter.detach() for parameter in parameters]


@probe
def gradients_left(
    _: dict[str, Any],
    sgd_step: Callable[..., None],
    values: list[torch.Tensor],
    grads: list[torch.Tensor],
) -> list[float]:
    """Return how large the largest slope of each parameter is after a step; 0 if there is none."""
    parameters = _with_gradients(values, grads)
    sgd_step(list(parameters), 0.1)
    left = [parameter.grad for parameter in parameters]
    return [0.0 if grad is None else grad.abs().max().item() for grad in left]


@probe
def walk(
    _: dict[str, Any], sgd_step: Callable[..., None], start: torch.Tensor, lr: float, steps: int
) -> torch.Tensor:
    """Return where `steps` steps lead from `start`, when the loss is half the sum of squares."""
    parameter = start.clone().requires_grad_()
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

    value, grad = torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0])
    yield case(
        "whether the tensor itself has moved",
        lambda: [moved != 0 for moved in (step([value], [grad], 0.1)[0] - value).tolist()],
        [True, True],
        hint="Change the tensor itself, in place, with -=, under torch.no_grad(). "
        "`parameter = parameter - ...` makes a new one, and the net's own stays as it was. And use "
        "the gradient before you clear it.",
    )
    yield case(
        "which way: slopes 0.5 and -1",
        lambda: torch.sign(step([value], [grad], 0.1)[0] - value),
        torch.tensor([-1.0, 1.0]),
        hint="Step against the slope, -= and not +=: plus goes uphill.",
    )
    yield case(
        "[1, 2] with slopes [0.5, -1], lr = 0.1",
        lambda: step([value], [grad], 0.1),
        [torch.tensor([0.95, 2.1])],
        hint="The step is lr times the slope.",
    )
    table, slopes = normal(rng, 2, 3), normal(rng, 2, 3)
    yield case(
        "two parameters",
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
    yield case(
        "three steps down a bowl, lr = 0.5",
        lambda: student.probe(walk, student.sgd_step, torch.tensor([8.0, -16.0]), 0.5, 3),
        torch.tensor([1.0, -2.0]),
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
    stack, more = normal(rng, 2, 2, 3), normal(rng, 2, 2, 3)
    yield case(
        "a parameter of three dimensions",
        lambda: step([stack], [more], 0.25),
        [stack - 0.25 * more],
        hint="The step is lr times the slope.",
        hidden=True,
    )


# ------------------------------------------------------------------------------- train_bigram


@probe
def kinds_of_results(
    _: dict[str, Any], train_bigram: Callable[..., Any], counts: torch.Tensor
) -> list[str]:
    """Return what two steps of `train_bigram` give: the kinds of the logits and of the losses."""
    logits, losses = train_bigram(counts, 2, 0.5)
    kind = "noted by torch" if logits.requires_grad else "detached"
    # numpy's numbers serve as well as Python's.
    plain = all(isinstance(loss, Real) for loss in losses)
    return [kind, "plain floats" if plain else "tensors"]


@exercise(LESSON, "train_bigram", points=3)
def train_bigram(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    counts = torch.tensor([[3.0, 1.0], [1.0, 1.0]])
    yield case(
        "no steps at all: the logits and the losses",
        lambda: list(student.train_bigram(counts, 0, 1.0)),
        [torch.zeros(2, 2), []],
        hint="Return two things, logits and losses. The logits begin as zeros of shape (V, V), and "
        "come back as logits: no softmax. Nothing else happens before the loop.",
    )
    yield case(
        "the kinds of both, after two steps",
        lambda: student.probe(kinds_of_results, student.train_bigram, counts),
        ["detached", "plain floats"],
        hint="logits.detach() at the end, and loss.item() for the list. (An error? The logits need "
        "requires_grad=True; backward comes before the step; and each step needs a new loss, made "
        "inside the loop.)",
    )
    yield case(
        "one step: the losses",
        lambda: student.train_bigram(counts, 1, 1.0)[1],
        [math.log(2)],
        hint="Note the loss as it was before its step, once for each step: at first all logits "
        "are 0, which gives ln V.",
    )
    yield case(
        "one step: the logits",
        lambda: student.train_bigram(counts, 1, 1.0)[0],
        torch.tensor([[1 / 6, -1 / 6], [0.0, 0.0]]),
        hint="Each step: the loss on `counts` as they are, loss.backward(), sgd_step([logits], "
        "lr). One step for `steps = 1`, and by `lr`.",
    )
    yield case(
        "five steps: the losses",
        lambda: student.train_bigram(counts, 5, 2.0)[1],
        reference.train_bigram(counts, 5, 2.0)[1],
        hint="The logits are made once, before the loop, and go on from where they are. And the "
        "gradient is cleared after each step: sgd_step does it.",
    )
    random = integers(rng, 9, 4, 4) + 1.0
    yield case(
        "random counts: the logits after six steps",
        lambda: student.train_bigram(random, 6, 3.0)[0],
        reference.train_bigram(random, 6, 3.0)[0],
        hint="Six times: loss, backward, step. Leave the counts as they are.",
    )
    rates = torch.tensor([[1.0], [2.0], [4.0], [8.0]])
    yield case(
        "a learning rate for each row",
        lambda: student.train_bigram(random, 3, rates)[0],
        reference.train_bigram(random, 3, rates)[0],
        hint="Hand lr on to sgd_step as it is.",
    )
    rarely = integers(rng, 5, 3, 3) + 1.0
    share = rarely.sum(dim=1, keepdim=True) / rarely.sum()
    # Every row's slopes shrink at least by 1 - p_min each step, and p_min is 1/11 or more.
    yield case(
        "400 steps find the counts again",
        lambda: torch.softmax(student.train_bigram(rarely, 400, 2 / share)[0], dim=1),
        rarely / rarely.sum(dim=1, keepdim=True),
        hint="Each step: loss, backward, step.",
        hidden=True,
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

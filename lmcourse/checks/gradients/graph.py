"""Checks of slopes by machine: `backward_add_mul` and `backward`."""

from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

LESSON = "03_gradients"


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

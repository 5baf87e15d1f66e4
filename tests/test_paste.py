"""A call that is shown can be pasted into the notebook and gives the same again."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from grader.checks.compare import difference
from grader.checks.paste import LONGEST, NoText, call_of, code, shown_as
from grader.checks.registry import probe
from grader.checks.student import Host, Student, last_call

NAMES = {"torch": torch, "np": np}


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, -2.5, 1e-300, math.inf, math.nan, "it's\n", "", (), (1,), [], {}, set()),
        *([1, [2.0, (3, "x")]], {"a": {1, 2}, 2: None}),
        *(torch.tensor(3.5), torch.tensor([[0.1, -math.inf]]), torch.tensor([1, 2])),
        *(torch.tensor([True]), torch.tensor([0.1], dtype=torch.float64)),
        *(torch.tensor([0.1], dtype=torch.bfloat16), torch.tensor([1], dtype=torch.int32)),
        *(torch.zeros(0), torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)),
        *(np.array([[1.5, 2.0]]), np.array([1, 2], np.int32), np.zeros((2, 0))),
    ],
)
def test_code_makes_the_same_value_again(value: Any) -> None:
    again = eval(code(value), dict(NAMES))
    assert again is value or difference(again, value, atol=0, rtol=0) == "" or again != again
    if isinstance(value, (torch.Tensor, np.ndarray)):
        assert again.dtype == value.dtype
        assert again.shape == value.shape


@pytest.mark.parametrize(
    "value",
    [torch.zeros(65), "x" * (LONGEST + 1), list(range(1000)), 10**4000, object(), [object()]],
)
def test_what_is_too_long_or_no_data_is_not_written(value: Any) -> None:
    with pytest.raises(NoText):
        code(value)


def add(a: Any, b: Any = 0) -> Any:
    return a + b


class Counter:
    def __init__(self, start: int) -> None:
        self.count = start

    def more(self, by: int) -> int:
        self.count += by
        return self.count


@probe
def nothing_written(_: dict[str, Any], function: Callable[..., Any], a: Any) -> Any:
    return function(a, a)


@probe
@shown_as(lambda function, a: call_of(function, a, a))
def own_words(_: dict[str, Any], function: Callable[..., Any], a: Any) -> Any:
    return function(a, a)


PROBES = {each.__name__: each for each in (nothing_written, own_words)}


def asked(question: Callable[[Student], Any]) -> tuple[str, Any, Any]:
    """Return the text of the call that `question` makes, what it gave, and what the text gives."""
    names = {"add": add, "Counter": Counter}
    host = Host(dict(names), PROBES)
    student = Student(host.send)
    gave = question(student)
    text, given = last_call(student).written()
    namespace = names | NAMES | {"given": [host.behind(value) for value in given]}
    *before, last = text.splitlines()
    exec("\n".join(before), namespace)
    return text, gave, eval(last, namespace)


def test_a_call_is_written_with_its_arguments() -> None:
    text, gave, again = asked(lambda student: student.add(torch.tensor([0.5, 2]), b=1))
    assert text == "add(torch.tensor([0.5, 2.0]), b=1)"
    assert torch.equal(gave, again)


def test_what_is_long_has_a_name_and_says_what_it_is() -> None:
    x = torch.arange(100.0)
    text, gave, again = asked(lambda student: student.add(x, x))
    assert text == "# given[0]: float32 tensor (100,)\nadd(given[0], given[0])"
    assert torch.equal(gave, again)


def test_what_a_call_made_has_a_name() -> None:
    text, gave, again = asked(lambda student: student.Counter(3).more(2))
    assert text == "# given[0]: Counter(...).more\ngiven[0](2)"
    assert (gave, again) == (5, 7)  # it is the object itself, which went on counting


def test_a_probe_is_shown_as_the_lines_that_call_it() -> None:
    text, gave, again = asked(lambda student: student.probe(nothing_written, student.add, 2))
    name = nothing_written.__module__
    assert text == f"from {name} import nothing_written\nnothing_written(globals(), add, 2)"
    assert gave == again == 4


def test_a_probe_is_shown_as_the_students_own_call_where_it_makes_one() -> None:
    text, gave, again = asked(lambda student: student.probe(own_words, student.add, 2))
    assert text == "add(2, 2)"
    assert gave == again == 4

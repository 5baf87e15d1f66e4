"""What counts as the same answer, and how a difference is told."""

import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from grader.checks.compare import describe, difference, show, summarise


def differ(got: Any, want: Any) -> str:
    return difference(got, want, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (1, 1),
        (1.0, 1),
        (1, 1.0),
        (torch.tensor(2.0), 2.0),
        (2.0, torch.tensor(2.0)),
        (np.array(2.0), 2.0),
        (torch.tensor([1, 2], dtype=torch.int32), torch.tensor([1, 2])),
        (torch.tensor([1.0], dtype=torch.float64), torch.tensor([1.0])),
        (torch.tensor([math.nan, math.inf]), torch.tensor([math.nan, math.inf])),
        (np.array([1.0], dtype=">f8"), np.array([1.0])),
        ({"a": [1.0]}, {"a": [1.000001]}),
        (math.nan, math.nan),
        ("x", "x"),
        (None, None),
    ],
)
def test_same(got: Any, want: Any) -> None:
    assert differ(got, want) == ""


@pytest.mark.parametrize(
    ("got", "want", "told"),
    [
        (2, 3, "expected 3, got 2"),
        (True, 1, "expected an int, got a bool"),
        (1, True, "expected a bool, got an int"),
        (0.5, 0, "expected 0, got 0.5"),
        (math.nan, 1.0, "expected 1, got nan"),
        (1.0, math.inf, "expected inf, got 1"),
        ("1", 1, "expected an int, got a str"),
        (None, 1, "expected an int, got None"),
        ([1.0], torch.tensor([1.0]), "expected a float32 tensor (1,), got a list of 1"),
        (np.zeros(2), torch.zeros(2), "got a float64 numpy array (2,)"),
        (torch.zeros(2, 3), torch.zeros(3, 2), "expected shape (3, 2), got (2, 3)"),
        (torch.zeros(2), torch.zeros(2, dtype=torch.long), "expected numbers of kind int"),
        (torch.ones(2, dtype=torch.bool), torch.ones(2), "kind float, got bool"),
        (torch.tensor([0.0, 1.0]), torch.tensor([0.0, 2.0]), "at [1]: expected 2, got 1 (1 of 2"),
        (torch.tensor([math.nan]), torch.tensor([0.0]), "expected 0, got nan"),
        ((1, 2), [1, 2], "expected a list of 2, got a tuple of 2"),
        ((1,), (1, 2), "expected (1, 2), got (1,)"),
        ([1] * 10, [1], "expected 1 items, got 10"),
        ([1, 3], [1, 2], "at position 1: expected 2, got 3"),
        ({"a": 1}, {"b": 1}, "the key 'b' is missing"),
        ({"a": 1, "b": 2}, {"a": 1}, "the key 'b' should not be there"),
        ({"a": 1}, {"a": 2}, "at key 'a': expected 2, got 1"),
        ({1}, {2}, "expected {2}, got {1}"),
        (10**4000, 1.5, "expected 1.5, got 10**4000 or so"),
        ((torch.zeros(9),), (1,), "at position 0: expected an int, got a float32 tensor (9,)"),
    ],
)
def test_different(got: Any, want: Any, told: str) -> None:
    assert told in differ(got, want)


def test_tolerance_is_absolute_plus_relative() -> None:
    assert difference(100.5, 100.0, atol=0.0, rtol=0.01) == ""
    assert difference(100.5, 100.0, atol=0.0, rtol=0.001) != ""


def test_long_values_are_shortened() -> None:
    assert len(show("x" * 1000)) <= 120
    assert show(torch.zeros(100)) == "float32 tensor (100,)"
    assert show({"weight": torch.zeros(100)}) == "{'weight': float32 tensor (100,)}"
    assert show([torch.zeros(100), [1 / 3]]) == "[float32 tensor (100,), [0.3333]]"
    assert show((torch.zeros(100), {0.25})) == "(float32 tensor (100,), {0.25})"
    assert show([(), (1,), set(), {}, [], ""]) == "[(), (1,), set(), {}, [], '']"
    assert describe([1, 2]) == "list of 2"


def test_a_set_is_written_alike_in_every_process() -> None:
    value = "[{('s', True), ('k', 1), 10, 9, 'a', 'b'}]"
    code = f"from grader.checks.compare import show; print(show({value}))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert said == {b"[{9, 10, 'a', 'b', ('k', 1), ('s', True)}]\n"}
    assert show(set(range(1000))) == "set of 1000"


def test_integers_too_long_to_be_written_are_told_by_their_size() -> None:
    assert differ(-(10**5000), 1) == "expected 1, got -10**5000 or so"
    assert differ(10**5000, math.inf) == "expected inf, got 10**5000 or so"


class Counted(list[Any]):
    """A list's part that counts how often it is written."""

    written = 0

    def __repr__(self) -> str:
        Counted.written += 1
        return "..."


@pytest.mark.parametrize("many", [list, tuple, lambda parts: dict(enumerate(parts))])
def test_of_a_large_value_only_the_beginning_is_looked_at(many: Any) -> None:
    Counted.written = 0
    assert len(show([many([Counted() for _ in range(1000)])])) == 120
    assert Counted.written < 120


def test_few_numbers_are_shown_as_python_writes_them() -> None:
    shown = summarise(torch.tensor([[0.25, 1 / 3]]))
    assert shown == "torch.tensor([[0.25, 0.3333]])"
    assert summarise(torch.eye(2)) == "torch.tensor([[1.0, 0.0],\n              [0.0, 1.0]])"
    assert summarise(torch.ones(1, 2).double()) == "torch.tensor([[1.0, 1.0]], dtype=torch.float64)"
    assert summarise(np.array([1, 2], np.int32)) == "np.array([1, 2], dtype=int32)"
    assert summarise(torch.zeros(6, 6)) == "float32 tensor (6, 6)"
    assert summarise(torch.zeros(0, 3)) == "float32 tensor (0, 3)"
    assert summarise("x") == "'x'"

"""The checks of `accuracy_by_slice`."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import kind, public_and_hidden

LESSON = "08_bert_and_evaluation"
KEYS = ["accuracy", "high", "low", "stories"]


def intervals(
    right: torch.Tensor, slices: dict[str, torch.Tensor], draws: torch.Tensor
) -> dict[str, dict[str, Any]]:
    """Return what `accuracy_by_slice` should, one round after the other."""
    report = {}
    for name, inside in slices.items():
        rounds = [right[row][inside[row]].double() for row in draws]
        shares = [float(part.mean()) for part in rounds if len(part)]
        stories = int(inside.sum())
        low, high = np.quantile(shares, [0.025, 0.975]) if shares else (math.nan, math.nan)
        accuracy = float(right[inside].double().mean()) if stories else math.nan
        report[name] = {
            "stories": stories,
            "accuracy": accuracy,
            "low": float(low),
            "high": float(high),
        }
    return report


@probe
def kinds_of_rows(_: dict[str, Any], accuracy_by_slice: Callable[..., Any], *args: Any) -> Any:
    """Return by name and key the kinds of what `accuracy_by_slice` gives, or None for None."""
    given = accuracy_by_slice(*args)
    if given is None:
        return None
    return {of: {key: kind(value) for key, value in row.items()} for of, row in given.items()}


@exercise(LESSON, "accuracy_by_slice", points=3)
def accuracy_by_slice(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def draw(stories: int, rounds: int, *sizes: int) -> list[Any]:
        """Return who was right, slices of these sizes, and the stories drawn in each round."""
        right = torch.from_numpy(rng.random(stories)) < float(rng.uniform(0.55, 0.85))
        slices = {}
        for number, size in enumerate(sizes):
            inside = torch.zeros(stories, dtype=torch.bool)
            inside[torch.from_numpy(rng.permutation(stories)[:size])] = True
            slices[f"slice {number}"] = inside
        return [right, slices, integers(rng, stories, rounds, stories)]

    def part(name: str, arguments: list[Any]) -> Any:
        given = student.accuracy_by_slice(*arguments)
        return [given[of][name] for of in arguments[1]] if isinstance(given, dict) else given

    def want(name: str, arguments: list[Any]) -> list[Any]:
        return [row[name] for row in intervals(*arguments).values()]

    few = draw(20, 30, 8, 12)
    yield case(
        "a dictionary of four for each slice",
        lambda: {name: sorted(row) for name, row in student.accuracy_by_slice(*few).items()},
        {name: KEYS for name in few[1]},
        hint="Under each slice's name stands a dictionary with stories, accuracy, low and high.",
        form=True,
    )

    kinds = dict.fromkeys(KEYS, "float") | {"stories": "int"}
    yield case(
        "of which kinds the four are",
        lambda: student.probe(kinds_of_rows, student.accuracy_by_slice, *few),
        dict.fromkeys(few[1], kinds),
        hint="Plain numbers: stories is an int, the other three are floats: int(...), .item().",
        form=True,
    )

    def many() -> Iterator[Case]:
        stories = int(rng.integers(80, 160))
        arguments = draw(stories, 200, stories // 2, int(rng.integers(20, 40)))
        yield case(
            "stories and accuracy",
            lambda: [part("stories", arguments), part("accuracy", arguments)],
            [want("stories", arguments), want("accuracy", arguments)],
            hint="How many stories are in the slice, an int, and which share of these is right. "
            "The draws have no part in it.",
            atol=1e-6,
        )
        same = [*arguments[:2], arguments[2][:1].repeat(3, 1)]
        yield case(
            "three times the same round: low and high",
            lambda: [part("low", same), part("high", same)],
            [want("low", same), want("high", same)],
            hint="For each row of draws: take these stories, of right and of the slice alike, and "
            "work out the slice's accuracy again, divided by how many of the drawn ones are in the "
            "slice. A round is a row: sum along dim=1. Take the draws that are given, and make "
            "none.",
            atol=1e-6,
        )
        yield case(
            "low and high",
            lambda: [part("low", arguments), part("high", arguments)],
            [want("low", arguments), want("high", arguments)],
            hint="low and high are the quantiles 0.025 and 0.975 of what the rounds give, in this "
            "order: 95 in 100 lie between. Take them from the rounds themselves, with torch's own "
            "way between two of them, and from no normal curve.",
            atol=1e-6,
            points=2,
        )

    yield from public_and_hidden(many)
    empty = draw(int(rng.integers(30, 60)), 50, int(rng.integers(10, 20)), 0)
    yield case(
        "an empty slice",
        lambda: [part("stories", empty), part("accuracy", empty), part("low", empty)],
        [want("stories", empty), want("accuracy", empty), want("low", empty)],
        hint="Of no stories there is no accuracy: it is nan, and so are low and high. 0 would say "
        "that all are wrong.",
    )
    poor = draw(int(rng.integers(30, 40)), 200, int(rng.integers(12, 18)))
    inside = poor[1]["slice 0"]
    poor[0][inside] = torch.arange(int(inside.sum())) == 0
    yield case(
        "a slice of which one story is right: low and high",
        lambda: [part("low", poor), part("high", poor)],
        [want("low", poor), want("high", poor)],
        hint="A round in which all of the slice's stories are wrong counts as 0. Only a round in "
        "which none was drawn is left out.",
        atol=1e-6,
    )
    tiny = draw(int(rng.integers(30, 60)), 300, 1, 2, 3)
    yield case(
        "slices of one, two and three stories",
        lambda: [part("low", tiny), part("high", tiny)],
        [want("low", tiny), want("high", tiny)],
        hint="In some rounds none of the slice's stories is drawn. Such a round says nothing: "
        "leave it out, as torch.nanquantile does with nan.",
        atol=1e-6,
        points=2,
    )

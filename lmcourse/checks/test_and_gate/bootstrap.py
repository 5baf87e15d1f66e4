"""Checks of `paired_bootstrap`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, kinds_in, public_and_hidden

LESSON = "10_test_and_gate"
KEYS = ["difference", "high", "low"]


def _losses(rng: Rng, stories: int) -> list[torch.Tensor]:
    """Return old and new losses (N,) in nats, and lengths (N,): the new one a little other."""
    chars = torch.from_numpy(rng.integers(40, 600, stories))
    hard = torch.from_numpy(rng.uniform(0.3, 1.5, stories))  # some stories are harder, for both
    change = torch.from_numpy(rng.normal(rng.uniform(-0.05, 0.05), 0.04, stories))
    return [chars * hard, chars * (hard + change), chars]


@exercise(LESSON, "paired_bootstrap", points=3)
def paired_bootstrap(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    old, new = torch.tensor([10.0, 30.0]), torch.tensor([8.0, 31.0])
    chars = torch.tensor([10, 30])
    draws = torch.tensor([[0, 0], [1, 1], [0, 1], [1, 0]])

    def part(name: str, *arguments: Any) -> Any:
        given = student.paired_bootstrap(*arguments)
        return given[name] if isinstance(given, dict) else given

    yield case(
        "a dictionary of three floats",
        lambda: sorted(student.paired_bootstrap(old, new, chars, draws)),
        KEYS,
        hint="the keys are difference, low and high",
        form=True,
    )
    yield case(
        "plain numbers",
        lambda: student.probe(kinds_in, student.paired_bootstrap, old, new, chars, draws),
        ["float"],
        hint="float(...) or .item() makes a plain number of a tensor",
        form=True,
    )
    yield case(
        "two stories: the difference",
        lambda: part("difference", old, new, chars, draws),
        -1 / 40,
        hint="new minus old: below 0 the new model is better. All nats together, divided by all "
        "characters together: a mean of the stories' own losses would count a short story as much "
        "as a long one. draws have no part in it",
    )

    def draw() -> list[torch.Tensor]:
        stories = int(rng.integers(20, 60))
        return [*_losses(rng, stories), integers(rng, stories, 400, stories)]

    def many() -> Iterator[Case]:
        arguments = draw()
        want = reference.paired_bootstrap(*arguments)
        yield case(
            "the difference of many stories",
            lambda: part("difference", *arguments),
            want["difference"],
            hint="the sum of new less the sum of old, divided by the sum of chars; draws have no "
            "part in it",
            atol=1e-6,
        )
        yield case(
            "low and high of many stories",
            lambda: [part("low", *arguments), part("high", *arguments)],
            [want["low"], want["high"]],
            hint="for each row of draws: take these stories, of old, of new and of chars alike, "
            "and work out the difference again. low and high are the quantiles 0.025 and 0.975 "
            "of what the rows give. Four slips: 0.05 and 0.95 leave 90 in 100; draws are given, so "
            "draw none of your own; a round is a row, so sum along dim=1, not 0; and divide by "
            "the round's own characters, not by all",
            atol=1e-6,
            points=2,
        )

    yield from public_and_hidden(many)

    def luck() -> list[torch.Tensor]:
        """Return two models, of which none is better, on stories of very different lengths."""
        stories = int(rng.integers(25, 40))
        chars = torch.from_numpy(rng.integers(10, 2000, stories))
        change = torch.from_numpy(rng.normal(0.0, 0.2, stories))
        return [chars * 0.9, chars * (0.9 + change), chars, integers(rng, stories, 300, stories)]

    lucky = luck()
    honest = reference.paired_bootstrap(*lucky)
    yield case(
        "short stories and very long ones",
        lambda: [part("low", *lucky), part("high", *lucky)],
        [honest["low"], honest["high"]],
        hint="in each row the drawn stories' own lengths go below the line: "
        "chars[draws].sum(dim=1)",
        atol=1e-6,
    )
    same = draw()
    same[1] = same[0] - same[2] * float(rng.uniform(0.01, 0.2))
    gain = -float((same[0] - same[1]).sum() / same[2].sum())
    yield case(
        "as much better on every story",
        lambda: [part(name, *same) for name in ("difference", "low", "high")],
        [gain] * 3,
        hint="paired: each row draws stories, and both models are asked for the same ones. Then "
        "it does not matter that some stories are harder, and nothing is left to chance here",
        atol=1e-6,
    )
    turned = draw()

    def both_ways() -> str:
        there = [part(name, *turned) for name in ("low", "high")]
        back = [part(name, turned[1], turned[0], *turned[2:]) for name in ("low", "high")]
        off = max(abs(there[0] + back[1]), abs(there[1] + back[0]))
        return (
            "" if off < 1e-6 else f"{np.round(there, 4).tolist()} and {np.round(back, 4).tolist()}"
        )

    yield holds(
        "old and new the other way round",
        "the same interval with the other sign",
        both_ways,
        hint="low is the lower end and high the upper one, also where the new model is worse",
        points=0.5,
    )
    few = draw()
    untouched = arguments_stay(
        "your tensors stay as they were",
        student,
        "paired_bootstrap",
        *few,
        hint="new -= old changes the caller's tensor; new - old makes a new one",
        points=0.5,
    )
    yield replace(untouched, form=True)  # it says nothing of the answer

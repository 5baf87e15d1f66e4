"""The checks of `roc_auc`."""

import math
from collections.abc import Iterator

import numpy as np
import torch

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, kind_of, public_and_hidden

LESSON = "08_bert_and_evaluation"


def area(scores: torch.Tensor, truth: torch.Tensor) -> float:
    """Return the area under the ROC curve (Mann and Whitney 1947), nan if a class is absent."""
    yes = np.sort(scores[truth].double().numpy())
    no = np.sort(scores[~truth].double().numpy())
    if not (len(yes) and len(no)):
        return math.nan
    below = np.searchsorted(no, yes, "left").sum()
    upto = np.searchsorted(no, yes, "right").sum()
    return float((below + upto) / 2 / (len(yes) * len(no)))


@exercise(LESSON, "roc_auc", points=3)
def roc_auc(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def draw(stories: int, kinds: int = 0) -> list[torch.Tensor]:
        """Return scores and truth; with `kinds`, scores of so many different values only."""
        truth = integers(rng, 100, stories) < int(rng.integers(15, 60))
        truth[:2] = torch.tensor([True, False])
        scores = normal(rng, stories) + float(rng.uniform(0.3, 1.5)) * truth
        if kinds:
            scores = (scores.clamp(-2, 3) * kinds / 5).round()
            # The highest score belongs to both: a curve that does not begin at (0, 0) misses that.
            truth[:6], scores[:6] = torch.tensor([True, False] * 3), scores.max()
        return [scores, truth]

    small = draw(12)
    yield case(
        "one plain number",
        lambda: student.probe(kind_of, student.roc_auc, *small),
        "float",
        hint="Return a plain number: .item() or float(...).",
        form=True,
    )
    yield arguments_stay(
        "scores and truth stay as they were",
        student,
        "roc_auc",
        *small,
        hint=".sort() on a tensor gives a new one, .sort_() and sorting in place change it.",
        points=0.25,
    )

    def apart() -> Iterator[Case]:
        arguments = draw(int(rng.integers(30, 90)))
        yield case(
            "scores that all differ",
            lambda: student.roc_auc(*arguments),
            area(*arguments),
            hint="Of all pairs of a story that is and one that is not: in which share has the one "
            "that is the higher score? Divide by the number of these pairs, not of all pairs. And "
            "only the order counts: compare scores with each other, not with limits "
            "between 0 and 1.",
        )

    yield from public_and_hidden(apart)

    def ties() -> Iterator[Case]:
        arguments = draw(int(rng.integers(60, 120)), kinds=int(rng.integers(4, 8)))
        yield case(
            "scores with ties",
            lambda: student.roc_auc(*arguments),
            area(*arguments),
            hint="A pair with the same score counts one half: neither is in front. (On a curve: it "
            "begins at (0, 0), and rises along a slope where scores are equal.)",
            points=2,
        )

    yield from public_and_hidden(ties)

    def close() -> Iterator[Case]:
        scores, truth = draw(int(rng.integers(40, 80)))
        scores = 1e-4 * scores
        scores[torch.from_numpy(rng.permutation(2))] = torch.tensor([-1000.0, 1000.0])
        yield case(
            "scores that lie close together, and two far away",
            lambda: student.roc_auc(scores, truth),
            area(scores, truth),
            hint="Scores that differ by little differ all the same: compare them as they are, "
            "without rounding, bins or torch.isclose.",
        )

    yield from public_and_hidden(close)
    scores, truth = draw(int(rng.integers(40, 80)))
    yield case(
        "one score for all",
        lambda: student.roc_auc(torch.full_like(scores, float(scores[0])), truth),
        0.5,
        hint="All pairs are ties, and each counts one half.",
        points=0.5,
    )
    yield case(
        "the scores turned round",
        lambda: student.roc_auc(-scores, truth),
        1 - area(scores, truth),
        hint="Who ranks the wrong way round is below 0.5, and stays there: no max(a, 1 - a).",
    )
    far = [1e6 * scores, truth]
    yield case(
        "the same scores times a million",
        lambda: student.roc_auc(*far),
        area(*far),
        hint="Only the order of the scores counts: compare them with each other, not with 0.5 or "
        "with other limits between 0 and 1.",
    )
    yield case(
        "a class that is absent: no story is, then all are",
        lambda: [student.roc_auc(scores, torch.full_like(truth, every)) for every in (False, True)],
        [math.nan, math.nan],
        hint="Without pairs there is nothing to say: return float('nan'), rather than 0 or an "
        "error.",
    )

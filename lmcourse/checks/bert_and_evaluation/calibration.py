"""The checks of `expected_calibration_error`."""

from collections.abc import Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, kind_of, public_and_hidden

LESSON = "08_bert_and_evaluation"


def error_of(answers: list[torch.Tensor], bins: int) -> float:
    """Return the expected calibration error of confidences and who was right, bin by bin."""
    confidence, right = answers
    found = 0.0
    numbers = (confidence.double() * bins).floor().clamp(max=bins - 1)
    for k in range(bins):
        inside = numbers == k
        if inside.any():
            gap = confidence[inside].double().mean() - right[inside].double().mean()
            found += float(gap.abs()) * float(inside.double().mean())
    return found


def _confidences(rng: Rng, stories: int, bins: int, low: float = 0.0) -> torch.Tensor:
    """Return numbers from `low` to 1, none of them within a hundredth of a bin of an edge."""
    numbers = rng.uniform(low, 1, stories) * bins
    inside = 0.01 + 0.98 * (numbers % 1)
    return torch.from_numpy(((numbers // 1 + inside) / bins).astype("float32"))


@exercise(LESSON, "expected_calibration_error", points=2)
def expected_calibration_error(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def draw(stories: int, bins: int, low: float = 0.0) -> list[Any]:
        confidence = _confidences(rng, stories, bins, low)
        waves, start = float(rng.uniform(2, 4)), float(rng.uniform(0, 6))
        chance = confidence.double() + 0.4 * (6.28 * waves * confidence.double() + start).sin()
        right = torch.from_numpy(rng.random(stories)) < chance
        return [confidence, right]

    few = draw(12, 10)
    yield case(
        "one plain number",
        lambda: student.probe(kind_of, student.expected_calibration_error, *few),
        "float",
        hint="Return a plain number: .item() or float(...).",
        form=True,
    )
    yield arguments_stay(
        "confidence and right stay as they were",
        student,
        "expected_calibration_error",
        *few,
        hint="Change neither of the two tensors.",
        points=0.25,
    )
    sure = float(rng.uniform(0.82, 0.88))
    hits = int(rng.integers(3, 8))
    one: list[Any] = [torch.full((10,), sure), torch.arange(10) < hits]
    yield case(
        "one bin: ten stories of the same confidence",
        lambda: student.expected_calibration_error(*one),
        abs(sure - hits / 10),
        hint="In a bin, the gap is the distance between the mean confidence of its stories and the "
        "share of them that are right. Not the distance to the bin's middle, and no square. This "
        "bin has all the stories, so its weight is 1: do not divide by the number of bins. The "
        "other nine bins are empty: their mean is nan, so skip them.",
    )
    k = int(rng.integers(1, 9))
    near = [k / 10 + float(rng.uniform(*part)) for part in ((0.01, 0.03), (0.07, 0.09))]
    pair: list[Any] = [torch.tensor(near), torch.tensor([True, False])]
    yield case(
        "two answers in the same bin",
        lambda: student.expected_calibration_error(*pair),
        abs(sum(near) / 2 - 0.5),
        hint="The bins are of the same width and go from 0 to 1, whatever the confidences are. "
        "0.61 and 0.69 are both in bin 6: cut off what stands behind, .long(), and do not round.",
    )

    def many() -> Iterator[Case]:
        arguments = draw(int(rng.integers(80, 200)), 10)
        yield case(
            "ten bins",
            lambda: student.expected_calibration_error(*arguments),
            error_of(arguments, 10),
            hint="Each bin's gap counts by the share of all stories that are in it. The gap is "
            "taken bin by bin, without its sign: .abs() before the sum.",
            points=2,
        )
        bins = int(rng.integers(3, 9))
        other = draw(int(rng.integers(80, 200)), bins)
        yield case(
            "another number of bins",
            lambda: student.expected_calibration_error(*other, bins),
            error_of(other, bins),
            hint="bins says how many there are: bin k goes from k / bins to (k + 1) / bins.",
        )

    yield from public_and_hidden(many)
    upper = draw(int(rng.integers(20, 40)), 10, low=0.7)
    yield case(
        "bins without a story",
        lambda: student.expected_calibration_error(*upper),
        error_of(upper, 10),
        hint="The mean of an empty bin is nan. Such a bin has no part in the sum: skip it.",
    )

    def ends(*confidences: float) -> list[Any]:
        """Return answers in the inner bins, and in front those of `confidences`, right at last."""
        arguments = draw(int(rng.integers(12, 30)), 10)
        confidence, right = arguments
        confidence[(confidence < 0.1) | (confidence >= 0.9)] = 0.55
        confidence[: len(confidences)] = torch.tensor(confidences)
        right[: len(confidences)] = torch.arange(len(confidences)) >= 2
        return arguments

    high, low = float(rng.uniform(0.91, 0.96)), float(rng.uniform(0.04, 0.09))
    top = ends(1.0, 1.0, high, high)
    yield case(
        "confidences of exactly 1, and others in the last bin",
        lambda: student.expected_calibration_error(*top),
        error_of(top, 10),
        hint="Every story is in a bin: 1.0 belongs to the last one, with all from 0.9 on. There is "
        "no bin behind it.",
    )
    bottom = ends(low, low, 0.0, 0.0)
    yield case(
        "confidences of exactly 0, and others in the first bin",
        lambda: student.expected_calibration_error(*bottom),
        error_of(bottom, 10),
        hint="Every story is in a bin, and counts: 0.0 belongs to the first one.",
    )
    # In two bins, one half is the lower edge of the second.
    half = draw(int(rng.integers(10, 30)), 2)
    half[0][:6] = 0.5
    half[1][:6] = True
    yield case(
        "a confidence on an edge",
        lambda: student.expected_calibration_error(*half, 2),
        error_of(half, 2),
        hint="Bin k has the confidences from k / bins on, up to but not including (k + 1) / bins.",
        points=0.5,
    )

"""What lesson 08 measures with is what scikit-learn measures, ties and absent classes included."""

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from course import COURSE
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.exceptions import UndefinedMetricWarning

from grader.course.solved import solved_namespace

SEEDS = range(20)


@cache
def solved() -> dict[str, Any]:
    return solved_namespace(COURSE.lesson("08_bert_and_evaluation"))


def guesses(seed: int, classes: int, stories: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return true classes and guesses, of which about half are right."""
    dice = torch.Generator().manual_seed(seed)
    truth = torch.randint(classes, (stories,), generator=dice)
    slips = torch.randint(classes, (stories,), generator=dice)
    return truth, torch.where(torch.rand(stories, generator=dice) < 0.5, truth, slips)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("classes", "absent", "stories"), [(2, 0, 40), (5, 0, 200), (4, 3, 30)])
def test_precision_recall_and_f1(seed: int, classes: int, absent: int, stories: int) -> None:
    truth, guess = guesses(seed, classes, stories)
    if absent:
        guess[0] = classes  # said once of a class that no story has
    every = list(range(classes + absent))
    report = solved()["precision_recall_f1"](truth, guess, len(every))
    asked: dict[str, Any] = {"labels": every, "zero_division": 0}
    each = metrics.precision_recall_fscore_support(truth, guess, **asked)
    for name, want in zip(("precision", "recall", "f1"), each[:3], strict=True):
        assert report[name].numpy() == pytest.approx(want, abs=1e-6), name
    confusion = metrics.confusion_matrix(truth, guess, labels=every)
    assert np.array_equal(report["confusion"].numpy(), confusion)
    for mean in ("micro", "macro"):
        want = metrics.f1_score(truth, guess, average=mean, **asked)
        assert report[mean] == pytest.approx(want, abs=1e-6)
    assert report["micro"] == pytest.approx(metrics.accuracy_score(truth, guess))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kinds", [2, 6, 1000])
def test_the_area_under_the_curve_with_few_ties_and_with_many(seed: int, kinds: int) -> None:
    dice = torch.Generator().manual_seed(seed)
    truth = torch.rand(300, generator=dice) < 0.2
    truth[:2] = torch.tensor([True, False])
    scores = torch.randint(kinds, (300,), generator=dice) / kinds + 0.1 * truth
    want = metrics.roc_auc_score(truth, scores)
    assert solved()["roc_auc"](scores, truth) == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("every", [True, False])
def test_without_the_other_class_there_is_no_area(every: bool) -> None:
    scores, truth = torch.arange(5.0), torch.full((5,), every)
    assert math.isnan(solved()["roc_auc"](scores, truth))
    with pytest.warns(UndefinedMetricWarning):
        assert math.isnan(metrics.roc_auc_score(truth, scores))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("classes", [2, 3, 16])
def test_kappa(seed: int, classes: int) -> None:
    first, second = (labels.tolist() for labels in guesses(seed, classes, 50))
    want = metrics.cohen_kappa_score(first, second)
    assert solved()["cohen_kappa"](first, second) == pytest.approx(want, abs=1e-9)


def test_two_who_say_the_same_of_everything_have_no_kappa() -> None:
    assert math.isnan(solved()["cohen_kappa"](["a"] * 4, ["a"] * 4))


@pytest.mark.parametrize("seed", SEEDS)
def test_slices_as_numpy_draws_them(seed: int) -> None:
    dice = np.random.default_rng(seed)
    right = dice.random(60) < 0.7
    inside = dice.random(60) < 0.4
    draws = dice.integers(0, 60, (200, 60))
    given = solved()["accuracy_by_slice"](
        torch.from_numpy(right),
        {"some": torch.from_numpy(inside), "none": torch.zeros(60, dtype=torch.bool)},
        torch.from_numpy(draws),
    )
    shares = [right[row][inside[row]].mean() for row in draws]
    assert given["some"]["stories"] == inside.sum()
    assert given["some"]["accuracy"] == pytest.approx(
        metrics.accuracy_score(np.ones(inside.sum()), right[inside])
    )
    low, high = np.quantile(shares, [0.025, 0.975])
    assert [given["some"][end] for end in ("low", "high")] == pytest.approx([low, high], abs=1e-6)
    assert given["none"]["stories"] == 0
    assert all(math.isnan(given["none"][name]) for name in ("accuracy", "low", "high"))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("bins", [5, 10])
def test_calibration_as_scikit_learns_curve_has_it(seed: int, bins: int) -> None:
    dice = np.random.default_rng(seed)
    confidence = dice.random(400).astype("float32")
    right = dice.random(400) < confidence**2
    shares, sure = calibration_curve(right, confidence, n_bins=bins)
    counts = np.histogram(confidence, np.linspace(0, 1, bins + 1))[0]
    want = (np.abs(shares - sure) * counts[counts > 0]).sum() / 400
    given = solved()["expected_calibration_error"](
        torch.from_numpy(confidence), torch.from_numpy(right), bins
    )
    assert given == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("seed", SEEDS[:5])
def test_a_reader_of_both_sides_sees_all_words_and_no_pad(seed: int) -> None:
    """A word moves every row, [pad] none, and with the mask on, none moves an earlier one."""
    Bert = solved()["Bert"]
    torch.manual_seed(seed)
    ids = torch.randint(3, 20, (1, 9))
    other = ids.clone()
    other[0, 4] = 3 + (ids[0, 4] - 2) % 17
    padded = torch.nn.functional.pad(ids, (0, 3))
    for causal in (False, True):
        model = Bert(20, 12, channels=16, causal=causal).eval()
        with torch.no_grad():
            moved = (model(ids) - model(other)).abs().amax(dim=-1)[0] > 1e-6
            assert torch.allclose(model(padded)[:, :9], model(ids), atol=1e-5)
        assert moved.tolist() == [not causal or place >= 4 for place in range(9)]

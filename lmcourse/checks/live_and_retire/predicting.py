"""The checks of `predict_failures`: fresh runs, against a baseline, with nothing of the future.

The judge draws the runs, so it knows how likely each one was to fail: it compares with that, and
not with the luck of which ones did.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.live_and_retire.drawing import LESSON

Run = dict[str, Any]
Floats = npt.NDArray[np.float64]

FEATURES = ("files", "lines", "hour", "tests", "failed_before")
MOST = 0.03  # nats a run above what is possible; a good fit has some 0.005
FAR = 0.06  # so far off is who did not learn; the share of failures, said of each, is further


@probe
def forecasts(
    _: dict[str, Any],
    predict: Callable[..., Any],
    runs: list[Run],
    fresh: list[Run],
    now: float,
) -> Any:
    """Return the probabilities as plain floats, or None if there are none."""
    given = predict(runs, fresh, now)
    return None if given is None else [float(each) for each in given]


class Team:
    """How runs of a team come out: drawn runs, and how likely each one was to fail."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        signs = rng.choice([-1.0, 1.0], len(FEATURES))
        self.weights = signs * rng.uniform(0.6, 1.2, len(FEATURES))  # of standardised features
        self.bias = rng.uniform(-1.6, -0.6)

    def runs(self, count: int, first: float) -> tuple[list[Run], Floats]:
        """Return runs that start from `first` on, some minutes apart, and their probabilities."""
        rng = self.rng
        files = rng.integers(1, 61, count)
        lines = np.clip(rng.normal(files * 20, 400), 0, 3000).round()
        hour = rng.integers(7, 23, count)
        tests, before = rng.integers(0, 2, count), rng.integers(0, 2, count)
        plain = [(files - 30.5) / 17.3, (lines - 610) / 520, (hour - 14.5) / 4.6]
        columns = np.stack([*plain, 2.0 * tests - 1, 2.0 * before - 1], axis=1)
        likely = 1 / (1 + np.exp(-(columns @ self.weights + self.bias)))
        start = first + np.cumsum(rng.integers(5, 30, count))
        values = np.stack([files, lines, hour, tests, before], axis=1).astype(int)
        return [
            dict(zip(FEATURES, map(int, row), strict=True)) | {"start": int(at)}
            for row, at in zip(values, start, strict=True)
        ], likely

    def past(self, count: int) -> list[Run]:
        """Return runs that are over, each with its end, how long its log is, and whether it failed.

        One that failed ends sooner and says more: but only once it is over.
        """
        runs, likely = self.runs(count, 0.0)
        failed = self.rng.random(count) < likely
        for run, bad in zip(runs, failed, strict=True):
            minutes = self.rng.integers(4, 12) if bad else self.rng.integers(12, 40)
            run["end"] = run["start"] + int(minutes)
            run["log_lines"] = int(self.rng.integers(900, 2000) if bad else 300)
            run["failed"] = bool(bad)
        return runs


def excess(likely: Floats, said: Floats) -> float:
    """Return by how many nats a run these probabilities are worse than the true ones."""
    said = np.clip(said, 1e-12, 1 - 1e-12)
    each = likely * np.log(likely / said) + (1 - likely) * np.log((1 - likely) / (1 - said))
    return float(each.mean())


@exercise(LESSON, "predict_failures", points=4, exercise_seconds=40)
def predict_failures(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def forecast(runs: list[Run], fresh: list[Run], now: float) -> Floats:
        given = student.probe(forecasts, student.predict_failures, runs, fresh, now)
        if given is None:
            raise ValueError("your function gives None: is a return missing?")
        if len(given) != len(fresh):
            raise ValueError(f"there are {len(fresh)} fresh runs, and {len(given)} answers")
        said = np.array(given, dtype=float)
        if not np.isfinite(said).all():  # NaN is neither near nor far
            raise ValueError(f"{(~np.isfinite(said)).sum()} of {len(said)} are no numbers")
        return said

    def cases() -> Iterator[Case]:
        team = Team(rng)
        runs = team.past(700)
        now = max(run["end"] for run in runs) + 1
        fresh, likely = team.runs(300, now)

        def odd() -> str:
            said = forecast(runs, fresh, now)
            bad = said[~((said > 0) & (said < 1))]
            if len(bad):
                return f"{len(bad)} of {len(said)} are not above 0 and below 1, such as {bad[0]:g}"
            return "all of them are the same" if np.ptp(said) < 1e-6 else ""

        form = holds(
            "one probability for each fresh run",
            "numbers above 0 and below 1, not all the same",
            odd,
            hint="Return sigmoid(x @ w + b) for each fresh run, the probability that it fails: no "
            "True and False, nothing rounded, and not all the same. Exactly 0 or 1: sums far "
            "too large: of features of very different sizes (take the mean of the past runs away, "
            "and divide by their standard deviation), or of steps with the wrong sign.",
            points=0.5,
        )
        yield replace(form, form=True)

        def better() -> str:
            said = forecast(runs, fresh, now)
            share = np.full(len(fresh), np.mean([run["failed"] for run in runs]))
            above, baseline = excess(likely, said), excess(likely, share)
            if above > 0.5 * baseline:
                return f"{above:.3f} nats above what is possible; the share alone {baseline:.3f}"
            return ""

        yield holds(
            "better than the share of failures",
            "at most half as far from what is possible as the baseline: the share of runs that "
            "failed, said of each",
            better,
            hint="Does it learn at all? Three usual reasons why not: features of very different "
            "sizes (take the mean away and divide by the standard deviation, of the PAST runs, "
            "for both), too few steps, or the slope with the wrong sign: it is "
            "x.T @ (p - y) / n, and you go against it.",
        )

        def close() -> str:
            above = excess(likely, forecast(runs, fresh, now))
            return f"{above:.3f} nats above what is possible" if above > MOST else ""

        yield holds(
            "close to what is possible",
            f"at most {MOST} nats a run above the true probabilities",
            close,
            hint="It is better than the baseline, and not done: take more steps or a greater rate, "
            "all five features, and an intercept b. It is calibrated by itself: do not weight "
            "the failures more.",
        )

        def calibrated() -> str:
            said = forecast(runs, fresh, now)
            if excess(likely, said) > FAR:
                return "its answers are far off"
            order = np.argsort(said)
            for name, part in (("least", order[:150]), ("most", order[150:])):
                off = said[part].mean() - likely[part].mean()
                if abs(off) > 0.08:
                    return (
                        f"of the half that it thinks {name} likely to fail, it expects "
                        f"{said[part].mean():.2f} failures a run; {likely[part].mean():.2f} are due"
                    )
            return ""

        yield holds(
            "calibrated",
            "of runs to which it gives 0.3, three in ten fail: within 0.08 in each half",
            calibrated,
            hint="A logistic regression is calibrated by itself, if it has an intercept and its "
            "failures are not weighted more: do not balance the classes.",
        )

        late, _ = team.runs(250, now)
        known = [*runs, *(run | {"end": run["start"] + 9, "log_lines": 300} for run in late)]
        flipped = copy.deepcopy(known)
        for place, run in enumerate(known[len(runs) :]):
            run["failed"], flipped[len(runs) + place]["failed"] = False, True
            flipped[len(runs) + place]["files"] += 500

        def blind() -> str:
            one, other = forecast(known, fresh, now), forecast(flipped, fresh, now)
            if excess(likely, one) > FAR:
                return "all three changed its answers: they are far off"
            off = float(np.abs(one - other).max())
            return f"an answer changed by {off:.3f}" if off > 1e-6 else ""

        yield holds(
            "nothing of the future: runs that were not over",
            "the same answers, however runs ended that were not over at `now`",
            blind,
            hint='Learn from runs whose "end" is at most `now`; also mean and standard deviation '
            "are of those alone. A run that had started, and was not over, had no outcome yet.",
        )

        def one_by_one() -> str:
            together = forecast(runs, fresh, now)
            alone = [forecast(runs, [run], now)[0] for run in fresh[:4]]
            if excess(likely, together) > FAR:
                return "its answers are far off"
            off = float(np.abs(together[:4] - alone).max())
            return f"alone, an answer is {off:.3f} away" if off > 1e-6 else ""

        yield holds(
            "nothing of the future: each fresh run by itself",
            "the same answer for a run alone as among others",
            one_by_one,
            hint="Mean and standard deviation come from the runs that you learn from: of one fresh "
            "run there is neither.",
        )
        shuffled = [runs[place] for place in rng.permutation(len(runs))]

        def order() -> str:
            said = forecast(shuffled, fresh, now)
            above = excess(likely, said)
            return f"{above:.3f} nats above what is possible" if above > MOST else ""

        yield holds(
            "runs in any order",
            "as good when the past runs are handed in another order",
            order,
            hint='Which runs are over says "end", not their place in the list.',
            points=0.5,
        )

    yield from public_and_hidden(cases)
    team = Team(rng)
    runs = team.past(500)
    now = max(run["end"] for run in runs) + 1
    fresh, likely = team.runs(100, now)

    def before_any() -> str:
        said = forecast(runs, fresh, 0)
        odd = said[said != 0.5]
        if len(odd):
            return f"{len(odd)} of {len(said)} are another number, such as {odd[0]:g}"
        later = excess(likely, forecast(runs, fresh, now))
        return "once all runs are over, its answers are far off" if later > FAR else ""

    yield holds(
        "nothing is known yet",
        "0.5 for each, until runs are over that one can learn from",
        before_any,
        hint="Without one run that is over, 0.5 for each is all that can be said.",
    )

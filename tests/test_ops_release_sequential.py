"""What the sequential test promises, counted over simulated rollouts.

A thousand rollouts at once, as arrays: each column is one. What is asked of them is `shown`, on
which `decide` rests, after every ten requests of the canary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lmops.release.controller import next_step, plan_of
from lmops.release.decision import AB, CANARY, decide, shown
from lmops.release.journal import Environment, Rollout
from lmops.release.sequential import difference, variance

ROLLOUTS = 1000
LOOK = 10
MOST = 3000
PLAN = plan_of([5, 10, 25, 50], 100)
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Floats = npt.NDArray[np.float64]
Sums = dict[str, Floats]


@dataclass(frozen=True)
class Truth:
    """What a version is really like: its rate of errors, of slow answers, its loss."""

    errors: float = 0.01
    slow: float = 0.02
    loss: float = 1.2

    def draw(self, count: int, rollouts: int, rng: np.random.Generator) -> Sums:
        """Return count, sum and sum of squares of so many requests, for each rollout."""
        counted = np.full(rollouts, float(count))
        # Of normal losses, mean and spread are independent of each other, and their laws known:
        # two draws are as good as `count`.
        mean = rng.normal(self.loss, 0.3 / np.sqrt(count), rollouts)
        around = 0.3**2 * rng.chisquare(count - 1, rollouts)
        errors, slow = (rng.binomial(count, p, rollouts) for p in (self.errors, self.slow))
        return {
            "errors": np.array([counted, errors, errors]),
            "slow": np.array([counted, slow, slow]),
            "loss": np.array([counted, count * mean, around + count * mean**2]),
        }


@dataclass
class Rollouts:
    """How a thousand rollouts ended, and after how many requests of the canary."""

    outcomes: npt.NDArray[np.str_]
    requests: Floats
    looks: list[tuple[Sums, Sums]]

    def share(self, outcome: str) -> float:
        return float((self.outcomes == outcome).mean())


def add(sums: Sums, more: Sums) -> Sums:
    return {name: sums[name] + more[name] for name in sums} if sums else more


def rolled_out(control: Truth, canary: Truth, rollouts: int = ROLLOUTS, seed: int = 0) -> Rollouts:
    """Return what becomes of canaries that are truly so."""
    rng = np.random.default_rng(seed)
    outcomes = np.full(rollouts, "open", "<U8")
    requests = np.full(rollouts, float(MOST))
    arms: list[Sums] = [{}, {}]
    looks = []
    for seen in range(LOOK, MOST + 1, LOOK):
        (share, *_) = (s["share"] for s in PLAN if s["until"] is None or seen - LOOK < s["until"])
        arms = [
            add(arms[0], control.draw(round(LOOK * (1000 - share) / share), rollouts, rng)),
            add(arms[1], canary.draw(LOOK, rollouts, rng)),
        ]
        looks.append((arms[0], arms[1]))
        if seen < CANARY["at_least"]:
            continue
        bounds = shown(arms[0], arms[1], CANARY)
        worse = np.any([low > 0 for low, _ in bounds.values()], axis=0)
        fine = np.all([high < CANARY["limits"][name] for name, (_, high) in bounds.items()], axis=0)
        last = PLAN[-2]["until"] <= seen
        open_ = outcomes == "open"
        outcomes[open_ & worse] = "rollback"
        outcomes[open_ & ~worse & fine & last] = "promote"
        requests[open_ & (outcomes != "open")] = seen
        if not (outcomes == "open").any():
            break
    return Rollouts(outcomes, requests, looks)


# --- False alarms --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "truth",
    [
        Truth(),
        Truth(errors=0.001, slow=0.001),
        Truth(errors=0.003, slow=0.05),
        Truth(errors=0.05, slow=0.01),
        Truth(errors=0.02, slow=0.2),
    ],
    ids=str,
)
def test_a_canary_that_is_as_good_comes_back_at_most_as_often_as_stated(truth: Truth) -> None:
    ended = rolled_out(truth, truth)
    assert ended.share("rollback") <= CANARY["alpha"]


def test_most_that_are_as_good_are_promoted() -> None:
    ended = rolled_out(Truth(), Truth())
    assert ended.share("promote") > 0.95
    assert np.quantile(ended.requests, 0.95) <= 1200


def test_an_ordinary_test_asked_as_often_cries_wolf() -> None:
    """What the confidence sequence is for: the same data, asked after every look."""
    ended = rolled_out(Truth(errors=0.02), Truth(errors=0.02), seed=1)
    looked = np.zeros(ROLLOUTS, bool)
    for control, canary in ended.looks:
        (n, k, kk), (m, c, cc) = control["errors"], canary["errors"]
        noise = variance(n, k, kk) / n + variance(m, c, cc) / m
        looked |= np.abs(c / m - k / n) > 1.96 * np.sqrt(noise)
    assert looked.mean() > 0.15  # 0.05 if asked once


def test_an_ab_test_of_two_that_are_alike_finds_no_difference() -> None:
    rng = np.random.default_rng(2)
    rules = {**AB, "limits": {"dislikes": 0.0}}
    arms: list[Sums] = [{}, {}]
    found = np.zeros(ROLLOUTS, bool)
    for seen in range(LOOK, MOST + 1, LOOK):
        for place, arm in enumerate(arms):
            disliked = rng.binomial(LOOK, 0.3, ROLLOUTS)
            more = {"dislikes": np.array([np.full(ROLLOUTS, float(LOOK)), disliked, disliked])}
            arms[place] = add(arm, more)
        if seen >= AB["at_least"]:
            low, high = shown(arms[0], arms[1], rules)["dislikes"]
            found |= (np.asarray(low) > 0) | (np.asarray(high) < 0)
    assert found.mean() <= 2 * AB["alpha"]  # either side may be wrong as often as alpha


# --- Bad ones ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("canary", "requests"),
    [
        (Truth(errors=1.0), 20),
        (Truth(errors=0.5), 100),
        (Truth(errors=0.1), 400),
        (Truth(errors=0.05), 900),
        (Truth(slow=0.5), 60),
        (Truth(slow=0.12), 500),
        (Truth(loss=1.7), 30),
        (Truth(loss=1.3), 400),
    ],
    ids=str,
)
def test_a_bad_canary_is_stopped_within_so_many_of_its_requests(
    canary: Truth, requests: int
) -> None:
    ended = rolled_out(Truth(), canary)
    assert ended.share("rollback") >= 0.95
    assert np.quantile(ended.requests, 0.95) <= requests


@pytest.mark.parametrize("canary", [Truth(errors=0.03), Truth(slow=0.07), Truth(loss=1.3)], ids=str)
def test_one_that_is_worse_by_the_limit_is_hardly_ever_promoted(canary: Truth) -> None:
    assert rolled_out(Truth(), canary).share("promote") <= CANARY["alpha"]


# --- The controller asks the same ----------------------------------------------------------------


def test_what_was_counted_is_what_the_controller_does() -> None:
    few = 20
    ended = rolled_out(Truth(), Truth(errors=0.06), few)
    assert {"rollback", "promote"} >= set(ended.outcomes)
    for column in range(few):
        rollout = Rollout(
            line=1,
            begun=NOW.isoformat(),
            by="lmops",
            version="new",
            colour="green",
            strategy="canary",
            plan=PLAN,
            limits={"rules": CANARY, "most": MOST, "seconds": 60},
            decision="lmops",
            share=50,
            shared=NOW.isoformat(),
        )
        environment = Environment("production", "blue", {"blue": "old", "green": "new"})
        for control, canary in ended.looks:
            arms = [
                {name: [float(x) for x in sums[:, column]] for name, sums in each.items()}
                for each in (control, canary)
            ]
            step = next_step(environment, rollout, (arms[0], arms[1]), decide, NOW)
            if step and step["step"] != "share":
                assert step["step"] == ended.outcomes[column]
                assert arms[1]["errors"][0] == ended.requests[column]
                break
        else:
            raise AssertionError(f"rollout {column} did not end")


# --- Either bound by itself ----------------------------------------------------------------------


def test_an_arm_without_an_error_is_not_sure_to_have_none() -> None:
    low, high = difference((20, 0, 0), (20, 0, 0), 0.05, 0.02)
    assert low < -0.05 < 0.05 < high
    assert variance(10, 0, 0) > 0


def arm(count: int, **rates: float) -> dict[str, Sequence[float]]:
    return {name: [count, rate * count, rate * count] for name, rate in rates.items()}


def test_reasons_say_what_is_worse() -> None:
    control = arm(400, errors=0.01, slow=0.01, loss=1)
    answer, reasons = decide(control, arm(400, errors=0.5, slow=0.01, loss=1), CANARY)
    assert answer == "rollback"
    (reason,) = reasons
    assert reason.startswith("errors: 0.5 against 0.01, which is worse by 0.3")


@pytest.mark.parametrize(
    "canary",
    [{}, arm(19, errors=0, slow=0, loss=1), arm(4000, errors=0.01, slow=0.01)],
    ids=["nothing", "few", "no loss"],
)
def test_what_is_not_known_is_no_reason_to_promote(canary: Any) -> None:
    control = arm(4000, errors=0.01, slow=0.01, loss=1)
    answer, reasons = decide(control, canary, CANARY)
    assert answer == "continue"
    assert "too little is known of" in reasons[0]


def test_one_measure_is_enough_to_come_back_while_others_are_missing() -> None:
    control = arm(400, errors=0.01)
    assert decide(control, arm(40, errors=0.9), CANARY).answer == "rollback"


def test_an_ab_test_wants_more_than_no_worse() -> None:
    same = {"errors": 0.01, "slow": 0.01, "loss": 1.0}
    control = arm(5000, **same, dislikes=0.4)
    assert decide(control, arm(5000, **same, dislikes=0.4), AB).answer == "continue"
    assert decide(control, arm(5000, **same, dislikes=0.2), AB).answer == "promote"
    assert decide(control, arm(5000, **same, dislikes=0.6), AB).answer == "rollback"

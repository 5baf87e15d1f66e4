"""The checks of `canary_decision`: single questions, and simulated rollouts.

In each of the simulated cases good and bad versions are mixed, in an order that is drawn: whoever
always says the same fails them all.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.release_and_watch.asking import LESSON, answer_and_left, answers, mixed, word
from lmcourse.checks.release_and_watch.rollouts import (
    Ends,
    Version,
    played,
    played_out,
    some_version,
)

MEASURES = ("errors", "slow", "loss")
SLOWER = 1.5
"""So many times the requests that the reference needs are allowed."""

Arm = dict[str, list[float]]


def counted(n: float, rate: float) -> list[float]:
    """Return count, sum and sum of squares of `n` values of which a share `rate` is 1."""
    hits = round(n * rate)
    return [float(n), float(hits), float(hits)]


def some_rules(rng: Rng, tight: float = 1.0) -> dict[str, Any]:
    limits = {
        "errors": float(rng.uniform(0.02, 0.03)) * tight,
        "slow": float(rng.uniform(0.04, 0.06)) * tight,
        "loss": float(rng.uniform(0.08, 0.15)) * tight,
    }
    alpha = float(rng.uniform(0.04, 0.06))
    return {"alpha": alpha, "at_least": int(rng.integers(20, 30)), "limits": limits}


def much_worse(rng: Rng, version: Version) -> Version:
    measure = str(rng.choice(MEASURES))
    low, high = {"errors": (0.12, 0.5), "slow": (0.2, 0.6), "loss": (0.2, 0.6)}[measure]
    return version.worse(measure, float(rng.uniform(low, high)))


def too_many(count: int, of: int, alpha: float) -> bool:
    """Return whether `count` is more than chance makes of a probability of `alpha`."""
    return count > of * alpha + 3.5 * math.sqrt(of * alpha * (1 - alpha)) + 0.5


@exercise(LESSON, "canary_decision", points=5, exercise_seconds=40)
def canary_decision(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def asked(name: str, *questions: tuple[Arm, Arm, dict[str, Any], str], hint: str) -> Case:
        """Return the case that each is answered so, asked in an order that is drawn."""
        order = mixed(rng, questions)
        return case(
            name,
            lambda: student.probe(
                answers, student.canary_decision, [list(each[:3]) for each in order]
            ),
            [each[3] for each in order],
            hint=hint,
        )

    def simulated(
        name: str,
        want: str,
        pairs: list[tuple[str, Version, Version]],
        rules: dict[str, Any],
        looks: int,
        each: int,
        odd: Callable[[dict[str, Ends], dict[str, Ends]], str],
        *,
        hint: str,
    ) -> Case:
        """Return the case that `odd` finds nothing in how the rollouts of each kind end.

        `odd` gets how they end with the student, and with the reference.
        """
        order = mixed(rng, pairs)
        sums = played(rng, [(old, new) for _, old, new in order], looks, each)
        measures = list(MEASURES)
        best = played_out(reference, measures, sums, rules)

        def by_kind(said: Ends) -> dict[str, Ends]:
            kinds: dict[str, Ends] = {}
            for (kind, *_), end in zip(order, said, strict=True):
                kinds.setdefault(kind, []).append(end)
            return kinds

        def looked() -> str:
            return odd(by_kind(played_out(student, measures, sums, rules)), by_kind(best))

        return holds(name, want, looked, hint=hint)

    def ends(said: Ends, answer: str) -> int:
        return sum(each[0] == answer for each in said)

    def took(said: Ends, each: int) -> int:
        return sum(each * looks for _, looks in said)

    def single() -> Iterator[Case]:
        a, b = f"a{word(rng, 5)}", f"b{word(rng, 5)}"
        few = int(rng.integers(20, 40))
        rules: dict[str, Any] = {
            "alpha": 0.05,
            "at_least": few,
            "limits": {a: 0.02, b: float(rng.uniform(0.04, 0.08))},
        }
        n = int(rng.integers(30_000, 60_000))
        rate_a, rate_b = (float(each) for each in rng.uniform(0.015, 0.03, 2))
        fine: Arm = {a: counted(n, rate_a), b: counted(n, rate_b)}
        yield asked(
            "the same, much worse, much better",
            (fine, dict(fine), rules, "promote"),
            (fine, {**fine, a: counted(400, 0.5)}, rules, "rollback"),
            (fine, {**fine, b: counted(400, 0.6)}, rules, "rollback"),
            (
                {**fine, a: counted(n, 0.4)},
                {**fine, a: counted(n, rate_a / 2)},
                rules,
                "promote",
            ),
            (fine, {**fine, a: counted(200, rate_a)}, rules, "continue"),
            hint="`bounds` of each measure, old version first: the lower one above 0 is a "
            "rollback, the upper one below the limit is fine. More is worse, and all must be "
            "fine to promote.",
        )
        yield asked(
            "a little worse, and surely so",
            (fine, {**fine, a: counted(10**7, rate_a + 0.012)}, rules, "rollback"),
            (
                {**fine, a: counted(10**7, rate_a)},
                {**fine, a: counted(10**7, rate_a + 0.005)},
                rules,
                "rollback",
            ),
            (
                {**fine, a: counted(10**7, rate_a)},
                {**fine, a: counted(10**7, rate_a)},
                rules,
                "promote",
            ),
            hint="A rollback needs only be shown to be worse, by however little: low > 0. Rollback "
            "goes before promote, where both could be said.",
        )
        yield asked(
            "one measure is worse, the others are not known yet",
            (fine, {a: counted(200, 0.9), b: counted(3, 0.0)}, rules, "rollback"),
            (fine, {b: counted(200, 0.9)}, rules, "rollback"),
            (fine, {**fine, a: counted(few - 1, 0.0)}, rules, "continue"),
            (fine, {b: counted(n, rate_b)}, rules, "continue"),
            ({b: counted(n, rate_b)}, fine, rules, "continue"),
            (fine, dict(fine), rules, "promote"),
            hint="Go through all measures in `limits` before you answer. One that is missing, or "
            "has too few values, says nothing: others may still say rollback, but nobody promote.",
        )
        yield asked(
            "fewer than at_least",
            (fine, {**fine, a: counted(few - 1, 1.0)}, rules, "continue"),
            (fine, {**fine, b: counted(few - 1, 1.0)}, rules, "continue"),
            ({**fine, a: counted(few - 1, 0.0)}, {**fine, a: counted(n, 1.0)}, rules, "continue"),
            (fine, {**fine, a: counted(few, 1.0)}, rules, "rollback"),
            hint="With fewer than at_least values in one of the arms, either of them, a measure "
            "says nothing yet, however bad it looks. With at_least values it does.",
        )
        nan = math.nan
        yield asked(
            "NaN",
            (fine, {**fine, a: [float(n), nan, nan]}, rules, "continue"),
            ({**fine, b: [float(n), nan, 5.0]}, fine, rules, "continue"),
            (fine, {a: [float(n), 9.0, nan], b: counted(500, 0.8)}, rules, "rollback"),
            (fine, dict(fine), rules, "promote"),
            hint="A comparison with NaN is False. Let False lead to continue: promote if "
            "`high < limit`, not unless `high >= limit`.",
        )
        yield asked(
            "not one so far",
            (
                {**fine, a: counted(few, 0)},
                {**fine, a: counted(few, 0)},
                rules,
                "continue",
            ),
            (
                {**fine, a: counted(n, 0)},
                {**fine, a: counted(2 * few, 0)},
                rules,
                "continue",
            ),
            (
                {**fine, a: counted(n, 0)},
                {**fine, a: counted(n, 0)},
                rules,
                "promote",
            ),
            ({**fine, a: counted(few, 0)}, {**fine, a: counted(few, 1)}, rules, "rollback"),
            hint="An arm without an error is not sure never to make one: add one 0 and one 1 "
            "before you work out its variance, and so it is never 0.",
        )
        zero = {**rules, "limits": {a: 0.0, b: 0.05}}
        yield asked(
            "a limit of 0, and a measure that has none",
            (fine, dict(fine), zero, "continue"),
            (
                {**fine, a: counted(n, 0.5)},
                {**fine, a: counted(n, 0.3)},
                zero,
                "promote",
            ),
            (
                {**fine, a: counted(n, 0.3)},
                {**fine, a: counted(n, 0.5)},
                zero,
                "rollback",
            ),
            (fine, {**fine, "other": counted(n, 1.0)}, rules, "promote"),
            (
                {**fine, "other": counted(n, 0.0)},
                {**fine, "other": [9.0, 9.0, 9.0]},
                rules,
                "promote",
            ),
            hint="Look at the measures in rules['limits'] alone. With a limit of 0 the upper bound "
            "must be below 0; s is then 0.1.",
        )

    def simulations() -> Iterator[Case]:
        rules = some_rules(rng, tight=0.1)
        pairs = []
        for _ in range(100):
            old = some_version(rng)
            pairs.append(("sound", old, old))
        for _ in range(30):
            old = some_version(rng)
            pairs.append(("bad", old, much_worse(rng, old)))
        alpha = float(rules["alpha"])

        def false_alarms(mine: dict[str, Ends], best: dict[str, Ends]) -> str:
            back = ends(mine["sound"], "rollback")
            if too_many(back, len(mine["sound"]), alpha):
                return f"{back} of {len(mine['sound'])} came back; alpha is {alpha:.3f}"
            caught = ends(mine["bad"], "rollback")
            return f"{caught} of {len(mine['bad'])} bad ones came back" if caught < 24 else ""

        yield simulated(
            "versions that are as good, looked at again and again",
            "hardly any good version comes back, and bad ones do",
            pairs,
            rules,
            45,
            40,
            false_alarms,
            hint="Each look is another chance to be wrong. Bounds for one look (1.96 standard "
            "errors, or 3) do not hold for many: take those of the confidence sequence.",
        )
        lax = some_rules(rng)
        lax["alpha"] = alpha
        pairs = []
        for _ in range(50):
            old = some_version(rng)
            pairs.append(("bad", old, much_worse(rng, old)))
        for _ in range(30):
            old = some_version(rng)
            pairs.append(("sound", old, old))

        def in_time(mine: dict[str, Ends], best: dict[str, Ends]) -> str:
            bad, sound = mine["bad"], mine["sound"]
            if ends(bad, "rollback") < ends(best["bad"], "rollback") - 3:
                return f"{ends(bad, 'rollback')} of {len(bad)} bad ones came back"
            needed, enough = took(bad, 8), took(best["bad"], 8)
            if needed > SLOWER * enough + 8 * len(bad):
                return (
                    f"bad ones made {needed / len(bad):.0f} requests until they came back; "
                    f"{enough / len(bad):.0f} are enough"
                )
            back = ends(sound, "rollback")
            return f"{back} of {len(sound)} good ones came back" if back > 8 else ""

        yield simulated(
            "versions that are much worse",
            "they come back soon, and good ones do not",
            pairs,
            lax,
            100,
            8,
            in_time,
            hint="The formula once more: v is each arm's variance divided by its count, both added "
            "up; s is the limit; and a measure that is shown to be worse is a rollback at once.",
        )

        def promoted(mine: dict[str, Ends], best: dict[str, Ends]) -> str:
            good, bad = mine["sound"], mine["bad"]
            if ends(good, "promote") < ends(best["sound"], "promote") - 5:
                return f"{ends(good, 'promote')} of {len(good)} good ones were promoted"
            needed, enough = took(good, 60), took(best["sound"], 60)
            if needed > SLOWER * enough + 60 * len(good):
                return (
                    f"good ones made {needed / len(good):.0f} requests until they were promoted; "
                    f"{enough / len(good):.0f} are enough"
                )
            wrong = ends(bad, "promote")
            return f"{wrong} of {len(bad)} bad ones were promoted" if wrong > 3 else ""

        pairs = []
        for _ in range(40):
            old = some_version(rng)
            pairs.append(("sound", old, old))
        for _ in range(20):
            old = some_version(rng)
            pairs.append(("bad", old, much_worse(rng, old)))
        yield simulated(
            "versions that are as good, with the usual limits",
            "they are promoted before long, and bad ones are not",
            pairs,
            lax,
            40,
            60,
            promoted,
            hint="Promote as soon as the upper bound of every measure lies below its limit. s, the "
            "difference for which the bounds are tightest, is the limit.",
        )
        pairs = []
        for _ in range(60):
            old = some_version(rng)
            measure = str(rng.choice(MEASURES))
            pairs.append(("border", old, old.worse(measure, float(lax["limits"][measure]))))
        for _ in range(20):
            old = some_version(rng)
            pairs.append(("sound", old, old))

        def at_the_limit(mine: dict[str, Ends], best: dict[str, Ends]) -> str:
            wrong = ends(mine["border"], "promote")
            if too_many(wrong, len(mine["border"]), alpha):
                return f"{wrong} of {len(mine['border'])} were promoted; alpha is {alpha:.3f}"
            good = ends(mine["sound"], "promote")
            few = good < ends(best["sound"], "promote") - 5
            return f"{good} of {len(mine['sound'])} good ones were promoted" if few else ""

        yield simulated(
            "versions that are worse by just a limit",
            "hardly any of them is promoted, and good ones are",
            pairs,
            lax,
            40,
            60,
            at_the_limit,
            hint="That the difference so far is below the limit shows nothing: the upper bound has "
            "to be, in all measures.",
        )
        yield many_measures()

    def many_measures() -> Case:
        """Return the case of very many measures: each is another chance of a false alarm."""
        count, rollouts, looks, each = 30, 40, 20, 60
        names = [f"{word(rng, 4)}{place}" for place in range(count)]
        alpha = float(rng.uniform(0.18, 0.22))
        rules = {"alpha": alpha, "at_least": 20, "limits": dict.fromkeys(names, 0.03)}
        rates = rng.uniform(0.1, 0.5, (rollouts, 1, 1, count))
        # The first 30 are as good; in the others one measure is far worse.
        shape = (rollouts, looks, 2, count)
        rates = rates.repeat(2, axis=2).repeat(looks, axis=1)
        sick = rng.permutation(rollouts)[:8]
        for place in sick:
            rates[place, :, 1, int(rng.integers(0, count))] = 0.95
        hits = rng.binomial(each, rates, shape).cumsum(axis=1)
        counts = np.broadcast_to(each * np.arange(1.0, looks + 1)[:, None, None], shape)
        sums = np.stack([counts, hits, hits], axis=-1)

        def looked() -> str:
            said = played_out(student, names, sums, rules)
            ill = {int(place) for place in sick}
            caught = sum(said[place][0] == "rollback" for place in ill)
            if caught < len(ill) - 1:
                return f"{caught} of {len(ill)} that are far worse in one measure came back"
            back = sum(
                said[place][0] == "rollback" for place in range(rollouts) if place not in ill
            )
            well = rollouts - len(ill)
            if too_many(back, well, alpha):
                return f"{back} of {well} good ones came back; alpha is {alpha:.3f}"
            return ""

        return holds(
            "thirty measures at once",
            "hardly any good version comes back, and bad ones do",
            looked,
            hint="All measures share alpha: divide it by how many limits there are.",
        )

    yield from public_and_hidden(single)
    yield from public_and_hidden(simulations)
    name = word(rng, 6)
    rules = {"alpha": 0.05, "at_least": 20, "limits": {name: 0.02}}
    control, canary = {name: counted(900, 0.01)}, {name: counted(400, float(rng.uniform(0.4, 0.9)))}
    young = {name: counted(50, 0.02)}
    both = mixed(rng, [("rollback", [control, canary, rules]), ("continue", [young, young, rules])])
    yield case(
        "arms and rules, afterwards",
        lambda: [
            student.probe(answer_and_left, student.canary_decision, asked) for _, asked in both
        ],
        [[answer, asked] for answer, asked in both],
        hint="It is asked again with the same rules: leave what it is handed as it is.",
    )

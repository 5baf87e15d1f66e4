"""The checks of `canary_decision`: single questions, its promises, and simulated rollouts.

What it promises is reckoned exactly (`walks`). In each of the simulated cases good and bad versions
are mixed, in an order that is drawn: whoever always says the same fails them all.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.release_and_watch.asking import LESSON, answer_and_left, answers, mixed, word
from lmcourse.checks.release_and_watch.rollouts import (
    Ends,
    Rules,
    Version,
    played,
    played_out,
    some_version,
)
from lmcourse.checks.release_and_watch.walks import Edges, Rollout

MEASURES = ("errors", "slow", "loss")
SLOWER = 2
"""So many times the requests that the reference needs are allowed."""
OFTEN = 1.2
"""So many times alpha is allowed: the bounds are asymptotic, and counts are whole numbers."""

Arm = dict[str, list[float]]


def counted(n: float, rate: float) -> list[float]:
    """Return count, sum and sum of squares of `n` values of which a share `rate` is 1."""
    hits = round(n * rate)
    return [float(n), float(hits), float(hits)]


def some_rules(rng: Rng) -> Rules:
    limits = {
        "errors": float(rng.uniform(0.02, 0.03)),
        "slow": float(rng.uniform(0.04, 0.06)),
        "loss": float(rng.uniform(0.08, 0.15)),
    }
    alpha = float(rng.uniform(0.04, 0.06))
    return {"alpha": alpha, "at_least": int(rng.integers(20, 30)), "limits": limits}


def much_worse(rng: Rng, version: Version) -> Version:
    measure = str(rng.choice(MEASURES))
    low, high = {"errors": (0.12, 0.5), "slow": (0.2, 0.6), "loss": (0.2, 0.6)}[measure]
    return version.worse(measure, float(rng.uniform(low, high)))


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
            (fine, {**fine, a: counted(60, rate_a)}, rules, "continue"),
            ({**fine, a: counted(60, rate_a)}, fine, rules, "continue"),
            hint="`bounds` of each measure, old version first: the lower one above 0 is a "
            "rollback, the upper one below the limit is fine. More is worse, and all must be "
            "fine to promote. Print v and the bounds of the example, and compare: v is the sum of "
            "both arms' variance / count.",
        )
        mean, spread = float(rng.uniform(1.2, 2.0)), float(rng.uniform(0.05, 0.1))
        losses = {**rules, "limits": {a: 0.1}}

        def lost(count: int, more: float = 0.0, spread: float = spread) -> Arm:
            middle = mean + more
            return {a: [float(count), count * middle, count * (middle**2 + spread**2)]}

        yield asked(
            "a measure that is not 0 or 1",
            (lost(400), lost(300), losses, "promote"),
            (lost(n), lost(n, 0.2), losses, "rollback"),
            (lost(400, -1.0), lost(300, -1.0), losses, "promote"),
            (lost(n, -1.0), lost(500, -0.8), losses, "rollback"),
            (lost(60, spread=1.5), lost(60, -0.1, spread=1.5), losses, "continue"),
            (lost(300, -1.0, spread=2.0), lost(200, -0.75, spread=2.0), losses, "continue"),
            hint="The variance of a loss needs the squares; p * (1 - p) is for values of 0 and 1 "
            "only. It is (squares + 1) / (n + 2) less the square of (sum + 1) / (n + 2): the 1 and "
            "the 2 belong to both.",
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
            (fine, {**fine, a: [float(n), n * rate_a, nan]}, rules, "continue"),
            ({**fine, b: [float(n), n * rate_b, nan]}, fine, rules, "continue"),
            (fine, {a: [float(n), 9.0, nan], b: counted(500, 0.8)}, rules, "rollback"),
            (fine, dict(fine), rules, "promote"),
            hint="A comparison with NaN is False. Let False lead to continue: promote if "
            "`high < limit`, not unless `high >= limit`. It may stand in the sum, in the squares "
            "or in both, of either arm.",
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
        rules = some_rules(rng)
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
            rules,
            100,
            8,
            in_time,
            hint="The formula once more: v is each arm's variance divided by its count, both added "
            "up; s is the limit; and a measure that is shown to be worse is a rollback at once.",
        )

        def promoted(mine: dict[str, Ends], best: dict[str, Ends]) -> str:
            good, bad = mine["sound"], mine["bad"]
            if ends(good, "promote") < ends(best["sound"], "promote") - 8:
                return (
                    f"{ends(good, 'promote')} of {len(good)} good ones were promoted, and "
                    f"{ends(good, 'rollback')} came back"
                )
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
            rules,
            40,
            60,
            promoted,
            hint="Promote as soon as the upper bound of every measure lies below its limit. s, the "
            "difference for which the bounds are tightest, is the limit.",
        )

    def reckoned(
        name: str,
        want: str,
        rollout: Rollout,
        odd: Callable[[Edges, Edges], str],
        *,
        hint: str,
    ) -> Case:
        """Return the case that `odd` finds nothing in the student's edges, beside the best ones."""
        best = rollout.edges(reference)
        return holds(name, want, lambda: odd(rollout.edges(student), best), hint=hint)

    def one_measure(limit: float, alpha: float, others: int = 0) -> Rollout:
        """Return a rollout in which one measure is known, and all others never are."""
        name = word(rng, 5)
        names = [name, *(f"{word(rng, 4)}{place}" for place in range(others))]
        limits = {names[place]: limit for place in rng.permutation(len(names))}
        rules = {"alpha": alpha, "at_least": int(rng.integers(15, 25)), "limits": limits}
        return Rollout(name, float(rng.uniform(0.38, 0.42)), each=10, looks=80, rules=rules)

    def late(rollout: Rollout, mine: Edges, best: Edges) -> str:
        """Return what is odd in how soon a version that is far worse comes back."""
        rate = min(rollout.rate + 0.35, 0.9)
        fate, enough = mine.fate(rate), best.fate(rate)
        if fate.rollback < enough.rollback - 0.02:
            return f"one that fails {rate:.0%} comes back with probability {fate.rollback:.4f}"
        if fate.requests > SLOWER * enough.requests + rollout.each:
            return (
                f"one that fails {rate:.0%} makes {fate.requests:.0f} requests until it comes "
                f"back, on average; {enough.requests:.0f} are enough"
            )
        return ""

    def exact() -> Iterator[Case]:
        alone = one_measure(float(rng.uniform(0.08, 0.12)), float(rng.uniform(0.004, 0.008)))
        alpha = float(alone.rules["alpha"])

        def false_alarms(mine: Edges, best: Edges) -> str:
            back = mine.fate(alone.rate).rollback
            if back > OFTEN * alpha:
                return f"it comes back with probability {back:.4f}; alpha is {alpha:.4f}"
            return late(alone, mine, best)

        yield reckoned(
            "a version that is as good, looked at again and again",
            "with probability alpha at most it ever comes back, and a bad one soon does",
            alone,
            false_alarms,
            hint="Each look is another chance to be wrong. Bounds for one look (1.96 standard "
            "errors, or 3) do not hold for many; those of the confidence sequence do, with the "
            "rules' alpha, the 2 under the root, 1 + v/s^2 and natural logarithms.",
        )
        many = one_measure(0.1, float(rng.uniform(0.03, 0.05)), others=int(rng.integers(40, 60)))
        shared = float(many.rules["alpha"]) / len(many.rules["limits"])

        def false_alarms_of_one(mine: Edges, best: Edges) -> str:
            back = mine.fate(many.rate).rollback
            if back > OFTEN * shared:
                return (
                    f"one alone brings it back with probability {back:.5f}; its share of alpha "
                    f"is {shared:.5f}"
                )
            return late(many, mine, best)

        yield reckoned(
            "dozens of measures",
            "with an equal share of alpha at most each of them ever brings back a good version",
            many,
            false_alarms_of_one,
            hint="All measures share alpha: divide it by how many limits there are. Those that say "
            "nothing yet have their share too: their turn will come. With so small a share the "
            "factor 1 + v/s^2 matters.",
        )
        limit = float(rng.uniform(0.09, 0.11))
        border = one_measure(limit, float(rng.uniform(0.04, 0.06)))

        def promoted_at_limit(mine: Edges, best: Edges) -> str:
            alpha = float(border.rules["alpha"])
            wrong = mine.fate(border.rate + limit).promote
            if wrong > OFTEN * alpha:
                return f"it is promoted with probability {wrong:.3f}; alpha is {alpha:.3f}"
            good, enough = mine.fate(border.rate), best.fate(border.rate)
            if good.promote < enough.promote - 0.1:
                return f"one that is as good is promoted with probability {good.promote:.3f}"
            if good.requests > SLOWER * enough.requests + border.each:
                return (
                    f"one that is as good makes {good.requests:.0f} requests until it is promoted, "
                    f"on average; {enough.requests:.0f} are enough"
                )
            return ""

        yield reckoned(
            "a version that is worse by just the limit",
            "with probability alpha at most it is ever promoted, and a good one soon is",
            border,
            promoted_at_limit,
            hint="That the difference so far is below the limit shows nothing: the upper bound has "
            "to be. It is as far from the difference as the lower one.",
        )

    yield from public_and_hidden(single)
    yield from public_and_hidden(exact)
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

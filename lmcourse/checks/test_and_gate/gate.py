"""Checks of `gate`: it says why not, and where it cannot know, it says no."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, kind
from lmcourse.checks.test_and_gate.words import words

LESSON = "10_test_and_gate"

Pair = tuple[dict[str, Any], dict[str, Any]]
"""Metrics and an objective."""


@exercise(LESSON, "gate", points=5)
def gate(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def sound(count: int = 5) -> Pair:
        """Return metrics and an objective, all of whose rules they hold."""
        names = words(rng, count, 7)
        metrics = {name: float(rng.uniform(1, 9)) for name in names}
        objective = {
            name: {"at_most": value + float(rng.uniform(0.1, 1))}
            if place % 2
            else {"at_least": value - float(rng.uniform(0.1, 1))}
            for place, (name, value) in enumerate(metrics.items())
        }
        return metrics, objective

    def reasons(metrics: dict[str, Any], objective: dict[str, Any]) -> Any:
        """Return how many reasons there are, and which metrics they name."""
        given = student.gate(metrics, objective)
        if given is None:
            return None
        if not all(isinstance(reason, str) for reason in given):
            return "not a list of sentences"
        known = sorted({*metrics, *objective})
        named = [name for name in known if any(name in reason for reason in given)]
        return {"reasons": len(given), "about": named}

    def about(*names: str) -> dict[str, Any]:
        return {"reasons": len(names), "about": sorted(names)}

    def broken(
        title: str,
        hint: str,
        change: Callable[[dict[str, Any], dict[str, Any], str], None],
        points: float = 1.0,
    ) -> Case:
        """Return the case that two metrics, spoilt by `change`, and no others are reasons."""
        metrics, objective = sound()
        names = [*metrics]
        # One that may be so large at most, and one that must be so large at least.
        bad = [names[int(rng.choice([1, 3]))], names[int(rng.choice([0, 2, 4]))]]
        for name in bad:
            change(metrics, objective, name)
        return case(
            title, lambda: reasons(metrics, objective), about(*bad), hint=hint, points=points
        )

    yield case(
        "a list",
        lambda: kind(student.gate(*sound())),
        "list",
        hint="return a list of sentences; an empty one lets the model pass",
        form=True,
    )
    good = sound()
    yield case(
        "all rules hold",
        lambda: student.gate(*good),
        [],
        hint="a rule that holds is no reason: at_most is the largest value that passes, at_least "
        "the smallest",
    )

    def beyond(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        (rule,) = objective[name]
        metrics[name] += 3 if rule == "at_most" else -3

    yield broken(
        "two metrics beyond their limits",
        "one reason for each rule that does not hold, and the metric's name in it",
        beyond,
    )

    spoilt, rules = sound()
    name = [*spoilt][int(rng.integers(5))]
    beyond(spoilt, rules, name)

    def afterwards() -> Any:
        return reasons(spoilt, rules)

    yield case(
        "asked twice, the same answer",
        lambda: [afterwards(), afterwards()],
        [about(name)] * 2,
        hint="begin with a new list each time: reasons = []",
        points=0.5,
    )

    def equal() -> Pair:
        metrics, objective = sound()
        for rule in objective.values():
            for word in rule:
                metrics[next(n for n, r in objective.items() if r is rule)] = rule[word]
        return metrics, objective

    level = equal()
    yield case(
        "exactly at the limit",
        lambda: student.gate(*level),
        [],
        hint="at most, at least: what is equal to the limit passes",
    )

    def twofold(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        high = "at_most" in objective[name]
        objective[name] = {"at_least": metrics[name] - 1, "at_most": metrics[name] + 1}
        metrics[name] += 5 if high else -5

    yield broken(
        "a metric between two limits",
        "an entry of the objective may hold both rules: look at each of them, and give a reason "
        "for the one that does not hold",
        twofold,
    )

    def lacking(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        del metrics[name]

    yield broken(
        "a metric that is missing",
        "what the objective asks for and the metrics lack is a reason: nobody measured it",
        lacking,
    )
    yield broken(
        "a metric that is NaN",
        "every comparison with NaN is false, so value > limit lets it pass: ask "
        "math.isfinite(value) first",
        lambda metrics, objective, name: metrics.update({name: float("nan")}),
    )

    def endless(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        metrics[name] = float("inf") if "at_least" in objective[name] else float("-inf")

    yield broken(
        "a metric that is infinite, on the good side",
        "an infinite value is no measurement: math.isfinite(value)",
        endless,
    )

    def no_number(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        odd = [None, True, [metrics[name]], "nan"][int(rng.integers(4))]
        metrics[name] = str(metrics[name]) if "at_most" in objective[name] else odd

    yield broken(
        "a metric that is no number",
        "a text, None, a list, True: whatever is no int or float is a reason, not an error. "
        "(isinstance(True, int) is true in Python, so ask for bool first.)",
        no_number,
        points=1.5,
    )

    def misspelt(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        objective[name] = {str(rng.choice(["atmost", "below", "max", "at most"])): 10.0}

    yield broken(
        "a rule that nobody knows",
        "at_mots is a rule that nobody checks: an unknown word in the objective is a reason",
        misspelt,
    )

    def without_rule(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        objective[name] = {}

    yield broken(
        "a metric with no rule at all",
        "an entry of the objective without a rule asks for nothing, which is surely not what was "
        "meant: a reason",
        without_rule,
        points=0.5,
    )

    def no_limit(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        (rule,) = objective[name]
        objective[name] = {rule: [float("nan"), None, "9", True][int(rng.integers(4))]}

    yield broken(
        "a limit that is no number, or NaN",
        "a limit must be a finite number as well: the same question as of the metric",
        no_limit,
    )
    measured, _ = sound()

    def asks_nothing() -> Any:
        given = student.gate(measured, {})
        return given if given is None else len(given)

    yield case(
        "an objective that asks for nothing",
        asks_nothing,
        1,
        hint="an empty objective would let everything pass. It is most likely a file that was "
        "not read: give one reason",
        points=0.5,
    )

    def sliced(bad: int, value: Any) -> tuple[Pair, list[str]]:
        metrics, objective = sound()
        name = [*metrics][int(rng.integers(5))]
        parts = words(rng, 6, 8)
        metrics[name] = {part: float(rng.uniform(-1, 0.9)) for part in parts}
        objective[name] = {"at_most": 1.0}
        worse = [parts[int(place)] for place in rng.choice(6, bad, replace=False)]
        metrics[name] |= dict.fromkeys(worse, value)
        return (metrics, objective), [name, *worse]

    def by_slices(pair: Pair, names: list[str]) -> Any:
        given = student.gate(*pair)
        if given is None:
            return None
        whole = names[0]
        named = [part for part in pair[0][whole] if any(part in reason for reason in given)]
        return {"reasons": len(given), "about": sorted(named)}

    fine, names_fine = sliced(0, 0.0)
    yield case(
        "a metric for each slice, all of them fine",
        lambda: by_slices(fine, names_fine),
        {"reasons": 0, "about": []},
        hint="a metric may be a dictionary of numbers: the rule is for each of them",
    )
    for title, value, hint in (
        (
            "worse on two slices",
            2.5,
            "the rule holds for every slice, not for their mean: one reason for each slice that is "
            "beyond it, and the slice's name in it",
        ),
        (
            "a slice that is NaN",
            float("nan"),
            "what holds for a metric holds for each slice: NaN is a reason there too",
        ),
        (
            "a slice of slices",
            {"more": 0.0},
            "a slice holds a number; a dictionary in a dictionary is no number, and a reason",
        ),
    ):
        pair, names = sliced(2, value)
        yield case(
            title,
            partial(by_slices, pair, names),
            {"reasons": 2, "about": sorted(names[1:])},
            hint=hint,
        )

    def no_slice(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        metrics[name] = {}

    yield broken(
        "a metric for each slice, and no slice",
        "a dictionary without an entry says nothing: where there is nothing to look at, no rule "
        "was held",
        no_slice,
    )
    more, objective = sound()
    extra = dict(zip(words(rng, 2, 9), (float("nan"), "a note"), strict=True))
    yield case(
        "metrics that the objective does not ask for",
        lambda: student.gate(more | extra, objective),
        [],
        hint="only what the objective names is looked at",
        points=0.5,
    )
    yield arguments_stay(
        "the metrics and the objective stay as they were",
        student,
        "gate",
        *good,
        hint="pop takes an entry away from the caller's own dictionary",
        answer=[],
        points=0.5,
    )

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
        for reason in given:
            if not any(name in reason for name in known):
                return f"the metric's name must stand in the reason: {reason!r}"
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
        "one reason for each rule that does not hold; the metric's name must stand in the reason",
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

    plain, limits = sound()
    zero, nothing, whole, below, over = plain
    plain |= {zero: 0, nothing: 0.0, whole: int(rng.integers(2, 9)), below: -plain[below]}
    limits |= {zero: {"at_most": 2}, nothing: {"at_least": -1.5}, below: {"at_most": 0.5}}
    limits |= {whole: {"at_least": plain[whole] - 1}, over: {"at_most": int(plain[over]) - 1}}
    yield case(
        "0, whole numbers and negative ones",
        lambda: reasons(plain, limits),
        about(over),
        hint="0 is a value like any other, so ask whether the name is in metrics, not whether the "
        "value is true; an int is a number as well as a float; and -5 is below 0.5",
    )

    def above_zero(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        (rule,) = objective[name]
        objective[name] = {rule: 0 if rule == "at_most" else 0.0}
        metrics[name] = float(rng.uniform(0.01, 0.4)) * (1 if rule == "at_most" else -1)

    yield broken(
        "a limit of 0",
        "0 is a limit like any other, and it counts as false: ask whether the rule is there, "
        '"at_most" in rules',
        above_zero,
    )

    def just_beyond(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        (rule,) = objective[name]
        sign = 1 if rule == "at_most" else -1  # the one that is at least so large is below 0
        metrics[name] *= sign
        objective[name] = {rule: metrics[name] - sign * float(rng.uniform(1e-4, 4e-4))}

    yield broken(
        "just beyond the limit",
        "compare the value itself with the limit itself: nothing is rounded, nothing is given "
        "away, and a minus stays",
        just_beyond,
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

    def flag_or_text(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        metrics[name] = True if "at_most" in objective[name] else str(metrics[name])

    yield broken(
        "a metric that is True, or a text",
        "True is no number here, though isinstance(True, int) is true in Python: ask for bool "
        "first. And a text is a reason, not an error",
        flag_or_text,
    )

    def none_or_list(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        metrics[name] = None if "at_most" in objective[name] else [metrics[name]]

    yield broken(
        "a metric that is None, or a list",
        "whatever is no int or float is a reason, not an error",
        none_or_list,
        points=0.5,
    )

    def misspelt(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        objective[name] = {str(rng.choice(["atmost", "below", "max", "at most"])): 10.0}

    yield broken(
        "a rule that nobody knows",
        "at_mots is a rule that nobody checks: an unknown word in the objective is a reason",
        misspelt,
    )

    def misspelt_beside(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        objective[name][str(rng.choice(["at_mots", "at_lest", "below", "max"]))] = 3

    yield broken(
        "a rule that nobody knows, beside one that holds",
        "at_mots is a rule that nobody checks, also where a good rule stands beside it: look at "
        "every word of the entry",
        misspelt_beside,
    )

    def number_or_list(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        high = "at_most" in objective[name]
        objective[name] = metrics[name] + 1 if high else ["at_least"]

    def text_or_none(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        objective[name] = "at_most" if "at_most" in objective[name] else None

    no_rules = "an entry of the objective that is no dictionary has no rule: a reason, not an error"
    yield broken("an entry that is a number, or a list", no_rules, number_or_list, points=0.5)
    yield broken("an entry that is a text, or None", no_rules, text_or_none, points=0.5)

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
        objective[name] = {rule: float("nan") if rule == "at_most" else True}

    def endless_limit(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        (rule,) = objective[name]
        objective[name] = {rule: float("inf") if rule == "at_most" else float("-inf")}

    def text_for_limit(metrics: dict[str, Any], objective: dict[str, Any], name: str) -> None:
        (rule,) = objective[name]
        objective[name] = {rule: "9" if rule == "at_most" else None}

    for title, spoil, worth in (
        ("a limit that is NaN, or True", no_limit, 1.0),
        ("a limit that is infinite", endless_limit, 0.5),
        ("a limit that is a text, or None", text_for_limit, 0.5),
    ):
        yield broken(
            title,
            "a limit must be a finite number as well: the same question as of the metric",
            spoil,
            worth,
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
        for reason in given:
            if whole not in reason:
                return f"the metric's name must stand in the reason too: {reason!r}"
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
            "beyond it, and the names of the metric and of the slice in it",
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

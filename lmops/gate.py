"""Whether a version may go on: what was measured, held against what was asked for.

    reasons = gate(metrics, objective)      # none: it may

What was measured is a number by name, or one for each slice:

    {"loss": 0.52, "loss_by_animal": {"fox": 0.55, "owl": 0.49}, "known_words": 0.97}

An objective says of each measure how large or how small it may be, also of each slice:

    {"loss": {"at_most": 0.60}, "loss_by_animal": {"at_most": 0.75},
     "known_words": {"at_least": 0.95, "at_most": 1}}

A gate fails closed: what is missing, no finite number, or not understood, is a reason. This is the
contract of lesson 10's `gate` as well, and a student's own can take this one's place
(`lmops.own_gate`).
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

Gate = Callable[[Mapping[str, Any], Mapping[str, Any]], list[str]]

RULES: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "at_most": (lambda value, limit: value <= limit, "above"),
    "at_least": (lambda value, limit: value >= limit, "below"),
}


def gate(metrics: Mapping[str, Any], objective: Mapping[str, Any]) -> list[str]:
    """Return why a version with these measures is not let through; nothing if it is."""
    if not isinstance(objective, Mapping) or not objective:
        return ["the objective asks for nothing"]
    if not isinstance(metrics, Mapping):
        return ["nothing was measured"]
    return [
        f"{name}: {reason}"
        for name, rules in objective.items()
        for reason in _against_rules(metrics, name, rules)
    ]


def _against_rules(metrics: Mapping[str, Any], name: str, rules: object) -> list[str]:
    """Return what speaks against one measure."""
    if not isinstance(rules, Mapping) or not rules:
        return [f"its rule must be such as {{at_most: 0.6}}, and not {rules!r}"]
    if unknown := [rule for rule in rules if rule not in RULES]:
        return [f"nobody knows the rule {rule!r}; there are at_most, at_least" for rule in unknown]
    if wrong := [limit for limit in rules.values() if not is_number(limit)]:
        return [f"its limit must be a finite number, and not {limit!r}" for limit in wrong]
    if name not in metrics:
        return ["it was not measured"]
    measured = metrics[name]
    if not isinstance(measured, Mapping):
        return _against("", measured, rules)
    if not measured:
        return ["it was measured on no slice"]
    return [
        reason
        for slice_, value in measured.items()
        for reason in _against(f"on {slice_}, ", value, rules)
    ]


def _against(where: str, value: Any, rules: Mapping[str, float]) -> list[str]:
    if not is_number(value):
        return [f"{where}what was measured is no finite number: {value!r}"]
    return [
        f"{where}{value:.4g} is {RULES[rule][1]} {limit:.4g}"
        for rule, limit in rules.items()
        if not RULES[rule][0](value, limit)
    ]


def is_number(value: object) -> bool:
    """Return whether it is a number, finite, and neither True nor False."""
    try:
        return isinstance(value, (int, float)) and type(value) is not bool and math.isfinite(value)
    except OverflowError:  # an integer that no float can be
        return False


# --- The objective's file ------------------------------------------------------------------------

SHIPPED = Path(__file__).with_name("objective.yaml")
"""The objective that comes with the course, for where there is none of one's own."""


class NoObjective(Exception):
    """The file cannot be read as an objective; says why."""


def read_objective(path: Path) -> dict[str, Any]:
    """Return what is in a file such as `objective.yaml`; whether it makes sense, `gate` says."""
    try:
        objective = yaml.load(path.read_text("utf-8"), _Strict)  # noqa: S506
    except OSError as error:
        raise NoObjective(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, yaml.YAMLError, RecursionError) as error:
        raise NoObjective(f"{path} is no YAML that can be relied on: {error}") from error
    if not isinstance(objective, dict):
        raise NoObjective(f"{path} holds no objective, such as: loss: {{at_most: 0.6}}")
    return objective


class _Strict(yaml.SafeLoader):
    """YAML in which a name that stands twice is an error, and not the last one's say."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name!r} stands in it twice")
        return super().construct_mapping(node, deep)

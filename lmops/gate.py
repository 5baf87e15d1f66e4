"""Whether a version may go on: what was measured, held against what was asked for.

    reasons = gate(metrics, objective)      # none: it may

An objective says for each measure which way is better and how good is good enough; and, where it
likes, how much worse than the champion a version may be, and how good on single slices:

    loss: {better: lower, bound: 0.60, champion: 0.01, slices: {fox: 0.8, owl: 0.8}}
    known_words: {better: higher, bound: 0.95}

What was measured has the same names:

    {"loss": {"value": 0.52,
              "stories": [0.51, ...],     one for each story
              "champion": [0.53, ...],    the champion's, on the same stories; None without one
              "slices": {"fox": 0.55, ...}},
     "known_words": {"value": 0.97}}

A gate fails closed: what is missing, no number, or not understood, is a reason.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

Gate = Callable[[Mapping[str, Any], Mapping[str, Any]], list[str]]

CONFIDENCE = 0.95
RESAMPLES = 4000
FEWEST = 10
"""Stories below which no two versions are compared: too few to say anything of others."""


def gate(metrics: Mapping[str, Any], objective: Mapping[str, Any]) -> list[str]:
    """Return why a version with these measures is not let through; nothing if it is."""
    if not isinstance(objective, Mapping) or not objective:
        return ["the objective asks for nothing, so nothing can meet it"]
    if not isinstance(metrics, Mapping):
        return ["nothing was measured"]
    reasons = []
    for name, rule in objective.items():
        found = _malformed(rule)
        if not found:
            found = _unmet(metrics.get(name), rule)
        reasons += [f"{name}: {reason}" for reason in found]
    return reasons


def _malformed(rule: object) -> list[str]:
    """Return what of a rule cannot be understood."""
    if not isinstance(rule, Mapping):
        return ["its rule is no mapping, such as {better: lower, bound: 0.6}"]
    known = {"better", "bound", "champion", "slices"}
    reasons = [f"nobody knows what {key!r} asks for" for key in rule if key not in known]
    if rule.get("better") not in ("lower", "higher"):
        reasons.append("better must be lower or higher")
    if not is_number(rule.get("bound")):
        reasons.append(f"bound must be a number, and not {rule.get('bound')!r}")
    if "champion" in rule and not (is_number(rule["champion"]) and rule["champion"] >= 0):
        reasons.append(f"champion must be a number from 0 on, and not {rule['champion']!r}")
    if "slices" in rule:
        slices = rule["slices"]
        if not isinstance(slices, Mapping) or not slices:
            reasons.append("slices must be a bound for each, such as {fox: 0.8}")
        else:
            wrong = [name for name, bound in slices.items() if not is_number(bound)]
            reasons += [f"the bound of slice {name!r} is no number" for name in wrong]
    return reasons


def _unmet(metric: object, rule: Mapping[str, Any]) -> list[str]:
    """Return what of a rule is not met."""
    if not isinstance(metric, Mapping):
        return ["it was not measured"]
    lower = rule["better"] == "lower"
    reasons = _beyond("", metric.get("value"), rule["bound"], lower)
    if "champion" in rule:
        reasons += _worse(metric, rule["champion"], lower)
    slices = metric.get("slices")
    for name, bound in rule.get("slices", {}).items():
        value = slices.get(name) if isinstance(slices, Mapping) else None
        reasons += _beyond(f"on slice {name!r}: ", value, bound, lower)
    return reasons


def _beyond(where: str, value: Any, bound: float, lower: bool) -> list[str]:
    if not is_number(value):
        return [f"{where}what was measured is {value!r}, which is no number"]
    if (value > bound) if lower else (value < bound):
        side = "above the most" if lower else "below the least"
        return [f"{where}{value:.4g} is {side} that is allowed, {bound:.4g}"]
    return []


def _worse(metric: Mapping[str, Any], margin: float, lower: bool) -> list[str]:
    """Return whether it may be worse than the champion by more than `margin`."""
    if "champion" not in metric:
        return ["it was not compared with the champion"]
    theirs, own = metric["champion"], metric.get("stories")
    if theirs is None:
        return []  # the first version has nothing to be worse than
    for values in (own, theirs):
        if not isinstance(values, list) or not all(map(is_number, values)):
            return ["there is not a number for each story of it and of the champion"]
    assert own is not None
    if len(own) != len(theirs):
        return [f"it was measured on {len(own)} stories, the champion on {len(theirs)}"]
    if len(own) < FEWEST:
        return [
            f"{len(own)} stories are too few to compare it with the champion; {FEWEST} at least"
        ]
    worse = np.subtract(own, theirs) if lower else np.subtract(theirs, own)
    most = upper_bound(worse)
    # Written so that a NaN, if ever there were one, is not let through.
    if not most <= margin:
        return [
            f"it may be worse than the champion by {most:.4g} ({CONFIDENCE:.0%} confidence), "
            f"{margin:.4g} at most is allowed"
        ]
    return []


def upper_bound(differences: npt.NDArray[np.float64]) -> float:
    """Return what the mean difference is below, with 95 % confidence.

    A bootstrap over stories (Efron, 1979): each story was read by both versions, so that what is
    hard for both is no difference (a paired comparison). Always the same for the same differences.
    """
    rng = np.random.default_rng(0)
    means = np.array([rng.choice(differences, len(differences)).mean() for _ in range(RESAMPLES)])
    return float(np.quantile(means, CONFIDENCE))


def is_number(value: object) -> bool:
    """Whether it is a number, finite, and no True or False."""
    return isinstance(value, (int, float)) and type(value) is not bool and math.isfinite(value)


# --- The objective's file ------------------------------------------------------------------------


class NoObjective(Exception):
    """The file cannot be read as an objective; says why."""


def read_objective(path: Path) -> dict[str, Any]:
    """Return what is in a file such as `objective.yaml`; `gate` judges it."""
    try:
        objective = yaml.load(path.read_text("utf-8"), _Strict)
    except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise NoObjective(f"{path} cannot be read as an objective: {error}") from error
    if not isinstance(objective, dict):
        raise NoObjective(
            f"{path} holds no objective, such as: loss: {{better: lower, bound: 0.6}}"
        )
    return objective


class _Strict(yaml.SafeLoader):
    """YAML in which a name that stands twice is an error, and not the last one's say."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping."""
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name!r} stands in it twice")
        return super().construct_mapping(node, deep)

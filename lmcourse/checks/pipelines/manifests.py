"""Reads Kubernetes manifests: YAML documents, a resource of each kind, its fields and amounts.

Their fields: https://kubernetes.io/docs/reference/kubernetes-api/.
"""

import math
import re
from typing import Any

KINDS = {
    "Deployment": "apps/v1",
    "Service": "v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
}
LONGEST = 20_000
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "m": 1e-3}


class Odd(ValueError):
    """What is wrong with the manifests, in a sentence."""


Manifests = dict[str, dict[str, Any]]


def read(text: str) -> Manifests:
    """Return the resources of a YAML text by their kind, one of each.

    Raises
    ------
    Odd
        If it is no such text. Anchors, aliases and tags are refused: a few lines of them make
        gigabytes, and a manifest needs none.
    """
    import yaml

    if not isinstance(text, str):
        raise Odd(f"a text is wanted here, and this is a {type(text).__name__}")
    if len(text) > LONGEST:
        raise Odd(f"it is longer than {LONGEST:,} characters")
    marks = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken, yaml.DirectiveToken)
    found: Manifests = {}
    try:
        for seen in yaml.scan(text, yaml.SafeLoader):
            if isinstance(seen, marks):
                line = seen.start_mark.line + 1
                raise Odd(f"line {line}: no anchors, aliases, tags or directives here")
        for node in yaml.compose_all(text, yaml.SafeLoader):
            _no_key_twice(node)
        documents = [each for each in yaml.safe_load_all(text) if each is not None]
    except (yaml.YAMLError, RecursionError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        what = getattr(problem, "problem", "") or "it is too deep"
        raise Odd(f"{where}this is not YAML ({what})") from None
    except ValueError as problem:
        if isinstance(problem, Odd):
            raise
        raise Odd(f"a value in it is invalid: {problem}") from None
    for each in documents:
        kind = each.get("kind") if isinstance(each, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise Odd(f"the kind is one of {', '.join(KINDS)}, and not {kind!r}")
        if each.get("apiVersion") != KINDS[kind]:
            raise Odd(f"{kind} is of the apiVersion {KINDS[kind]}, not {each.get('apiVersion')!r}")
        if kind in found:
            raise Odd(f"there are two of the kind {kind}")
        found[kind] = each
    return found


def _no_key_twice(node: Any) -> None:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(getattr(each, "value", None), list):
            pairs = each.value if each.id == "mapping" else [(each.value, None)]
            keys = [key.value for key, value in pairs if value is not None]
            known: set[str] = set()
            for place, key in enumerate(keys):
                if isinstance(key, str) and key in known:
                    raise Odd(
                        f"line {each.value[place][0].start_mark.line + 1}: {key} stands twice"
                    )
                known |= {key} if isinstance(key, str) else set()
            for part in each.value:
                waiting += part if isinstance(part, tuple) else [part]


def at(thing: Any, path: str) -> Any:
    """Return what stands at `path`, such as "spec.template.spec", or None."""
    for name in path.split("."):
        thing = thing.get(name) if isinstance(thing, dict) else None
    return thing


def the(manifests: Manifests, kind: str) -> dict[str, Any]:
    if kind not in manifests:
        raise Odd(f"there is no {kind}")
    return manifests[kind]


def whole(value: Any, what: str) -> int:
    if type(value) is not int:
        raise Odd(f"{what} is a whole number, and not {value!r}")
    return value


def amount(value: Any, what: str) -> float:
    """Return a quantity such as 500m or 1Gi as a number."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([a-zA-Z]*)", str(value))
    if value is None or isinstance(value, bool) or not found or found[2] not in UNITS:
        such = "512Mi or 1Gi" if "memory" in what else "500m or 2"
        raise Odd(f"{what} is an amount such as {such}, and not {value!r}")
    return float(found[1]) * UNITS[found[2]]


def share_of(value: Any, total: int, what: str, round_up: bool) -> int:
    """Return a number that may be written as a percentage of `total`."""
    if isinstance(value, str) and re.fullmatch(r"\d+%", value):
        part = total * int(value[:-1]) / 100
        return math.ceil(part) if round_up else math.floor(part)
    return whole(value, what)

"""A GitHub job's matrix -> the legs that it runs in.

Source: GitHub's pages "Running variations of jobs in a workflow" (include, exclude).
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.github import Scope, insert
from lmcourse.pipelines.expressions.github_values import Json, compare, to_text
from lmcourse.pipelines.source import Node, Scalar, Table

Leg: TypeAlias = dict[str, Json]
MOST = 256
"""Legs that GitHub runs of one matrix."""
NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")


def typed(node: Node, scope: Scope) -> Json:
    """Return what a node is: `3.10` without quotes is the number 3.1, as anywhere in YAML."""
    if isinstance(node, Table):
        return {key.text: typed(value, scope) for key, value in node.items}
    if not isinstance(node, Scalar):
        return [typed(value, scope) for value in node.items]
    if "${{" in node.text:
        return insert(node.text, scope, (node.file, node.line))
    if node.null:
        return None
    if node.plain and node.text.lower() in {"true", "false"}:
        return node.text.lower() == "true"
    if node.plain and NUMBER.fullmatch(node.text):
        return float(node.text)
    return node.text


def legs(node: Node, scope: Scope) -> list[Leg]:
    """Return a leg for each combination, without those excluded and with those included."""
    matrix = typed(node, scope)
    if not isinstance(matrix, Mapping):
        raise Refused(node.file, node.line, "a matrix is a mapping of lists, `python: ['3.12']`")
    include, exclude = (rows(matrix.get(name), name, node) for name in ("include", "exclude"))
    vectors: dict[str, Sequence[Json]] = {}
    for name, values in matrix.items():
        if name in {"include", "exclude"}:
            continue
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            sentence = f"`{name}` of the matrix has to be a list of one or more values"
            raise Refused(node.file, node.line, sentence)
        vectors[name] = values
    count = 1
    for values in vectors.values():
        count *= len(values)
    if count + len(include) > MOST:
        raise Refused(node.file, node.line, f"the matrix has more than {MOST} legs")
    made: list[Leg] = []
    if vectors:
        every = itertools.product(*vectors.values())
        made = [dict(zip(vectors, one, strict=True)) for one in every]
    made = [leg for leg in made if not any(same(leg, row) for row in exclude)]
    added: list[Leg] = []
    originals = [dict(leg) for leg in made]
    for row in include:
        fitting = [
            leg
            for leg, original in zip(made, originals, strict=True)
            if all(equal(original[name], row[name]) for name in row if name in original)
        ]
        for leg in fitting:
            leg.update(row)
        if not fitting:
            added.append(dict(row))
    return made + added


def rows(value: Json, what: str, node: Node) -> list[Mapping[str, Json]]:
    """Return the rows of `include` or `exclude`."""
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise Refused(node.file, node.line, f"`{what}` of the matrix has to be a list")
    if len(value) > MOST:
        raise Refused(node.file, node.line, f"`{what}` of the matrix has more than {MOST} rows")
    found = [one for one in value if isinstance(one, Mapping)]
    if len(found) != len(value):
        raise Refused(node.file, node.line, f"each row of `{what}` has to be a mapping")
    return found


def same(leg: Leg, row: Mapping[str, Json]) -> bool:
    """Whether `leg` has all that `row` names."""
    return all(name in leg and equal(leg[name], value) for name, value in row.items())


def equal(left: Json, right: Json) -> bool:
    """Whether two values of a matrix are the same."""
    if isinstance(left, Mapping) or isinstance(right, Mapping):
        return left == right
    return compare("==", left, right)


def title(leg: Leg) -> str:
    """Return what a leg is called: its values."""
    shown = (", ".join(map(to_text, one.values())) if isinstance(one, Mapping) else to_text(one)
             for one in leg.values())  # fmt: skip
    return ", ".join(shown)

"""Parameters of a pipeline or a template: what is declared, what is given, and their types."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lmcourse.pipelines.expressions.values import Value, to_text
from lmcourse.pipelines.fields import boolean, closest, listing, needed, refuse, table, text
from lmcourse.pipelines.source import Listing, Node, Scalar, Table, called, short

_LISTS = ("stepList", "jobList", "deploymentList", "stageList", "stringList")
_TYPES = ("string", "number", "boolean", "object", "step", "job", "deployment", "stage", *_LISTS)


class Fields(dict[str, Value]):
    """A mapping that knows the node that it was."""

    node: Table


class Items(list[Value]):
    """A list that knows the node that it was."""

    node: Listing


def value_of(node: Node) -> Value:
    """Return a node as a value of an expression; scalars are strings, as in Azure."""
    if isinstance(node, Scalar):
        return "" if node.null else node.text
    if isinstance(node, Listing):
        items = Items(value_of(one) for one in node.items)
        items.node = node
        return items
    fields = Fields((key.text, value_of(one)) for key, one in node.items)
    fields.node = node
    return fields


def node_of(value: Any, file: str, line: int) -> Node:
    """Return the node that a value of an expression stands for."""
    if isinstance(value, Fields | Items):
        return value.node
    if isinstance(value, Mapping):
        items = ((Scalar(key, file, line), node_of(one, file, line)) for key, one in value.items())
        return Table(tuple(items), file, line)
    if isinstance(value, list | tuple):
        return Listing(tuple(node_of(one, file, line) for one in value), file, line)
    return Scalar(to_text(value), file, line, plain=False)


def read_parameters(
    declared: Node | None, given: Mapping[str, Node], where: Node, *, template: bool
) -> dict[str, Value]:
    """Return the value of each declared parameter; `where` is what is wrong if one is missing."""
    found: dict[str, Value] = {}
    left = {name.lower(): (name, node) for name, node in given.items()}
    if isinstance(declared, Table) and template:
        # The older way to write them: names with defaults, of any type.
        for key, default in declared.items:
            _, node = left.pop(key.text.lower(), (key.text, default))
            found[key.text] = value_of(node)
    elif declared is not None:
        for item in listing(declared, "parameters"):
            keys = ("name", "type", "default", "values", "displayName")
            entry = table(item, "a parameter", keys)
            name = needed(entry.get("name"), "the parameter's `name`", item)
            kind = text(entry.get("type"), "type", "string")
            if kind not in _TYPES:
                sentence = f"a parameter's type is not `{short(kind)}`{closest(kind, _TYPES)}"
                raise refuse(entry["type"], sentence)
            if name.lower() in (one.lower() for one in found):
                raise refuse(item, f"the parameter {short(name)} is declared twice")
            told = left.pop(name.lower(), None)
            value = told[1] if told else entry.get("default")
            if value is None:
                sentence = f"the parameter {short(name)} has no default, and no value is given"
                raise refuse(where, sentence)
            found[name] = _typed(value, kind, name)
            if "values" in entry:
                allowed = [to_text(value_of(one)) for one in listing(entry["values"], "values")]
                if to_text(found[name]) not in allowed:
                    sentence = f"the parameter {short(name)} is one of {short(', '.join(allowed))}"
                    raise refuse(value, sentence)
    if left:
        name, node = next(iter(left.values()))
        near = closest(name, found) if found else "; it has none"
        raise refuse(node, f"there is no parameter {short(name)}{near}")
    return found


def _typed(node: Node, kind: str, name: str) -> Value:
    what = f"the parameter {short(name)}"
    if kind == "boolean":
        return boolean(node, what, "false") == "true"
    if kind == "number":
        found = text(node, what)
        if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", found):
            raise refuse(node, f"{what} is a number, and this is `{short(found)}`")
        return Decimal(found)
    if kind == "string":
        return text(node, what)
    if kind in _LISTS and not isinstance(node, Listing):
        raise refuse(node, f"{what} is a {kind}, and this is {called(node)}")
    if kind in {"step", "job", "deployment", "stage"} and not isinstance(node, Table):
        raise refuse(node, f"{what} is a {kind}, and this is {called(node)}")
    return value_of(node)

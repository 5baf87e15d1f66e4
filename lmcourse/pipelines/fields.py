"""What a reader asks of nodes: text, a whole number, names; else it refuses, and says what fits."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.source import Listing, Node, Scalar, Table, called, short

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def refuse(node: Node, sentence: str) -> Refused:
    """Return what to raise about `node`."""
    return Refused(node.file, node.line, sentence)


def closest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" if one of `known` looks like `word`, else a list of them."""
    names = {name.lower(): name for name in known}
    near = get_close_matches(word.lower()[:80], names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {names[near[0]]}?"
    return f"; here one can write {', '.join(names.values())}" if names else ""


def table(
    node: Node, what: str, known: Iterable[str], elsewhere: Mapping[str, str] | None = None
) -> dict[str, Node]:
    """Return the values of a mapping by key; every key must be one of `known`.

    `elsewhere` says of keys that Azure has, and this subset has not, what to write instead.
    """
    if not isinstance(node, Table):
        raise refuse(node, f"{what} has to be a mapping, `key: value`, and this is {called(node)}")
    found = {}
    allowed = tuple(known)
    for key, value in node.items:
        if key.text not in allowed:
            told = (elsewhere or {}).get(key.text)
            why = f": {told}" if told else closest(key.text, allowed)
            raise refuse(key, f"{what} has no `{short(key.text)}` in the course's subset{why}")
        found[key.text] = value
    return found


def listing(node: Node, what: str) -> tuple[Node, ...]:
    """Return the items of a list."""
    if not isinstance(node, Listing):
        raise refuse(node, f"{what} has to be a list, `- item`, and this is {called(node)}")
    return node.items


def text(node: Node | None, what: str, default: str = "") -> str:
    """Return the text of a scalar; `default` where there is none, or nothing is written."""
    if node is None:
        return default
    if not isinstance(node, Scalar):
        raise refuse(node, f"{what} has to be text, and this is {called(node)}")
    return default if node.null else node.text


def needed(node: Node | None, what: str, holder: Node) -> str:
    """Return the text of a scalar that has to be there, and not empty."""
    found = text(node, what)
    if not found.strip():
        raise refuse(node or holder, f"{what} is missing")
    return found


def name(node: Node, what: str) -> str:
    """Return a name of a stage, a job or a step: letters, digits and _, and no digit first."""
    found = text(node, what)
    if not _NAME.fullmatch(found) or len(found) > 100:
        sentence = f"{what} is made of letters, digits and _ alone, and this is `{short(found)}`"
        raise refuse(node, f"{sentence}; what people read goes into displayName")
    return found


def boolean(node: Node | None, what: str, default: str) -> str:
    """Return "true" or "false", or an expression that will say so."""
    found = text(node, what, default)
    if "$[" in found or "$(" in found:
        return found
    if node is not None and found.lower() not in {"true", "false"}:
        raise refuse(node, f"{what} is true or false, and this is `{short(found)}`")
    return found.lower()


def number(node: Node | None, what: str, default: str, most: int) -> str:
    """Return the digits of a whole number from 0 to `most`, or an expression."""
    found = text(node, what, default)
    if "$[" in found or "$(" in found:
        return found
    if not re.fullmatch(r"[0-9]{1,9}", found) or int(found) > most:
        holder = node or Scalar("", "", 1)
        sentence = f"{what} is a whole number from 0 to {most}, and this is `{short(found)}`"
        raise refuse(holder, sentence)
    return found


def texts(node: Node | None, what: str) -> tuple[str, ...]:
    """Return a list of texts; one text alone is a list of one."""
    if node is None or (isinstance(node, Scalar) and node.null):
        return ()
    if isinstance(node, Scalar):
        return (node.text,)
    return tuple(needed(item, what, node) for item in listing(node, what))


def pairs(node: Node | None, what: str) -> dict[str, str]:
    """Return a mapping of text to text."""
    if node is None or (isinstance(node, Scalar) and node.null):
        return {}
    if not isinstance(node, Table):
        raise refuse(node, f"{what} has to be a mapping, `name: value`, and this is {called(node)}")
    return {key.text: text(value, f"{what}'s {short(key.text)}") for key, value in node.items}

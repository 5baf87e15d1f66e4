"""A notebook's function as it is in another process: without what this one has seen."""

import functools
import random
from collections.abc import Callable, Iterator
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np

MOST = 50_000
"""So many things are looked at: a notebook may have large ones."""


def as_elsewhere(
    namespace: dict[str, Any], assign: Callable[..., Any], questions: list[Any], number: int
) -> list[Any]:
    """Return what `assign` says in another process.

    hash() is salted anew, dice fall otherwise, and what the notebook wrote down of these users, in
    dictionaries, sets and lists wherever it has them, and in caches, is not there.
    """
    random.seed(number)
    np.random.seed(number % 2**32)
    users = {question[0] for question in questions}
    kept: list[tuple[Any, Any]] = []
    for each in written(namespace, assign):
        if isinstance(each, functools._lru_cache_wrapper):
            each.cache_clear()
        elif any(_tells(part, users) for part in each):
            kept.append((each, each.copy()))
            _forget(each, users)
    salted = "hash" not in namespace
    if salted:
        namespace["hash"] = lambda value: hash((number, value))
    try:
        return [assign(*question) for question in questions]
    finally:
        if salted:
            del namespace["hash"]
        for each, before in kept:
            each.clear()
            each.extend(before) if isinstance(each, list) else each.update(before)


def written(namespace: dict[str, Any], assign: Callable[..., Any]) -> Iterator[Any]:
    """Yield the dictionaries, sets, lists and caches that belong to the notebook, each once."""
    own = namespace.get("__name__")
    found: list[Any] = [assign, *namespace.values()]
    seen: set[int] = {id(namespace)}
    while found and len(seen) < MOST:
        each = found.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        kind = type(each)
        if isinstance(each, dict | list | set):
            yield each
        if isinstance(each, dict):
            found += each.values()
        elif isinstance(each, list | tuple):
            found += each
        elif kind is CellType:
            found += _content(each)
        elif kind is MethodType:
            found += [each.__func__, each.__self__]
        elif kind is functools.partial:
            found += [each.func, *each.args, *each.keywords.values()]
        elif isinstance(each, functools._lru_cache_wrapper):
            found.append(each.__wrapped__)
            if each.__module__ == own:
                yield each
        elif kind is FunctionType and each.__module__ == own:
            found += [*(each.__defaults__ or ()), *(each.__closure__ or ())]
            found += [each.__kwdefaults__, each.__dict__]
        elif isinstance(each, type):
            found += vars(each).values() if each.__module__ == own else ()
        elif kind.__module__ == own:
            found += [kind, getattr(each, "__dict__", None)]


def _content(cell: CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # it is empty
        return []


def _tells(part: Any, users: set[str]) -> bool:
    """Say whether a text, or one in a tuple or list, has a user's name in it."""
    if type(part) is str:
        return part in users or any(user in part for user in users)
    return type(part) in (tuple, list) and any(_tells(each, users) for each in part[:9])


def _forget(each: Any, users: set[str]) -> None:
    rest = [part for part in each if not _tells(part, users)]
    if isinstance(each, dict):
        rest = [(key, each[key]) for key in rest]
    each.clear()
    each.extend(rest) if isinstance(each, list) else each.update(rest)

"""Calls as Python text that can be pasted into the notebook and run again.

    sample_next(torch.tensor([0.0, 1.0, 0.0]))

What is too long to be written, or lives in the notebook alone, is `given[0]`, `given[1]` and so on:
a check in a notebook keeps those values as `check.given`.
"""

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch

from grader.checks.compare import describe

LONGEST = 400
"""Characters of the longest argument that is written; most calls then fit a screen."""

MANY = 64
"""So many numbers of a tensor or array are written at most."""

Written = Callable[..., str]
P = TypeVar("P", bound=Callable[..., Any])
_SHOWN: dict[Callable[..., Any], Written] = {}
_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}")}
_PLAIN_DTYPES = (torch.float32, torch.int64, torch.bool)


class NoText(Exception):
    """A value cannot be written as Python, or not in few characters."""


def shown_as(written: Written) -> Callable[[P], P]:
    """Show a call of the decorated probe as what the student could have typed in its place.

    `written` gets the texts of the probe's arguments, without the namespace, and returns Python:

        @probe
        @shown_as(lambda function, *args: f"type({call_of(function, *args)})")
        def kind_of(_, function, *args): ...
    """

    def remember(function: P) -> P:
        _SHOWN[function] = written
        return function

    return remember


def call_of(function: str, *args: str) -> str:
    """Return the call of `function` with arguments that are texts, as Python."""
    return f"{function}({', '.join(args)})"


def each_of(function: str, asked: str) -> str:
    """Return the calls of `function` with each of the lists of arguments in `asked`, as Python."""
    return f"[{function}(*arguments) for arguments in {asked}]"


class Text:
    """The text of one call, made part by part, and the values `given` that it names."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self._words: list[str] = []

    def name(self, value: Any, words: str) -> str:
        """Return the name that `value`, described by `words`, has in the text."""
        for position, known in enumerate(self.given):
            if known is value:
                return f"given[{position}]"
        self.given.append(value)
        self._words.append(words)
        return f"given[{len(self.given) - 1}]"

    def of(self, value: Any) -> str:
        """Return `value` as Python, or a name for it."""
        try:
            return code(value)
        except NoText:
            return self.name(value, describe(value))

    def whole(self, call: str) -> str:
        """Return `call` below a comment for each value that it names."""
        notes = [f"# given[{number}]: {words}" for number, words in enumerate(self._words)]
        return "\n".join([*notes, call])


def probe_call(function: Callable[..., Any], words: list[str]) -> str:
    """Return Python that does what the probe `function` did with arguments of these `words`."""
    if function in _SHOWN:
        return _SHOWN[function](*words)
    name = function.__name__
    call = call_of(name, "globals()", *words)
    return f"from {function.__module__} import {name}\n{call}"


def code(value: Any) -> str:
    """Return Python that makes `value` again.

    Raises
    ------
    NoText
        If that takes more than `LONGEST` characters, or is not possible.
    """
    text = ""
    for part in _parts(value):
        text += part
        if len(text) > LONGEST:
            raise NoText
    return text


def _parts(value: Any) -> Iterator[str]:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (torch.Tensor, np.ndarray)):
        yield from _numbers(value)
    elif isinstance(value, float):
        yield repr(float(value)) if math.isfinite(value) else f'float("{value}")'
    elif value is None or isinstance(value, (bool, int)):
        if isinstance(value, int) and value.bit_length() > 3 * LONGEST:
            raise NoText
        yield repr(value)
    elif isinstance(value, str):
        if len(value) > LONGEST:
            raise NoText
        yield repr(value)
    elif isinstance(value, dict):
        yield "{"
        for position, (key, part) in enumerate(value.items()):
            yield ", " if position else ""
            yield from _parts(key)
            yield ": "
            yield from _parts(part)
        yield "}"
    elif type(value) is set and not value:
        yield "set()"
    elif type(value) in _BRACKETS:
        start, end = _BRACKETS[type(value)]
        parts = value
        if isinstance(value, set):  # its order is another in each process
            parts = sorted(islice(value, LONGEST), key=repr)
        yield start
        for position, part in enumerate(parts):
            yield ", " if position else ""
            yield from _parts(part)
        yield ",)" if isinstance(value, tuple) and len(value) == 1 else end
    else:
        raise NoText


def _numbers(value: torch.Tensor | np.ndarray[Any, Any]) -> Iterator[str]:
    size = math.prod(value.shape)
    if size > MANY:
        raise NoText
    if size == 0 and max(value.shape) > MANY:  # of no numbers, and too large for an array
        raise NoText
    if isinstance(value, torch.Tensor):
        start = "torch.tensor("
        dtype = "" if value.dtype in _PLAIN_DTYPES else f", dtype={value.dtype}"
        wide = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
        array = wide.detach().numpy(force=True)
    else:
        start, array = "np.array(", value
        plain = value.dtype in (np.float64, np.int64, np.bool_)
        dtype = "" if plain else f', dtype="{value.dtype.name}"'
    if size == 0 and array.shape != (0,):
        module, _, _ = start.partition(".")
        yield f"{module}.zeros({tuple(array.shape)}{dtype})"
        return
    if size == 0 and isinstance(value, torch.Tensor) and value.dtype != torch.float32:
        dtype = f", dtype={value.dtype}"
    yield start
    yield from _parts(_shortest(array))
    yield f"{dtype})"


def _shortest(array: np.ndarray[Any, Any]) -> Any:
    """Return lists of Python numbers that have as few digits as make the same float again."""
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        texts = [float(str(number)) for number in array.flat]
        return np.array(texts, np.float64).reshape(array.shape).tolist()
    if array.dtype.kind == "c":
        raise NoText
    return array.tolist()

"""Say whether what came is what was expected and, if not, how they differ, in plain words."""

import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

MAX_SHOWN = 120
FEW = 8
SCREENFUL = 32
"""So many numbers of one tensor are shown where there is room."""

_LARGEST = int(sys.float_info.max)
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
}


def describe(value: Any) -> str:
    """Return the kind and size of `value` in a few words, such as "float32 tensor (2, 3)"."""
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} tensor {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} numpy array {value.shape}"
    if isinstance(value, (list, tuple, set, dict)):
        return f"{type(value).__name__} of {len(value)}"
    if value is None:
        return "None"
    return type(value).__name__


def show(value: Any) -> str:
    """Return `value` itself, shortened to a line: only the beginning of a large one is read."""
    text = ""
    for part in _written(value):
        text += part
        if len(text) > MAX_SHOWN:
            return text[: MAX_SHOWN - 1] + "…"
    return text


def _written(value: Any) -> Iterator[str]:
    """Yield the parts of `value` as Python text, each short."""
    if type(value) is float:  # most parts are, and asking for all others takes long
        yield f"{value:.4g}"
    elif isinstance(value, (torch.Tensor, np.ndarray)):
        if math.prod(value.shape) > FEW:
            yield describe(value)
        else:
            yield from _written(value.tolist())
    elif isinstance(value, float):
        yield f"{value:.4g}"
    elif isinstance(value, str):
        yield repr(value[: MAX_SHOWN + 1])
    elif (
        isinstance(value, int) and value.bit_length() > 4 * MAX_SHOWN
    ):  # long ones are slow, or fail
        yield f"{'-' if value < 0 else ''}10**{int(value.bit_length() * math.log10(2))} or so"
    elif isinstance(value, set) and len(value) > MAX_SHOWN:
        yield describe(value)
    elif isinstance(value, set) and value:
        # A set has its parts in another order in each process; what is said must not change.
        yield "{" + ", ".join(sorted(map(show, value), key=lambda part: (len(part), part))) + "}"
    elif (brackets := _BRACKETS.get(type(value))) and value:
        start, end = brackets
        yield start
        for position, part in enumerate(value):
            yield ", " if position else ""
            yield from _written(part)
            if isinstance(value, dict):
                yield ": "
                yield from _written(value[part])
        yield ",)" if isinstance(value, tuple) and len(value) == 1 else end
    else:
        yield repr(value)


def summarise(value: Any) -> str:
    """Return what a card has room for: a tensor's numbers, if few, as Python writes a tensor."""
    if not isinstance(value, (torch.Tensor, np.ndarray)):
        return show(value)
    if math.prod(value.shape) > SCREENFUL or 0 in value.shape:
        return describe(value)
    start = "torch.tensor(" if isinstance(value, torch.Tensor) else "np.array("
    kind = str(value.dtype).removeprefix("torch.")
    usual = ("float32", "int64", "bool") if start[0] == "t" else ("float64", "int64", "bool")
    dtype = "" if kind in usual else f", dtype={value.dtype}"
    return f"{start}{_rows(value.tolist(), len(start) + 1)}{dtype})"


def _rows(value: Any, indent: int) -> str:
    """Return nested lists of numbers as text, the rows one below the other."""
    if isinstance(value, list):
        flat = not isinstance(value[0], list)
        between = ", " if flat else ",\n" + " " * indent
        return f"[{between.join(_rows(part, indent + 1) for part in value)}]"
    return repr(float(f"{value:.4g}")) if isinstance(value, float) else repr(value)


def difference(got: Any, want: Any, *, atol: float, rtol: float) -> str:
    """Return "" when `got` is as good as `want`, else one sentence on the first difference.

    Kind and shape come before values. Numbers may differ by `atol + rtol * abs(want)`; NaN is equal
    to nothing but an expected NaN. Float widths (float32 or float64) and integer widths do not
    matter, and neither does the difference between a Python number and a tensor of shape ().
    """
    if isinstance(want, torch.Tensor) and isinstance(got, torch.Tensor):
        return _tensors(got, want, atol, rtol)
    if isinstance(want, np.ndarray) and isinstance(got, np.ndarray):
        if got.dtype.newbyteorder("=") != got.dtype:
            got = got.astype(got.dtype.newbyteorder("="))
        return _tensors(torch.from_numpy(got), torch.from_numpy(want.copy()), atol, rtol)
    if isinstance(got, (torch.Tensor, np.ndarray)) and got.shape == () and _is_number(want):
        got = got.item()
    if isinstance(want, torch.Tensor) and want.shape == () and _is_number(got):
        want = want.item()
    if _is_number(want) and _is_number(got) and isinstance(want, bool) == isinstance(got, bool):
        return _numbers(got, want, atol, rtol)
    if got is None and want is not None:
        return f"expected {_article(describe(want))}, got None: is there a return?"
    if type(got) is not type(want):
        return f"expected {_article(describe(want))}, got {_article(describe(got))}"
    if isinstance(want, (list, tuple)):
        if len(got) != len(want) and max(len(got), len(want)) > FEW:
            return f"expected {len(want)} items, got {len(got)}"
        if len(got) != len(want):
            return f"expected {show(want)}, got {show(got)}"
        for position, (part, wanted) in enumerate(zip(got, want, strict=True)):
            if found := difference(part, wanted, atol=atol, rtol=rtol):
                return f"at position {position}: {found}"
        return ""
    if isinstance(want, dict):
        for key in want:
            if key not in got:
                return f"the key {show(key)} is missing"
        for key in got:
            if key not in want:
                return f"the key {show(key)} should not be there"
        for key, wanted in want.items():
            if found := difference(got[key], wanted, atol=atol, rtol=rtol):
                return f"at key {show(key)}: {found}"
        return ""
    return "" if got == want else f"expected {show(want)}, got {show(got)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _numbers(got: float, want: float, atol: float, rtol: float) -> str:
    if isinstance(want, int) and isinstance(got, int):
        same = got == want
    elif math.isnan(want) or math.isinf(want):
        same = got == want or (math.isnan(want) and got != got)
    elif abs(got) > _LARGEST or (isinstance(want, int) and not float(got).is_integer()):
        same = False
    else:
        same = abs(got - want) <= atol + rtol * abs(want)
    return "" if same else f"expected {show(want)}, got {show(got)}"


def _tensors(got: torch.Tensor, want: torch.Tensor, atol: float, rtol: float) -> str:
    if _family(got.dtype) != _family(want.dtype):
        return (
            f"expected numbers of kind {_family(want.dtype)}, "
            f"got {str(got.dtype).removeprefix('torch.')}"
        )
    if got.shape != want.shape:
        return f"expected shape {tuple(want.shape)}, got {tuple(got.shape)}"
    if got.dtype == want.dtype and torch.equal(got, want):
        return ""
    if got.dtype == torch.bool or not (got.is_floating_point() or got.is_complex()):
        wrong = got.to(torch.int64) != want.to(torch.int64)
    else:
        wide = torch.complex128 if got.is_complex() else torch.float64
        close = torch.isclose(got.to(wide), want.to(wide), atol=atol, rtol=rtol, equal_nan=True)
        wrong = ~close
    if not wrong.any():
        return ""
    where = tuple(int(i) for i in wrong.nonzero()[0])
    place = "" if where == () else f"at {list(where)}: "
    count = int(wrong.sum())
    more = f" ({count} of {wrong.numel()} numbers differ)" if wrong.numel() > 1 else ""
    return f"{place}expected {show(want[where].item())}, got {show(got[where].item())}{more}"


def _family(dtype: torch.dtype) -> str:
    if dtype == torch.bool:
        return "bool"
    if dtype.is_complex:
        return "complex"
    return "float" if dtype.is_floating_point else "int"


def _article(words: str) -> str:
    if words == "None":
        return words
    return ("an " if words[0] in "aeiou" else "a ") + words

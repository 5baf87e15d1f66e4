"""Library calls that are the answer to an exercise, refused while it is checked."""

import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch.overrides import TorchFunctionMode, get_ignored_functions


class Forbidden(Exception):
    """The code called what the exercise asks to be written by hand."""

    def __init__(self, name: str) -> None:
        super().__init__(f"this exercise asks you to write {name} yourself: use smaller steps")


@contextmanager
def refused(names: Collection[str]) -> Iterator[None]:
    """Let calls of torch's and numpy's functions and methods of these `names` raise `Forbidden`.

    Torch is watched at the call, so another name for a function, or the method of a tensor, makes
    no difference. The few functions that torch does not let be watched, and numpy's, are replaced
    in their modules. Other threads, and what torch runs below Python, are for `Everywhere`.
    """
    with ExitStack() as stack:
        for name in names:
            for module in (torch, torch.nn.functional, np):
                function = getattr(module, name, None)
                if function and (module is np or function in get_ignored_functions()):
                    stack.enter_context(mock.patch.object(module, name, _refusing(name)))
        if names:
            stack.enter_context(_Watch(names))
        yield


class _Watch(TorchFunctionMode):
    """Sees each call of a torch function while it is entered."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__()
        self._names = names

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = _plain(getattr(func, "__name__", ""))
        if name in self._names:
            raise Forbidden(name)
        return func(*args, **(kwargs or {}))


class Everywhere:
    """Refuses torch's functions in all of this process: in each thread, and below Python.

    Torch's switches for what watches its functions make no difference, nor does TorchScript: the
    functions' own kernels are replaced, and what starts all of autograd.
    """

    def __init__(self) -> None:
        self._library: torch.library.Library | None = None
        self._replaced = ExitStack()

    def refuse(self, names: Collection[str]) -> None:
        """Refuse the functions of these `names` from here on, and no others."""
        self._library = None  # which gives the kernels back
        self._replaced.close()
        operators = [(name, plain) for plain in names for name in _operators().get(plain, ())]
        if operators:
            self._library = torch.library.Library("aten", "IMPL")
            with warnings.catch_warnings(action="ignore"):  # that kernels were there before
                for name, plain in operators:
                    self._library.impl(name, _refusing(plain), "CPU")
        for name in {"backward", "grad"} & set(names):
            replacement = mock.patch.object(torch.autograd, "_engine_run_backward", _refusing(name))
            self._replaced.enter_context(replacement)


@cache
def _operators() -> dict[str, list[str]]:
    """Return torch's operators by their plain names."""
    found: dict[str, list[str]] = {}
    for name in torch._C._dispatch_get_all_op_names():
        library, _, rest = name.partition("::")
        if library == "aten":
            found.setdefault(_plain(rest), []).append(rest)
    return found


def _plain(name: str) -> str:
    """Return what a function is called in an exercise: softmax, for special_softmax or _softmax."""
    return name.split(".")[0].removeprefix("special_").strip("_")


def _refusing(name: str) -> Callable[..., None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise Forbidden(name)

    return refuse

"""Library calls that are the answer to an exercise, refused while it is checked."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
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
    in their modules. Code that means harm can get around both.
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
        # torch.special.softmax is special_softmax, torch.ops.aten._softmax is _softmax.default.
        name = getattr(func, "__name__", "").split(".")[0].removeprefix("special_").strip("_")
        if name in self._names:
            raise Forbidden(name)
        return func(*args, **(kwargs or {}))


def _refusing(name: str) -> Callable[..., None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise Forbidden(name)

    return refuse

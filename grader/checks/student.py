"""A notebook's namespace as a check sees it: `Student` asks, `Host` answers.

`Host` lives beside the notebook's code; `Student` lives with the check. They talk in frames
(`grader.checks.values`), through any function that takes a request frame and returns a reply frame:
a plain call in a self-check, a pipe into a sandbox when grading, a recording for the reference. The
check cannot tell which.
"""

import random
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from grader.checks.paste import Text, call_of, probe_call
from grader.checks.refusal import refused
from grader.checks.values import MAX_REASON, Frame, FromHandle, pack, unpack

Send = Callable[[bytes], Frame]
Probe = Callable[..., Any]

MAX_HANDLES = 10_000
MAX_MESSAGE = 2_000
MAX_KIND = 60

MADE = "(...)"
"""Ends the name of what a call made."""


class Raised(Exception):
    """The notebook's code raised; `kind` is the exception's class name.

    `line` says where in the notebook, as "cell 7, line 3: x = ...", or is empty.
    """

    def __init__(self, kind: str, message: str, line: str = "") -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.message = message
        self.line = line


class Lost(Exception):
    """The notebook's process gave no usable reply; `status` is what the exercise gets."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class NotDefined(NameError):
    """The notebook has no such name."""


@dataclass
class Call:
    """A call of the notebook's code: of what, with which arguments, and what it returned.

    `of` is the object that was called, or a probe, which runs beside the notebook's code.
    """

    name: str = ""
    of: Any = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    result: Any = None

    def written(self) -> tuple[str, list[Any]]:
        """Return Python that makes the call again, or "" if there was none, and what it names.

        The text has `given[0]`, `given[1]` and so on for those values.
        """
        if self.of is None:
            return "", []
        text = Text()
        words = [_words(value, text) for value in self.args]
        words += [f"{key}={_words(value, text)}" for key, value in self.kwargs.items()]
        if isinstance(self.of, Handle):
            call = call_of(_words(self.of, text), *words)
        else:
            call = probe_call(self.of, words)
        return text.whole(call), text.given


class _Link:
    """The way to one notebook's process, the last call that went there, and its names' handles."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.last = Call()
        self.handles: dict[str, Handle] = {}

    def call(self, request: dict[str, Any], name: str, of: Any, *args: Any, **kwargs: Any) -> Any:
        self.last = Call(name, of, args, kwargs)
        # What it makes goes by another name than it does: GPT(config)(ids) is a call of GPT(...).
        self.last.result = _ask(self, request, name + MADE)
        return self.last.result


def _words(value: Any, text: Text) -> str:
    if not isinstance(value, Handle):
        return text.of(value)
    # What a call made has no name in the notebook.
    return text.name(value, value._name) if MADE in value._name else value._name


class Handle:
    """An object that stays in the notebook's process: call it, or read its attributes.

    Each is of a subclass that has the name of the object's own type, so that an error says "a map"
    wherever it is made: here, or by Python.
    """

    def __init__(self, link: _Link, number: int, name: str) -> None:
        self._link = link
        self._number = number
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy and pickle probe for these
            raise AttributeError(name)
        return _ask(self._link, {"op": "get", "of": self, "name": name}, f"{self._name}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object where it lives; return what it returns, by value."""
        request = {"op": "call", "of": self, "args": list(args), "kwargs": kwargs}
        return self._link.call(request, self._name, self, *args, **kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


@lru_cache(256)
def _handles_of(kind: str) -> type[Handle]:
    """Return the class of handles on objects whose type is named `kind`, as another process says.

    A name that no type has in Python becomes "object".
    """
    known = kind.isascii() and kind.isidentifier()
    return type(kind if known else "object", (Handle,), {})


class Student:
    """A notebook's namespace: `student.softmax(x)` calls the notebook's own `softmax`.

    Arguments and results cross by value. Each name of a function or class is looked up once, and
    again after the process was lost: in a new one it has another number. Raises `Raised` when the
    notebook's code does, and `Lost` when its process is gone.
    """

    def __init__(self, send: Send) -> None:
        self._link = _Link(send)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        handles = self._link.handles
        if name in handles:
            return handles[name]
        found = _ask(self._link, {"op": "get", "of": None, "name": name}, name)
        if isinstance(found, Handle):
            handles[name] = found
        return found

    def seed(self, number: int) -> None:
        """Seed torch, numpy and random beside the notebook's code."""
        _ask(self._link, {"op": "seed", "number": number}, "")

    def begin(self, seed: int, forbidden: Collection[str]) -> None:
        """Seed as above, and from here on refuse that code the library's `forbidden` functions."""
        _ask(self._link, {"op": "seed", "number": seed, "forbidden": list(forbidden)}, "")

    def probe(self, function: Probe, *args: Any) -> Any:
        """Run `function(namespace, *args)`, a probe of the check module, beside that code."""
        request = {"op": "probe", "name": function.__name__, "args": list(args)}
        return self._link.call(request, function.__name__, function, *args)


def last_call(student: Student) -> Call:
    """Return the last call that was made through `student`, if there was one, and forget it."""
    link = student._link
    last, link.last = link.last, Call()
    return last


class Host:
    """Answers a `Student`'s requests on `namespace`, with the check module's `probes`.

    `forbid` is called with the library's functions that are forbidden from then on.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        probes: Mapping[str, Probe],
        forbid: Callable[[list[str]], None] = lambda names: None,
    ) -> None:
        self._namespace = namespace
        self._probes = probes
        self._forbid = forbid
        self._objects: list[Any] = []
        self._forbidden: list[str] = []

    def send(self, frame: bytes) -> bytes:
        """Return the reply frame to a request frame; what the notebook's code raises is a reply."""
        try:
            request = unpack(frame, lambda item: self._objects[item["number"]])
            # A notebook may have switched gradients off for good.
            with torch.enable_grad(), refused(self._forbidden):
                value = self._answer(request)
            return pack({"value": value}, self._keep)
        except KeyboardInterrupt:  # a person at the notebook pressed stop
            raise
        except BaseException as error:  # SystemExit too: the notebook's code may raise anything
            return pack({"raised": describe_exception(error)}, self._keep)

    def behind(self, value: Any) -> Any:
        """Return the notebook's object that `value` stands for, if it is a handle, else `value`."""
        return self._objects[value._number] if isinstance(value, Handle) else value

    def _answer(self, request: dict[str, Any]) -> Any:
        op = request["op"]
        if op == "seed":
            _seed(request["number"])
            if "forbidden" in request:
                self._forbidden = request["forbidden"]
                self._forbid(self._forbidden)
            return None
        if op == "probe":
            return self._probes[request["name"]](self._namespace, *request["args"])
        if op == "call":
            return request["of"](*request["args"], **request["kwargs"])
        if request["of"] is not None:
            return getattr(request["of"], request["name"])
        name = request["name"]
        if name not in self._namespace:
            raise NotDefined(f"the notebook defines no {name}")
        value = self._namespace[name]
        if value is ...:
            raise NotImplementedError(f"{name} is still ...")
        return value

    def _keep(self, value: Any) -> dict[str, Any]:
        if len(self._objects) >= MAX_HANDLES:
            raise ValueError("too many objects were asked for")
        self._objects.append(value)
        return {"number": len(self._objects) - 1, "type": type(value).__name__[:MAX_KIND]}


def _seed(number: int) -> None:
    random.seed(number)
    np.random.seed(number % 2**32)
    if torch.accelerator.is_available():
        torch.manual_seed(number)
    else:  # the same; but that takes down its stack for each kind of device, which takes longest
        torch.default_generator.manual_seed(number)


def describe_exception(error: BaseException) -> dict[str, str]:
    """Return `error` as plain data: kind, message, and the last notebook line that it passed."""
    line = ""
    try:
        message = str(error)
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename.startswith("<cell ") or "ipykernel" in frame.filename:
                cell = frame.filename.strip("<>") if frame.filename.startswith("<") else "your code"
                line = f"{cell}, line {frame.lineno}: {frame.line or ''}".rstrip(": ")
    except Exception:  # a notebook's exception class may fail to print itself
        message = "(an error whose message cannot be read)"
    kind = type(error).__name__
    if "can't allocate memory" in message:  # torch's own words, in a RuntimeError
        kind = "MemoryError"
    return {"kind": kind, "message": message[:MAX_MESSAGE], "line": line[:300]}


def _ask(link: _Link, request: dict[str, Any], name: str) -> Any:
    def to_handle(value: Any) -> dict[str, Any]:
        if isinstance(value, Handle) and value._link is link:  # another's numbers mean others
            return {"number": value._number}
        raise TypeError(f"a check may not send a {type(value).__name__}")

    def from_handle(item: dict[str, Any]) -> Handle:
        number, kind = item["number"], item.get("type", "object")
        if type(number) is not int or type(kind) is not str or len(kind) > MAX_KIND:
            raise ValueError("not a handle")
        return _handles_of(kind)(link, number, name)

    request_frame = pack(request, to_handle)
    try:
        return _answer(link.send(request_frame), from_handle)
    except Lost:
        link.handles.clear()
        raise


def _answer(reply_frame: Frame, from_handle: FromHandle) -> Any:
    """Return the value in a reply, or raise what it says was raised."""
    try:
        reply = unpack(reply_frame, from_handle)
        if not isinstance(reply, dict):
            raise ValueError("not a dict")
        if "raised" in reply:
            told = reply["raised"]
            if not isinstance(told, dict):
                raise ValueError("not an error")
            raised = [told[key] for key in ("kind", "message", "line")]
            if not all(
                type(words) is str for words in raised
            ):  # others may be slow to put in words
                raise ValueError("not an error")
            raise Raised(*(words[:MAX_MESSAGE] for words in raised))
        return reply["value"]
    except (ValueError, KeyError, TypeError) as bad:
        reason = str(bad)[:MAX_REASON]
        raise Lost("crashed", f"the notebook's process sent an invalid reply: {reason}") from None

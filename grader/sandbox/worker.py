"""The process that runs a student's notebook. It knows no answers and gives no verdicts.

It is a fork of `grader.sandbox.forkserver`, or a process of its own, started inside the sandbox as
`python -m grader.sandbox.worker DESCRIPTOR PACKAGE LESSON MEMORY_MB CPU_SECONDS [MODULE...]`. Over
its socket it reads requests and writes one reply to each, as framed bytes: a length, then a kind
(`CELL` or `ASK`) and a body. `CELL` runs a cell, whose body is JSON `[number, source]`; `ASK`
answers a question of `grader.checks.student.Student`.

Whatever comes out of here is untrusted: by the time a student's code has run, it could have taken
over this process.
"""

import ast
import asyncio
import contextlib
import faulthandler
import importlib
import inspect
import json
import linecache
import os
import random
import re
import struct
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.core.inputtransformer2 import TransformerManager

from grader.checks.refusal import Everywhere
from grader.checks.registry import exercises
from grader.checks.student import Host, Probe, describe_exception
from grader.sandbox.lockdown import MAX_DESCRIPTORS, give_up_privileges, limit_resources

LENGTH = struct.Struct("<I")
CELL = b"C"
ASK = b"A"

_IPYTHONS_PROMPT = re.compile(r"^In \[\d+\]: ", re.MULTILINE)
_RUNNING_MAGICS = ("time", "timeit", "capture", "prun")


class Kernel:
    """A namespace in which cells run as they would in Jupyter, without Jupyter."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module  # dataclasses and pickle look classes up there
        self.namespace: dict[str, Any] = module.__dict__
        self.namespace.update(get_ipython=lambda: _Shell(self), display=lambda *_, **__: None)
        self.host = Host(self.namespace, probes, Everywhere().refuse)
        # What cells draw is the same when the notebook is graded again.
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)

    def run_cell(self, body: bytes) -> bytes:
        """Run the cell in a request's body and return the reply: nothing, or what it raised."""
        number, source = json.loads(body)
        name = f"<cell {number}>"
        try:
            self.run(name, source)
            raised = None
        except BaseException as error:  # SystemExit and KeyboardInterrupt are the cell's own affair
            raised = describe_exception(error)
        plt.close("all")
        return json.dumps(raised).encode()

    def run(self, name: str, source: str) -> None:
        """Run `source`, IPython syntax included, as the cell `name`."""
        code, tree = _python(name, source)
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        compiled = compile(tree, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if compiled.co_flags & inspect.CO_COROUTINE:
            asyncio.run(eval(compiled, self.namespace))  # noqa: S307
        else:
            exec(compiled, self.namespace)  # noqa: S102


def _python(name: str, source: str) -> tuple[str, ast.Module]:
    """Return a cell's Python and its syntax tree."""
    if not _IPYTHONS_PROMPT.search(source):  # which is valid Python, and means something else
        with contextlib.suppress(SyntaxError, ValueError):
            return source, ast.parse(source, name)
    code = TransformerManager().transform_cell(source)
    return code, ast.parse(code, name)


class _Shell:
    """Stands in for IPython's shell: magics that wrap code run it, all others do nothing."""

    def __init__(self, notebook: Kernel) -> None:
        self._notebook = notebook
        self.user_ns = notebook.namespace

    def run_line_magic(self, name: str, line: str, *_: Any, **__: Any) -> None:
        if name in _RUNNING_MAGICS and line:
            self._notebook.run("<magic>", line)

    def run_cell_magic(self, name: str, _line: str, cell: str) -> None:
        if name in _RUNNING_MAGICS:
            self._notebook.run("<magic>", cell)

    def system(self, _command: str) -> None: ...

    def getoutput(self, _command: str) -> list[str]:
        return []


def import_course(package: str, modules: Sequence[str]) -> None:
    """Import what notebooks import, so that it costs a student neither time nor memory.

    That is all that the course's package offers, and the `modules` that its lessons name.
    """
    course = importlib.import_module(package)
    for name in getattr(course, "__all__", ()):
        getattr(course, name)
    for module in modules:
        importlib.import_module(module)


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return the next frame's bytes, or None at the end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return stream.read(LENGTH.unpack(head)[0])


def write_frame(stream: BinaryIO, frame: bytes) -> None:
    """Write one frame."""
    stream.write(LENGTH.pack(len(frame)) + frame)
    stream.flush()


def serve(descriptor: int, package: str, lesson: str) -> None:
    """Answer requests on the socket `descriptor` until the judge closes it.

    From here on this process has no other descriptor but stderr and, on Linux, no privileges.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(null, standard)
    faulthandler.enable()  # a crash says on stderr where it was
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, MAX_DESCRIPTORS)
    torch.set_num_threads(1)
    notebook = Kernel(next(iter(exercises(package, lesson).values())).probes)
    if sys.platform == "linux":
        give_up_privileges()
    with open(descriptor, "rb") as requests, open(descriptor, "wb", closefd=False) as replies:
        write_frame(replies, b"ready")
        while frame := read_frame(requests):
            kind, body = frame[:1], frame[1:]
            answer = notebook.host.send if kind == ASK else notebook.run_cell
            write_frame(replies, answer(body))


if __name__ == "__main__":
    descriptor, package, lesson, memory_mb, cpu_seconds, *modules = sys.argv[1:]
    import_course(package, modules)
    limit_resources(int(memory_mb), int(cpu_seconds))
    serve(int(descriptor), package, lesson)

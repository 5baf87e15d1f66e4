"""The process that runs a student's notebook. It knows no answers and gives no verdicts.

Started as `python -m grader.worker LESSON MEMORY_MB CPU_SECONDS`, inside the sandbox. It reads
requests from its standard input and writes one reply to each to its standard output, as framed
bytes: a length, then a kind (`CELL` or `ASK`) and a body. `CELL` runs a cell, whose body is JSON
`[number, source]`; `ASK` answers a question of `lmcourse.student.Student`.

Whatever comes out of here is untrusted: by the time a student's code has run, it could have taken
over this process.
"""

import ast
import asyncio
import ctypes
import inspect
import json
import linecache
import os
import platform
import resource
import struct
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import matplotlib.pyplot as plt
import torch
from IPython.core.inputtransformer2 import TransformerManager

from lmcourse.checks import check_module, exercises
from lmcourse.student import Host, Probe, describe_exception
from lmcourse.values import MAX_BYTES

LENGTH = struct.Struct("<I")
CELL = b"C"
ASK = b"A"

_MAX_FILE = 64 * 2**20
_RUNNING_MAGICS = ("time", "timeit", "capture", "prun")


class Notebook:
    """A namespace in which cells run as they would in Jupyter, without Jupyter."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module  # dataclasses and pickle look classes up there
        self.namespace: dict[str, Any] = module.__dict__
        self.namespace.update(get_ipython=lambda: _Shell(self), display=lambda *_, **__: None)
        self.host = Host(self.namespace, probes)

    def run_cell(self, number: int, source: str) -> bytes:
        """Run one cell and return a reply frame: nothing, or what it raised."""
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
        code = TransformerManager().transform_cell(source)
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        tree = ast.parse(code, name)
        compiled = compile(tree, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if compiled.co_flags & inspect.CO_COROUTINE:
            asyncio.run(eval(compiled, self.namespace))
        else:
            exec(compiled, self.namespace)


class _Shell:
    """Stands in for IPython's shell: magics that wrap code run it, all others do nothing."""

    def __init__(self, notebook: Notebook) -> None:
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


def limit_resources(memory_mb: int, cpu_seconds: int) -> None:
    """Bound what this process may use from here on; `memory_mb` comes on top of what it has."""
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    for kind, value in (
        (resource.RLIMIT_AS, used + memory_mb * 2**20),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, _MAX_FILE),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


_SYSCALLS = {
    # The audit architecture; fork, vfork, ptrace, process_vm_readv and _writev; clone; clone3.
    "x86_64": (0xC000003E, (57, 58, 101, 310, 311), 56, 435),
    "aarch64": (0xC00000B7, (117, 270, 271), 220, 435),  # has neither fork nor vfork
}


def forbid_processes() -> None:
    """Make the kernel refuse new processes and tracing from here on; threads stay possible.

    A seccomp filter rather than RLIMIT_NPROC, which does not bind root.

    Raises
    ------
    OSError
        If this kernel or processor cannot do that.
    """
    machine = platform.machine()
    if machine not in _SYSCALLS:
        raise OSError(f"no system-call table for {machine}")
    architecture, forbidden, clone, clone3 = _SYSCALLS[machine]
    load, jump_equal, jump_at_least, jump_bits, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse, unknown, kill = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
    clone_thread = 0x00010000
    program = [
        (load, 0, 0, 4),  # the architecture: another one would renumber the calls
        (jump_equal, 1, 0, architecture),
        (give, 0, 0, kill),
        (load, 0, 0, 0),  # the system call's number
        (jump_at_least, 0, 1, 0x40000000),  # the x32 calls, which alias the others
        (give, 0, 0, unknown),
        # glibc falls back to clone, whose flags a filter can see, when clone3 does not exist.
        (jump_equal, 0, 1, clone3),
        (give, 0, 0, unknown),
    ]
    for number in forbidden:
        program += [(jump_equal, 0, 1, number), (give, 0, 0, refuse)]
    program += [
        (jump_equal, 1, 0, clone),
        (give, 0, 0, allow),
        (load, 0, 0, 16),  # clone's flags
        (jump_bits, 0, 1, clone_thread),
        (give, 0, 0, allow),
        (give, 0, 0, refuse),
    ]
    packed = b"".join(struct.pack("HBBI", *step) for step in program)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))

    libc = ctypes.CDLL(None, use_errno=True)
    set_no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    filled = Program(len(program), packed)
    if libc.prctl(set_no_new_privileges, 1, 0, 0, 0) or libc.prctl(
        set_seccomp, filter_mode, ctypes.byref(filled), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "the kernel refused the seccomp filter")


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


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the judge's pipes, and give the student's code empty ones in their place."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    return requests, replies


def _requests(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    while frame := read_frame(stream):
        yield frame[:1], frame[1:]


def main() -> None:
    """Answer requests until the judge closes the pipe."""
    lesson, memory_mb, cpu_seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    requests, replies = _private_streams()
    torch.set_num_threads(1)
    probes = next(iter(exercises(lesson).values())).probes
    check_module(lesson)
    notebook = Notebook(probes)
    limit_resources(memory_mb, cpu_seconds)
    forbid_processes()
    write_frame(replies, b"ready")
    for kind, body in _requests(requests):
        reply = notebook.run_cell(*json.loads(body)) if kind == CELL else notebook.host.send(body)
        write_frame(replies, reply[:MAX_BYTES])


if __name__ == "__main__":
    main()

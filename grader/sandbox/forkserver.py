"""The warm parent of all workers: it imports once, and forks a sealed worker per submission.

Started inside the sandbox as `python -m grader.sandbox.forkserver DESCRIPTOR PACKAGE [MODULE...]`:
the course's package, and what its lessons want imported. Over that socket the judge sends a
request, JSON with `lesson`, `memory_mb`, `cpu_seconds` and `scratch_mb`, and with it the worker's
own socket and its stderr. The answer is a handle on the worker's process (a pidfd), by which the
judge can stop it, or a line that says why there is none.

No student's code ever runs in this process.
"""

import ctypes
import gc
import json
import os
import re
import signal
import socket
import sys
import traceback
from typing import Any

import torch

from grader.checks.registry import lessons
from grader.sandbox import lockdown
from grader.sandbox.worker import import_course, serve

MAX_REQUEST = 4096


def main() -> None:
    """Fork workers until the judge closes the socket."""
    descriptor, package, *modules = sys.argv[1:]
    control = socket.socket(fileno=int(descriptor))
    import_course(package, modules)
    lessons(package)  # imports every lesson's checks
    # Torch asks /proc what the processor can do when it first needs to know, and a fork has none:
    # it would compute with other kernels than the judge, and round otherwise.
    torch.backends.cpu.get_cpu_capability()
    gc.collect()
    gc.freeze()  # a fork's collector would touch, and so copy, all that is shared
    _take_huge_pages()
    lockdown.hide()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    control.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, 2)
        if not message:
            return
        line, stderr = descriptors
        if os.fork() == 0:
            _fork_worker(control, line, stderr, package, json.loads(message))
        os.close(line)
        os.close(stderr)


_HUGE = 2**21
_MADV_COLLAPSE = 25
_OWN_MEMORY = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0 *(?:\[heap\])?")


def _take_huge_pages() -> None:
    """Have this process's memory in huge pages: to copy their table is most of what a fork costs.

    Whatever the kernel cannot do (it can from Linux 6.1 on) stays as it is.
    """
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    with open("/proc/self/maps") as maps:
        found = [_OWN_MEMORY.fullmatch(line.rstrip("\n")) for line in maps]
    for start, end in (map(lambda text: int(text, 16), area.groups()) for area in found if area):
        for page in range(-(-start // _HUGE) * _HUGE, end - _HUGE + 1, _HUGE):
            madvise(page, _HUGE, _MADV_COLLAPSE)


def _fork_worker(
    control: socket.socket, descriptor: int, stderr: int, package: str, request: dict[str, Any]
) -> None:
    """Seal this fork, fork the worker within, hand it over, and end."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        lockdown.seal(request["scratch_mb"])
        worker = os.fork()
        if worker == 0:
            control.close()
            os.dup2(stderr, 2)
            _work(descriptor, package, request)
        else:
            socket.send_fds(control, [b"started"], [os.pidfd_open(worker)])
    except OSError as error:
        control.send(str(error).encode())
    finally:
        os._exit(0)


def _work(descriptor: int, package: str, request: dict[str, Any]) -> None:
    try:
        os.setsid()  # a signal to one's process group would reach the warm parent too
        os.chdir(lockdown.SCRATCH)
        lockdown.limit_resources(request["memory_mb"], request["cpu_seconds"])
        lockdown.hide_proc()
        lockdown.hide()
        serve(descriptor, package, request["lesson"])
    except BaseException:
        traceback.print_exc()  # for the judge, who reads stderr


if __name__ == "__main__":
    main()

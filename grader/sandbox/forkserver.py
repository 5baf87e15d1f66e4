"""The warm parent of all workers: it imports once, and forks a sealed worker per submission.

Started inside the sandbox as `python -m grader.sandbox.forkserver DESCRIPTOR PACKAGE [MODULE...]`:
the course's package, and what its lessons want imported. Over that socket the judge sends a
request, JSON with `lesson`, `memory_mb`, `cpu_seconds` and `scratch_mb`, and with it the worker's
own socket and its stderr. The answer is a handle on the worker's process (a pidfd), by which the
judge can stop it, or a line that says why there is none.

No student's code ever runs in this process.
"""

import gc
import json
import os
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
    lockdown.hide()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    gc.collect()
    gc.freeze()  # a fork's collector would touch, and so copy, all that is shared
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

"""Processes that have torch and FastAPI from their start: forked of one that imported them once.

To import them takes three seconds of a processor, and the tests start dozens of processes. What
`lmops` itself does in one is the same. That it starts cold as well, `test_readme.py` shows.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "lmops.commands.register",
        "lmops.commands.serve",
        "lmops.service.server",
        "lmops.bundle",
        "lmops.store",
    ]
)


class Forked:
    """Such a process, with what the tests ask of `subprocess.Popen`; its stdout is a pipe."""

    def __init__(
        self,
        call: Callable[..., object],
        *arguments: object,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        ours, theirs = _forks.Pipe(duplex=False)
        told = dict(os.environ if environment is None else environment)
        self._process = _forks.Process(target=_run, args=(theirs, told, call, arguments))
        self._process.daemon = True
        self._process.start()
        theirs.close()
        self.stdout = os.fdopen(os.dup(ours.fileno()), encoding="utf-8")
        ours.close()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end, and return the exit code; None if it still runs."""
        self._process.join(timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self._process.is_alive():
            assert self._process.pid
            os.kill(self._process.pid, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


def lmops(*arguments: str) -> None:
    """Run `lmops`, as its console script does."""
    from lmops.cli import main

    main(arguments, prog_name="lmops")


def _run(
    stdout: Connection,
    environment: Mapping[str, str],
    call: Callable[..., object],
    arguments: tuple[Any, ...],
) -> None:
    os.dup2(stdout.fileno(), 1)
    stdout.close()
    os.environ.clear()
    os.environ.update(environment)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    call(*arguments)

"""Where submissions are graded: processes of this machine, or a Dask cluster."""

import contextlib
import logging
import os
import queue
import shlex
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from logging.handlers import QueueHandler
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from grader.distribution import requirements
from grader.terminal.log import log

_CONNECT_SECONDS = 10

_NO_DASK = """\
--scheduler needs Dask, which is not installed here. Type:
    {install}"""

_NO_SCHEDULER = """\
no Dask scheduler answers at {address} ({problem}). Start one, and workers that reach it:
    dask scheduler
    dask worker --nthreads 1 --nworkers -1 {address}"""


@contextmanager
def executor(jobs: int, scheduler: str | None = None) -> Iterator[Executor]:
    """Give an executor of `jobs` processes here, or of the Dask cluster at the address `scheduler`.

    What still runs when the block ends, as after a Ctrl-C, is stopped.

    Raises
    ------
    OSError
        If no cluster answers there, or Dask is not installed.
    """
    if scheduler is None:
        processes = Processes(jobs)
        try:
            yield processes
        finally:
            processes.shutdown()
        return
    try:
        from distributed import Client
    except ModuleNotFoundError:
        install = shlex.join(["python", "-m", "pip", "install", *requirements("scale").values()])
        raise OSError(_NO_DASK.format(install=install)) from None
    try:
        client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise OSError(_NO_SCHEDULER.format(address=scheduler, problem=problem)) from None
    with client:
        client.forward_logging(log.name, logging.INFO)
        cluster = client.get_executor(pure=False)
        try:
            yield cluster
        finally:
            cluster.shutdown(wait=False)  # cancels what runs


class Processes(Executor):
    """A pool of `jobs` processes that each do one thing at a time.

    It does not break when a process dies: that one is replaced, and does the same thing once more.
    No process outlives the one that made it. Of the kept libraries none does that: a
    `ProcessPoolExecutor` and loky 3.7 lose all that waits when one process dies, and Pebble 5.2
    breaks if the one that dies was idle.
    """

    def __init__(self, jobs: int) -> None:
        self._threads = ThreadPoolExecutor(jobs)
        self._own = threading.local()
        self._lock = threading.Lock()
        self._processes: list[_Process] = []
        self._is_shut = False

    def submit(
        self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any
    ) -> "Future[Any]":
        """Have a process call `function`, which it must be able to import."""
        return self._threads.submit(self._call, function, arguments, keywords)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """End the processes; what they were at is lost."""
        self._threads.shutdown(wait=False, cancel_futures=cancel_futures)
        with self._lock:
            self._is_shut = True
            for process in self._processes:
                process.end()
        self._threads.shutdown(wait)

    def _call(self, *request: Any) -> Any:
        for tries_left in (1, 0):
            try:
                return self._process().call(request)
            except _Died:
                del self._own.process
                if not tries_left:
                    raise

    def _process(self) -> "_Process":
        """Return this thread's process."""
        if not hasattr(self._own, "process"):
            with self._lock:
                if self._is_shut:
                    raise RuntimeError("the pool was shut down")
                self._own.process = _Process()
                self._processes.append(self._own.process)
        process: _Process = self._own.process
        return process


class _Died(Exception):
    """A process ended before it answered."""


class _Elsewhere(Exception):
    """The traceback of another process, as the cause of what is raised in this one."""

    def __init__(self, text: str) -> None:
        super().__init__(f"in another process:\n{text}")


class _Process:
    """One process, and the pipe to it."""

    def __init__(self) -> None:
        spawn = get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def call(self, request: tuple[Any, ...]) -> Any:
        try:
            self._pipe.send(request)
            problem, value, records = self._pipe.recv()
        except (EOFError, OSError):
            raise _Died("its process was killed, perhaps for lack of memory") from None
        for record in records:
            log.handle(record)
        if problem:
            message, there = problem
            raise RuntimeError(message) from _Elsewhere(there)
        return value

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection) -> None:
    """Answer calls until the other end of the pipe is gone; what is logged goes there too."""
    # Before numpy is imported. One thread as in a worker: several fight over the cores, and round
    # otherwise.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the process that writes
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    log.addHandler(QueueHandler(records))
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, arguments, keywords = pipe.recv()
            problem = value = None
            try:
                value = function(*arguments, **keywords)
            except Exception as error:  # not every exception can be sent
                problem = f"{type(error).__name__}: {error}", traceback.format_exc()
            pipe.send((problem, value, [records.get() for _ in range(records.qsize())]))

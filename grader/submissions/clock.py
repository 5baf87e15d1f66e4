"""A clock for the grader's own work on what students hand in or answer."""

import ctypes
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # reading needs no torch
    from grader.checks.student import Send
    from grader.checks.values import Frame

GRACE_SECONDS = 1.0
"""So long may the grader work on beyond a limit, in processor time."""
STALLED = 10
"""So many times as long may it take on the wall: a busy machine is no student's fault."""
_TICK_SECONDS = 0.25
_WAIT_SECONDS = 0.00002

Result = TypeVar("Result")


class TimeUp(BaseException):
    """The grader's own work took too long. It is no `Exception`, which a check may catch."""


class Clock:
    """Stops what it runs, in whatever thread that is, `GRACE_SECONDS` after `end`.

    `end` is as `time.monotonic()` counts; it may be moved. Python code is stopped between two of
    its steps, so a call into a library runs to its end first.
    """

    def __init__(self, end: float) -> None:
        self.end = end
        self._last = max(end, time.monotonic()) + GRACE_SECONDS
        # No lock is shared with the thread that may be interrupted: it could be left locked.
        self._running = threading.Lock()
        self._is_over = False
        self._is_watched = False
        self._rang = False
        self._began = 0.0

    def run(self, function: Callable[[], Result]) -> Result:
        """Return what `function` returns.

        Raises
        ------
        TimeUp
            If it took too long, even if it came to its end. None is raised after this has returned.
        """
        thread = threading.get_ident()
        self._running.acquire()
        self._is_watched = True
        self._began = time.thread_time()
        threading.Thread(target=self._watch, args=(thread,), daemon=True).start()
        try:
            try:
                result = function()
            finally:
                self._stop(thread)
        except Exception:  # a library that is interrupted may fail in its own way
            if not self._rang:
                raise
        finally:
            self._stop(thread)  # the first may itself have been interrupted
        if self._rang:
            raise TimeUp
        return result

    def outside(self, work: "Send") -> "Send":
        """Return `work`, which has limits of its own or is trusted, so that its time is not taken.

        What follows it has the grace again, for it may be just what is left to do after a limit.
        """

        def untimed(frame: bytes) -> "Frame":
            self._last = math.inf
            try:
                return work(frame)
            finally:
                self._last = max(self.end, time.monotonic()) + GRACE_SECONDS

        return untimed

    def _watch(self, thread: int) -> None:
        while not self._running.acquire(timeout=_TICK_SECONDS):
            # Again and again, since some code catches everything.
            if not self._is_over and self._is_up(thread):
                self._rang = True
                _raise_in(thread, ctypes.py_object(TimeUp))
        self._is_watched = False

    def _is_up(self, thread: int) -> bool:
        late = time.monotonic() - self._last
        if late <= 0 or not hasattr(time, "pthread_getcpuclockid"):  # as on a Mac
            return late > 0
        worked = time.clock_gettime(time.pthread_getcpuclockid(thread)) - self._began
        return worked > GRACE_SECONDS or late > STALLED * GRACE_SECONDS

    def _stop(self, thread: int) -> None:
        # Any of these may be interrupted, and then all are done again.
        self._is_over = True
        if self._running.locked():
            self._running.release()
        while self._is_watched:
            time.sleep(_WAIT_SECONDS)
        if self._rang:
            _raise_in(thread, None)  # takes back what has not arrived yet


class Shares:
    """A share of the time for each student: nothing is begun after `GRACE_SECONDS` of work."""

    def __init__(self) -> None:
        self._used: dict[str, float] = {}

    def run(self, student: str, function: Callable[[], Result]) -> Result:
        """Return what `function` returns.

        Raises
        ------
        TimeUp
            If it took too long, or what came before it for this student did.
        """
        used = self._used.get(student, 0.0)
        if used > GRACE_SECONDS:
            raise TimeUp
        began = time.thread_time()
        try:
            return Clock(time.monotonic()).run(function)
        finally:
            self._used[student] = used + time.thread_time() - began


def _raise_in(thread: int, exception: "ctypes.py_object[type[TimeUp]] | None") -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), exception)

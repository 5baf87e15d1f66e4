"""A submission's cells in a worker: started, asked, and started again when they are lost."""

import json
import re
import select
import time
from dataclasses import dataclass

from grader.sandbox import START_SECONDS, Process, Sandbox
from grader.worker import ASK, CELL, LENGTH
from lmcourse.student import Lost
from lmcourse.values import MAX_BYTES

MAX_CELL_REPLY = 2**16
GONE = "the notebook's process ended, or closed its end of the line"


@dataclass(frozen=True)
class Cell:
    """A code cell of a notebook; `number` counts code cells from 1."""

    number: int
    source: str


@dataclass(frozen=True)
class CellProblem:
    """Why a cell did not run to its end, as a status and a sentence."""

    status: str
    message: str


class Session:
    """Runs `cells` in a worker and passes a check's questions on to it.

    A cell that stops the worker (an endless loop, say) is left out when the worker is started
    again, so that the others still count.
    """

    def __init__(self, cells: list[Cell], lesson: str, sandbox: Sandbox) -> None:
        self._cells = cells
        self._lesson = lesson
        self._sandbox = sandbox
        self._limits = sandbox.limits
        self._deadline = time.monotonic() + sandbox.limits.submission_seconds
        self._worker: _Worker | None = None
        self.problems: dict[int, CellProblem] = {}
        """What went wrong in which cell, by number."""

    def start(self) -> None:
        """Have a worker that has run the cells, a new one if there is none.

        Raises
        ------
        Lost
            If the submission's time is used up.
        """
        while self._worker is None:
            self._time_left()
            worker = _Worker(self._sandbox.start(self._lesson))
            try:
                self._run_cells(worker)
                self._worker = worker
            except _CellLost:
                worker.stop()
            except BaseException:
                worker.stop()
                raise

    def send(self, frame: bytes) -> bytes:
        """Return the worker's reply to a question.

        Raises
        ------
        Lost
            If there is none; the worker is stopped.
        """
        if self._worker is None:
            raise Lost("crashed", "the notebook's process is gone")
        try:
            seconds = min(self._limits.call_seconds, self._time_left())
            return self._worker.request(ASK + frame, seconds)
        except Lost:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the worker, and all that it started."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _run_cells(self, worker: "_Worker") -> None:
        worker.wait_until_ready()
        for cell in self._cells:
            if cell.number in self.problems and self.problems[cell.number].status != "error":
                continue
            body = json.dumps([cell.number, cell.source]).encode()
            try:
                seconds = min(self._limits.cell_seconds, self._time_left())
                problem = _cell_problem(worker.request(CELL + body, seconds), cell.number)
            except Lost as lost:
                message = f"cell {cell.number}: {lost}"
                self.problems[cell.number] = CellProblem(lost.status, message)
                raise _CellLost from None
            if problem:
                self.problems[cell.number] = problem

    def _time_left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            limit = self._limits.submission_seconds
            raise Lost("timeout", f"the notebook's {limit:g} s for grading are used up")
        return left


class _CellLost(Exception):
    """A cell took the worker with it."""


class _Worker:
    """One worker process, and the frames to and from it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        process.socket.setblocking(False)

    def wait_until_ready(self) -> None:
        try:
            self._read(time.monotonic() + START_SECONDS)
        except (Lost, TimeoutError) as problem:
            raise RuntimeError(
                "the grader's own worker did not start "
                f"({problem or f'not within {START_SECONDS:g} s'})"
            ) from None

    def request(self, frame: bytes, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        try:
            self._write(LENGTH.pack(len(frame)) + frame, deadline)
            return self._read(deadline)
        except TimeoutError:
            raise Lost("timeout", f"it took longer than {seconds:.0f} s") from None

    def stop(self) -> None:
        self._process.end()

    def _write(self, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            self._wait(select.POLLOUT, deadline)
            try:
                rest = rest[self._process.socket.send(rest) :]
            except OSError:
                raise Lost("crashed", GONE) from None

    def _read(self, deadline: float) -> bytes:
        (size,) = LENGTH.unpack(self._read_exactly(LENGTH.size, deadline))
        if size > MAX_BYTES:
            raise Lost("crashed", "the notebook's process sent a reply that is too large")
        return self._read_exactly(size, deadline)

    def _read_exactly(self, size: int, deadline: float) -> bytes:
        parts = []
        while size:
            self._wait(select.POLLIN, deadline)
            try:
                part = self._process.socket.recv(min(size, 2**20))
            except OSError:
                part = b""
            if not part:
                raise Lost("crashed", GONE)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _wait(self, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(self._process.socket, event)
        if not poll.poll(1000 * max(0.0, deadline - time.monotonic())):
            raise TimeoutError


def _cell_problem(reply: bytes, number: int) -> CellProblem | None:
    """Read a cell's reply, which is as untrusted as any other."""
    try:
        if len(reply) > MAX_CELL_REPLY:
            raise ValueError("too long")
        raised = json.loads(reply)
        if raised is None:
            return None
        kind, message, line = (str(raised[key])[:500] for key in ("kind", "message", "line"))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Lost("crashed", "the notebook's process sent a reply that is none") from None
    status = "out_of_memory" if kind == "MemoryError" else "error"
    where = line or f"cell {number}"
    return CellProblem(status, re.sub(r"\s+", " ", f"{where}: {kind}: {message}"))

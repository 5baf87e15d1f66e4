"""A submission's cells in a worker: started, asked, and started again when they are lost."""

import json
import re
import select
import time
from collections.abc import Mapping
from dataclasses import dataclass

from grader.checks.registry import Exercise
from grader.checks.student import Lost
from grader.checks.values import MAX_BYTES, Frame
from grader.sandbox.bubblewrap import MAX_STDERR, START_SECONDS, Process, Sandbox
from grader.sandbox.worker import ASK, CELL, LENGTH
from grader.submissions.cells import Cell

MAX_CELL_REPLY = 2**16
GONE = "the notebook's process ended, or closed its end of the line"
USED_UP = "the notebook's process and its files took more memory than there is for them"

_Deadline = tuple[float, str]
"""When something must be done, and why it was lost if it was not."""


@dataclass(frozen=True)
class CellProblem:
    """Why a cell did not run to its end, as a status and a sentence."""

    status: str
    message: str


class Session:
    """Runs `cells` in a worker and passes the questions of the `exercises`' checks on to it.

    A cell that stops the worker (an endless loop, say) is left out when the worker is started
    again, so that the others still count.
    """

    def __init__(
        self, cells: list[Cell], exercises: Mapping[str, Exercise], sandbox: Sandbox
    ) -> None:
        self.cells = cells
        """What the worker has run."""
        self._lesson = next(iter(exercises.values())).lesson
        self._sandbox = sandbox
        own = (exercise.limits for exercise in exercises.values())
        self._for_all = self._limits = sandbox.limits.for_submission(own)
        self._end = _within(
            self._limits.submission_seconds, "the notebook's {:g} s for grading are used up"
        )
        self._end_of_exercise = self._end
        self._worker: _Worker | None = None
        self.problems: dict[int, CellProblem] = {}
        """What went wrong in which cell, by number."""
        self._stderr = ""

    @property
    def stderr(self) -> str:
        """The last of what the workers wrote to stderr: untrusted words, and bounded."""
        now = self._worker.stderr if self._worker is not None else ""
        return (self._stderr + now)[-MAX_STDERR:]

    def start(self, own: Mapping[str, float] = {}) -> float:
        """Have a worker that has run the cells, and begin an exercise with `own` limits.

        The worker is a new one if there is none, or if the exercise may use more or less memory
        than the one before. The exercise's time begins once it is there.

        Returns
        -------
        When that time ends, as `time.monotonic()` counts.

        Raises
        ------
        Lost
            If the submission's time is used up.
        """
        limits = self._for_all.for_exercise(own)
        if limits.memory_mb != self._limits.memory_mb:
            self.stop()
            # Whatever else went wrong may not with another memory.
            self.problems = {n: p for n, p in self.problems.items() if p.status == "timeout"}
        self._limits = limits
        while self._worker is None:
            end, reason = self._end
            if time.monotonic() >= end:
                raise Lost("timeout", reason)
            self._worker = _Worker(self._sandbox.start(self._lesson, limits))
            try:
                self._run_cells(self._worker)
            except _CellLost:
                self.stop()
            except BaseException:
                self.stop()
                raise
        self._end_of_exercise = _within(
            limits.exercise_seconds, "the whole exercise took longer than {:g} s"
        )
        return min(self._end_of_exercise, self._end)[0]

    def send(self, frame: bytes) -> Frame:
        """Return the worker's reply to a question.

        Raises
        ------
        Lost
            If there is none; the worker is stopped.
        """
        if self._worker is None:
            raise Lost("crashed", "the notebook's process is gone")
        try:
            call = _within(self._limits.call_seconds)
            return self._worker.request(ASK + frame, min(call, self._end_of_exercise, self._end))
        except Lost:
            self.stop()
            raise

    def processor_seconds(self) -> float:
        """Return how much processor time the worker has taken so far, as the kernel counts it.

        Raises
        ------
        Lost
            If the worker is gone.
        """
        try:
            if self._worker is None:
                raise ProcessLookupError
            return self._worker.processor_seconds
        except OSError:
            raise Lost("crashed", GONE) from None

    def stop(self) -> None:
        """Stop the worker, and all that it started."""
        if self._worker is not None:
            self._worker.stop()
            self._stderr = (self._stderr + self._worker.stderr)[-MAX_STDERR:]
            self._worker = None

    def _run_cells(self, worker: "_Worker") -> None:
        worker.wait_until_ready()
        for cell in self.cells:
            if cell.number in self.problems and self.problems[cell.number].status != "error":
                continue
            body = json.dumps([cell.number, cell.source]).encode()
            try:
                deadline = min(_within(self._limits.cell_seconds), self._end)
                problem = _cell_problem(worker.request(CELL + body, deadline), cell.number)
            except Lost as lost:
                message = f"cell {cell.number}: {lost}"
                self.problems[cell.number] = CellProblem(lost.status, message)
                raise _CellLost from None
            if problem:
                self.problems[cell.number] = problem


def _within(seconds: float, reason: str = "it took longer than {:g} s") -> _Deadline:
    return time.monotonic() + seconds, reason.format(seconds)


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
            self._process.stderr.read()
            raise RuntimeError(
                "the grader's own worker did not start "
                f"({problem or f'not within {START_SECONDS:g} s'})\n{self.stderr}".rstrip()
            ) from None

    def request(self, frame: bytes, deadline: _Deadline) -> Frame:
        end, reason = deadline
        try:
            self._write(LENGTH.pack(len(frame)) + frame, end)
            return self._read(end)
        except TimeoutError:
            raise Lost("timeout", reason) from None

    @property
    def stderr(self) -> str:
        return self._process.stderr.text

    @property
    def processor_seconds(self) -> float:
        return self._process.processor_seconds

    def stop(self) -> None:
        self._process.end()

    def _write(self, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._process.socket.send(rest) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline)
            except OSError:
                raise self._lost() from None

    def _read(self, deadline: float) -> Frame:
        self._wait(select.POLLIN, deadline)  # what comes, mostly comes all at once
        (size,) = LENGTH.unpack(self._read_exactly(LENGTH.size, deadline))
        if size > MAX_BYTES:
            raise Lost("crashed", "the notebook's process sent a reply that is too large")
        return self._read_exactly(size, deadline)

    def _read_exactly(self, size: int, deadline: float) -> Frame:
        data = bytearray(size)  # an answer is large enough to be kept once
        rest = memoryview(data)
        while rest:
            if time.monotonic() >= deadline:  # there may always be one byte more to read
                raise TimeoutError
            try:
                count = self._process.socket.recv_into(rest)
            except BlockingIOError:
                self._wait(select.POLLIN, deadline)
                continue
            except OSError:
                count = 0
            if not count:
                raise self._lost()
            rest = rest[count:]
        return data

    def _lost(self) -> Lost:
        """Return why there is nobody at the other end."""
        if self._process.is_out_of_memory:
            return Lost("out_of_memory", USED_UP)
        return Lost("crashed", GONE)

    def _wait(self, event: int, deadline: float) -> None:
        """Wait for `event` on the socket, and take what comes on stderr meanwhile."""
        line, stderr = self._process.socket.fileno(), self._process.stderr
        while True:
            poll = select.poll()
            poll.register(line, event)
            if stderr.descriptor is not None:
                poll.register(stderr.descriptor, select.POLLIN)
            left = deadline - time.monotonic()
            ready = poll.poll(1000 * left) if left > 0 else []
            if not ready:
                raise TimeoutError
            if any(descriptor == line for descriptor, _ in ready):
                return
            stderr.read()


def _cell_problem(reply: Frame, number: int) -> CellProblem | None:
    """Read a cell's reply, which is as untrusted as any other."""
    try:
        if len(reply) > MAX_CELL_REPLY:
            raise ValueError("too long")
        raised = json.loads(reply)
        if raised is None:
            return None
        kind, message, line = (str(raised[key])[:500] for key in ("kind", "message", "line"))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Lost("crashed", "the notebook's process sent an invalid reply") from None
    status = "out_of_memory" if kind == "MemoryError" else "error"
    where = line or f"cell {number}"
    return CellProblem(status, re.sub(r"\s+", " ", f"{where}: {kind}: {message}"))

"""A script, run by bash until it ends, or is ended: at a time limit, or by a person."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

MOST = 64 * 2**20
"""Bytes that one script may write to its log."""
MINUTE = 60.0
"""Seconds in a minute; tests have shorter ones."""
CHUNK = 2**14
"""Bytes that are read between two looks: what writes fast must not keep us from ending it."""
GRACE = 5.0
"""Seconds between the request to end and the end."""
LOOK = 0.02
"""Seconds between two looks at what a script has written."""


@dataclass(frozen=True)
class Ended:
    """How a script ended, with its exit status, and after how many seconds."""

    status: int
    seconds: float
    by: Literal["itself", "time limit", "person", "too much output"]


def run(
    script: Path,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None],
    minutes: float = 0.0,
) -> tuple[Ended, int]:
    """Run the file `script` in `folder`; return how it ended, and its process group.

    What it writes goes to the file `log`, and line by line to `on_line`. After `minutes` (0: never)
    and on Ctrl-C the whole group is asked to end, and after `GRACE` seconds it is ended. Processes
    that it leaves in the background go on, as Azure's agent has it: `end` them with the job.
    """
    begun = time.monotonic()
    by: Literal["itself", "time limit", "person", "too much output"] = "itself"
    with log.open("wb") as writing, log.open("rb") as reading:
        # A file and no pipe: what goes on in the background must neither block us nor be cut off.
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", str(script)],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, which Ctrl-C does not reach by itself
        )
        lines = _Lines(reading, on_line)
        try:
            while process.poll() is None:
                came = lines.read()
                if minutes and time.monotonic() - begun > minutes * MINUTE:
                    by = "time limit"
                elif os.fstat(writing.fileno()).st_size > MOST:
                    by = "too much output"
                if by != "itself":
                    break
                time.sleep(0 if came else LOOK)
        except KeyboardInterrupt:
            by = "person"
        finally:
            if process.poll() is None:
                end(process.pid, process.poll)
            status = process.wait()
        if by != "too much output":
            lines.close()
    return Ended(status, time.monotonic() - begun, by), process.pid


def end(group: int, reap: Callable[[], object] = lambda: None) -> None:
    """End a process group: ask it to, and after `GRACE` seconds do not ask.

    `reap` is called while it is waited for, so that a child that has ended is gone.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
        late = time.monotonic() + GRACE
        while time.monotonic() < late:
            reap()
            os.killpg(group, 0)  # raises once nobody is left
            time.sleep(LOOK)
        os.killpg(group, signal.SIGKILL)


class _Lines:
    """The whole lines of a file that grows, each handed on once."""

    def __init__(self, stream: BinaryIO, on_line: Callable[[str], None]):
        self._stream = stream
        self._on_line = on_line
        self._rest = b""

    def read(self) -> bool:
        """Hand on what has come, but not more than `CHUNK`; return whether anything has."""
        part = self._stream.read(CHUNK)
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            self._on_line(line.decode("utf-8", "replace").rstrip("\r"))
        return bool(part)

    def close(self) -> None:
        """Hand on what is left."""
        while self.read():
            pass
        if self._rest:
            self._on_line(self._rest.decode("utf-8", "replace"))

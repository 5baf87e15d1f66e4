"""Replicas: processes of `lmops serve` that go on when whoever started them ends.

Each has a folder. A replica holds the lock on a file there for as long as it lives, whatever it
dies of: so whoever looks later, after a kill or in another process, knows which ones are alive, and
neither loses one nor starts one twice.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lmops.home import Home

START_SECONDS = 120.0
"""How long a replica may take until it listens; it imports torch."""
STOP_SECONDS = 45.0
"""How long a replica may take to end: `lmops serve` drains for 30 s at most."""

# A child of nobody who is still there, in a session of its own. It inherits the file of its lock.
_START = '"$@" >"$FOLDER/out" 2>"$FOLDER/err" </dev/null & echo $! >"$FOLDER/pid"'


class NoReplica(Exception):
    """A replica of `colour` does not start; says why."""

    def __init__(self, colour: str, why: str) -> None:
        super().__init__(why)
        self.colour = colour


@dataclass(frozen=True)
class Replica:
    """A process of `lmops serve`, or the folder of one that was."""

    colour: str
    slot: int
    folder: Path

    @property
    def alive(self) -> bool:
        """Return whether the process lives."""
        with contextlib.ExitStack() as stack:
            try:
                lock = stack.enter_context((self.folder / "lock").open())
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except FileNotFoundError:
                return False
            except BlockingIOError:
                return True
        return False

    @property
    def version(self) -> str:
        """The version that it serves."""
        return (self.folder / "version").read_text("utf-8")

    @property
    def port(self) -> int | None:
        """Where it listens; None if it does not yet."""
        try:
            url: str = json.loads((self.folder / "out").read_text("utf-8"))["url"]
        except (OSError, ValueError):
            return None
        return urlsplit(url).port

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def send(self, sign: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if self.alive:
            os.kill(int((self.folder / "pid").read_text("ascii")), sign)


class Fleet:
    """The replicas in `folder`, which serve versions that `home` keeps."""

    def __init__(self, home: Home, folder: Path) -> None:
        self._home = home
        self._folder = folder

    def replicas(self) -> list[Replica]:
        """Return those that live, by colour and slot."""
        folders = self._folder.glob("*-*") if self._folder.is_dir() else ()
        all_ = [
            Replica((parts := each.name.split("-"))[0], int(parts[1]), each) for each in folders
        ]
        return sorted((each for each in all_ if each.alive), key=lambda one: (one.colour, one.slot))

    def start(self, colour: str, slot: int, version: str, options: Sequence[str]) -> Replica:
        """Start a replica in an empty slot; `options` go to `lmops serve`. Does not wait for it."""
        folder = self._folder / f"{colour}-{slot}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # held by nobody, or a moment by who looks
            for name in ("out", "err", "pid"):
                (folder / name).unlink(missing_ok=True)
            (folder / "version").write_text(version, "utf-8")
            home = self._home.folder.resolve()
            serve = [sys.executable, "-m", "lmops.cli", "serve", str(home / "models" / version)]
            serve += ["--home", str(home), "--port", "0", "--json", *options]
            subprocess.run(
                ["sh", "-c", _START, "lmops", *serve],
                env={**os.environ, "FOLDER": str(folder.resolve())},
                pass_fds=[lock.fileno()],
                start_new_session=True,
                check=True,
            )
        return Replica(colour, slot, folder)

    def wait(self, replica: Replica) -> int:
        """Return the port of a replica, once it listens.

        Raises
        ------
        NoReplica
            If it ends before, or takes too long.
        """
        end = time.monotonic() + START_SECONDS
        while True:
            alive, port = replica.alive, replica.port
            if not alive:
                why = (replica.folder / "err").read_text("utf-8", "replace").strip()
                raise NoReplica(
                    replica.colour, f"a replica of {replica.version} ended at once: {why[-400:]}"
                )
            if port is not None:
                return port
            if time.monotonic() > end:
                raise NoReplica(
                    replica.colour,
                    f"a replica of {replica.version} does not listen after {START_SECONDS:.0f} s",
                )
            time.sleep(0.05)

    def stop(self, replicas: Sequence[Replica]) -> None:
        """End replicas: each answers what it has begun. Who takes too long is killed."""
        for each in replicas:
            each.send(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while any(each.alive for each in replicas):
            if time.monotonic() > end:
                for each in replicas:
                    each.send(signal.SIGKILL)
            time.sleep(0.05)

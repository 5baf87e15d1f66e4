"""Where the users ask: production, with HAProxy before its replicas; or else a service alone."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from lmops.release.fleet import Fleet
from lmops.release.proxy import NoProxy, find
from lmops.ship.day import Day, Over, Typed

FREE = ("--", "--rate", "1e6", "--burst", "1000000")
"""Limits for `lmops serve`, which a day's load in minutes must not meet."""
QUICK = ("--shares", "25,50", "--each", "60", "--minutes", "5")


def missing() -> str | None:
    """Return what is to be typed where HAProxy is not installed."""
    try:
        find()
    except NoProxy as error:
        return str(error)
    return None


class Front(Protocol):
    """Where the users ask, at `port`."""

    port: int

    def release(self, version: str) -> None:
        """Bring a version to everybody at once."""

    def urls(self) -> list[str]:
        """Return where the replicas listen."""

    def kill(self) -> None:
        """Kill all replicas, as a machine does that loses power."""

    def mend(self, version: str) -> None:
        """Start again what should be live."""

    def stop(self) -> None:
        """End all of it."""


class Alone:
    """One `lmops serve`, without HAProxy: a release ends it and starts it anew."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def release(self, version: str) -> None:
        """Promote a version and serve it."""
        self._day.do("promote", version, "--by", "bob")
        self.mend(version)

    def mend(self, version: str) -> None:
        """Serve a version, in the place of what is served."""
        self.stop()
        bundle = str(self._day.home.models / version)
        serve = ["serve", bundle, "--port", str(self.port), *FREE[1:]]
        self._day.commands.append(f"lmops {' '.join(serve)}".replace(f"{self._day.folder}/", ""))
        home = ["--home", str(self._day.home.folder), "--json"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lmops.cli", *serve, *home],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Over(f"the service of {version} ended at once")
        self.port = int(json.loads(line)["url"].rpartition(":")[2])

    def urls(self) -> list[str]:
        """Return where it listens."""
        return [f"http://127.0.0.1:{self.port}"]

    def kill(self) -> None:
        """Kill it."""
        if self._process:
            self._process.kill()

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            self._process = None


class Behind:
    """Production behind HAProxy."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._fleet = Fleet(day.home, day.home.environments / "production")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def release(self, version: str) -> None:
        """Bring a version to everybody at once; the first one starts HAProxy."""
        rollout = ["rollout", version, "--to", "production", "--strategy", "blue-green"]
        self._day.do(*rollout, "--port", self.port, "--by", "carl", *FREE)

    def canary(self, version: str) -> Typed:
        """Bring a version to a few users first; it may come back."""
        own = self._day.using("14")
        rollout = ["rollout", version, "--to", "production", "--by", "carl", *QUICK, *own]
        return self._day.ask(*rollout)

    def urls(self) -> list[str]:
        """Return where the replicas listen."""
        return [each.url for each in self._fleet.replicas() if each.port]

    def kill(self) -> None:
        """Kill all replicas, as a machine does that loses power."""
        for each in self._fleet.replicas():
            each.send(signal.SIGKILL)

    def mend(self, version: str) -> None:
        """Type the rollout of what should be live again, which starts what is not."""
        rollout = ["rollout", version, "--to", "production", "--by", "carl"]
        self._day.do(*rollout)

    def stop(self) -> None:
        """End HAProxy and the replicas."""
        if Path(self._day.home.ledger).exists():
            self._day.ask("stop", "production")

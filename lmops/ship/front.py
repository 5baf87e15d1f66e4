"""Where the users ask: production, with HAProxy before its replicas."""

import signal
import socket
from pathlib import Path

from lmops.release.fleet import Fleet
from lmops.release.proxy import NoProxy, find
from lmops.ship.day import Day, Typed

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


class Front:
    """Production, at `port`."""

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

"""What really runs in an environment, and how it is made what it should be.

`Site.make` may be called again at any time: it looks at what is there, and does what is missing. So
it does not matter what died, or where the one before was killed.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lmops.home import Home
from lmops.release.fleet import STOP_SECONDS, Fleet, Replica
from lmops.release.journal import OTHER, Environment
from lmops.release.proxy import WHOLE, Count, NoProxy, Proxy, Split

UP_SECONDS = 60.0
"""How long HAProxy may take to find a replica well that says it is."""


class Site:
    """The replicas and HAProxy of the environment `name`."""

    def __init__(self, home: Home, name: str) -> None:
        self.folder = home.environments / name
        self.proxy = Proxy(self.folder)
        self.fleet = Fleet(home, self.folder)

    @contextmanager
    def alone(self, wait: bool = True) -> Iterator[bool]:
        """Keep others from working on it, also in other processes. Give whether that worked out.

        If somebody does already, wait for them, unless `wait` is false.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "controller.lock").open("w") as lock:  # freed also by kill -9
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True

    def make(self, wanted: Environment) -> None:
        """Have all run that should, users get what they should, and then nothing else run.

        What is ended gets no new request any more, and answers first what it has begun.

        Raises
        ------
        NoReplica, NoProxy
            If a replica or HAProxy does not start, or does not do what it is told.
        """
        if wanted.versions:
            self._begin(wanted)
        self._end(
            [
                each
                for each in self.fleet.replicas()
                if each.colour not in wanted.versions or each.slot > wanted.replicas
            ]
        )

    def _begin(self, wanted: Environment) -> None:
        split = _split(wanted)
        if not self.proxy.running():
            self.proxy.start(wanted.bind, split)
        living = {(each.colour, each.slot): each for each in self.fleet.replicas()}
        replicas: list[Replica] = []
        for colour, version in wanted.versions.items():
            for slot in range(1, wanted.replicas + 1):
                there = living.get((colour, slot))
                if there is not None and there.version != version:
                    self._end([there])
                    there = None
                replicas.append(there or self.fleet.start(colour, slot, version, wanted.options))
        for each in replicas:
            port = self.fleet.wait(each)
            server = self.proxy.servers().get((each.colour, each.slot))
            if server is None or server.address != f"127.0.0.1:{port}" or not server.up:
                self.proxy.use(each.colour, each.slot, port)
        self._wait_up(replicas)
        if self.proxy.split() != split:
            self.proxy.set_split(split)

    def stop(self) -> None:
        """End all of it."""
        if self.proxy.running():
            self.proxy.stop()
        self.fleet.stop(self.fleet.replicas())

    def queue(self, colour: str) -> int:
        """Return how many requests a colour has, those that wait included."""
        return sum(
            server.under_way + server.waiting
            for (each, _), server in self.proxy.servers().items()
            if each == colour
        )

    def counts(self) -> dict[str, Count]:
        """Return what HAProxy counted for each colour."""
        return self.proxy.counts()

    def _end(self, replicas: list[Replica]) -> None:
        if replicas and self.proxy.running():
            for each in replicas:
                self.proxy.drain(each.colour, each.slot)
            end = time.monotonic() + STOP_SECONDS
            while time.monotonic() < end and any(
                server.under_way + server.waiting
                for place, server in self.proxy.servers().items()
                if place in {(each.colour, each.slot) for each in replicas}
            ):
                time.sleep(0.05)
            for each in replicas:
                self.proxy.forget(each.colour, each.slot)
        self.fleet.stop(replicas)

    def _wait_up(self, replicas: list[Replica]) -> None:
        end = time.monotonic() + UP_SECONDS
        places = {(each.colour, each.slot) for each in replicas}
        while True:
            servers = self.proxy.servers()
            down = [place for place in places if place not in servers or not servers[place].up]
            if not down:
                return
            if time.monotonic() > end:
                names = ", ".join(f"{colour}{slot}" for colour, slot in sorted(down))
                raise NoProxy(
                    f"HAProxy finds {names} not well after {UP_SECONDS:.0f} s: ask its /readyz, "
                    f"and see {self.folder}/COLOUR-SLOT/err"
                )
            time.sleep(0.05)


def _split(wanted: Environment) -> Split:
    """Return which users get what."""
    rollout = wanted.rollout
    live = wanted.live or (rollout.colour if rollout else "blue")
    if rollout is None or wanted.live is None or rollout.colour == wanted.live:
        return Split(live, OTHER[live], 0, "none")
    share = min(WHOLE, 0 if rollout.outcome else rollout.share)
    return Split(live, rollout.colour, share, rollout.salt)

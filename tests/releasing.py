"""What the tests of releases share: versions that may come, and clients who keep asking."""

import http.client
import json
import socket
import threading
from pathlib import Path

from serving import PROMPT, small_bundle

from lmops import bundle as bundles
from lmops import store
from lmops.home import Home
from lmops.ledger import Ledger

CLIENTS = 32


def versions(home: Home, folder: Path) -> tuple[str, str, str]:
    """Register three versions: one, another that is as good, and one that is far worse."""
    ledger = Ledger(home.ledger)
    one = small_bundle(folder / "one")
    made = [one]
    for name, factor in (("good", 1.0001), ("bad", 4.0)):
        weights = {key: value * factor for key, value in one.weights.items()}
        made.append(
            bundles.write(
                folder / name,
                weights=weights,
                config=one.config,
                characters=one.characters,
                metrics=one.metrics,
                source=(one.folder / "model.py").read_text("utf-8"),
            )
        )
    for each in made:
        store.keep(each, home.models)
        ledger.append("gate", each.version, "lmops", passed=True, reasons=[])
        ledger.append("register", each.version, "ann", lineage={})
        ledger.append("approve", each.version, "bob")
    return made[0].version, made[1].version, made[2].version


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Clients:
    """Clients, each on one connection that it keeps, who ask until it is enough.

    Each of them is one user, or if `users` is given, asks for all of them in turn.
    """

    def __init__(self, port: int, key: str, clients: int = CLIENTS, users: int = 0) -> None:
        self._clients = clients
        self._users = users
        self.failed: list[str] = []
        self.versions: dict[str, int] = {}
        self.connections = 0
        self._port = port
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._enough = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> "Clients":
        self._threads = [threading.Thread(target=self._ask, args=[i]) for i in range(self._clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        line.connect()
        mine = line.sock
        with self._lock:
            self.connections += 1
        asked = number
        body = json.dumps({"model": "lm", "prompt": PROMPT, "max_tokens": 4})
        while not self._enough.is_set():
            asked += self._clients
            user = asked % self._users if self._users else number
            headers = {**self._headers, "x-user": f"user-{user}"}
            try:
                line.request("POST", "/v1/completions", body, headers)
                answer = line.getresponse()
                told = answer.read()
                if answer.status != 200:
                    self.failed.append(f"{answer.status}: {told!r:.200}")
                with self._lock:
                    version = answer.headers["x-model-version"]
                    self.versions[version] = self.versions.get(version, 0) + 1
                    self.connections += line.sock is not mine
            except Exception as error:  # whatever it is, the request failed
                self.failed.append(repr(error))
                return
        line.close()

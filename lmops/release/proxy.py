"""HAProxy before the replicas: its process, and its runtime API, a Unix socket.

What it does with a request is in `haproxy.cfg`, which never changes. All that changes is told
through the socket: where servers are, which take nothing new, and which share of the users gets
which colour. So nothing is reloaded, and no connection is dropped. Users are split by a map and not
by the servers' weights, which split requests: half of somebody's would go to either version.
"""

import csv
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = Path(__file__).with_name("haproxy.cfg")
SOCKET = "haproxy.sock"
COLOURS = ("blue", "green")
SLOTS = 8
"""How many servers each colour has room for in `haproxy.cfg`."""
WHOLE = 1000
"""What a share of users is counted in."""
SECONDS = 10.0
"""How long HAProxy may take to start, or to answer at its socket."""


class NoProxy(Exception):
    """HAProxy is not there, or does not do what it is told; says what to type."""


@dataclass(frozen=True)
class Split:
    """Who gets what: `share` of 1000 users get the colour `next`, the others the colour `live`.

    A user's place among the 1000 depends on `salt` and on who they are. So whoever is in with a
    share of 50 is in with 100 as well, and another salt draws other users.
    """

    live: str
    next: str
    share: int
    salt: str


@dataclass(frozen=True)
class Server:
    """A server as HAProxy sees it."""

    address: str
    up: bool
    under_way: int
    """Requests that it is answering."""
    waiting: int
    """Requests that wait for it."""


@dataclass(frozen=True)
class Count:
    """Answers of one colour since HAProxy started."""

    requests: int
    errors: int
    """Those with a code of 500 or above, HAProxy's own among them."""


class Proxy:
    """HAProxy in `folder`, where its socket is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # --- Its process -----------------------------------------------------------------------------

    def start(self, bind: str, split: Split) -> None:
        """Start it in the background, listening at `bind` (`ADDRESS:PORT`), and wait for it.

        Raises
        ------
        NoProxy
            If it is not installed, or does not start.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, lines in (
            ("split.map", (f"live {split.live}", f"next {split.next}", f"salt {split.salt}")),
            ("share.map", (f"next {split.share}",)),
        ):
            (self.folder / name).write_text("".join(f"{line}\n" for line in lines), "ascii")
        arguments = [find(), "-C", str(self.folder), "-f", str(CONFIGURATION)]
        environment = {**os.environ, "LMOPS_BIND": bind}
        run = subprocess.run(
            [*arguments, "-D"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            alerts = [line for line in run.stderr.splitlines() if "ALERT" in line]
            why = "\n".join(alerts or run.stderr.splitlines())
            raise NoProxy(
                f"HAProxy does not start at {bind}:\n{why}\n"
                "If the port is taken, end what has it, or take another: --port N"
            )
        end = time.monotonic() + SECONDS
        while not self.running():
            if time.monotonic() > end:
                raise NoProxy(f"HAProxy started, and does not answer at {self.folder / SOCKET}")
            time.sleep(0.02)

    def running(self) -> bool:
        """Return whether it answers at its socket."""
        try:
            self.tell("show info")
        except NoProxy:
            return False
        return True

    def stop(self) -> None:
        """Have it end: it takes no new connection, and goes on with what is under way alone."""
        lines = self.tell("show info").splitlines()
        (pid,) = (int(line.split()[1]) for line in lines if line.startswith("Pid: "))
        os.kill(pid, signal.SIGUSR1)
        end = time.monotonic() + SECONDS
        while self.running() and time.monotonic() < end:
            time.sleep(0.02)

    # --- Its runtime API -------------------------------------------------------------------------

    def tell(self, command: str) -> str:
        """Send a command to its socket, and return the answer.

        Raises
        ------
        NoProxy
            If nobody answers there.
        """
        path = self.folder / SOCKET
        folder = None
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(SECONDS)
                name = str(path.resolve())
                if len(name.encode()) > 100:  # longer than a socket's address may be
                    folder = os.open(self.folder, os.O_RDONLY)
                    name = f"/proc/self/fd/{folder}/{SOCKET}"
                line.connect(name)
                line.sendall(f"{command}\n".encode())
                answer = b""
                while piece := line.recv(65536):
                    answer += piece
        except OSError as error:
            raise NoProxy(
                f"HAProxy does not answer at {path}: {error.strerror or error}. If it ended, type "
                "again what you typed: that starts it and goes on. If it runs and its socket is "
                f"gone, end it first; it is the process 'haproxy -C {self.folder}'"
            ) from None
        finally:
            if folder is not None:
                os.close(folder)
        return answer.decode("utf-8", "replace").strip()

    def _do(self, command: str, *expected: str) -> None:
        """Send a command that answers nothing if it is done, or one of these."""
        answer = self.tell(command)
        if answer and not any(words in answer for words in expected):
            raise NoProxy(f"HAProxy refuses '{command}': {answer}")

    def split(self) -> Split:
        """Return who gets what now."""
        told = {}
        for name in ("split.map", "share.map"):
            for line in self.tell(f"show map {name}").splitlines():
                _, key, value = line.split(maxsplit=2)
                told[name, key] = value
        words = (told["split.map", key] for key in ("live", "next", "salt"))
        live, next_, salt = words
        return Split(live, next_, int(told["share.map", "next"]), salt)

    def set_split(self, split: Split) -> None:
        """Have users get what `split` says, from their next request on.

        Each line of it is set by itself. In between, nobody gets a colour that is neither what they
        had nor what they are to have.
        """
        now = self.split()
        if (now.live, now.next, now.salt) != (split.live, split.next, split.salt):
            if now.live != split.live:
                self._set("split.map", "next", split.live)
                self._set("share.map", "next", str(WHOLE))
                self._set("split.map", "live", split.live)
            self._set("share.map", "next", "0")
            self._set("split.map", "salt", split.salt)
            self._set("split.map", "next", split.next)
        self._set("share.map", "next", str(split.share))

    def _set(self, name: str, key: str, value: str) -> None:
        self._do(f"set map {name} {key} {value}")

    def servers(self) -> dict[tuple[str, int], Server]:
        """Return the servers that are no empty slots, by colour and slot (from 1)."""
        found = {}
        for row in self._table():
            colour, name = row["# pxname"], row["svname"]
            if colour in COLOURS and name.startswith(colour) and row["status"] != "MAINT":
                found[colour, int(name.removeprefix(colour))] = Server(
                    row["addr"],
                    row["status"].startswith("UP"),
                    int(row["scur"]),
                    int(row["qcur"]),
                )
        return found

    def counts(self) -> dict[str, Count]:
        """Return for each colour what was answered since HAProxy started."""
        found = {}
        for row in self._table():
            if row["svname"] == "BACKEND" and row["# pxname"] in COLOURS:
                codes = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other")
                requests = sum(int(row[code]) for code in codes)
                found[row["# pxname"]] = Count(requests, int(row["hrsp_5xx"]))
        return found

    def _table(self) -> list[dict[str, str]]:
        return list(csv.DictReader(self.tell("show stat").splitlines()))

    def use(self, colour: str, slot: int, port: int) -> None:
        """Have the server in a slot, which listens on this machine, get requests.

        Its health is asked from now on: if it says no, it gets none.
        """
        self._do(
            f"set server {colour}/{colour}{slot} addr 127.0.0.1 port {port}",
            "changed",
            "no need to change",
        )
        self._do(f"set server {colour}/{colour}{slot} state ready")

    def drain(self, colour: str, slot: int) -> None:
        """Send a server nothing new; what it is answering goes on."""
        self._do(f"set server {colour}/{colour}{slot} state drain")

    def forget(self, colour: str, slot: int) -> None:
        """Empty a slot."""
        self._do(f"set server {colour}/{colour}{slot} state maint")


def find() -> str:
    """Return where HAProxy is; raise `NoProxy` if it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    if found := shutil.which("haproxy", path=path):
        return found
    raise NoProxy("HAProxy is not installed. Type: sudo apt-get install haproxy")

"""HAProxy and its runtime API: who gets which colour, drain, switches under load."""

import http.client
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from course import ROOT
from releasing import CLIENTS, Clients, free_port
from serving import serving, small_bundle, wait_until

from lmops.release import proxy as proxies
from lmops.release.proxy import CONFIGURATION, WHOLE, NoProxy, Proxy, Split, find

START = Split("blue", "green", 0, "none")


# --- Without it ----------------------------------------------------------------------------------


def test_where_it_is_missing_it_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    with pytest.raises(NoProxy, match=r"not installed. Type: sudo apt-get install haproxy"):
        Proxy(tmp_path).start("127.0.0.1:1", START)


def test_where_its_socket_is_gone_it_says_what_to_type(tmp_path: Path) -> None:
    assert not Proxy(tmp_path).running()
    with pytest.raises(
        NoProxy, match=r"does not answer at .*haproxy\.sock: No such file.*type again"
    ):
        Proxy(tmp_path).split()


def test_the_deployed_configuration_is_this_one() -> None:
    deployed = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
    assert deployed.read_bytes() == CONFIGURATION.read_bytes()


# --- With it -------------------------------------------------------------------------------------


class Stub(BaseHTTPRequestHandler):
    """Says which colour it is, after as many seconds as the path names."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet, for which nobody waits
    colour: str
    well = True

    def do_GET(self) -> None:
        if self.path.startswith("/wait/"):
            time.sleep(float(self.path.removeprefix("/wait/")))
        code = 200 if self.well or self.path != "/readyz" else 503
        if self.path.startswith("/code/"):
            code = int(self.path.removeprefix("/code/"))
        self.send_response(code)
        self.send_header("content-length", str(len(self.colour)))
        self.end_headers()
        self.wfile.write(self.colour.encode())

    def log_message(self, *args: Any) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    """Says nothing where HAProxy hangs up on it, as it does after each look at its health."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Front:
    """HAProxy before two stubs."""

    def __init__(self, folder: Path, port: int, stubs: dict[str, type[Stub]]) -> None:
        self.proxy = Proxy(folder)
        self.port = port
        self.stubs = stubs

    def ask(self, user: str | None = None, path: str = "/", header: str = "x-user") -> str:
        """Return the colour of who answers."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        line.request("GET", path, headers={header: user} if user else {})
        answer = line.getresponse().read().decode()
        line.close()
        return answer

    def who_gets(self, colour: str, users: int) -> set[int]:
        """Return which of so many users get a colour, each asked over one connection."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        found = set()
        for user in range(users):
            line.request("GET", "/", headers={"x-user": f"user-{user}"})
            if line.getresponse().read().decode() == colour:
                found.add(user)
        line.close()
        return found


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    servers, stubs = [], {}
    proxy = Proxy(tmp_path / ("long" * 30))  # no address of a socket may be that long
    port = free_port()
    proxy.start(f"127.0.0.1:{port}", START)
    try:
        for colour in ("blue", "green"):
            stubs[colour] = type("Coloured", (Stub,), {"colour": colour})
            server = Quiet(("127.0.0.1", 0), stubs[colour])
            servers.append(server)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            proxy.use(colour, 1, server.server_address[1])
        wait_until(lambda: all(server.up for server in proxy.servers().values()))
        yield Front(proxy.folder, port, stubs)
    finally:
        proxy.stop()
        for server in servers:
            server.shutdown()
            server.server_close()


@pytest.mark.haproxy
def test_haproxy_finds_nothing_wrong_with_the_configuration(tmp_path: Path) -> None:
    for name in ("split.map", "share.map"):
        (tmp_path / name).write_text("next 0\n")
    checked = subprocess.run(
        [find(), "-c", "-V", "-C", str(tmp_path), "-f", str(CONFIGURATION)],
        env={**os.environ, "LMOPS_BIND": "127.0.0.1:8080"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


@pytest.mark.haproxy
def test_a_split_is_sticky_and_nested_and_near_its_share(front: Front) -> None:
    users, before = 500, set[int]()
    for percent in (0, 5, 10, 25, 50, 100):
        front.proxy.set_split(Split("blue", "green", 10 * percent, "line7"))
        now = front.who_gets("green", users)
        assert before <= now  # whoever was in stays in
        assert percent != 25 or now == front.who_gets("green", users)
        assert abs(len(now) / users - percent / 100) < 0.05
        before = now
    assert len(before) == users


@pytest.mark.haproxy
def test_another_salt_draws_other_users(front: Front) -> None:
    drawn = []
    for salt in ("line7", "line8"):
        front.proxy.set_split(Split("blue", "green", 200, salt))
        drawn.append(front.who_gets("green", 400))
    assert len(drawn[0] & drawn[1]) < 0.5 * len(drawn[0])


@pytest.mark.haproxy
def test_a_user_is_a_key_where_the_application_names_none_and_else_nobody(front: Front) -> None:
    front.proxy.set_split(Split("blue", "green", 500, "line7"))
    keys = [f"Bearer lm_{number}" for number in range(40)]
    first = [front.ask(key, header="authorization") for key in keys]
    assert set(first) == {"blue", "green"}
    assert first == [front.ask(key, header="authorization") for key in keys]
    front.proxy.set_split(Split("blue", "green", WHOLE, "line7"))
    assert front.ask(None) == "blue"  # who is nobody is in no canary


@pytest.mark.haproxy
def test_a_split_is_changed_to_any_other(front: Front) -> None:
    for live, next_ in (("blue", "green"), ("green", "blue"), ("blue", "green")):
        for share in (0, 300, 1000):
            wanted = Split(live, next_, share, "line9")
            front.proxy.set_split(wanted)
            assert front.proxy.split() == wanted


@pytest.mark.haproxy
def test_in_between_nobody_gets_what_is_neither_before_nor_after(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From all on green to all on blue and back, asked after each line that is set."""
    seen: list[str] = []
    tell = front.proxy._set

    def told(name: str, key: str, value: str) -> None:
        tell(name, key, value)
        seen.append(front.ask("anna"))

    front.proxy.set_split(Split("blue", "green", 0, "line1"))
    monkeypatch.setattr(front.proxy, "_set", told)
    front.proxy.set_split(Split("green", "blue", 0, "line2"))
    assert seen == sorted(seen)  # blue, then green, and never blue again
    assert seen[-1] == "green"


@pytest.mark.haproxy
def test_a_colour_that_is_not_well_gets_nobody(front: Front) -> None:
    front.proxy.set_split(Split("blue", "green", WHOLE, "line7"))
    assert front.ask("anna") == "green"
    front.stubs["green"].well = False
    wait_until(lambda: front.ask("anna") == "blue")
    front.stubs["green"].well = True
    wait_until(lambda: front.ask("anna") == "green")


@pytest.mark.haproxy
def test_what_drains_gets_nothing_new_and_ends_what_it_has_begun(front: Front) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(front.ask, "anna", "/wait/1")
        wait_until(lambda: front.proxy.servers()["blue", 1].under_way == 1)
        front.proxy.drain("blue", 1)
        assert not front.proxy.servers()["blue", 1].up
        assert slow.result() == "blue"
    wait_until(lambda: front.proxy.servers()["blue", 1].under_way == 0)
    front.proxy.forget("blue", 1)
    assert set(front.proxy.servers()) == {("green", 1)}


@pytest.mark.haproxy
def test_answers_and_errors_are_counted_for_each_colour(front: Front) -> None:
    for code in (200, 404, 500, 502):
        front.ask("anna", f"/code/{code}")
    counts = front.proxy.counts()
    assert (counts["blue"].requests, counts["blue"].errors) == (4, 2)
    assert (counts["green"].requests, counts["green"].errors) == (0, 0)


@pytest.mark.haproxy
def test_what_it_does_not_know_is_refused_and_said(front: Front) -> None:
    with pytest.raises(NoProxy, match=r"refuses 'set server blue/blue9 .*No such server"):
        front.proxy.drain("blue", 9)


@pytest.mark.haproxy
def test_a_port_that_is_taken_is_said(front: Front, tmp_path: Path) -> None:
    with pytest.raises(NoProxy, match=r"(?s)does not start.*cannot bind.*another: --port N"):
        Proxy(tmp_path / "other").start(f"127.0.0.1:{front.port}", START)


@pytest.mark.haproxy
def test_started_again_where_a_killed_one_left_its_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, port = Proxy(tmp_path), free_port()
    proxy.start(f"127.0.0.1:{port}", START)
    (pid,) = (line.split()[1] for line in proxy.tell("show info").splitlines() if "Pid: " in line)
    os.kill(int(pid), 9)
    wait_until(lambda: not proxy.running())
    assert (tmp_path / proxies.SOCKET).exists()
    proxy.start(f"127.0.0.1:{port}", replace(START, live="green"))
    try:
        assert proxy.split().live == "green"
    finally:
        proxy.stop()


# --- Under load ----------------------------------------------------------------------------------

SWITCHES = 20


@pytest.mark.haproxy
def test_twenty_switches_under_keep_alive_clients_fail_no_request(tmp_path: Path) -> None:
    """Two versions, and everybody is sent from one to the other and back, twenty times.

    Each time the version that nobody gets any more is drained, until it has nothing under way.
    """
    bundles = [small_bundle(tmp_path / name, seed) for seed, name in enumerate(("one", "two"))]
    home, proxy, port = tmp_path / "home", Proxy(tmp_path / "front"), free_port()
    proxy.start(f"127.0.0.1:{port}", START)
    options = ("--rate", "1e6", "--burst", "1000000")
    with ExitStack() as stack:
        stack.callback(proxy.stop)
        servers = [
            stack.enter_context(serving(each.folder, *options, home=home)) for each in bundles
        ]
        for colour, server in zip(("blue", "green"), servers, strict=True):
            proxy.use(colour, 1, int(server.url.rpartition(":")[2]))
        wait_until(lambda: all(each.up for each in proxy.servers().values()))
        clients = Clients(port, servers[0].key())
        stack.enter_context(clients)
        for turn in range(SWITCHES):
            old, new = ("blue", "green") if turn % 2 == 0 else ("green", "blue")
            seen = clients.versions.get(servers[turn % 2 == 0].version, 0)
            proxy.use(new, 1, int(servers[turn % 2 == 0].url.rpartition(":")[2]))
            wait_until(lambda new=new: proxy.servers()[new, 1].up)
            proxy.set_split(Split(new, old, 0, f"line{turn}"))
            proxy.drain(old, 1)
            wait_until(lambda old=old: not proxy.servers()[old, 1].under_way)
            proxy.forget(old, 1)
            # The new one answers everybody, some of them more than once.
            version = servers[turn % 2 == 0].version
            wait_until(lambda v=version, s=seen: clients.versions.get(v, 0) > s + 2 * CLIENTS, 120)
    assert clients.failed == []
    assert clients.connections == CLIENTS  # each kept its own all the time
    assert set(clients.versions) == {server.version for server in servers}
    assert min(clients.versions.values()) > SWITCHES // 2 * CLIENTS

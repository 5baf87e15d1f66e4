"""A release as it is typed: real HAProxy, real replicas, real users, and `kill -9`."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from releasing import Clients, free_port, versions
from serving import LMOPS, wait_until

from lmops.home import Home
from lmops.ledger import Ledger
from lmops.release.fleet import Fleet
from lmops.release.journal import read
from lmops.release.proxy import Proxy
from lmops.service.keys import Keys
from lmops.state import CHAMPION, fold

SERVE = ("--", "--rate", "1e6", "--burst", "1000000")
LONG = 300.0
"""Seconds after which a test gives up. Nothing takes as long, but on a machine with much to do."""


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LMOPS, *arguments], capture_output=True, text=True, check=False, timeout=LONG
    )


def entries(home: Home, event: str, **details: Any) -> list[Any]:
    return [
        entry
        for entry in Ledger(home.ledger).entries()
        if entry.event == event and details.items() <= entry.details.items()
    ]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    for name in ("staging", "production"):
        typed("stop", name, "--home", str(home.folder))


def key(home: Home) -> str:
    with contextlib.closing(Keys(home.keys)) as keys:
        return keys.add("tests", ("complete", "feedback"), 1)[1]


@pytest.mark.haproxy
def test_a_bad_canary_comes_back_a_good_one_goes_on_and_kills_change_nothing(
    home: Home, tmp_path: Path
) -> None:
    old, good, bad = versions(home, tmp_path)
    at = ("--home", str(home.folder))
    quick = ("--to", "production", "--shares", "25,50", "--each", "60", "--by", "carl")
    port = free_port()
    begun = typed("rollout", old, *quick, "--port", str(port), "--json", *at, *SERVE)
    assert begun.returncode == 0, begun.stderr
    assert json.loads(begun.stdout)["live"] == old

    with Clients(port, key(home), clients=8, users=200) as clients:
        # A bad one: it writes as fast, makes no errors, and knows less of what its users write.
        ended = typed("rollout", bad, *quick, "--json", *at)
        assert ended.returncode == 1, ended.stderr
        told = json.loads(ended.stdout)
        assert (told["outcome"], told["live"]) == ("rollback", old)
        assert told["reasons"][0].startswith("loss: ")
        assert "was taken back" in ended.stderr
        assert clients.versions[bad] > 0

        # A good one, whose controller is killed behind each line that it writes.
        kills = 0
        while True:
            written = len(entries(home, "rollout"))
            running = subprocess.Popen(
                [*LMOPS, "rollout", good, *quick, *at],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_until(
                lambda w=written, r=running: (
                    len(entries(home, "rollout")) > w or r.poll() is not None
                ),
                LONG,
            )
            if entries(home, "rollout", step="done")[-1].version == good:
                assert running.wait(LONG) == 0
                break
            running.send_signal(signal.SIGKILL)
            kills += 1
            running.wait()
        assert kills >= 3
        steps = [e.details for e in entries(home, "rollout") if e.version == good]
        told_steps = [(each["step"], each.get("share")) for each in steps]
        assert told_steps[0] == ("begin", None)
        assert told_steps[-2:] == [("promote", None), ("done", None)]
        assert {("share", 250), ("share", 500)} == set(told_steps[1:-2])
        assert len(set(told_steps)) == len(told_steps)  # no step twice
        assert {replica.version for replica in replicas(home)} == {good}
        assert fold(Ledger(home.ledger).entries()).aliases == {CHAMPION: good}

        # And back to what was there before.
        back = typed("rollback", "--to", "production", "--by", "carl", "--json", *at)
        assert back.returncode == 0, back.stderr
        assert json.loads(back.stdout)["live"] == old
    assert clients.failed == []
    assert fold(Ledger(home.ledger).entries()).irregular == []

    # A replica that dies is started again by the next who looks.
    (replica,) = replicas(home)
    replica.send(signal.SIGKILL)
    wait_until(lambda: not replica.alive)
    again = typed("rollout", old, *quick, "--json", *at)
    assert (again.returncode, json.loads(again.stdout)["outcome"]) == (0, None)
    answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60)
    assert (answer.status_code, answer.headers["x-model-version"]) == (200, old)

    assert typed("stop", "production", *at).returncode == 0
    assert replicas(home) == []
    assert not proxy(home).running()


def replicas(home: Home) -> list[Any]:
    return Fleet(home, home.folder / "environments" / "production").replicas()


def proxy(home: Home) -> Proxy:
    return Proxy(home.folder / "environments" / "production")


@pytest.mark.haproxy
def test_replicas_come_and_go_with_the_requests(home: Home, tmp_path: Path) -> None:
    old, _, _ = versions(home, tmp_path)
    at = ("--home", str(home.folder))
    port = free_port()
    rolled = typed("rollout", old, "--to", "production", "--port", str(port), *at, *SERVE)
    assert rolled.returncode == 0, rolled.stderr
    scaling = subprocess.Popen(
        [
            *LMOPS,
            "scale",
            "production",
            "--most",
            "2",
            "--target",
            "1",
            "--cooldown",
            "2",
            "--json",
            *at,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with Clients(port, key(home), clients=16) as clients:
            wait_until(lambda: entries(home, "scale", replicas=2), LONG)
            wait_until(lambda: sum(s.up for s in proxy(home).servers().values()) == 2, LONG)
        wait_until(lambda: entries(home, "scale", replicas=1), LONG)
        wait_until(lambda: len(replicas(home)) == 1, LONG)
        scaling.send_signal(signal.SIGINT)
        told, _ = scaling.communicate(timeout=LONG)
    finally:
        scaling.kill()
        scaling.wait()
    assert clients.failed == []
    assert scaling.returncode == 0
    assert json.loads(told)["changes"][:2] == [2, 1]
    assert read(Ledger(home.ledger).entries(), "production").replicas == 1


# --- Without HAProxy -----------------------------------------------------------------------------


def test_without_haproxy_the_command_says_what_to_type(tmp_path: Path) -> None:
    """A Python that finds no HAProxy types what a person would."""
    home = Home(tmp_path / "home")
    old, _, _ = versions(home, tmp_path)
    code = (
        "import shutil, sys; shutil.which = lambda *a, **k: None; "
        "from lmops.cli import main; main(sys.argv[1:])"
    )
    rolled = subprocess.run(
        [sys.executable, "-c", code, "rollout", old, "--to", "staging", "--home", str(home.folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert rolled.returncode == 2
    assert "HAProxy is not installed. Type: sudo apt-get install haproxy" in rolled.stderr
    assert "Traceback" not in rolled.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("rollout", "0" * 16, "--to", "staging"), 1, "it is not registered. Type: lmops register"),
        (("rollout", "x", "--to", "staging", "--shares", "50,5"), 2, "give percents that rise"),
        (("rollout", "x", "--to", "moon"), 2, "'moon' is not one of 'staging', 'production'"),
        (("rollback", "--to", "staging"), 1, "nothing was live in staging before"),
        (("scale", "staging"), 2, "Type: lmops rollout VERSION --to staging"),
        (("scale", "staging", "--least", "3", "--most", "2"), 2, "--least 3 is more than --most 2"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    from ops import lmops

    ran = lmops(*arguments, "--home", tmp_path)
    assert ran.exit_code == code
    assert said in ran.stderr

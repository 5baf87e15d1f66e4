"""A release as it is typed: real HAProxy, real replicas, real users, and `kill -9`."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from course import COURSE
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
    quick = ("--to", "staging", "--shares", "25,50", "--each", "60", "--by", "carl")
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
        assert {replica.version for replica in replicas(home, "staging")} == {good}

        # And back to what was there before.
        back = typed("rollback", "--to", "staging", "--by", "carl", "--json", *at)
        assert back.returncode == 0, back.stderr
        assert json.loads(back.stdout)["live"] == old
    assert clients.failed == []
    assert fold(Ledger(home.ledger).entries()).irregular == []

    # A replica that dies is started again by the next who looks.
    (replica,) = replicas(home, "staging")
    replica.send(signal.SIGKILL)
    wait_until(lambda: not replica.alive)
    again = typed("rollout", old, *quick, "--json", *at)
    assert (again.returncode, json.loads(again.stdout)["outcome"]) == (0, None)
    answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60)
    assert (answer.status_code, answer.headers["x-model-version"]) == (200, old)

    assert typed("stop", "staging", *at).returncode == 0
    assert replicas(home, "staging") == []
    assert not proxy(home, "staging").running()


def replicas(home: Home, name: str = "production") -> list[Any]:
    return Fleet(home, home.environments / name).replicas()


def proxy(home: Home, name: str = "production") -> Proxy:
    return Proxy(home.environments / name)


@pytest.mark.haproxy
def test_replicas_come_and_go_with_the_requests(home: Home, tmp_path: Path) -> None:
    old, _, _ = versions(home, tmp_path)
    at = ("--home", str(home.folder))
    port = free_port()
    rolled = typed("rollout", old, "--to", "production", "--port", str(port), *at, *SERVE)
    assert rolled.returncode == 0, rolled.stderr
    assert fold(Ledger(home.ledger).entries()).aliases == {CHAMPION: old}
    (pid,) = (line[5:] for line in proxy(home).tell("show info").splitlines() if "Pid: " in line)
    os.kill(int(pid), signal.SIGKILL)  # HAProxy, which is started again
    wait_until(lambda: not proxy(home).running())
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
        wait_until(lambda: proxy(home).running(), LONG)
        wait_until(lambda: any(server.up for server in proxy(home).servers().values()), LONG)
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
    assert entries(home, "rollout") == []  # nothing begins that cannot


def test_a_port_that_is_taken_is_said_before_anything_begins(tmp_path: Path) -> None:
    from ops import lmops

    home = Home(tmp_path / "home")
    old, _, _ = versions(home, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = lmops("rollout", old, "--to", "staging", "--port", port, "--home", home.folder)
    assert ran.exit_code == 2
    # Where HAProxy is missing, that is said first.
    assert "take another port: --port N" in ran.stderr or "not installed" in ran.stderr
    assert entries(home, "rollout") == []


def test_a_notebook_without_a_decision_is_said(tmp_path: Path) -> None:
    from ops import lmops

    path = tmp_path / "13.ipynb"
    source = 'from lmcourse import check\ncheck.lesson("13_pipelines")'
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": source}]}))
    ran = lmops("rollout", "x", "--to", "staging", "--with", path, "--home", tmp_path)
    assert ran.exit_code == 2
    assert "defines no function `canary_decision`. Name your notebook of lesson 14" in ran.stderr


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


@pytest.mark.haproxy
def test_the_lesson_s_own_decision_takes_back_a_bad_one_and_promotes_a_good_one(
    home: Home, tmp_path: Path
) -> None:
    old, good, bad = versions(home, tmp_path)
    at = ("--home", str(home.folder), "--json")
    own = ("--with", str(COURSE.paths("14_release_and_watch").solved))
    quick = ("--to", "staging", "--shares", "50", "--each", "60", "--by", "carl")
    port = free_port()
    begun = typed("rollout", old, *quick, "--port", str(port), *at, *SERVE)
    assert begun.returncode == 0, begun.stderr
    with Clients(port, key(home), clients=8, users=200):
        ended = typed("rollout", bad, *quick, *own, *at)
        assert (ended.returncode, json.loads(ended.stdout)["outcome"]) == (1, "rollback")
        ended = typed("rollout", good, *quick, *own, *at)
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["live"] == good
    steps = entries(home, "rollout", step="rollback")
    assert [each.version for each in steps] == [bad]
    assert "gave no answer" not in json.dumps(steps[0].details)

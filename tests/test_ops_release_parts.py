"""The parts of a release by themselves: readings, replicas, how many, and one's own decision."""

import json
import math
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from releasing import versions
from serving import small_bundle, wait_until
from torch.nn.functional import cross_entropy

from lmops import notebooks
from lmops.home import Home
from lmops.own import NoFunction
from lmops.release.decision import CANARY, own_decision
from lmops.release.fleet import Fleet, NoReplica
from lmops.release.journal import Environment, Rollout
from lmops.release.proxy import Count
from lmops.release.readings import Losses, Readings
from lmops.release.scaling import Autoscaler, Limits, desired_replicas

# --- What both arms did --------------------------------------------------------------------------

ROLLOUT = Rollout(
    line=7,
    begun="2026-03-01T10:00:00+00:00",
    by="carl",
    version="new",
    colour="green",
    strategy="canary",
    plan=[],
    limits={},
    decision="lmops",
    share=100,
    shared="2026-03-01T10:00:05+00:00",
    counted={"blue": [100, 3], "green": [0, 0]},
)
HERE = Environment("production", "blue", {"blue": "old", "green": "new"}, rollout=ROLLOUT)
COUNTS = {"blue": Count(190, 4), "green": Count(10, 5)}


def line(at: str, version: str, **other: Any) -> str:
    whole = {
        "time": f"2026-03-01T10:00:{at}+00:00",
        "event": "request",
        "id": f"{version}-{at}",
        "path": "/v1/completions",
        "code": 200,
        "ms": 20.0,
        "version": version,
        "prompt": "Once upon a time",
    }
    return json.dumps(whole | other) + "\n"


def write(home: Home, *lines: str) -> None:
    home.logs.mkdir(parents=True, exist_ok=True)
    with (home.logs / "2026-03-01.jsonl").open("a") as log:
        log.write("".join(lines))


def test_what_is_counted_is_what_came_since_both_have_users(tmp_path: Path) -> None:
    home = Home(tmp_path)
    asked = []

    def losses(version: str, texts: list[str]) -> list[float | None]:
        asked.extend(texts)
        return [2.0 if version == "old" else 3.0 for _ in texts]

    readings = Readings(home, lambda: COUNTS, losses)
    write(
        home,
        line("04", "old"),  # before
        line("06", "old"),
        line("07", "old", ms=1500.0),
        line("08", "new", ms=1001.0),
        line("09", "new", code=500),
        line("10", "new", path="/v1/models"),
        line("11", "newer"),
        line("12", "new", prompt="short"),
        "this is no JSON\n",
        line("13", "new")[:20],  # is being written
    )
    control, canary = readings(HERE)
    assert control == {
        "errors": [90, 1, 1],
        "slow": [2, 1, 1],
        "loss": [2, 4.0, 8.0],
        "dislikes": [0, 0, 0],
    }
    assert canary["errors"] == [10, 5, 5]
    assert canary["slow"] == [2, 1, 1]
    assert canary["loss"] == [1, 3.0, 9.0]
    write(home, line("13", "new")[20:])
    assert readings(HERE)[1]["slow"] == [3, 1, 1]
    assert len(asked) == 4  # each text once
    assert Readings(home, lambda: COUNTS, losses)(HERE) == readings(HERE)  # after a kill


def test_feedback_is_of_the_version_that_answered_and_the_last_word_counts(tmp_path: Path) -> None:
    home = Home(tmp_path)
    readings = Readings(home, lambda: COUNTS, lambda version, texts: [None] * len(texts))
    told = [("old-06", "up"), ("new-07", "up"), ("new-07", "down"), ("nobody", "down")]
    write(
        home,
        line("06", "old"),
        line("07", "new"),
        *(
            json.dumps(
                {"time": "2026-03-01T10:00:20+00:00", "event": "feedback", "id": id, "rating": word}
            )
            + "\n"
            for id, word in told
        ),
    )
    control, canary = readings(HERE)
    assert control["dislikes"] == [1, 0, 0]
    assert canary["dislikes"] == [1, 1, 1]


def test_where_haproxy_was_started_anew_it_counts_from_nothing(tmp_path: Path) -> None:
    counts = {"blue": Count(5, 1), "green": Count(2, 0)}
    control, canary = Readings(Home(tmp_path), lambda: counts, lambda version, texts: [])(HERE)
    assert (control["errors"], canary["errors"]) == ([5, 1, 1], [2, 0, 0])


def test_the_loss_is_the_model_s_own(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "made")
    folder = tmp_path / "models" / bundle.version
    folder.parent.mkdir()
    bundle.folder.rename(folder)
    texts = ["Once upon a time", "no such ☃", "A fox met an owl. " * 9, "The end, my friend."]
    found = Losses(tmp_path / "models")(bundle.version, texts)
    assert found[1] is None
    model = replace(bundle, folder=folder).model()
    for text, loss in zip(texts, found, strict=True):
        if loss is not None:
            ids = torch.tensor(bundle.encode(text)[-bundle.config["context"] - 1 :])
            with torch.no_grad():
                alone = float(cross_entropy(model(ids[None, :-1])[0], ids[1:]))
            assert math.isclose(loss, alone, rel_tol=1e-4)


# --- Replicas ------------------------------------------------------------------------------------


def test_replicas_outlive_who_started_them_and_are_found_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    version, _, _ = versions(home, tmp_path)
    fleet = Fleet(home, tmp_path / "fleet")
    replica = fleet.start("blue", 1, version, [])
    try:
        assert [each.slot for each in fleet.replicas()] == [1]  # before it listens
        assert fleet.wait(replica) == replica.port
        (found,) = Fleet(home, tmp_path / "fleet").replicas()
        assert (found.colour, found.version, found.port) == ("blue", version, replica.port)
        found.send(signal.SIGKILL)
        wait_until(lambda: fleet.replicas() == [])
        found.send(signal.SIGKILL)  # to nobody: another process may have its number by now
        again = fleet.start("blue", 1, version, [])
        fleet.wait(again)
        fleet.stop([again])
        assert not again.alive
    finally:
        fleet.stop(fleet.replicas())


def test_a_replica_that_ends_says_why(tmp_path: Path) -> None:
    fleet = Fleet(Home(tmp_path / "home"), tmp_path / "fleet")
    replica = fleet.start("green", 2, "0" * 16, [])
    with pytest.raises(NoReplica, match=r"(?s)ended at once: .*Pack it again") as raised:
        fleet.wait(replica)
    assert raised.value.colour == "green"


# --- How many ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replicas", "queue", "wanted"),
    [
        (1, 0, 1),
        (1, 10, 1),
        (1, 11, 1),  # a tenth too much is no reason
        (1, 12, 2),
        (2, 20, 2),
        (2, 10, 1),
        (2, 31, 4),
        (4, 1000, 4),  # no more than the most
        (4, 0, 1),
    ],
)
def test_as_many_as_bring_each_to_its_target(replicas: int, queue: int, wanted: int) -> None:
    assert desired_replicas(replicas, queue, Limits(target=10)) == wanted


def test_up_at_once_and_down_after_the_cooldown() -> None:
    clock = [0.0]
    scaler = Autoscaler(Limits(target=10, cooldown=60), clock=lambda: clock[0])
    replicas, seen = 1, []
    for at, queue in ((0, 5), (10, 38), (20, 5), (40, 18), (75, 5), (90, 5), (101, 5), (200, 5)):
        clock[0] = at
        replicas = scaler.next(replicas, queue)
        seen.append(replicas)
    assert seen == [1, 4, 4, 4, 2, 2, 1, 1]


def test_a_queue_that_swings_does_not_make_the_replicas_swing() -> None:
    clock = [0.0]
    scaler = Autoscaler(Limits(target=10, cooldown=60), clock=lambda: clock[0])
    replicas, changes = 1, 0
    for second in range(600):
        clock[0] = second
        wanted = scaler.next(replicas, 35 if second // 20 % 2 else 2)
        changes += wanted != replicas
        replicas = wanted
    assert changes == 1


def test_whoever_decides_the_limits_hold() -> None:
    scaler = Autoscaler(Limits(least=2, most=3), desired=lambda replicas, queue, limits: 99)
    assert scaler.next(2, 0) == 3
    scaler = Autoscaler(Limits(least=2, most=3, cooldown=0), desired=lambda *_: -1)
    assert scaler.next(2, 0) == 2


# --- One's own decision --------------------------------------------------------------------------


def decision_in(folder: Path, *cells: str) -> Any:
    sources = ['from lmcourse import check\ncheck.lesson("14_release_and_watch")', *cells]
    path = folder / "14.ipynb"
    made = [{"cell_type": "code", "source": source} for source in sources]
    path.write_text(json.dumps({"cells": made}))
    return own_decision(notebooks.read(path))


ARMS: Any = ({"errors": [100, 1, 1]}, {"errors": [100, 50, 50]})


def test_a_student_s_own_decision_takes_the_platform_s_place(tmp_path: Path) -> None:
    decide = decision_in(
        tmp_path,
        "def rate(arm):\n    return arm['errors'][1] / arm['errors'][0]",
        "def canary_decision(control, canary, rules):\n"
        "    worse = rate(canary) - rate(control) > rules['limits']['errors']\n"
        "    return 'rollback' if worse else 'promote'",
    )
    assert decide(*ARMS, CANARY).answer == "rollback"
    assert decide(ARMS[0], ARMS[0], CANARY).answer == "promote"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return None", "said None, and none of continue, promote, rollback"),
        ("return True", "said True"),
        ("return ['promote']", "said ['promote']"),
        ("return 'Promote'", "said 'Promote'"),
        ("return 1 / 0", "gave no answer: ZeroDivisionError"),
        ("return canary['errors'][5]", "gave no answer: IndexError"),
    ],
)
def test_a_decision_that_is_none_takes_the_canary_back(
    tmp_path: Path, body: str, said: str
) -> None:
    decide = decision_in(tmp_path, f"def canary_decision(control, canary, rules):\n    {body}")
    answer, (reason,) = decide(*ARMS, CANARY)
    assert answer == "rollback"
    assert said in reason


def test_a_notebook_without_a_decision_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoFunction, match="defines no function `canary_decision`"):
        decision_in(tmp_path, "x = 1")

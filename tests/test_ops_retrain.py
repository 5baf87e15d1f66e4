"""When to train again and from what; the champion serves on until the gate says otherwise."""

import itertools
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ops import asked, lmops, promoted, tiny_bundle
from serving import serving

from lmops import bundle, liked, registry, retrain, traffic
from lmops.home import Home
from lmops.ledger import Entry, Ledger
from lmops.state import State, fold
from lmops.traffic import Asked, Joined, Rating

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
POLICY = retrain.Policy()


# --- Feedback, joined ----------------------------------------------------------------------------


def answer(id: str, key: str = "k1", version: str = "v1", hours: float = 0) -> Asked:
    return Asked(id, NOW + timedelta(hours=hours), key, version, f"prompt {id}", " and so on")


def rate(id: str, rating: str = "up", key: str = "k1", hours: float = 1) -> Rating:
    return Rating(id, NOW + timedelta(hours=hours), key, rating)


def joined(answers: list[Asked], *ratings: Rating) -> tuple[list[tuple[str, str]], dict[str, int]]:
    found = traffic.join(answers, sorted(ratings, key=lambda one: one.time), "v1")
    left_out = {why: count for why, count in found.left_out.items() if count}
    return [(one.id, said) for one, said in found.rated], left_out


@pytest.mark.parametrize(
    ("ratings", "rated", "left_out"),
    [
        ([rate("a")], [("a", "up")], {}),
        ([rate("a"), rate("b", "down")], [("a", "up"), ("b", "down")], {}),
        ([rate("a", "up"), rate("a", "down", hours=2)], [("a", "down")], {"doubled": 1}),
        ([rate("a", "down", hours=2), rate("a", "up")], [("a", "down")], {"doubled": 1}),
        ([rate("a", hours=7 * 24)], [("a", "up")], {}),
        ([rate("a", hours=7 * 24 + 0.1)], [], {"late": 1}),
        ([rate("a"), rate("a", "down", hours=999)], [("a", "up")], {"late": 1}),
        ([rate("old")], [], {"other version": 1}),
        ([rate("never")], [], {"unknown": 1}),
        ([rate("a", key="k2")], [], {"unknown": 1}),
        ([rate("a", hours=-1)], [], {"unknown": 1}),
    ],
)
def test_feedback_counts_once_in_time_and_for_the_version_that_answered(
    ratings: list[Rating], rated: list[tuple[str, str]], left_out: dict[str, int]
) -> None:
    answers = [answer("a"), answer("b"), answer("old", version="v0")]
    assert joined(answers, *ratings) == (rated, left_out)


def test_an_id_that_two_callers_chose_is_two_answers() -> None:
    answers = [answer("a", "k1"), answer("a", "k2")]
    rated, _ = joined(answers, rate("a", "down", "k2"))
    assert rated == [("a", "down")]


# --- When it is due ------------------------------------------------------------------------------


def entry(number: int, event: str, days_ago: float, **details: Any) -> Entry:
    time = (NOW - timedelta(days=days_ago)).isoformat(timespec="milliseconds")
    return Entry(number, time, event, details.pop("version", "v1"), "ann", details, "")


def ratings(up: int, down: int) -> Joined:
    return Joined([(answer("a"), "up")] * up + [(answer("a"), "down")] * down)


CAME = entry(1, "promote", 10, alias="champion")
DRIFT = entry(5, "drift", 1, drifted=True)


@pytest.mark.parametrize(
    ("entries", "feedback", "reasons", "held_back"),
    [
        ([CAME], ratings(0, 0), [], []),
        ([entry(1, "promote", 31, alias="champion")], ratings(0, 0), ["cadence"], []),
        ([entry(1, "promote", 31, alias="challenger"), CAME], ratings(0, 0), [], []),
        ([entry(1, "promote", 99, alias="champion"), entry(2, "retrain", 29)],
         ratings(0, 0), [], []),
        ([CAME, entry(2, "retrain", 30)], ratings(0, 0), ["cadence"], []),
        ([CAME, DRIFT], ratings(0, 0), ["drift"], []),
        ([CAME, DRIFT, entry(6, "drift", 0.5, drifted=False)], ratings(0, 0), [], []),
        ([CAME, entry(5, "drift", 1, drifted=True, version="v0")], ratings(0, 0), [], []),
        ([CAME, entry(5, "drift", 1, drifted="yes")], ratings(0, 0), [], []),
        ([CAME, DRIFT, entry(6, "retrain", 0.9)], ratings(0, 0), [], ["cooldown"]),
        ([CAME, DRIFT, entry(6, "retrain", 0.9), entry(7, "drift", 0.1, drifted=True)],
         ratings(0, 0), ["drift"], ["cooldown"]),
        ([CAME, entry(6, "retrain", 1.1), entry(7, "drift", 0.1, drifted=True)],
         ratings(0, 0), ["drift"], []),
        ([CAME, *(entry(n, "retrain", 20 - n) for n in (2, 3, 4, 5)),
          entry(7, "drift", 0.1, drifted=True)],
         ratings(0, 0), ["drift"], ["budget"]),
        ([CAME, *(entry(n, "retrain", 31) for n in (2, 3, 4)), entry(5, "retrain", 2),
          entry(7, "drift", 0.1, drifted=True)], ratings(0, 0), ["drift"], []),
        ([CAME, entry(2, "retrain", -1), entry(7, "drift", 0, drifted=True)],
         ratings(0, 0), ["drift"], ["clock"]),
        ([CAME], ratings(9, 11), ["feedback"], []),
        ([CAME], ratings(10, 10), [], []),
        ([CAME], ratings(0, 19), [], []),
        ([CAME, DRIFT], ratings(0, 20), ["drift", "feedback"], []),
    ],
)  # fmt: skip
def test_when_it_is_due(
    entries: Sequence[Entry], feedback: Joined, reasons: list[str], held_back: list[str]
) -> None:
    found = retrain.decide(entries, "v1", feedback, POLICY, NOW)
    assert [each.partition(":")[0] for each in found.reasons] == reasons
    assert [each.partition(":")[0] for each in found.held_back] == held_back
    assert found.due == (bool(reasons) and not held_back)


def test_a_trigger_that_never_stops_trains_within_its_budget_alone() -> None:
    entries, trained = [CAME], []
    for hour in range(24 * 40):
        now = NOW + timedelta(hours=hour)
        time = now.isoformat()
        entries.append(Entry(len(entries) + 1, time, "drift", "v1", "x", {"drifted": True}, ""))
        if retrain.decide(entries, "v1", Joined(), POLICY, now).due:
            trained.append(now)
            entries.append(Entry(len(entries) + 1, time, "retrain", "v1", "x", {}, ""))
    gaps = [after - before for before, after in itertools.pairwise(trained)]
    assert min(gaps) >= timedelta(days=POLICY.cooldown)
    for begin in trained:
        month = [t for t in trained if begin <= t < begin + timedelta(days=30)]
        assert len(month) <= POLICY.budget
    assert len(trained) > POLICY.budget


# --- The command ---------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home here with a champion; MLflow, which takes seconds, is not told."""

    def not_told(home: Home) -> State:
        return fold(Ledger(home.ledger).entries())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "sync", not_told)
    promoted(tiny_bundle(Path("my_model"), 1))
    Path("lax.yaml").write_text("loss: {at_most: 9}")
    Path("hard.yaml").write_text("loss: {at_most: 0.1}")
    return Home(Path(".lmops"))


def champion(home: Home) -> str:
    return fold(Ledger(home.ledger).entries()).aliases["champion"]


SMOKE = ("--preset", "smoke", "--stories", 10, "--by", "nightly")
LAX = (*SMOKE, "--objective", "lax.yaml")


def test_the_champion_serves_on_until_the_gate_and_a_person_say_otherwise(home: Home) -> None:
    old = champion(home)
    made = asked("retrain", *LAX)
    new = made["version"]
    assert made["reasons"] == ["nightly asked for it"]
    state = fold(Ledger(home.ledger).entries())
    assert state.aliases == {"champion": old, "challenger": new}
    assert state.versions[new].lineage["parent"] == old
    assert state.irregular == []
    assert bundle.load(home.models / new).metrics["steps"] > 0
    assert lmops("promote", new, "--by", "op").exit_code == 1
    assert lmops("approve", new, "--by", "nightly").exit_code == 1  # who trained it
    asked("approve", new, "--by", "bob")
    asked("promote", new, "--by", "bob")
    assert champion(home) == new


def test_what_the_gate_stops_is_no_challenger(home: Home) -> None:
    old = champion(home)
    blocked = lmops("retrain", *SMOKE, "--objective", "hard.yaml", "--json")
    assert blocked.exit_code == 1
    assert f"{old} serves on" in blocked.stderr
    told = json.loads(blocked.stdout)
    assert told["passed"] is False
    assert told["against"]
    state = fold(Ledger(home.ledger).entries())
    assert state.aliases == {"champion": old}
    assert state.versions[told["version"]].verdict == "blocked"


def test_drift_makes_it_due_once_and_the_cooldown_holds_it_back(home: Home) -> None:
    due = ("retrain", "--if-due", *LAX)
    assert asked(*due)["due"] is False
    Ledger(home.ledger).append("drift", champion(home), "lmops", drifted=True)
    made = asked(*due)
    assert [reason.partition(":")[0] for reason in made["reasons"]] == ["drift"]
    assert asked(*due)["due"] is False
    Ledger(home.ledger).append("drift", champion(home), "lmops", drifted=True)
    again = asked(*due)
    assert again["due"] is False
    assert again["held_back"][0].startswith("cooldown")
    assert lmops("retrain", *LAX, "--budget", 1).exit_code == 1


def feed(home: Home) -> str:
    """Ask the real service, and rate what it says; return the key's id."""
    with serving(home.models / champion(home), home=home.folder) as server:
        token = server.key("complete", "feedback")
        client = server.client(token)
        for number in range(6):
            ids = {"x-request-id": f"request-{number}"}
            client.completions.create(
                model="lm", prompt=f"One fox number {number + 3} ran", max_tokens=8,
                extra_headers=ids,
            )  # fmt: skip
            told = server.http.post(
                "/v1/feedback",
                json={"request_id": ids["x-request-id"], "rating": "up" if number % 2 else "down"},
                headers={"authorization": f"Bearer {token}"},
            )
            assert told.status_code == 201
        server.process.terminate()
        server.process.wait()
    return token.split("_")[1]


def test_the_answers_that_users_liked_are_learnt_from_and_named_in_the_ledger(home: Home) -> None:
    key = feed(home)
    made = asked("retrain", *LAX)
    assert made["feedback"] == {
        "rated": 6, "down": 0.5, "late": 0, "doubled": 0, "other version": 0, "unknown": 0,
    }  # fmt: skip
    assert made["liked"] == 3
    kept = liked.read(home.data)
    assert [story.id for story in kept] == ["request-1", "request-3", "request-5"]
    assert {story.key for story in kept} == {key}
    assert all(story.text.startswith("One fox number ") for story in kept)
    learnt = liked.learnt(Ledger(home.ledger).entries())
    assert learnt == {made["version"]: {story.id for story in kept}}
    card = (home.models / made["version"] / "CARD.md").read_text()
    assert "learnt from 3 answers that users of the service liked" in card
    assert asked("retrain", *LAX)["liked"] == 3  # none of them twice


KILL = """
import os, signal, sys
from lmops import registry, train
from lmops.cli import main
from lmops.ledger import Ledger
from lmops.state import fold

registry.sync = lambda home: fold(Ledger(home.ledger).entries())
save, left = train._save, [4]

def saved(*arguments):
    save(*arguments)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

train._save = saved
main()
"""


def test_killed_it_goes_on_where_it_was_and_costs_the_budget_once(home: Home) -> None:
    command = ["retrain", *map(str, LAX), "--json"]
    killed = subprocess.run([sys.executable, "-c", KILL, *command], capture_output=True)
    assert killed.returncode == -9, killed.stderr
    went_on = lmops(*command)
    assert went_on.exit_code == 0, went_on.output
    assert "step 3 of 30" not in went_on.stderr  # it did not begin again
    assert "step 30 of 30" in went_on.stderr
    entries = Ledger(home.ledger).entries()
    assert [e.event for e in entries].count("retrain") == 1
    assert retrain.unfinished(entries) is None
    whole = Path("whole")
    some: list[liked.Story] = []
    begun = next(e for e in entries if e.event == "retrain").number
    old = bundle.load(home.models / champion(home))
    once = retrain.train(old, retrain_recipe(), some, begun, whole, lambda step, loss: None)
    made = bundle.load(home.models / json.loads(went_on.stdout)["version"])
    assert all(made.weights[name].equal(once.weights[name]) for name in once.weights)


def retrain_recipe() -> Any:
    from lmops.train import RECIPES

    return RECIPES["smoke"]


def test_without_a_champion_there_is_nothing_to_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert lmops("retrain", "--by", "ann").exit_code == 2

"""A whole day as it is typed, and how one's own functions change it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from course import ROOT
from ops import asked, lmops, promoted

from lmops import bundle
from lmops.commands import ship as command
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.ship import afternoon, front, morning, recording, tale
from lmops.ship.day import Day, Over, Told
from lmops.ship.users import Users
from lmops.state import fold

PACKED = sorted((ROOT / "notebooks").glob("0[567]_*.ipynb"))
MISSING = "HAProxy is not installed. Type: sudo apt-get install haproxy"

LAX = "def gate(metrics, objective):\n    return []"
STRICT = "def gate(metrics, objective):\n    return ['never']"
BLIND = (
    "def canary_decision(control, canary, rules):\n"
    "    return 'promote' if canary['errors'][0] >= 20 else 'continue'"
)

DEAF = "def drift_detector(reference, window, rate):\n    return False"


def notebook(folder: Path, lesson: str, source: str) -> Path:
    """Write a notebook of a lesson that defines one thing."""
    cells = [
        {"cell_type": "code", "source": each, "metadata": {}, "outputs": []}
        for each in (f'from lmcourse import check\ncheck.lesson("{lesson}")', source)
    ]
    path = folder / f"{lesson}.ipynb"
    told = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(told), "utf-8")
    return path


def given(*paths: Path) -> list[object]:
    return [word for path in paths for word in ("--with", path)]


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {each["title"]: each["outcome"] for each in told["chapters"]}


# --- The whole of it -----------------------------------------------------------------------------


@pytest.mark.haproxy
@pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="Prometheus is not installed; apt-get has it"
)
def test_a_whole_day_goes_as_everybody_hoped_and_the_ledger_says_so(tmp_path: Path) -> None:
    home, page = tmp_path / "home", tmp_path / "day.html"
    told = asked("ship", *given(*PACKED), "--home", home, "--page", page)
    assert told["bad"] == []
    assert not any(each["missing"] for each in told["chapters"])
    assert [each["hour"] for each in told["chapters"]] == sorted(
        each["hour"] for each in told["chapters"]
    )
    said = outcomes(told)
    assert said["At the gate"] == "the untrained one is stopped"
    assert (said["A bad canary"], said["A good canary"]) == ("taken back", "promoted")
    assert said["Users write differently"] == "noticed"
    assert said["A version is retired"] == "asked for, it answers 410"
    # The ledger, read by itself, says the same.
    entries, problems = Ledger(home / ".lmops" / "ledger.jsonl").read()
    state = fold(entries)
    assert (problems, state.irregular) == ([], [])
    steps = [e.details["step"] for e in entries if e.event == "rollout"]
    assert steps.count("rollback") == 1
    assert {"drift", "retrain", "retrained", "erase", "erased", "retire"} <= {
        e.event for e in entries
    }
    (retired,) = (one for one in state.versions.values() if one.retired)
    assert state.aliases["champion"] == retired.retired.successor  # type: ignore[union-attr]
    assert asked("audit", "--home", home / ".lmops")["sound"] is True
    # So does the page, which has a picture of each release and asks no network.
    html = page.read_text("utf-8")
    assert all(each["title"] in html for each in told["chapters"])
    assert html.count("<svg") >= 7
    assert "http://127.0.0.1" not in html.replace("lmops", "")
    assert "<script" not in html


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have neither HAProxy nor Prometheus installed."""
    monkeypatch.setattr(front, "missing", lambda: MISSING)
    monkeypatch.setattr(afternoon, "missing", lambda: "prometheus is not installed.")


@pytest.mark.usefixtures("bare")
def test_what_is_missing_is_named_and_told_from_the_recording(tmp_path: Path) -> None:
    home, page = tmp_path / "home", tmp_path / "day.html"
    told = asked("ship", *given(*PACKED), "--home", home, "--page", page)
    assert told["bad"] == []
    by_hour = {each["hour"]: each for each in told["chapters"]}
    assert {hour for hour, each in by_hour.items() if each["missing"]} == set(recording.HOURS)
    assert page.read_text("utf-8").count(MISSING) == len(recording.HOURS)
    assert by_hour["18:00"]["outcome"] == "asked for, it answers 410"  # that one was real
    assert asked("audit", "--home", home / ".lmops")["sound"] is True


# --- One's own functions -------------------------------------------------------------------------


def test_a_gate_that_lets_nothing_through_ends_the_day(tmp_path: Path) -> None:
    gate = notebook(tmp_path, "10_test_and_gate", STRICT)
    ended = lmops("ship", *given(*PACKED, gate), "--page", tmp_path / "day.html", "--json")
    assert ended.exit_code == 1, ended.output
    told = json.loads(ended.stdout)
    assert told["bad"] == ["The day ends here"]
    assert (
        "10_test_and_gate.ipynb) stops the trained model: never"
        in (told["chapters"][-1]["lines"][0])
    )
    assert "The day ends here" in (tmp_path / "day.html").read_text("utf-8")


@pytest.fixture
def blind(tmp_path: Path) -> Iterator[Day]:
    """Return a day with a gate that passes all and a decision that looks at nothing."""
    from lmops.cli import main

    own = {
        "10": notebook(tmp_path, "10_test_and_gate", LAX),
        "14": notebook(tmp_path, "14_release_and_watch", BLIND),
    }
    folder = tmp_path / "day"
    folder.mkdir()
    day = Day(
        Home(folder / ".lmops"),
        folder,
        lambda words: command._typed(main, words),
        PACKED,
        own,
        lambda line: None,
    )
    yield day
    lmops("stop", "production", "--home", folder / ".lmops")


@pytest.mark.haproxy
def test_with_a_blind_gate_and_decision_an_untrained_model_answers_everybody(blind: Day) -> None:
    for chapter in (morning.pack, morning.train, morning.gate, morning.register):
        told = chapter(blind)
    place = front.Behind(blind)
    with Users(blind.home, afternoon.prompts()) as users:
        morning.release(blind, place, users)
        told = morning.bad_canary(blind, place, users)
    assert (told.outcome, told.good) == ("promoted!", False)
    untrained = bundle.load(blind.folder / "untrained").version
    entries = Ledger(blind.home.ledger).entries()
    assert fold(entries).aliases["champion"] == untrained


def test_a_detector_that_hears_nothing_has_nothing_trained_again(tmp_path: Path) -> None:
    """From the champion on: what it took to get there, other tests live through."""
    from lmops.cli import main

    home = Home(tmp_path / ".lmops")
    own = {"15": notebook(tmp_path, "15_live_and_retire", DEAF)}
    day = Day(home, tmp_path, lambda words: command._typed(main, words), [], own, lambda line: None)
    version = day.versions["half"] = promoted(bundle.load(bundle.SHIPPED), home.folder)
    place = front.Alone(day)
    place.mend(version)
    try:
        with Users(home, afternoon.prompts()) as users:
            users.port = place.port
            heard = afternoon.drift(day, users)
            trained = afternoon.retrain(day, place, users)
    finally:
        place.stop()
    assert (heard.outcome, heard.good) == ("not noticed!", False)
    assert "your own, from 15_live_and_retire.ipynb" in heard.lines[0]
    assert (trained.title, trained.good) == ("No retraining", False)
    assert day.versions["retrained"] == version
    events = [entry.event for entry in Ledger(home.ledger).entries()]
    assert events.count("drift") == 2
    assert "retrain" not in events


# --- What is wrong is said before a day is lost --------------------------------------------------


@pytest.mark.parametrize(
    ("lesson", "name"),
    [
        ("10_test_and_gate", "gate"),
        ("14_release_and_watch", "canary_decision"),
        ("15_live_and_retire", "drift_detector"),
    ],
)
def test_a_notebook_without_its_function_is_said(tmp_path: Path, lesson: str, name: str) -> None:
    own = notebook(tmp_path, lesson, "x = 1")
    ended = lmops("ship", *given(*PACKED, own), "--page", tmp_path / "day.html")
    assert ended.exit_code == 2
    assert f"defines no function `{name}`" in ended.stderr


def test_wrong_use_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = notebook(tmp_path, "10_test_and_gate", LAX)
    twice = shutil.copy(first, tmp_path / "copy.ipynb")
    other = notebook(tmp_path, "02_bigrams", "x = 1")
    full = tmp_path / "full"
    (full / "something").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for arguments, said in (
        (given(first, Path(twice)), "are both of lesson 10"),
        (given(other), "is of lesson 02"),
        ([], "lmops ship --with FOLDER/07_gpt.ipynb"),
        ([*given(*PACKED), "--home", full], "is not empty"),
        ([*given(*PACKED), "--page", tmp_path / "none" / "day.html"], "is no folder"),
    ):
        ended = lmops("ship", *arguments)
        assert ended.exit_code == 2
        assert said in ended.stderr


def test_the_recording_is_of_a_good_day() -> None:
    told = [recording.recorded(hour, MISSING) for hour in recording.HOURS]
    assert all(each.good for each in told)
    assert told[1].outcome == "taken back"


def test_the_page_shows_what_is_text_as_text() -> None:
    from datetime import UTC, datetime

    told = Told("08:00", "<b>", "<i>", lines=["<script>"], commands=["lmops '<p>'"])
    told.picture = {"kind": "traffic", "rows": {"<v>": [1, 0, 2], "failed": [0, 3, 0]}}
    html = tale.page_of([told], datetime(2026, 1, 1, tzinfo=UTC))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<v>" not in html


def test_what_goes_wrong_is_over_with_what_the_command_said(tmp_path: Path) -> None:
    from lmops.cli import main

    day = Day(
        Home(tmp_path), tmp_path, lambda w: command._typed(main, w), [], {}, lambda line: None
    )
    with pytest.raises(Over, match="is not registered"):
        day.do("approve", "nothing", "--by", "bob")
    with pytest.raises(Over, match="No such command"):
        day.ask("nonsense")

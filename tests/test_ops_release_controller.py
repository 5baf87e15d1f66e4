"""A rollout step by step, in a world without processes, killed at every point that there is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lmops.ledger import Entry, Ledger, Writer
from lmops.release import controller as controllers
from lmops.release.controller import Controller, NoRollout, next_step, plan_of, take_back
from lmops.release.decision import CANARY, Arm, Decision, decide
from lmops.release.fleet import NoReplica
from lmops.release.journal import Environment, read
from lmops.release.proxy import Count, NoProxy
from lmops.state import CHAMPION, fold

OLD, GOOD, BAD, BROKEN = (letter * 16 for letter in "abcd")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DETAILS: dict[str, Any] = {
    "strategy": "canary",
    "plan": plan_of([10, 50], 100),
    "limits": {"rules": CANARY, "most": 2000, "seconds": 3600},
    "replicas": 2,
    "bind": "127.0.0.1:8080",
    "options": [],
}


class Killed(BaseException):
    """What `kill -9` is to a process: nothing catches it."""


@dataclass
class Toy:
    """A world in which versions are letters. It may be made again and again."""

    running: dict[str, str] = field(default_factory=dict)
    users: tuple[str, int] | None = None
    """The version of most, and how many of 1000 have another one."""
    served: dict[str, list[int]] = field(default_factory=dict)
    """For each version: requests, errors."""
    dead: bool = False
    hook: Callable[[], None] = lambda: None

    @contextmanager
    def alone(self, wait: bool = True) -> Iterator[bool]:
        yield True

    def make(self, wanted: Environment) -> None:
        self.hook()
        if self.dead:
            raise NoProxy("HAProxy does not answer")
        for colour, version in wanted.versions.items():
            if version == BROKEN:
                raise NoReplica(colour, "it ended at once")
            self.running[colour] = version
        self.hook()
        if wanted.live and wanted.version:
            share = wanted.rollout.share if wanted.rollout and not wanted.rollout.outcome else 0
            self.users = wanted.version, share
            self.serve(wanted, share)
        self.hook()
        self.running = {c: v for c, v in self.running.items() if c in wanted.versions}
        self.hook()

    def serve(self, wanted: Environment, share: int) -> None:
        """Have 200 requests come."""
        for version in wanted.versions.values():
            part = (1000 - share) if version == wanted.version else share
            count = 200 * part // 1000
            sums = self.served.setdefault(version, [0, 0])
            sums[0] += count
            sums[1] += count // 2 if version == BAD else 0

    def counts(self) -> dict[str, Count]:
        return {
            colour: Count(*self.served.get(version, [0, 0]))
            for colour, version in self.running.items()
        }

    def measure(self, environment: Environment) -> tuple[Arm, Arm]:
        self.hook()
        assert environment.rollout is not None
        arms = []
        for colour in (environment.live, environment.rollout.colour):
            assert colour is not None
            count, errors = self.served.get(environment.versions[colour], [0, 0])
            arms.append(
                {
                    "errors": [count, errors, errors],
                    "slow": [count, 0, 0],
                    "loss": [count, count, count],
                }
            )
        return arms[0], arms[1]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for version in (OLD, GOOD, BAD, BROKEN):
        ledger.append("gate", version, "lmops", passed=True, reasons=[])
        ledger.append("register", version, "ann", lineage={})
        ledger.append("approve", version, "bob")
    return ledger


def controller(ledger: Ledger, world: Toy, name: str = "production", **options: Any) -> Controller:
    options = {"decide": decide, "sleep": lambda: None} | options
    decision = options.pop("decide")
    return Controller(ledger, world, name, world.measure, decision, **options)


def roll(ledger: Ledger, world: Toy, version: str, **details: Any) -> str | None:
    """Roll out a version to its end, and return how it ended."""
    one = controller(ledger, world)
    return one.finish().outcome if one.begin(version, "bob", **(DETAILS | details)) else "nothing"


def steps(ledger: Ledger, version: str) -> list[Any]:
    return [
        entry.details.get("share") or entry.details["step"]
        for entry in ledger.entries()
        if entry.event == "rollout" and entry.version == version
    ]


# --- To the end ----------------------------------------------------------------------------------


def test_a_good_canary_gets_more_users_step_by_step_and_then_all(ledger: Ledger) -> None:
    world = Toy()
    assert roll(ledger, world, OLD) == "promote"
    assert roll(ledger, world, GOOD) == "promote"
    assert steps(ledger, OLD) == ["begin", "promote", "done"]
    assert steps(ledger, GOOD) == ["begin", 100, 500, "promote", "done"]
    assert world.users == (GOOD, 0)
    assert world.running == {"green": GOOD}
    assert fold(ledger.entries()).aliases == {CHAMPION: GOOD}
    assert roll(ledger, world, GOOD) == "nothing"


def test_a_bad_canary_comes_back_with_the_reasons(ledger: Ledger) -> None:
    world = Toy()
    roll(ledger, world, OLD)
    one = controller(ledger, world)
    one.begin(BAD, "bob", **DETAILS)
    ended = one.finish()
    assert ended.outcome == "rollback"
    assert ended.reasons[0].startswith("errors: 0.5 against 0")
    assert steps(ledger, BAD) == ["begin", 100, "rollback", "done"]
    assert world.users == (OLD, 0)
    assert world.running == {"blue": OLD}
    assert fold(ledger.entries()).aliases == {CHAMPION: OLD}
    (line,) = (e for e in ledger.entries() if e.details.get("step") == "rollback")
    assert line.details["canary"]["errors"][1] > 0  # what was seen stands beside it


def test_blue_green_is_all_at_once_and_uses_the_colours_in_turn(ledger: Ledger) -> None:
    world = Toy()
    colours = []
    for version in (OLD, GOOD, OLD):
        assert roll(ledger, world, version, strategy="blue-green") == "promote"
        colours += list(world.running)
    assert colours == ["blue", "green", "blue"]
    assert steps(ledger, GOOD) == ["begin", "promote", "done"]


def test_a_version_that_does_not_start_comes_back(ledger: Ledger) -> None:
    world = Toy()
    roll(ledger, world, OLD)
    assert roll(ledger, world, BROKEN) == "rollback"
    assert world.users == (OLD, 0)


def test_staging_makes_no_champion(ledger: Ledger) -> None:
    world = Toy()
    one = controller(ledger, world, "staging")
    one.begin(GOOD, "bob", **DETAILS)
    assert one.finish().outcome == "promote"
    assert fold(ledger.entries()).aliases == {}
    assert read(ledger.entries(), "production").version is None


# --- Killed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "strategy", "outcome"),
    [
        (GOOD, "canary", "promote"),
        (BAD, "canary", "rollback"),
        (BROKEN, "canary", "rollback"),
        (GOOD, "blue-green", "promote"),
    ],
)
def test_killed_at_any_point_another_one_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    strategy: str,
    outcome: str,
) -> None:
    """Kill it at the first point, then at the second, ... until one run has no such point."""
    points = killed = 0
    write = Writer.append
    while points == killed:
        points += 1
        ledger = Ledger(tmp_path / f"{points}.jsonl")
        for each in (OLD, version):
            ledger.append("gate", each, "lmops", passed=True, reasons=[])
            ledger.append("register", each, "ann", lineage={})
            ledger.append("approve", each, "bob")
        world = Toy()
        roll(ledger, world, OLD)
        passed = 0

        def maybe_die(points: int = points) -> None:
            nonlocal passed, killed
            passed += 1
            if passed == points:
                killed += 1
                raise Killed

        def append(self: Writer, *line: Any, **details: Any) -> Entry:
            maybe_die()
            entry = write(self, *line, **details)
            maybe_die()
            return entry

        with monkeypatch.context() as patch:
            patch.setattr(Writer, "append", append)
            world.hook = maybe_die
            try:
                assert roll(ledger, world, version, strategy=strategy) == outcome
            except Killed:
                passed = -1000  # the next one lives
                again = roll(ledger, world, version, strategy=strategy)
                # Killed behind the last line, there is nothing more to do.
                assert again in (outcome, "nothing")
        live = version if outcome == "promote" else OLD
        assert world.users == (live, 0)
        assert list(world.running.values()) == [live]
        told = [s for s in steps(ledger, version) if s != "begin"]
        assert told.count("done") == told.count(outcome) == 1 + (again_began(ledger, version))
        assert fold(ledger.entries()).aliases == {CHAMPION: live}
        assert fold(ledger.entries()).irregular == []
    assert killed >= 10


def again_began(ledger: Ledger, version: str) -> int:
    """Return how often a rollout that was done was begun anew: one that came back may be."""
    return steps(ledger, version).count("begin") - 1


def test_what_haproxy_counted_before_is_written_with_the_first_share(ledger: Ledger) -> None:
    world = Toy()
    roll(ledger, world, OLD)
    before = list(world.served[OLD])
    roll(ledger, world, GOOD)
    shares = [e.details for e in ledger.entries() if e.details.get("step") == "share"]
    assert shares[0]["counted"]["blue"][0] >= before[0]
    assert shares[0]["counted"]["green"] == [0, 0]
    assert "counted" not in shares[1]


# --- What may not be -----------------------------------------------------------------------------


def test_what_the_gate_stopped_or_nobody_approved_does_not_come(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("register", OLD, "ann", lineage={})
    for name in ("staging", "production"):
        with pytest.raises(NoRollout, match=f"does not come to {name}: no gate was asked"):
            controller(ledger, Toy(), name).begin(OLD, "bob", **DETAILS)
    ledger.append("gate", OLD, "lmops", passed=True, reasons=[])
    with pytest.raises(NoRollout, match=f"nobody has approved it. Type: lmops approve {OLD}"):
        controller(ledger, Toy()).begin(OLD, "bob", **DETAILS)
    assert controller(ledger, Toy(), "staging").begin(OLD, "bob", **DETAILS)


def test_one_rollout_at_a_time(ledger: Ledger) -> None:
    world = Toy()
    roll(ledger, world, OLD)
    controller(ledger, world).begin(GOOD, "bob", **DETAILS)
    with pytest.raises(NoRollout, match=f"lmops rollout {GOOD} --to production"):
        controller(ledger, world).begin(BAD, "bob", **DETAILS)
    with pytest.raises(NoRollout, match="began with another decision"):
        controller(ledger, world, decision="another").begin(GOOD, "bob", **DETAILS)


def test_another_port_needs_a_stop(ledger: Ledger) -> None:
    world = Toy()
    roll(ledger, world, OLD)
    with pytest.raises(NoRollout, match="lmops stop production"):
        roll(ledger, world, GOOD, bind="127.0.0.1:9")


def test_haproxy_gone_leaves_the_rollout_to_be_gone_on_with(ledger: Ledger) -> None:
    world = Toy()
    roll(ledger, world, OLD)
    one = controller(ledger, world)
    one.begin(GOOD, "bob", **DETAILS)
    world.dead = True
    with pytest.raises(NoProxy):
        one.finish()
    world.dead = False
    assert roll(ledger, world, GOOD) == "promote"


# --- Back ----------------------------------------------------------------------------------------


def test_take_back_what_is_under_way(ledger: Ledger) -> None:
    world = Toy()
    roll(ledger, world, OLD)

    def wait(control: Arm, canary: Arm, rules: Any) -> Decision:
        if canary["errors"][0] > 300:
            assert take_back(ledger, "production", "ann") is None  # while the controller is at work
        return Decision("continue", [])

    one = controller(ledger, world, decide=wait)
    one.begin(GOOD, "bob", **DETAILS)
    ended = one.finish()
    assert (ended.outcome, ended.reasons) == ("rollback", ["ann wants it back"])
    assert world.users == (OLD, 0)


def test_take_back_what_is_done(ledger: Ledger) -> None:
    world = Toy()
    with pytest.raises(NoRollout, match="nothing was live in production before"):
        take_back(ledger, "production", "ann")
    roll(ledger, world, OLD)
    with pytest.raises(NoRollout, match="nothing was live"):
        take_back(ledger, "production", "ann")
    roll(ledger, world, GOOD)
    assert take_back(ledger, "production", "ann") == OLD


# --- Single steps --------------------------------------------------------------------------------


def canary_environment(ledger: Ledger, world: Toy) -> Environment:
    roll(ledger, world, OLD)
    controller(ledger, world).begin(GOOD, "bob", **DETAILS)
    ledger.append(
        "rollout", GOOD, "bob", to="production", step="share", share=100, counted={}, reasons=[]
    )
    return read(ledger.entries(), "production")


@pytest.mark.parametrize(
    ("seen", "seconds", "reason"),
    [(2000, 1, "after 2000 requests"), (10, 3600, "after 3600 seconds (10 requests)")],
)
def test_what_is_not_shown_in_time_comes_back(
    ledger: Ledger, seen: int, seconds: int, reason: str
) -> None:
    environment = canary_environment(ledger, Toy())
    rollout = environment.rollout
    assert rollout is not None
    assert rollout.shared is not None
    arms = ({"errors": [seen, 0, 0]}, {"errors": [seen, 0, 0]})
    later = datetime.fromisoformat(rollout.shared) + timedelta(seconds=seconds)
    step = next_step(environment, rollout, arms, decide, later)
    assert step is not None
    assert step["step"] == "rollback"
    assert step["reasons"][0].startswith(reason)
    assert "too little is known of" in step["reasons"][1]


def test_nobody_is_promoted_before_the_last_share(ledger: Ledger) -> None:
    environment = canary_environment(ledger, Toy())
    rollout = environment.rollout
    assert rollout is not None

    def hasty(control: Arm, canary: Arm, rules: Any) -> Decision:
        return Decision("promote", [])

    def step(seen: int) -> Any:
        arms = ({"errors": [seen, 0, 0]}, {"errors": [seen, 0, 0]})
        return next_step(environment, rollout, arms, hasty, NOW)

    assert step(99) is None
    assert step(100)["step"] == "promote"


def test_a_plan_is_counted_in_requests_of_the_canary() -> None:
    assert controllers.plan_of([5, 50], 30) == [
        {"share": 50, "until": 30},
        {"share": 500, "until": None},
    ]


# --- Who may -------------------------------------------------------------------------------------


def test_once_there_are_roles_an_operator_or_the_platform_releases(ledger: Ledger) -> None:
    world = Toy()
    ledger.append("grant", None, "ann", person="ann", role="admin")
    ledger.append("grant", None, "ann", person="carl", role="operator")
    one = controller(ledger, world)
    with pytest.raises(NoRollout, match="dora may not rollout: that takes the role operator"):
        one.begin(OLD, "dora", **DETAILS)
    assert one.begin(OLD, "carl", **DETAILS)
    assert one.finish().outcome == "promote"
    assert roll_as(ledger, world, GOOD, "lmops") == "promote"  # a pipeline
    with pytest.raises(NoRollout, match="dora may not rollback"):
        take_back(ledger, "production", "dora")
    assert take_back(ledger, "production", "carl") == OLD
    assert fold(ledger.entries()).irregular == []


def roll_as(ledger: Ledger, world: Toy, version: str, by: str) -> str | None:
    one = controller(ledger, world)
    one.begin(version, by, **DETAILS)
    return one.finish().outcome


def test_a_line_written_past_the_commands_brings_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("gate", OLD, "lmops", passed=True, reasons=[])
    ledger.append("register", OLD, "ann", lineage={})
    line: dict[str, Any] = {"step": "begin", "decision": "lmops", **DETAILS}
    for name in ("production", "staging"):
        ledger.append("rollout", OLD, "mallory", to=name, **line)
    assert read(ledger.entries(), "production").rollout is None  # nobody approved it
    assert read(ledger.entries(), "staging").rollout is not None

"""Whether some are served worse than others: found where it is so, and not by chance."""

import json
from pathlib import Path

import numpy as np
import pytest
from ops import asked, lmops, tiny_bundle

from lmops import bundle, slices
from lmops.ledger import Ledger


def world(seed: int, worse: float = 0.0) -> list[slices.Slice]:
    """Return the report on 300 stories in ten slices, the last of which is served worse."""
    draw = np.random.default_rng(seed)
    sizes = draw.integers(200, 600, 300).astype(float)
    nats = sizes * draw.normal(0.3, 0.05, 300)
    places = {str(name): list(range(name, 300, 10)) for name in range(10)}
    nats[places["9"]] += worse * sizes[places["9"]]
    return slices.report(nats, sizes, places)


def test_a_slice_that_is_served_worse_is_first_and_surely_so() -> None:
    for seed in range(5):
        found = world(seed, worse=0.06)
        assert found[0].name == "9"
        assert [one.name for one in found if one.unfair(0.0)] == ["9"]
        assert found[0].gap == pytest.approx(0.06, abs=0.03)
        assert not found[0].unfair(0.06)


def test_by_chance_alone_nobody_is_found_unfair_more_often_than_promised() -> None:
    false = sum(any(one.unfair(0.0) for one in world(seed)) for seed in range(100, 200))
    # Half of the 5 % is on the side of worse. Percentile intervals are a little narrow.
    assert false <= 7


def test_intervals_hold_what_they_are_about() -> None:
    inside = total = 0
    for seed in range(30):
        for one in world(seed):
            assert one.low < one.loss < one.high
            assert one.gap_low < one.gap < one.gap_high
            inside += one.low < 0.3 < one.high
            total += 1
    assert 0.88 < inside / total < 0.99


def test_a_slice_without_a_story_or_without_a_rest_is_none() -> None:
    sizes = np.full(4, 10.0)
    found = slices.report(sizes / 2, sizes, {"none": [], "all": [0, 1, 2, 3], "some": [0, 1]})
    assert [one.name for one in found] == ["some"]


def test_what_is_hard_by_nature_is_no_unfairness() -> None:
    """The shipped model's losses differ by animal more than what it has above the floor does."""
    shipped = bundle.load(bundle.SHIPPED)
    found = slices.measure(shipped, 100)
    assert found
    assert not any(one.unfair(0.05) for one in found)
    assert all(0.1 < one.loss < 0.5 for one in found)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_shows_each_slice_and_writes_it_down(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = tiny_bundle(Path("my_model")).version
    fair = asked("slices", "--stories", 60, "--gap", 9)
    assert fair["unfair"] == []
    assert {"name", "stories", "loss", "low", "high", "gap", "gap_low", "gap_high"} == set(
        fair["slices"][0]
    )
    (line,) = Ledger(Path(".lmops/ledger.jsonl")).entries()
    assert (line.event, line.version, line.details["unfair"]) == ("slices", version, [])
    monkeypatch.setattr(slices, "measure", lambda found, stories: world(0, worse=0.2))
    unfair = lmops("slices", "--json")
    assert unfair.exit_code == 1
    assert json.loads(unfair.stdout)["unfair"] == ["9"]
    assert "serves 9 worse than the rest" in unfair.stderr
    assert "9 !" in lmops("slices").stdout

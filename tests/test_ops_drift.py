"""Whether what is sent has changed: false alarms counted, changed worlds seen, and the command."""

import functools
import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from course import COURSE
from ops import asked, lmops, promoted, tiny_bundle
from river.drift import ADWIN

from lmcourse import corpus
from lmops import bundle, drift, text
from lmops.ledger import Ledger

Columns = dict[str, npt.NDArray[np.float64]]
RATE = 0.01


def prompts(number: int, seed: int) -> list[str]:
    """Return beginnings of stories that nobody trained on."""
    draw = random.Random(seed)
    return [story[: draw.randint(24, 96)] for story in corpus.fables(number, seed=1000 + seed)]


@functools.cache
def characters() -> list[str]:
    return bundle.load(bundle.SHIPPED).characters


def noisy(share: float) -> Callable[[str], str]:
    draw = random.Random(0)
    return lambda text: "".join(
        draw.choice(characters()) if draw.random() < share else each for each in text
    )


def plain_words(text: str) -> str:
    """Return the inner words of a prompt: what is left of it without its capitals and signs."""
    words = [word for word in text.split()[1:-1] if word.isalpha() and word.islower()]
    return " ".join(words) or "the"


def shuffled(text: str) -> str:
    words = text.split()
    random.Random(text).shuffle(words)
    return " ".join(words)


@pytest.fixture(scope="module")
def measures() -> drift.Measures:
    return drift.Measures(bundle.load(bundle.SHIPPED))


@pytest.fixture(scope="module")
def pool(measures: drift.Measures) -> Columns:
    return columns(measures, prompts(1500, seed=0))


def columns(measures: drift.Measures, texts: list[str]) -> Columns:
    return {name: np.array(sample) for name, sample in measures.of(texts).items()}


def alarms(old: Columns, new: Columns, windows: int, rate: float = RATE) -> dict[str, int]:
    """Count in how many windows of `new` each measure alarms, each with a reference of its own."""
    draw = np.random.default_rng(0)
    found = dict.fromkeys([*drift.MEASURES, "any"], 0)
    for _ in range(windows):
        order = draw.permutation(len(old["model"]))
        said = drift.detect(
            {name: column[order[:200]] for name, column in old.items()},  # type: ignore[misc]
            {name: column[order[200:300]] for name, column in new.items()},  # type: ignore[misc]
            rate,
        )
        for each in said:
            found[each.measure] += each.drifted
        found["any"] += any(each.drifted for each in said)
    return found


# --- The test ------------------------------------------------------------------------------------


def test_windows_of_the_same_source_alarm_at_most_at_the_rate(pool: Columns) -> None:
    """Some hundreds of them: `make bench` (`bench/drift.py`) counts 24,000."""
    assert alarms(pool, pool, 300)["any"] <= 300 * RATE


def test_a_reference_that_is_taken_for_the_truth_alarms_too_often(pool: Columns) -> None:
    """That is what the two-sample test is for: the same windows, by a one-sample bootstrap."""
    draw = np.random.default_rng(0)
    column, false = pool["bigram"], 0
    for _ in range(200):
        order = draw.permutation(len(column))
        reference, window = column[order[:50]], column[order[50:150]]
        drawn = window[draw.integers(100, size=(1000, 100))].sum(axis=1)
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [RATE / 2, 1 - RATE / 2])
        truth = reference[:, 0].sum() / reference[:, 1].sum()
        false += not low <= truth <= high
    assert false > 200 * RATE * 5


def test_a_tenth_of_noise_is_seen_in_nearly_every_window(
    measures: drift.Measures, pool: Columns
) -> None:
    make = noisy(0.1)
    changed = columns(measures, [make(text) for text in prompts(1500, seed=0)])
    assert alarms(pool, changed, 50)["any"] >= 49


def test_words_in_another_order_are_seen_by_the_model_and_hardly_by_pairs(
    measures: drift.Measures,
) -> None:
    plain = [plain_words(text) for text in prompts(800, seed=3)]
    old = columns(measures, plain)
    new = columns(measures, [shuffled(text) for text in plain])
    found = alarms(old, new, 50)
    assert found["model"] >= 40
    assert found["bigram"] <= 10


def test_a_source_that_shifts_slowly_is_seen_before_it_has_changed_whole(
    measures: drift.Measures,
) -> None:
    """Windows are held against the first prompts, and not against the windows before them."""
    texts = prompts(1400, seed=4)
    slow = [noisy(0.1 * place / 1400)(text) for place, text in enumerate(texts)]
    measured = measures.of(slow)
    first = {name: sample[:200] for name, sample in measured.items()}
    seen = [
        end
        for end in range(300, 1401, 100)
        if any(
            each.drifted
            for each in drift.detect(
                first, {name: sample[end - 100 : end] for name, sample in measured.items()}, RATE
            )
        )
    ]
    assert seen
    assert seen[0] <= 900


def test_p_values_are_what_they_say() -> None:
    same = [[1.0, 2.0]] * 30
    assert drift.p_value(same[:20], same[20:]) == 1
    assert drift.p_value([[1.0, 1.0]] * 20, [[2.0, 1.0]] * 20) == 1 / (1 + drift.RESAMPLES)
    with pytest.raises(ValueError, match="no story"):
        drift.p_value(same, [])


def stream_alarms(values: Sequence[float]) -> list[int]:
    """Return where river's ADWIN (Bifet and Gavaldà, 2007) sees a change."""
    adwin, seen = ADWIN(), []
    for place, value in enumerate(values):
        adwin.update(value)
        if adwin.drift_detected:
            seen.append(place)
    return seen


def test_river_s_adwin_sees_the_same_worlds_as_changed(
    measures: drift.Measures, pool: Columns
) -> None:
    make = noisy(0.1)
    changed = columns(measures, [make(text) for text in prompts(100, seed=9)])
    column, after = pool["bigram"], changed["bigram"]
    calm = column[:, 0] / column[:, 1]
    assert stream_alarms(calm) == []
    assert drift.detector(column[:200], column[-100:], RATE) is False  # type: ignore[arg-type]
    assert stream_alarms([*calm, *(after[:, 0] / after[:, 1])])
    assert drift.detector(column[:200], after, RATE) is True  # type: ignore[arg-type]


# --- The command ---------------------------------------------------------------------------------


loaded = functools.cache(text.load)


@pytest.fixture
def champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the champion of a new home here. The corpus is read once, for all commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(text, "load", loaded)
    return promoted(tiny_bundle(Path("my_model"), 1))


def log(texts: Sequence[str], version: str, day: int = 1) -> None:
    """Have the log say that a version was asked this, as the service does."""
    start = datetime(2026, 11, day, 9, tzinfo=UTC)
    lines = [
        {
            "time": (start + timedelta(seconds=place)).isoformat(timespec="milliseconds"),
            "event": "request", "id": f"req-{day}-{place}", "code": 200, "key": "k1",
            "version": version, "prompt": text, "text": "",
        }
        for place, text in enumerate(texts)
    ]  # fmt: skip
    path = Path(f".lmops/logs/2026-11-{day:02}.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


SIZES = ("--reference", 60, "--window", 40)


def test_the_command_tells_the_same_source_from_another_and_writes_it_down(champion: str) -> None:
    texts = prompts(140, seed=5)
    log(texts[:100], champion)
    same = asked("drift", *SIZES)
    assert same["drifted"] is False
    make = noisy(0.5)
    log([make(text) for text in texts[100:]], champion, day=2)
    changed = lmops("drift", *SIZES, "--json")
    assert changed.exit_code == 1
    assert json.loads(changed.stdout)["drifted"] is True
    assert "lmops retrain --if-due" in changed.stderr
    *_, first, second = Ledger(Path(".lmops/ledger.jsonl")).entries()
    assert (first.event, first.version, first.details["drifted"]) == ("drift", champion, False)
    assert second.details["drifted"] is True


def test_the_reference_outlives_the_logs_and_holds_no_words(champion: str) -> None:
    texts = prompts(100, seed=6)
    log(texts, champion)
    asked("drift", *SIZES)
    Path(".lmops/logs/2026-11-01.jsonl").unlink()
    log([noisy(0.5)(text) for text in texts[60:]], champion, day=2)
    assert lmops("drift", *SIZES).exit_code == 1
    kept = Path(f".lmops/drift/{champion}.json").read_text()
    assert not any(
        character.isalpha() for character in kept.replace("bigram", "").replace("model", "")
    )


def test_too_few_prompts_tell_nothing(champion: str) -> None:
    log(["日本"] * 7 + prompts(30, seed=7), champion)
    log(prompts(200, seed=8), "another", day=2)
    result = lmops("drift", *SIZES)
    assert result.exit_code == 2
    assert "100 prompts are needed and 30 are there; 7 more have characters" in result.stderr


def test_without_a_champion_there_is_nothing_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = lmops("drift")
    assert result.exit_code == 2
    assert "lmops promote VERSION" in result.stderr


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return False", 0),
        ("return len(window) == 40 and len(reference) == 60 and 0 < rate < 0.01", 1),
        ("return None", 1),
        ("raise NotImplementedError", 1),
        ("return 1 / 0", 1),
    ],
)
def test_a_student_s_detector_takes_the_platform_s_place_and_fails_closed(
    champion: str, body: str, code: int
) -> None:
    log(prompts(100, seed=5), champion)
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}
        for source in (
            'from lmcourse import check\ncheck.lesson("15_live_and_retire")',
            f"def drift_detector(reference, window, rate):\n    {body}",
        )
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    Path("15.ipynb").write_text(json.dumps(notebook))
    assert lmops("drift", *SIZES, "--with", "15.ipynb").exit_code == code


def test_the_lesson_s_own_detector_hears_the_same(champion: str) -> None:
    own = ("--with", COURSE.paths("15_live_and_retire").solved)
    texts = prompts(140, seed=5)
    log(texts[:100], champion)
    assert asked("drift", *SIZES, *own)["drifted"] is False
    make = noisy(0.5)
    log([make(text) for text in texts[100:]], champion, day=2)
    changed = lmops("drift", *SIZES, *own, "--json")
    assert changed.exit_code == 1
    assert "gave no answer" not in changed.stderr
    assert json.loads(changed.stdout)["drifted"] is True

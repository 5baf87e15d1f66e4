"""The gate lets nothing pass that it does not know to be good, and so does a student's own."""

import json
import math
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ops import CHARACTERS, asked, lmops, tiny_bundle

from lmcourse import corpus
from lmops import bundle, evaluate, notebooks
from lmops.gate import SHIPPED, NoObjective, gate, read_objective
from lmops.ledger import Ledger
from lmops.own import NoFunction
from lmops.own_gate import own_gate

METRICS = {"loss": 0.5, "words": 0.9, "by_animal": {"fox": 0.5, "owl": 0.6}}
OBJECTIVE = {
    "loss": {"at_most": 0.6},
    "words": {"at_least": 0.9, "at_most": 1},
    "by_animal": {"at_most": 0.6},
}


# --- The platform's gate ------------------------------------------------------------------------


def test_what_holds_all_rules_passes_and_the_limit_itself_holds() -> None:
    assert gate(METRICS, OBJECTIVE) == []
    assert gate(METRICS | {"never asked": math.nan}, OBJECTIVE) == []


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"loss": 0.6000001}, ["loss: 0.6 is above 0.6"]),
        ({"words": 0.5}, ["words: 0.5 is below 0.9"]),
        ({"words": 1.5}, ["words: 1.5 is above 1"]),
        ({"loss": 2.0, "words": 0.5}, ["loss: 2 is above 0.6", "words: 0.5 is below 0.9"]),
        ({"by_animal": {"fox": 0.5, "owl": 0.7}}, ["by_animal: on owl, 0.7 is above 0.6"]),
        ({"by_animal": {}}, ["by_animal: it was measured on no slice"]),
        *(
            ({"loss": odd}, ["loss: what was measured is no finite number"])
            for odd in (math.nan, -math.inf, math.inf, "0.1", None, True, [0.1], 10**400, 1j)
        ),
        *(
            (
                {"by_animal": {"fox": 0.1, "owl": odd}},
                ["by_animal: on owl, what was measured is no"],
            )
            for odd in (math.nan, "0.1", None, {"deeper": 0.1})
        ),
    ],
)
def test_each_rule_that_does_not_hold_is_a_reason(
    changes: dict[str, Any], reasons: list[str]
) -> None:
    found = gate(METRICS | changes, OBJECTIVE)
    assert len(found) == len(reasons)
    assert all(each.startswith(reason) for each, reason in zip(found, reasons, strict=True))


@pytest.mark.parametrize("name", list(METRICS))
def test_what_was_not_measured_does_not_pass(name: str) -> None:
    left = {other: value for other, value in METRICS.items() if other != name}
    assert gate(left, OBJECTIVE) == [f"{name}: it was not measured"]


@pytest.mark.parametrize(
    "rules",
    [
        None,
        {},
        0.6,
        "at_most 0.6",
        ["at_most"],
        {"at_mots": 0.6},
        {"at_most": 0.6, "below": 1},
        {7: 7},
    ]
    + [{"at_most": limit} for limit in (math.nan, math.inf, "0.6", None, True, [1], 10**400)],
)
def test_a_rule_that_is_not_understood_blocks(rules: Any) -> None:
    assert len(gate(METRICS, OBJECTIVE | {"loss": rules})) == 1


@pytest.mark.parametrize("objective", [{}, None, [], "loss", {"typo": {"at_most": 1}}])
def test_an_objective_that_asks_for_nothing_that_is_there_blocks(objective: Any) -> None:
    assert len(gate(METRICS, objective)) == 1
    assert gate(None, OBJECTIVE) == ["nothing was measured"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no objective"),
        ("- loss", "holds no objective"),
        ("loss: {at_most: 1, at_most: 9}", "stands in it twice"),
        ("loss: {at_most: 1}\nloss: {at_most: 9}", "stands in it twice"),
        ("loss: {at_most: 1", "no YAML"),
        ("!!python/object/apply:os.system ['true']", "no YAML"),
        ("? {a: 1}\n: 2", "no YAML"),
        ("loss: \x00", "no YAML"),
    ],
)
def test_a_file_that_says_nothing_sure_is_no_objective(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "objective.yaml"
    path.write_text(text)
    with pytest.raises(NoObjective, match=said):
        read_objective(path)
    with pytest.raises(NoObjective, match="No such file"):
        read_objective(tmp_path / "none.yaml")


def test_a_number_that_yaml_takes_for_text_blocks(tmp_path: Path) -> None:
    path = tmp_path / "objective.yaml"
    path.write_text("loss: {at_most: 6e-1}")
    assert gate(METRICS, read_objective(path)) == [
        "loss: its limit must be a finite number, and not '6e-1'"
    ]


# --- What is measured ---------------------------------------------------------------------------


def test_the_course_s_objective_asks_for_what_is_measured_and_the_shipped_model_meets_it() -> None:
    shipped = bundle.load(bundle.SHIPPED)
    metrics = evaluate.measure(shipped)
    objective = read_objective(SHIPPED)
    assert objective.keys() == metrics.keys()
    assert gate(metrics, objective) == []
    # Another way to measure, which cuts the text without regard to stories, agrees.
    assert metrics["loss"] == pytest.approx(shipped.metrics["validation_loss"], abs=0.03)
    assert len(metrics["loss_by_animal"]) > 20


def test_a_loss_is_that_of_the_probabilities_one_by_one(tmp_path: Path) -> None:
    import torch

    found = tiny_bundle(tmp_path / "model")
    model = found.model()
    stories = ["A fox sat.", "The owl and the newt ran past the old ferry, twice."]
    context = found.config["context"]
    losses = evaluate.losses(found, model, stories)
    for story, loss in zip(stories, losses, strict=True):
        ids = found.encode(corpus.END + story + corpus.END)
        exact = {}
        for window in (context // 2, context):  # the least and the most that may be read
            nats = 0.0
            for place in range(2, len(ids)):
                begin = max(0, place - window)
                with torch.no_grad():
                    logits = model(torch.tensor([ids[begin:place]]))[0, -1]
                nats -= logits.log_softmax(-1)[ids[place]].item()
            exact[window] = nats
        assert loss == pytest.approx(exact[context], rel=0.02)
        if len(ids) <= context + 1:
            assert loss == pytest.approx(exact[context], rel=1e-5)


def test_a_difference_by_luck_is_not_below_zero_and_a_real_one_is() -> None:
    rng = np.random.default_rng(1)
    sizes = rng.integers(300, 700, 200)
    luck = rng.normal(0, 50, 200)
    luck -= luck.mean()
    assert evaluate.upper_bound(luck, sizes) > 0.005
    assert evaluate.upper_bound(luck - 30, sizes) < 0
    alike = 0.1 * sizes
    assert evaluate.upper_bound(alike, sizes) == pytest.approx(0.1)


def test_ninety_five_percent_are_ninety_five_percent() -> None:
    """The upper end is below the truth in 2.5 % of samples: measured on 300 of them."""
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(300):
        sizes = rng.integers(300, 700, 60)
        missed += evaluate.upper_bound(rng.normal(0.05 * sizes, 20), sizes) < 0.05
    assert missed / 300 < 0.06


def test_a_model_that_cannot_be_measured_says_so(tmp_path: Path) -> None:
    found = tiny_bundle(tmp_path / "model")
    odd = {
        "an error": "raise RuntimeError('no')",
        "a shape": "return super().forward(ids)[:, :, :5]",
        "no number": "return super().forward(ids) * float('nan')",
    }
    for body in odd.values():
        source = f"{found.source}\n\nclass GPT(GPT):\n    def forward(self, ids):\n        {body}\n"
        spoilt = bundle.Bundle(**(vars(found) | {"source": source}))
        with pytest.raises(evaluate.Unmeasurable):
            evaluate.measure(spoilt, stories=10)
    strange = bundle.Bundle(**(vars(found) | {"characters": [*CHARACTERS[:-1], "ß"]}))
    with pytest.raises(evaluate.Unmeasurable, match="does not know the character"):
        evaluate.measure(strange, stories=10)


# --- A student's own gate -----------------------------------------------------------------------


def notebook(path: Path, *cells: str) -> Path:
    setup = 'import math\nfrom lmcourse import check\ncheck.lesson("10_test_and_gate")'
    sources = [setup, *(textwrap.dedent(cell) for cell in cells)]
    found = [{"cell_type": "code", "source": source} for source in sources]
    path.write_text(json.dumps({"cells": found}))
    return path


OWN = """
    %pip install nothing
    HARD = 0.55

    def is_bad(value):
        return not math.isfinite(value) or value > HARD

    def gate(metrics, objective):
        print("looking")
        return [f"{name}: mine says no" for name in objective if is_bad(metrics[name])]
"""


def own(path: Path, *cells: str, seconds: float = 20) -> Any:
    return own_gate(notebooks.read(notebook(path / "10.ipynb", *cells)), seconds)


def test_a_student_s_own_gate_takes_the_platform_s_place(tmp_path: Path) -> None:
    mine = own(tmp_path, OWN, "gate({}, {})", "broken (")
    assert mine({"loss": 0.5}, {"loss": {"at_most": 1}}) == []
    assert mine({"loss": 0.6}, {"loss": {"at_most": 1}}) == ["loss: mine says no"]
    assert mine({"loss": math.nan}, {"loss": {"at_most": 1}}) == ["loss: mine says no"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise NotImplementedError('gate is not written yet')", "is not written yet"),
        ("return metrics['gone']", "KeyError"),
        ("return None", "no list of sentences, but None"),
        ("return True", "no list of sentences, but True"),
        ("return ['a', 1]", "no list of sentences"),
        ("return {1, 2}", "JSON cannot say"),
        ("import os; os._exit(0)", "its cells do not run"),
        ("raise SystemExit(0)", "SystemExit"),
        ("while True: pass", "longer than 2 seconds"),
    ],
)
def test_a_gate_that_gives_no_answer_lets_nothing_pass(
    tmp_path: Path, body: str, said: str
) -> None:
    found = own(tmp_path, f"def gate(metrics, objective):\n    {body}", seconds=2)
    (reason,) = found({"loss": 0.1}, {"loss": {"at_most": 1}})
    assert said in reason


def test_a_notebook_without_a_gate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoFunction, match="defines no function `gate`"):
        own(tmp_path, "def game(): pass")


# --- lmops gate ---------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_measures_decides_and_writes_it_down(here: Path) -> None:
    version = tiny_bundle(here / "my_model").version
    lax, hard = here / "lax.yaml", here / "hard.yaml"
    lax.write_text("loss: {at_most: 9}\nloss_over_champion: {at_most: 0}")
    hard.write_text("loss: {at_most: 0.5}\nknown_words: {at_least: 0.99}")
    passed = asked("gate", "--objective", lax, "--stories", 10)
    assert passed["passed"] is True
    assert passed["version"] == version
    blocked = lmops("gate", "my_model", "--objective", hard, "--stories", 10, "--json")
    assert blocked.exit_code == 1
    assert len(json.loads(blocked.stdout)["reasons"]) == 2
    first, second = Ledger(here / ".lmops" / "ledger.jsonl").entries()
    assert [first.details["passed"], second.details["passed"]] == [True, False]
    assert first.version == second.version == version
    assert first.details["objective"] != second.details["objective"]


def test_the_student_s_gate_stops_the_student_s_model(here: Path) -> None:
    tiny_bundle(here / "my_model")
    lax = here / "lax.yaml"
    lax.write_text("loss: {at_most: 9}")
    notebook(here / "10.ipynb", OWN)
    result = lmops("gate", "--objective", lax, "--stories", 10, "--with", "10.ipynb")
    assert result.exit_code == 1
    assert "- loss: mine says no" in result.stdout


def test_a_model_that_cannot_be_measured_is_blocked_with_a_line(here: Path) -> None:
    found = tiny_bundle(here / "good")
    source = f"{found.source}\n\nclass GPT(GPT):\n    def forward(self, ids):\n        return ids\n"
    bundle.write(
        here / "my_model",
        weights=found.weights,
        config=found.config,
        characters=found.characters,
        metrics=found.metrics,
        source=source,
    )
    result = lmops("gate", "--stories", 10)
    assert result.exit_code == 1
    assert "it cannot be measured: model.py gives no logits" in result.stdout
    assert len(Ledger(here / ".lmops" / "ledger.jsonl").entries()) == 1


def test_wrong_input_is_told_from_a_no(here: Path) -> None:
    tiny_bundle(here / "my_model")
    assert lmops("gate", "--objective", "none.yaml").exit_code == 2
    assert lmops("gate", "--with", "none.ipynb").exit_code == 2
    assert lmops("gate", "no_such_model").exit_code == 1
    assert not (here / ".lmops").exists()
    assert "examples:" in lmops("gate", "--help").stdout

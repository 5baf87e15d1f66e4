"""`lmops gate`: measure a model, and say whether it may go on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lmops.commands.book import open_ledger, read_state
from lmops.commands.common import (
    Function,
    No,
    Wrong,
    answer,
    examples,
    home_option,
    json_option,
    say,
)
from lmops.home import Home

if TYPE_CHECKING:
    from lmops.bundle import Bundle
    from lmops.gate import Gate


def judging_options(function: Function) -> Function:
    """Add to a command what a model is judged by: its `objective`, `notebook` and `stories`."""
    for option in (
        click.option(
            "--stories",
            type=click.IntRange(10),
            metavar="N",
            help="Let the gate read so many of the validation stories.  [default: all]",
        ),
        click.option(
            "--with",
            "notebook",
            type=click.Path(path_type=Path),
            metavar="NOTEBOOK",
            help="Ask your own gate, from your notebook of lesson 10.",
        ),
        click.option(
            "--objective",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="What it must be like.  [default: objective.yaml here, or the course's]",
        ),
    ):
        function = option(function)
    return function


@click.command(
    epilog=examples(
        "lmops gate",
        "lmops gate my_model --objective objective.yaml",
        "lmops gate 3f2a9c01d4e5b678 --objective objective.yaml --with 10_test_and_gate.ipynb",
    )
)
@click.argument("bundle", required=False)
@judging_options
@json_option
@home_option
def gate(
    bundle: str | None,
    objective: Path | None,
    notebook: Path | None,
    stories: int | None,
    as_json: bool,
    home: Home,
) -> None:
    """Measure BUNDLE, a folder or a registered version, and hold it against the objective.

    Exits with 0 if it may go on, and with 1 if not, with all reasons. Either stands in the ledger
    from then on. By default BUNDLE is your own model, in my_model/.
    """
    found = load_bundle(bundle, home)
    said = judge(found, objective, notebook, stories, home)
    data = {"version": found.version, "passed": not said.reasons, **vars(said)}
    shown = [f"{n}: {value:.4g}" for n, value in said.metrics.items() if isinstance(value, float)]
    if said.reasons:
        answer(as_json, data, *shown, *(f"- {each}" for each in said.reasons))
        raise No(f"{found.version} may not go on, by {said.by} (line {said.line} of the ledger).")
    answer(
        as_json,
        data,
        *shown,
        f"{found.version} may go on, by {said.by} (line {said.line} of the ledger)",
        "Next: lmops register --by NAME",
    )


@dataclass(frozen=True)
class Verdict:
    """What a gate said, by which objective, and which line of the ledger has it."""

    reasons: list[str]
    metrics: dict[str, object]
    by: str
    line: int


def judge(
    found: Bundle, objective: Path | None, notebook: Path | None, stories: int | None, home: Home
) -> Verdict:
    """Measure a bundle, have a gate decide, and write it down.

    `objective` is by default objective.yaml here, or the course's; `notebook` one with a gate of
    one's own.
    """
    from lmops import evaluate
    from lmops import gate as gates
    from lmops.state import CHAMPION

    path = objective or _objective()
    try:
        asked = gates.read_objective(path)
    except gates.NoObjective as error:
        raise Wrong(f"{error}\nTo see one: {gates.SHIPPED}") from error
    by = "the course's objective" if path == gates.SHIPPED else str(path)
    decide = _own(notebook) if notebook else gates.gate
    champion = read_state(home).aliases.get(CHAMPION)
    against = None if champion is None else load_bundle(champion, home)
    metrics: dict[str, object] = {}
    try:
        with say.status("Measuring it by the validation stories ..."):
            metrics = evaluate.measure(found, against, stories)
    except evaluate.Unmeasurable as error:
        reasons = [f"it cannot be measured: {error}"]
    else:
        reasons = decide(metrics, asked)
    with open_ledger(home) as ledger:
        line = ledger.append(
            "gate",
            found.version,
            "lmops",
            passed=not reasons,
            reasons=reasons,
            metrics=metrics,
            champion=champion,
            objective=_digest(json.dumps(asked, sort_keys=True, default=str).encode()),
            gate=_digest(notebook.read_bytes()) if notebook else "lmops",
            stories=stories,
        ).number
    return Verdict(reasons, metrics, by, line)


def _objective() -> Path:
    from lmops.gate import SHIPPED

    own = Path("objective.yaml")
    return own if own.is_file() else SHIPPED


def _own(path: Path) -> Gate:
    """Return the gate in a student's notebook."""
    from lmops import notebooks
    from lmops.own import NoFunction
    from lmops.own_gate import own_gate

    try:
        return own_gate(notebooks.read(path))
    except (notebooks.NoNotebook, NoFunction) as error:
        raise Wrong(f"{error}. Name your notebook of lesson 10.") from error


def load_bundle(named: str | None, home: Home) -> Bundle:
    """Return the bundle in a folder, or that of a registered version."""
    from lmops.bundle import BrokenBundle, load, mine

    folder = mine() if named is None else Path(named)
    if named is not None and not folder.exists() and (home.models / named).is_dir():
        folder = home.models / named
    try:
        return load(folder)
    except BrokenBundle as error:
        raise No(f"{error}\nPack it again: lmops pack") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

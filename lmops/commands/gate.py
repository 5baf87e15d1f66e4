"""`lmops gate`: measure a model, and say whether it may go on."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lmops.commands.book import open_ledger, read_state
from lmops.commands.common import (
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


@click.command(
    epilog=examples(
        "lmops gate",
        "lmops gate my_model --objective objective.yaml",
        "lmops gate 3f2a9c01d4e5b678 --objective objective.yaml --with 10_test_and_gate.ipynb",
    )
)
@click.argument("bundle", required=False)
@click.option(
    "--objective",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What it must be like.  [default: objective.yaml here, or the course's]",
)
@click.option(
    "--with",
    "notebook",
    type=click.Path(path_type=Path),
    metavar="NOTEBOOK",
    help="Ask your own gate, from your notebook of lesson 10.",
)
@click.option(
    "--stories",
    type=click.IntRange(10),
    metavar="N",
    help="Read so many of the validation stories.  [default: all]",
)
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
    found = _load(bundle, home)
    champion = read_state(home).aliases.get(CHAMPION)
    against = None if champion is None else _load(champion, home)
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
    data = {"version": found.version, "passed": not reasons, "reasons": reasons, "line": line}
    shown = [f"{name}: {value:.4g}" for name, value in metrics.items() if isinstance(value, float)]
    if reasons:
        answer(as_json, {**data, "metrics": metrics}, *shown, *(f"- {each}" for each in reasons))
        raise No(f"{found.version} may not go on, by {by} (line {line} of the ledger).")
    answer(
        as_json,
        {**data, "metrics": metrics},
        *shown,
        f"{found.version} may go on, by {by} (line {line} of the ledger)",
        "Next: lmops register --by NAME",
    )


def _objective() -> Path:
    from lmops.gate import SHIPPED

    own = Path("objective.yaml")
    return own if own.is_file() else SHIPPED


def _own(path: Path) -> "Gate":
    """Return the gate in a student's notebook."""
    from lmops import notebooks
    from lmops.own import NothingOwn
    from lmops.own_gate import own_gate

    try:
        return own_gate(notebooks.read(path))
    except (notebooks.NoNotebook, NothingOwn) as error:
        raise Wrong(f"{error}. Name your notebook of lesson 10.") from error


def _load(named: str | None, home: Home) -> "Bundle":
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

"""`lmops drift`: whether the champion is still asked what it was asked when it came."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lmops.commands.book import open_ledger, read_state
from lmops.commands.common import No, Wrong, answer, examples, home_option, json_option, say
from lmops.home import Home
from lmops.state import CHAMPION

if TYPE_CHECKING:
    from lmops.drift import Detector, Sample


@click.command(
    epilog=examples(
        "lmops drift",
        "lmops drift --reference 400 --window 200 --rate 0.001",
        "lmops drift --with 15_live_and_retire.ipynb",
    )
)
@click.option(
    "--reference",
    type=click.IntRange(20),
    default=200,
    show_default=True,
    metavar="N",
    help="Compare with its first N prompts.",
)
@click.option(
    "--window",
    type=click.IntRange(10),
    default=100,
    show_default=True,
    metavar="N",
    help="Look at the last N prompts.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.001, 0.2),
    default=0.01,
    show_default=True,
    help="How many of such windows may alarm though nothing has changed.",
)
@click.option(
    "--with",
    "notebook",
    type=click.Path(path_type=Path),
    metavar="NOTEBOOK",
    help="Ask your own detector, from your notebook of lesson 15.",
)
@json_option
@home_option
def drift(
    reference: int, window: int, rate: float, notebook: Path | None, as_json: bool, home: Home
) -> None:
    """Compare what the champion is asked now with what it was asked when it came.

    Exits with 0 if nothing has changed, and with 1 if it has. Either stands in the ledger, where
    `lmops retrain` finds it.
    """
    from lmops import drift as drifts
    from lmops import traffic
    from lmops.bundle import load

    champion = read_state(home).aliases.get(CHAMPION)
    if champion is None:
        raise Wrong("There is no champion to look at. Type: lmops promote VERSION --by NAME")
    own = None if notebook is None else _own(notebook)
    prompts = [one.prompt for one in traffic.answered(home.logs, champion)]
    with say.status("Measuring what it was asked ..."):
        measures = drifts.Measures(load(home.models / champion))
        try:
            before, now = drifts.samples(
                measures, prompts, (reference, window), home.drift / f"{champion}.json"
            )
        except drifts.TooFew as error:
            raise Wrong(
                f"Too few to tell: {error}. Wait for more, or ask for less: "
                "lmops drift --reference N --window N"
            ) from error
        findings = drifts.detect(before, now, rate, own or drifts.detector)
    drifted = any(each.drifted for each in findings)
    told: dict[str, Any] = {
        "drifted": drifted,
        "rate": rate,
        "reference": reference,
        "window": window,
        "findings": [vars(each) for each in findings],
        "detector": hashlib.sha256(notebook.read_bytes()).hexdigest() if notebook else "lmops",
    }
    with open_ledger(home) as ledger:
        line = ledger.append("drift", champion, "lmops", **told).number
    answer(as_json, {"version": champion, "line": line, **told}, *map(str, findings))
    if drifted:
        raise No(
            f"What {champion} is asked has changed (line {line} of the ledger). "
            "Next: lmops retrain --if-due --by NAME"
        )


def _own(path: Path) -> "Detector":
    """Return the detector in a student's notebook. One that gives no answer alarms."""
    from lmops import notebooks
    from lmops.own import NoAnswer, NoFunction, own

    try:
        ask = own(notebooks.read(path), "drift_detector")
    except (notebooks.NoNotebook, NoFunction) as error:
        raise Wrong(f"{error}. Name your notebook of lesson 15.") from error

    def detector(reference: "Sample", window: "Sample", rate: float) -> bool:
        try:
            found = ask(reference, window, rate)
        except NoAnswer as error:
            say.print(f"Your detector gave no answer: {error}", markup=False)
            return True
        if not isinstance(found, bool):
            say.print(f"Your detector says neither True nor False: {found!r:.80}", markup=False)
        return found is not False

    return detector

"""`lmops audit`: whether everything is still what was written down."""

from datetime import UTC, datetime
from pathlib import Path

import click

from lmops import registry
from lmops.commands.common import No, answer, examples, home_option, json_option, say
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.state import fold


@click.command(
    epilog=examples(
        "lmops audit",
        "lmops audit --html audit.html",
        "lmops audit --head 0f343b0931126a20...  # kept elsewhere",
    )
)
@click.option("--head", metavar="HASH", help="The hash of a line, which you kept elsewhere.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page of who did what to which version.",
)
@json_option
@home_option
def audit(head: str | None, html: Path | None, as_json: bool, home: Home) -> None:
    """Check the ledger, every kept bundle, and that MLflow says the same.

    Exits with 1 and names the line that was touched where something is not as it was. The last
    line's hash, which this prints, is worth keeping somewhere else: only with it a ledger is
    found out that was written anew from the beginning, together with MLflow's database.
    """
    from lmops import erase, retire
    from lmops.store import problems as bundle_problems  # with torch

    entries, problems = Ledger(home.ledger).read()
    state = fold(entries)
    problems += state.irregular
    if head and not any(entry.hash.startswith(head.strip().lower()) for entry in entries):
        problems.append(f"no line has the hash {head}: the ledger was written anew since")
    problems += bundle_problems(home.models, list(state.versions), state.kept)
    problems += retire.problems(home, state)
    problems += erase.problems(home, entries)
    with say.status("asking MLflow"):
        problems += registry.differences(home, state)
    if html is not None:
        from lmops.audit_page import audit_page

        html.write_text(audit_page(entries, state, problems, datetime.now(UTC)), "utf-8")
        say.print(f"The page: {html}", markup=False)
    last = entries[-1].hash if entries else None
    summary = {
        "sound": not problems,
        "problems": problems,
        "lines": len(entries),
        "versions": len(state.versions),
        "head": last,
    }
    told = f"lines: {len(entries)}, versions: {len(state.versions)}"
    if problems:
        answer(as_json, summary, *problems)
        raise No(
            f"Not all is as it was written ({told}). To make MLflow anew from a sound ledger: "
            "lmops registry rebuild"
        )
    answer(as_json, summary, f"All is as it was written ({told})", f"head: {last}")

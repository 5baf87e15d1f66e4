"""`lmops models`: which versions are registered, and what holds for each."""

import click
from rich.console import Console
from rich.table import Table

from lmops.commands.book import read_state
from lmops.commands.common import answer, examples, home_option, json_option
from lmops.home import Home
from lmops.state import State


@click.command(epilog=examples("lmops models", "lmops models --json"))
@json_option
@home_option
def models(as_json: bool, home: Home) -> None:
    """List the registered versions, the latest last, and which is champion and challenger."""
    state = read_state(home)
    if as_json:
        rows = [
            {
                "version": one.version,
                "registered_by": one.registered_by,
                "registered_at": one.registered_at,
                "gate": one.verdict,
                "approved_by": one.approved_by,
                "aliases": state.names(one.version),
                "retired": vars(one.retired) if one.retired else None,
                "lineage": one.lineage,
            }
            for one in state.versions.values()
        ]
        answer(True, {"models": rows, "aliases": state.aliases})
    elif state.versions:
        Console(highlight=False).print(table(state))
    else:
        click.echo("No model is registered. Type: lmops register --by NAME")


def table(state: State) -> Table:
    """Return the versions as a table for people."""
    shown = Table("version", "is", "registered", "by", "gate", "approved by", box=None)
    for one in state.versions.values():
        shown.add_row(
            one.version,
            "retired" if one.retired else ", ".join(state.names(one.version)),
            one.registered_at[:16].replace("T", " "),
            one.registered_by,
            one.verdict or "not asked",
            one.approved_by or "nobody",
        )
    return shown

"""`lmops promote`: say which version is the champion, or the challenger."""

import click

from lmops.commands.book import (
    open_ledger,
    person_option,
    refuse_without_right,
    sync_registry,
)
from lmops.commands.common import No, answer, examples, home_option, json_option
from lmops.home import Home
from lmops.state import ALIASES, CHAMPION, fold, no_promotion


@click.command(
    epilog=examples(
        "lmops promote 3f2a9c01d4e5b678 --by bob",
        "lmops promote 3f2a9c01d4e5b678 --as challenger --by bob",
    )
)
@click.argument("version")
@click.option(
    "--as",
    "alias",
    type=click.Choice(ALIASES),
    default=CHAMPION,
    show_default=True,
    help="What it is to be.",
)
@person_option("Who decides it.")
@json_option
@home_option
def promote(version: str, alias: str, by: str, as_json: bool, home: Home) -> None:
    """Make VERSION the champion, which is served, or the challenger, which is to take its place.

    The gate must have let it through, and a champion must be approved. The champion before it stays
    registered: promote it again to go back.
    """
    with open_ledger(home) as ledger:
        state = fold(ledger.entries)
        refuse_without_right(state, by, "promote")
        if problem := no_promotion(state, version, alias):
            raise No(f"{version} does not become {alias}: {problem}")
        before = state.aliases.get(alias)
        if before != version:
            ledger.append("promote", version, by, alias=alias)
    sync_registry(home)
    after = f" (before: {before})" if before and before != version else ""
    answer(
        as_json,
        {"version": version, "alias": alias, "before": before},
        f"{version} is the {alias}{after}",
    )

"""`lmops approve`: somebody else than who registered a version says that it may be served."""

import click

from lmops.commands.book import open_ledger, person_option, sync_registry
from lmops.commands.common import No, answer, examples, home_option, json_option
from lmops.home import Home
from lmops.state import fold, no_approval


@click.command(epilog=examples("lmops models", "lmops approve 3f2a9c01d4e5b678 --by bob"))
@click.argument("version")
@person_option("Who approves it; not who registered it.")
@json_option
@home_option
def approve(version: str, by: str, as_json: bool, home: Home) -> None:
    """Approve VERSION: four eyes must have seen it before it is served.

    The gate must have let it through, and whoever registered it cannot be who approves it.
    """
    with open_ledger(home) as ledger:
        state = fold(ledger.entries)
        if problem := no_approval(state, version, by):
            raise No(f"{version} is not approved: {problem}")
        if state.versions[version].approved_by is None:
            ledger.append("approve", version, by)
    known = sync_registry(home).versions[version]
    answer(
        as_json,
        {"version": version, "approved_by": known.approved_by},
        f"{version} is approved by {known.approved_by}",
        f"next: lmops promote {version} --by {by}",
    )

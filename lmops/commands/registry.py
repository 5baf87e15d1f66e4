"""`lmops registry`: what MLflow shows of the ledger."""

import click

from lmops import registry as mlflow_registry
from lmops.commands.book import read_state
from lmops.commands.common import Wrong, answer, examples, home_option, json_option, say
from lmops.home import Home


@click.group(epilog=examples("lmops registry rebuild"))
def registry() -> None:
    """Look after MLflow's registry, which is made from the ledger."""


@registry.command(epilog=examples("lmops registry rebuild"))
@json_option
@home_option
def rebuild(as_json: bool, home: Home) -> None:
    """Throw MLflow's database away and make it anew from the ledger."""
    read_state(home)
    try:
        with say.status("MLflow makes its database; this takes a few seconds"):
            state = mlflow_registry.rebuild(home)
    except mlflow_registry.OutOfStep as error:
        raise Wrong(f"{error}. To install it: pip install 'lmcourse[ops]'") from error
    answer(
        as_json,
        {"versions": list(state.versions), "aliases": state.aliases},
        f"MLflow has what the ledger says (versions: {len(state.versions)}). To look at it: "
        f"mlflow ui --backend-store-uri sqlite:///{home.registry}",
    )

"""`lmops rollback`: take back what is being rolled out, or go back to the version before."""

import click

from lmops.commands.common import examples, home_option, json_option
from lmops.commands.released import (
    controlling,
    environment_choice,
    environment_of,
    releaser_option,
    tell_outcome,
    told,
)
from lmops.home import Home
from lmops.ledger import Ledger


@click.command(epilog=examples("lmops rollback --to production", "lmops rollback --to staging"))
@click.option("--to", "name", type=environment_choice, required=True, help="Where.")
@releaser_option
@json_option
@home_option
def rollback(name: str, by: str, as_json: bool, home: Home) -> None:
    """Take back what is being rolled out to an environment.

    If nothing is, the version that was live before the one that is comes back, all at once.
    """
    from lmops.release.controller import take_back

    with told():
        before = take_back(Ledger(home.ledger), name, by)
    with controlling(home, name) as controller:
        now = environment_of(home, name)
        ended = None
        if before is not None:
            controller.begin(
                before,
                by,
                strategy="blue-green",
                plan=[],
                limits={},
                replicas=now.replicas,
                bind=now.bind,
                options=now.options,
            )
        # Whoever was at work on what is taken back may have taken it to its end meanwhile.
        if environment_of(home, name).rollout:
            ended = controller.finish()
    tell_outcome(home, name, ended.version if ended else before or "", ended, as_json)

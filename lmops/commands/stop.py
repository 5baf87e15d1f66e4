"""`lmops stop`: end what a rollout started."""

import click

from lmops.commands.book import refuse_without_right
from lmops.commands.common import No, answer, examples, home_option, json_option
from lmops.commands.released import environment_choice, releaser_option, told
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.state import fold


@click.command(epilog=examples("lmops stop staging", "lmops stop production --by bob"))
@click.argument("name", metavar="ENVIRONMENT", type=environment_choice)
@releaser_option
@json_option
@home_option
def stop(name: str, by: str, as_json: bool, home: Home) -> None:
    """End HAProxy and all replicas of ENVIRONMENT. What is under way is answered.

    What was live is remembered: lmops rollback --to ENVIRONMENT brings it back.
    """
    from lmops.release.journal import read
    from lmops.release.site import Site

    site = Site(home, name)
    with told(), site.alone(wait=False) as free:
        if not free:
            raise No(
                f"a rollout to {name} is at work. Take it back first: lmops rollback --to {name}"
            )
        with Ledger(home.ledger).writing() as writer:
            refuse_without_right(fold(writer.entries), by, "stop")
            version = read(writer.entries, name).version
            if read(writer.entries, name).versions:
                writer.append("stop", version, by, to=name)
        site.stop()
    answer(as_json, {"environment": name, "version": version}, f"{name} has ended.")

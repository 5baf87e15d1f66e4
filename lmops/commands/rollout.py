"""`lmops rollout`: bring a version to its users, and take it back if it is worse."""

from pathlib import Path
from typing import Any

import click

from lmops.commands.common import No, examples, home_option, json_option
from lmops.commands.released import (
    PORTS,
    controlling,
    environment_choice,
    environment_of,
    releaser_option,
    tell_outcome,
)
from lmops.home import Home


def _as_shares(context: click.Context, parameter: click.Parameter, text: str) -> list[float]:
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if not shares or any(not 0.1 <= each <= 99 for each in shares) or shares != sorted({*shares}):
        raise click.BadParameter("give percents that rise, from 0.1 to 99, such as 5,10,25,50")
    return shares


@click.command(
    epilog=examples(
        "lmops rollout 3f2a9c01d4e5b678 --to staging --strategy blue-green",
        "lmops rollout 3f2a9c01d4e5b678 --to production",
        "lmops rollout 3f2a9c01d4e5b678 --to production --with 14_release_and_watch.ipynb",
        "lmops rollout 3f2a9c01d4e5b678 --to production --strategy ab --most 20000",
        "lmops rollout 3f2a9c01d4e5b678 --to production -- --rate 100 --burst 200",
    )
)
@click.argument("version")
@click.argument("serve_options", nargs=-1, type=click.UNPROCESSED)
@click.option("--to", "name", type=environment_choice, required=True, help="Where it is to answer.")
@click.option(
    "--strategy",
    type=click.Choice(("canary", "blue-green", "ab")),
    default="canary",
    show_default=True,
    help="A few users first, and more while it is not worse; all at once; half of them, and it "
    "stays if they like it better.",
)
@click.option(
    "--shares",
    default="5,10,25,50",
    show_default=True,
    callback=_as_shares,
    help="How many percent of the users a canary gets, one after the other.",
)
@click.option(
    "--each",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="How many of its requests to see at each share.",
)
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    help="After so many of its requests, what is not shown to be good is taken back.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=60,
    show_default=True,
    help="The same, after so many minutes.",
)
@click.option(
    "--replicas",
    type=click.IntRange(1, 8),
    help="How many processes answer.  [default: as many as now, or 1]",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Where HAProxy listens.  [default: as now, or 8081 for staging, 8080 for production]",
)
@click.option(
    "--with",
    "notebook",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="NOTEBOOK",
    help="Ask your own canary_decision, from your notebook of lesson 14.",
)
@releaser_option
@json_option
@home_option
def rollout(
    version: str,
    serve_options: tuple[str, ...],
    name: str,
    strategy: str,
    shares: list[float],
    each: int,
    most: int,
    minutes: float,
    replicas: int | None,
    port: int | None,
    notebook: Path | None,
    by: str,
    as_json: bool,
    home: Home,
) -> None:
    """Bring VERSION to the users of an environment, behind HAProxy.

    The first one starts HAProxy and the replicas, which go on when the command has ended. A canary
    is held against what is live, on errors, latency and the loss on what users send: it goes on to
    everybody once it is shown not to be worse, or comes back. Each step stands in the ledger before
    it is taken. If the command is killed, type it again: it goes on.

    What stands after -- goes to each `lmops serve`. Exits with 1 if the version was taken back.
    """
    from lmops.release.controller import plan_of
    from lmops.release.decision import AB, CANARY

    limits: dict[str, Any] = {
        "rules": AB if strategy == "ab" else CANARY,
        "most": most,
        "seconds": 60 * minutes,
    }
    ended = None
    with controlling(home, name, notebook) as controller:
        now = environment_of(home, name)
        begun = controller.begin(
            version,
            by,
            strategy=strategy,
            plan=plan_of([50.0] if strategy == "ab" else shares, each),
            limits=limits,
            replicas=replicas or now.replicas,
            bind=f"127.0.0.1:{port}" if port else now.bind or f"127.0.0.1:{PORTS[name]}",
            options=list(serve_options) or now.options,
        )
        if begun:
            ended = controller.finish()
        else:
            controller.mend()
    tell_outcome(home, name, version, ended, as_json)
    if ended and ended.outcome == "rollback":
        raise No(f"{version} was taken back.")

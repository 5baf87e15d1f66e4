"""`lmops scale`: as many replicas as the requests ask for."""

import time
from contextlib import suppress

import click

from lmops.commands.book import read_state, refuse_without_right
from lmops.commands.common import Wrong, answer, examples, home_option, json_option, say
from lmops.commands.released import environment_choice, environment_of, releaser_option, told
from lmops.home import Home
from lmops.ledger import Ledger


@click.command(
    epilog=examples(
        "lmops scale production --least 1 --most 4",
        "lmops scale production --most 2 --seconds 600 --json",
    )
)
@click.argument("name", metavar="ENVIRONMENT", type=environment_choice)
@click.option(
    "--least", type=click.IntRange(1, 8), default=1, show_default=True, help="Replicas at least."
)
@click.option(
    "--most", type=click.IntRange(1, 8), default=4, show_default=True, help="Replicas at most."
)
@click.option(
    "--target",
    type=click.FloatRange(min=0, min_open=True),
    default=24,
    show_default=True,
    help="Requests that each should have, those that wait included.",
)
@click.option(
    "--cooldown",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds for which fewer must have been enough.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="How long to watch.  [default: until Ctrl-C]",
)
@releaser_option
@json_option
@home_option
def scale(
    name: str,
    least: int,
    most: int,
    target: float,
    cooldown: float,
    seconds: float | None,
    by: str,
    as_json: bool,
    home: Home,
) -> None:
    """Watch how many requests ENVIRONMENT has, and start and end replicas by it.

    Each change stands in the ledger before it is made.
    """
    from lmops.release.journal import read
    from lmops.release.scaling import Autoscaler, Limits
    from lmops.release.site import Site

    if least > most:
        raise Wrong(f"--least {least} is more than --most {most}")
    site, ledger = Site(home, name), Ledger(home.ledger)
    scaler = Autoscaler(Limits(least, most, target, cooldown))
    end = None if seconds is None else time.monotonic() + seconds
    changes: list[int] = []
    refuse_without_right(read_state(home), by, "scale")
    with told(), suppress(KeyboardInterrupt):
        while end is None or time.monotonic() < end:
            now = environment_of(home, name)
            if now.live is None:
                raise Wrong(f"nothing is live in {name}. Type: lmops rollout VERSION --to {name}")
            queue = site.queue(now.live)
            wanted = scaler.next(now.replicas, queue)
            if wanted != now.replicas:
                with ledger.writing() as writer:
                    if read(writer.entries, name) != now:
                        continue
                    writer.append("scale", now.version, by, to=name, replicas=wanted, queue=queue)
                changes.append(wanted)
                say.print(f"{queue} requests: {wanted} replicas")
            with site.alone(wait=False) as free:
                if free:  # or else a rollout is at work, which sees what is wanted
                    site.make(environment_of(home, name))
            time.sleep(0.5)
    answer(
        as_json,
        {"environment": name, "replicas": environment_of(home, name).replicas, "changes": changes},
        f"{name} has {environment_of(home, name).replicas} replicas",
    )

"""`lmops slices`: whether a model serves some worse than others."""

import click
from rich.console import Console
from rich.table import Table

from lmops.commands.book import open_ledger
from lmops.commands.common import No, Wrong, answer, examples, home_option, json_option, say
from lmops.commands.gate import load_bundle
from lmops.home import Home


@click.command(
    epilog=examples(
        "lmops slices",
        "lmops slices 3f2a9c01d4e5b678 --gap 0.02",
    )
)
@click.argument("bundle", required=False)
@click.option(
    "--gap",
    type=click.FloatRange(min=0),
    default=0.05,
    show_default=True,
    metavar="NATS",
    help="How much worse than the rest a slice may be, in nats per character.",
)
@click.option(
    "--stories",
    type=click.IntRange(10),
    metavar="N",
    help="Read so many of the validation stories.  [default: all]",
)
@json_option
@home_option
def slices(bundle: str | None, gap: float, stories: int | None, as_json: bool, home: Home) -> None:
    """Measure BUNDLE, a folder or a registered version, on the stories of each animal.

    Shows by how much each is served worse than the rest, with what chance may do. Exits with 1 if a
    slice is surely worse by more than the gap. Either stands in the ledger. By default BUNDLE is
    your own model, in my_model/.
    """
    from lmops import slices as measuring
    from lmops.evaluate import Unmeasurable

    found = load_bundle(bundle, home)
    try:
        with say.status("Measuring it on each slice ..."):
            measured = measuring.measure(found, stories)
    except Unmeasurable as error:
        raise Wrong(f"It cannot be measured: {error}") from error
    unfair = [one.name for one in measured if one.unfair(gap)]
    told = {"gap": gap, "stories": stories, "unfair": unfair}
    rows = [vars(one) for one in measured]
    with open_ledger(home) as ledger:
        line = ledger.append("slices", found.version, "lmops", slices=rows, **told).number
    if as_json:
        answer(True, {"version": found.version, "line": line, "slices": rows, **told})
    else:
        table = Table(
            "slice", "stories", "above the floor", "95 %", "gap", "surely within", box=None
        )
        for one in measured:
            table.add_row(
                f"{one.name} !" if one.name in unfair else one.name,
                str(one.stories),
                f"{one.loss:.3f}",
                f"{one.low:.3f} to {one.high:.3f}",
                f"{one.gap:+.3f}",
                f"{one.gap_low:+.3f} to {one.gap_high:+.3f}",
            )
        Console(highlight=False).print(table)
    if unfair:
        raise No(
            f"{found.version} serves {', '.join(unfair)} worse than the rest by more than {gap:g} "
            f"nats per character (line {line} of the ledger)."
        )

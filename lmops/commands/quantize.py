"""`lmops quantize`: a model for machines without torch, stood beside the one it is made of."""

import os
from pathlib import Path
from typing import Any

import click

from lmops.commands.common import No, Wrong, answer, examples, json_option, say

SHOWN = {"bytes": ",.0f", "loss": ".4f", "characters_per_second": ",.0f"}


@click.command(
    epilog=examples(
        "lmops quantize",
        "lmops quantize .lmops/models/3f2a9c01d4e5b678 --out edge",
        "lmops quantize --objective objective.yaml --stories 50",
    )
)
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("my_edge_model"),
    show_default=True,
    metavar="DIR",
    help="Where the int8 model goes; one that is there is replaced.",
)
@click.option(
    "--objective",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What it must be like.  [default: objective.yaml here, or the course's]",
)
@click.option(
    "--stories",
    type=click.IntRange(10),
    metavar="N",
    help="Read so many of the validation stories.  [default: all]",
)
@json_option
def quantize(
    bundle: Path | None, out: Path, objective: Path | None, stories: int | None, as_json: bool
) -> None:
    """Make BUNDLE four times smaller: int8 weights, run by NumPy, without torch.

    Measures both, and holds the small one against the objective as `lmops gate` does, with the full
    one as its champion: how much worse it may be, loss_over_champion says. Exits with 1 if it may
    not go on. By default BUNDLE is your own model, in my_model/.
    """
    # One processor for each: NumPy asks for more as it is imported, and for nothing later.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from lmops import bundle as bundles
    from lmops import edge, evaluate
    from lmops import gate as gates

    own = Path("objective.yaml")
    try:
        asked = gates.read_objective(objective or (own if own.is_file() else gates.SHIPPED))
        full = bundles.load(bundle or bundles.mine())
        small = edge.write(out, full)
    except gates.NoObjective as error:
        raise Wrong(f"{error}\nTo see one: {gates.SHIPPED}") from error
    except bundles.BrokenBundle as error:
        raise Wrong(f"{error}\nPack it again: lmops pack --out my_model") from error
    except FileExistsError as error:
        raise Wrong(str(error)) from error
    both: dict[str, dict[str, Any]] = {}
    try:
        with say.status("Measuring both by the validation stories ..."):
            for name, each, against in (("full", full, None), ("int8", small, full)):
                metrics = evaluate.measure(each, against, stories)
                both[name] = {"bytes": edge.size(each.folder), **metrics}
    except evaluate.Unmeasurable as error:
        raise No(f"it cannot be measured: {error}") from error
    reasons = gates.gate(both["int8"], asked)
    lines = [f"{'':<24}{'full':>12}{'int8':>12}"]
    for measure, form in SHOWN.items():
        cells = "".join(f"{each[measure]:>12{form}}" for each in both.values())
        lines.append(f"{measure:<24}{cells}")
    worse = both["int8"]["loss_over_champion"]
    lines.append(f"int8 loses at most {worse:.4f} nats more, by the 95 % interval")
    answer(
        as_json,
        {"version": small.version, "of": full.version, "reasons": reasons, **both},
        *lines,
        *(f"- {reason}" for reason in reasons),
    )
    if reasons:
        raise No(f"{out} may not go on. {full.folder} is as it was.")
    say.print(f"{out}, version {small.version}. Try it: python {out}/run.py 'Once'", markup=False)

"""`lmops pack`: a student's own model, out of their notebooks."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lmops.commands.common import Wrong, answer, examples, json_option, say

if TYPE_CHECKING:
    from lmops.notebooks import Notebook


@click.command(
    epilog=examples(
        "lmops pack",
        "lmops pack 05_attention.ipynb 06_transformer.ipynb 07_gpt.ipynb",
        "lmops pack notebooks/0[567]*.ipynb --weights gpt-laptop-best.pt --out my_model",
    )
)
@click.argument("notebooks", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("my_model"),
    show_default=True,
    metavar="DIR",
    help="Where the model goes; one that is there is replaced.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What lesson 07 saved, such as gpt-laptop-best.pt; without it, train next.",
)
@json_option
def pack(notebooks: tuple[Path, ...], out: Path, weights: Path | None, as_json: bool) -> None:
    """Make one model of your notebooks 05 to 07.

    Takes your own GPT and all that it needs out of NOTEBOOKS, as they are or as they came back from
    Colab; without any, out of 05_*, 06_* and 07_*.ipynb here or in notebooks/. Each part is tried
    by its exercise's check. Where yours is not right yet the course's is taken, and CARD.md says
    so.
    """
    from lmops import bundle
    from lmops.pack import pack as packed_of

    read = list(_read(notebooks or _found()))
    with say.status("Trying each part by its exercise's check ..."):
        packed = packed_of(read)
    facts = _untrained(packed.source) if weights is None else _trained(packed.source, weights)
    try:
        made = bundle.write(out, source=packed.source, **facts)
    except (bundle.BrokenBundle, FileExistsError) as error:
        raise Wrong(str(error)) from error
    lines = [f"{made.folder}, version {made.version}"]
    lines += [f"  {part:<20} {whose}" for part, whose in packed.parts.items()]
    for part, reason in packed.reasons.items():
        lines.append(f"{part} is the course's, since {reason}")
    following = "lmops gate" if weights else "lmops train --preset laptop"
    lines.append(f"Next: {following}")
    answer(
        as_json,
        {
            "folder": str(made.folder),
            "version": made.version,
            "parts": packed.parts,
            "reasons": packed.reasons,
            "trained": weights is not None,
        },
        *lines,
    )


def _found() -> list[Path]:
    """Return the notebooks that lie where one would look for them."""
    for folder in (Path(), Path("notebooks")):
        found = sorted(folder.glob("0[567]_*.ipynb"))
        if found:
            return found
    raise Wrong(
        "There is no 05_*.ipynb, 06_*.ipynb or 07_*.ipynb here or in notebooks/. Type where yours "
        "are: lmops pack FOLDER/05_attention.ipynb FOLDER/06_transformer.ipynb FOLDER/07_gpt.ipynb"
    )


def _read(paths: Iterable[Path]) -> "Iterable[Notebook]":
    from lmops import notebooks
    from lmops.trial import PARTS

    lessons: dict[str, Path] = {}
    for path in paths:
        try:
            notebook = notebooks.read(path)
        except notebooks.NoNotebook as error:
            raise Wrong(f"{error}. Name your notebooks of lessons 05, 06 and 07.") from error
        if notebook.lesson not in PARTS.values():
            say.print(
                f"{path} is of lesson {notebook.lesson}: nothing of it is needed", style="dim"
            )
            continue
        if notebook.lesson in lessons:
            both = f"{lessons[notebook.lesson]} and {path}"
            raise Wrong(f"{both} are both of lesson {notebook.lesson}. Name the one to take.")
        lessons[notebook.lesson] = path
        for odd in notebook.unread:
            say.print(f"{path}: {odd}", style="yellow", markup=False)
        yield notebook
    if not lessons:
        raise Wrong(
            "None of these is a notebook of lesson 05, 06 or 07. Name at least 07_gpt.ipynb."
        )


def _untrained(source: str) -> dict[str, Any]:
    """Return what a bundle needs of a model that has not been trained."""
    from lmops import text, train

    characters = text.load().characters
    config = train.RECIPES["laptop"].config(len(characters))
    return {
        "weights": train.weights_of(train.fresh(source, config, seed=0)),
        "config": config,
        "characters": characters,
        "metrics": {"corpus": "fables", "steps": 0},
    }


def _trained(source: str, path: Path) -> dict[str, Any]:
    """Return what a bundle needs of the model in lesson 07's checkpoint, judged anew."""
    from lmcourse.corpus import CorpusUnavailable
    from lmops import bundle, checkpoint, soundness, text

    try:
        kept = checkpoint.read(path)
        data = text.load()
        if len(data.characters) != kept.config.get("vocab_size"):
            data = text.load("shakespeare")  # what lesson 07 takes on a GPU
    except (checkpoint.NoCheckpoint, CorpusUnavailable) as error:
        raise Wrong(str(error)) from error
    if len(data.characters) != kept.config.get("vocab_size"):
        raise Wrong(
            f"{path} learnt from a text with {kept.config.get('vocab_size')} characters, which are "
            "neither the fables nor Shakespeare. Leave --weights out, and train it on the fables."
        )
    try:
        known = soundness.weight_shapes(kept.config)
        weights = {name: kept.weights[name] for name in known}
        module = bundle.run(source, "packed")
        model = bundle.with_weights(module.GPT(module.Config(**kept.config)), weights)
    except (TypeError, KeyError, RuntimeError, ValueError) as error:
        raise Wrong(f"{path} does not hold the weights of this GPT: {error}") from error
    with say.status("Judging it by the whole validation text ..."):
        loss = text.evaluate(model, data.validation, kept.config["context"])
    metrics = {
        "corpus": data.corpus,
        "validation_loss": loss,
        "floor": data.floor,
        "steps": kept.step,
    }
    return {
        "weights": weights,
        "config": kept.config,
        "characters": data.characters,
        "metrics": {key: value for key, value in metrics.items() if value is not None},
    }

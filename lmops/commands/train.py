"""`lmops train`: train a packed model, and go on where it was stopped."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from lmops.commands.common import No, Wrong, answer, examples, home_option, json_option, say
from lmops.home import Home

if TYPE_CHECKING:
    from lmops.train import Progress as Done
    from lmops.train import Training, Weights


class _Speed(ProgressColumn):
    """How many tokens are read in a second."""

    def render(self, task: Task) -> Text:
        """Return it in words; nothing before it is known."""
        return Text(f"{task.speed:,.0f} tokens/s" if task.speed else "")


@click.command(
    epilog=examples(
        "lmops train --preset smoke",
        "lmops train --preset laptop",
        "lmops train my_model --preset laptop --seed 1 --json",
    )
)
@click.argument("model", type=click.Path(path_type=Path), default=Path("my_model"))
@click.option(
    "--preset",
    type=click.Choice(["smoke", "laptop"]),
    default="laptop",
    show_default=True,
    help="Seconds, to see that all works; or about five minutes of one core.",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@home_option
@json_option
def train(model: Path, preset: str, seed: int, home: Home, as_json: bool) -> None:
    """Train the packed model, or go on with it.

    MODEL trains from the start, on the fables, as in lesson 07. It is judged and saved ten times on
    the way. If it is stopped, the same command goes on from there, and ends with the same weights.
    The best weights take the place of those in MODEL.
    """
    import torch

    from lmops import bundle, text
    from lmops.train import RECIPES, Diverged, Training

    torch.set_num_threads(1)  # the same sums in the same order, on any machine with this processor
    try:
        packed = bundle.load(model)
    except bundle.BrokenBundle as error:
        raise Wrong(f"{error}\nType first: lmops pack") from error
    recipe = RECIPES[preset]
    data = text.load(stories=recipe.stories)
    training = Training(
        packed.source, recipe.config(len(data.characters)), recipe, data, seed, home.trainings
    )
    begun = training.begun()
    if begun:
        say.print(f"Going on after step {begun:,} of {recipe.steps:,}.")
    try:
        best, now = _watched(training, begun)
    except Diverged as error:
        raise No(f"The training failed: {error}. Look at your model's starting values.") from error
    except KeyboardInterrupt:
        say.print(f"Stopped. The same command goes on after step {training.begun():,}.")
        raise click.exceptions.Exit(130) from None
    made = bundle.write(
        model,
        weights=best,
        config=training.config,
        characters=data.characters,
        source=packed.source,
        metrics={
            "corpus": data.corpus,
            "preset": preset,
            "seed": seed,
            "steps": now.best_step,
            "tokens": now.best_step * recipe.batch * recipe.context,
            "seconds": round(now.seconds, 1),
            "validation_loss": now.best_loss,
            "floor": data.floor,
        },
    )
    training.checkpoint.unlink()
    answer(
        as_json,
        {"folder": str(model), "version": made.version, "metrics": made.metrics},
        f"{model}, version {made.version}: {now.best_loss:.3f} nats per character on the "
        f"validation text, best after step {now.best_step:,}; no model can have less than "
        f"{data.floor:.3f}",
        "Next: lmops gate",
    )


def _watched(training: "Training", begun: int) -> "tuple[Weights, Done]":
    """Run the training under a bar with loss, tokens a second and the time left."""
    recipe = training.recipe
    tokens = recipe.batch * recipe.context
    with Progress(
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("loss {task.fields[loss]:.3f}"),
        _Speed(),
        TimeRemainingColumn(),
        console=say,
    ) as bars:
        bar = bars.add_task("", total=recipe.steps * tokens, completed=begun * tokens, loss=0.0)

        def on_step(done: int, loss: float) -> None:
            bars.update(bar, completed=done * tokens, loss=loss)

        def on_judged(done: int, loss: float) -> None:
            bars.print(f"step {done:,}: {loss:.3f} nats per character on the validation text")

        return training.run(on_step, on_judged)

"""Losses: the ladder of models, how they change in training, one model's on several texts."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from lmcourse.pictures import Picture
from lmcourse.plots.figures import CURVES, GREY, HIGHLIGHT, INK, bars, drawing, end_text

RUNG_DIGITS = 3  # decimals of a loss on the ladder


def ladder(
    losses: Mapping[str, float], floor: float | None = None, floor_error: float = 0.0
) -> Picture:
    """Draw every model's loss on the same validation text, from worst to best.

    Where the floor is known, what is drawn is how far each model is above it, on a log scale: near
    the floor a small step down is a large part of what is left.

    Parameters
    ----------
    losses : name of each model to its loss, in nats per character
    floor : the loss that no model can beat, in nats per character; None if nobody knows it
    floor_error : standard error of `floor`, in nats per character

    Raises
    ------
    ValueError
        If there is no loss, or one that is negative or not finite.
    """
    if not losses:
        raise ValueError('there is no loss to draw; pass at least one, such as {"bigram": 2.4}')
    for name, number in [*losses.items(), ("floor", floor or 0.0), ("floor_error", floor_error)]:
        if not (math.isfinite(number) and number >= 0):
            raise ValueError(
                f"{name} is {number:g} nats per character, but a loss is a finite number, "
                "zero or more; pass the mean of -log(probability) over the validation text"
            )
    rungs = sorted(losses.items(), key=lambda rung: rung[1], reverse=True)
    texts = [f"{name}  {loss:.{RUNG_DIGITS}f}" for name, loss in rungs]
    with drawing(7.5, 1.2 + 0.3 * len(rungs)) as (picture, axes):
        if floor is None:
            bars(axes, [loss for _, loss in rungs], texts, highlight=len(rungs) - 1)
            axes.set_xlabel("loss on validation text (nats per character)")
        else:
            error = f" ± {floor_error:.3f}" if floor_error else ""
            # Below its own error, what is left is not known.
            gaps = [max(loss - floor, floor_error, 0.001) for _, loss in rungs]
            _gaps(axes, gaps, texts)
            texts.append(f"floor  {floor:.3f}{error}")
            axes.set_xlabel(
                f"nats per character above the floor of {floor:.3f}{error}, which none can beat\n"
                "(log scale: equal steps close an equal share of what is left)"
            )
        axes.set_yticks([])
        axes.set_title("Every model so far, from worst to best, on validation text")
        axes.set_ylabel("model")
    # Further digits differ from machine to machine, and later lessons are built from these.
    picture.losses = {name: round(float(loss), RUNG_DIGITS) for name, loss in rungs}
    picture.alt = (
        "Loss on validation text in nats per character, from worst to best: "
        f"{', '.join(' '.join(text.split()) for text in texts)}."
    )
    if floor is not None:
        name, loss = rungs[-1]
        picture.alt += f" {name} is {max(loss - floor, 0):.{RUNG_DIGITS}f} above the floor."
    return picture


def loss_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], floor: float | None = None
) -> Picture:
    """Draw how losses change while models train, with a dot where each curve is lowest.

    A curve whose name begins with "training" is dashed. What differs only in that word, such as
    "training, 20 stories" and "validation, 20 stories", has one colour. Losses that are not finite
    leave a gap.

    Parameters
    ----------
    curves : name of each curve to its steps and its losses there, in nats per character
    floor : the loss that no model can beat, in nats per character; None if nobody knows it

    Raises
    ------
    ValueError
        If there is no curve, or one without a finite loss or with more losses than steps.
    """
    if not curves:
        raise ValueError(
            'there is no curve to draw; pass at least one, such as {"training": (steps, losses)}'
        )
    colours: dict[str, str] = {}
    spoken = []
    with drawing(7.0, 3.6 + 0.25 * (len(curves) // 2)) as (picture, axes):
        for name, (steps, losses) in curves.items():
            values = np.asarray(losses, dtype=float)
            if len(steps) != len(values) or not np.isfinite(values).any():
                raise ValueError(
                    f"{name} has {len(steps)} steps and {len(values)} losses, of which "
                    f"{np.isfinite(values).sum()} are finite; pass one loss for each step, "
                    "and at least one that is finite"
                )
            same = name.removeprefix("training").removeprefix("validation")
            colour = colours.setdefault(same, CURVES[len(colours) % len(CURVES)])
            line = "--" if name.startswith("training") else "-"
            axes.plot(steps, values, line, color=colour, label=name)
            lowest = int(np.nanargmin(np.where(np.isfinite(values), values, np.nan)))
            axes.plot(steps[lowest], values[lowest], "o", color=colour)
            spoken.append(
                f"{name}: {values[0]:.3f} at step {steps[0]:,}, lowest {values[lowest]:.3f} at "
                f"step {steps[lowest]:,}, {values[-1]:.3f} at step {steps[-1]:,}"
            )
        if floor is not None:
            axes.axhline(floor, color=INK, linestyle=":", linewidth=1.5, label="floor")
            spoken.append(f"floor: {floor:.3f}")
        axes.set_xlabel("step")
        axes.set_ylabel("loss (nats per character)")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    picture.alt = f"Loss in nats per character while training. {'; '.join(spoken)}."
    return picture


def held_out(
    losses: Mapping[str, float], floors: Mapping[str, tuple[float, float]] | None = None
) -> Picture:
    """Draw one model's loss on several texts, "validation" and "test", each above its floor.

    Parameters
    ----------
    losses : name of each text to the model's loss on it, in nats per character
    floors : name of each text to the least loss on it and its standard error, in nats per
        character; None if nobody knows them

    Raises
    ------
    ValueError
        If there is no text, or a loss is negative or not finite.
    """
    if not losses or not all(math.isfinite(loss) and loss >= 0 for loss in losses.values()):
        raise ValueError(
            f"the losses are {dict(losses)}, but a picture needs one for each text, finite and "
            'zero or more; pass such as {"validation": 0.43, "test": 0.44}'
        )
    texts = {name: f"{name}  {loss:.{RUNG_DIGITS}f}" for name, loss in losses.items()}
    with drawing(7.5, 1.2 + 0.45 * len(losses)) as (picture, axes):
        axes.barh(range(len(losses)), list(losses.values()), 0.6, color=[GREY, HIGHLIGHT])
        for row, (name, loss) in enumerate(losses.items()):
            if floors:
                floor, error = floors[name]
                texts[name] += f", {loss - floor:.3f} above its floor of {floor:.3f} ± {error:.3f}"
                axes.plot([floor, floor], [row - 0.4, row + 0.4], "--", color=INK, linewidth=1.5)
            end_text(axes, loss, row, texts[name])
        axes.set_xlim(0, max(losses.values()) or 1.0)
        axes.set_ylim(len(losses) - 0.4, -0.6)
        axes.set_yticks([])
        axes.set_title("One model, text by text" + (" (dashed: the floor)" if floors else ""))
        axes.set_xlabel("loss (nats per character)")
        axes.set_ylabel("text")
    picture.alt = (
        f"Loss of one model in nats per character, text by text: {'; '.join(texts.values())}."
    )
    return picture


def _gaps(axes: Axes, gaps: Sequence[float], texts: Sequence[str]) -> None:
    """Draw dots from top to bottom, on a log scale, the last one marked; each has its text."""
    last = len(gaps) - 1
    left = min(0.1, min(gaps) / 1.5)
    for row, (gap, text) in enumerate(zip(gaps, texts, strict=True)):
        colour = HIGHLIGHT if row == last else GREY
        axes.plot([left, gap], [row, row], color=colour, linewidth=2, zorder=1)
        axes.plot(gap, row, "o", color=colour, markersize=8, clip_on=False)
        end_text(axes, gap, row, text, "bold" if row == last else "normal")
    axes.set_xscale("log")
    axes.set_xlim(left, max(*gaps, 2 * left))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(len(gaps) - 0.4, -0.6)

"""The course's pictures: the ladder of models, next characters, pairs, losses, attention.

Every function but `show` returns a `Picture`: leave it as the last value of a cell to see it, or
call `display(picture)`. `plt.show()` does not know it. Its text alternative is `picture.alt`. What
a lesson draws with pyplot itself, `plots.show()` shows alike.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.image import AxesImage
from matplotlib.ticker import LogLocator, NullLocator

from lmcourse.pictures import DPI, Picture, show

__all__ = [
    "Picture",
    "attention_map",
    "bigram_heatmap",
    "drawing",
    "held_out",
    "ladder",
    "loss_curves",
    "next_token_bars",
    "show",
]

HIGHLIGHT = "#0072b2"  # a blue that colour-blind readers tell apart (Okabe and Ito, 2008)
GREY = "#949494"
CURVES = (HIGHLIGHT, "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # same source
INK = "#222222"
# One hue from light to dark reads the same to every eye; its light end is not yet white.
BLUES = LinearSegmentedColormap.from_list("blues", ["#c6dcec", HIGHLIGHT, "#00253d"], N=32)
FADING = LinearSegmentedColormap.from_list("fading", ["white", HIGHLIGHT, "#00253d"], N=32)
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "large",
    "text.color": INK,
    "text.parse_math": False,  # a dollar is a character like any other
    "xtick.color": INK,
    "ytick.color": INK,
}
VISIBLE = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})
SPOKEN = {"\n": "newline", "\t": "tab"}  # Unicode has no names for these
CONTEXT_SHOWN = 32  # characters
RUNG_DIGITS = 3  # decimals of a loss on the ladder
LABEL = 10.0  # points: the name of a row or a column
ROW = 0.15  # inches: a row is as high as its name
LINE = 72  # characters of a text that is drawn letter by letter


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
            _bars(axes, [loss for _, loss in rungs], texts, highlight=len(rungs) - 1)
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


def next_token_bars(
    probs: torch.Tensor, chars: Sequence[str], context: str = "", top: int = 12
) -> Picture:
    """Draw the most likely next characters and their probabilities.

    Parameters
    ----------
    probs : (V,) probability of each character of `chars` to come next
    chars : the V characters; spaces and newlines are drawn as ␣ and ⏎
    context : the text that came before; its end stands in the title
    top : how many characters to draw

    Raises
    ------
    ValueError
        If `probs` is not one probability per character, or they do not sum to one.
    """
    values = _array(probs)
    if values.shape != (len(chars),):
        raise ValueError(
            f"probs has shape {values.shape}, but there are {len(chars)} characters; pass one row "
            f"of probabilities, of shape ({len(chars)},), and the characters it was made with"
        )
    # Half precision rounds a sum by up to about a hundredth.
    if not (values.min() >= 0 and abs(values.sum() - 1) < 0.02):
        raise ValueError(
            f"probs has values from {values.min():g} to {values.max():g} and sums to "
            f"{values.sum():g}, but probabilities are zero or more and sum to one; "
            "pass softmax(logits), or counts divided by their sum"
        )
    if top < 1:
        raise ValueError(f"top is {top}, which leaves nothing to draw; pass 1 or more")
    order, rest = np.split(np.argsort(-values, kind="stable"), [top])
    label = "probability"
    if len(rest):
        label += f"  ({len(rest)} others together: {_probability(values[rest].sum())})"
    texts = [_probability(values[index]) for index in order]
    with drawing(5.5, 1.2 + 0.28 * len(order)) as (picture, axes):
        _bars(axes, values[order].tolist(), texts, highlight=0)
        names = [chars[index].translate(VISIBLE) for index in order]
        axes.set_yticks(range(len(order)), names, family="monospace", size="large")
        axes.tick_params("y", length=0)
        axes.set_xlabel(label)
        axes.set_ylabel("next character")
        if context:
            axes.set_title(f"after “{_end(context)}”", family="monospace")
        else:
            axes.set_title("Most likely next characters")
    spoken = (f"{_spoken(chars[index])} {text}" for index, text in zip(order, texts, strict=True))
    after = f" after {context[-CONTEXT_SHOWN:]!r}" if context else ""
    picture.alt = f"Most likely next characters{after}, with probabilities: {', '.join(spoken)}."
    return picture


def bigram_heatmap(table: torch.Tensor, chars: Sequence[str]) -> Picture:
    """Draw how often, or how likely, each character follows each other, on a log scale.

    Parameters
    ----------
    table : (V, V) counts, or probabilities whose rows sum to one; row: first character, column:
        next character
    chars : the V characters; spaces and newlines are drawn as ␣ and ⏎

    Raises
    ------
    ValueError
        If `table` is not V by V, has a negative value or one that is not finite, or is all zero.
    """
    values = _array(table)
    V = len(chars)
    if values.shape != (V, V):
        raise ValueError(
            f"table has shape {values.shape}, but there are {V} characters; pass a table of shape "
            f"({V}, {V}) and the characters it was made with"
        )
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise ValueError(
            f"table has a value that is not finite in the row of {chars[row]!r}; a row of zeros "
            "divided by its sum does that: add a small number to every count first"
        )
    if values.min() < 0 or values.max() == 0:
        raise ValueError(
            f"table has values from {values.min():g} to {values.max():g}, but a log scale needs "
            "counts or probabilities that are zero or more, and not all zero; "
            "pass the counts of a text, or exp(log-probabilities)"
        )
    are_probabilities = bool(np.allclose(values.sum(axis=1), 1, atol=0.02))
    unit = "probability of the next character" if are_probabilities else "count of the pair"
    never = bool((values == 0).any())
    lowest, highest = values[values > 0].min(), values.max()
    decade = math.floor(math.log10(lowest))
    norm = LogNorm(10.0**decade, 10.0 ** max(decade + 1, math.ceil(math.log10(highest))))
    side = max(3.0, ROW * V)
    with drawing(side + 1.7, side + 0.6) as (picture, axes):
        image = axes.imshow(values, norm=norm, cmap=BLUES, interpolation="nearest")
        names = [char.translate(VISIBLE) for char in chars]
        axes.set_xticks(range(V), names, family="monospace", size=LABEL)
        axes.set_yticks(range(V), names, family="monospace", size=LABEL)
        axes.tick_params(length=0, pad=2)
        axes.spines[:].set_visible(True)
        axes.set_xlabel("next character")
        axes.set_ylabel("first character")
        bar = picture.colorbar(image, shrink=0.7, format="%g")
        bar.set_label(f"{unit} (log scale{'; white: never' if never else ''})")
    first, second = (int(index) for index in np.unravel_index(values.argmax(), values.shape))
    largest = _probability(highest) if are_probabilities else f"{highest:.12g}"
    picture.alt = (
        f"Heat map of {V} by {V} pairs of characters, {unit}: the largest, {largest}, is "
        f"{_spoken(chars[first])} followed by {_spoken(chars[second])}; "
        f"{(values == 0).mean():.0%} of the pairs are zero."
    )
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
            _end_text(axes, loss, row, texts[name])
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


def attention_map(
    weights: torch.Tensor, queries: str, keys: str, top: float | None = None
) -> Picture:
    """Draw how much each query looks at each key; a single query is drawn over the keys' text.

    Parameters
    ----------
    weights : (T, S) attention weights; row: query, column: key; each row sums to one
    queries : the T characters that look; spaces and newlines are drawn as ␣ and ⏎
    keys : the S characters that are looked at
    top : the weight that is darkest, so that two pictures can be compared; else the largest one

    Raises
    ------
    ValueError
        If `weights` is not T by S, or a row is negative somewhere or does not sum to one.
    """
    values = _array(weights)
    T, S = len(queries), len(keys)
    if values.shape != (T, S) or not values.size:
        raise ValueError(
            f"weights has shape {values.shape}, but there are {T} queries and {S} keys; pass one "
            "row of weights for each character that looks, with one weight for each character "
            "that is looked at, and at least one of both"
        )
    wrong = ~((values >= 0).all(axis=1) & (np.abs(values.sum(axis=1) - 1) < 0.02))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"the weights of query {row} go from {values[row].min():g} to {values[row].max():g} "
            f"and sum to {values[row].sum():g}, but weights are zero or more and sum to one over "
            "the keys; pass softmax(scores), taken over the last dimension after masking"
        )
    if T == 1:
        return _attention_over_text(values[0], queries, keys, top)
    with drawing(max(3.0, ROW * S) + 1.7, max(2.4, ROW * T) + 0.6) as (picture, axes):
        shown = np.ma.masked_equal(values, 0.0)
        image = axes.imshow(shown, vmin=0, vmax=top, cmap=BLUES, interpolation="nearest")
        for text, set_ticks in ((keys, axes.set_xticks), (queries, axes.set_yticks)):
            names = [char.translate(VISIBLE) for char in text]
            set_ticks(range(len(text)), names, family="monospace", size=LABEL)
        axes.tick_params(length=0, pad=2)
        axes.spines[:].set_visible(True)
        axes.set_xlabel("key: the position that is looked at")
        axes.set_ylabel("query: the position that looks")
        _weight_bar(picture, image, " (white: zero)" if (values == 0).any() else "")
    query, key = (int(index) for index in np.unravel_index(values.argmax(), values.shape))
    picture.alt = (
        f"Map of attention, {T} queries by {S} keys: the largest weight, "
        f"{_probability(values.max())}, is that of query {query}, {_spoken(queries[query])}, on "
        f"key {key}, {_spoken(keys[key])}; {(values == 0).mean():.0%} of the weights are zero."
    )
    return picture


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Picture, Axes]]:
    """Give a white figure of `width` by `height` inches, whatever style the notebook has set."""
    with style.context(["default", STYLE]):
        picture = Picture(figsize=(width, height), dpi=DPI, layout="constrained")
        yield picture, picture.add_subplot()
        picture.draw_without_rendering()  # makes what is left to make, in this style


def _bars(axes: Axes, lengths: Sequence[float], texts: Sequence[str], highlight: int) -> None:
    """Draw bars from top to bottom, each with its text to the right of it."""
    rows = range(len(lengths))
    axes.barh(rows, lengths, 0.7, color=[HIGHLIGHT if row == highlight else GREY for row in rows])
    for row, length, text in zip(rows, lengths, texts, strict=True):
        weight = "bold" if row == highlight else "normal"
        _end_text(axes, length, row, text, weight)
    axes.set_xlim(0, max(lengths) or 1.0)
    axes.set_ylim(len(lengths) - 0.4, -0.6)


def _gaps(axes: Axes, gaps: Sequence[float], texts: Sequence[str]) -> None:
    """Draw dots from top to bottom, on a log scale, the last one marked; each has its text."""
    last = len(gaps) - 1
    left = min(0.1, min(gaps) / 1.5)
    for row, (gap, text) in enumerate(zip(gaps, texts, strict=True)):
        colour = HIGHLIGHT if row == last else GREY
        axes.plot([left, gap], [row, row], color=colour, linewidth=2, zorder=1)
        axes.plot(gap, row, "o", color=colour, markersize=8, clip_on=False)
        _end_text(axes, gap, row, text, "bold" if row == last else "normal")
    axes.set_xscale("log")
    axes.set_xlim(left, max(*gaps, 2 * left))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(len(gaps) - 0.4, -0.6)


def _attention_over_text(
    values: npt.NDArray[np.float64], query: str, keys: str, top: float | None
) -> Picture:
    """Draw the text of `keys`, each character on a field as dark as its weight in `values` (S,)."""
    # A line ends behind its last space, or at a newline; a longer word is cut.
    lines = re.findall(rf"[^\n]{{0,{LINE - 1}}}(?:\s|$)|[^\n]{{{LINE}}}", keys)
    lines = [line for line in lines if line]
    fields = np.zeros((len(lines), max(map(len, lines))))
    width, height = 0.11 * fields.shape[1] + 1.7, max(1.6, 0.22 * len(lines) + 0.6)
    with drawing(width, height) as (picture, axes):
        start = 0
        for row, line in enumerate(lines):
            fields[row, : len(line)] = values[start : start + len(line)]
            start += len(line)
            for column, char in enumerate(line):
                color = "white" if fields[row, column] > 0.4 * (top or values.max()) else INK
                look = {"color": color, "family": "monospace", "ha": "center", "va": "center"}
                axes.text(column, row, char.replace("\n", "⏎"), look)
        image = axes.imshow(fields, cmap=FADING, vmin=0, vmax=top, aspect="auto")
        image.set_interpolation("nearest")
        axes.set_axis_off()
        axes.set_title(f"Where “{query.translate(VISIBLE)}” looks")
        _weight_bar(picture, image)
    best = [int(index) for index in np.argsort(-values, kind="stable")[:3]]
    spoken = (
        f"{_probability(values[index])} on {_spoken(keys[index])}"
        + (f" after {keys[max(0, index - 8) : index]!r}" if index else " at the start")
        for index in best
    )
    picture.alt = (
        f"Attention of {_spoken(query)} over {len(keys)} characters, the largest weights: "
        f"{', '.join(spoken)}."
    )
    return picture


def _weight_bar(picture: Picture, image: AxesImage, note: str = "") -> None:
    picture.colorbar(image, shrink=0.9).set_label(f"weight{note}")


def _end_text(axes: Axes, x: float, row: int, text: str, weight: str = "normal") -> None:
    axes.annotate(
        text, (x, row), xytext=(7, 0), textcoords="offset points", va="center", weight=weight
    )


def _array(tensor: torch.Tensor) -> npt.NDArray[np.float64]:
    array: npt.NDArray[np.float64] = torch.as_tensor(tensor).detach().cpu().double().numpy()
    return array


def _probability(value: float) -> str:
    return "<0.001" if 0 < value < 0.0005 else f"{value:.3f}"


def _end(context: str) -> str:
    shown = context[-CONTEXT_SHOWN:].translate(VISIBLE)
    return f"…{shown}" if len(context) > CONTEXT_SHOWN else shown


def _spoken(char: str) -> str:
    """Return a name that a screen reader says, where the character itself is silent."""
    if char.isalnum() or len(char) != 1:
        return char
    return SPOKEN.get(char) or unicodedata.name(char, repr(char)).lower()

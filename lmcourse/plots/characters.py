"""Characters: which come next, which pairs there are, which look at which."""

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.colors import LogNorm
from matplotlib.image import AxesImage

from lmcourse.pictures import Picture
from lmcourse.plots.figures import (
    BLUES,
    FADING,
    INK,
    VISIBLE,
    array,
    bars,
    drawing,
    probability,
    spoken_name,
)

CONTEXT_SHOWN = 32  # characters
LABEL = 10.0  # points: the name of a row or a column
ROW = 0.15  # inches: a row is as high as its name
LINE = 72  # characters of a text that is drawn letter by letter


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
    values = array(probs)
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
        label += f"  ({len(rest)} others together: {probability(values[rest].sum())})"
    texts = [probability(values[index]) for index in order]
    with drawing(5.5, 1.2 + 0.28 * len(order)) as (picture, axes):
        bars(axes, values[order].tolist(), texts, highlight=0)
        names = [chars[index].translate(VISIBLE) for index in order]
        axes.set_yticks(range(len(order)), names, family="monospace", size="large")
        axes.tick_params("y", length=0)
        axes.set_xlabel(label)
        axes.set_ylabel("next character")
        if context:
            axes.set_title(f"after “{_end(context)}”", family="monospace")
        else:
            axes.set_title("Most likely next characters")
    spoken = (
        f"{spoken_name(chars[index])} {text}" for index, text in zip(order, texts, strict=True)
    )
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
    values = array(table)
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
    largest = probability(highest) if are_probabilities else f"{highest:.12g}"
    picture.alt = (
        f"Heat map of {V} by {V} pairs of characters, {unit}: the largest, {largest}, is "
        f"{spoken_name(chars[first])} followed by {spoken_name(chars[second])}; "
        f"{(values == 0).mean():.0%} of the pairs are zero."
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
    values = array(weights)
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
        f"{probability(values.max())}, is that of query {query}, {spoken_name(queries[query])}, on "
        f"key {key}, {spoken_name(keys[key])}; {(values == 0).mean():.0%} of the weights are zero."
    )
    return picture


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
        f"{probability(values[index])} on {spoken_name(keys[index])}"
        + (f" after {keys[max(0, index - 8) : index]!r}" if index else " at the start")
        for index in best
    )
    picture.alt = (
        f"Attention of {spoken_name(query)} over {len(keys)} characters, the largest weights: "
        f"{', '.join(spoken)}."
    )
    return picture


def _weight_bar(picture: Picture, image: AxesImage, note: str = "") -> None:
    picture.colorbar(image, shrink=0.9).set_label(f"weight{note}")


def _end(context: str) -> str:
    shown = context[-CONTEXT_SHOWN:].translate(VISIBLE)
    return f"…{shown}" if len(context) > CONTEXT_SHOWN else shown

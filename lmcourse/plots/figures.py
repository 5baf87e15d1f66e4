"""What all plots have: a white figure, colours and letters, bars with a text beside each."""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from lmcourse.pictures import DPI, Picture

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


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Picture, Axes]]:
    """Give a white figure of `width` by `height` inches, whatever style the notebook has set."""
    with style.context(["default", STYLE]):
        picture = Picture(figsize=(width, height), dpi=DPI, layout="constrained")
        yield picture, picture.add_subplot()
        picture.draw_without_rendering()  # makes what is left to make, in this style


def bars(axes: Axes, lengths: Sequence[float], texts: Sequence[str], highlight: int) -> None:
    """Draw bars from top to bottom, each with its text to the right of it."""
    rows = range(len(lengths))
    axes.barh(rows, lengths, 0.7, color=[HIGHLIGHT if row == highlight else GREY for row in rows])
    for row, length, text in zip(rows, lengths, texts, strict=True):
        weight = "bold" if row == highlight else "normal"
        end_text(axes, length, row, text, weight)
    axes.set_xlim(0, max(lengths) or 1.0)
    axes.set_ylim(len(lengths) - 0.4, -0.6)


def end_text(axes: Axes, x: float, row: int, text: str, weight: str = "normal") -> None:
    """Write a text to the right of where a bar ends."""
    axes.annotate(
        text, (x, row), xytext=(7, 0), textcoords="offset points", va="center", weight=weight
    )


def array(tensor: torch.Tensor) -> npt.NDArray[np.float64]:
    """Return numbers that matplotlib can draw, wherever the tensor is."""
    values: npt.NDArray[np.float64] = torch.as_tensor(tensor).detach().cpu().double().numpy()
    return values


def probability(value: float) -> str:
    """Return a probability as it is written beside a bar."""
    return "<0.001" if 0 < value < 0.0005 else f"{value:.3f}"


def spoken_name(char: str) -> str:
    """Return a name that a screen reader says, where the character itself is silent."""
    if char.isalnum() or len(char) != 1:
        return char
    return SPOKEN.get(char) or unicodedata.name(char, repr(char)).lower()

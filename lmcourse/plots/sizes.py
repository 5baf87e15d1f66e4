"""Sizes: how large published models are, and how much they have read."""

from collections.abc import Mapping

from lmcourse.pictures import Picture
from lmcourse.plots.figures import CURVES, HIGHLIGHT, INK, drawing

LEFT = ("GPT-3", "Llama 2 70B", "Llama 3 405B")
"""Models whose names stand to the left, where those of others are to the right."""

HEIGHTS = {"Chinchilla": -6, "Llama 2 70B": 2}
"""By how much a name is moved up, in points, where two are close."""


def sizes(
    published: Mapping[str, tuple[float, float]], mine: tuple[float, float] | None = None
) -> Picture:
    """Draw models by how many numbers they have, and how many tokens they have read.

    Parameters
    ----------
    published : name of each model to its numbers and its tokens
    mine : the same of the reader's own model, or None
    """
    with drawing(7.0, 4.0) as (picture, axes):
        for name, (numbers, tokens) in published.items():
            axes.plot(numbers, tokens, "o", color=HIGHLIGHT)
            if name == "LLaMA 65B":
                continue  # its point lies on Chinchilla's
            axes.annotate(
                "Chinchilla, LLaMA 65B" if name == "Chinchilla" else name,
                (numbers, tokens),
                xytext=(-6 if name in LEFT else 6, HEIGHTS.get(name, -3)),
                textcoords="offset points",
                ha="right" if name in LEFT else "left",
            )
        if mine:
            axes.plot(*mine, "o", color=CURVES[1])
            axes.annotate("this lesson", mine, xytext=(6, -3), textcoords="offset points")
        line = [1e4, 2e12]
        label = "20 tokens for each number (Hoffmann, 2022)"
        axes.plot(line, [20 * numbers for numbers in line], ":", color=INK, label=label)
        axes.set(xscale="log", yscale="log", xlim=(1e4, 1e14))
        axes.set_xlabel("numbers in the model (log scale)")
        axes.set_ylabel("tokens of training text (log scale)")
        axes.set_xticks(
            [1e5, 1e7, 1e9, 1e11], ["100 thousand", "10 million", "1 billion", "100 billion"]
        )
        axes.set_yticks([1e6, 1e9, 1e12], ["1 million", "1 billion", "1 trillion"])
        axes.minorticks_off()
        axes.legend(loc="lower right")
    named = dict(published) | ({"this lesson": mine} if mine else {})
    said = (f"{name} {numbers:.3g} and {tokens:.3g}" for name, (numbers, tokens) in named.items())
    picture.alt = (
        f"Numbers in a model, and tokens that it has read: {'; '.join(said)}. A dotted line "
        "shows 20 tokens for each number."
    )
    return picture

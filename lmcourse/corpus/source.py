"""The fables as a source of text in Shannon's sense: what it says, how likely, how surprising.

Because the grammar that writes the stories is known, so is its entropy, and with it the loss
that no language model can beat. Shannon (1951), "Prediction and Entropy of Printed English", had
to estimate that number from the guesses of people; here it is a sum.
"""

import math
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

from . import grammar, words

FABLES_STORIES = 2000
FABLES_SEED = 1
TEST_SEED = 2
END = "\n\n"  # the blank line after each story; no story holds one


def fables(n_stories: int = FABLES_STORIES, seed: int = FABLES_SEED) -> list[str]:
    """Return `n_stories` independent stories; the same ones for the same seed, on any machine."""
    rng = Random(seed)
    return [grammar.sample(words.story(), rng) for _ in range(n_stories)]


def join(stories: Iterable[str]) -> str:
    """Return the stories as one text, each followed by a blank line."""
    return "".join(story + END for story in stories)


def split_stories(text: str) -> list[str]:
    """Return the stories of a text made by `join`; a text cut short ends in part of a story."""
    return [story for story in text.split(END) if story]


def keep_for_test(validation: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the stories to choose models by, and those to judge the last one by, once.

    Fables never run out: all of `validation` stays, and as many new fables are the test. Of any
    other text there is no more than was split, so every second story of `validation` is kept back.
    """
    if validation and log_prob(validation[0]) > -math.inf:
        return list(validation), fables(len(validation), TEST_SEED)
    return list(validation[::2]), list(validation[1::2])


def log_prob(story: str) -> float:
    """Return the natural logarithm of the probability of one story, in nats; `-inf` if it is 0.

    The blank line that follows is certain and costs nothing.
    """
    return grammar.log_prob(words.story(), story)


def story_entropy() -> float:
    """Return the exact entropy of a story, in nats (Shannon 1948)."""
    return grammar.expected(words.story()).nats


def story_length() -> float:
    """Return the exact expected length of a story with its blank line, in characters."""
    return grammar.expected(words.story()).chars + len(END)


def entropy_rate() -> float:
    """Return the floor: the loss that no model can beat on average, in nats per character.

    Stories are independent, so a text of many has the entropy of a story for each expected
    length of one.
    """
    return story_entropy() / story_length()


def memory_value(window: int = 32) -> float:
    """Return what memory beyond the last `window` characters is worth, in nats per character.

    It is the entropy rate of the same grammar with every distant recall drawn afresh, less that
    of the grammar itself. A recall (of a name, a thing, a moral) counts as distant only if no
    story shows anything of the recalled word within the window before it. So this is what a
    model of that context must lose at the very least; in truth it also loses its place in the
    plot.
    """
    afresh = grammar.expected(grammar.forget(words.story(), window))
    return (afresh.nats - story_entropy()) / story_length()


class Floor(NamedTuple):
    """The least loss on given stories, in nats per character."""

    mean: float
    standard_error: float


def floor(stories: Iterable[str]) -> Floor:
    """Return the loss that a perfect model has on these very stories, with its standard error.

    A sample of stories is a little more or less surprising than the source on average, by
    `standard_error`; compare models on this text with `mean`. The mean is a ratio of sums (nats
    over characters, blank lines included), its error the usual one of a ratio estimator (Cochran
    1977, Sampling Techniques, section 6.4).

    Raises
    ------
    ValueError
        If there are fewer than two stories, or one that the grammar cannot make.
    """
    stories = list(stories)
    if len(stories) < 2:
        raise ValueError(f"A floor needs two stories or more, not {len(stories)}.")
    nats = [-log_prob(story) for story in stories]
    for story, cost in zip(stories, nats, strict=True):
        if cost == math.inf:
            raise ValueError(
                f"Not a fable, so its loss has no floor: {story[:60]!r}. "
                "Pass whole, unchanged stories, as split_stories() returns them."
            )
    chars = [len(story) + len(END) for story in stories]
    mean = sum(nats) / sum(chars)
    residuals = sum((n - mean * c) ** 2 for n, c in zip(nats, chars, strict=True))
    n_stories = len(stories)
    return Floor(mean, math.sqrt(residuals * n_stories / (n_stories - 1)) / sum(chars))

"""The texts of the course: fables that it writes itself, and Tiny Shakespeare.

Standard library only, so that a corpus costs nothing to import.
"""

from .source import (
    END,
    FABLES_SEED,
    FABLES_STORIES,
    Floor,
    entropy_rate,
    fables,
    floor,
    join,
    keep_for_test,
    log_prob,
    memory_value,
    split_stories,
    story_entropy,
    story_length,
)
from .tinyshakespeare import CorpusDamaged, CorpusUnavailable, shakespeare

__all__ = [
    "END",
    "FABLES_SEED",
    "FABLES_STORIES",
    "CorpusDamaged",
    "CorpusUnavailable",
    "Floor",
    "entropy_rate",
    "fables",
    "floor",
    "join",
    "keep_for_test",
    "load",
    "log_prob",
    "memory_value",
    "shakespeare",
    "split_stories",
    "story_entropy",
    "story_length",
]


def load(name: str = "fables") -> str:
    """Return a corpus as one text: "fables" (about 1 MB, always the same) or "shakespeare".

    Where Shakespeare cannot be had, says so and returns the fables.

    Raises
    ------
    ValueError
        If there is no corpus of that name.
    """
    if name == "shakespeare":
        try:
            return shakespeare()
        except CorpusUnavailable as error:
            print(f"{error}\nGoing on with the fables instead.")
    elif name != "fables":
        raise ValueError(f'There is no corpus {name!r}. Type "fables" or "shakespeare".')
    return join(fables())

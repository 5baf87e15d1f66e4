"""Whether a model serves some worse than others: its loss on each slice, with what chance may do.

What is hard by nature is no unfairness. Of the fables the source is known, and with it how many
nats each story must cost any model; so the loss that counts there is what the model has above that.

How sure it is, a bootstrap over stories says (Efron, 1979): stories are drawn again, a slice and
the rest together. The interval of each slice's loss is a 95 % one. Those of the gaps to the rest
are so wide that all of them hold at once in 95 % of cases (Bonferroni): among thirty slices, one
would be found unfair by chance otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmcourse import corpus
from lmops import evaluate
from lmops.bundle import Bundle

Floats = npt.NDArray[np.float64]

RESAMPLES = 8000
SURE = 0.95


@dataclass(frozen=True)
class Slice:
    """A slice's loss and its gap to the rest, in nats per character, each with its interval."""

    name: str
    stories: int
    loss: float
    low: float
    high: float
    gap: float
    gap_low: float
    gap_high: float

    def unfair(self, most: float) -> bool:
        """Say whether it is surely served worse than the rest by more than `most`."""
        return self.gap_low > most


def measure(bundle: Bundle, stories: int | None = None) -> list[Slice]:
    """Return the slices of a model's validation stories by their animals, the worst first.

    `stories` is how many of them are read, all if None. An animal with fewer than five is none.

    Raises
    ------
    Unmeasurable
        If the model cannot read them.
    """
    _, validation = evaluate.texts(bundle)
    validation = validation[:stories]
    sizes = np.array([len(story) + len(corpus.END) for story in validation], dtype=float)
    nats = evaluate.losses(bundle, bundle.model(), validation)
    if bundle.metrics.get("corpus") != "shakespeare":
        nats = nats + np.array([corpus.log_prob(story) for story in validation])
    places = evaluate.by_animal(validation)
    return report(
        nats, sizes, {name: at for name, at in places.items() if len(at) >= evaluate.LEAST}
    )


def report(nats: Floats, sizes: Floats, slices: Mapping[str, Sequence[int]]) -> list[Slice]:
    """Return each slice of stories, the one with the largest gap first.

    `nats` (N,) and `sizes` (N,) are those of the stories, `slices` the places of each slice's. One
    that has no story, or all, is left out: it has no rest to be compared with.
    """
    number = len(sizes)
    some = {name: at for name, at in slices.items() if 0 < len(set(at)) < number}
    drawn = np.random.default_rng(0).integers(number, size=(RESAMPLES, number))
    times = np.array([np.bincount(row, minlength=number) for row in drawn], dtype=float)
    all_nats, all_sizes = times @ nats, times @ sizes
    found = []
    tail = (1 - SURE) / 2
    for name, at in some.items():
        inside = np.zeros(number)
        inside[list(at)] = 1
        own_nats, own_sizes = times @ (nats * inside), times @ (sizes * inside)
        whole = (own_sizes > 0) & (own_sizes < all_sizes)  # the others drew none of it, or no rest
        losses = own_nats[whole] / own_sizes[whole]
        rest = (all_nats - own_nats)[whole] / (all_sizes - own_sizes)[whole]
        low, high = np.quantile(losses, [tail, 1 - tail])
        gap_low, gap_high = np.quantile(losses - rest, [tail / len(some), 1 - tail / len(some)])
        loss = (nats @ inside) / (sizes @ inside)
        gap = loss - (nats @ (1 - inside)) / (sizes @ (1 - inside))
        numbers = (loss, low, high, gap, gap_low, gap_high)
        found.append(Slice(name, len(set(at)), *(float(each) for each in numbers)))
    return sorted(found, key=lambda one: -one.gap)

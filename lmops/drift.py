"""Whether what is sent to a model has changed since it came: one source, or two.

Two measures are taken of each story, or prompt: its loss under a table of bigrams, which sees a
change of spelling, and the model's own loss, which sees a change of sense that leaves the pairs of
characters as they were, such as words in another order.

For each the question is whether the two samples, *reference* and *window*, could be one that was
split by chance: so it is split by chance again and again, by whole stories, since the characters of
one story go together (a permutation test: Fisher, 1935; Pitman, 1937). The reference's own error is
in it. To hold the window against the reference as if that were the truth (a one-sample bootstrap)
forgets it, and alarms far too often.

`rate` is the share of windows of the same source that may alarm. The two measures share it
(Bonferroni). The test keeps it over references and windows; but in life one reference meets window
after window, and it may be an unlucky one: so the test is asked at a `MARGIN` below.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmcourse import corpus
from lmops import evaluate
from lmops.bundle import Bundle
from lmops.files import write_whole

Floats = npt.NDArray[np.float64]
Sample = Sequence[Sequence[float]]
"""The stories of a sample by one measure: [nats, characters] each."""

Detector = Callable[[Sample, Sample, float], bool]
"""Says of a reference and a window whether they differ, and is wrong at most at this rate."""

RESAMPLES = 4999
"""Splits by chance: the smallest p-value is 1 in 5,000."""

MARGIN = 2
"""With it, and a reference twice as large as the windows, nine of ten references keep the rate."""

MEASURES = ("bigram", "model")


@dataclass(frozen=True)
class Finding:
    """What one measure says: nats per character in the reference and in the window."""

    measure: str
    reference: float
    window: float
    p_value: float
    drifted: bool

    def __str__(self) -> str:
        said = "drifted" if self.drifted else "no drift"
        return (
            f"{self.measure}: {self.reference:.3f} nats per character, now {self.window:.3f} "
            f"(p = {self.p_value:.4f}): {said}"
        )


def p_value(reference: Sample, window: Sample) -> float:
    """Return how often chance alone splits these stories into two that differ as much.

    What differs is the loss in nats per character. The same for the same stories.
    """
    both = np.array([*reference, *window], dtype=float)
    first = len(reference)
    if first == 0 or first == len(both):
        raise ValueError("a sample has no story")
    nats, sizes = both.T
    chosen = _splits(len(both), first)
    seen = abs(_difference(nats[:first].sum(), sizes[:first].sum(), nats.sum(), sizes.sum()))
    drawn = np.abs(_difference(chosen @ nats, chosen @ sizes, nats.sum(), sizes.sum()))
    # What was seen is itself one of the splits (Phipson and Smyth, 2010).
    return float((1 + (drawn >= seen * (1 - 1e-12)).sum()) / (1 + RESAMPLES))


def _difference(nats: Any, sizes: Any, all_nats: float, all_sizes: float) -> Any:
    """Return how much the rest has more in nats per character than these."""
    return (all_nats - nats) / (all_sizes - sizes) - nats / sizes


@lru_cache(maxsize=4)
def _splits(stories: int, first: int) -> Floats:
    """Return which stories stand in the first part, for each split by chance: (RESAMPLES, N)."""
    random = np.random.default_rng(0)
    order = random.random((RESAMPLES, stories)).argsort(axis=1)
    return (order < first).astype(float)


def detector(reference: Sample, window: Sample, rate: float) -> bool:
    """Say whether the two are of different sources; the platform's own `Detector`."""
    return p_value(reference, window) <= rate


def detect(
    reference: Mapping[str, Sample],
    window: Mapping[str, Sample],
    rate: float,
    decide: Detector = detector,
) -> list[Finding]:
    """Return what each measure says; together they alarm falsely at most at `rate`."""
    return [
        Finding(
            measure,
            _loss(reference[measure]),
            _loss(window[measure]),
            p_value(reference[measure], window[measure]),
            decide(reference[measure], window[measure], rate / len(reference) / MARGIN),
        )
        for measure in reference
    ]


def _loss(sample: Sample) -> float:
    nats, sizes = np.array(sample, dtype=float).T
    return float(nats.sum() / sizes.sum())


# --- The measures -------------------------------------------------------------------------------


class Measures:
    """The two measures of a model: its own loss, and that of bigrams of what it learnt from."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._model = bundle.model()
        self._place = {character: number for number, character in enumerate(bundle.characters)}
        training, _ = evaluate.texts(bundle)
        self._table = self._bigrams(corpus.join(training))

    def readable(self, prompts: Sequence[str]) -> list[str]:
        """Return the prompts that have something in them, and all of whose characters it knows."""
        return [prompt for prompt in prompts if prompt and self._place.keys() >= set(prompt)]

    def of(self, prompts: Sequence[str]) -> dict[str, Sample]:
        """Return both measures of each prompt, [nats, characters]; all must be readable."""
        own = evaluate.losses(self.bundle, self._model, list(prompts), closing="").tolist()
        pairs = [self._nats(corpus.END[-1] + prompt) for prompt in prompts]
        return {
            name: [[n, float(len(prompt))] for n, prompt in zip(nats, prompts, strict=True)]
            for name, nats in {"bigram": pairs, "model": own}.items()
        }

    def _nats(self, text: str) -> float:
        ids = [self._place[character] for character in text]
        return float(self._table[ids[:-1], ids[1:]].sum())

    def _bigrams(self, text: str) -> Floats:
        """Return minus the logarithm of how often each character follows each, (V, V), in nats."""
        ids = np.array([self._place[character] for character in text])
        counts = np.ones((len(self._place),) * 2)
        np.add.at(counts, (ids[:-1], ids[1:]), 1)
        table: Floats = -np.log(counts / counts.sum(axis=1, keepdims=True))
        return table


# --- What a version was asked, and what it is asked now ------------------------------------------


class TooFew(Exception):
    """There are not enough prompts yet to tell; says how many there are."""


def samples(
    measures: Measures, prompts: Sequence[str], sizes: tuple[int, int], kept: Path
) -> tuple[dict[str, Sample], dict[str, Sample]]:
    """Return the reference and the window: the first so many prompts of a version, and the last.

    The reference is kept in the file `kept`, as numbers, so that it outlives the logs and holds
    nobody's words. `prompts` are those that the logs still have, the first one first.

    Raises
    ------
    TooFew
        If the two would overlap.
    """
    first, last = sizes
    readable = measures.readable(prompts)
    reference = _kept(kept, first)
    needed = last + (0 if reference else first)
    if len(readable) < needed:
        odd = len(prompts) - len(readable)
        more = f"; {odd} more have characters that the model does not know" if odd else ""
        raise TooFew(f"{needed} prompts are needed and {len(readable)} are there{more}")
    if reference is None:
        reference = measures.of(readable[:first])
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, json.dumps(reference).encode())
    return reference, measures.of(readable[-last:])


def _kept(path: Path, stories: int) -> dict[str, Sample] | None:
    """Return the reference in a file, if it has so many stories."""
    try:
        reference: dict[str, Sample] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    fits = [*reference] == [*MEASURES] and all(len(s) == stories for s in reference.values())
    return reference if fits else None

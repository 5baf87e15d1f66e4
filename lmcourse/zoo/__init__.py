"""A zoo of small models: sound ones of several kinds, and broken ones that a test must find.

A model, here and wherever tests are written, is what can be called and says how large it is:

    model(ids) -> logits     ids (B, T) int64, logits (B, T, V) float32
    model.vocab_size         V; ids are from 0 to V - 1
    model.context            the longest T; what it says at the end depends on all T characters

    rng = np.random.default_rng(0)
    specimen = zoo.sound("attention", rng)
    specimen = zoo.broken("sees the next character", rng)
    specimen.model(specimen.text[None, :5])

Each is drawn: its sizes, its numbers, and the small language in which its `text` is written, which
a sound model has learnt. So no size and no name tells a sound one from a broken one.
"""

import math
from bisect import bisect
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from lmcourse.zoo.defects import BROKEN, WRONG
from lmcourse.zoo.kinds import SOUND
from lmcourse.zoo.model import Answer, Model, Rng, between, normal

__all__ = ["BROKEN", "SOUND", "Model", "Specimen", "broken", "loss", "sound"]

CHARACTERS = 240
"""The length of a specimen's text."""
MARGIN = 0.3
"""By so many nats a sound model's loss is below ln V, and that of a model that is wrong above."""


@dataclass(frozen=True)
class Specimen:
    """A model of the zoo: its kind, and a text (N,) in the language that it was made for."""

    kind: str
    model: Model
    text: torch.Tensor


def sound(kind: str, rng: Rng) -> Specimen:
    """Draw a sound model of a `kind` in `SOUND`; its loss on its text is well below ln V."""
    while True:
        # Of the past, the pairs know the last character alone.
        V, context = between(rng, 6, 12), 1 if kind == "pairs" else between(rng, 6, 11)
        # How likely each character comes after each other one, as logits: its language.
        pairs = 2.0 * normal(rng, V, V)
        model = _knowing(pairs, SOUND[kind](rng, V, context), context)
        text = _written(rng, pairs)
        if loss(model, text) < math.log(V) - MARGIN:
            return Specimen(kind, model, text)


def broken(kind: str, rng: Rng) -> Specimen:
    """Draw a model that is broken in the way of a `kind` in `BROKEN`, and else like a sound one."""
    kinds = [name for name in SOUND if name != "pairs"]  # it has no past to go wrong about
    while True:
        base = sound(kinds[between(rng, 0, len(kinds) - 1)], rng)
        V, context = base.model.vocab_size, base.model.context
        model = Model(BROKEN[kind](base.model, rng), V, context)
        if kind not in WRONG or loss(model, base.text) > math.log(V) + MARGIN:
            return Specimen(kind, model, base.text)


def loss(model: Model, text: torch.Tensor) -> float:
    """Return the mean loss of `model` on `text` (N,), read in windows of its context, in nats."""
    context = model.context
    count = (len(text) - 1) // context
    x, y = (text[start : start + count * context].view(count, context) for start in (0, 1))
    return float(cross_entropy(model(x).flatten(0, 1), y.flatten()))


def _knowing(pairs: torch.Tensor, more: Answer, context: int) -> Model:
    return Model(lambda ids: pairs[ids] + more(ids), len(pairs), context)


def _written(rng: Rng, pairs: torch.Tensor) -> torch.Tensor:
    """Return a text (CHARACTERS,) whose characters follow each other as `pairs` says."""
    sums = torch.softmax(pairs.double(), dim=1).cumsum(dim=1).tolist()
    text = [between(rng, 0, len(sums) - 1)]
    for draw in rng.random(CHARACTERS - 1).tolist():
        text.append(min(bisect(sums[text[-1]], draw), len(sums) - 1))
    return torch.tensor(text)

"""The text that models train on and are judged by, cut as in lessons 01 and 07."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from lmcourse import corpus


@dataclass(frozen=True)
class Data:
    """A text as places in its vocabulary; `floor` is the loss that no model can beat on it.

    Where nobody knows the source of a text, as Shakespeare's, it has no floor.
    """

    corpus: str
    characters: list[str]
    training: torch.Tensor
    validation: torch.Tensor
    floor: float | None


def load(name: str = "fables", stories: int | None = None, more: Sequence[str] = ()) -> Data:
    """Return a corpus, or its first `stories`, with no story on both sides.

    `more` are stories to train on beside it, of characters that the corpus has.
    The vocabulary is that of the whole corpus, so that models of all presets share it.
    """
    text = corpus.shakespeare() if name == "shakespeare" else corpus.load("fables")
    characters = sorted(set(text))
    place = {character: number for number, character in enumerate(characters)}
    different = list(dict.fromkeys(corpus.split_stories(text)[:stories]))
    random.Random(0).shuffle(different)
    cut = round(0.9 * len(different))

    def ids(part: list[str]) -> torch.Tensor:
        return torch.tensor([place[character] for character in corpus.join(part)])

    validation = different[cut:]
    floor = corpus.floor(validation).mean if name == "fables" else None
    return Data(name, characters, ids([*different[:cut], *more]), ids(validation), floor)


def evaluate(model: nn.Module, ids: torch.Tensor, context: int) -> float:
    """Return the loss on `ids` (N,) in nats per character.

    It is that of the second halves of windows that overlap by half, as in lesson 05.
    """
    half = context // 2
    windows = []
    for text in (ids, ids[half:]):
        rows = (len(text) - 1) // context
        cut = text[: rows * context + 1]
        windows.append((cut[:-1].view(rows, context), cut[1:].view(rows, context)))
    inputs, targets = (torch.cat(part) for part in zip(*windows, strict=True))  # (W, T)
    was_training = model.training
    model.eval()
    total, batch = 0.0, max(1, 4096 // context)
    with torch.no_grad():
        for i in range(0, len(inputs), batch):
            logits = model(inputs[i : i + batch])[:, half:]
            wanted = targets[i : i + batch, half:]
            loss = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum")
            total += loss.item()
    model.train(was_training)
    return total / (len(inputs) * (context - half))

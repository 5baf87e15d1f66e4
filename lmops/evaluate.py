"""What a gate needs to know of a model, measured: never taken from what the bundle says of itself.

`measure` returns, in the form that `lmops.gate` reads:

    loss                    nats per character on the validation stories
    loss_by_animal          the same on the stories of each animal that has at least five
    loss_over_champion      the upper end of the 95 % interval of how much higher it is than the
                            champion's on the same stories (0 where there is no champion)
    known_words             which share of the words that it writes stand in the training stories
    characters_per_second   how many it writes in a second of one processor, without a cache: the
                            service, which has one, writes more
"""

import re
import time
from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from lmcourse import corpus
from lmcourse.corpus import words
from lmops import text
from lmops.bundle import Bundle

Nats = npt.NDArray[np.float64]

BATCH = 32
WRITTEN = 128
"""Characters that are written after each opening."""
OPENING = 32
OPENINGS = 16
LEAST = 5
"""With fewer stories an animal is no slice: its loss would say more of them than of the model."""
RESAMPLES = 4000
ANIMALS = frozenset((*words.WILD_KINDS, *words.MILD_KINDS))


class Unmeasurable(Exception):
    """The model cannot read or write what it is measured with; says why."""


def measure(
    bundle: Bundle, champion: Bundle | None = None, stories: int | None = None
) -> dict[str, Any]:
    """Return what was measured of a bundle, and of how it compares with the champion.

    `stories` is how many of the validation stories are read, all if None. All is done in one
    thread: the numbers are then the same however many processors there are.

    Raises
    ------
    Unmeasurable
        If one of the two cannot be measured.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measure(bundle, champion, stories)
    finally:
        torch.set_num_threads(threads)


def _measure(bundle: Bundle, champion: Bundle | None, stories: int | None) -> dict[str, Any]:
    training, validation = texts(bundle)
    validation = validation[:stories]
    sizes = np.array([len(story) + len(corpus.END) for story in validation])
    model = bundle.model()
    own = losses(bundle, model, validation)
    over = 0.0
    if champion is not None:
        over = upper_bound(own - losses(champion, champion.model(), validation), sizes)
    written, seconds = write(bundle, model, validation)
    known = set(_words(corpus.join(training)))
    wrote = [word for piece in written for word in whole_words(piece)]
    return {
        "loss": float(own.sum() / sizes.sum()),
        "loss_by_animal": {
            animal: float(own[places].sum() / sizes[places].sum())
            for animal, places in sorted(by_animal(validation).items())
            if len(places) >= LEAST
        },
        "loss_over_champion": over,
        "known_words": sum(word in known for word in wrote) / max(1, len(wrote)),
        "characters_per_second": WRITTEN * len(written) / max(seconds, 1e-9),
    }


def texts(bundle: Bundle) -> tuple[list[str], list[str]]:
    """Return the stories that a model trained on, and those that it is judged by."""
    data = text.load("shakespeare" if bundle.metrics.get("corpus") == "shakespeare" else "fables")

    def stories(ids: torch.Tensor) -> list[str]:
        return corpus.split_stories("".join(data.characters[i] for i in ids.tolist()))

    return stories(data.training), stories(data.validation)


def upper_bound(differences: Nats, sizes: npt.NDArray[np.int64]) -> float:
    """Return the upper end of the 95 % interval of a difference in nats per character.

    `differences` are those of single stories, in nats. A bootstrap over stories (Efron, 1979): what
    would the difference be if chance had drawn other ones? Both models read the same story, so that
    what is hard for both is no difference (paired). The same for the same differences.
    """
    drawn = np.random.default_rng(0).integers(len(sizes), size=(RESAMPLES, len(sizes)))
    rates = differences[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return float(np.quantile(rates, 0.975))


def losses(bundle: Bundle, model: nn.Module, stories: list[str], closing: str = corpus.END) -> Nats:
    """Return the loss on each story with its `closing`, a blank line, in nats (N,).

    A story follows on a blank line; one that is not told to its end has `closing=""`. Each
    character is read after at least half a context of its story, or all that came before.
    """
    context = bundle.config["context"]
    stride = max(1, context // 2)
    windows: list[tuple[int, list[int], int]] = []  # story, ids, how many at the end are judged
    for number, story in enumerate(stories):
        ids = encode(bundle, corpus.END + story + closing)
        done = len(corpus.END)
        while done < len(ids):
            end = min(len(ids), max(done + stride, context + 1))
            windows.append((number, ids[max(0, end - context - 1) : end], end - done))
            done = end
    windows.sort(key=lambda window: len(window[1]))
    totals = np.zeros(len(stories))
    for begin in range(0, len(windows), BATCH):
        some = windows[begin : begin + BATCH]
        longest = max(len(ids) for _, ids, _ in some)
        # What is filled up stands after all that is judged, where no model may look.
        filled = torch.tensor([ids + [0] * (longest - len(ids)) for _, ids, _ in some])
        logits = run(model, filled[:, :-1], bundle.config["vocab_size"])
        each = cross_entropy(logits.transpose(1, 2), filled[:, 1:], reduction="none")
        for row, (number, ids, judged) in zip(each, some, strict=True):
            totals[number] += row[len(ids) - 1 - judged : len(ids) - 1].double().sum().item()
    return totals


def by_animal(stories: list[str]) -> dict[str, list[int]]:
    """Return for each animal in which of the stories it comes."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, story in enumerate(stories):
        for animal in ANIMALS.intersection(_words(story)):
            found[animal].append(number)
    return found


def write(bundle: Bundle, model: nn.Module, stories: list[str]) -> tuple[list[str], float]:
    """Return what the model writes after the openings of stories, and the processor's seconds."""
    context = bundle.config["context"]
    openings = [corpus.END + story[: OPENING - len(corpus.END)] for story in stories[:OPENINGS]]
    ids = torch.tensor([encode(bundle, opening) for opening in openings])
    random = torch.Generator().manual_seed(0)
    began = time.process_time()
    for _ in range(WRITTEN):
        logits = run(model, ids[:, -context:], bundle.config["vocab_size"])[:, -1]
        ids = torch.cat([ids, torch.multinomial(logits.softmax(-1), 1, generator=random)], dim=1)
    seconds = time.process_time() - began
    return [bundle.decode(row) for row in ids[:, OPENING:].tolist()], seconds


def whole_words(piece: str) -> list[str]:
    """Return the words of a text that was cut somewhere: less the first and the last."""
    return _words(piece)[1:-1]


def _words(piece: str) -> list[str]:
    return re.findall(r"[A-Za-z]+", piece)


def encode(bundle: Bundle, piece: str) -> list[int]:
    """Return the ids of a text; raise `Unmeasurable` if the model does not know a character."""
    try:
        return bundle.encode(piece)
    except ValueError as error:
        raise Unmeasurable(str(error)) from error


def run(model: nn.Module, ids: torch.Tensor, vocab_size: int) -> torch.Tensor:
    """Return the model's logits (B, T, V); raise `Unmeasurable` unless they are finite ones."""
    try:
        with torch.inference_mode():
            logits = model(ids)
    except Exception as error:
        raise Unmeasurable(f"model.py fails on ids {(*ids.shape,)}: {error}") from error
    shape = (*ids.shape, vocab_size)
    if not isinstance(logits, torch.Tensor) or logits.shape != shape:
        raise Unmeasurable(f"model.py gives no logits of shape {shape} for ids {(*ids.shape,)}")
    if not logits.isfinite().all():
        raise Unmeasurable("model.py gives logits that are no finite numbers")
    return logits

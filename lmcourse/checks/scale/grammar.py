"""A small language whose letters, words and stories are drawn from a seed, and its exact floor.

A story is a row of slots. Each slot takes a word of its class, by the words' own frequencies, or
the word that stood in an earlier slot. So what comes next can be reckoned exactly: of each kind of
story that may still be going on, how likely it is, and which words go on as the text does.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from grader.checks.case import Rng

CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiouy"
CLASSES = (16, 14, 18, 10, 3)
"""How many words each class has: names, deeds, things, kinds, and the small words."""
NAMES, DEEDS, THINGS, KINDS, SMALL = range(len(CLASSES))
KINDS_OF_STORIES = 4
SENTENCES = 3


class Slot(NamedTuple):
    """Where a word stands in a story: from which class, or the word of which slot; what follows."""

    words: int
    same_as: int | None
    end: str


@dataclass(frozen=True)
class Grammar:
    """Words by class, how likely each is there, and the kinds of stories, all equally likely."""

    words: list[list[str]]
    shares: list[list[float]]
    kinds: list[list[Slot]]

    def story(self, rng: Rng) -> str:
        """Return a story, which ends with a line break."""
        told: list[str] = []
        kind = self.kinds[rng.integers(len(self.kinds))]
        for slot in kind:
            if slot.same_as is None:
                chosen = rng.choice(len(self.words[slot.words]), p=self.shares[slot.words])
                told.append(self.words[slot.words][chosen])
            else:
                told.append(told[slot.same_as])
        return "".join(word + slot.end for word, slot in zip(told, kind, strict=True))

    def characters(self) -> list[str]:
        """Return all characters that a story can have, sorted."""
        texts = [word for words in self.words for word in words]
        return sorted({*"".join(texts), *" .\n"})

    def next_probs(self, begun: str, characters: list[str]) -> torch.Tensor:
        """Return how likely each of `characters` comes next in a story that has `begun`: (V,)."""
        after = dict.fromkeys(characters, 0.0)
        for kind in self.kinds:
            weight, rest = 1.0, begun
            told: list[str] = []
            for slot in kind:
                found = self._whole(slot, told, rest)
                if found is None:  # the text ends within this slot
                    for word, share in self._choices(slot, told):
                        text = word + slot.end
                        if text.startswith(rest) and len(text) > len(rest):
                            after[text[len(rest)]] += weight * share
                    break
                word, share = found
                weight *= share
                told.append(word)
                rest = rest[len(word) + len(slot.end) :]
        total = sum(after.values())
        return torch.tensor([after[each] / total for each in characters], dtype=torch.float64)

    def _choices(self, slot: Slot, told: list[str]) -> list[tuple[str, float]]:
        if slot.same_as is not None:
            return [(told[slot.same_as], 1.0)]
        return list(zip(self.words[slot.words], self.shares[slot.words], strict=True))

    def _whole(self, slot: Slot, told: list[str], rest: str) -> tuple[str, float] | None:
        """Return the word that fills the slot, if `rest` holds all of it, and its share."""
        for word, share in self._choices(slot, told):
            if rest.startswith(word + slot.end):
                return word, share
        return None


def draw(rng: Rng) -> Grammar:
    """Return a grammar whose letters, words, frequencies and kinds of stories `rng` draws."""
    consonants = rng.permutation(list(CONSONANTS))[:9]
    vowels = rng.permutation(list(VOWELS))[:4]

    def word(syllables: int) -> str:
        ends = [str(rng.choice(consonants)) if rng.random() < 0.3 else "" for _ in range(syllables)]
        return "".join(f"{rng.choice(consonants)}{rng.choice(vowels)}{end}" for end in ends)

    words: list[list[str]] = []
    known: set[str] = set()
    for number, size in enumerate(CLASSES):
        words.append([])
        while len(words[-1]) < size:
            new = word(1 if number == SMALL else int(rng.integers(2, 4)))
            if new not in known:
                known.add(new)
                words[-1].append(new)
    shares = []
    for size in CLASSES:
        parts = rng.permutation(1 / np.arange(2, size + 2))
        shares.append([float(part) for part in parts / parts.sum()])
    return Grammar(words, shares, [_kind(rng) for _ in range(KINDS_OF_STORIES)])


def _kind(rng: Rng) -> list[Slot]:
    """Return a kind of story: the name and the thing of the first sentence come back later."""
    middle = [DEEDS, SMALL, KINDS, THINGS]
    slots: list[Slot] = []
    for sentence in range(SENTENCES):
        order = [NAMES, *(middle[place] for place in rng.permutation(len(middle)))]
        if sentence:
            order.insert(int(rng.integers(2, len(order))), NAMES)
        for place, words in enumerate(order):
            earlier = [at for at, slot in enumerate(slots) if slot.words == words]
            back = bool(sentence) and words in (NAMES, THINGS)
            last = place == len(order) - 1
            end = " " if not last else ".\n" if sentence == SENTENCES - 1 else ". "
            slots.append(Slot(words, earlier[0] if back else None, end))
    return slots


def loss(truth: torch.Tensor, probs: torch.Tensor) -> float:
    """Return the mean loss of `probs` (N, V), in nats, over all that may come."""
    least = torch.log(probs.double().clamp_min(1e-9))
    return float(-(truth * least).sum(dim=1).mean())


def prefix_of(story: str, rng: Rng) -> str:
    """Return the beginning of a story, cut anywhere before its last character."""
    return story[: int(rng.integers(0, len(story)))]

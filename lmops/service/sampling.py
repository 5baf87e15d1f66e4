"""Draws the next character of many texts at once, each as lesson 07's `sample_token` does."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How daring one text is, as in lesson 07; temperature 0 takes the likeliest, always.

    The same `seed` draws what `sample_token` draws behind `torch.manual_seed(seed)`.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int | None = None


class Sampler:
    """The sampling of each slot, kept as tensors with one number for each of them."""

    def __init__(self, slots: int, vocab_size: int) -> None:
        self.temperature = torch.ones(slots, 1)
        self.greedy = torch.ones(slots, dtype=torch.bool)
        self.top_k = torch.full((slots, 1), vocab_size)
        self.top_p = torch.full((slots, 1), torch.inf)  # infinity where there is none
        self.generators: dict[int, torch.Generator] = {}  # of the slots that have a seed
        self.ranked: set[int] = set()  # the slots for which it matters which are the likeliest
        self.ranks = torch.arange(vocab_size)

    def join(self, slot: int, how: Sampling) -> None:
        """Have the slot drawn as `how` says, from the start of its seed."""
        self.greedy[slot] = how.temperature == 0
        self.temperature[slot] = how.temperature or 1.0
        self.top_k[slot] = len(self.ranks) if how.top_k is None else how.top_k
        self.top_p[slot] = torch.inf if how.top_p >= 1 else how.top_p
        self.leave_ranks(slot)
        if how.temperature > 0 and (how.top_k is not None or how.top_p < 1 or how.seed is not None):
            self.ranked.add(slot)
        if how.seed is not None and how.temperature > 0:
            self.generators[slot] = torch.Generator().manual_seed(how.seed)

    def leave(self, slot: int) -> None:
        """Have the slot cost nothing."""
        self.greedy[slot] = True
        self.leave_ranks(slot)

    def leave_ranks(self, slot: int) -> None:
        """Forget what made the slot's characters be sorted."""
        self.ranked.discard(slot)
        self.generators.pop(slot, None)

    def draw(self, logits: Tensor, drawn: set[int]) -> list[int]:
        """Return a character for each of the first n slots, from `logits` (n, V).

        Only the generators of the slots in `drawn` move on; the others' characters mean nothing.
        """
        n = len(logits)
        likeliest = logits.argmax(1)
        if bool(self.greedy[:n].all()):
            return likeliest.tolist()
        probs = torch.softmax(logits / self.temperature[:n], dim=1)
        # What torch.multinomial does: the largest of p / e, where each e is drawn from Exp(1).
        noise = torch.rand_like(probs).log_().neg_()
        if not self.ranked:
            drawn_places = probs.div_(noise).argmax(dim=1)
            return torch.where(self.greedy[:n], likeliest, drawn_places).tolist()
        probs, order = probs.sort(dim=1, descending=True)
        probs[self.ranks >= self.top_k[:n]] = 0.0
        top_p = self.top_p[:n]
        nucleus = top_p < torch.inf
        if bool(nucleus.any()):
            probs = torch.where(nucleus, probs / probs.sum(dim=1, keepdim=True), probs)
            before = probs.cumsum(dim=1) - probs
            probs[before >= top_p] = 0.0
        for slot, generator in self.generators.items():
            if slot in drawn:
                noise[slot].exponential_(generator=generator)
        ranks = probs.div_(noise).argmax(dim=1, keepdim=True)
        return torch.where(self.greedy[:n], likeliest, order.gather(1, ranks).squeeze(1)).tolist()

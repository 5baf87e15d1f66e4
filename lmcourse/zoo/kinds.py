"""Sound models, of several kinds.

Each function draws what a model adds to the pairs of its language: a function of all characters up
to a place, to none of which it is blind.
"""

import math
from collections.abc import Callable

import torch

from lmcourse.zoo.model import Answer, Ids, Logits, Rng, normal

STRENGTH = 0.4
CHANNELS = 8


def _pairs(rng: Rng, V: int, context: int) -> Answer:
    return lambda ids: torch.zeros(*ids.shape, V)


def _mean(rng: Rng, V: int, context: int) -> Answer:
    """Draw a model of the mean of all characters so far."""
    rows = STRENGTH * 4 * normal(rng, V, V)

    def answer(ids: Ids) -> Logits:
        return rows[ids].cumsum(dim=1) / torch.arange(1, ids.shape[1] + 1)[:, None]

    return answer


def _attention(rng: Rng, V: int, context: int) -> Answer:
    """Draw a model of one layer of causal self-attention (Vaswani and others, 2017)."""
    C = CHANNELS
    tokens, places = normal(rng, V, C), normal(rng, context, C)
    query, key, value = (normal(rng, C, C) / math.sqrt(C) for _ in range(3))
    head = STRENGTH * 3 * normal(rng, C, V) / math.sqrt(C)

    def answer(ids: Ids) -> Logits:
        T = ids.shape[1]
        x = tokens[ids] + places[:T]
        scores = (x @ query) @ (x @ key).transpose(1, 2) / (2 * C)
        unseen = torch.ones(T, T, dtype=torch.bool).triu(1)
        weights = torch.softmax(scores.masked_fill(unseen, -torch.inf), dim=-1)
        return weights @ (x @ value) @ head

    return answer


def _recurrent(rng: Rng, V: int, context: int) -> Answer:
    """Draw a linear recurrent model: its state turns at each character, and forgets nothing."""
    C = CHANNELS
    tokens, head = normal(rng, V, C), STRENGTH * normal(rng, C, V) / 3
    turn = torch.linalg.qr(normal(rng, C, C)).Q

    def answer(ids: Ids) -> Logits:
        state, states = torch.zeros(len(ids), C), []
        for place in range(ids.shape[1]):
            state = state @ turn + tokens[ids[:, place]]
            states.append(state)
        return torch.stack(states, dim=1) @ head

    return answer


def _window(rng: Rng, V: int, context: int) -> Answer:
    """Draw a two-layer network over the last `context` characters (Bengio and others, 2003)."""
    C, hidden = CHANNELS // 2, 24
    tokens = torch.cat([normal(rng, V, C), torch.zeros(1, C)])  # the last one: nothing there
    first = normal(rng, context * C, hidden) / math.sqrt(context * C)
    second = STRENGTH * 2 * normal(rng, hidden, V) / math.sqrt(hidden)

    def answer(ids: Ids) -> Logits:
        before = torch.full((len(ids), context - 1), V)
        windows = torch.cat([before, ids], dim=1).unfold(1, context, 1)  # (B, T, context)
        return torch.tanh(tokens[windows].flatten(2) @ first) @ second

    return answer


def _convolution(rng: Rng, V: int, context: int) -> Answer:
    """Draw a causal convolution as wide as the context: for each distance back its own rows."""
    rows = STRENGTH * normal(rng, context, V, V) / 2

    def answer(ids: Ids) -> Logits:
        T = ids.shape[1]
        back = torch.arange(T)[:, None] - torch.arange(T)  # (T, T) how far back each place is
        added = rows[back.clamp(min=0), ids[:, None, :]]  # (B, T, T, V)
        return (added * (back >= 0)[:, :, None]).sum(dim=2)

    return answer


SOUND: dict[str, Callable[[Rng, int, int], Answer]] = {
    "pairs": _pairs,
    "mean of the past": _mean,
    "attention": _attention,
    "recurrent": _recurrent,
    "window": _window,
    "convolution": _convolution,
}
"""The kinds of sound models: each draws, for V and a context, what it knows beyond the pairs."""

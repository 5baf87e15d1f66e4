"""What a model is to those who test it, and how the zoo draws its numbers."""

from collections.abc import Callable

import numpy as np
import torch

Rng = np.random.Generator
Ids = torch.Tensor
Logits = torch.Tensor
Answer = Callable[[Ids], Logits]


class Model:
    """A function from ids (B, T) to logits (B, T, V), with its sizes; it refuses other ids."""

    def __init__(self, answer: Answer, vocab_size: int, context: int) -> None:
        self._answer = answer
        self.vocab_size = vocab_size
        self.context = context

    def __call__(self, ids: Ids) -> Logits:
        """Return the logits of what follows each of the characters `ids`, (B, T) int64.

        Raises
        ------
        ValueError
            If `ids` has another shape or kind, or is longer than `context`.
        IndexError
            If it holds something else than 0 to `vocab_size - 1`.
        """
        if ids.dtype != torch.int64 or ids.dim() != 2 or 0 in ids.shape:
            raise ValueError(f"ids must be int64 of shape (B, T), not {ids.dtype} {(*ids.shape,)}")
        if ids.shape[1] > self.context:
            raise ValueError(f"{ids.shape[1]} characters are more than the context {self.context}")
        if ids.min() < 0 or ids.max() >= self.vocab_size:
            raise IndexError(f"ids must be from 0 to {self.vocab_size - 1}")
        with torch.no_grad():
            return self._answer(ids)


def between(rng: Rng, low: int, high: int) -> int:
    """Return a number from `low` to `high`, both included."""
    return int(rng.integers(low, high + 1))


def normal(rng: Rng, *shape: int) -> torch.Tensor:
    """Return a float32 tensor of `shape` with standard normal entries."""
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))

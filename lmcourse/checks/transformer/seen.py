"""What is seen of an answer: how far it moved, and what was dropped from it."""

import torch

from grader.checks.case import Rng, normal
from grader.checks.vocabulary import apart


def other_futures(rng: Rng, x: torch.Tensor) -> list[torch.Tensor]:
    """Return x, and for each position but the first a copy that differs from there on."""
    others = []
    for t in range(1, x.shape[1]):
        other = x.clone()
        other[:, t:] = normal(rng, *other[:, t:].shape)
        others.append(other)
    return [x, *others]


def moved(results: list[torch.Tensor]) -> list[float]:
    """Return how far the past of each changed future moved."""
    first, *others = results
    pasts = enumerate(others, start=1)
    return [apart(other[:, :t], first[:, :t]) for t, other in pasts]


def probabilities(rng: Rng) -> list[float]:
    """Return four between 0.1 and 0.5, of all sizes, in random order."""
    return [float(low + rng.uniform(0, 0.1)) for low in rng.permutation([0.1, 0.2, 0.3, 0.4])]


def holes(x: torch.Tensor) -> float:
    """Return the share of zeros in those rows of x (B, 1, C) that are not all zeros."""
    return float((x[~(x == 0).all(dim=-1)] == 0).float().mean())


def extremes(x: torch.Tensor) -> list[float]:
    """Return the smallest and the largest number of x that is not 0."""
    left = x[x != 0]
    return [float(left.min()), float(left.max())]

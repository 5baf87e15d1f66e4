"""What is seen of an answer: how far it moved, and what was dropped from it."""

import math

import torch
from torch import equal

from grader.checks.case import Rng, normal
from grader.checks.vocabulary import apart
from lmcourse.checks.transformer.modules import Weights


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
    """Return four between 0.1 and 0.5, of all sizes, in random order, none of them near a tenth."""
    lowest = rng.permutation([0.13, 0.23, 0.33, 0.43])
    return [float(low + rng.uniform(0, 0.04)) for low in lowest]


def holes(x: torch.Tensor) -> float:
    """Return the share of zeros in those rows of x (B, 1, C) that are not all zeros."""
    return float((x[~(x == 0).all(dim=-1)] == 0).float().mean())


def extremes(x: torch.Tensor) -> list[float]:
    """Return the smallest and the largest number of x that is not 0."""
    left = x[x != 0]
    return [float(left.min()), float(left.max())]


def same_holes(x: torch.Tensor) -> str:
    """Say so if in each text of x (B, 2, C) both positions have their zeros at the same positions.

    Texts of which a position has nothing but zeros tell nothing.
    """
    telling = (x != 0).any(dim=2).all(dim=1)
    first, second = (x[telling] == 0).unbind(dim=1)
    return "they lose the same ones" if torch.equal(first, second) else ""


def odd_start(weights: Weights, shapes: dict[str, list[int]]) -> str:
    """Say what is odd about the starting values of nn.Linear and nn.LayerNorm, if something is.

    An nn.Linear draws its weights between -1 / sqrt(channels) and 1 / sqrt(channels).
    """
    drawn = {name: weights[name] for name in shapes if len(shapes[name]) == 2}
    for name, weight in drawn.items():
        usual = 1 / math.sqrt(3 * weight.shape[1])
        if not 0.8 < float(weight.std()) / usual < 1.2:
            return f"{name} has a spread of {float(weight.std()):.2g}, not {usual:.2g}"
        if twins := [other for other in drawn if other < name and equal(drawn[other], weight)]:
            return f"{twins[0]} and {name} are alike"
    for name in shapes:
        if "norm" in name and not bool((weights[name] == ("weight" in name)).all()):
            return f"{name} is not {'1' if 'weight' in name else '0'}"
    return ""

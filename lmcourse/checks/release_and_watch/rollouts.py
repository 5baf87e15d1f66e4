"""Simulated rollouts: what both versions are really like, and what is seen of them look by look."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from grader.checks.case import Rng
from grader.checks.registry import probe

NOTHING_YET = "continue"


@probe
def ended(
    _: dict[str, Any],
    canary_decision: Callable[..., Any],
    names: list[str],
    sums: torch.Tensor,
    rules: dict[str, Any],
) -> Any:
    """Return for each rollout its first answer that is not "continue", and after how many looks.

    `sums` has shape (rollouts, looks, 2 arms, measures, 3): count, sum, sum of squares.
    """
    said = []
    for looks in sums.tolist():
        answer: Any = None
        seen = 0
        for control, canary in looks:
            seen += 1
            answer = canary_decision(
                dict(zip(names, control, strict=True)), dict(zip(names, canary, strict=True)), rules
            )
            if answer != NOTHING_YET:
                break
        said.append([answer if answer is None else str(answer)[:20], seen])
    return None if all(answer is None for answer, _ in said) else said


@dataclass(frozen=True)
class Version:
    """What a version is really like: its rates of errors and of slow answers, and its loss."""

    errors: float
    slow: float
    loss: float
    spread: float
    """The standard deviation of single losses."""

    def worse(self, measure: str, by: float) -> "Version":
        """Return a version that is worse in one measure."""
        return replace(self, **{measure: getattr(self, measure) + by})


def some_version(rng: Rng) -> Version:
    return Version(
        errors=float(rng.uniform(0.005, 0.03)),
        slow=float(rng.uniform(0.02, 0.1)),
        loss=float(rng.uniform(1.0, 2.0)),
        spread=float(rng.uniform(0.2, 0.4)),
    )


def seen(
    rng: Rng, versions: list[Version], looks: int, each: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return (rollouts, looks, 3 measures, 3 sums), `each` new requests at each look."""
    rates = np.array([[v.errors, v.slow] for v in versions])[:, None, :]
    counts = np.broadcast_to(each[:, None], (len(versions), looks))
    hits = rng.binomial(counts[..., None], np.minimum(rates, 1.0), (len(versions), looks, 2))
    means = np.array([v.loss for v in versions])[:, None]
    spreads = np.array([v.spread for v in versions])[:, None]
    # Of n normal numbers mean and variance are independent of each other.
    total = counts * means + np.sqrt(counts) * spreads * rng.standard_normal(counts.shape)
    squares = total**2 / counts + spreads**2 * rng.chisquare(np.maximum(counts - 1, 1))
    new = np.stack(
        [
            np.stack([counts, hits[..., 0], hits[..., 0]], -1),
            np.stack([counts, hits[..., 1], hits[..., 1]], -1),
            np.stack([counts, total, squares], -1),
        ],
        axis=-2,
    )
    return np.cumsum(new, axis=1)


def played(rng: Rng, pairs: list[tuple[Version, Version]], looks: int, each: int) -> torch.Tensor:
    """Return what is seen of pairs of an old and a new version, as `ended` wants it.

    The old one gets as many requests as the new one, or several times as many.
    """
    more = rng.choice([1, 3, 9], len(pairs))
    control = seen(rng, [old for old, _ in pairs], looks, each * more)
    canary = seen(rng, [new for _, new in pairs], looks, np.full(len(pairs), each))
    return torch.from_numpy(np.stack([control, canary], axis=2))

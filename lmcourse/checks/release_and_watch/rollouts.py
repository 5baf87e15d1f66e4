"""Simulated rollouts: what both versions are really like, and what is seen of them look by look."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.checks.case import Rng
from grader.checks.registry import probe
from grader.checks.student import Student

ANSWERS = ("continue", "promote", "rollback")

Sums = npt.NDArray[np.float64]

Rules = dict[str, Any]

Ends = list[tuple[str, int]]
"""How each rollout ended, and after how many looks."""


@probe
def decisions(
    _: dict[str, Any],
    canary_decision: Callable[..., Any],
    names: list[str],
    sums: Sums,
    rules: Rules,
) -> Any:
    """Return what is said of each rollout, by its place in `ANSWERS`, or 3 for anything else.

    `sums` has shape (rollouts, 2 arms, measures, 3): count, sum, sum of squares.
    """
    said = [
        canary_decision(*(dict(zip(names, arm, strict=True)) for arm in arms), rules)
        for arms in sums.tolist()
    ]
    if all(answer is None for answer in said):
        return None
    places = [ANSWERS.index(each) if each in ANSWERS else len(ANSWERS) for each in said]
    return np.array(places, np.uint8)


def said_of(notebook: Student, names: list[str], sums: Sums, rules: Rules) -> npt.NDArray[np.uint8]:
    """Return what the notebook says of each rollout, as `decisions` does; raise for a None."""
    said = notebook.probe(decisions, notebook.canary_decision, names, sums, rules)
    if said is None:
        raise ValueError("it answers None: is there a return?")
    return np.asarray(said)


def played_out(notebook: Student, names: list[str], sums: Sums, rules: Rules) -> Ends:
    """Return each rollout's first answer that is not "continue", and after how many looks.

    `sums` has shape (rollouts, looks, 2 arms, measures, 3). The judge plays: of what comes later,
    nothing is beside the notebook's code when it decides.
    """
    looks = sums.shape[1]
    ends = [(ANSWERS[0], looks)] * len(sums)
    still = list(range(len(sums)))
    for look in range(looks):
        if not still:
            break
        said = said_of(notebook, names, sums[still, look], rules)
        for rollout, place in zip(still, said.tolist(), strict=True):
            ends[rollout] = ((*ANSWERS, "something else")[place], look + 1)
        still = [rollout for rollout in still if ends[rollout][0] == ANSWERS[0]]
    return ends


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


def seen(rng: Rng, versions: list[Version], looks: int, each: npt.NDArray[np.int64]) -> Sums:
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


def played(rng: Rng, pairs: list[tuple[Version, Version]], looks: int, each: int) -> Sums:
    """Return what is seen of pairs of an old and a new version, as `played_out` wants it.

    The old one gets as many requests as the new one, or several times as many.
    """
    more = rng.choice([1, 3, 9], len(pairs))
    control = seen(rng, [old for old, _ in pairs], looks, each * more)
    canary = seen(rng, [new for _, new in pairs], looks, np.full(len(pairs), each))
    return np.stack([control, canary], axis=2)

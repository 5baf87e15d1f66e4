"""What a decision promises, reckoned exactly: no dice, so no right answer is refused by chance.

The canary's errors are 0 or 1, and the old version's rate is known as good as exactly. Then a
decision is two numbers at each look: from how many errors on it rolls back, and up to how many it
promotes. They are found by halving, since more errors never make a canary better; what chance does
between them is a sum over all counts that may come.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from grader.checks.student import Student
from lmcourse.checks.release_and_watch.rollouts import ANSWERS, Rules, said_of

CERTAIN = 1e7
"""So many requests the old version has had before: its rate is no guess any more."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rollout:
    """A rollout of a version whose one measure is 0 or 1: `each` new requests at each look."""

    measure: str
    rate: float
    """The old version's rate."""
    each: int
    looks: int
    rules: Rules

    @property
    def requests(self) -> Counts:
        """How many requests the canary has had at each look."""
        return self.each * np.arange(1, self.looks + 1)

    def said(self, notebook: Student, hits: Counts) -> npt.NDArray[np.uint8]:
        """Return what the notebook says at each look, with so many hits of the canary."""
        old = np.array([CERTAIN, round(CERTAIN * self.rate), round(CERTAIN * self.rate)])
        new = np.stack([self.requests, hits, hits], -1)
        sums = np.stack([np.broadcast_to(old, new.shape), new], 1)[:, :, None, :]
        return said_of(notebook, [self.measure], sums.astype(float), self.rules)

    def edges(self, notebook: Student) -> "Edges":
        """Return where the notebook's decision changes."""
        back, fine = ANSWERS.index("rollback"), ANSWERS.index("promote")
        beyond = self.requests + 1
        low, rollback = np.full(self.looks, -1), beyond.copy()
        promote, high = np.full(self.looks, -1), beyond.copy()
        for _ in range(int(beyond[-1]).bit_length()):
            middle = (low + rollback) // 2
            yes = self.said(notebook, middle.clip(0)) == back
            low, rollback = np.where(yes, low, middle), np.where(yes, middle, rollback)
            middle = (promote + high) // 2
            yes = self.said(notebook, middle.clip(0)) == fine
            promote, high = np.where(yes, middle, promote), np.where(yes, high, middle)
        return Edges(self.each, rollback.clip(0), promote)


@dataclass(frozen=True)
class Fate:
    """How likely a rollout ends in which way, and how many requests it takes on average."""

    rollback: float
    promote: float
    requests: float


@dataclass(frozen=True)
class Edges:
    """At each look, from how many hits on it is a rollback, and up to how many it promotes."""

    each: int
    rollback: Counts
    promote: Counts

    def fate(self, rate: float) -> Fate:
        """Return what becomes of a canary of this rate."""
        new = range(self.each + 1)
        chances = [comb(self.each, k) * rate**k * (1 - rate) ** (self.each - k) for k in new]
        open_, back, fine, requests = np.ones(1), 0.0, 0.0, 0.0
        for rollback, promote in zip(self.rollback, self.promote, strict=True):
            requests += self.each * float(open_.sum())
            open_ = np.convolve(open_, chances)
            back += float(open_[rollback:].sum())
            open_[rollback:] = 0.0
            fine += float(open_[: promote + 1].sum())
            open_[: promote + 1] = 0.0
        return Fate(back, fine, requests)

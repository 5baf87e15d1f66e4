"""How many replicas there should be, by how many requests are under way or wait.

The rule is that of Kubernetes' horizontal autoscaler: as many as bring what each has to do to the
target, no change for less than a tenth, and down only once all that was recommended in the time to
cool down agrees ("Horizontal Pod Autoscaling", stabilisation window). Up goes at once.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

TOLERANCE = 0.1


@dataclass(frozen=True)
class Limits:
    """From `least` to `most` replicas, each with `target` requests; `cooldown` is in seconds."""

    least: int = 1
    most: int = 4
    target: float = 24.0
    """`lmops serve` writes for 32 at once; whoever comes then waits."""
    cooldown: float = 60.0


def desired_replicas(replicas: int, queue: float, limits: Limits) -> int:
    """Return how many replicas there should be, where `replicas` have `queue` requests in all."""
    right = limits.target * replicas
    close = abs(queue - right) <= TOLERANCE * right
    wanted = replicas if close else math.ceil(queue / limits.target)
    return max(limits.least, min(limits.most, wanted))


class Autoscaler:
    """Asks `desired` again and again, and goes down slowly. `clock` gives seconds."""

    def __init__(
        self,
        limits: Limits,
        desired: Callable[[int, float, Limits], int] = desired_replicas,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._desired = desired
        self._clock = clock
        self._wanted: deque[tuple[float, int]] = deque()

    def next(self, replicas: int, queue: float) -> int:
        """Return how many replicas there should be now."""
        now = self._clock()
        if not self._wanted:  # what was there before it began counts as wanted
            self._wanted.append((now, replicas))
        while self._wanted and self._wanted[0][0] <= now - self._limits.cooldown:
            self._wanted.popleft()
        self._wanted.append((now, self._desired(replicas, queue, self._limits)))
        most = max(wanted for _, wanted in self._wanted)
        return max(self._limits.least, min(self._limits.most, most))

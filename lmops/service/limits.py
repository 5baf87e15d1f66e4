"""How much one may ask: bounds on a request, and on how often a key comes."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What the service takes on. All of it is per request, but for the last four."""

    header_bytes: int = 8 * 1024
    header_seconds: float = 10.0
    body_bytes: int = 64 * 1024
    body_seconds: float = 10.0
    prompt_characters: int = 4096
    max_tokens: int = 1024
    request_seconds: float = 60.0
    rate: float = 20.0
    """Requests a second that a key may send in the long run."""
    burst: int = 40
    """Requests that a key may send at once."""
    at_once: int = 96
    """Requests that may be under way: those that are written, and those that wait for a place."""
    drain_seconds: float = 30.0
    """How long those under way may go on once the service is told to stop."""


class Rates:
    """A token bucket for each key: `rate` requests a second, `burst` at once.

    `clock` gives seconds, as `time.monotonic` does. If it goes back all the same, nobody gains a
    request by it: a bucket fills on once the clock is where it was. There is a bucket for each key
    that was ever let in, so their number is bounded by those who hand out keys.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when they were counted

    def take(self, key: str) -> float:
        """Take a request from the bucket of `key`. Return 0, or the seconds until there is one."""
        now = self._clock()
        tokens, counted = self._buckets.get(key, (float(self._burst), now))
        now = max(now, counted)
        tokens = min(self._burst, tokens + (now - counted) * self._rate)
        if tokens < 1.0:
            self._buckets[key] = tokens, now
            return (1.0 - tokens) / self._rate
        self._buckets[key] = tokens - 1.0, now
        return 0.0

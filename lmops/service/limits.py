"""How much one may ask: bounds on a request, and on how often a key comes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from lmops.service.errors import ApiError


@dataclass(frozen=True)
class Limits:
    """What the service takes on. All of it is per request, but for the last four."""

    header_bytes: int = 8 * 1024
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


def refuse_headers(headers: list[tuple[bytes, bytes]], limits: Limits) -> None:
    """Raise 431 if `headers` are larger than `limits` allow."""
    if sum(len(name) + len(value) for name, value in headers) > limits.header_bytes:
        raise ApiError(
            431, f"send at most {limits.header_bytes} bytes of headers", code="headers_too_large"
        )


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body. Raise 413 as soon as it is too large, 408 if it takes too long.

    What Content-Length says is believed only where it says too much: a body may come in chunks,
    without any length.
    """
    too_large = ApiError(
        413, f"send a body of at most {limits.body_bytes} bytes", code="body_too_large"
    )
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > limits.body_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise too_large
    except TimeoutError:
        seconds = f"{limits.body_seconds:g}"
        raise ApiError(
            408, f"the body did not come within {seconds} seconds", code="body_timeout"
        ) from None
    return bytes(body)

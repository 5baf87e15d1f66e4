"""What the pages of the service share: who asks, whether there is room, what is loaded."""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request

from lmops.service.ended import Ended
from lmops.service.engine import Engine
from lmops.service.errors import ApiError
from lmops.service.keys import BadKey, Key, Keys
from lmops.service.limits import Limits, Rates
from lmops.service.log import Log
from lmops.service.metrics import Metrics


@dataclass
class Service:
    """The parts of a running service, and whether it is about to stop."""

    engine: Engine
    keys: Keys
    log: Log
    ended: Ended
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    draining: bool = False

    def __post_init__(self) -> None:
        """Begin to count."""
        self.metrics = Metrics(self.engine, self.log)
        self.rates = Rates(self.limits.rate, self.limits.burst, self.clock)

    def admit(self, request: Request, scope: str) -> Key:
        """Return who asks. Raise 401, 403, 429, or 503 if the keys cannot be read.

        A key that cannot be looked up is not let in: when in doubt, nobody is.
        """
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        challenge = {"www-authenticate": "Bearer"}
        if kind.lower() != "bearer" or not token:
            raise ApiError(
                401,
                "send your key, as in: Authorization: Bearer lm_...",
                code="missing_api_key",
                headers=challenge,
            )
        try:
            key = self.keys.authenticate(token.strip())
        except BadKey as error:
            raise ApiError(401, str(error), code="invalid_api_key", headers=challenge) from None
        except sqlite3.Error as error:
            request.state.record["error"] = str(error)
            raise ApiError(
                503, "the keys cannot be read just now", code="keys_unavailable", retry_after=1
            ) from None
        request.state.record["key"] = key.id
        wait = self.rates.take(key.id)
        if wait:
            raise ApiError(
                429,
                f"this key may send {self.limits.rate:g} requests a second; wait {wait:.1f} s",
                code="rate_limit_exceeded",
                retry_after=wait,
            )
        if scope not in key.scopes:
            raise ApiError(403, f"this key has no scope '{scope}'", code="insufficient_scope")
        return key

    def unready(self) -> list[str]:
        """Return why no requests should be sent here; nothing if they may be."""
        reasons = ["about to stop"] if self.draining else []
        if self.ended.retired(self.engine.version):
            reasons.append("its version was retired")
        if self.log.trouble is not None:
            reasons.append(f"the log cannot be written: {self.log.trouble}")
        try:
            self.keys.count()
        except sqlite3.Error as error:
            reasons.append(f"the keys cannot be read: {error}")
        return reasons

    def require_room(self) -> None:
        """Raise 503 if the service is stopping, or too many wait already."""
        if self.draining:
            raise draining()
        if self.engine.running + self.engine.waiting >= self.limits.at_once:
            raise ApiError(
                503, "too many requests wait; ask again soon", code="overloaded", retry_after=1
            )


def draining() -> ApiError:
    """Return what a server that is about to stop answers."""
    return ApiError(
        503,
        "this server is about to stop; ask again, and another one answers",
        code="draining",
        retry_after=1,
        headers={"connection": "close"},
    )

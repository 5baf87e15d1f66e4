"""What every request passes: it gets an id, is timed, counted and logged, whatever happens."""

import asyncio
import random
import re
import string
import time
import traceback
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lmops.privacy import redact
from lmops.service.engine import Engine
from lmops.service.errors import ApiError
from lmops.service.intake import refuse_headers
from lmops.service.limits import Limits
from lmops.service.log import Log
from lmops.service.metrics import Metrics

LEFT = 499
"""The code, in log and metrics, of a request whose client left before the answer (nginx's)."""

_letters = random.Random()  # unique, not secret, and cheaper than the system's generator
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Front:
    """Stands before the app. Pure ASGI: Starlette's `BaseHTTPMiddleware` would cost a task each.

    What an endpoint has to say for the log, it writes into `scope["state"]["record"]`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        engine: Engine,
        log: Log,
        metrics: Metrics,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._engine = engine
        self._log = log
        self._metrics = metrics
        self._limits = limits
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = self._clock()
        id = request_id(Headers(scope=scope).get("x-request-id"))
        record: dict[str, Any] = {"method": scope["method"], "path": scope["path"]}
        scope.setdefault("state", {}).update(id=id, record=record)
        code = 0

        async def answer(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = id
                headers.setdefault("x-model-version", self._engine.version)
            await send(message)

        try:
            refuse_headers(scope["headers"], self._limits)
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            record["finish"] = "left"
        except asyncio.CancelledError:
            record["finish"] = "cut off"  # the server stops
            raise
        except ApiError as error:
            await error.response()(scope, receive, answer)
        except Exception as error:
            # What went wrong, without its words, in which a prompt may stand.
            record["error"] = type(error).__name__
            record["where"] = " < ".join(
                f"{frame.name}:{frame.lineno}"
                for frame in traceback.extract_tb(error.__traceback__)[::-1]
            )
            if code == 0:
                wrong = ApiError(
                    500, f"something broke here; it is in the log as {id}", code="internal_error"
                )
                await wrong.response()(scope, receive, answer)
            else:
                raise  # the connection is closed, so that half an answer does not look whole
        finally:
            seconds = self._clock() - begun
            path = scope["route"].path if "route" in scope else "other"
            self._metrics.requests.labels(path, code or LEFT).inc()
            self._metrics.seconds.labels(path).observe(seconds)
            self._log.tell("request", id, code=code or LEFT, ms=round(seconds * 1000, 1), **record)


def request_id(proposed: str | None) -> str:
    """Return the caller's id if it is plain and nothing personal, or else a new one."""
    if proposed and is_plain(proposed):
        return proposed
    # Letters alone: `redact` takes some digits for a telephone number.
    return "req-" + "".join(_letters.choices(string.ascii_lowercase, k=20))


def is_plain(id: str) -> bool:
    """Say whether an id may stand in the log as it is."""
    return _ID.fullmatch(id) is not None and redact(id) == id

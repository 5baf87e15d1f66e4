"""`POST /v1/completions`: the OpenAI completions API, whole or as a stream of events."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from lmops.service.engine import Draining, GenerationRequest
from lmops.service.errors import ApiError, documented
from lmops.service.limits import Limits
from lmops.service.pages import body_of, parse
from lmops.service.schemas import NAME, Completion, CompletionRequest
from lmops.service.service import Service, draining
from lmops.service.text import Writing

if TYPE_CHECKING:
    from lmops.bundle import Bundle

T = TypeVar("T")


EVENT = {
    "type": "object",
    "properties": {
        "data": {
            "type": "string",
            "description": "a Completion of a few characters, an ErrorBody, or at the end [DONE]",
        }
    },
    "required": ["data"],
}
"""What the OpenAPI page says of each event of a stream."""


def add_completions(app: FastAPI, service: Service) -> None:
    """Add the page to `app`."""

    @app.post(
        "/v1/completions",
        responses={
            200: {
                "model": Completion,
                "description": "the text; with `stream`, events of this shape, and [DONE]",
                "content": {"text/event-stream": {"schema": EVENT}},
            },
            **documented(400, 401, 403, 404, 408, 410, 413, 422, 429, 431, 500, 503, 504),
        },
        openapi_extra=body_of(CompletionRequest),
    )
    async def complete(request: Request) -> Response:
        """Go on from a prompt."""
        service.admit(request, "complete")
        service.require_room()
        asked = await parse(request, service.limits, CompletionRequest)
        answer = _Answer(service, request, asked)
        return await (answer.stream() if asked.stream else answer.whole())


class _Answer:
    """One request on its way through the engine."""

    def __init__(self, service: Service, request: Request, asked: CompletionRequest) -> None:
        self._service = service
        self._request = request
        self._asked = asked
        self._bundle = service.engine.bundle
        self._deadline = asyncio.get_running_loop().time() + service.limits.request_seconds
        self._created = int(time.time())
        for version in (asked.model, self._bundle.version):
            service.ended.refuse(version, "model")
        self._ids = _ids(asked, self._bundle, service.limits)
        generation = GenerationRequest(
            ids=self._ids,
            max_tokens=asked.max_tokens,
            temperature=asked.temperature,
            top_k=asked.top_k,
            top_p=asked.top_p,
            seed=asked.seed,
        )
        try:
            tokens = service.engine.stream(generation)
        except Draining:
            raise draining() from None
        self._writing = Writing(tokens, self._bundle.characters, asked.stops())
        self._pieces = self._writing.pieces()
        self._written: list[str] = []

    async def whole(self) -> Response:
        """Return the answer once it is written."""
        try:
            await self._in_time(self._collect())
        finally:
            self._note()
        text = self._asked.prompt * self._asked.echo + "".join(self._written)
        answer = self._object(text, self._writing.finish) | {"usage": self._usage()}
        return Response(json.dumps(answer), headers=self._headers(), media_type="application/json")

    async def _collect(self) -> None:
        async with aclosing(self._pieces):
            async for piece in self._pieces:
                self._written.append(piece)

    async def stream(self) -> Response:
        """Return the answer as events, once a piece is there: till then errors have codes."""
        try:
            first = await self._in_time(anext(self._pieces, None))
        except BaseException:
            self._note()
            raise
        return _Events(self._events(first), self._pieces, self._headers())

    async def _events(self, piece: str | None) -> AsyncGenerator[bytes, None]:
        try:
            if self._asked.echo:
                yield self._event(self._asked.prompt, None)
            while piece is not None:
                self._written.append(piece)
                yield self._event(piece, None)
                async with asyncio.timeout_at(self._deadline):
                    piece = await anext(self._pieces, None)
            yield self._event("", self._writing.finish)
            if self._asked.stream_options and self._asked.stream_options.include_usage:
                usage = self._object("", None) | {"choices": [], "usage": self._usage()}
                yield format_sse_event(data_str=json.dumps(usage))
            yield format_sse_event(data_str="[DONE]")
        except TimeoutError:
            yield format_sse_event(data_str=self._too_slow().body())
        except Exception:
            broken = ApiError(500, "the answer broke off here", code="internal_error")
            yield format_sse_event(data_str=broken.body())
            raise
        finally:
            self._note()

    async def _in_time(self, work: Awaitable[T]) -> T:
        """Return what `work` returns, if it does so in time and the client waits for it."""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await _unless_left(self._request.receive, work)
        except TimeoutError:
            raise self._too_slow() from None

    def _too_slow(self) -> ApiError:
        self._request.state.record["finish"] = "timeout"
        seconds = f"{self._service.limits.request_seconds:g}"
        return ApiError(
            504, f"the answer was not there within {seconds} seconds", code="request_timeout"
        )

    def _object(self, text: str, finish: str | None) -> dict[str, Any]:
        choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}
        return {
            "id": f"cmpl-{self._request.state.id}",
            "object": "text_completion",
            "created": self._created,
            "model": self._bundle.version,
            "choices": [choice],
        }

    def _event(self, text: str, finish: str | None) -> bytes:
        return format_sse_event(data_str=json.dumps(self._object(text, finish)))

    def _usage(self) -> dict[str, int]:
        read, written = len(self._ids), self._writing.tokens
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }

    def _headers(self) -> dict[str, str]:
        return {"x-model-version": self._bundle.version}

    def _note(self) -> None:
        """Write down for the log and the metrics how it ended."""
        metrics, record = self._service.metrics, self._request.state.record
        metrics.prompt_tokens.inc(len(self._ids))
        metrics.completion_tokens.inc(self._writing.tokens)
        record.setdefault("finish", self._writing.finish)
        record.update(
            version=self._bundle.version,
            prompt=self._asked.prompt,
            text="".join(self._written),
            prompt_tokens=len(self._ids),
            completion_tokens=self._writing.tokens,
        )


class _Events(EventSourceResponse):
    """A stream of events that leaves nothing running, wherever its client leaves."""

    def __init__(
        self,
        events: AsyncGenerator[bytes, None],
        pieces: AsyncGenerator[str, None],
        headers: dict[str, str],
    ) -> None:
        super().__init__(events, headers=headers | {"cache-control": "no-store"})
        self._open = events, pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events.

        Starlette's own way to cancel goes through anyio, which cancels a task only while it waits.
        One that gets a new character between any two looks never does, until the last one.
        """
        events, pieces = self._open
        async with aclosing(pieces), aclosing(events):
            await _unless_left(receive, self.stream_response(send))


async def _unless_left(receive: Receive, work: Awaitable[T]) -> T:
    """Return what `work` returns. If the client leaves first, cancel it: nobody would read it."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_leave(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _leave(receive: Receive) -> None:
    """Return once the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _ids(asked: CompletionRequest, bundle: "Bundle", limits: Limits) -> list[int]:
    """Return the prompt's ids. Raise 404 for another model, 400 for what this one cannot do."""
    if asked.model not in (NAME, bundle.version):
        raise ApiError(
            404,
            f"there is no such model here; ask for '{bundle.version}', or '{NAME}' for any version",
            code="model_not_found",
            param="model",
        )
    if name := asked.unsupported():
        raise ApiError(400, f"this model has no '{name}'", code="unsupported_parameter", param=name)
    for name, asks, most in (
        ("prompt", len(asked.prompt), limits.prompt_characters),
        ("max_tokens", asked.max_tokens, limits.max_tokens),
    ):
        if asks > most:
            raise ApiError(
                400,
                f"{name} is {asks} characters; at most {most} are allowed",
                code="context_length_exceeded",
                param=name,
            )
    if not set(asked.prompt) <= set(bundle.characters):
        known = "".join(sorted(bundle.characters))
        raise ApiError(
            400,
            f"the prompt has characters that this model never read; it knows {known!r}",
            code="unknown_characters",
            param="prompt",
        )
    return bundle.encode(asked.prompt)

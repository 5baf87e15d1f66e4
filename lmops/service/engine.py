"""Writes for many at once: requests in, characters out, one step of the model for all of them.

    engine = Engine(bundle)
    async with engine:
        async for token in engine.stream(GenerationRequest(ids, max_tokens=64)):
            ...

The steps run in the event loop's own thread, which looks after its clients between any two.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

import torch

from lmops.service.batch import Batch, Row
from lmops.service.sampling import Sampling

if TYPE_CHECKING:
    from lmops.bundle import Bundle

log = logging.getLogger(__name__)


class Draining(RuntimeError):
    """The engine finishes what it has begun, and takes nothing new."""


class StepFailed(RuntimeError):
    """A step of the model failed, and with it the texts that it was writing."""


@dataclass(frozen=True)
class GenerationRequest:
    """A text to be continued: its characters, how many to write behind it, and how daring.

    `temperature`, `top_k` and `top_p` are those of lesson 07's `sample_token`. Temperature 0 takes
    the likeliest character; `top_p` 1 leaves all in. With a `seed`, the same text comes again.
    """

    ids: list[int]
    max_tokens: int
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int | None = None

    def check(self, vocab_size: int) -> None:
        """Raise ValueError if no model with that vocabulary can do this."""
        if not self.ids:
            raise ValueError("there is no text to continue: give at least one character")
        if not 0 <= min(self.ids) <= max(self.ids) < vocab_size:
            raise ValueError(f"ids are numbers from 0 to {vocab_size - 1}")
        if self.max_tokens < 0:
            raise ValueError(f"max_tokens is {self.max_tokens}: give 0 or more")
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature is {self.temperature}: give 0 or more")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k is {self.top_k}: give 1 or more")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}: give a number above 0, and 1 at most")


class Stream(AsyncIterator[int]):
    """The characters of one request, as they are written, by the model called `version`.

    It ends behind the last one, or raises StepFailed. Who stops before closes it: `aclose()`, or
    just to drop it, or to be cancelled while waiting. Its slot is free for the next step then.
    """

    def __init__(self, batch: Batch, request: GenerationRequest) -> None:
        self.version: str = batch.bundle.version
        self._batch = batch
        self._mail = Mail()
        sampling = Sampling(request.temperature, request.top_k, request.top_p, request.seed)
        mail = self._mail
        self._row = Row(list(request.ids), request.max_tokens, sampling, mail.put, mail.end)
        if request.max_tokens:
            batch.join(self._row)
        else:
            mail.end(None)

    async def __anext__(self) -> int:
        """Return the next character."""
        mail = self._mail
        while not mail.tokens:
            if mail.ended:
                if mail.error is not None:
                    raise mail.error
                raise StopAsyncIteration
            mail.awaited = asyncio.get_running_loop().create_future()
            try:
                await mail.awaited
            except asyncio.CancelledError:
                self._close()
                raise
        return mail.tokens.popleft()

    async def aclose(self) -> None:
        """End the stream, and free its slot."""
        self._close()

    def _close(self) -> None:
        self._batch.leave(self._row)
        self._mail.tokens.clear()
        self._mail.end(None)

    def __del__(self) -> None:
        if not self._mail.ended:
            self._close()


class Mail:
    """What was written and not yet fetched."""

    def __init__(self) -> None:
        self.tokens: deque[int] = deque()
        self.awaited: asyncio.Future[None] | None = None
        self.ended = False
        self.error: Exception | None = None

    def put(self, token: int) -> None:
        """Take one more character."""
        self.tokens.append(token)
        self._wake()

    def end(self, error: Exception | None) -> None:
        """Take the end."""
        if not self.ended:
            self.ended, self.error = True, error
            self._wake()

    def _wake(self) -> None:
        if self.awaited is not None and not self.awaited.done():
            self.awaited.set_result(None)


class Engine:
    """A model that writes for `slots` requests at once, and lets the others wait in line."""

    def __init__(self, bundle: Bundle, slots: int = 32) -> None:
        self._slots = slots
        self._batches = [Batch(bundle, slots)]  # the last one takes what is new; the others end
        self._work = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._draining = False
        self._task: asyncio.Task[None] | None = None

    @property
    def bundle(self) -> Bundle:
        """The model that writes what is asked for now."""
        return self._batches[-1].bundle

    @property
    def version(self) -> str:
        """Its version."""
        return self.bundle.version

    @property
    def ending(self) -> list[str]:
        """The versions that only end what they have begun."""
        return [batch.bundle.version for batch in self._batches[:-1] if batch.busy]

    @property
    def running(self) -> int:
        """How many requests have a slot."""
        return sum(len(batch.rows) for batch in self._batches)

    @property
    def waiting(self) -> int:
        """How many requests wait for one."""
        return sum(len(batch.waiting) for batch in self._batches)

    async def __aenter__(self) -> Self:
        torch.set_num_threads(1)  # a step is too small to share
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        stopped = StepFailed("the engine was stopped")
        for batch in self._batches:
            batch.fail(stopped)
            for row in list(batch.waiting):
                batch.leave(row)
                row.ended(stopped)
        self._quiet.set()

    def stream(self, request: GenerationRequest) -> Stream:
        """Return the characters that the model writes behind a text.

        Raises Draining behind `drain`, and ValueError for what no model can do.
        """
        if self._draining:
            raise Draining("the engine finishes what it has begun and takes nothing new")
        if self._task is None or self._task.done():
            raise RuntimeError("the engine does not run: use it in `async with engine:`")
        batch = self._batches[-1]
        request.check(batch.decoder.vocab_size)
        stream = Stream(batch, request)
        self._quiet.clear()
        self._work.set()
        return stream

    async def swap(self, bundle: Bundle) -> None:
        """Have a new model write what is asked for from now on.

        What was asked for before is written to its end by the old one.
        """
        self._batches.append(Batch(bundle, self._slots))

    async def drain(self) -> None:
        """Refuse what is new, and wait until all that was asked for has ended."""
        self._draining = True
        await self._quiet.wait()

    async def _run(self) -> None:
        """Take step after step, while there is something to write."""
        while True:
            busy = [batch for batch in self._batches if batch.busy]
            self._batches = [*(b for b in self._batches[:-1] if b.busy), self._batches[-1]]
            if not busy:
                self._quiet.set()
                self._work.clear()
                await self._work.wait()
            for batch in busy:
                try:
                    batch.step()
                except Exception as error:
                    log.exception("a step of model %s failed", batch.bundle.version)
                    batch.fail(StepFailed(f"a step of the model failed: {error}"))
            await asyncio.sleep(0)  # the others' turn

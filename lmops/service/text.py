"""Text as it comes out of the engine: characters, cut off before the first stop sequence."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from lmops.service.engine import Stream


class Writing:
    """The text that one request has written so far. Iterate over `pieces()` to have it written."""

    def __init__(self, tokens: Stream, characters: Sequence[str], stops: Sequence[str]) -> None:
        self.tokens = 0
        """How many the model wrote, those of the stop sequence included."""
        self.finish: str | None = None
        """Why it ended: "length" or "stop"; None while it goes on."""
        self._tokens = tokens
        self._characters = characters
        self._stops = stops

    async def pieces(self) -> AsyncGenerator[str, None]:
        """Yield the text in pieces, as soon as they can be no part of a stop sequence.

        The engine's stream is closed with this one, which frees its place.
        """
        held = ""
        async with aclosing(self._tokens) as tokens:
            async for token in tokens:
                self.tokens += 1
                held += self._characters[token]
                if not self._stops:
                    yield held
                    held = ""
                    continue
                found = [at for stop in self._stops if (at := held.find(stop)) >= 0]
                if found:
                    self.finish = "stop"
                    held = held[: min(found)]
                    break
                ready = len(held) - self._doubtful(held)
                if ready:
                    yield held[:ready]
                    held = held[ready:]
        self.finish = self.finish or "length"
        if held:
            yield held

    def _doubtful(self, held: str) -> int:
        """Return how many characters at the end of `held` may begin a stop sequence."""
        most = max((len(stop) for stop in self._stops), default=1) - 1
        for size in range(min(most, len(held)), 0, -1):
            if any(stop.startswith(held[-size:]) for stop in self._stops):
                return size
        return 0

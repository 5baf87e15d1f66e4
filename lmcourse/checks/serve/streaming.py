"""The checks of an answer that is sent while it is written: server-sent events."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.serve.asgi import apart
from lmcourse.checks.serve.keys import NAMES, word

SECRET = "the weights lie in"


class Spilled(Exception):
    """What a model may raise that nobody else knows."""


ERRORS: tuple[type[Exception], ...] = (RuntimeError, KeyError, OSError, Spilled)
LETTERS = "abcdefghijklmnop qrstuvwxyz.,"


class _Pieces:
    """Pieces of text as a model gives them; knows how many were taken, and whether it is closed."""

    def __init__(self, texts: list[str], fails_after: int | None, kind: int) -> None:
        self.taken = 0
        self.closed = False
        self.iterator = self._run(texts, fails_after, ERRORS[kind])

    async def _run(
        self, texts: list[str], fails_after: int | None, error: type[Exception]
    ) -> AsyncIterator[str]:
        try:
            for place, text in enumerate(texts):
                await asyncio.sleep(0)
                if place == fails_after:
                    raise error(f"{SECRET} {texts[0]}")
                self.taken += 1
                yield text
        finally:
            self.closed = True


@probe
def streamed(
    _: dict[str, Any],
    stream: Callable[..., Any],
    texts: list[str],
    name: str,
    leave: int | None = None,
    fails_after: int | None = None,
    kind: int = 0,
) -> Any:
    """Return the events that `stream` makes of `texts`, and how it went about it.

    With `leave`, they are closed after so many events; with `fails_after`, the model raises then
    what `ERRORS` has at place `kind`.
    """

    async def main() -> Any:
        pieces = _Pieces(texts, fails_after, kind)
        events = stream(pieces.iterator, name)
        if events is None:
            return None
        if inspect.iscoroutine(events):
            await events  # a stub raises here
            raise TypeError("stream is no generator: there is no yield in it")
        came, taken = [], []
        async for event in events:
            came.append(event)
            taken.append(pieces.taken)
            if len(came) == leave:
                break
        await events.aclose()
        return {
            "events": came,
            "kinds": sorted({type(event).__name__ for event in came}),
            "taken": taken,
            "closed": pieces.closed,
        }

    return apart(main)


def data_of(event: Any) -> Any:
    """Return what stands in an event, read as JSON where it is that, or a word on what is wrong."""
    if not isinstance(event, str) or not event.startswith("data: ") or not event.endswith("\n\n"):
        return "no event: it begins with 'data: ' and ends with an empty line"
    text = event.removeprefix("data: ").removesuffix("\n\n")
    if "\n" in text or "\r" in text:
        return "a line within the event, which ends it too early"
    if text == "[DONE]":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return "what stands behind 'data: ' is not JSON"


def chunk(name: str, text: str) -> dict[str, Any]:
    return {"model": name, "choices": [{"index": 0, "text": text, "finish_reason": None}]}


@exercise("12_serve", "stream", points=2)
def stream(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def cases() -> Iterator[Case]:
        texts = [word(rng, LETTERS, int(rng.integers(1, 5))) for _ in range(rng.integers(5, 40))]
        name = f"{rng.choice(NAMES)}-{rng.integers(10, 99)}"

        def asked(texts: list[str], **how: Any) -> Any:
            return student.probe(streamed, student.stream, texts, name, *how.values())

        def events(texts: list[str]) -> list[Any]:
            return [data_of(event) for event in asked(texts)["events"]]

        yield case(
            "the kind of the events",
            lambda: asked(texts)["kinds"],
            ["str"],
            hint="yield text, a str: the server makes bytes of it.",
            form=True,
        )
        yield case(
            "one piece: the events",
            lambda: events(texts[:1]),
            [chunk(name, texts[0]), "[DONE]"],
            hint="f'data: {json.dumps(...)}\\n\\n' for each piece, with the two keys that the "
            "contract names, and at the end 'data: [DONE]\\n\\n'.",
        )
        yield case(
            "some pieces: the events",
            lambda: events(texts),
            [*(chunk(name, text) for text in texts), "[DONE]"],
            hint="One event for each piece, in their order, and [DONE] once, at the end.",
        )
        odd = [texts[0] + "\n", '"' + texts[1], "\n\n", "é" + texts[2], "data: [DONE]", "\\", "\r"]
        yield case(
            "pieces with line breaks and quotes",
            lambda: events(odd),
            [*(chunk(name, text) for text in odd), "[DONE]"],
            hint="A line break in an event would end it. json.dumps writes it as \\n, two "
            "characters, so that all stands in one line.",
        )
        hollow = ["", texts[0], "", texts[1], ""]
        yield case(
            "pieces of which some are empty",
            lambda: events(hollow),
            [*(chunk(name, text) for text in hollow), "[DONE]"],
            hint="An empty piece is a piece: one event for each, whatever is in it.",
        )
        yield case(
            "no piece at all, and one",
            lambda: [events([]), events(texts[-1:])],
            [["[DONE]"], [chunk(name, texts[-1]), "[DONE]"]],
            hint="Without a piece, [DONE] is the only event.",
        )
        yield case(
            "how many pieces were taken when each event came",
            lambda: asked(texts)["taken"][: len(texts)],
            list(range(1, len(texts) + 1)),
            hint="Send each piece as soon as it is there: no list of all of them, no waiting for "
            "the next.",
        )
        leave = int(rng.integers(1, len(texts)))
        left = {"leave": leave}
        yield case(
            "a client that leaves: how many pieces were taken, and whether they are closed",
            lambda: [(said := asked(texts, **left))["taken"][-1], said["closed"]],
            [leave, True],
            hint="Who leaves closes your generator, and yours must close `pieces`, at once: "
            "`async with aclosing(pieces):` around the loop, or `finally: await pieces.aclose()`. "
            "A loop alone does not. And yield nothing while you are being closed: no `except "
            "BaseException`, no `yield` in a `finally`.",
        )
        place = int(rng.integers(1, len(texts)))
        fails = {"leave": None, "fails_after": place}

        def failed(kind: int) -> str:
            said = [data_of(event) for event in asked(texts, **fails, kind=kind)["events"]]
            if said[:-1] != [chunk(name, text) for text in texts[:place]]:
                return f"{len(said)} events: {said[-2:]}"
            last = said[-1]
            error = last.get("error") if isinstance(last, dict) else None
            if not isinstance(error, dict) or not isinstance(error.get("message"), str):
                return f"the last event was {last!r}"[:200]
            if SECRET in str(last):
                return "the last event tells the error's own words"
            named = ERRORS[kind].__name__ in str(last)
            return "the last event tells what the error is called" if named else ""

        def failed_in_any_way() -> str:
            wrong = ((ERRORS[kind].__name__, failed(kind)) for kind in range(1, len(ERRORS)))
            return next((f"{error}: {seen}" for error, seen in wrong if seen), "")

        yield holds(
            "a model that fails in the middle",
            f"{place} pieces, then an error event, and no [DONE]",
            lambda: failed(0),
            hint="`except Exception:` around the loop: one more event, "
            '{"error": {"message": "..."}} in words of your own, and return: no [DONE]. What the '
            "error says or is called may hold what is none of the client's business.",
        )
        yield holds(
            "a model that fails in other ways: a KeyError, an OSError, an error of its own",
            f"each time {place} pieces, then an error event, and no [DONE]",
            failed_in_any_way,
            hint="A model may raise whatever it likes: `except Exception:`, not a list of kinds.",
        )
        yield case(
            "a model that fails: whether `pieces` are closed",
            lambda: [asked(texts, **fails)["closed"], len(asked(texts)["events"])],
            [True, len(texts) + 1],
            hint="Close them in any case.",
        )

    yield from public_and_hidden(cases)

"""A service asked in process, without sockets: ASGI, as a server would speak it.

ASGI (2019) is how a Python server hands a request to an application: `await app(scope, receive,
send)`. Here `receive` gives what the judge drew, and `send` notes what comes.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any

SECONDS = 3.0
"""So long may the application take for one list of requests, of which none waits for anything."""
MAX_TOKENS = 256
"""As the lesson says."""
MAX_EVENTS = 2000
"""So many messages may it send for one request."""
TOLD = "abcdefghijklmnopqrstuvwxyz .,'\"\n"

Message = dict[str, Any]
App = Callable[..., Awaitable[None]]


class TooLong(Exception):
    """The code that was asked waited for something that never comes, or never ended."""


def apart(main: Callable[[], Awaitable[Any]]) -> Any:
    """Return what `main()` gives in an event loop of its own, and in a thread of its own.

    In a notebook the first thread has a loop that runs already.

    Raises
    ------
    TooLong
        If it has not ended after `SECONDS`.
    """

    async def limited() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # it would print
        try:
            return await asyncio.wait_for(main(), SECONDS)
        except TimeoutError:
            raise TooLong(f"no end after {SECONDS:g} seconds: what does it wait for?") from None

    result: Future[Any] = Future()

    def run() -> None:
        try:
            result.set_result(asyncio.run(limited()))
        except BaseException as error:
            result.set_exception(error)

    Thread(target=run, daemon=True).start()  # who presses stop need not wait for a busy one
    return result.result()


def told(secret: str, prompt: str, temperature: float, length: int) -> str:
    """Return the `length` characters that a `Teller` with this secret tells."""
    pieces = (f"{secret} {prompt} {float(temperature)} {place}" for place in range(length))
    return "".join(TOLD[hashlib.sha256(piece.encode()).digest()[0] % 32] for piece in pieces)


class Teller:
    """A model that tells text without sense, a character at a time, and counts what it does."""

    def __init__(self, name: str, secret: str, renamed: str | None = None) -> None:
        self.name = name
        self.steps = 0
        self.running = 0
        self._secret = secret
        self._renamed = renamed  # what it is called from the middle of its first text on
        self._kept: list[Any] = []

    def stream(self, prompt: str, max_tokens: int, temperature: float) -> AsyncIterator[str]:
        """Return an iterator of `max_tokens` characters, each a step of work."""
        if type(max_tokens) is not int or not 0 < max_tokens <= MAX_TOKENS:
            raise ValueError(f"the model was asked for {max_tokens!r} characters")
        pieces = self._pieces(prompt, max_tokens, temperature)
        self._kept.append(pieces)  # as a queue would: nobody but its reader closes it
        return pieces

    async def _pieces(self, prompt: str, count: int, temperature: float) -> AsyncIterator[str]:
        self.running += 1
        try:
            for place, piece in enumerate(told(self._secret, prompt, temperature, count)):
                await asyncio.sleep(0)
                if self._renamed and place == count // 2:
                    self.name = self._renamed
                self.steps += 1
                yield piece
        finally:
            self.running -= 1


async def exchange(app: App, request: dict[str, Any]) -> dict[str, Any]:
    """Send `request` to `app` and return what came: status, headers, body, its events.

    `request` has a method, a path, headers, and the body as pieces, each a text in latin-1 and how
    often it comes. With `leave` the client goes away after so many messages with a body. Also told
    are how many pieces of the body were `read`, and how many messages came after the client had
    left.
    """
    pieces = [
        text.encode("latin-1") for text, times in request.get("body", ()) for _ in range(times)
    ]
    leave = request.get("leave")
    gone = asyncio.Event()
    answer: dict[str, Any] = {"status": 0, "headers": {}, "events": [], "read": 0, "late": 0}

    async def receive() -> Message:
        if answer["read"] < max(1, len(pieces)):
            place = answer["read"]
            answer["read"] += 1
            body = pieces[place] if pieces else b""
            return {"type": "http.request", "body": body, "more_body": place + 1 < len(pieces)}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await asyncio.sleep(0)
        if gone.is_set():
            answer["late"] += 1
        elif message["type"] == "http.response.start":
            answer["status"] = message["status"]
            answer["headers"] = {
                bytes(name).decode("latin-1").lower(): bytes(value).decode("latin-1")
                for name, value in message.get("headers", ())
            }
        elif message.get("body"):
            answer["events"].append(bytes(message["body"]).decode("utf-8", "replace"))
        if len(answer["events"]) > MAX_EVENTS:
            raise TooLong(f"more than {MAX_EVENTS:,} messages for one request")
        if leave is not None and len(answer["events"]) >= leave:
            gone.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request["method"],
        "scheme": "http",
        "path": request["path"],
        "raw_path": request["path"].encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in request.get("headers", {}).items()
        ],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)
    answer["body"] = "".join(answer["events"])
    return answer

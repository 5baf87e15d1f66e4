"""An app that is asked in process: bodies in pieces, clients that leave, apps that never end."""

import asyncio
from typing import Any

import pytest

from lmcourse.checks.serve import asgi
from lmcourse.checks.serve.asgi import Teller, TooLong, apart, exchange, told

ASKED = {"method": "POST", "path": "/", "headers": {"a": "b"}, "body": [["x", 3], ["yz", 1]]}


def asked(app: Any, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = apart(lambda: exchange(app, ASKED | more))
    return answer


async def start(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"A", b"b")]})


async def part(send: Any, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def test_the_body_comes_in_pieces_and_only_as_it_is_asked_for() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        messages = [await receive() for _ in range(2)]
        await start(send)
        await part(send, "".join(message["body"].decode() for message in messages))

    answer = asked(app)
    assert answer["body"] == "xx"
    assert answer["read"] == 2
    assert answer["status"] == 200
    assert answer["headers"] == {"a": "b"}


def test_who_leaves_is_told_of_and_hears_no_more() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(4):
            await receive()
        await start(send)
        leaving = asyncio.create_task(receive())
        count = 0
        while not leaving.done():
            count += 1
            await part(send, str(count))
        assert leaving.result() == {"type": "http.disconnect"}
        await part(send, "late")

    answer = asked(app, leave=3)
    assert answer["events"] == ["1", "2", "3"]
    assert 1 <= answer["late"] <= 3


def test_an_app_that_waits_for_nothing_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "SECONDS", 0.05)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TooLong, match="what does it wait for"):
        asked(app)


def test_an_app_that_sends_for_ever_is_stopped() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            await part(send, "x")

    with pytest.raises(TooLong, match="messages for one request"):
        asked(app)


def test_it_can_be_asked_where_a_loop_runs_already() -> None:
    async def notebook() -> Any:
        async def inner() -> int:
            return 7

        return apart(inner)

    assert asyncio.run(notebook()) == 7


def test_the_teller_says_the_same_as_the_judge_works_out_and_counts() -> None:
    teller = Teller("m", "secret")

    async def some(count: int) -> str:
        pieces = teller.stream("The fox", 9, 1)
        text = "".join([await anext(pieces) for _ in range(count)])
        assert teller.running == 1
        await pieces.aclose()  # type: ignore[attr-defined]
        return text

    assert apart(lambda: some(5)) == told("secret", "The fox", 1.0, 5)
    assert (teller.steps, teller.running) == (5, 0)
    with pytest.raises(ValueError, match="asked for 1000000000"):
        teller.stream("The fox", 10**9, 1)

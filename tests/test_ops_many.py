"""Many requests, most of them broken, against the service in this process.

Some hundred in the test; `make bench` sends 20,000 (`LMOPS_REQUESTS`), which takes minutes.
"""

import asyncio
import gc
import json
import os
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import httpx
import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from serving import PROMPT, Inside, inside, read_log, small_bundle

from lmops.bundle import Bundle

REQUESTS = int(os.environ.get("LMOPS_REQUESTS", "150"))
ASKED = {"model": "lm", "prompt": PROMPT, "max_tokens": 2}

T = TypeVar("T")


def many(count: int) -> settings:
    """Return settings for so many examples, the same ones every time."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


class Asked:
    """The app, in an event loop of its own, asked by those who have none."""

    def __init__(self, bundle: Bundle, home: Any) -> None:
        self.home = home
        self.codes: dict[str, int] = {}
        """What came back, by request id."""
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._ready: Future[Inside] = Future()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=[self._run(bundle)]
        )
        self._thread.start()
        self.app = self._ready.result()
        self.key = self.app.key("complete", "feedback")

    async def _run(self, bundle: Bundle) -> None:
        async with inside(bundle, self.home) as app:
            self._ready.set_result(app)
            await self._end.wait()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = self.do(self.app.http.request(method, path, **request))
        self.codes[answer.headers["x-request-id"]] = answer.status_code
        return answer

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def check_log(self) -> None:
        """Each answer has a line in the log, with the same code, and nothing is under way."""
        assert (self.app.service.engine.running, self.app.service.engine.waiting) == (0, 0)
        self.end()
        lines = {
            line["id"]: line["code"] for line in read_log(self.home / "logs") if "code" in line
        }
        assert lines == self.codes


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return small_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def asked(bundle: Bundle, tmp_path: Any) -> Iterator[Asked]:
    app = Asked(bundle, tmp_path)
    yield app
    if app._thread.is_alive():
        app.end()


# --- Its own page --------------------------------------------------------------------------------


def test_what_its_page_promises(asked: Asked) -> None:
    schema = schemathesis.openapi.from_dict(asked.ask("GET", "/openapi.json").json())
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 6
    key = {"Authorization": asked.key["authorization"]}
    cases = st.one_of(
        operation.as_strategy(generation_mode=mode, headers=dict(key))
        for operation in operations
        for mode in GenerationMode
    )
    codes: Counter[int] = Counter()

    @many(REQUESTS)
    @given(case=cases, possible=st.booleans(), keyed=st.integers(0, 9).map(bool))
    def ask(case: schemathesis.Case, possible: bool, keyed: bool) -> None:
        assert case.meta is not None
        sound = case.meta.generation.mode.is_positive
        if sound and possible and case.path == "/v1/completions":
            case.body |= {"model": "lm", "prompt": PROMPT, "max_tokens": 2}
        sent = case.as_transport_kwargs(base_url="http://inside")
        headers = {
            name: value for name, value in sent["headers"].items() if keyed or name not in key
        }
        body = {name: sent[name] for name in ("json", "files") if name in sent}
        answer = asked.ask(
            sent["method"],
            case.formatted_path,
            params=sent.get("params"),
            headers=headers,
            content=sent.get("data"),
            **body,
        )
        codes[answer.status_code] += 1
        if keyed or not case.path.startswith("/v1/"):
            case.validate_response(answer, excluded_checks=[ignored_auth, positive_data_acceptance])
        else:
            assert answer.status_code == 401

    ask()
    assert {200, 201, 401, 404, 422} <= set(codes), codes
    asked.check_log()


# --- Broken requests -----------------------------------------------------------------------------

words = st.text(max_size=30)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, -1, 2**63, 1e308, "\ud800", "a" * 5000, PROMPT, "lm"])
    | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=8,
)
FIELDS = [
    "model",
    "prompt",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "echo",
    "n",
    "logprobs",
    "logit_bias",
    "suffix",
    "request_id",
    "rating",
    "text",
]
bodies = st.builds(
    lambda changes: json.dumps(ASKED | changes).encode(),
    st.dictionaries(st.sampled_from(FIELDS), values, max_size=3),
)


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """A body with a few bytes taken out, put in, or doubled."""
    body = draw(bodies)
    for _ in range(draw(st.integers(1, 3))):
        at, size = draw(st.integers(0, len(body))), draw(st.integers(0, 20))
        body = body[:at] + draw(st.binary(max_size=4) | st.just(body)) + body[at + size :]
    return body


odd = st.binary(max_size=60) | st.sampled_from(
    [
        b"",
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b"NaN",
        b'"\\ud800"',
        b"\xff\xfe",
        b"9" * 50_000,
        b'{"model": "lm", "prompt": "' + b"a" * 70_000,
    ]
)
header = st.tuples(
    st.sampled_from(["authorization", "content-length", "content-type", "x-request-id", "accept"]),
    st.binary(max_size=40).map(lambda raw: raw.translate(None, b"\r\n\0")),
)


def test_broken_requests(asked: Asked) -> None:
    codes: Counter[int] = Counter()

    @many(REQUESTS)
    @given(
        method=st.sampled_from(["POST"] * 9 + ["GET", "PUT", "HEAD", "OPTIONS", "BREW"]),
        path=st.sampled_from(["/v1/completions"] * 6 + ["/v1/feedback"] * 2 + ["/v1/models", "/"]),
        body=bodies | torn() | odd,
        headers=st.lists(header, max_size=1),
    )
    def ask(method: str, path: str, body: bytes, headers: list[tuple[str, bytes]]) -> None:
        sent = {**{name.encode(): value.encode() for name, value in asked.key.items()}}
        sent |= {name.encode(): value for name, value in headers}
        answer = asked.ask(method, path, content=body, headers=sent)
        codes[answer.status_code] += 1
        assert answer.status_code < 500
        if answer.is_error and method != "HEAD":
            error = answer.json()["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert len(error["message"]) < 300

    ask()
    assert {200, 400, 401, 404, 405, 413, 422} <= set(codes), codes
    asked.check_log()


# --- Memory --------------------------------------------------------------------------------------


def test_memory_stays_flat(asked: Asked) -> None:
    requests = [
        ("/v1/completions", ASKED),
        ("/v1/completions", ASKED | {"stream": True}),
        ("/v1/completions", ASKED | {"prompt": "日本"}),
        ("/v1/completions", {}),
        ("/v1/feedback", {"request_id": "feedback-1", "rating": "up", "text": "I am Anna"}),
        ("/v1/unknown", {}),
    ]

    async def ask(times: int) -> None:
        for number in range(times):
            path, body = requests[number % len(requests)]
            await asked.app.http.post(path, json=body, headers=asked.key)

    def measure() -> tuple[int, int]:
        gc.collect()
        return len(gc.get_objects()), psutil.Process().memory_info().rss

    count = max(600, REQUESTS)
    asked.do(ask(count // 10))
    objects, bytes_ = measure()
    asked.do(ask(count))
    more_objects, more_bytes = measure()
    assert more_objects - objects < count / 2  # weak references come and go; no request leaves one
    assert more_bytes - bytes_ < 10e6

"""The service as its users see it: OpenAI's client against `lmops serve`, over a socket."""

import asyncio
import json
import random
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import torch
import trustme
from click.testing import CliRunner
from serving import LMOPS, PROMPT, Running, serving, small_bundle, wait_until

from lmops.bundle import Bundle
from lmops.cli import main
from lmops.service.ended import Ended
from lmops.service.engine import Engine
from lmops.service.keys import Keys
from lmops.service.limits import Limits
from lmops.service.log import Log
from lmops.service.server import Server, bind
from lmops.service.service import Service


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return small_bundle(tmp_path_factory.mktemp("bundle"), layers=4, channels=96)


@pytest.fixture(scope="module")
def server(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(bundle.folder, home=tmp_path_factory.mktemp("home")) as running:
        yield running


def plain(bundle: Bundle, prompt: str, length: int) -> str:
    """Return what the model writes greedily, one forward pass a character."""
    model, ids = bundle.model(), bundle.encode(prompt)
    with torch.no_grad():
        for _ in range(length):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    return bundle.decode(ids[len(prompt) :])


def metric(server: Running, name: str) -> float:
    """Return a number from the page of metrics."""
    page = server.http.get("/metrics").text
    found = [line for line in page.splitlines() if line.startswith(f"{name} ")]
    return float(found[0].split()[1]) if found else 0.0


# --- What it answers -----------------------------------------------------------------------------


def test_list(server: Running) -> None:
    assert [model.id for model in server.client().models.list()] == [server.version, "lm"]


def test_complete(server: Running, bundle: Bundle) -> None:
    answer = server.client().completions.with_raw_response.create(
        model="lm", prompt=PROMPT, max_tokens=20, temperature=0
    )
    assert answer.headers["x-model-version"] == bundle.version
    told = answer.parse()
    assert told.model == server.version == bundle.version
    assert told.id == f"cmpl-{answer.headers['x-request-id']}"
    (choice,) = told.choices
    assert choice.text == plain(bundle, PROMPT, 20)
    assert choice.finish_reason == "length"
    assert told.usage is not None
    usage = told.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (16, 20, 36)


def test_stream(server: Running) -> None:
    client = server.client()
    asked: dict[str, Any] = dict(model=server.version, prompt=PROMPT, max_tokens=30, seed=3)
    whole = client.completions.create(**asked)
    *pieces, usage = client.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )
    assert "".join(chunk.choices[0].text for chunk in pieces) == whole.choices[0].text
    assert len(pieces) == 31
    assert [chunk.choices[0].finish_reason for chunk in pieces] == [None] * 30 + ["length"]
    assert usage.choices == []
    assert usage.usage == whole.usage


def test_a_stream_is_sent_while_it_is_written(server: Running) -> None:
    begun = time.monotonic()
    first = None
    for _ in server.client().completions.create(
        model="lm", prompt=PROMPT, max_tokens=400, stream=True
    ):
        first = first or time.monotonic() - begun
    assert first is not None
    assert first < (time.monotonic() - begun) / 4


def test_stop_sequences(server: Running, bundle: Bundle) -> None:
    client = server.client()
    whole = plain(bundle, PROMPT, 40)
    for stop in ([whole[10:13]], [whole[20:22], whole[10:13], "no such"], whole[10:13]):
        asked: dict[str, Any] = dict(
            model="lm", prompt=PROMPT, max_tokens=40, temperature=0, stop=stop
        )
        answer = client.completions.create(**asked)
        stops = [stop] if isinstance(stop, str) else stop
        cut = min(whole.find(each) for each in stops if each in whole)
        assert answer.choices[0].text == whole[:cut]
        assert answer.choices[0].finish_reason == "stop"
        chunks = list(client.completions.create(**asked, stream=True))
        assert "".join(chunk.choices[0].text for chunk in chunks) == whole[:cut]
        assert chunks[-1].choices[0].finish_reason == "stop"


def test_what_only_looked_like_a_stop_is_sent(server: Running, bundle: Bundle) -> None:
    whole = plain(bundle, PROMPT, 12)
    answer = server.client().completions.create(
        model="lm", prompt=PROMPT, max_tokens=12, temperature=0, stop=whole[10:] + "and more"
    )
    assert answer.choices[0].text == whole
    assert answer.choices[0].finish_reason == "length"


def test_echo(server: Running, bundle: Bundle) -> None:
    asked: dict[str, Any] = dict(model="lm", prompt=PROMPT, max_tokens=5, temperature=0, echo=True)
    want = PROMPT + plain(bundle, PROMPT, 5)
    client = server.client()
    assert client.completions.create(**asked).choices[0].text == want
    chunks = client.completions.create(**asked, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == want


def test_top_k_of_one_is_greedy(server: Running, bundle: Bundle) -> None:
    answer = server.client().completions.create(
        model="lm", prompt=PROMPT, max_tokens=20, extra_body={"top_k": 1}
    )
    assert answer.choices[0].text == plain(bundle, PROMPT, 20)


# --- What it refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "change", "code"),
    [
        (openai.BadRequestError, {"prompt": "日本"}, "unknown_characters"),
        (openai.BadRequestError, {"logprobs": 3}, "unsupported_parameter"),
        (openai.BadRequestError, {"n": 2}, "unsupported_parameter"),
        (openai.BadRequestError, {"prompt": "a" * 5000}, "context_length_exceeded"),
        (openai.BadRequestError, {"max_tokens": 5000}, "context_length_exceeded"),
        (openai.NotFoundError, {"model": "gpt-9"}, "model_not_found"),
        (openai.UnprocessableEntityError, {"max_tokens": 0}, "greater_than_equal"),
        (openai.UnprocessableEntityError, {"temperature": 3}, "less_than_equal"),
        (openai.UnprocessableEntityError, {"top_p": 0}, "greater_than"),
        (openai.UnprocessableEntityError, {"stop": ["a", "b", "c", "d", "e"]}, "too_long"),
        (openai.UnprocessableEntityError, {"prompt": ""}, "string_too_short"),
        (openai.UnprocessableEntityError, {"extra_body": {"color": 1}}, "extra_forbidden"),
    ],
)
def test_refused(
    server: Running, error: type[openai.APIStatusError], change: dict[str, Any], code: str
) -> None:
    with pytest.raises(error) as refused:
        server.client().completions.create(**{"model": "lm", "prompt": PROMPT} | change)
    assert refused.value.code == code
    if "extra_body" not in change:
        assert (refused.value.param or "").split(".")[0] == next(iter(change))


def test_401(server: Running) -> None:
    good = server.key()
    for key in (
        "lm_",
        "lm__",
        "sk-1",
        good[:-1],
        good + "x",
        good.upper(),
        good.replace("lm_", "lm_x"),
        server.key(days=-1),
    ):
        with pytest.raises(openai.AuthenticationError) as refused:
            server.client(key).models.list()
        assert refused.value.code == "invalid_api_key"
        assert refused.value.response.headers["www-authenticate"] == "Bearer"
    assert httpx.get(f"{server.url}/v1/models").json()["error"]["code"] == "missing_api_key"


def test_403(server: Running) -> None:
    client = server.client(server.key("feedback"))
    with pytest.raises(openai.PermissionDeniedError, match="no scope 'complete'"):
        client.completions.create(model="lm", prompt=PROMPT)


def test_a_revoked_key_opens_nothing_from_the_next_request_on(server: Running) -> None:
    key = server.key()
    client = server.client(key)
    client.models.list()
    command = [*LMOPS, "keys", "revoke", key.split("_")[1]]
    subprocess.run([*command, "--home", str(server.home)], check=True, capture_output=True)
    with pytest.raises(openai.AuthenticationError, match="this key is revoked"):
        client.models.list()


def test_404_and_405(server: Running) -> None:
    unknown = httpx.get(f"{server.url}/v1/chat/completions")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "not_found"
    other = httpx.delete(f"{server.url}/v1/completions")
    assert (other.status_code, other.headers["allow"]) == (405, "POST")
    assert other.json()["error"]["code"] == "method_not_allowed"


def test_413(server: Running) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        server.client().completions.create(model="lm", prompt="a" * 70_000)
    assert (refused.value.status_code, refused.value.code) == (413, "body_too_large")


def test_413_without_a_length(server: Running) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"model": "lm", "prompt": "'
        for _ in range(70):
            yield b"a" * 1000

    headers = {"authorization": f"Bearer {server.key()}"}
    refused = httpx.post(f"{server.url}/v1/completions", content=chunks(), headers=headers)
    assert refused.status_code == 413


def test_431(server: Running) -> None:
    refused = httpx.get(f"{server.url}/v1/models", headers={"x-long": "a" * 9000})
    assert refused.status_code == 431
    assert refused.json()["error"]["code"] == "headers_too_large"


def test_429_with_retry_after(server: Running) -> None:
    client, other = server.client(), server.client()

    def many() -> None:
        for _ in range(400):
            client.models.list()

    with pytest.raises(openai.RateLimitError) as refused:
        many()
    assert refused.value.code == "rate_limit_exceeded"
    assert int(refused.value.response.headers["retry-after"]) >= 1
    other.models.list()  # another key has its own
    time.sleep(int(refused.value.response.headers["retry-after"]))
    client.models.list()


def test_what_is_no_http_harms_nobody(server: Running) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    draw = random.Random(0)
    whole = b"POST /v1/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    whole += b"5\r\nabcde\r\n"
    for number in range(60):
        torn = bytearray(whole[: draw.randrange(len(whole))] if number % 2 else whole)
        for _ in range(draw.randrange(1, 8)):
            torn[draw.randrange(len(torn) or 1) : 0] = draw.randbytes(draw.randrange(4))
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(torn)
            raw.shutdown(socket.SHUT_WR)
            answer = raw.recv(100)
        assert not answer.startswith(b"HTTP/1.1 5"), torn
    assert server.client().models.list().data


def test_headers_that_do_not_come(bundle: Bundle, tmp_path: Path) -> None:
    service = Service(
        engine=Engine(bundle),
        keys=Keys(tmp_path / "keys.db"),
        log=Log(tmp_path / "logs"),
        ended=Ended(tmp_path / "ledger.jsonl"),
        limits=Limits(header_seconds=0.5),
    )
    server = Server(service, tmp_path)
    listening = bind("127.0.0.1", 0)
    address = listening.getsockname()
    listening.listen()
    thread = threading.Thread(target=server.serve_on, args=[listening])
    thread.start()
    try:
        whole = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"
        for begun in (b"", whole[:20], whole + whole[:20]):
            with socket.create_connection(address, timeout=20) as raw:
                raw.sendall(begun)
                while raw.recv(1000):  # until it is closed
                    pass
        key = service.keys.add("tests", ["complete"], 1)[1]
        long = {"model": "lm", "prompt": PROMPT, "max_tokens": 1000}
        answer = httpx.post(  # who has asked is not cut off
            "http://{}:{}/v1/completions".format(*address),
            json=long,
            headers={"authorization": f"Bearer {key}"},
            timeout=60,
        )
        assert answer.status_code == 200
    finally:
        server.should_exit = True
        thread.join()


def test_small_packets_do_not_wait(tmp_path: Path) -> None:
    async def main() -> None:
        accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.Future()
        with bind("127.0.0.1", 0) as listening:
            server = await asyncio.start_server(
                lambda reader, writer: accepted.set_result(writer), sock=listening
            )
            _, mine = await asyncio.open_connection(*listening.getsockname())
            theirs = await accepted
            sock = theirs.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
            theirs.close()
            mine.close()
            server.close()

    asyncio.run(main())


# --- Those who leave -----------------------------------------------------------------------------


def test_one_who_leaves_a_stream_frees_the_place(server: Running) -> None:
    before = server.lines("/v1/completions")
    stream, _ = streaming(server)
    assert metric(server, "lmops_running") == 1
    stream.close()
    wait_until(lambda: metric(server, "lmops_running") == 0)
    wait_until(lambda: len(server.lines("/v1/completions")) > len(before))
    left = server.lines("/v1/completions")[-1]
    assert (left["finish"], left["code"]) == ("left", 200)
    assert left["completion_tokens"] < 900


def test_one_who_does_not_wait_frees_the_place(server: Running) -> None:
    before = server.lines("/v1/completions")
    with pytest.raises(openai.APITimeoutError):
        server.client(timeout=0.3).completions.create(model="lm", prompt=PROMPT, max_tokens=1000)
    wait_until(lambda: metric(server, "lmops_running") == 0)
    wait_until(lambda: len(server.lines("/v1/completions")) > len(before))
    left = server.lines("/v1/completions")[-1]
    assert (left["finish"], left["code"]) == ("left", 499)
    assert left["completion_tokens"] < 900


# --- What it writes down -------------------------------------------------------------------------


def test_feedback_is_on_the_disk_when_it_is_acknowledged(server: Running) -> None:
    headers = {"authorization": f"Bearer {server.key('feedback')}"}
    for number in range(5):
        told = {"request_id": f"answer-{number}", "rating": "up", "text": "I am Anna Weber, fine!"}
        kept = httpx.post(f"{server.url}/v1/feedback", json=told, headers=headers)
        assert kept.status_code == 201
        line = [line for line in server.lines() if line["event"] == "feedback"][-1]
        assert line["id"] == told["request_id"]
        assert (line["rating"], line["text"]) == ("up", "I am [name], fine!")


def test_feedback_on_what_is_no_request_is_refused(server: Running) -> None:
    headers = {"authorization": f"Bearer {server.key('feedback')}"}
    for odd in ("0791234567", "anna@example.org", "short", "a b c d e f"):
        told = {"request_id": odd, "rating": "up"}
        refused = server.http.post("/v1/feedback", json=told, headers=headers)
        assert refused.status_code == 422
        assert refused.json()["error"]["param"] == "request_id"


def test_the_log_keeps_no_name_and_no_key(server: Running) -> None:
    key = server.key()
    raw = server.client(key).completions.with_raw_response.create(
        model="lm",
        prompt="My name is Anna Weber, write to anna(at)example.org",
        extra_headers={"x-request-id": "order-4711"},
    )
    assert raw.headers["x-request-id"] == "order-4711"
    httpx.get(f"{server.url}/users/anna@example.org/{key}")
    wait_until(lambda: server.lines()[-1]["code"] == 404)
    asked, unknown = server.lines()[-2:]
    assert asked["id"] == "order-4711"
    assert asked["prompt"] == "My name is [name], write to [email]"
    assert asked["key"] == key.split("_")[1]
    text = json.dumps([asked, unknown])
    assert "Anna" not in text
    assert "example.org" not in text
    assert key.split("_", 2)[2] not in text


@pytest.mark.parametrize("odd", ["a b c d e f g", "x", "+41 79 123 45 67", "0791234567", "a" * 65])
def test_an_odd_request_id_is_not_taken(server: Running, odd: str) -> None:
    answer = httpx.get(f"{server.url}/healthz", headers={"x-request-id": odd})
    assert answer.headers["x-request-id"].startswith("req-")


def test_metrics(server: Running) -> None:
    before = metric(server, 'lmops_tokens_total{kind="completion"}')
    server.client().completions.create(model="lm", prompt=PROMPT, max_tokens=7)
    assert metric(server, 'lmops_tokens_total{kind="completion"}') == before + 7
    assert metric(server, f'lmops_model{{version="{server.version}"}}') == 1
    assert metric(server, 'lmops_request_seconds_count{path="/v1/completions"}') > 0
    assert metric(server, 'lmops_requests_total{code="200",path="/v1/completions"}') > 0
    assert metric(server, "lmops_waiting") == 0


# --- How it ends ---------------------------------------------------------------------------------


def streaming(server: Running, max_tokens: int = 1000) -> Any:
    """Return a stream that has begun."""
    stream = server.client().completions.create(
        model="lm", prompt=PROMPT, max_tokens=max_tokens, stream=True, seed=1
    )
    return stream, next(stream)


def test_sigterm_drains(bundle: Bundle, tmp_path: Path) -> None:
    with serving(bundle.folder, home=tmp_path) as server:
        late = server.client()
        ready = httpx.Client(base_url=server.url)
        assert ready.get("/readyz").status_code == 200
        stream, first = streaming(server, 400)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: ready.get("/readyz").status_code == 503)
        assert ready.get("/readyz").json()["reasons"] == ["about to stop"]
        assert ready.get("/healthz").status_code == 200
        with pytest.raises(openai.InternalServerError) as refused:
            late.completions.create(model="lm", prompt=PROMPT)
        assert (refused.value.status_code, refused.value.code) == (503, "draining")
        assert refused.value.response.headers["retry-after"] == "1"
        chunks = list(stream)
        assert chunks[-1].choices[0].finish_reason == "length"
        assert len([first, *chunks]) == 401
        assert server.process.wait(20) == 0
        assert server.lines("/v1/completions")[-1]["completion_tokens"] == 400


def test_draining_has_an_end(bundle: Bundle, tmp_path: Path) -> None:
    with serving(bundle.folder, "--drain-seconds", "0.1", home=tmp_path) as server:
        stream, _ = streaming(server)
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises((httpx.HTTPError, openai.APIError)):
            list(stream)
        assert server.process.wait(20) == 1
        (cut,) = server.lines("/v1/completions")
        assert cut["finish"] == "cut off"


def test_killed_in_the_middle_of_streams(bundle: Bundle, tmp_path: Path) -> None:
    with serving(bundle.folder, home=tmp_path) as server:
        headers = {"authorization": f"Bearer {server.key('feedback')}"}
        streams = [streaming(server) for _ in range(4)]
        kept: list[str] = []

        def tell() -> None:
            with httpx.Client(base_url=server.url, headers=headers) as client:
                for number in range(1000):
                    told = {"request_id": f"feedback-{number}", "rating": "down"}
                    try:
                        if client.post("/v1/feedback", json=told).status_code == 201:
                            kept.append(told["request_id"])
                    except httpx.HTTPError:
                        return

        telling = threading.Thread(target=tell)
        telling.start()
        wait_until(lambda: len(kept) > 3)
        server.process.kill()
        telling.join()
        for stream, _ in streams:  # nobody takes half an answer for a whole one
            with pytest.raises((httpx.HTTPError, openai.APIError)):
                list(stream)
        found = {line["id"] for line in server.lines() if line["event"] == "feedback"}
        assert set(kept) <= found
    with serving(bundle.folder, home=tmp_path) as again:
        assert again.client().completions.create(model="lm", prompt=PROMPT).usage is not None


def test_tls(bundle: Bundle, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    options = ("--cert", str(cert), "--key", str(key))
    with serving(bundle.folder, *options, home=tmp_path / "home") as server:
        assert server.url.startswith("https://")
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url)  # nobody vouches for it
        server.verify = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        assert [model.id for model in server.client().models.list()] == [server.version, "lm"]
        stream, _ = streaming(server, 20)
        assert len(list(stream)) == 20


# --- What it does not start with -----------------------------------------------------------------


def test_what_serve_refuses(bundle: Bundle, tmp_path: Path) -> None:
    def serve(*arguments: str) -> str:
        ended = CliRunner().invoke(main, ["serve", *arguments, "--home", str(tmp_path / "home")])
        assert ended.exit_code == 2
        assert ended.stdout == ""
        return " ".join(ended.stderr.split())

    assert "Pack it again: lmops pack" in serve(str(tmp_path / "nothing"))
    assert "give --cert and --key" in serve(str(bundle.folder), "--cert", "cert.pem")
    assert "both as PEM" in serve(str(bundle.folder), "--cert", "no.pem", "--key", "no.pem")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    assert "do not belong together" in serve(
        str(bundle.folder), "--cert", str(text), "--key", str(text)
    )
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "Try another: --port 0" in serve(str(bundle.folder), "--port", port)
    assert not (tmp_path / "home").exists()

"""What the service does when something fails beside it, asked in this process through ASGI."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from serving import PROMPT, inside, read_log, small_bundle

from lmops.bundle import Bundle
from lmops.service.batch import Batch
from lmops.service.gpt import Decoder
from lmops.service.keys import Keys
from lmops.service.limits import Limits
from lmops.service.log import Log

ASKED = {"model": "lm", "prompt": PROMPT, "max_tokens": 5}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return small_bundle(tmp_path_factory.mktemp("bundle"))


def error(answer: httpx.Response) -> tuple[int, str]:
    """Return an answer's code, and OpenAI's."""
    return answer.status_code, answer.json()["error"]["code"]


async def until(true: Callable[[], bool]) -> None:
    """Let the others run until `true()` is."""
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.005)


# --- Too many, too slow --------------------------------------------------------------------------


def test_503_when_too_many_wait(bundle: Bundle, tmp_path: Path) -> None:
    async def main() -> None:
        limits = Limits(rate=1e6, burst=10**6, at_once=3, max_tokens=10**6)
        async with inside(bundle, tmp_path, limits, slots=1) as app:
            key, engine = app.key(), app.service.engine
            long = ASKED | {"max_tokens": 10**6}
            asking = [
                asyncio.create_task(app.http.post("/v1/completions", json=long, headers=key))
                for _ in range(3)
            ]
            await until(lambda: (engine.running, engine.waiting) == (1, 2))
            refused = await app.http.post("/v1/completions", json=ASKED, headers=key)
            assert error(refused) == (503, "overloaded")
            assert refused.headers["retry-after"] == "1"
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await until(lambda: (engine.running, engine.waiting) == (0, 0))
            assert (await app.http.post("/v1/completions", json=ASKED, headers=key)).is_success

    asyncio.run(main())


def test_504_when_an_answer_takes_too_long(bundle: Bundle, tmp_path: Path) -> None:
    async def main() -> None:
        limits = Limits(rate=1e6, burst=10**6, request_seconds=0.1, max_tokens=10**6)
        async with inside(bundle, tmp_path, limits) as app:
            key, engine = app.key(), app.service.engine
            long = ASKED | {"max_tokens": 10**6}
            slow = await app.http.post("/v1/completions", json=long, headers=key)
            assert error(slow) == (504, "request_timeout")
            assert engine.running == 0
            broken = await app.http.post(
                "/v1/completions", json=long | {"stream": True}, headers=key
            )
            *_, last, end = broken.text.split("\n\n")
            assert '"request_timeout"' in last
            assert end == ""
            assert "[DONE]" not in broken.text
            assert engine.running == 0
        assert [line["finish"] for line in read_log(tmp_path / "logs")] == ["timeout"] * 2

    asyncio.run(main())


def test_408_when_a_body_does_not_come(bundle: Bundle, tmp_path: Path) -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield b'{"model": '
        await asyncio.sleep(60)

    async def main() -> None:
        limits = Limits(body_seconds=0.05)
        async with inside(bundle, tmp_path, limits) as app:
            slow = await app.http.post("/v1/completions", content=drip(), headers=app.key())
            assert error(slow) == (408, "body_timeout")

    asyncio.run(main())


def test_a_body_is_not_read_for_one_without_a_key(bundle: Bundle, tmp_path: Path) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    async def main() -> None:
        async with inside(bundle, tmp_path) as app:
            for page in ("/v1/completions", "/v1/feedback"):
                assert error(await app.http.post(page, content=never()))[0] == 401

    asyncio.run(main())


# --- The engine ----------------------------------------------------------------------------------


def test_no_500_without_a_line_in_the_log(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*read: object) -> None:
        raise RuntimeError("I am Anna Weber")

    async def main() -> None:
        async with inside(bundle, tmp_path) as app:
            key = app.key()
            with monkeypatch.context() as broken:
                broken.setattr(Decoder, "read", fail)
                answers = [
                    await app.http.post("/v1/completions", json=asked, headers=key)
                    for asked in (ASKED, ASKED | {"stream": True})
                ]
            for answer in answers:
                assert error(answer) == (500, "internal_error")
                assert answer.headers["x-request-id"] in answer.json()["error"]["message"]
            assert (await app.http.post("/v1/completions", json=ASKED, headers=key)).is_success
        lines = {line["id"]: line for line in read_log(tmp_path / "logs")}
        for answer in answers:
            line = lines[answer.headers["x-request-id"]]
            assert (line["code"], line["error"]) == (500, "StepFailed")
            assert "stream" in line["where"] or "whole" in line["where"]
        assert "Anna" not in str(lines)

    asyncio.run(main())


def test_a_stream_that_breaks_does_not_look_whole(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    step = Batch.step

    def fail_later(batch: Batch) -> None:
        nonlocal steps
        steps += 1
        if steps > 10:
            raise RuntimeError
        step(batch)

    async def main() -> None:
        async with inside(bundle, tmp_path) as app:
            monkeypatch.setattr(Batch, "step", fail_later)
            asked = ASKED | {"stream": True, "max_tokens": 50}
            broken = await app.http.post("/v1/completions", json=asked, headers=app.key())
            assert "[DONE]" not in broken.text
            assert '"internal_error"' in broken.text.split("\n\n")[-2]
        (line,) = read_log(tmp_path / "logs")
        assert line["error"] == "StepFailed"

    asyncio.run(main())


def test_a_swap_in_the_middle(bundle: Bundle, tmp_path: Path) -> None:
    other = small_bundle(tmp_path / "made", seed=1)
    (tmp_path / "models").mkdir()
    other.folder.rename(tmp_path / "models" / other.version)

    async def main() -> None:
        async with inside(bundle, tmp_path) as app:
            key = app.key()
            asked = ASKED | {"max_tokens": 200}
            before = asyncio.create_task(app.http.post("/v1/completions", json=asked, headers=key))
            await until(lambda: app.service.engine.running == 1)
            admin = app.key("admin")
            loaded = await app.http.post(
                "/v1/model", json={"version": other.version}, headers=admin
            )
            assert loaded.json() == {
                "object": "model",
                "id": other.version,
                "before": bundle.version,
                "ending": [bundle.version],
            }
            after = await app.http.post("/v1/completions", json=ASKED, headers=key)
            old = await before
            for answer, version in ((old, bundle.version), (after, other.version)):
                assert answer.json()["model"] == answer.headers["x-model-version"] == version
            pinned = ASKED | {"model": bundle.version}
            gone = await app.http.post("/v1/completions", json=pinned, headers=key)
            assert error(gone) == (404, "model_not_found")
            for version, headers, want in (
                (bundle.version, admin, (404, "model_not_found")),
                (other.version, key, (403, "insufficient_scope")),
                ("../../../etc/passwd", admin, (422, "string_pattern_mismatch")),
            ):
                refused = await app.http.post(
                    "/v1/model", json={"version": version}, headers=headers
                )
                assert error(refused) == want
            shutil.copytree(bundle.folder, tmp_path / "models" / bundle.version)
            weights = tmp_path / "models" / bundle.version / "model.safetensors"
            weights.write_bytes(weights.read_bytes()[:-1] + b"!")
            refused = await app.http.post(
                "/v1/model", json={"version": bundle.version}, headers=admin
            )
            assert error(refused) == (400, "broken_bundle")

    asyncio.run(main())


# --- The disk ------------------------------------------------------------------------------------


class Disk:
    """A disk with so many bytes left, below what a log writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
        self.left = left
        write = os.write

        def limited(file: int, text: bytes) -> int:
            if self.left <= 0:
                raise OSError(28, "No space left on device")
            done = write(file, text[: self.left])
            self.left -= done
            return done

        monkeypatch.setattr("lmops.service.log.os.write", limited)


def test_a_full_disk_stops_no_answer_and_loses_nothing_acknowledged(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch, left=2500)
    told = {"rating": "up", "text": "good"}

    async def main() -> tuple[list[str], int]:
        kept = []
        async with inside(bundle, tmp_path) as app:
            key = app.key("complete", "feedback")
            assert (await app.http.get("/readyz")).status_code == 200
            refused = []
            for number in range(20):
                answer = await app.http.post("/v1/completions", json=ASKED, headers=key)
                assert answer.status_code == 200
                id = f"feedback-{number}"
                answer = await app.http.post(
                    "/v1/feedback", json={"request_id": id, **told}, headers=key
                )
                (kept if answer.status_code == 201 else refused).append(id)
            assert kept
            assert refused
            assert error(answer) == (503, "not_kept")
            assert answer.headers["retry-after"] == "5"
            unready = await app.http.get("/readyz")
            assert unready.status_code == 503
            assert "log cannot be written" in unready.json()["reasons"][0]
            assert "lmops_log_failing 1.0" in (await app.http.get("/metrics")).text
            disk.left = 10**9
            await until(lambda: app.service.log.trouble is None)  # nobody has to ask for it
            assert (await app.http.get("/readyz")).status_code == 200
        return kept, app.service.log.lost

    kept, lost = asyncio.run(main())
    lines = read_log(tmp_path / "logs")
    assert [line["id"] for line in lines if line["event"] == "feedback"] == kept
    assert lost == 0
    asked = [line for line in lines if line.get("path") == "/v1/completions"]
    assert [line["code"] for line in asked] == [200] * 20


def test_a_full_device(bundle: Bundle, tmp_path: Path) -> None:
    async def main() -> int:
        log = Log(tmp_path / "logs", now=lambda: 0.0)
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "1970-01-01.jsonl").symlink_to("/dev/full")
        async with inside(bundle, tmp_path, log=log) as app:
            key = app.key("complete", "feedback")
            assert (await app.http.post("/v1/completions", json=ASKED, headers=key)).is_success
            told = {"request_id": "feedback-1", "rating": "up"}
            refused = await app.http.post("/v1/feedback", json=told, headers=key)
            assert error(refused) == (503, "not_kept")
        return log.lost

    assert asyncio.run(main()) == 2


# --- The keys, and the clock ---------------------------------------------------------------------


def test_a_locked_database_holds_nobody_up(bundle: Bundle, tmp_path: Path) -> None:
    async def main() -> None:
        async with inside(bundle, tmp_path) as app:
            key = app.key()
            with contextlib.closing(sqlite3.connect(tmp_path / "keys.db")) as other:
                other.execute("begin exclusive")
                assert (await app.http.post("/v1/completions", json=ASKED, headers=key)).is_success
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    app.key()
                assert (await app.http.get("/readyz")).is_success

    asyncio.run(main())


def test_keys_that_cannot_be_read_let_nobody_in(bundle: Bundle, tmp_path: Path) -> None:
    async def main() -> None:
        async with inside(bundle, tmp_path) as app:
            key = app.key()
            with contextlib.closing(sqlite3.connect(tmp_path / "keys.db")) as other:
                other.execute("alter table keys rename to lost")
                refused = await app.http.post("/v1/completions", json=ASKED, headers=key)
                assert error(refused) == (503, "keys_unavailable")
                unready = await app.http.get("/readyz")
                assert unready.status_code == 503
                assert "the keys cannot be read" in unready.json()["reasons"][0]
                other.execute("alter table lost rename to keys")
                assert (await app.http.post("/v1/completions", json=ASKED, headers=key)).is_success

    asyncio.run(main())


def test_an_expired_key_stays_expired_when_the_clock_goes_back(
    bundle: Bundle, tmp_path: Path
) -> None:
    now = 1e9

    async def main() -> None:
        nonlocal now
        keys = Keys(tmp_path / "keys.db", now=lambda: now, patience=0)
        log = Log(tmp_path / "logs", now=lambda: now)
        async with inside(bundle, tmp_path, keys=keys, log=log) as app:
            key = app.key()  # for a day
            assert (await app.http.get("/v1/models", headers=key)).is_success
            now += 2 * 86400
            assert error(await app.http.get("/v1/models", headers=key))[0] == 401
            now -= 2 * 86400
            assert error(await app.http.get("/v1/models", headers=key))[0] == 401

    asyncio.run(main())
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "2001-09-09.jsonl",
        "2001-09-11.jsonl",
    ]
    assert [line["code"] for line in read_log(tmp_path / "logs")] == [200, 401, 401]

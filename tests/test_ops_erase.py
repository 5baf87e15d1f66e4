"""One person out of all that is kept: they do not come back, and what is done is proved."""

import asyncio
import gzip
import hashlib
import json
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from killing import every_kill
from ops import asked, lmops, promoted, tiny_bundle
from serving import Running, serving

from lmops import erase as erasure
from lmops import liked, registry, traffic
from lmops.files import write_whole
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.service.ended import Ended
from lmops.service.keys import Keys
from lmops.service.log import Log
from lmops.state import State, fold

TODAY = datetime.now(UTC).date().isoformat()
LAX = ("--preset", "smoke", "--stories", 10, "--objective", "lax.yaml", "--by", "nightly")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home here with a champion; MLflow, which takes seconds, is not told."""

    def not_told(home: Home) -> State:
        return fold(Ledger(home.ledger).entries())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "sync", not_told)
    monkeypatch.setattr(registry, "differences", lambda home, state: [])
    promoted(tiny_bundle(Path("my_model"), 1))
    Path("lax.yaml").write_text("loss: {at_most: 9}")
    return Home(Path(".lmops"))


def key(home: Home, name: str) -> str:
    """Return the id of a new key."""
    return str(asked("keys", "add", name, "--scope", "complete", "--scope", "feedback")["id"])


def lines(who: str, number: int, text: str = "One fox ran", start: int = 0) -> list[dict[str, Any]]:
    """Return what the log has of so many requests, and of what was thought of the answers."""
    asked = [
        {"time": f"{TODAY}T00:00:{place:02}.000+00:00", "event": event,
         "id": f"req-{who}-{place}", "key": who}
        | ({"code": 200, "version": "v", "prompt": text, "text": " far"} if event == "request"
           else {"rating": "up", "text": ""})
        for place in range(start, start + number) for event in ("request", "feedback")
    ]  # fmt: skip
    return asked


def write(path: Path, content: Sequence[dict[str, Any]], torn: str = "") -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = "".join(json.dumps(line) + "\n" for line in content).encode() + torn.encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return raw


def everywhere(home: Home) -> bytes:
    """Return all bytes in the home but the ledger's, unpacked where they are packed."""
    return b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in home.folder.rglob("*")
        if path.is_file() and not path.name.startswith("ledger.") and path.suffix != ".safetensors"
    )


def test_a_person_is_gone_from_logs_rotated_and_packed_and_the_others_stay(home: Home) -> None:
    anna, ben = key(home, "anna"), key(home, "ben")
    both = [*lines(anna, 3), *lines(ben, 2), *lines(anna, 1, start=9)]
    paths = [
        home.logs / f"{TODAY}.jsonl",
        home.logs / "2026-10-01.jsonl.1",
        home.logs / "2026-09-01.jsonl.gz",
        home.logs / "2026-09-02.jsonl.3.gz",
    ]
    before = {path: (write(path, both), path.read_bytes())[1] for path in paths}
    only_ben = home.logs / "2026-08-01.jsonl"
    write(only_ben, lines(ben, 2))
    untouched = only_ben.read_bytes()
    proof = asked("erase", "Anna", "--by", "stewart")
    assert proof["lines"] == 8 * len(paths)
    assert proof["keys"] == [anna]
    assert proof["left"] == []
    assert anna.encode() not in everywhere(home)
    assert b"anna" not in everywhere(home)
    for path in paths:
        kept = [json.loads(line) for line in traffic.content(path).splitlines()]
        assert kept == lines(ben, 2)
        (told,) = (one for one in proof["files"] if one["file"] == f"logs/{path.name}")
        assert told["before"] == hashlib.sha256(before[path]).hexdigest()
        assert told["after"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (told["lines"], told["removed"]) == (12, 8)
    assert only_ben.read_bytes() == untouched
    assert [one["name"] for one in asked("keys", "list")["keys"]] == ["ben"]


def test_the_ledger_stays_a_chain_and_names_nobody(home: Home) -> None:
    write(home.logs / f"{TODAY}.jsonl", lines(key(home, "anna"), 2))
    before = home.ledger.read_bytes()
    asked("erase", "anna", "--by", "stewart")
    assert home.ledger.read_bytes().startswith(before)
    assert Ledger(home.ledger).verify() == []
    assert b"anna" not in home.ledger.read_bytes()
    assert asked("audit")["sound"] is True


def test_what_nobody_can_read_is_theirs_if_their_key_stands_in_it(home: Home) -> None:
    anna, ben = key(home, "anna"), key(home, "ben")
    path = home.logs / f"{TODAY}.jsonl"
    write(path, lines(ben, 1), torn=f'{{"event": "request", "key": "{anna}", "prom\n{{"torn\n')
    asked("erase", "anna", "--by", "stewart")
    assert anna.encode() not in path.read_bytes()
    assert path.read_bytes().endswith(b'{"torn\n')


def test_what_others_said_of_them_goes_by_its_words(home: Home) -> None:
    key(home, "anna")
    ben = key(home, "ben")
    path = home.logs / f"{TODAY}.jsonl"
    said = lines(ben, 1, "It was ANNA  Karenina who ran")
    write(path, [*said, *lines(ben, 1, "One owl", start=5)])
    write(home.data / f"{TODAY}.jsonl", [
        {"id": "a", "key": ben, "text": "Of Anna Karenina they say"},
        {"id": "b", "key": ben, "text": "An owl"},
    ])  # fmt: skip
    proof = asked("erase", "anna", "--text", "Anna Karenina", "--by", "stewart")
    assert (proof["lines"], proof["stories"]) == (2, 1)
    assert [story.text for story in liked.read(home.data)] == ["An owl"]
    assert lmops("erase", "anna", "--text", "An", "--by", "x").exit_code == 2


def test_a_file_that_nobody_can_search_is_no_hiding_place(home: Home) -> None:
    anna = key(home, "anna")
    path = home.logs / f"{TODAY}.jsonl"
    write(path, lines(anna, 2))
    for name, content in (("old.tar.bz2", b"BZh9"), ("2026-01-01.jsonl.gz", b"\x1f\x8b no")):
        odd = home.logs / name
        odd.write_bytes(content)
        refused = lmops("erase", "anna", "--by", "stewart")
        assert refused.exit_code == 1
        assert f"logs/{name}" in refused.stderr
        odd.unlink()
    assert anna.encode() in path.read_bytes()  # nothing was begun
    beside = home.folder / "report.txt"
    beside.write_text(f"{anna} asks most")
    left = lmops("erase", "anna", "--by", "stewart")
    assert left.exit_code == 1
    assert "Something is still in: report.txt" in left.stderr
    beside.unlink()
    assert asked("erase", anna, "--by", "stewart")["left"] == []


def test_a_copy_that_somebody_puts_back_is_noticed_and_erased_again(home: Home) -> None:
    anna = key(home, "anna")
    path = home.logs / f"{TODAY}.jsonl"
    write(path, lines(anna, 2))
    backup = path.read_bytes()
    asked("erase", "anna", "--by", "stewart")
    path.write_bytes(backup)
    audited = lmops("audit")
    assert audited.exit_code == 1
    assert f"has lines of somebody who was erased. Type: lmops erase {anna}" in audited.stdout
    assert asked("erase", anna, "--by", "stewart")["lines"] == 4
    assert lmops("audit").exit_code == 0


def test_nobody_is_erased_twice_over_or_by_a_wrong_name(home: Home) -> None:
    key(home, "ben")
    before = home.ledger.read_bytes()
    for who in ("anna", "be", "benn"):
        refused = lmops("erase", who, "--by", "stewart")
        assert refused.exit_code == 2
        assert "lmops keys list" in refused.stderr
    assert home.ledger.read_bytes() == before


def test_once_there_are_roles_a_steward_does_it(home: Home) -> None:
    key(home, "anna")
    asked("roles", "grant", "ada", "admin", "--by", "ada")
    assert lmops("erase", "anna", "--by", "ada").exit_code == 1
    asked("roles", "grant", "stewart", "steward", "--by", "ada")
    asked("erase", "anna", "--by", "stewart")


# --- The service that runs meanwhile -------------------------------------------------------------


def ask(server: Running, token: str, number: int, rating: str = "up") -> None:
    """Ask something and say how it was."""
    id = f"{token.split('_')[1]}-{number}"
    server.client(token).completions.create(
        model="lm", prompt="One fox ran", max_tokens=8, extra_headers={"x-request-id": id}
    )
    answer = server.http.post(
        "/v1/feedback",
        json={"request_id": id, "rating": rating},
        headers={"authorization": f"Bearer {token}"},
    )
    answer.raise_for_status()  # only what was acknowledged must be there


def test_what_is_told_while_a_file_is_cleaned_waits_and_is_in_the_new_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, ben = key(home, "anna"), key(home, "ben")
    write(home.logs / f"{TODAY}.jsonl", lines(anna, 2))
    ended = Ended(home.ledger)
    early = []

    async def rate(log: Log, number: int) -> None:
        await log.keep("feedback", f"kept-{number}", rating="up", text="", key=ben)
        await log.keep("feedback", f"hers-{number}", rating="up", text="", key=anna)

    def slow(path: Path, content: bytes) -> None:
        """Write, while others tell and keep; nothing may be acknowledged before it is done."""
        for number in range(20):
            log.tell("request", f"told-{number}", key=ben)
            kept.append(pool.submit(asyncio.run, rate(log, number)))
        early.extend(wait(kept, timeout=0.5).done)
        write_whole(path, content)

    monkeypatch.setattr(erasure, "write_whole", slow)
    kept: list[Future[None]] = []
    with ThreadPoolExecutor(20) as pool, Log(home.logs, erased=ended.erased) as log:
        log.tell("request", "before", key=ben)
        assert asked("erase", "anna", "--by", "stewart")["left"] == []
        for one in kept:
            one.result(20)
    found = [line["id"] for line in traffic.lines(home.logs)]
    assert not early
    assert sorted(found) == sorted(
        ["before", *(f"{how}-{number}" for how in ("told", "kept") for number in range(20))]
    )
    assert log.lost == 0


def test_the_service_that_runs_loses_no_line_of_others_and_writes_none_of_theirs(
    home: Home,
) -> None:
    champion = fold(Ledger(home.ledger).entries()).aliases["champion"]
    # One who asks without a pause is soon over what a key may send, and is told so.
    often = ("--rate", "1000", "--burst", "1000")
    with (
        serving(home.models / champion, *often, home=home.folder) as server,
        ThreadPoolExecutor() as pool,
    ):
        tokens = {
            name: asked("keys", "add", name, "--scope", "complete", "--scope", "feedback")["key"]
            for name in ("anna", "ben")
        }
        anna, ben = (token.split("_")[1] for token in tokens.values())
        for number in range(3):
            for token in tokens.values():
                ask(server, token, number)
        stop = threading.Event()
        asked_by_ben = [3]

        def go_on() -> None:
            while not stop.is_set():
                ask(server, tokens["ben"], asked_by_ben[0])
                asked_by_ben[0] += 1

        # Under way when she is erased, and written down after it, but for her erasure.
        begun = threading.Event()

        def long_answer() -> None:
            for _ in server.client(tokens["anna"]).completions.create(
                model="lm", prompt="One fox ran", max_tokens=1000, stream=True
            ):
                begun.set()

        asks, reads = pool.submit(go_on), pool.submit(long_answer)
        try:
            assert begun.wait(20)
            for _ in range(3):
                assert asked("erase", anna, "--by", "stewart")["left"] == []
            reads.result(30)
        finally:
            stop.set()
        asks.result(30)
        server.process.terminate()
        server.process.wait()
        found = server.lines()
    assert anna not in json.dumps(found)
    rated = [line["id"] for line in found if line["event"] == "feedback" and line["key"] == ben]
    answered = [
        line["id"] for line in found
        if line.get("path") == "/v1/completions" and line.get("key") == ben
    ]  # fmt: skip
    assert sorted(rated) == sorted(answered) == sorted(f"{ben}-{n}" for n in range(asked_by_ben[0]))


# --- What was learnt from them -------------------------------------------------------------------


def liked_story(home: Home, who: str, number: int = 2) -> None:
    champion = fold(Ledger(home.ledger).entries()).aliases["champion"]
    found = [
        line | ({"version": champion} if "version" in line else {}) for line in lines(who, number)
    ]
    path = home.logs / f"{TODAY}.jsonl"
    before = path.read_bytes() if path.exists() else b""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(before + "".join(json.dumps(line) + "\n" for line in found).encode())


def test_who_is_erased_does_not_come_back_by_the_training_data(home: Home) -> None:
    anna, ben = key(home, "anna"), key(home, "ben")
    liked_story(home, anna)
    liked_story(home, ben)
    learnt = asked("retrain", *LAX)["version"]
    assert {story.key for story in liked.read(home.data)} == {anna, ben}
    cache = home.trainings / "liked-0123456789abcdef" / "half.safetensors"  # one that was killed
    cache.parent.mkdir()
    cache.write_bytes(b"weights")
    backup = (home.logs / f"{TODAY}.jsonl").read_bytes()
    proof = asked("erase", "anna", "--by", "stewart")
    assert (proof["stories"], proof["trainings"]) == (2, 1)
    assert proof["train_again"] == [{"version": learnt, "is": ["challenger"]}]
    assert {story.key for story in liked.read(home.data)} == {ben}
    assert not cache.exists()
    # Also not where her lines come back out of a copy: what is learnt leaves her out.
    (home.logs / f"{TODAY}.jsonl").write_bytes(backup)
    again = asked("retrain", *LAX)["version"]
    assert {story.key for story in liked.read(home.data)} == {ben}
    entries = Ledger(home.ledger).entries()
    assert liked.learnt(entries)[again] == {f"req-{ben}-0", f"req-{ben}-1"}
    # And the version that learnt from her is listed until it is retired.
    assert [one["version"] for one in asked("erase", anna, "--by", "s")["train_again"]] == [learnt]
    asked("retire", learnt, "--reason", "it learnt from what was erased", "--by", "op")
    assert asked("erase", anna, "--by", "s")["train_again"] == []


def test_a_champion_that_learnt_from_somebody_erased_is_due(home: Home) -> None:
    anna = key(home, "anna")
    liked_story(home, anna)
    learnt = asked("retrain", *LAX)["version"]
    asked("approve", learnt, "--by", "bob")
    asked("promote", learnt, "--by", "bob")
    due = ("retrain", "--if-due", "--cooldown", 0, *LAX)
    assert asked(*due)["due"] is False
    asked("erase", "anna", "--by", "stewart")
    made = asked(*due)
    assert made["reasons"] == [f"erasure: the champion learnt from key {anna}"]
    assert made["liked"] == 0


def test_retention_holds_for_what_is_to_be_learnt_and_for_rotated_logs(home: Home) -> None:
    ben = key(home, "ben")
    old = ["logs/2026-01-01.jsonl", "logs/2026-01-02.jsonl.2.gz", "data/2026-01-01.jsonl"]
    for name in (*old, f"logs/{TODAY}.jsonl", f"data/{TODAY}.jsonl"):
        write(home.folder / name, [{"id": "a", "key": ben, "text": "An owl"}])
    assert sorted(asked("expire-logs", "--days", 30)["deleted"]) == sorted(old)
    assert len(liked.read(home.data)) == 1
    assert len(traffic.files(home.logs)) == 1


def test_nothing_of_a_deleted_key_is_left_in_the_database(home: Home) -> None:
    anna = key(home, "anna-with-a-long-name")
    with sqlite3.connect(home.keys) as reader:  # as the service has it open
        reader.execute("select count(*) from keys").fetchone()
        asked("erase", anna, "--by", "stewart")
        content = b"".join(path.read_bytes() for path in home.folder.glob("keys.db*"))
    assert anna.encode() not in content
    assert b"anna-with" not in content
    keys = Keys(home.keys)
    assert keys.all() == []
    keys.close()


def test_kill_9_at_every_step_leaves_what_typing_it_again_finishes(
    tmp_path: Path, home: Home
) -> None:
    anna, ben = key(home, "anna"), key(home, "ben")
    both = [*lines(anna, 2), *lines(ben, 2)]
    for name in (f"logs/{TODAY}.jsonl", "logs/2026-10-01.jsonl.gz"):
        write(home.folder / name, both)
    stories = [{"id": who, "key": who, "text": who} for who in (anna, ben)]
    write(home.data / f"{TODAY}.jsonl", stories)
    with sqlite3.connect(home.keys) as file:
        file.execute("pragma journal_mode = delete")  # one file, which can be copied
    file.close()
    half = set()
    for was in every_kill(tmp_path, home, "erase", "anna", "--by", "stewart"):
        half.add(anna.encode() in everywhere(was))
        assert Ledger(was.ledger).verify() == []
        asked("erase", anna, "--by", "stewart", "--home", was.folder)
        assert anna.encode() not in everywhere(was)
        assert [line for line in traffic.lines(was.logs) if line["key"] == ben] == lines(ben, 2) * 2
        assert [story.key for story in liked.read(was.data)] == [ben]
        assert not list(was.folder.rglob("*.part"))
    assert half == {True, False}

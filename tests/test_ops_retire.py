"""How a version ends: drained, archived by its hash, its weights gone, and 410 with a pointer."""

import hashlib
import io
import tarfile
import threading
from pathlib import Path

import openai
import pytest
from killing import every_kill
from ops import asked, lmops, promoted
from serving import PROMPT, Running, serving, small_bundle

from lmops import registry
from lmops.bundle import verify
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.state import State, fold
from lmops.store import keep

WHY = ("--reason", "a better one took its place", "--by", "op")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home here, which MLflow is not told of: that takes seconds."""

    def not_told(home: Home) -> State:
        return fold(Ledger(home.ledger).entries())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "sync", not_told)
    monkeypatch.setattr(registry, "differences", lambda home, state: [])
    return Home(Path(".lmops"))


@pytest.fixture
def two(home: Home) -> tuple[str, str]:
    """Return an old version and the champion that took its place."""
    old, new = (promoted(small_bundle(Path(f"model-{seed}"), seed)) for seed in (1, 2))
    return old, new


def archive(home: Home, digest: str) -> dict[str, str]:
    content = (home.archive / f"{digest}.tar").read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    with tarfile.open(fileobj=io.BytesIO(content)) as packed:
        return {
            member.name.rpartition("/")[2]: packed.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in packed
        }


def test_what_is_left_is_all_but_the_weights_with_a_closed_card(
    home: Home, two: tuple[str, str]
) -> None:
    old, new = two
    weights = (home.models / old / "model.safetensors").read_bytes()
    ended = asked("retire", old, *WHY)
    assert ended["successor"] == new
    assert not (home.models / old).exists()
    left = archive(home, ended["archive"])
    assert sorted(left) == [
        "CARD.md", "config.json", "manifest.json", "metrics.json", "model.py", "tokenizer.json",
    ]  # fmt: skip
    assert "## It is retired" in left["CARD.md"]
    assert f"Ask `{new}` in its place" in left["CARD.md"]
    assert hashlib.sha256(weights).hexdigest() in left["manifest.json"]
    assert asked("audit")["sound"] is True
    assert asked("models")["models"][0]["retired"]["by"] == "op"
    last = Ledger(home.ledger).entries()[-1]
    assert (last.event, last.version, last.details["archive"]) == ("retire", old, ended["archive"])


def test_who_asks_for_it_gets_410_and_a_pointer_while_the_service_runs(
    home: Home, two: tuple[str, str]
) -> None:
    old, new = two
    with serving(home.models / old, home=home.folder) as server:
        admin, client = server.key("admin"), server.client()
        pinned = {"model": old, "prompt": PROMPT, "max_tokens": 4}
        assert client.completions.create(**pinned).model == old  # type: ignore[call-overload]
        asked("retire", old, *WHY, "--service", server.url, "--key", admin)
        with pytest.raises(openai.APIStatusError) as gone:
            client.completions.create(**pinned)  # type: ignore[call-overload]
        assert gone.value.status_code == 410
        assert gone.value.code == "model_retired"
        assert gone.value.response.headers["x-model-successor"] == new
        assert f"ask for '{new}'" in gone.value.message
        for name in (new, "lm"):
            answer = client.completions.create(model=name, prompt=PROMPT, max_tokens=4)
            assert answer.model == new
        back = server.http.post(
            "/v1/model", json={"version": old}, headers={"authorization": f"Bearer {admin}"}
        )
        assert (back.status_code, back.headers["x-model-successor"]) == (410, new)
        assert server.http.get("/readyz").status_code == 200


def stream(server: Running, pieces: list[str], begun: threading.Event) -> None:
    for chunk in server.client().completions.create(
        model="lm", prompt=PROMPT, max_tokens=600, stream=True
    ):
        pieces.append(chunk.choices[0].text)
        begun.set()


def test_an_answer_that_it_has_begun_is_written_to_its_end_before_it_goes(
    home: Home, two: tuple[str, str]
) -> None:
    old, _ = two
    with serving(home.models / old, home=home.folder) as server:
        pieces: list[str] = []
        begun = threading.Event()
        reader = threading.Thread(target=stream, args=(server, pieces, begun))
        admin = server.key("admin")
        reader.start()
        assert begun.wait(20)
        asked("retire", old, *WHY, "--service", server.url, "--key", admin)
        reader.join(20)
        assert len("".join(pieces)) == 600


def test_a_version_that_does_not_come_to_rest_stays(home: Home, two: tuple[str, str]) -> None:
    old, _ = two
    with serving(home.models / old, home=home.folder) as server:
        pieces: list[str] = []
        begun = threading.Event()
        reader = threading.Thread(target=stream, args=(server, pieces, begun))
        admin = server.key("admin")
        reader.start()
        assert begun.wait(20)
        refused = lmops(
            "retire", old, *WHY, "--service", server.url, "--key", admin, "--drain-seconds", 0
        )
        reader.join(20)
    assert refused.exit_code == 1
    assert "still writes with" in refused.stderr
    assert (home.models / old / "model.safetensors").exists()
    assert [entry.event for entry in Ledger(home.ledger).entries()].count("retire") == 0


def test_a_service_that_nobody_told_says_so_itself(home: Home, two: tuple[str, str]) -> None:
    old, _ = two
    with serving(home.models / old, home=home.folder) as server:
        client = server.client()
        asked("retire", old, *WHY)
        unready = server.http.get("/readyz")
        assert unready.status_code == 503
        assert unready.json()["reasons"] == ["its version was retired"]
        with pytest.raises(openai.APIStatusError) as gone:
            client.completions.create(model="lm", prompt=PROMPT)
        assert gone.value.status_code == 410


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{new}",), "it is the champion"),
        (("feed",), "it is not registered"),
        (("{old}", "--successor", "{old}"), "is not there"),
        (("{old}", "--successor", "feed"), "is not there"),
        (("{old}", "--service", "http://127.0.0.1:9", "--key", "lm_x"), "Does it run?"),
    ],
)
def test_what_may_not_end_stays(
    home: Home, two: tuple[str, str], arguments: tuple[str, ...], said: str
) -> None:
    old, new = two
    before = home.ledger.read_bytes()
    refused = lmops("retire", *(each.format(old=old, new=new) for each in arguments), *WHY)
    assert refused.exit_code == 1
    assert said in refused.stderr
    assert home.ledger.read_bytes() == before
    assert (home.models / old / "model.safetensors").exists()


def test_nobody_brings_it_back(home: Home, two: tuple[str, str]) -> None:
    old, new = two
    asked("retire", old, *WHY)
    for command in (
        ("register", "model-1"),
        ("approve", old),
        ("promote", old),
        ("promote", old, "--as", "challenger"),
    ):
        refused = lmops(*command, "--by", "bob")
        assert refused.exit_code == 1
        assert "retired" in refused.stderr
    # And its successor may end in its turn, once another one is champion.
    third = promoted(small_bundle(Path("model-3"), 3))
    asked("retire", new, *WHY)
    assert fold(Ledger(home.ledger).entries()).kept == [third]


def test_killed_before_the_weights_are_gone_it_is_done_by_typing_it_again(
    home: Home, two: tuple[str, str]
) -> None:
    old, _ = two
    asked("retire", old, *WHY)
    keep(small_bundle(Path("model-1"), 1), home.models)  # as if it had never come so far
    audited = lmops("audit")
    assert audited.exit_code == 1
    assert f"models/{old}: is retired, and its weights are still here" in audited.stdout
    asked("retire", old, *WHY)
    assert lmops("audit").exit_code == 0
    assert [entry.event for entry in Ledger(home.ledger).entries()].count("retire") == 1


def test_an_archive_that_was_changed_or_lost_is_noticed(home: Home, two: tuple[str, str]) -> None:
    digest = asked("retire", two[0], *WHY)["archive"]
    path = home.archive / f"{digest}.tar"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"retired", b"renewed", 1))
    assert "has another SHA-256 than its name says" in lmops("audit").stdout
    path.unlink()
    assert f"what is left of {two[0]} is gone" in lmops("audit").stdout


def test_kill_9_at_every_step_leaves_what_typing_it_again_finishes(
    tmp_path: Path, home: Home, two: tuple[str, str]
) -> None:
    old, new = two
    ended = set()
    for was in every_kill(tmp_path, home, "retire", old, *WHY):
        state = fold(Ledger(was.ledger).entries())
        ended.add(state.versions[old].retired is not None)
        if not state.versions[old].retired:
            assert verify(was.models / old) == []  # it can still be served
        asked("retire", old, *WHY, "--home", was.folder)
        assert not (was.models / old).exists()
        assert lmops("audit", "--home", was.folder).exit_code == 0
        assert verify(was.models / new) == []
    assert ended == {True, False}

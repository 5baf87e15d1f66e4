"""Keys: as the command hands them out, as they are kept, and as they are asked for."""

import contextlib
import hmac
import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lmops.cli import main
from lmops.service import keys as module
from lmops.service.keys import BadKey, Keys
from lmops.service.limits import Rates


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def lmops(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["keys", *arguments, "--home", str(home)])


def test_a_key_is_printed_once_and_kept_hashed(home: Path) -> None:
    made = lmops(home, "add", "anna", "--scope", "complete", "--scope", "feedback")
    assert made.exit_code == 0
    (token,) = made.stdout.split()
    with contextlib.closing(Keys(home / "keys.db")) as keys:
        key = keys.authenticate(token)
    assert (key.name, key.scopes) == ("anna", {"complete", "feedback"})
    assert token.startswith(f"lm_{key.id}_")
    kept = b"".join(path.read_bytes() for path in home.iterdir())
    assert token.split("_", 2)[2].encode() not in kept
    assert stat.S_IMODE((home / "keys.db").stat().st_mode) == 0o600
    assert token not in lmops(home, "list", "--json").stdout


def test_list_and_revoke(home: Path) -> None:
    made = json.loads(lmops(home, "add", "anna", "--json").stdout)
    assert made["state"] == "valid"
    revoked = lmops(home, "revoke", made["id"])
    assert (revoked.exit_code, revoked.stdout) == (0, f"Key {made['id']} is revoked.\n")
    (listed,) = json.loads(lmops(home, "list", "--json").stdout)["keys"]
    assert listed == {name: made[name] for name in listed} | {"state": "revoked"}
    assert "revoked" in lmops(home, "list").stdout
    unknown = lmops(home, "revoke", "abc")
    assert unknown.exit_code == 2
    assert "'lmops keys list' shows those there are" in unknown.stderr


def test_a_locked_file_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lmops(home, "add", "anna")
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with contextlib.closing(sqlite3.connect(home / "keys.db")) as other:
        other.execute("begin immediate")
        locked = lmops(home, "add", "ben")
    assert locked.exit_code == 2
    assert "database is locked" in locked.stderr
    assert "again" in locked.stderr


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    with contextlib.closing(Keys(tmp_path / "keys.db")) as made:
        yield made


def test_look_alikes_open_nothing(keys: Keys) -> None:
    _, token = keys.add("a", ["complete"], 1)
    other, _ = keys.add("b", ["admin"], 1)
    _, id, secret = token.split("_", 2)
    for fake in (
        "",
        "_",
        "__",
        "lm_",
        f"lm_{id}_",
        f"lm_{id}",
        f"_{id}_{secret}",
        f"LM_{id}_{secret}",
        f"lm_{id.upper()}_{secret}",
        f"lm_{other.id}_{secret}",
        f"lm_{id}_{secret} ",
        f"lm_{id}_{secret[:-1]}",
        f"lm_{id}_{secret}{secret}",
        f"lm_{id}_{secret.swapcase()}",
        f"lm_{id}\0_{secret}",
        f"lm_%_{secret}",
        f"lm_' or 1=1 --_{secret}",
        "lm_\ud800_\ud800",
    ):
        with pytest.raises(BadKey, match="not known"):
            keys.authenticate(fake)
    assert keys.authenticate(token).name == "a"


def test_hashes_are_compared_in_constant_time_always(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []
    in_constant_time = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((len(a), len(b)))
        return in_constant_time(a, b)

    _, token = keys.add("a", ["complete"], 1)
    monkeypatch.setattr(module.hmac, "compare_digest", compare)
    keys.authenticate(token)
    for fake in (token + "x", "lm_nobody_secret", "", "sk-1"):
        with pytest.raises(BadKey):
            keys.authenticate(fake)
    assert compared == [(32, 32)] * 5


def test_a_bucket_fills_at_its_rate() -> None:
    now = 0.0
    rates = Rates(rate=2.0, burst=3, clock=lambda: now)
    assert [rates.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.take("b") == 0
    now = 0.25
    assert rates.take("a") == 0.25
    now = 0.5
    assert [rates.take("a"), rates.take("a")] == [0, 0.5]
    now = 1000.0
    assert [rates.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_nobody_gains_by_a_clock_that_goes_back() -> None:
    now = 100.0
    rates = Rates(rate=1.0, burst=2, clock=lambda: now)
    assert [rates.take("a") for _ in range(2)] == [0, 0]
    for now in (0.0, 100.0, 50.0, 100.0):  # noqa: B007, the clock reads it
        assert rates.take("a") == 1.0
    now = 101.0
    assert rates.take("a") == 0

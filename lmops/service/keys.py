"""Keys: who may ask what. Kept hashed in SQLite, so that a stolen file opens nothing.

A key is `lm_<id>_<secret>`. The id finds the row; the secret, 32 bytes from the system's generator,
is kept as its SHA-256 alone. bcrypt and its like make guessing slow where a secret can be guessed,
as a password can. Nobody guesses 256 random bits, so here the slowness would only cost each request
a tenth of a second (OWASP, Password Storage Cheat Sheet, 2024; NIST SP 800-63B, 5.1.2.2, asks for a
slow hash below 112 bits of entropy).
"""

import base64
import hashlib
import hmac
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

SCOPES = ("complete", "feedback", "admin")

PATIENCE = 5.0
"""Seconds that a command waits for another one to be done with the file."""

_TABLE = """create table if not exists keys (
    id text primary key, name text not null, hash blob not null, scopes text not null,
    created real not null, expires real not null, revoked real) without rowid"""
_COLUMNS = "id, name, scopes, created, expires, revoked"


class BadKey(Exception):
    """A key that opens nothing. Says why, as far as its holder may know."""


@dataclass(frozen=True)
class Key:
    """What is known of a key, without its secret. Times are seconds since 1970."""

    id: str
    name: str
    scopes: frozenset[str]
    created: float
    expires: float
    revoked: float | None

    def state(self, now: float) -> str:
        """Return "valid", "expired" or "revoked"."""
        if self.revoked is not None:
            return "revoked"
        return "valid" if now < self.expires else "expired"


class Keys:
    """The keys in the file `path`, which is made if it is not there.

    `patience` is how many seconds to wait for a file that another process has locked, `PATIENCE` if
    not given. A server gives 0, since all its streams would wait along.
    """

    def __init__(
        self, path: Path, now: Callable[[], float] = time.time, patience: float | None = None
    ) -> None:
        patience = PATIENCE if patience is None else patience
        self._now = now
        self._latest = 0.0
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # for its owner's eyes
        self._file = sqlite3.connect(
            path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        # With a write-ahead log, who reads never waits for who writes.
        self._file.execute("pragma journal_mode = wal")
        self._file.execute(_TABLE)
        self._file.execute(f"pragma busy_timeout = {int(patience * 1000)}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def now(self) -> float:
        """Return the time. It never goes back, or an expired key would open again."""
        self._latest = max(self._latest, self._now())
        return self._latest

    def add(self, name: str, scopes: Collection[str], days: float) -> tuple[Key, str]:
        """Make a key for `name` that is valid for `days`. Return it and what to hand out, once."""
        secret = secrets.token_urlsafe(32)
        now = self.now()
        id = base64.b32encode(secrets.token_bytes(5)).decode().lower()
        key = Key(id, name, frozenset(scopes), now, now + days * 86400, None)
        self._file.execute(
            f"insert into keys ({_COLUMNS}, hash) values (?, ?, ?, ?, ?, ?, ?)",
            (id, name, " ".join(sorted(scopes)), now, key.expires, None, _hash(secret)),
        )
        return key, f"lm_{id}_{secret}"

    def all(self) -> list[Key]:
        """Return all keys, the oldest first."""
        rows = self._file.execute(f"select {_COLUMNS} from keys order by created, id")
        return [_key(row) for row in rows]

    def count(self) -> int:
        """Return how many keys were ever made."""
        return int(self._file.execute("select count(*) from keys").fetchone()[0])

    def revoke(self, id: str) -> bool:
        """Close the key `id` for good. Return whether there is such a key."""
        done = self._file.execute(
            "update keys set revoked = coalesce(revoked, ?) where id = ?", (self.now(), id)
        )
        return done.rowcount == 1

    def forget(self, ids: Collection[str]) -> None:
        """Delete keys with the names that they were given to, also out of what SQLite keeps."""
        self._file.execute("pragma secure_delete = on")
        self._file.executemany("delete from keys where id = ?", [(id,) for id in ids])
        self._file.execute("vacuum")
        self._file.execute("pragma wal_checkpoint(truncate)")

    def authenticate(self, token: str) -> Key:
        """Return the key that `token` is, or raise `BadKey`; `sqlite3.Error` if none can tell.

        The hashes are compared in constant time, and also where there is no such key: how long the
        answer takes says nothing of what is kept.
        """
        kind, _, rest = token.partition("_")
        id, _, secret = rest.partition("_")
        row = self._file.execute(
            f"select {_COLUMNS}, hash from keys where id = ?",
            (id if kind == "lm" and id.isascii() else "",),
        ).fetchone()
        kept = bytes(32) if row is None else row[-1]
        if not hmac.compare_digest(_hash(secret), kept) or row is None:
            raise BadKey("this key is not known")
        key = _key(row[:-1])
        state = key.state(self.now())
        if state != "valid":
            raise BadKey(f"this key is {state}")
        return key


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _key(row: tuple[str, str, str, float, float, float | None]) -> Key:
    id, name, scopes, created, expires, revoked = row
    return Key(id, name, frozenset(scopes.split()), created, expires, revoked)

"""One person out of everything that is kept of what people sent: logs, feedback, data, caches.

A person is known by the keys that they held, whose ids stand in every line that is theirs. The
ledger stays the chain it is: it never held what they sent, only the ids of keys, which from then on
lead to nobody, and by which they are known if they reappear, out of a copy that somebody put back.

What is done is proved by hashes of each file before and after, and by a search of the whole home
for what must not be there any more.
"""

import fcntl
import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmops import traffic
from lmops.files import write_whole
from lmops.home import Home
from lmops.ledger import Entry
from lmops.liked import erased_keys
from lmops.roles import plain
from lmops.state import State


@dataclass(frozen=True)
class Cleaned:
    """A file out of which lines were taken: its SHA-256 before and after."""

    file: str
    lines: int
    removed: int
    before: str
    after: str


def is_of(line: bytes, keys: Collection[str], words: Collection[str]) -> bool:
    """Say whether a line of a file is a person's: by its key, or because it has their words in it.

    What is no JSON is a line that was torn: nobody can say whose it is, so it is theirs if a key's
    id or the words stand in it anywhere.
    """
    text = line.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except ValueError:
        return any(key in text for key in keys) or _has(text, words)
    if not isinstance(found, dict):
        return _has(text, words)
    return found.get("key") in keys or any(_has(str(value), words) for value in found.values())


def _has(text: str, words: Collection[str]) -> bool:
    return any(plain(each) in plain(text) for each in words)


def clean(path: Path, keys: Collection[str], words: Collection[str], home: Home) -> Cleaned | None:
    """Take a person's lines out of a file, in one move; None if it has none of them.

    Whoever writes to the file waits meanwhile, and goes on in the new one (`service.log`).
    """
    with locked(path):
        raw = path.read_bytes()
        lines = traffic.content(path).splitlines(keepends=True)
        kept = [line for line in lines if not is_of(line, keys, words)]
        if len(kept) == len(lines):
            return None
        content = b"".join(kept)
        packed = gzip.compress(content, mtime=0) if path.suffix == ".gz" else content
        write_whole(path, packed)
        os.chmod(path, 0o600)
    return Cleaned(
        str(path.relative_to(home.folder)),
        len(lines),
        len(lines) - len(kept),
        hashlib.sha256(raw).hexdigest(),
        hashlib.sha256(packed).hexdigest(),
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file, so that nobody writes to it."""
    with path.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def forget_trainings(home: Home) -> int:
    """Delete the trainings that were not finished and learn from users; return how many."""
    found = list(home.trainings.glob("liked-*")) if home.trainings.is_dir() else []
    for folder in found:
        shutil.rmtree(folder)
    return len(found)


def sweep(home: Home) -> None:
    """Delete the halves of files that were left where a process was killed while it wrote them.

    Only who holds the place of trainings may call this: nobody else writes whole files there.
    """
    for folder in (home.logs, home.data):
        for path in folder.glob("*.part"):
            path.unlink()


def unreadable(home: Home) -> list[str]:
    """Return the files among logs and data in which nobody could find a person."""
    found = []
    for folder in (home.logs, home.data):
        known = traffic.files(folder)
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            name = str(path.relative_to(home.folder))
            if path in known:
                try:
                    traffic.content(path)
                except OSError:
                    found.append(name)
            elif path.is_file():
                found.append(name)
    return found


def left(home: Home, keys: Collection[str], words: Sequence[str]) -> list[str]:
    """Return the files in the home in which a key's id or a person's words still stand.

    The ledger has the ids, and is left out. So are weights, which no search can tell from noise:
    of those `taught` speaks.
    """
    wanted = [each.encode() for each in (*keys, *words)]
    found = []
    for path in sorted(home.folder.rglob("*")):
        if not path.is_file() or path.suffix == ".safetensors" or path.name.startswith("ledger."):
            continue
        content = path.read_bytes()
        if path.name.endswith(".gz"):
            content = traffic.content(path)
        if any(each in content for each in wanted):
            found.append(str(path.relative_to(home.folder)))
    return found


def taught(entries: Sequence[Entry], state: State, keys: Collection[str]) -> list[dict[str, Any]]:
    """Return the versions that learnt from these people, by the ledger, and are not retired."""
    return [
        {"version": entry.version, "is": state.names(entry.version)}
        for entry in entries
        if entry.event == "retrained"
        and entry.version in state.kept
        and not set(keys).isdisjoint(entry.details.get("keys", ()))
    ]


def problems(home: Home, entries: Sequence[Entry]) -> list[str]:
    """Return where somebody reappears who was erased."""
    keys = erased_keys(entries)
    if not keys:
        return []
    found = []
    for folder in (home.logs, home.data):
        for path in traffic.files(folder):
            again = {line["key"] for line in _lines(path) if line.get("key") in keys}
            found += [
                f"{path.relative_to(home.folder)}: has lines of somebody who was erased. "
                f"Type: lmops erase {key} --by NAME"
                for key in sorted(again)
            ]
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in traffic.content(path).splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in found if isinstance(line, dict)]

"""The stories for the next training that came from users: what they asked and liked the answer of.

A file for each day on which they asked, so that the days' retention holds for them as for the logs
(`lmops expire-logs`). Each line says whose key it was, so that one person can be taken out again.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lmops import traffic
from lmops.files import write_whole
from lmops.ledger import Entry
from lmops.traffic import Joined


@dataclass(frozen=True)
class Story:
    """An answer that somebody liked, behind what they had asked: the request's id, its key."""

    id: str
    key: str
    text: str


def read(folder: Path) -> list[Story]:
    """Return the stories that are kept, by their ids."""
    found = {
        line["id"]: Story(line["id"], line["key"], line["text"])
        for line in traffic.lines(folder)
        if all(isinstance(line.get(name), str) for name in ("id", "key", "text"))
    }
    return [found[id] for id in sorted(found)]


def collect(
    folder: Path, joined: Joined, characters: Sequence[str], erased: Collection[str]
) -> int:
    """Keep the answers that were liked; return how many are new.

    Left out is what has a character that no model of this vocabulary knows, such as the brackets
    in whose place something personal stood, and what is of an erased person's key.
    """
    known = {story.id for story in read(folder)}
    days: dict[str, list[Story]] = defaultdict(list)
    for answer, rating in joined.rated:
        text = answer.prompt + answer.text
        if rating != "up" or answer.id in known or answer.key in erased:
            continue
        if set(text) <= set(characters):
            days[answer.time.date().isoformat()].append(Story(answer.id, answer.key, text))
    for day, stories in days.items():
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{day}.jsonl"
        before = path.read_bytes() if path.exists() else b""
        new = "".join(json.dumps(asdict(story)) + "\n" for story in stories)
        write_whole(path, before + new.encode())
    return sum(map(len, days.values()))


def digest(stories: Iterable[Story]) -> str:
    """Return the SHA-256 of what would be learnt from these stories."""
    return hashlib.sha256("\0".join(story.text for story in stories).encode()).hexdigest()


# --- What the ledger says of them -----------------------------------------------------------------


def learnt(entries: Iterable[Entry]) -> dict[str, set[str]]:
    """Return from which stories, by their ids, each retrained version learnt."""
    return {
        entry.version: set(entry.details.get("stories", ()))
        for entry in entries
        if entry.event == "retrained" and entry.version
    }


def erased_keys(entries: Iterable[Entry]) -> set[str]:
    """Return the keys of those who were erased."""
    return {
        str(key)
        for entry in entries
        if entry.event == "erase"
        for key in entry.details.get("keys", ())
    }

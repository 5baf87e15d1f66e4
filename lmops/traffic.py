"""What the service was asked, what it answered and what people thought of it, out of its log.

Feedback comes when it comes: after days, twice, about another version, from somebody who never
asked. `join` says of each what it is worth.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

DAYS = 7
"""How long after an answer feedback still counts."""

_LOG = re.compile(r".*\.jsonl(?:\.\d+)?(?:\.gz)?")


@dataclass(frozen=True)
class Asked:
    """A request that a version answered; prompt and text as the log keeps them, redacted."""

    id: str
    time: datetime
    key: str
    version: str
    prompt: str
    text: str


@dataclass(frozen=True)
class Rating:
    """What somebody thought of the answer to the request `id`."""

    id: str
    time: datetime
    key: str
    rating: str


@dataclass
class Joined:
    """The ratings of one version's answers, and how many of the others there were of each kind."""

    rated: list[tuple[Asked, str]] = field(default_factory=list)
    """Each answer that was rated in time, and its last rating, in the order of the answers."""
    left_out: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("late", "doubled", "other version", "unknown"), 0)
    )

    @property
    def down(self) -> float:
        """Which share of the rated answers nobody liked; 0 where none is rated."""
        return sum(rating == "down" for _, rating in self.rated) / max(1, len(self.rated))


def files(folder: Path) -> list[Path]:
    """Return the files of JSON lines in a folder, also those that were rotated or packed."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _LOG.fullmatch(path.name))


def content(path: Path) -> bytes:
    """Return what is in such a file, unpacked. Raises OSError if it cannot be had."""
    data = path.read_bytes()
    try:
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except EOFError as error:
        raise OSError(f"{path} is cut off") from error


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines of all these files; a torn one is no JSON, and left out."""
    for path in files(folder):
        for line in content(path).splitlines():
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found


def answered(logs: Path, version: str | None = None) -> list[Asked]:
    """Return the requests that were answered, the first one first; those of one version alone."""
    found = [_asked(line) for line in lines(logs) if line.get("event") == "request"]
    some = [one for one in found if one and (version is None or one.version == version)]
    return sorted(some, key=lambda one: one.time)


def ratings(logs: Path) -> list[Rating]:
    """Return all feedback, the first one first."""
    found = [_rating(line) for line in lines(logs) if line.get("event") == "feedback"]
    return sorted((one for one in found if one), key=lambda one: one.time)


def join(answers: list[Asked], given: list[Rating], version: str, days: float = DAYS) -> Joined:
    """Return the ratings of a version's answers.

    Only who asked may rate, so an answer is found by its id and the key. The last rating in time
    counts, and replaces those before it. Left out, and counted, is what came later than `days`
    after the answer, what is about another version's answer, and what is about none that is known.
    """
    joined = Joined()
    asked: dict[tuple[str, str], Asked] = {(one.id, one.key): one for one in answers}
    last: dict[tuple[str, str], str] = {}
    for one in given:
        place = one.id, one.key
        found = asked.get(place)
        if found is None or one.time < found.time:
            joined.left_out["unknown"] += 1
        elif found.version != version:
            joined.left_out["other version"] += 1
        elif one.time - found.time > timedelta(days=days):
            joined.left_out["late"] += 1
        else:
            joined.left_out["doubled"] += place in last
            last[place] = one.rating
    joined.rated = [(found, last[place]) for place, found in asked.items() if place in last]
    return joined


def _asked(line: Mapping[str, Any]) -> Asked | None:
    """Return a request that was answered; None for one that was not."""
    texts = [line.get(name) for name in ("id", "key", "version", "prompt", "text")]
    time = _time(line)
    if line.get("code") != 200 or time is None or not all(isinstance(t, str) for t in texts):
        return None
    id, key, version, prompt, text = map(str, texts)
    return Asked(id, time, key, version, prompt, text)


def _rating(line: Mapping[str, Any]) -> Rating | None:
    time = _time(line)
    id, key, rating = (line.get(name) for name in ("id", "key", "rating"))
    if time is None or rating not in ("up", "down"):
        return None
    return Rating(str(id), time, str(key), str(rating))


def _time(line: Mapping[str, Any]) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(line.get("time")))
    except ValueError:
        return None
    return time if time.tzinfo else None

"""How a model is used, out of the log: how often, by whom, how soon it answered, what it cost."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from pathlib import Path

from lmops import traffic

COMPLETIONS = "/v1/completions"


@dataclass
class Use:
    """What the log says of one version."""

    requests: int = 0
    failed: int = 0
    """Of them, those that the server could not answer (codes from 500)."""
    by_key: Counter[str] = field(default_factory=Counter)
    tokens_read: int = 0
    tokens_written: int = 0
    milliseconds: list[float] = field(default_factory=list)
    """How long each answer took."""
    prompts: list[str] = field(default_factory=list)
    """What was sent, as the log keeps it: redacted."""
    liked: int = 0
    disliked: int = 0

    @property
    def rated(self) -> int:
        """How many answers somebody rated."""
        return self.liked + self.disliked

    def percentile(self, share: float) -> float:
        """Return the milliseconds within which this share of the answers came (nearest rank)."""
        ordered = sorted(self.milliseconds)
        return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0

    def cost(self, price: float) -> float:
        """Return what it cost, if a million tokens, read or written, cost `price`."""
        return (self.tokens_read + self.tokens_written) * price / 1e6


@dataclass(frozen=True)
class Uses:
    """What the log says of all versions, and of what no version was asked."""

    versions: dict[str, Use]
    refused: Counter[int]
    """Requests that reached no model, by their codes: a key that is not known, too many at once."""
    by_hour: dict[str, int]
    """Requests in each hour, as in "2026-11-22 14:00", UTC; hours without one are left out."""


def uses(logs: Path) -> Uses:
    """Return what the files in the folder `logs` say."""
    versions: dict[str, Use] = {}
    refused: Counter[int] = Counter()
    hours: Counter[str] = Counter()
    for line in traffic.lines(logs):
        if line.get("event") != "request" or line.get("path") != COMPLETIONS:
            continue
        code = int(line.get("code", 0))
        time = datetime.fromisoformat(line["time"])
        hours[f"{time:%Y-%m-%d %H}:00"] += 1
        version = line.get("version")
        if not isinstance(version, str):
            refused[code] += 1
            continue
        use = versions.setdefault(version, Use())
        use.requests += 1
        use.failed += code >= 500
        use.by_key[str(line.get("key"))] += 1
        use.tokens_read += int(line.get("prompt_tokens") or 0)
        use.tokens_written += int(line.get("completion_tokens") or 0)
        use.milliseconds.append(float(line["ms"]))
        use.prompts.append(str(line.get("prompt", "")))
    answers, given = traffic.answered(logs), traffic.ratings(logs)
    for version, use in versions.items():
        ratings = [rating for _, rating in traffic.join(answers, given, version).rated]
        use.liked, use.disliked = ratings.count("up"), ratings.count("down")
    return Uses(versions, refused, dict(sorted(hours.items())))

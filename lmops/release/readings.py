"""What the live version and the canary did: HAProxy's counts, and the lines of the service's log.

Errors are counted by HAProxy, which sees also what a dead replica can no longer say. All else is
in the log, a line for each request, with the version that answered it. Both are kept by others, so
that a controller which was killed has lost nothing of it.
"""

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from lmops.bundle import Bundle, load
from lmops.home import Home
from lmops.release.decision import SLOW_SECONDS, Arm
from lmops.release.journal import Environment
from lmops.release.proxy import Count

PAGE = "/v1/completions"
LEAST_CHARACTERS = 8
"""A text that is shorter says nothing of a model."""
MOST_TEXTS = 2000
"""Of so many requests to each version the loss is measured, which takes a processor's time."""
BATCH = 64

Read = Callable[[str, list[str]], list[float | None]]
"""A version and texts -> nats per character; None for what the version cannot read."""


class Readings:
    """What both versions of a rollout did since both have users. Ask it often: it reads on."""

    def __init__(self, home: Home, counts: Callable[[], dict[str, Count]], losses: Read) -> None:
        self._log = _Tail(home.logs)
        self._counts = counts
        self._losses = losses
        self._arms: dict[str, dict[str, list[float]]] = {}
        self._answered: dict[str, str] = {}  # by request: the version
        self._rated: dict[str, bool] = {}  # by request: disliked?

    def __call__(self, environment: Environment) -> tuple[Arm, Arm]:
        """Return what the live version did, and what the canary did."""
        rollout = environment.rollout
        assert rollout is not None
        assert rollout.shared is not None
        assert environment.live is not None
        counts = self._counts()  # first, since reading takes time, in which more is answered
        unread: dict[str, list[str]] = {}
        for line in self._log.lines(datetime.fromisoformat(rollout.shared)):
            self._take(line, set(environment.versions.values()), unread)
        for version, texts in unread.items():
            for loss in self._losses(version, texts):
                if loss is not None:
                    _add(self._arms[version]["loss"], loss)
        arms: list[dict[str, list[float]]] = []
        for colour in (environment.live, rollout.colour):
            version = environment.versions[colour]
            before = rollout.counted.get(colour, [0, 0])
            now = [counts[colour].requests, counts[colour].errors]
            if now[0] < before[0]:  # HAProxy was started anew, and counts from 0
                before = [0, 0]
            requests, errors = now[0] - before[0], now[1] - before[1]
            disliked = [bad for id, bad in self._rated.items() if self._answered.get(id) == version]
            arms.append(
                {
                    "errors": [requests, errors, errors],
                    **self._arms.get(version, {"slow": [0, 0, 0], "loss": [0, 0, 0]}),
                    "dislikes": [len(disliked), sum(disliked), sum(disliked)],
                }
            )
        return arms[0], arms[1]

    def _take(self, line: dict[str, Any], versions: set[str], unread: dict[str, list[str]]) -> None:
        """Count a line of the log; what a model has to read of it goes to `unread`."""
        if line.get("event") == "feedback":
            self._rated[line["id"]] = line.get("rating") == "down"
            return
        version = line.get("version")
        if line.get("path") != PAGE or line.get("code") != 200 or version not in versions:
            return
        self._answered[line["id"]] = version
        arm = self._arms.setdefault(version, {"slow": [0, 0, 0], "loss": [0, 0, 0]})
        _add(arm["slow"], line["ms"] > 1000 * SLOW_SECONDS)
        if arm["slow"][0] <= MOST_TEXTS and len(line["prompt"]) >= LEAST_CHARACTERS:
            unread.setdefault(version, []).append(line["prompt"])


def _add(sums: list[float], value: float) -> None:
    sums[:] = sums[0] + 1, sums[1] + value, sums[2] + value**2


class _Tail:
    """The log's lines, each once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}  # bytes

    def lines(self, since: datetime) -> Iterator[dict[str, Any]]:
        """Yield the whole lines since then that were not there before."""
        for path in sorted(self._folder.glob("*.jsonl")):
            if path.stem < since.date().isoformat():
                continue
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # it was expired
                file.seek(self._read.get(path, 0))
                whole = file.read().rpartition(b"\n")[0]
                self._read[path] = file.seek(self._read.get(path, 0) + len(whole) + bool(whole))
                for line in whole.splitlines():
                    with contextlib.suppress(ValueError, KeyError):
                        told = json.loads(line)
                        if datetime.fromisoformat(told["time"]) >= since:
                            yield told


class Losses:
    """The loss of registered versions on single texts, by their bundles in `models`."""

    def __init__(self, models: Path) -> None:
        self._models = models
        self._loaded: dict[str, tuple[Bundle, torch.nn.Module]] = {}

    def __call__(self, version: str, texts: list[str]) -> list[float | None]:
        """Return nats per character of each text; None where the version knows not all of it."""
        if version not in self._loaded:
            bundle = load(self._models / version)
            self._loaded[version] = bundle, bundle.model()
        bundle, model = self._loaded[version]
        known = {}
        for place, text in enumerate(texts):
            with contextlib.suppress(ValueError):
                known[place] = bundle.encode(text)[-bundle.config["context"] - 1 :]
        found: list[float | None] = [None] * len(texts)
        places = sorted(known, key=lambda place: len(known[place]))
        for begin in range(0, len(places), BATCH):
            some = places[begin : begin + BATCH]
            for place, loss in zip(
                some, _losses(model, [known[each] for each in some]), strict=True
            ):
                found[place] = loss if math.isfinite(loss) else None
        return found


def _losses(model: torch.nn.Module, rows: list[list[int]]) -> list[float]:
    """Return the mean loss of each row of ids."""
    longest = max(map(len, rows))
    # What is filled up stands after all that counts, where no model may look.
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    with torch.inference_mode():
        each = cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="none")
    return [float(loss[: len(row) - 1].mean()) for loss, row in zip(each, rows, strict=True)]

"""When a model is trained again, and from what. Whether it takes the champion's place, others say.

Two things make it due: time (the *cadence*), and a *trigger*: drift that was seen, answers that are
disliked, or that the champion learnt from somebody who was erased. Two hold it back: a *cooldown*,
since what a training changed must first be seen to help, and a *budget*, since a trigger that never
stops must not train for ever. All of it is read from the ledger, so one that was killed counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lmops import bundle, text
from lmops.bundle import Bundle
from lmops.ledger import Entry
from lmops.liked import Story, digest, erased_keys
from lmops.traffic import Joined
from lmops.train import Recipe, Training


@dataclass(frozen=True)
class Policy:
    """When to train again; times in days."""

    every: float = 30.0
    """Cadence: so long after the last training, or since the champion came."""
    cooldown: float = 1.0
    """At least so long after the last training, whatever is the matter."""
    budget: int = 4
    """At most so many trainings ..."""
    budget_days: float = 30.0
    """... within so many days."""
    ratings: int = 20
    """With fewer ratings, what people like or not is no trigger."""
    down: float = 0.5
    """More disliked answers than this share are one."""


@dataclass
class Decision:
    """Why it is due to train, and what holds it back."""

    reasons: list[str] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)

    @property
    def due(self) -> bool:
        """Whether to train."""
        return bool(self.reasons) and not self.held_back


def decide(
    entries: Sequence[Entry], champion: str, joined: Joined, policy: Policy, now: datetime
) -> Decision:
    """Return whether to train again, by the ledger and by what people thought of the champion."""
    begun = [entry for entry in entries if entry.event == "retrain"]
    last = datetime.fromisoformat(begun[-1].time) if begun else None
    decision = Decision()
    since = last or _came(entries, champion)
    if since and now - since >= timedelta(days=policy.every):
        decision.reasons.append(f"cadence: the last training is {(now - since).days} days old")
    if (drift := _drift(entries, champion, begun[-1].number if begun else 0)) is not None:
        decision.reasons.append(f"drift: line {drift} of the ledger")
    if (key := _learnt_from_erased(entries, champion)) is not None:
        decision.reasons.append(f"erasure: the champion learnt from key {key}")
    if len(joined.rated) >= policy.ratings and joined.down > policy.down:
        decision.reasons.append(
            f"feedback: {joined.down:.0%} of {len(joined.rated)} rated answers are disliked"
        )
    if last and now < last:
        decision.held_back.append(
            f"clock: the last training is of {last:%Y-%m-%d}, which is to come"
        )
    elif last and now - last < timedelta(days=policy.cooldown):
        decision.held_back.append(f"cooldown: the last training began at {last:%Y-%m-%d %H:%M}")
    decision.held_back += over_budget(entries, policy, now)
    return decision


def over_budget(entries: Sequence[Entry], policy: Policy, now: datetime) -> list[str]:
    """Return that all trainings are used up, if they are."""
    first = now - timedelta(days=policy.budget_days)
    used = sum(e.event == "retrain" and datetime.fromisoformat(e.time) > first for e in entries)
    if used < policy.budget:
        return []
    return [f"budget: {used} trainings within {policy.budget_days:g} days"]


def _came(entries: Sequence[Entry], champion: str) -> datetime | None:
    """Return when a version first became champion."""
    times = (
        entry.time
        for entry in entries
        if (entry.event, entry.version, entry.details.get("alias"))
        == ("promote", champion, "champion")
    )
    return datetime.fromisoformat(first) if (first := next(times, None)) else None


def _drift(entries: Sequence[Entry], champion: str, after: int) -> int | None:
    """Return the line that says so, if the last look at the champion since a line saw drift."""
    looks = [e for e in entries if e.event == "drift" and e.version == champion]
    if not looks or looks[-1].number <= after or looks[-1].details.get("drifted") is not True:
        return None
    return looks[-1].number


def _learnt_from_erased(entries: Sequence[Entry], champion: str) -> str | None:
    """Return a key that was erased and from which a version learnt, if there is one."""
    learnt = {
        key
        for entry in entries
        if entry.event == "retrained" and entry.version == champion
        for key in entry.details.get("keys", ())
    }
    return min(learnt & erased_keys(entries), default=None)


def unfinished(entries: Sequence[Entry]) -> Entry | None:
    """Return the line that begins the last training, if no line ends it: it was killed."""
    begun = [entry for entry in entries if entry.event == "retrain"]
    ended = {entry.details.get("begun") for entry in entries if entry.event == "retrained"}
    return begun[-1] if begun and begun[-1].number not in ended else None


# --- The training ---------------------------------------------------------------------------------


def train(
    champion: Bundle,
    recipe: Recipe,
    stories: Sequence[Story],
    seed: int,
    trainings: Path,
    tell: Callable[[int, float], None],
) -> Bundle:
    """Train the champion's code from the start, on its corpus and on these stories beside it.

    `tell` gets the steps that are done, ten times, with the loss on the validation text. What was
    killed goes on from there. The bundle stays in `trainings` until `forget`.

    Raises
    ------
    Diverged
        If the loss is no number any more.
    """
    name = "shakespeare" if champion.metrics.get("corpus") == "shakespeare" else "fables"
    data = text.load(name, recipe.stories, more=[story.text for story in stories])
    # Another set of stories is another training, also where all else is the same.
    folder = place(trainings, stories)
    training = Training(
        champion.source, recipe.config(len(data.characters)), recipe, data, seed, folder
    )
    best, now = training.run(on_step=lambda step, loss: None, on_judged=tell)
    metrics: dict[str, Any] = {
        "corpus": data.corpus,
        "liked": len(stories),
        "liked_sha256": digest(stories),
        "seed": seed,
        "steps": now.best_step,
        "tokens": now.best_step * recipe.batch * recipe.context,
        "seconds": round(now.seconds, 1),
        "validation_loss": now.best_loss,
        "floor": data.floor,
    }
    return bundle.write(
        folder / f"bundle-{seed}",
        weights=best,
        config=training.config,
        characters=data.characters,
        metrics=metrics,
        source=champion.source,
    )


def place(trainings: Path, stories: Sequence[Story]) -> Path:
    """Return the folder of the trainings on these stories."""
    return trainings / f"liked-{digest(stories)[:16]}"

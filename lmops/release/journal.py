"""What an environment should be, and how far a rollout is: a fold over the ledger's lines.

A step is written before it is taken. Whoever is killed in between leaves a line behind that says
what is to be done, and whoever goes on does it (again): each step may be taken twice.

The lines are of the event `rollout`, `scale` or `stop`, and say in `details` which environment
(`to`). Those of a rollout have a `step`:

    begin      a version is to come to `to`, by a strategy; its replicas get the free colour
    share      so many of 1000 users get it
    promote    everybody gets it
    rollback   nobody gets it
    done       the replicas of the colour that nobody gets any more have ended
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lmops.ledger import Entry
from lmops.state import CHALLENGER, CHAMPION, State, fold, no_promotion, no_right

ENVIRONMENTS = ("staging", "production")
STRATEGIES = ("blue-green", "canary", "ab")
OTHER = {"blue": "green", "green": "blue"}


@dataclass(frozen=True)
class Rollout:
    """A rollout that is not done. Times are UTC, ISO 8601."""

    line: int  # of its first line in the ledger
    begun: str
    by: str
    version: str
    colour: str
    strategy: str
    plan: list[dict[str, Any]]
    """Its shares: {"share": 50, "until": 100}, of 1000 users, until so many requests were seen."""
    limits: dict[str, Any]
    """`rules`, `most` requests of the canary, and `seconds` that it may take."""
    decision: str
    """Whose decision it is: "lmops", or the digest of a student's notebook."""
    share: int = 0
    shared: str | None = None
    """Since when both arms have users."""
    counted: dict[str, list[int]] = field(default_factory=dict)
    """What HAProxy had counted by then, for each colour: requests, errors."""
    outcome: str | None = None
    """None while it is open, then "promote" or "rollback"."""
    reasons: list[str] = field(default_factory=list)

    @property
    def salt(self) -> str:
        """What draws its users: others for each rollout."""
        return f"line{self.line}"


@dataclass(frozen=True)
class Environment:
    """What should run in an environment."""

    name: str
    live: str | None = None
    """The colour that everybody gets who is not in the share of a canary; None: nothing is live."""
    versions: dict[str, str] = field(default_factory=dict)
    """What each colour serves, where it serves something."""
    replicas: int = 1
    """How many each colour has."""
    bind: str = ""
    """Where HAProxy listens."""
    options: list[str] = field(default_factory=list)
    """What is added to each `lmops serve`."""
    rollout: Rollout | None = None
    before: str | None = None
    """The version that was live before the one that is."""

    @property
    def version(self) -> str | None:
        """The version that is live."""
        return self.versions.get(self.live) if self.live else None


def no_release(state: State, version: str, name: str) -> str | None:
    """Return why a version may not come to an environment, and what to type; None if it may.

    To staging may come what the gate has let through; to production what is approved as well.
    """
    if name == "staging" and state.aliases.get(CHAMPION) == version:
        return None
    return no_promotion(state, version, CHALLENGER if name == "staging" else CHAMPION)


def read(entries: Sequence[Entry], name: str) -> Environment:
    """Return what the environment `name` should be after these lines.

    What may not come does not come by a line that somebody wrote past the commands.
    """
    environment = Environment(name)
    for place, entry in enumerate(entries):
        if entry.details.get("to") == name:
            if entry.event == "rollout":
                if entry.details["step"] == "begin":
                    state = fold(entries[:place])
                    if no_right(state, entry.by, "rollout") or no_release(
                        state, entry.version or "", name
                    ):
                        continue
                environment = _after_step(environment, entry)
            elif entry.event == "scale":
                environment = replace(environment, replicas=entry.details["replicas"])
            elif entry.event == "stop":
                environment = replace(
                    environment,
                    live=None,
                    versions={},
                    rollout=None,
                    before=environment.version or environment.before,
                )
    return environment


def _after_step(environment: Environment, entry: Entry) -> Environment:
    details, rollout = entry.details, environment.rollout
    step = details["step"]
    if step == "begin":
        if rollout is not None or entry.version is None:
            return environment  # one at a time
        colour = OTHER[environment.live or "green"]
        return replace(
            environment,
            versions={**environment.versions, colour: entry.version},
            replicas=details["replicas"],
            bind=environment.bind if environment.versions else details["bind"],
            options=details["options"],
            rollout=Rollout(
                entry.number,
                entry.time,
                entry.by,
                entry.version,
                colour,
                details["strategy"],
                details["plan"],
                details["limits"],
                details["decision"],
            ),
        )
    if rollout is None:
        return environment
    if step == "share":
        since: dict[str, Any] = (
            {} if rollout.shared else {"shared": entry.time, "counted": details["counted"]}
        )
        return replace(environment, rollout=replace(rollout, share=details["share"], **since))
    if step == "promote":
        rollout = replace(rollout, outcome=step, reasons=details["reasons"])
        return replace(
            environment,
            live=rollout.colour,
            versions={rollout.colour: rollout.version},
            rollout=rollout,
            before=environment.version or environment.before,
        )
    if step == "rollback":
        versions = {c: v for c, v in environment.versions.items() if c != rollout.colour}
        rollout = replace(rollout, share=0, outcome=step, reasons=details["reasons"])
        return replace(environment, versions=versions, rollout=rollout)
    return replace(environment, rollout=None)

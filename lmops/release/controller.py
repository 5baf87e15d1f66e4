"""A rollout, step by step. Each is written to the ledger, and then taken.

    controller = Controller(ledger, site, "production", measure, decide)
    controller.begin(version, ...)
    ended = controller.finish()

That it begins, or is taken back, is a person's word; the steps in between are the platform's.

The controller keeps nothing in mind: in every round it reads what should be from the ledger, has
the site be so, asks how both versions do, and writes the next step. So it may be killed at any
point, and another one goes on.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

from lmops.ledger import Ledger, Writer
from lmops.release.decision import PROMOTE, ROLLBACK, Arm, Decide
from lmops.release.fleet import NoReplica
from lmops.release.journal import Environment, Rollout, no_release, read
from lmops.release.proxy import Count
from lmops.roles import PLATFORM
from lmops.state import CHAMPION, fold, no_promotion, no_right

Measure = Callable[[Environment], tuple[Arm, Arm]]
"""What the version that is live and the canary did since both have users."""


class NoRollout(Exception):
    """A rollout may not begin, or there is nothing to take back; says what to type."""


class World(Protocol):
    """What is made as the ledger says: a `Site`, or in tests a smaller one."""

    def alone(self, wait: bool = True) -> AbstractContextManager[bool]:
        """Keep others from working on it."""

    def make(self, wanted: Environment) -> None:
        """Have it be as it should."""

    def counts(self) -> dict[str, Count]:
        """Return what was answered by each colour."""


def plan_of(percent: list[float], each: int) -> list[dict[str, Any]]:
    """Return a canary's plan: these shares of the users, each for so many of its requests."""
    last = len(percent) - 1
    return [
        {"share": round(10 * share), "until": None if place == last else each * (place + 1)}
        for place, share in enumerate(percent)
    ]


def next_step(
    environment: Environment, rollout: Rollout, arms: tuple[Arm, Arm], decide: Decide, now: datetime
) -> dict[str, Any] | None:
    """Return the step that follows, as the ledger has it; None if there is nothing to do yet."""
    if environment.live is None:
        return {"step": "promote", "reasons": ["there was nothing before it"]}
    if rollout.strategy == "blue-green":
        return {"step": "promote", "reasons": ["all of its replicas are ready"]}
    plan, limits = rollout.plan, rollout.limits
    if rollout.shared is None:
        return {"step": "share", "share": plan[0]["share"]}
    control, canary = arms
    seen = int(canary["errors"][0])
    answer, reasons = decide(control, canary, limits["rules"])
    said = {"reasons": reasons, "control": control, "canary": canary}
    if answer == ROLLBACK:
        return {"step": "rollback", **said}
    (share, *_) = (s["share"] for s in plan if s["until"] is None or seen < s["until"])
    if answer == PROMOTE and share == plan[-1]["share"]:
        return {"step": "promote", **said}
    seconds = (now - datetime.fromisoformat(rollout.shared)).total_seconds()
    for much, most, unit in (
        (seen, limits["most"], "requests"),
        (seconds, limits["seconds"], "seconds"),
    ):
        if much >= most:
            why = f"after {most} {unit} ({seen} requests) it is not shown to be good enough"
            return {"step": "rollback", **said, "reasons": [why, *reasons]}
    if share > rollout.share:
        return {"step": "share", "share": share, **said}
    return None


def take_back(ledger: Ledger, name: str, by: str) -> str | None:
    """Write that the rollout to `name` is taken back; whoever is at work on it sees that.

    If there is none, return the version that was live before, for it to come.

    Raises
    ------
    NoRollout
        If nothing was live before.
    """
    with ledger.writing() as writer:
        environment = read(writer.entries, name)
        rollout = environment.rollout
        if problem := no_right(fold(writer.entries), by, "rollback"):
            raise NoRollout(problem)
        if rollout is None and environment.before is None:
            raise NoRollout(f"nothing was live in {name} before, so there is nothing to go back to")
        if rollout is None:
            return environment.before
        if rollout.outcome is None:
            reasons = [f"{by} wants it back"]
            writer.append("rollout", rollout.version, by, to=name, step="rollback", reasons=reasons)
    return None


class Controller:
    """Takes rollouts in the environment `name` to their end.

    `decision` says whose `decide` it is: a rollout is not gone on with under another one.
    """

    def __init__(
        self,
        ledger: Ledger,
        site: World,
        name: str,
        measure: Measure,
        decide: Decide,
        *,
        decision: str = "lmops",
        tell: Callable[[str], None] = lambda line: None,
        sleep: Callable[[], None] = lambda: time.sleep(0.5),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger = ledger
        self._site = site
        self._name = name
        self._measure = measure
        self._decide = decide
        self._decision = decision
        self._tell = tell
        self._sleep = sleep
        self._now = now

    def begin(self, version: str, by: str, **details: Any) -> bool:
        """Write that a rollout begins, or leave it at the one of this version that is not done.

        `details` are those of `Rollout` and `Environment` that a rollout brings along. Returns
        whether there is something to do: not where this version is live already.

        Raises
        ------
        NoRollout
            If the version may not come here, or another rollout is not done.
        """
        with self._ledger.writing() as writer:
            environment = read(writer.entries, self._name)
            rollout = environment.rollout
            state = fold(writer.entries)
            if problem := no_right(state, by, "rollout"):
                raise NoRollout(problem)
            if rollout is not None:
                self._same(rollout, version)
                self._tell(f"going on with what began in line {rollout.line} of the ledger")
                return True
            if environment.version == version:
                return False
            if environment.versions and environment.bind != details["bind"]:
                raise NoRollout(
                    f"{self._name} listens at {environment.bind} already. Leave --port out, or "
                    f"end it first: lmops stop {self._name}"
                )
            if problem := no_release(state, version, self._name):
                raise NoRollout(f"{version} does not come to {self._name}: {problem}")
            writer.append(
                "rollout",
                version,
                by,
                to=self._name,
                step="begin",
                decision=self._decision,
                **details,
            )
        return True

    def _same(self, rollout: Rollout, version: str) -> None:
        name = self._name
        if rollout.version != version:
            raise NoRollout(
                f"a rollout of {rollout.version} to {name} is not done. To go on with it, type: "
                f"lmops rollout {rollout.version} --to {name}\n"
                f"To take it back: lmops rollback --to {name}"
            )
        if rollout.outcome is None and rollout.decision != self._decision:
            raise NoRollout(
                "this rollout began with another decision. Go on with the same notebook (--with), "
                f"or take it back: lmops rollback --to {name}"
            )

    def mend(self) -> None:
        """Have all run that should, where no rollout is under way."""
        self._site.make(read(self._ledger.entries(), self._name))

    def finish(self) -> Rollout:
        """Take the rollout to its end, and return how it ended.

        Raises
        ------
        NoRollout
            If there is none.
        NoProxy, NoReplica
            If what is live does not run, or HAProxy. The rollout is then not done.
        """
        while True:
            environment = read(self._ledger.entries(), self._name)
            rollout = environment.rollout
            if rollout is None:
                raise NoRollout(f"no rollout to {self._name} is under way")
            try:
                self._site.make(environment)
            except NoReplica as error:
                if error.colour != rollout.colour or environment.live == rollout.colour:
                    raise
                self._step(rollout, {"step": "rollback", "reasons": [str(error)]})
                continue
            if rollout.outcome:
                self._close(rollout)
                return rollout
            step = next_step(
                environment, rollout, self._arms(environment), self._decide, self._now()
            )
            if step is None:
                self._sleep()
            else:
                self._step(rollout, step)

    def _arms(self, environment: Environment) -> tuple[Arm, Arm]:
        both = environment.live is not None
        rollout = environment.rollout
        return self._measure(environment) if both and rollout and rollout.shared else ({}, {})

    def _step(self, rollout: Rollout, step: Mapping[str, Any]) -> None:
        """Write a step, unless somebody else wrote one meanwhile."""
        if step["step"] == "share" and rollout.shared is None:
            counts = self._site.counts()
            step = {**step, "counted": {c: [n.requests, n.errors] for c, n in counts.items()}}
        with self._ledger.writing() as writer:
            if read(writer.entries, self._name).rollout == rollout:
                self._write(writer, rollout, step)

    def _write(self, writer: Writer, rollout: Rollout, step: Mapping[str, Any]) -> None:
        writer.append("rollout", rollout.version, PLATFORM, to=self._name, **step)
        share = f" with {step['share'] / 10:g} % of the users" if "share" in step else ""
        why = "".join(f"\n  {reason}" for reason in step.get("reasons", ()))
        self._tell(f"{rollout.version}: {step['step']}{share}{why}")

    def _close(self, rollout: Rollout) -> None:
        """Write that it is done; what is promoted in production is the champion from then on."""
        with self._ledger.writing() as writer:
            environment = read(writer.entries, self._name)
            if environment.rollout != rollout:
                return
            state = fold(writer.entries)
            version = rollout.version
            if rollout.outcome == "promote" and self._name == "production":
                champion = state.aliases.get(CHAMPION) == version
                if not champion and no_promotion(state, version, CHAMPION) is None:
                    writer.append("promote", version, PLATFORM, alias=CHAMPION)
            self._write(writer, rollout, {"step": "done"})

"""The situations that a pipeline is tried in: what happens, and which commands should be called.

Branches, people and numbers are drawn, so that who knows the situations knows nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grader.checks.case import Rng
from grader.checks.student import Raised
from lmcourse.checks.pipelines.drawing import PEOPLE, some, word

if TYPE_CHECKING:
    from lmcourse.pipelines.runs import Run
    from lmcourse.pipelines.simulate import Scenario

WAY = ("test", "train", "gate", "register", "staging", "smoke", "canary", "production")
"""The targets of make, in the order of a good day."""
TARGETS = (*WAY, "rollback")
MOST_STEPS = 300
"""Some twenty run on a good day; each situation takes that long again."""


@dataclass(frozen=True)
class Situation:
    """What happens, and what should be called then.

    `want` are the targets in the order in which they are called first, and `ended` is how the run
    should end, "" if nobody cares. `or_nothing`: not to start at all is as good.
    """

    key: str
    name: str
    want: tuple[str, ...]
    ended: str = ""
    start: Mapping[str, Any] = field(default_factory=dict)
    fails: tuple[str, ...] = ()
    approval: tuple[str, str] = ("given", "")
    """The answer, and who gave it."""
    cancel: str = ""
    or_nothing: bool = False

    def scenario(self) -> "Scenario":
        """Return it in the language of the simulation."""
        from lmcourse.pipelines.runs import Approval, Start
        from lmcourse.pipelines.simulate import Scenario

        answer, by = self.approval
        return Scenario(
            start=Start(**self.start),
            outcomes={f"make {target}": 1 for target in self.fails},
            approvals={"production": Approval(answer, by)},  # type: ignore[arg-type]
            cancel=f"make {self.cancel}" if self.cancel else "",
            name=self.name,
        )

    def right(self) -> str:
        """Return what should happen, as `told` tells it."""
        return _sentence(self.want, self.ended)

    def told(self, run: "Run") -> str:
        """Return what happened in `run`: `right()` if all is well."""
        called = tuple(first_calls(run))
        ended = run.ended if self.ended else ""
        if self.or_nothing and not called:
            return self.right()
        return _sentence(called, "failed" if ended == "canceled" != self.ended else ended)


class Trial:
    """Tries pipelines, texts, in situations; a good day has to be one before others count.

    `simulate` returns what a text does in a scenario, and raises `Raised` if it is no pipeline.
    """

    def __init__(self, simulate: Callable[[str, "Scenario"], "Run"], good: Situation) -> None:
        self._simulate = simulate
        self._good = good
        self._known: dict[str, str | Raised] = {}  # a text, and its good day
        self._calls: dict[str, dict[str, list[list[str]]]] = {}  # a text, and as `called` says

    def good_day(self, text: object) -> str:
        """Return what a text does on a good day; raise `Raised` if it is no pipeline."""
        if not isinstance(text, str):
            raise Raised("TypeError", f"a text is wanted here, and not a {type(text).__name__}")
        if text not in self._known:
            try:
                run = self._run(text, self._good)
                steps = sum(len(job.steps) for _, job in run.jobs())
                if steps > MOST_STEPS:
                    raise Raised("Refused", f"it runs {steps} steps, and {MOST_STEPS} are plenty")
                self._known[text] = self._good.told(run)
            except Raised as refused:
                self._known[text] = refused
        came = self._known[text]
        if isinstance(came, Raised):
            raise came
        return came

    def missing(self, text: object) -> str:
        """Return what is wrong with a good day, or ""."""
        came = self.good_day(text)
        return "" if came == self._good.right() else f"not yet: on a good day {came}"

    def reaction(self, text: object, situation: Situation) -> str:
        """Return what a text does in a situation, in words."""
        if situation is self._good:
            return self.good_day(text)
        return self.missing(text) or situation.told(self._run(str(text), situation))

    def called(self, text: object) -> dict[str, list[list[str]]]:
        """Return for each stage the targets of make that it called in each situation so far.

        A GitHub job is a stage.
        """
        return self._calls.get(str(text), {})

    def _run(self, text: str, situation: Situation) -> "Run":
        run = self._simulate(text, situation.scenario())
        calls: dict[str, list[str]] = {}
        for call in run.called("make"):
            calls.setdefault(call.stage, []).extend(call.command.split()[1:2])
        known = self._calls.setdefault(text, {})
        for stage, targets in calls.items():
            known.setdefault(stage, []).append(targets)
        return run


def first_calls(run: "Run") -> list[str]:
    """Return the targets that were called, in the order of their first calls."""
    called = {target: run.called(f"make {target}") for target in TARGETS}
    return sorted((t for t in TARGETS if called[t]), key=lambda t: called[t][0].order)


def _sentence(targets: Sequence[str], ended: str) -> str:
    words = ", ".join(targets) or "nothing"
    return f"{words}; it ends {ended}" if ended else words


def situations(rng: Rng) -> list[Situation]:
    """Return the situations, in an order from the plain to the demanding."""
    author, colleague = some(rng, PEOPLE, 2)
    topic = word(rng)
    number = int(rng.integers(2, 4000))
    commit = word(rng, "0123456789abcdef", 40)
    told = {"by": author, "number": number, "commit": commit}
    push = told | {"reason": "IndividualCI", "branch": "main"}
    night = told | {"reason": "Schedule", "branch": "main", "changed": False}
    by_hand = told | {"reason": "Manual", "branch": "main"}
    proposed = told | {"reason": "PullRequest", "branch": topic, "target": "main"}
    fork = proposed | {"branch": "main", "variables": {"System.PullRequest.IsFork": "True"}}
    approved = ("given", colleague)

    def upto(target: str, *more: str) -> tuple[str, ...]:
        return (*WAY[: WAY.index(target) + 1], *more)

    def on_main(
        key: str, name: str, want: tuple[str, ...], *fails: str, **others: Any
    ) -> Situation:
        said = {"start": push, "approval": approved, "ended": "failed" if fails else "succeeded"}
        return Situation(key, name, want, fails=fails, **said | others)

    return [
        on_main("good", "a good day: a change on main", WAY),
        on_main("test", "a test fails on main", upto("test"), "test"),
        on_main("train", "the training fails", upto("train"), "train"),
        on_main("gate", "the gate says no", upto("gate"), "gate"),
        on_main("register", "the registry is down", upto("register"), "register"),
        on_main("staging", "staging cannot be reached", upto("staging"), "staging"),
        on_main("smoke", "staging's smoke test fails", upto("smoke"), "smoke"),
        on_main("pull", "a pull request", ("test",), start=proposed),
        on_main("pull fails", "a pull request whose tests fail", ("test",), "test", start=proposed),
        on_main("fork", "a stranger's pull request, from a fork's main", ("test",), start=fork),
        on_main("night", "three in the morning, nothing has changed", WAY, start=night),
        on_main(
            "night gate",
            "three in the morning, and the gate says no",
            upto("gate"),
            "gate",
            start=night,
        ),
        on_main("hand", "started by hand on main", WAY, start=by_hand),
        on_main("missing", "nobody approves", upto("smoke"), approval=("missing", ""), ended=""),
        on_main(
            "rejected",
            "somebody rejects it",
            upto("smoke"),
            approval=("rejected", colleague),
            ended="",
        ),
        on_main(
            "own", "only the author approves", upto("smoke"), approval=("given", author), ended=""
        ),
        on_main("canary", "the canary fails", upto("canary", "rollback"), "canary"),
        on_main(
            "production",
            "production is down: all users, and it fails",
            upto("production", "rollback"),
            "production",
        ),
        on_main(
            "night canary",
            "three in the morning, and the canary fails",
            upto("canary", "rollback"),
            "canary",
            start=night,
        ),
        on_main(
            "rollback",
            "the canary fails, and so does the rollback",
            upto("canary", "rollback"),
            "canary",
            "rollback",
        ),
        on_main(
            "branch",
            "a change on another branch",
            ("test",),
            start=push | {"branch": topic},
            or_nothing=True,
            ended="",
        ),
        on_main(
            "like main",
            "a change on a branch whose name ends in main",
            ("test",),
            start=push | {"branch": f"{topic}/main"},
            or_nothing=True,
            ended="",
        ),
        on_main(
            "hand branch",
            "started by hand on another branch",
            ("test",),
            start=by_hand | {"branch": f"{topic}-{number}"},
            or_nothing=True,
            ended="",
        ),
        on_main(
            "tag",
            "a tag that is called main",
            ("test",),
            start=push | {"branch": "", "tag": "main"},
            or_nothing=True,
            ended="",
        ),
        on_main("canceled", "somebody cancels it", upto("train"), cancel="train", ended=""),
        on_main(
            "canceled test",
            "somebody cancels it during the tests",
            ("test",),
            cancel="test",
            ended="",
        ),
    ]

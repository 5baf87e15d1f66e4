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
    from lmcourse.pipelines.azure.simulate import Scenario
    from lmcourse.pipelines.runs import Run, StepRun

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
    points: int = 1

    def scenario(self) -> "Scenario":
        """Return it in the language of the simulation."""
        from lmcourse.pipelines.azure.simulate import Scenario
        from lmcourse.pipelines.runs import Approval, Start

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


REFUSED = "It is refused as it stands, so nothing can be tried: mend the line that is named."
NO_CHECKOUT = (
    "Where nothing was checked out there is no Makefile, and make fails: a deployment begins with "
    "- checkout: self, in deploy and in on; a job on GitHub with uses: actions/checkout."
)


class Trial:
    """Tries pipelines, texts, in situations; a good day has to be one before others count.

    `simulate` returns what a text does in a scenario, and raises `Raised` if it is no pipeline.
    """

    def __init__(self, simulate: Callable[[str, "Scenario"], "Run"], good: Situation) -> None:
        self._simulate = simulate
        self._good = good
        self._known: dict[str, str | Raised] = {}  # a text, and its good day
        self._causes: dict[str, str] = {}  # a text, and why a step fails on its good day, or ""
        self._calls: dict[str, dict[str, list[list[str]]]] = {}  # a text, and as `called` says

    def good_day(self, text: object) -> str:
        """Return what a text does on a good day; raise `Raised` if it is no pipeline."""
        if not isinstance(text, str):
            raise Raised("TypeError", f"a text is wanted here, and not a {type(text).__name__}")
        if text not in self._known:
            try:
                run = self._run(text, self._good)
                steps = len(_steps(run))
                if steps > MOST_STEPS:
                    raise Raised("Refused", f"it runs {steps} steps, and {MOST_STEPS} are plenty")
                self._known[text] = self._good.told(run)
                self._causes[text] = next((s.why for s in _steps(run) if s.result == "failed"), "")
            except Raised as refused:
                self._known[text] = refused
        came = self._known[text]
        if isinstance(came, Raised):
            raise came
        return came

    def missing(self, text: object) -> str:
        """Return what is wrong with a good day, or ""."""
        came = self.good_day(text)
        if came == self._good.right():
            return ""
        cause = self._causes.get(str(text), "")
        return f"not yet: on a good day {came}" + (f" ({cause})" if cause else "")

    def hint(self, text: Callable[[], object], own: str, good: str) -> str:
        """Return what to say where a situation goes wrong: `own`, if all is well on a good day.

        `text` asks the student, and `good` is what to say of the good day.
        """
        try:
            if not self.missing(text()):
                return own
            cause = self._causes.get(str(text()), "")
        except Raised as raised:
            return REFUSED if raised.kind == "Refused" else good
        return NO_CHECKOUT if "checked out" in cause else good

    def reaction(self, text: object, situation: Situation) -> str:
        """Return what a text does in a situation, in words."""
        missing = self.missing(text)
        if missing and situation is self._good:
            return missing.removeprefix("not yet: on a good day ")
        return missing or situation.told(self._run(str(text), situation))

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


def _steps(run: "Run") -> list["StepRun"]:
    return [step for _, job in run.jobs() for step in job.steps]


def at_night(cron: str) -> bool:
    """Return whether one of the hours of a cron is one from 22 to 5, UTC."""
    for part in cron.split()[1].split(","):
        span, _, step = part.partition("/")
        first, _, last = span.replace("*", "0-23").partition("-")
        stop = int(last or (23 if step else first))
        if any(not 6 <= hour <= 21 for hour in range(int(first), stop + 1, int(step or 1))):
            return True
    return False


def first_calls(run: "Run") -> list[str]:
    """Return the targets that were called, in the order of their first calls.

    Where nothing was checked out there is no Makefile, and make does nothing.
    """
    sources = {
        (stage.name, job.instance, step.hook)
        for stage, job in run.jobs()
        for step in job.steps
        if step.step.kind == "checkout" and step.step.text == "self" and step.result == "succeeded"
    }
    called = {
        target: [
            call
            for call in run.called(f"make {target}")
            if (call.stage, call.job, call.hook) in sources
        ]
        for target in TARGETS
    }
    return sorted((t for t in TARGETS if called[t]), key=lambda t: called[t][0].order)


def _sentence(targets: Sequence[str], ended: str) -> str:
    words = ", ".join(targets) or "nothing"
    return f"{words}; it ends {ended}" if ended else words


def situations(rng: Rng) -> list[Situation]:
    """Return the situations, in an order from the plain to the demanding."""
    author, colleague = some(rng, PEOPLE, 2)
    topic = word(rng)
    begins = str(rng.choice(["main2", "maintenance", f"main-{topic}", f"main/{topic}"]))
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
        on_main("test", "a test fails on main", upto("test"), "test", points=4),
        on_main("train", "the training fails", upto("train"), "train"),
        on_main("gate", "the gate says no", upto("gate"), "gate", points=2),
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
        on_main("canary", "the canary fails", upto("canary", "rollback"), "canary", points=2),
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
            "hand like main",
            "started by hand on a branch whose name ends in main",
            ("test",),
            start=by_hand | {"branch": f"{topic}/main"},
            or_nothing=True,
            ended="",
        ),
        on_main(
            "hand begins",
            f"started by hand on {begins}",
            ("test",),
            start=by_hand | {"branch": begins},
            or_nothing=True,
            ended="",
        ),
        on_main(
            "hand tag",
            "started by hand on a tag that is called main",
            ("test",),
            start=by_hand | {"branch": "", "tag": "main"},
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

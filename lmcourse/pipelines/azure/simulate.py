"""What a pipeline would do in a scenario: outcomes are given, and nothing is executed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lmcourse.pipelines.azure.schedule import run
from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.model import Pipeline, Step
from lmcourse.pipelines.runs import Approval, Outcome, Run, Where
from lmcourse.pipelines.scenarios import Scenario, read_scenario
from lmcourse.pipelines.shell.calls import Answer, follow
from lmcourse.pipelines.source import short

__all__ = ["Scenario", "read_scenario", "simulate"]

_MACRO = re.compile(r"[A-Za-z_]\w*(\.[A-Z]\w*)+")
_NO_APPROVAL = Approval("not needed")


def simulate(pipeline: Pipeline, scenario: Scenario) -> Run:
    """Return what `pipeline` would do. Raises `Refused` for a script that it cannot follow."""
    return run(pipeline, scenario.start, Simulated(scenario))


@dataclass
class Simulated:
    """A `Worker` that knows what a scenario says, and which artifacts there are."""

    scenario: Scenario
    times: dict[str, int] = field(default_factory=dict)  # how often each key of outcomes fitted
    artifacts: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> stage, instance
    sources: set[tuple[str, str, str]] = field(default_factory=set)  # jobs that checked out
    canceled: bool = False  # a run is canceled once
    note: str = ""  # on the last command of a script that failed
    left: int = 1_000_000  # characters that scripts may handle; ours take some hundreds

    def approval(self, environment: str, where: Where) -> Approval:
        """Return what the scenario says of an environment."""
        for name, approval in self.scenario.approvals.items():
            if name.lower() == environment.lower():
                return approval
        return _NO_APPROVAL

    def step(self, step: Step, variables: Mapping[str, str], where: Where) -> Outcome:
        """Return what a step would do."""
        if step.kind == "script":
            return self._script(step, variables, where)
        if step.kind == "publish":
            return self._publish(step, where)
        if step.kind == "download":
            return self._download(step, where)
        place = (where.stage, where.instance, where.hook)
        if step.kind == "checkout":
            if step.text == "self":
                self.sources.add(place)
            return Outcome()
        answer = self._answer((step.text,), place)
        return Outcome(answer.status, tuple(answer.lines), minutes=answer.minutes)

    def _script(self, step: Step, variables: Mapping[str, str], where: Where) -> Outcome:
        place = (where.stage, where.instance, where.hook)
        known = {environment(name): value for name, value in variables.items()} | dict(step.env)
        canceled: list[bool] = []
        self.note = ""

        def caller(words: tuple[str, ...]) -> Answer:
            if not self.canceled and self.scenario.cancel and fits(self.scenario.cancel, words):
                self.canceled = True
                canceled.append(True)
                return Answer(stop=True)
            return self._answer(words, place)

        ran = follow(step.text, known, caller, step.file, step.text_line)
        self.left -= ran.work
        if self.left < 0:
            raise Refused(step.file, step.line, "the scripts together handle too much text")
        called = tuple(filter(None, ran.called))
        minutes = float("inf") if ran.endless else ran.minutes
        why = "the script never ends" if ran.endless else self.note if ran.status else ""
        lines = tuple(ran.lines)
        return Outcome(ran.status, lines, called, minutes, False, bool(canceled), why)

    def _answer(self, words: tuple[str, ...], place: tuple[str, str, str]) -> Answer:
        """Return what the scenario says of a command."""
        if words[0] == "make" and place not in self.sources:
            self.note = "there is no Makefile, as nothing was checked out here (checkout: self)"
            return Answer(2)
        status = 0
        key = best(self.scenario.outcomes, words)
        if key is not None:
            given = self.scenario.outcomes[key]
            if isinstance(given, int):
                status = given
            elif given:
                time = self.times.get(key, 0)
                self.times[key] = time + 1
                status = given[min(time, len(given) - 1)]
        elif _MACRO.fullmatch(words[0]):
            # What is left of `$(Build.Reazon)`, which is no variable.
            self.note = f"`{short(words[0])}` is no variable, and bash finds no such command"
            return Answer(127)
        if status:
            self.note = f"`{short(' '.join(words))}` ended with exit status {status}"
        line = best(self.scenario.outputs, words)
        long = best(self.scenario.minutes, words)
        return Answer(
            status,
            () if line is None else self.scenario.outputs[line],
            0.0 if long is None else self.scenario.minutes[long],
        )

    def _publish(self, step: Step, where: Where) -> Outcome:
        name = step.inputs.get("artifact") or where.instance
        if name.lower() in self.artifacts:
            return Outcome(1, why=f"there is an artifact {name} already")
        self.artifacts[name.lower()] = (where.stage, where.instance)
        return Outcome(why=f"the artifact {name} is published")

    def _download(self, step: Step, where: Where) -> Outcome:
        """Find an artifact, which a job must have published that has ended for certain."""
        name = step.inputs.get("artifact", "")
        if step.text == "none" or not name:
            return Outcome()
        source = self.artifacts.get(name.lower())
        if source is None:
            return Outcome(1, why=f"no one has published an artifact {name}")
        stage, instance = source
        if (
            source != (where.stage, where.instance)
            and f"{stage}.{instance}" not in where.waited_for
        ):
            told = f"{instance} publishes {name}, and this job does not wait for it (dependsOn)"
            return Outcome(1, why=told)
        return Outcome(why=f"the artifact {name} of {instance}")


def environment(name: str) -> str:
    """Return the environment variable's name of a variable: `Build.Reason` is BUILD_REASON."""
    return name.upper().replace(".", "_").replace(" ", "_")


def fits(key: str, words: Sequence[str]) -> bool:
    """Whether `words` begin with those of `key`, with or without `python -m` in front."""
    wanted = key.split()
    if list(words[: len(wanted)]) == wanted:
        return True
    module = len(words) > 2 and words[0] in {"python", "python3"} and words[1] == "-m"
    return module and fits(key, words[2:])


def best(keys: Mapping[str, object], words: Sequence[str]) -> str | None:
    """Return the longest of the keys that fit; None where none does."""
    return max(
        (key for key in keys if fits(key, words)), key=lambda one: len(one.split()), default=None
    )

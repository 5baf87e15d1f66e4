"""One job on one agent: its steps, one after the other, and what they leave to the next.

The rules: "Pipeline conditions", "Define variables" and "Logging commands" (Azure Pipelines).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lmcourse.pipelines.azure.variables import merged
from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.azure import Scope, Status, expand_macros, explain
from lmcourse.pipelines.expressions.values import to_boolean
from lmcourse.pipelines.messages import heard
from lmcourse.pipelines.model import Step
from lmcourse.pipelines.runs import Call, Outcome, Result, StepRun, Where, Worker

AFTER = 5.0
"""Minutes that the steps have together that still run once a job is stopped."""

TITLES: Mapping[Result, str] = {
    "succeeded": "Succeeded",
    "succeededWithIssues": "SucceededWithIssues",
    "failed": "Failed",
    "canceled": "Canceled",
    "skipped": "Skipped",
}
"""Results, as Azure's variables and dependencies write them."""


@dataclass
class Journal:
    """What all jobs of a run write into.

    The calls in order of time, whether it was stopped, and how much may still be done.
    """

    calls: list[Call] = field(default_factory=list)
    canceled: bool = False
    left: int = 5_000_000

    def spend(self, characters: int, file: str, line: int) -> None:
        """Count text that is put in, and ten times what is evaluated; refuse a run without end."""
        self.left -= characters
        if self.left < 0:
            raise Refused(file, line, "the run grows too large: too many steps, or too much text")


@dataclass
class Agent:
    """Runs steps. `variables` are the job's, with their macros expanded; steps add to them."""

    worker: Worker
    journal: Journal
    where: Where
    variables: dict[str, str]
    secrets: frozenset[str]
    minutes: float  # that the job has; 0: no limit
    status: Result = "succeeded"
    why: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    used: float = 0
    runs: list[StepRun] = field(default_factory=list)

    def run(self, steps: tuple[Step, ...]) -> None:
        """Run the steps whose conditions hold."""
        for step in steps:
            self.runs.append(self._one(step))

    def _one(self, step: Step) -> StepRun:
        hook = self.where.hook
        if self._text(step.enabled, step).lower() == "false":
            return StepRun(step, "skipped", f"enabled is false (line {step.line})", hook=hook)
        holds, why = self._condition(step)
        if not holds:
            return StepRun(step, "skipped", why, hook=hook)
        expanded = self._expanded(step)
        retries = int(_number(self._text(step.retries, step)))
        called: list[str] = []
        for attempt in range(1, retries + 2):
            outcome, result, why = self._attempt(expanded, attempt)
            called += outcome.called
            for command in outcome.called:
                order = len(self.journal.calls) + 1
                where = (self.where.stage, self.where.instance, step.name or step.display_name)
                self.journal.calls.append(Call(command, *where, hook, order))
            said = heard(outcome.lines)
            self._take(step, said.variables, said.outputs, said.secrets)
            if result in {"succeeded", "failed"} and said.result:
                worst: Result = "failed" if said.result == 2 else "succeededWithIssues"
                if result == "succeeded":
                    result, why = worst, f"task.complete said {TITLES[worst]}"
            if result != "failed":
                break
        if result == "failed" and self._text(step.continue_on_error, step).lower() == "true":
            result, why = "succeededWithIssues", f"{why}; continueOnError is true"
        self._count(step, result, why)
        return StepRun(step, result, why, tuple(called), hook, attempt, tuple(said.issues))

    def _attempt(self, step: Step, attempt: int) -> tuple[Outcome, Result, str]:
        """Return what the worker answers, the result and a sentence."""
        self.journal.spend(500 + 5 * len(step.text), step.file, step.line)
        own = _number(step.timeout)
        limit = AFTER if self.status == "canceled" else self.minutes
        left = max(limit - self.used, 0.001) if limit else 0.0
        allowed = min((one for one in (own, left) if one), default=0.0)
        where = replace(self.where, attempt=attempt, minutes=allowed)
        public = {n: v for n, v in self.variables.items() if n.lower() not in self.secrets}
        public["Agent.JobStatus"] = TITLES[self.status]
        outcome = self.worker.step(step, public, where)
        late = outcome.timed_out or bool(allowed and outcome.minutes > allowed)
        self.used += min(outcome.minutes, allowed) if allowed else outcome.minutes
        if outcome.canceled:
            self.journal.canceled = True
            return outcome, "canceled", "the run was canceled while this step ran"
        if late and own and own <= allowed:
            return outcome, "failed", f"it took longer than its {own:g} minutes"
        if late:
            return outcome, "canceled", f"the job took longer than its {limit:g} minutes"
        if outcome.status:
            return outcome, "failed", outcome.why or f"it ended with exit status {outcome.status}"
        return outcome, "succeeded", outcome.why or "it ended with exit status 0"

    def _count(self, step: Step, result: Result, why: str) -> None:
        """Let a step's result count for the job's."""
        shown = f"the step {step.name or step.display_name} (line {step.line})"
        if result == "canceled":
            if self.status != "canceled":
                self.used = 0
            self.status, self.why = "canceled", f"{shown}: {why}"
        elif result == "failed" and self.status not in {"canceled", "failed"}:
            self.status, self.why = "failed", f"{shown} failed: {why}"
        elif result == "succeededWithIssues" and self.status == "succeeded":
            self.status, self.why = "succeededWithIssues", f"{shown}: {why}"

    def _take(
        self, step: Step, variables: dict[str, str], outputs: dict[str, str], secrets: set[str]
    ) -> None:
        """Take over the variables that a step has set."""
        self.secrets |= secrets
        self.variables = merged(self.variables, variables)
        if step.name:
            named = {f"{step.name}.{name}": value for name, value in outputs.items()}
            self.outputs |= named
            self.variables = merged(self.variables, named)
            self.secrets |= {f"{step.name}.{name}".lower() for name in secrets}

    def _condition(self, step: Step) -> tuple[bool, str]:
        self.journal.spend(500 + 10 * len(step.condition or ""), step.file, step.line)
        known = self.variables | {"Agent.JobStatus": TITLES[self.status]}
        status = Status(self.status == "canceled", TITLES[self.status])
        scope = Scope({"variables": known}, status)
        default = self.why if self.status in {"failed", "canceled"} else ""
        return decide(step.condition, scope, step.file, step.line, default)

    def _text(self, text: str, step: Step) -> str:
        if "$(" not in text:
            return text
        found = expand_macros(text, self.variables, step.file, step.line)
        self.journal.spend(len(found) + 20 * len(self.variables), step.file, step.line)
        return found

    def _expanded(self, step: Step) -> Step:
        """Return the step with its macros expanded."""
        return replace(
            step,
            text=self._text(step.text, step),
            display_name=self._text(step.display_name, step),
            working_directory=self._text(step.working_directory, step),
            timeout=self._text(step.timeout, step),
            env={name: self._text(value, step) for name, value in step.env.items()},
            inputs={name: self._text(value, step) for name, value in step.inputs.items()},
        )


def decide(
    condition: str | None, scope: Scope, file: str, line: int, default: str = ""
) -> tuple[bool, str]:
    """Return whether a condition holds, and a sentence; `default` is said if there is none.

    An empty condition counts as none, as in Azure.
    """
    text = (condition or "").strip() or "succeeded()"
    value, shown = explain(text, scope, file, line)
    holds = to_boolean(value)
    if condition is None or not condition.strip():
        said = default or ("all before it succeeded" if holds else "a step before it failed")
        return holds, said
    short = " ".join(text.split())
    return holds, f"condition `{short}` was {shown}: {'it holds' if holds else 'it does not hold'}"


def _number(text: str) -> float:
    """Return the number of a timeout that may come from a variable; 0 where it is none."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0

"""One leg of a GitHub job on its runner: the steps, one after the other.

Sources: GitHub's pages "Workflow syntax" (`jobs.<id>.steps`), "Workflow commands" (GITHUB_OUTPUT,
GITHUB_ENV) and "Contexts reference" (outcome and conclusion of a step).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lmcourse.pipelines.azure.agent import Journal
from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.github import Scope, Status, condition, insert
from lmcourse.pipelines.expressions.github_values import Json, to_number, to_text
from lmcourse.pipelines.github.workflow import Workflow, WorkflowJob, WorkflowStep
from lmcourse.pipelines.messages import heard
from lmcourse.pipelines.model import Step
from lmcourse.pipelines.runs import Call, JobRun, Outcome, Result, StepRun, Where, Worker

WORDS: Mapping[Result, str] = {
    "succeeded": "success",
    "succeededWithIssues": "success",  # what failed and may: continue-on-error
    "failed": "failure",
    "canceled": "cancelled",
    "skipped": "skipped",
}
"""Results, as GitHub's contexts write them."""
SHELL: Mapping[str, str] = {"": "set -e", "bash": "set -eo pipefail", "sh": "set -e"}
"""How scripts are run: `bash -e`, or if `shell: bash` is written, `-eo pipefail` ("shell")."""
WRITTEN = re.compile(
    r"""echo[ ]{1,4}(?P<quote>["']?)(?P<name>[A-Za-z_][\w-]*)=
        (?P<value>(?:(?!echo[ ])[^\n])*?)(?P=quote)[ ]{0,4}
        >>[ ]{0,4}"?\$\{?GITHUB_(?P<file>OUTPUT|ENV)\}?"?(?=[ ]{0,4}(?:$|[;&|\n]))""",
    re.VERBOSE | re.MULTILINE,
)
"""A line that gives an output, or a variable for the steps behind it."""

MOST_WORK = 500_000
"""Characters of expressions and texts that a simulation goes through; ours take some 30,000."""


@dataclass
class Work:
    """What is left of the work that a simulation may take: a workflow can ask for any amount."""

    left: int = MOST_WORK

    def spend(self, characters: int, at: tuple[str, int]) -> None:
        """Count work; raise `Refused` where it is too much."""
        self.left -= characters + 20
        if self.left < 0:
            raise Refused(*at, "this workflow is too much work: fewer legs, steps or shorter texts")

    def text(self, text: str, scope: Scope, at: tuple[str, int]) -> str:
        """Return `text` with its expressions evaluated."""
        self.spend(len(text), at)
        found = to_text(insert(text, scope, at))
        self.spend(len(found), at)
        return found


class Runner:
    """One leg of one job: its steps, one after the other."""

    def __init__(
        self,
        workflow: Workflow,
        job: WorkflowJob,
        leg: str,
        values: Mapping[str, Json],
        environment: str,
        waited: frozenset[str],
        worker: Worker,
        journal: Journal,
        work: Work,
    ):
        self.job, self.leg, self.worker = job, leg, worker
        self.journal, self.work = journal, work
        self.environment, self.waited = environment, waited
        self.steps: dict[str, Json] = {}
        self.failed = self.canceled = False
        self.why = "all steps succeeded"
        self.used = 0.0
        self.runs: list[StepRun] = []
        early = ("github", "vars", "inputs", "secrets")
        start = Scope({name: values[name] for name in early})
        runner: Json = {"os": "Linux", "arch": "X64", "temp": "/home/runner/temp"}
        self.values = {**values, "runner": runner}
        at = (job.file, job.line)
        self.env: dict[str, str] = {"CI": "true", "GITHUB_ACTIONS": "true"}
        for name, value in workflow.env.items():
            self.env[name] = self.work.text(value, start, at)
        for name, value in job.env.items():
            self.env[name] = self.work.text(value, Scope(self.values), at)
        self.limit = minutes(self.work.text(job.timeout, Scope(self.values), at), at)

    @property
    def instance(self) -> str:
        """The job's name, with the leg behind a point."""
        return f"{self.job.name}.{self.leg}" if self.leg else self.job.name

    def scope(self, env: Mapping[str, str]) -> Scope:
        """Return what a step may ask for."""
        status = Status(self.failed, self.canceled)
        job: Json = {"status": "failure" if self.failed else "success"}
        if self.canceled:
            job = {"status": "cancelled"}
        return Scope(self.values | {"env": env, "steps": self.steps, "job": job}, status)

    def run(self) -> JobRun:
        """Run the steps whose conditions hold."""
        for step in self.job.steps:
            self.runs.append(self.step(step))
        scope = self.scope(self.env)
        at = (self.job.file, self.job.line)
        outputs = {
            name: self.work.text(value, scope, at) for name, value in self.job.outputs.items()
        }
        result: Result = "succeeded"
        if self.canceled:
            result = "canceled"
        elif self.failed:
            result = "failed"
            if self.work.text(self.job.continue_on_error, scope, at) == "true":
                result, self.why = "succeededWithIssues", f"{self.why}; continue-on-error is true"
        return JobRun(
            self.job.name,
            self.leg,
            result,
            self.why,
            tuple(self.runs),
            self.environment,
            outputs,
            self.job.file,
            self.job.line,
        )

    def step(self, step: WorkflowStep) -> StepRun:
        """Return what became of `step`."""
        at = (step.file, step.line)
        env = dict(self.env)
        for name, value in step.env.items():
            env[name] = self.work.text(value, self.scope(self.env), at)
        scope = self.scope(env)
        known = {name: value for name, value in scope.values.items() if name != "secrets"}
        self.work.spend(len(step.condition or ""), at)
        holds, shown = condition(step.condition, Scope(known, scope.status), at)
        if not holds:
            self.keep(step, "skipped", "skipped", {})
            why = self.why if step.condition is None else f"`{step.condition}` was {shown}"
            text = step.run or step.uses
            plain = Step("script", text, *at, name=step.id, display_name=step.title)
            return StepRun(plain, "skipped", why)
        asked = self.request(step, scope, env)
        limit = minutes(self.work.text(step.timeout, scope, at), at)
        left = max(self.limit - self.used, 0.001)
        allowed = min(limit, left) if limit else left
        where = Where(
            self.job.name, self.job.name, self.instance, minutes=allowed,
            environment=self.environment, waited_for=self.waited,
        )  # fmt: skip
        outcome = self.worker.step(asked, {}, where)
        called = outcome.called or ((step.uses.partition("@")[0],) if step.uses else ())
        for command in called:
            order = len(self.journal.calls) + 1
            call = Call(command, self.job.name, self.instance, step.id or step.title, "", order)
            self.journal.calls.append(call)
        said = heard(outcome.lines)
        self.env |= said.variables
        result, why = self.judge(outcome, limit, allowed)
        may_fail = self.work.text(step.continue_on_error, scope, at) == "true"
        if result == "failed" and may_fail:
            result, why = "succeededWithIssues", f"{why}; continue-on-error is true"
        outcome_word = "failure" if result == "succeededWithIssues" else WORDS[result]
        self.keep(step, outcome_word, WORDS[result], said.outputs)
        if result in {"failed", "canceled"} and not (self.failed or self.canceled):
            self.why = f"the step {step.title} (line {step.line}): {why}"
        self.failed |= result == "failed"
        self.canceled |= result == "canceled"
        return StepRun(asked, result, why, called, attempts=1, issues=tuple(said.issues))

    def judge(self, outcome: Outcome, limit: float, allowed: float) -> tuple[Result, str]:
        """Return a step's result and a sentence."""
        late = outcome.timed_out or outcome.minutes > allowed
        self.used += min(outcome.minutes, allowed)
        if outcome.canceled:
            self.journal.canceled = True
            return "canceled", "the run was canceled while this step ran"
        if late and limit and limit <= allowed:
            return "failed", f"it took longer than its {limit:g} minutes"
        if late:
            return "canceled", f"the job took longer than its {self.limit:g} minutes"
        if outcome.status:
            return "failed", outcome.why or f"it ended with exit status {outcome.status}"
        return "succeeded", outcome.why or "it ended with exit status 0"

    def keep(
        self, step: WorkflowStep, outcome: str, conclusion: str, outputs: Mapping[str, str]
    ) -> None:
        """Keep what steps behind this one may ask for."""
        if step.id:
            self.steps[step.id] = {
                "outcome": outcome,
                "conclusion": conclusion,
                "outputs": dict(outputs),
            }

    def request(self, step: WorkflowStep, scope: Scope, env: Mapping[str, str]) -> Step:
        """Return what the worker is asked to do."""
        at = (step.file, step.line)
        name = self.work.text(step.title, scope, at) if step.name else step.title
        made = Step("task", "", step.file, step.line, name=step.id, display_name=name, env=env)
        if step.run:
            script = self.work.text(step.run, scope, at)
            text = f"{SHELL[step.shell]}\n{as_messages(script)}"
            return replace(made, kind="script", text=text, text_line=step.text_line - 1)
        inputs = {key: self.work.text(value, scope, at) for key, value in step.inputs.items()}
        action = step.uses.partition("@")[0]
        artifact = {"artifact": inputs.get("name", "")}
        if action == "actions/checkout":
            return replace(made, kind="checkout", text="self")
        if action == "actions/upload-artifact":
            artifact = {"artifact": artifact["artifact"] or "artifact"}
            return replace(made, kind="publish", text=inputs.get("path", ""), inputs=artifact)
        if action == "actions/download-artifact":
            return replace(made, kind="download", text="current", inputs=artifact)
        return replace(made, text=action, inputs=inputs)


def minutes(text: str, at: tuple[str, int]) -> float:
    """Return the minutes of a `timeout-minutes`; 0 stands for none of its own."""
    found = to_number(text)
    if not 0 <= found < 100_000:
        raise Refused(*at, f"timeout-minutes is a number of minutes, and this is `{text[:40]}`")
    return found


def as_messages(script: str) -> str:
    """Return `script` with what it writes to GITHUB_OUTPUT and GITHUB_ENV as logging commands.

    So it is heard as Azure's agent hears a step. Azure's own logging commands mean nothing here.
    """

    def message(found: re.Match[str]) -> str:
        output = ";isOutput=true" if found["file"] == "OUTPUT" else ""
        quote = found["quote"] or '"'
        logged = f"##vso[task.setvariable variable={found['name']}{output}]{found['value']}"
        return f"echo {quote}{logged}{quote}"

    return WRITTEN.sub(message, script.replace("##vso[", "##"))

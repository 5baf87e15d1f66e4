"""What a GitHub workflow would do in a scenario: nothing is executed.

The answer is the same `Run` as of an Azure pipeline. GitHub has no stages: each job is a stage of
the run, and the legs of its matrix are the stage's jobs.

Sources: GitHub's pages "Workflow syntax", "Contexts reference", "Using conditions", "Managing
environments for deployment". Jobs go one after the other in an order that `needs` allows; where a
leg of a matrix fails and `fail-fast` holds, the legs behind it are cancelled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lmcourse.pipelines import graph
from lmcourse.pipelines.azure.agent import Journal
from lmcourse.pipelines.azure.simulate import Scenario, Simulated
from lmcourse.pipelines.expressions.github import Scope, Status, condition
from lmcourse.pipelines.expressions.github_values import Json
from lmcourse.pipelines.github.contexts import contexts
from lmcourse.pipelines.github.events import starts
from lmcourse.pipelines.github.job import WORDS, Runner, Work
from lmcourse.pipelines.github.matrix import Leg, legs, title
from lmcourse.pipelines.github.reading import read_workflow
from lmcourse.pipelines.github.workflow import Workflow, WorkflowJob
from lmcourse.pipelines.model import Pipeline, Stage
from lmcourse.pipelines.runs import Approval, JobRun, Result, Run, StageRun, Where, Worker

__all__ = ["read_workflow", "simulate_workflow"]


def simulate_workflow(workflow: Workflow, scenario: Scenario, repository: str = "ada/model") -> Run:
    """Return what `workflow` would do. Raises `Refused` for what cannot be followed.

    A command's outputs are those that the scenario gives it for an Azure pipeline. Secrets are the
    start's; `vars` and inputs are its variables.
    """
    stages = tuple(
        Stage(job.name, job.file, job.line, (), job.title, job.depends_on, job.condition)
        for job in workflow.jobs
    )
    pipeline = Pipeline(workflow.file, stages, workflow.name)
    started, why = starts(workflow, scenario.start)
    if not started:
        return Run(False, why, "skipped", pipeline=pipeline)
    known = contexts(workflow, scenario.start, repository)
    walk = _Walk(workflow, scenario, Simulated(scenario), known)
    runs = walk.jobs()
    ended: Result = "succeeded"
    if walk.journal.canceled:
        ended = "canceled"
    elif any(one.result in {"failed", "canceled"} for one in runs):
        ended = "failed"
    return Run(True, why, ended, runs, pipeline, tuple(walk.journal.calls))


@dataclass
class _Walk:
    workflow: Workflow
    scenario: Scenario
    worker: Worker
    known: Mapping[str, Json]  # contexts
    journal: Journal = field(default_factory=Journal)
    work: Work = field(default_factory=Work)
    done: dict[str, StageRun] = field(default_factory=dict)
    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def jobs(self) -> tuple[StageRun, ...]:
        """Return what became of each job, in the order of time."""
        by_name = {job.name.lower(): job for job in self.workflow.jobs}
        for name, before in graph.ordered(self.workflow.jobs).items():
            above = [self.done[by_name[one].name] for one in sorted(before)]
            self.done[by_name[name].name] = self.job(by_name[name], above)
        return tuple(self.done.values())

    def job(self, job: WorkflowJob, above: Sequence[StageRun]) -> StageRun:
        """Return what became of `job`; `above` are all that it waits for, directly or not."""
        at = (job.file, job.line)
        needs: Json = {
            one: {"result": WORDS[self.done[one].result], "outputs": self.outputs[one]}
            for one in job.depends_on
        }
        names = ("github", "vars", "inputs")
        values = {name: self.known[name] for name in names} | {"needs": needs}
        results = {one.result for one in above}
        short = bool(results & {"skipped", "canceled"})
        status = Status("failed" in results, self.journal.canceled, short)
        self.outputs[job.name] = {}
        self.work.spend(len(job.condition or ""), at)
        holds, shown = condition(job.condition, Scope(values, status), at)
        if not holds:
            return StageRun(job.name, "skipped", told(job, shown, above), line=job.line)
        scope = Scope(values)
        made: list[Leg] = [{}] if job.matrix is None else legs(job.matrix, scope)
        if not made:
            return StageRun(job.name, "failed", "its matrix has no leg", line=job.line)
        runs, asked, refused = self.legs(job, made, scope, above)
        result, why = refused or together(runs)
        if job.condition and not refused:
            why = f"`{' '.join(job.condition.split())}` was {shown}: it holds; {why}"
        return StageRun(job.name, result, why, tuple(runs), tuple(asked.items()), job.line)

    def legs(
        self, job: WorkflowJob, made: Sequence[Leg], scope: Scope, above: Sequence[StageRun]
    ) -> tuple[list[JobRun], dict[str, Approval], tuple[Result, str] | None]:
        """Return what became of each leg, which environments were asked, and if one refused."""
        at = (job.file, job.line)
        fast = self.work.text(job.fail_fast, scope, at) == "true"
        waited = frozenset(f"{one.name}.{run.instance}" for one in above for run in one.jobs)
        before = self.journal.canceled
        runs: list[JobRun] = []
        asked: dict[str, Approval] = {}
        for number, leg in enumerate(made):
            why = ""
            if fast and any(run.result == "failed" for run in runs):
                why = "another leg failed (fail-fast)"
            elif self.journal.canceled and not before:
                why = "the run was canceled"
            if why:
                runs.append(JobRun(job.name, title(leg), "canceled", why, line=job.line))
                continue
            strategy: Json = {"job-index": float(number), "job-total": float(len(made))}
            own = Scope({**scope.values, "matrix": leg, "strategy": strategy})
            environment = self.work.text(job.environment, own, at)
            if environment and environment not in asked:
                where = Where(job.name, "", "", environment=environment)
                asked[environment] = self.worker.approval(environment, where)
                refused = judged(environment, asked[environment], self.scenario.start.by)
                if refused:
                    return runs, asked, refused
            values = {**own.values, "secrets": self.known["secrets"]}
            runner = Runner(
                self.workflow, job, title(leg), values, environment, waited, self.worker,
                self.journal, self.work,
            )  # fmt: skip
            runs.append(runner.run())
            self.outputs[job.name] = runs[-1].outputs  # of several legs, the last one's
        return runs, asked, None


def judged(environment: str, approval: Approval, author: str) -> tuple[Result, str] | None:
    """Return the result that an environment's answer gives a job; None where it may go on.

    "If a job is not approved within 30 days, it will automatically fail" ("Reviewing deployments").
    Environments are taken to prevent that people review what is their own.
    """
    who = approval.by.strip()
    to = f"the deployment to {environment}"
    if approval.answer == "not needed":
        return None
    if approval.answer == "rejected":
        return "failed", f"{who or 'someone'} rejected {to}"
    if approval.answer == "missing" or not who:
        return "failed", f"no one approved {to} within 30 days"
    if who.lower() == author.strip().lower():
        return "failed", f"{who} approved {to}, and it is {who}'s own change: that does not count"
    return None


def told(job: WorkflowJob, shown: str, above: Sequence[StageRun]) -> str:
    """Return why a job is skipped: its condition, or those that it waits for."""
    if job.condition:
        return f"`{' '.join(job.condition.split())}` was {shown}: it does not hold"
    bad = [f"{one.name} {SAID[one.result]}" for one in above if one.result in SAID]
    return ", ".join(bad) or "the run was canceled"


SAID: Mapping[Result, str] = {
    "failed": "failed",
    "canceled": "was canceled",
    "skipped": "was skipped",
}


def together(runs: Sequence[JobRun]) -> tuple[Result, str]:
    """Return what the legs of a job come to, and why."""
    for result in ("failed", "canceled", "succeededWithIssues"):
        for run in runs:
            if run.result == result:
                return run.result, run.why
    return "succeeded", "all steps succeeded"

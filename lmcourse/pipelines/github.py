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
from lmcourse.pipelines.agent import Journal
from lmcourse.pipelines.github_expressions import Scope, Status, condition, insert
from lmcourse.pipelines.github_values import Json, to_text
from lmcourse.pipelines.model import Pipeline, Stage
from lmcourse.pipelines.runs import Approval, JobRun, Result, Run, StageRun, Where, Worker
from lmcourse.pipelines.schedule import judged
from lmcourse.pipelines.simulate import Scenario, _Simulated
from lmcourse.pipelines.workflow import Workflow, WorkflowJob
from lmcourse.pipelines.workflow_events import DEFAULT_BRANCH, NAMES, starts
from lmcourse.pipelines.workflow_job import WORDS, Runner
from lmcourse.pipelines.workflow_matrix import Leg, legs, title
from lmcourse.pipelines.workflow_reading import read_workflow

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
    walk = _Walk(workflow, scenario, repository, _Simulated(scenario))
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
    repository: str
    worker: Worker
    journal: Journal = field(default_factory=Journal)
    done: dict[str, StageRun] = field(default_factory=dict)
    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def jobs(self) -> tuple[StageRun, ...]:
        """Return what became of each job, in the order of time."""
        by_name = {job.name.lower(): job for job in self.workflow.jobs}
        for name, before in graph.ordered(self.workflow.jobs).items():
            job = by_name[name]
            above = {one: self.done[by_name[one].name].result for one in sorted(before)}
            self.done[job.name] = self.job(job, above)
        return tuple(self.done.values())

    def job(self, job: WorkflowJob, above: Mapping[str, Result]) -> StageRun:
        """Return what became of `job`; `above` are the results of all that it waits for."""
        at = (job.file, job.line)
        needs: dict[str, Json] = {
            one: {"result": WORDS[self.done[one].result], "outputs": self.outputs[one]}
            for one in job.depends_on
        }
        values = self.contexts(job) | {"needs": needs}
        values = {name: values[name] for name in ("github", "vars", "inputs", "needs")}
        status = Status(
            "failed" in above.values(),
            self.journal.canceled,
            bool({"skipped", "canceled"} & set(above.values())),
        )
        self.outputs[job.name] = {}
        holds, shown = condition(job.condition, Scope(values, status), at)
        if not holds:
            return StageRun(job.name, "skipped", told(job, shown, above), line=job.line)
        if job.matrix is None:
            made: list[Leg] = [{}]
        else:
            made = legs(job.matrix, Scope(values))
        if not made:
            return StageRun(job.name, "failed", "its matrix has no leg", line=job.line)
        runs: list[JobRun] = []
        asked: dict[str, Approval] = {}
        for number, leg in enumerate(made):
            strategy: Json = {"job-index": float(number), "job-total": float(len(made))}
            scope = Scope(values | {"matrix": leg, "strategy": strategy})
            stopped = any(run.result == "failed" for run in runs) and self.fast(job, values)
            if stopped or (self.journal.canceled and runs):
                why = "another leg failed (fail-fast)" if stopped else "the run was canceled"
                runs.append(JobRun(job.name, title(leg), "canceled", why, line=job.line))
                continue
            environment = to_text(insert(job.environment, scope, at))
            if environment and environment not in asked:
                where = Where(job.name, "", "", environment=environment)
                asked[environment] = self.worker.approval(environment, where)
                result, why = judged(environment, asked[environment], self.scenario.start)
                if result:
                    answers = tuple(asked.items())
                    return StageRun(job.name, result, why, tuple(runs), answers, job.line)
            waited = frozenset(
                f"{one}.{run.instance}"
                for one in self.done
                if one.lower() in above
                for run in self.done[one].jobs
            )
            values_here = {**scope.values, "secrets": self.contexts(job)["secrets"]}
            runner = Runner(
                self.workflow, job, title(leg), Scope(values_here), environment, waited,
                self.worker, self.journal,
            )  # fmt: skip
            runs.append(runner.run())
            self.outputs[job.name] = runs[-1].outputs  # of several legs, the last one's
        result, why = together(runs)
        if job.condition:
            why = f"`{' '.join(job.condition.split())}` was {shown}: it holds; {why}"
        return StageRun(job.name, result, why, tuple(runs), tuple(asked.items()), job.line)

    def fast(self, job: WorkflowJob, values: Mapping[str, Json]) -> bool:
        """Whether a leg that fails ends the others."""
        return to_text(insert(job.fail_fast, Scope(values), (job.file, job.line))) == "true"

    def contexts(self, job: WorkflowJob) -> dict[str, Json]:
        """Return the contexts that are known before a job starts."""
        start = self.scenario.start
        name = NAMES[start.reason]
        proposed = start.reason == "PullRequest"
        event: dict[str, Json] = {"repository": {"default_branch": DEFAULT_BRANCH}}
        if proposed:
            event["pull_request"] = {
                "number": float(start.number),
                "draft": start.draft,
                "head": {"ref": start.branch, "sha": start.commit},
                "base": {"ref": start.target},
            }
            event["number"] = float(start.number)
        if name == "workflow_run":
            conclusion = start.variables.get("workflow_run.conclusion", "success")
            event["workflow_run"] = {
                "name": start.pipeline,
                "conclusion": conclusion,
                "head_branch": start.branch,
                "head_sha": start.commit,
            }
        if name == "schedule":
            found = self.workflow.event(name)
            event["schedule"] = found.crons[0] if found and found.crons else ""
        inputs: dict[str, Json] = {}
        asked = self.workflow.event("workflow_dispatch")
        if asked and name == "workflow_dispatch":
            for one in asked.inputs:
                value = start.variables.get(one.name, one.default)
                inputs[one.name] = value == "true" if one.kind == "boolean" else value
            event["inputs"] = inputs
        ref = start.ref if name in {"push", "pull_request"} else f"refs/heads/{start.branch}"
        github: dict[str, Json] = {
            "actor": start.by,
            "triggering_actor": start.by,
            "base_ref": start.target if proposed else "",
            "head_ref": start.branch if proposed else "",
            "event": event,
            "event_name": name,
            "job": job.name,
            "ref": ref,
            "ref_name": ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
            .removeprefix("refs/pull/"),
            "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
            "repository": self.repository,
            "repository_owner": self.repository.partition("/")[0],
            "run_id": str(start.number),
            "run_number": str(start.number),
            "run_attempt": "1",
            "server_url": "https://github.com",
            "sha": start.commit,
            "token": "***",
            "workflow": self.workflow.name,
            "workspace": "/home/runner/work",
        }  # fmt: skip
        secret = start.secrets
        given: dict[str, Json] = {n: v for n, v in start.variables.items() if n not in secret}
        hidden: dict[str, Json] = {n: v for n, v in start.variables.items() if n in secret}
        hidden["GITHUB_TOKEN"] = "***"
        return {"github": github, "vars": given, "inputs": inputs, "secrets": hidden}


def told(job: WorkflowJob, shown: str, above: Mapping[str, Result]) -> str:
    """Return why a job is skipped: its condition, or those that it waits for."""
    if job.condition:
        return f"`{' '.join(job.condition.split())}` was {shown}: it does not hold"
    bad = [f"{name} {said}" for name, result in above.items() if (said := SAID.get(result))]
    return f"{', '.join(bad)}" if bad else "the run was canceled"


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

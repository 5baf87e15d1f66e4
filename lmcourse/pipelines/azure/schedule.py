"""The engine: which stage and which job runs next, and why, or why not.

Both ways of running share it: what a step does, and what an environment answers, a `Worker` says.
Stages and jobs go one after the other in an order that their dependencies allow, the first of the
file first. On Azure some run at once; what comes of them is the same, as none sees another that it
does not wait for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lmcourse.pipelines import graph
from lmcourse.pipelines.azure.agent import TITLES, Agent, Journal, decide
from lmcourse.pipelines.azure.deployments import Deployed, deploy
from lmcourse.pipelines.azure.matrix import legs
from lmcourse.pipelines.azure.reading import for_start
from lmcourse.pipelines.azure.triggers import starts
from lmcourse.pipelines.azure.variables import defined, merged, predefined
from lmcourse.pipelines.expressions.azure import Scope, Status, expand_macros, resolve
from lmcourse.pipelines.expressions.values import Value
from lmcourse.pipelines.model import Job, Pipeline, Stage, Step, Variable
from lmcourse.pipelines.runs import (
    GOOD,
    Approval,
    JobRun,
    Result,
    Run,
    StageRun,
    Start,
    Where,
    Worker,
)

_WORDS: Mapping[Result, str] = {
    "succeeded": "succeeded",
    "succeededWithIssues": "succeeded with issues",
    "failed": "failed",
    "canceled": "was canceled",
    "skipped": "was skipped",
}


def run(pipeline: Pipeline, start: Start, worker: Worker) -> Run:
    """Run `pipeline` with `worker` and say what came of it. Raises `Refused`."""
    pipeline = for_start(pipeline, start)
    started, why = starts(pipeline, start)
    if not started:
        return Run(False, why, "skipped", pipeline=pipeline)
    walk = _Walk(pipeline, start, worker)
    stages = walk.stages()
    result, _ = _together([(one.name, one.result) for one in stages], "stage")
    if walk.journal.canceled:
        result = "canceled"
    return Run(True, why, result, stages, pipeline, tuple(walk.journal.calls))


@dataclass
class _Walk:
    pipeline: Pipeline
    start: Start
    worker: Worker
    journal: Journal = field(default_factory=Journal)
    done: dict[str, StageRun] = field(default_factory=dict)

    def stages(self) -> tuple[StageRun, ...]:
        """Run all stages; they are returned in the order of the file."""
        known = predefined(self.start, self.pipeline.name or self.pipeline.file)
        known = self._defined(self.pipeline.variables, known, {})
        order = graph.ordered(self.pipeline.stages)
        stages = {stage.name.lower(): stage for stage in self.pipeline.stages}
        for name, before in order.items():
            self.done[name] = self._stage(stages[name], before, known)
        return tuple(self.done[stage.name.lower()] for stage in self.pipeline.stages)

    def _defined(
        self,
        variables: Sequence[Variable],
        known: Mapping[str, str],
        contexts: Mapping[str, Value],
    ) -> dict[str, str]:
        def counter(prefix: str, seed: int) -> int:
            return seed + self.start.number - 1

        for one in variables:
            size = 10 * len(one.value) if "$[" in one.value else len(known)
            self.journal.spend(size, one.file, one.line)
        return defined(variables, known, Scope(contexts, None, counter))

    def _stage(self, stage: Stage, before: frozenset[str], known: dict[str, str]) -> StageRun:
        results = {self.done[one].name: self.done[one].result for one in before}
        direct = [self.done[one.lower()] for one in stage.depends_on]
        contexts: dict[str, Value] = {
            "dependencies": {one.name: _stage_seen(one) for one in direct}
        }
        holds, why = decide(
            stage.condition,
            Scope({"variables": known, **contexts}, self._status(results)),
            stage.file,
            stage.line,
            self._default(results),
        )
        if not holds:
            return StageRun(stage.name, "skipped", why, line=stage.line)
        contexts["stageDependencies"] = {one.name: _jobs_seen(one.jobs) for one in direct}
        variables = self._defined(stage.variables, known, contexts)
        variables |= {"System.StageName": stage.name}
        approvals, result, answer = self._approvals(stage, variables)
        if result:
            return StageRun(stage.name, result, answer, (), approvals, stage.line)
        jobs = self._jobs(stage, before, variables, contexts["stageDependencies"])
        result, told = _together([(one.name, one.result) for one in jobs], "job")
        why = told if result in {"failed", "canceled"} or not jobs else f"{why}; {told}"
        return StageRun(stage.name, result, why, jobs, approvals, stage.line)

    def _approvals(
        self, stage: Stage, variables: dict[str, str]
    ) -> tuple[tuple[tuple[str, Approval], ...], Result | None, str]:
        """Ask every environment of a stage, before any of its jobs begins."""
        asked: dict[str, Approval] = {}
        for job in stage.jobs:
            if job.deployment is None:
                continue
            environment = self._environment(job, variables)
            if environment not in asked:
                where = Where(stage.name, "", "", environment=environment)
                asked[environment] = self.worker.approval(environment, where)
        for environment, approval in asked.items():
            result, why = judged(environment, approval, self.start)
            if result:
                return tuple(asked.items()), result, why
        return tuple(asked.items()), None, ""

    def _environment(self, job: Job, variables: Mapping[str, str]) -> str:
        written = job.deployment.environment if job.deployment else ""
        whole = expand_macros(written, resolve(variables, job.file, job.line), job.file, job.line)
        return whole.partition(".")[0]

    def _jobs(
        self, stage: Stage, before: frozenset[str], variables: dict[str, str], stages: Value
    ) -> tuple[JobRun, ...]:
        done: dict[str, list[JobRun]] = {}
        jobs = {job.name.lower(): job for job in stage.jobs}
        earlier = {
            f"{self.done[one].name}.{job.instance}" for one in before for job in self.done[one].jobs
        }
        for name, needed in graph.ordered(stage.jobs).items():
            job = jobs[name]
            waited = earlier | {f"{stage.name}.{one.instance}" for n in needed for one in done[n]}
            results = {jobs[one].name: _result(done[one]) for one in needed}
            direct = [one for n in job.depends_on for one in done[n.lower()]]
            contexts = {"dependencies": _jobs_seen(direct), "stageDependencies": stages}
            where = Where(stage.name, job.name, job.name, waited_for=frozenset(waited))
            done[name] = self._job(job, where, variables, contexts, results)
        return tuple(one for job in stage.jobs for one in done[job.name.lower()])

    def _job(
        self,
        job: Job,
        where: Where,
        known: dict[str, str],
        contexts: dict[str, Value],
        results: dict[str, Result],
    ) -> list[JobRun]:
        """Run a job, in all legs of its matrix."""
        static = [one for one in job.variables if "$[" not in one.value]
        scope = {"variables": self._defined(static, known, {}), **contexts}
        self.journal.spend(500 + 10 * len(job.condition or ""), job.file, job.line)
        default = self._default(results)
        status = self._status(results)
        holds, why = decide(job.condition, Scope(scope, status), job.file, job.line, default)
        environment = self._environment(job, known) if job.deployment else ""
        if not holds:
            return [JobRun(job.name, "", "skipped", why, (), environment, {}, job.file, job.line)]
        variables = self._defined(job.variables, known, contexts)
        found, wrong = legs(job, {"variables": variables, **contexts})
        if wrong:
            return [JobRun(job.name, "", "failed", wrong, (), "", {}, job.file, job.line)]
        ran = []
        for leg, given in found.items():
            instance = f"{job.name}.{leg}" if leg else job.name
            names = {"System.JobName": leg or job.name, "System.JobDisplayName": job.display_name}
            inside = resolve(merged(variables, given) | names, job.file, job.line)
            self.journal.spend(sum(map(len, inside.values())), job.file, job.line)
            there = replace(where, instance=instance, environment=environment)
            body = self._body(job, there, inside)
            result, told = body.result, body.why or why
            later = expand_macros(job.continue_on_error, inside, job.file, job.line)
            if result == "failed" and later.lower() == "true":
                result, told = "succeededWithIssues", f"{told}; continueOnError is true"
            runs = tuple(body.runs)
            ran.append(
                JobRun(
                    job.name, leg, result, told, runs, environment, body.outputs, job.file, job.line
                )
            )
        return ran

    def _body(self, job: Job, where: Where, variables: dict[str, str]) -> Deployed:
        """Run a job's steps, or its deployment's hooks."""
        timeout = expand_macros(job.timeout, variables, job.file, job.line)
        minutes = float(timeout) if timeout.isdigit() and len(timeout) < 10 else 60.0
        secrets = frozenset(one.lower() for one in self.start.secrets)
        agent = Agent(self.worker, self.journal, where, variables, secrets, minutes)
        if job.deployment:
            return deploy(job, agent)
        steps = job.steps
        if not any(step.kind == "checkout" for step in steps):
            checkout = Step("checkout", "self", job.file, job.line, display_name="Checkout self")
            steps = (checkout, *steps)
        agent.run(steps)
        return Deployed(agent.status, agent.why, agent.runs, agent.outputs)

    def _status(self, results: Mapping[str, Result]) -> Status:
        return Status(self.journal.canceled, None, {n: TITLES[one] for n, one in results.items()})

    def _default(self, results: Mapping[str, Result]) -> str:
        """Say why what waits for `results` does not run by default; "" where it does."""
        bad = [(name, result) for name, result in results.items() if result not in GOOD]
        # What was skipped was so because of another, if there is another.
        bad.sort(key=lambda one: one[1] == "skipped")
        if bad:
            return f"it waits for {bad[0][0]}, which {_WORDS[bad[0][1]]}"
        return "the run was canceled" if self.journal.canceled else ""


def judged(environment: str, approval: Approval, start: Start) -> tuple[Result | None, str]:
    """Return the result that an environment's answer gives a stage; None where it may go on.

    Who asked for a run, or made its change, cannot approve it. As on Azure, a stage whose approval
    does not come is skipped, and one that is rejected fails ("Define approvals and checks").
    """
    if approval.answer == "not needed":
        return None, ""
    who = approval.by.strip()
    if approval.answer == "rejected":
        return "failed", f"{who or 'someone'} rejected the deployment to {environment}"
    if approval.answer == "missing" or not who:
        return "skipped", f"no one approved the deployment to {environment} in time"
    if who.lower() == start.by.strip().lower():
        told = f"{who} approved the deployment to {environment}, and it is {who}'s own change"
        return "skipped", f"{told}: that does not count"
    return None, ""


def _stage_seen(stage: StageRun) -> Value:
    """Return what a stage's condition sees of a stage before it."""
    outputs = {}
    for job in stage.jobs:
        for name, value in job.outputs.items():
            outputs[f"{job.name}.{job.leg}.{name}" if job.leg else f"{job.name}.{name}"] = value
    return {"result": TITLES[stage.result], "outputs": outputs}


def _jobs_seen(jobs: Sequence[JobRun]) -> Value:
    """Return what a job sees of jobs that it waits for."""
    seen: dict[str, Value] = {}
    for name in dict.fromkeys(job.name for job in jobs):
        same = [job for job in jobs if job.name == name]
        outputs = {
            f"{job.leg}.{one}" if job.leg else one: value
            for job in same
            for one, value in job.outputs.items()
        }
        seen[name] = {"result": TITLES[_result(same)], "outputs": outputs}
    return seen


def _result(jobs: Sequence[JobRun]) -> Result:
    return _together([(job.name, job.result) for job in jobs], "job")[0]


def _together(parts: Sequence[tuple[str, Result]], what: str) -> tuple[Result, str]:
    """Return the result of stages or jobs together, and a sentence."""
    order: tuple[Result, ...] = ("canceled", "failed", "succeededWithIssues", "succeeded")
    for result in order:
        names = list(dict.fromkeys(name for name, one in parts if one == result))
        if names:
            if result == "succeeded":
                return result, f"every {what} that ran succeeded"
            return result, f"{what} {', '.join(names)} {_WORDS[result]}"
    return "skipped", f"every {what} was skipped"

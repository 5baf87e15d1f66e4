"""A run: what starts it, what a worker is asked and answers, and what came of it.

`Run` is the answer of both ways of running: for real and simulated. It is data: nothing in it
changes once a run has ended.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lmcourse.pipelines.model import Pipeline, Step

Result = Literal["succeeded", "succeededWithIssues", "failed", "canceled", "skipped"]
Reason = Literal[
    "Manual", "IndividualCI", "BatchedCI", "PullRequest", "Schedule", "ResourceTrigger"
]
Answer = Literal["not needed", "given", "rejected", "missing"]

GOOD: frozenset[Result] = frozenset({"succeeded", "succeededWithIssues"})


@dataclass(frozen=True)
class Start:
    """What is known when a run starts.

    `branch` is short ("main"); with the reason "PullRequest" it is the branch that is proposed, and
    `target` the one that it shall go into. `by` is who asked, or whose change it is. `variables`
    are those given when it was queued, and secrets. `paths` are the files that changed: None is
    "not known", which no filter of paths keeps out. `tag` is the tag that was pushed, if it was
    one. With "ResourceTrigger", `pipeline` is the pipeline (a `Source`'s `source`) whose end
    started this one.
    """

    reason: Reason = "IndividualCI"
    branch: str = "main"
    target: str = "main"
    by: str = "ada"
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()  # names of variables; no script gets them by itself
    paths: tuple[str, ...] | None = None
    tag: str = ""
    draft: bool = False
    pipeline: str = ""
    commit: str = "0" * 40
    number: int = 1  # Build.BuildId
    changed: bool = True  # since the last scheduled run

    @property
    def ref(self) -> str:
        """`Build.SourceBranch`."""
        if self.reason == "PullRequest":
            return f"refs/pull/{self.number}/merge"
        return f"refs/tags/{self.tag}" if self.tag else f"refs/heads/{self.branch}"


@dataclass(frozen=True)
class Where:
    """Where a step stands in a run.

    `instance` is the job's name, with its leg of a matrix or its increment behind a point.
    `waited_for` names the instances, as "Stage.instance", that had ended for certain when this job
    began. `minutes` is how long the step may take, by its own limit and the job's; 0: no limit.
    """

    stage: str
    job: str
    instance: str
    hook: str = ""
    attempt: int = 1
    minutes: float = 0
    environment: str = ""
    waited_for: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outcome:
    """What a step did: its exit status, the lines it wrote, what it called, how long it took.

    `lines` need hold none but those with a logging command, `##vso[...]`, in them; the engine reads
    them. `timed_out`: it was stopped at `Where.minutes`. `canceled`: a person stopped the run.
    """

    status: int = 0
    lines: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    minutes: float = 0
    timed_out: bool = False
    canceled: bool = False
    why: str = ""  # a sentence, where there is more to say than the status


@dataclass(frozen=True)
class Approval:
    """An environment's answer to whether a run may go there; `by` is who gave or rejected it."""

    answer: Answer
    by: str = ""


class Worker(Protocol):
    """Does what the engine says is next: for real, or by a scenario."""

    def step(self, step: Step, variables: Mapping[str, str], where: Where) -> Outcome:
        """Do a step, whose macros are expanded; `variables` become its environment.

        `variables` has them under their own names (`Build.Reason`), without secrets.
        """
        ...

    def approval(self, environment: str, where: Where) -> Approval:
        """Say whether the run may go on into `environment`; `where.job` is empty."""
        ...


@dataclass(frozen=True)
class StepRun:
    """What became of a step. `attempts` is 0 where it was skipped."""

    step: Step
    result: Result
    why: str
    called: tuple[str, ...] = ()
    hook: str = ""
    attempts: int = 0
    issues: tuple[str, ...] = ()  # "error: ..." and "warning: ...", as logged

    @property
    def name(self) -> str:
        """Its name if it has one, else what is displayed."""
        return self.step.name or self.step.display_name


@dataclass(frozen=True)
class JobRun:
    """What became of a job, or of one leg or increment of it; steps are in order of time."""

    name: str
    leg: str
    result: Result
    why: str
    steps: tuple[StepRun, ...] = ()
    environment: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)  # "step.name" -> value
    file: str = ""
    line: int = 0

    @property
    def instance(self) -> str:
        """The name, and the leg behind a point."""
        return f"{self.name}.{self.leg}" if self.leg else self.name


@dataclass(frozen=True)
class StageRun:
    """What became of a stage; `approvals` holds each environment that was asked for."""

    name: str
    result: Result
    why: str
    jobs: tuple[JobRun, ...] = ()
    approvals: tuple[tuple[str, Approval], ...] = ()
    line: int = 0


@dataclass(frozen=True)
class Call:
    """A command that was called: where, by which step, and in which order in the run."""

    command: str
    stage: str
    job: str
    step: str
    hook: str
    order: int


@dataclass(frozen=True)
class Run:
    """What a pipeline did; `ended` is the whole run's result.

    Where it was not started, `stages` is empty, `ended` is "skipped" and `why` says the reason.
    """

    started: bool
    why: str
    ended: Result
    stages: tuple[StageRun, ...] = ()
    pipeline: Pipeline | None = None
    log: tuple[Call, ...] = ()  # every call, in order of time

    def called(self, command: str) -> tuple[Call, ...]:
        """Return the calls of `command`, in order of time.

        `command` is words from a command's beginning: "lmops train" also finds "lmops train x", and
        does not find "lmops training".
        """
        words = command.split()
        return tuple(one for one in self.log if one.command.split()[: len(words)] == words)

    def jobs(self) -> Iterator[tuple[StageRun, JobRun]]:
        """Yield every job with its stage."""
        for stage in self.stages:
            for job in stage.jobs:
                yield stage, job

    def stage(self, name: str) -> StageRun | None:
        """Return the stage `name`, whatever the case; None where there is none."""
        return next((one for one in self.stages if one.name.lower() == name.lower()), None)

    def job(self, name: str) -> JobRun | None:
        """Return the job `name`, "Job" or "Stage.Job"; the first if several have it."""
        wanted = name.lower()
        for stage, job in self.jobs():
            if wanted in {job.name.lower(), f"{stage.name}.{job.name}".lower()}:
                return job
            if wanted in {job.instance.lower(), f"{stage.name}.{job.instance}".lower()}:
                return job
        return None

    def result(self, name: str) -> Result | None:
        """Return the result of the stage `name`, else of the job; None where there is none."""
        found = self.stage(name) or self.job(name)
        return found.result if found else None

    def reached(self, environment: str) -> bool:
        """Whether any step of a deployment to `environment` ran, however it ended."""
        return any(
            step.attempts
            for _, job in self.jobs()
            if job.environment.lower() == environment.lower()
            for step in job.steps
        )

    def deployed(self, environment: str) -> bool:
        """Whether a deployment to `environment` ran and succeeded."""
        return any(
            job.result in GOOD and any(step.attempts for step in job.steps)
            for _, job in self.jobs()
            if job.environment.lower() == environment.lower()
        )

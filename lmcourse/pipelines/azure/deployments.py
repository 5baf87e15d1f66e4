"""A deployment job: its hooks, each an agent's job of its own.

Source: "Deployment jobs" (Azure Pipelines). `preDeploy` comes once; `canary` repeats the hooks
behind it for each increment, and where the traffic goes, only their steps say. Then comes one of
`on: success` and `on: failure`. As each hook is a job of its own, nothing has failed yet where
`on: failure` begins: a step there with the condition `failed()` does not run.
"""

from dataclasses import dataclass, field, replace

from lmcourse.pipelines.azure.agent import Agent
from lmcourse.pipelines.model import Deployment, Hook, Job, Step
from lmcourse.pipelines.runs import Result, StepRun


@dataclass
class Deployed:
    """What came of a job's steps."""

    result: Result
    why: str
    runs: list[StepRun] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)


def deploy(job: Job, agent: Agent) -> Deployed:
    """Run the hooks of a deployment; `agent` says where, and with which variables."""
    assert job.deployment is not None
    deployment = job.deployment
    done = Deployed("succeeded", "")
    hooks = {hook.name: hook for hook in deployment.hooks}
    rounds: list[tuple[Hook, int]] = []
    if "preDeploy" in hooks:
        rounds.append((hooks["preDeploy"], 0))
    for increment in deployment.increments or (0,):
        later = ("deploy", "routeTraffic", "postRouteTraffic")
        rounds += [(hooks[name], increment) for name in later if name in hooks]
    for hook, increment in rounds:
        _run(hook, increment, job, deployment, agent, done)
        if done.result in {"failed", "canceled"}:
            break
    end = {"failed": "failure", "canceled": ""}.get(done.result, "success")
    for hook in deployment.hooks:
        if hook.name == end:
            _run(hook, 0, job, deployment, agent, done)
    return done


def _run(
    hook: Hook, increment: int, job: Job, deployment: Deployment, agent: Agent, done: Deployed
) -> None:
    """Run one hook, and let its result count for the deployment's."""
    label = f"{hook.name}_{increment}" if increment else hook.name
    own = Agent(
        agent.worker,
        agent.journal,
        replace(agent.where, hook=label),
        agent.variables | _given(hook, increment, agent.where.environment, deployment),
        agent.secrets,
        agent.minutes,
    )
    steps = hook.steps
    if hook.name == "deploy" and not any(step.kind == "download" for step in steps):
        # The one hook into which the service puts the download of the run's artifacts.
        steps = (Step("download", "current", hook.file, hook.line, display_name="Download"), *steps)
    own.run(steps)
    done.runs += own.runs
    for name, value in own.outputs.items():
        # The page's examples for `runOnce` have the job's name, and older ones the hook's.
        done.outputs[f"{label}.{name}"] = value
        done.outputs[f"{job.name}.{name}"] = value
    rank: tuple[Result, ...] = ("succeeded", "succeededWithIssues", "canceled", "failed")
    if rank.index(own.status) > rank.index(done.result):
        done.result, done.why = own.status, f"{label}: {own.why}"


def _given(hook: Hook, increment: int, environment: str, deployment: Deployment) -> dict[str, str]:
    action = {"success": "promote", "failure": "reject"}.get(hook.name, "deploy")
    given = {
        "Environment.Name": environment,
        "Strategy.Name": deployment.strategy,
        "Strategy.Action": action,
    }
    if increment:
        given["Strategy.Increment"] = str(increment)
    return given

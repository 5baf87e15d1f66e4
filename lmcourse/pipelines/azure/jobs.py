"""Nodes -> jobs and deployment jobs."""

import re
from collections.abc import Mapping

from lmcourse.pipelines.azure.conditions import read_condition
from lmcourse.pipelines.azure.steps import read_steps
from lmcourse.pipelines.azure.variables import read_variables
from lmcourse.pipelines.expressions.azure import runtime
from lmcourse.pipelines.fields import (
    boolean,
    listing,
    name,
    needed,
    number,
    pairs,
    refuse,
    table,
    text,
    texts,
)
from lmcourse.pipelines.model import Deployment, Hook, HookName, Job
from lmcourse.pipelines.source import Node, Scalar, Table, called, short

_COMMON = (
    "displayName",
    "dependsOn",
    "condition",
    "continueOnError",
    "pool",
    "workspace",
    "timeoutInMinutes",
    "cancelTimeoutInMinutes",
    "variables",
    "strategy",
)
_ELSEWHERE = {
    "needs": "that is GitHub's word; Azure's is `dependsOn`",
    "if": "that is GitHub's word; Azure's is `condition`",
    "runs-on": "that is GitHub's word; Azure's is `pool`",
    "container": "steps run on the agent itself",
    "services": "steps run on the agent itself",
    "env": "a job has `variables`; `env` belongs to a step",
    "name": "the name is what stands behind `job:`",
    "environment": "a job with an environment begins with `deployment:`",
    "steps": "a deployment's steps stand below `strategy: runOnce: deploy:`",
}
_LIFE: tuple[HookName, ...] = ("preDeploy", "deploy", "routeTraffic", "postRouteTraffic")
_MOST_LEGS = 50


def read_jobs(node: Node) -> tuple[Job, ...]:
    """Return the jobs of a list."""
    jobs = []
    for place, item in enumerate(listing(node, "jobs"), 1):
        if not isinstance(item, Table):
            raise refuse(
                item, f"a job is a mapping that begins with `job:`, and this is {called(item)}"
            )
        if item.get("job") is not None:
            jobs.append(_job(item, place))
        elif item.get("deployment") is not None:
            jobs.append(_deployment(item, place))
        else:
            what = item.items[0][0].text if item.items else ""
            sentence = f"a job begins with `job:` or `deployment:`, and not with `{short(what)}`"
            raise refuse(item, sentence)
    if not jobs:
        raise refuse(node, "there is no job in this list")
    return tuple(jobs)


def _named(node: Node, place: int, what: str) -> str:
    if isinstance(node, Scalar) and (node.null or not node.text):
        return f"Job{place}"
    return name(node, what)


def _job(node: Table, place: int) -> Job:
    found = table(node, "a job", ("job", *_COMMON, "steps"), _ELSEWHERE)
    if "steps" not in found:
        raise refuse(node, "the job has no `steps`")
    matrix = None
    if "strategy" in found:
        known = ("matrix", "maxParallel")
        other = dict.fromkeys(("runOnce", "rolling", "canary"), "a `deployment:` has that")
        strategy = table(found["strategy"], "a job's strategy", known, other)
        if "matrix" not in strategy:
            raise refuse(found["strategy"], "a job's strategy needs `matrix`")
        number(strategy.get("maxParallel"), "maxParallel", "0", 100)
        matrix = _matrix(strategy["matrix"])
    return _common(found, node, _named(found["job"], place, "a job's name"), matrix=matrix,
                   steps=found["steps"], deployment=None)  # fmt: skip


def _common(
    found: dict[str, Node],
    node: Table,
    called_: str,
    *,
    matrix: Mapping[str, Mapping[str, str]] | str | None,
    steps: Node | None,
    deployment: Deployment | None,
) -> Job:
    number(found.get("cancelTimeoutInMinutes"), "cancelTimeoutInMinutes", "5", 100_000)
    if "workspace" in found:
        table(found["workspace"], "workspace", ("clean",))
    return Job(
        name=called_,
        file=node.file,
        line=node.line,
        steps=read_steps(steps) if steps is not None else (),
        display_name=text(found.get("displayName"), "displayName", called_),
        depends_on=texts(found.get("dependsOn"), "dependsOn"),
        condition=read_condition(found.get("condition"), "job"),
        variables=read_variables(found.get("variables")),
        continue_on_error=boolean(found.get("continueOnError"), "continueOnError", "false"),
        timeout=number(found.get("timeoutInMinutes"), "timeoutInMinutes", "60", 100_000),
        matrix=matrix,
        pool=read_pool(found.get("pool")),
        deployment=deployment,
    )


def read_pool(node: Node | None) -> dict[str, str]:
    """Return a pool: `vmImage`, or the name of one."""
    if node is None:
        return {}
    if isinstance(node, Scalar):
        if node.text == "server":
            raise refuse(node, "jobs run on an agent: the course's subset has no `pool: server`")
        return {"name": needed(node, "pool", node)}
    found = table(node, "pool", ("vmImage", "name"))
    return {key: needed(value, key, node) for key, value in found.items()}


def _matrix(node: Node) -> Mapping[str, Mapping[str, str]] | str:
    if isinstance(node, Scalar):
        if runtime(node.text, node.file, node.line) is None:
            raise refuse(node, "matrix is a mapping of legs, or a runtime expression `$[ ... ]`")
        return node.text
    if not isinstance(node, Table) or not node.items:
        sentence = "matrix has to be a mapping of legs to variables, and this is "
        raise refuse(node, sentence + ("empty" if isinstance(node, Table) else called(node)))
    if len(node.items) > _MOST_LEGS:
        raise refuse(node, f"a matrix has at most {_MOST_LEGS} legs here")
    return {
        name(key, "a leg's name"): pairs(value, f"the leg {key.text}") for key, value in node.items
    }


def _deployment(node: Table, place: int) -> Job:
    found = table(node, "a deployment", ("deployment", *_COMMON, "environment"), _ELSEWHERE)
    called_ = _named(found["deployment"], place, "a deployment's name")
    if "environment" not in found:
        raise refuse(node, "the deployment has no `environment`")
    if "strategy" not in found:
        raise refuse(node, "the deployment has no `strategy`; the plainest is `runOnce: deploy:`")
    deployment = _strategy(found["strategy"], _environment(found["environment"]), node.line)
    return _common(found, node, called_, matrix=None, steps=None, deployment=deployment)


def _environment(node: Node) -> str:
    if isinstance(node, Table):
        found = table(node, "environment", ("name", "resourceName", "resourceType"))
        return needed(found.get("name"), "the environment's `name`", node)
    whole = needed(node, "environment", node)
    return whole if "$(" in whole else whole.partition(".")[0]


def _strategy(node: Node, environment: str, line: int) -> Deployment:
    known = ("runOnce", "rolling", "canary")
    found = table(node, "a deployment's strategy", known)
    if len(found) != 1:
        raise refuse(node, f"a deployment's strategy is one of {', '.join(known)}")
    ((kind, body),) = found.items()
    own = {"runOnce": (), "rolling": ("maxParallel",), "canary": ("increments",)}[kind]
    hooks = table(body, kind, (*_LIFE, "on", *own), {"steps": "they stand below `deploy:`"})
    if "deploy" not in hooks:
        raise refuse(body, f"{kind} has no `deploy`")
    read = [_hook(one, hooks[one]) for one in _LIFE if one in hooks]
    if "on" in hooks:
        ends = table(hooks["on"], "on", ("failure", "success"))
        read += [_hook(one, ends[one]) for one in ("failure", "success") if one in ends]
    increments: tuple[int, ...] = ()
    if kind == "canary":
        steps = texts(hooks.get("increments"), "increments")
        if not all(re.fullmatch(r"[0-9]{1,3}", one) for one in steps) or not 1 <= len(steps) <= 20:
            place = hooks.get("increments", body)
            raise refuse(place, "increments is a list of whole percentages, such as [10, 50]")
        increments = tuple(map(int, steps))
        if any(not 0 < one <= 100 for one in increments):
            raise refuse(hooks["increments"], "an increment is a percentage from 1 to 100")
    parallel = text(hooks.get("maxParallel"), "maxParallel")
    return Deployment(environment, kind, tuple(read), line, increments, parallel)  # type: ignore[arg-type]


def _hook(hook: str, node: Node) -> Hook:
    found = table(node, hook, ("steps", "pool"))
    if "steps" not in found:
        raise refuse(node, f"{hook} has no `steps`")
    read_pool(found.get("pool"))
    return Hook(hook, read_steps(found["steps"]), node.file, node.line)  # type: ignore[arg-type]

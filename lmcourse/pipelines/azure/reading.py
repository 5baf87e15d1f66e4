"""The text of an `azure-pipelines.yml` -> a `Pipeline`; whatever is not known is refused."""

from collections.abc import Mapping
from dataclasses import replace

from lmcourse.pipelines import graph
from lmcourse.pipelines.azure.conditions import read_condition
from lmcourse.pipelines.azure.jobs import read_jobs, read_pool
from lmcourse.pipelines.azure.steps import read_steps
from lmcourse.pipelines.azure.templates import expand
from lmcourse.pipelines.azure.triggers import read_schedules, read_sources, read_trigger
from lmcourse.pipelines.azure.variables import predefined, read_variables
from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.fields import listing, name, refuse, table, text, texts
from lmcourse.pipelines.model import ONE_JOB, ONE_STAGE, Job, Pipeline, Stage, Text
from lmcourse.pipelines.runs import Start
from lmcourse.pipelines.source import Node, Scalar, Table, called, parse, short

_ROOT = ("name", "trigger", "pr", "schedules", "resources", "variables", "pool", "parameters")
_BODY = ("stages", "jobs", "steps")
_ELSEWHERE = {
    "on": "that is GitHub's word; Azure's are `trigger`, `pr` and `schedules`",
    "permissions": "that is GitHub's; in Azure they belong to the service connection",
    "env": "that is GitHub's word; Azure's is `variables`",
}
_STAGE = ("stage", "displayName", "dependsOn", "condition", "variables", "jobs", "pool")
_MOST_STEPS = 1000


def read(
    text: str,
    file: str = "azure-pipelines.yml",
    files: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    start: Start | None = None,
) -> Pipeline:
    """Return the pipeline; `files` are the templates that it may include, by path.

    `parameters` are values given when it is queued, `start` is what `${{ variables[...] }}` knows
    of the run: a push to main, if it is left out. Raises `Refused`, and nothing else.
    """
    source = Text(text, file, files or {}, parameters or {})
    # What was given when it was queued is not known yet when templates are expanded.
    known = predefined(replace(start or Start(), variables={}), file)
    try:
        root = expand(parse(text, file), source.files, source.parameters, known)
        return replace(_pipeline(root), text=source)
    except RecursionError:
        raise Refused(file, 1, "it is nested too deep") from None


def for_start(pipeline: Pipeline, start: Start) -> Pipeline:
    """Return the pipeline as it is for a run: read again, where templates know of the run."""
    source = pipeline.text
    if source is None or not any("${{" in one for one in (source.text, *source.files.values())):
        return pipeline
    return read(source.text, source.file, source.files, source.parameters, start)


def _pipeline(root: Node) -> Pipeline:
    found = table(root, "a pipeline", (*_ROOT, *_BODY), _ELSEWHERE)
    bodies = [one for one in _BODY if one in found]
    if len(bodies) != 1:
        told = f"{' and '.join(bodies)} stand side by side" if bodies else "here is none of them"
        raise refuse(root, f"a pipeline has `stages`, `jobs` or `steps`, and {told}")
    (body,) = bodies
    node = found[body]
    if body == "stages":
        stages = _stages(node)
    else:
        jobs = read_jobs(node) if body == "jobs" else (_one_job(node),)
        graph.check(jobs, "job")
        stages = (Stage(ONE_STAGE, node.file, node.line, jobs),)
    pipeline = Pipeline(
        file=root.file,
        stages=stages,
        name=text(found.get("name"), "name"),
        trigger=read_trigger(found.get("trigger"), "trigger"),
        pr=read_trigger(found.get("pr"), "pr"),
        schedules=read_schedules(found.get("schedules")),
        sources=read_sources(found.get("resources")),
        variables=read_variables(found.get("variables")),
        pool=read_pool(found.get("pool")),
    )
    _count_steps(pipeline)
    return pipeline


def _one_job(steps: Node) -> Job:
    return Job(ONE_JOB, steps.file, steps.line, read_steps(steps), display_name=ONE_JOB)


def _stages(node: Node) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    for place, item in enumerate(listing(node, "stages"), 1):
        if not isinstance(item, Table) or item.get("stage") is None:
            what = item.items[0][0].text if isinstance(item, Table) and item.items else called(item)
            raise refuse(item, f"a stage begins with `stage:`, and not with `{short(what)}`")
        found = table(
            item, "a stage", _STAGE, {"steps": "steps stand in a job: `jobs: - job: ...`"}
        )
        first = found["stage"]
        unnamed = isinstance(first, Scalar) and first.null
        called_ = f"Stage{place}" if unnamed else name(first, "a stage's name")
        if "jobs" not in found:
            raise refuse(item, f"the stage {called_} has no `jobs`")
        read_pool(found.get("pool"))
        jobs = read_jobs(found["jobs"])
        graph.check(jobs, "job")
        before = (stages[-1].name,) if stages else ()
        stages.append(
            Stage(
                name=called_,
                file=item.file,
                line=item.line,
                jobs=jobs,
                display_name=text(found.get("displayName"), "displayName", called_),
                depends_on=texts(found["dependsOn"], "dependsOn")
                if "dependsOn" in found
                else before,
                condition=read_condition(found.get("condition"), "stage"),
                variables=read_variables(found.get("variables")),
            )
        )
    if not stages:
        raise refuse(node, "there is no stage in this list")
    graph.check(stages, "stage")
    return tuple(stages)


def _count_steps(pipeline: Pipeline) -> None:
    count = 0
    for stage in pipeline.stages:
        for job in stage.jobs:
            hooks = job.deployment.hooks if job.deployment else ()
            count += len(job.steps) + sum(len(hook.steps) for hook in hooks)
            if count > _MOST_STEPS:
                sentence = f"the pipeline has more than {_MOST_STEPS} steps"
                raise Refused(job.file, job.line, sentence)

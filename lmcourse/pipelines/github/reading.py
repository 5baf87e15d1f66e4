"""GitHub's file -> a `Workflow`; whatever is not understood is refused.

Source: GitHub's pages "Workflow syntax" and "Contexts reference" (which context is known where).
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from lmcourse.pipelines import graph
from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.azure import pieces
from lmcourse.pipelines.expressions.github import Part, bare, parse, parts_of
from lmcourse.pipelines.fields import listing, needed, refuse, table, text, texts
from lmcourse.pipelines.github.events import read_events
from lmcourse.pipelines.github.workflow import (
    EVERYTHING,
    READ_ONLY,
    SCOPES,
    Concurrency,
    Workflow,
    WorkflowJob,
    WorkflowStep,
)
from lmcourse.pipelines.source import Node, Scalar, Table, called, short
from lmcourse.pipelines.source import parse as parse_yaml

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
ACTION = re.compile(r"\./\S+|docker://\S+|[\w.-]+/[\w.-]+(/[\w./-]+)?@\S+")
LINUX = re.compile(r"ubuntu-(latest|\d\d\.\d\d)(-arm)?|self-hosted|\$\{\{.*")
SHELLS = ("", "bash", "sh")

JOB = frozenset({"github", "needs", "vars", "inputs"})
LEG = JOB | {"strategy", "matrix"}
STEP = LEG | {"job", "runner", "env", "steps"}
SECRET = frozenset({"secrets"})
WHOLE = frozenset({"github", "vars", "inputs"})

OTHER_JOB_KEYS = {
    "uses": "a job calls no other workflow: write its steps here",
    "with": "a job has no inputs: `with` belongs to a step with `uses`",
    "secrets": "a job gets no secrets as a whole: name each one in a step's `env`",
    "container": "steps run on the runner itself",
    "services": "steps start what they need themselves",
    "dependsOn": "that is Azure's language; GitHub's has `needs`",
    "condition": "that is Azure's language; GitHub's has `if`",
    "pool": "that is Azure's language; GitHub's has `runs-on: ubuntu-24.04`",
    "variables": "that is Azure's language; GitHub's has `env`",
    "timeoutInMinutes": "that is Azure's language; GitHub's has `timeout-minutes`",
}
OTHER_STEP_KEYS = {
    "script": "that is Azure's language; GitHub's has `run`",
    "bash": "that is Azure's language; GitHub's has `run`",
    "task": "that is Azure's language; GitHub's has `uses`",
    "inputs": "that is Azure's language; GitHub's has `with`",
    "condition": "that is Azure's language; GitHub's has `if`",
    "displayName": "that is Azure's language; GitHub's has `name`",
    "continueOnError": "that is Azure's language; GitHub's has `continue-on-error`",
}
OTHER_KEYS = {
    "trigger": "that is Azure's language; GitHub's has `on`",
    "stages": "GitHub has no stages: jobs wait for each other by `needs`",
    "steps": "steps stand in a job: `jobs:`, a name, `steps:`",
    "variables": "that is Azure's language; GitHub's has `env`",
    "pool": "that is Azure's language; GitHub's has `runs-on` in each job",
}


def read_workflow(text_: str, file: str) -> Workflow:
    """Return the workflow that `text_` is. Raises `Refused`."""
    root = parse_workflow(text_, file)
    keys = ("name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs")
    found = table(root, "a workflow", keys, OTHER_KEYS)
    for key, what in {"on": "when it runs", "jobs": "what it does"}.items():
        if key not in found:
            raise refuse(root, f"a workflow needs `{key}`, which says {what}")
    shell = read_defaults(found.get("defaults"))
    env = read_env(found.get("env"), WHOLE | SECRET)
    if not isinstance(found["jobs"], Table) or not found["jobs"].items:
        raise refuse(found["jobs"], f"jobs are a mapping of names, not {called(found['jobs'])}")
    jobs = tuple(read_job(key, node, shell) for key, node in found["jobs"].items)
    graph.check(jobs, "job")
    names = {job.name.lower(): job.name for job in jobs}
    jobs = tuple(
        replace(job, depends_on=tuple(names[one.lower()] for one in job.depends_on)) for job in jobs
    )
    permissions = found.get("permissions")
    workflow = Workflow(
        file,
        text(found.get("name"), "name", file),
        read_events(found["on"]),
        jobs,
        read_permissions(permissions),
        permissions.line if permissions else 0,
        env,
        read_concurrency(found.get("concurrency"), WHOLE),
    )
    for job in jobs:
        check_outputs(job, workflow)
    return workflow


def parse_workflow(text_: str, file: str) -> Node:
    """Return the node that is the whole file, refused in GitHub's words."""
    try:
        return parse_yaml(text_, file)
    except Refused as refused:
        sentence = refused.sentence
        if sentence.startswith("the tag "):
            sentence = "YAML takes what begins with `!` for a tag: put the condition into ${{ }}"
        elif sentence.startswith("anchors "):
            sentence = "anchors and aliases (& and *) are not in the course's subset: write it out"
        raise Refused(file, refused.line, sentence) from None


def known(value: str, node: Node, contexts: frozenset[str]) -> str:
    """Return `value`, once each `${{ }}` in it is found to be an expression that is known here."""
    for is_expression, piece in pieces(value, node.file, node.line):
        if is_expression:
            parse(piece, contexts, False, (node.file, node.line))
    return value


def read_text(node: Node | None, what: str, contexts: frozenset[str], default: str = "") -> str:
    """Return a text with expressions."""
    found = text(node, what, default)
    return known(found, node, contexts) if node else found


def read_condition(node: Node | None, contexts: frozenset[str]) -> str | None:
    """Return an `if:`; None where there is none."""
    if node is None:
        return None
    found = needed(node, "`if`", node)
    at = (node.file, node.line)
    if "secrets." in found:
        raise refuse(node, "secrets cannot be asked in an `if`; put one into `env` and ask that")
    parse(bare(found, at), contexts, True, at)
    return found


def read_switch(node: Node | None, what: str, default: str, contexts: frozenset[str]) -> str:
    """Return "true" or "false", or an expression."""
    found = read_text(node, what, contexts, default)
    if node and "${{" not in found and found not in {"true", "false"}:
        raise refuse(node, f"{what} is true or false, and this is `{short(found)}`")
    return found


def read_minutes(node: Node | None, default: str, contexts: frozenset[str]) -> str:
    """Return minutes, or an expression."""
    found = read_text(node, "timeout-minutes", contexts, default)
    if node and "${{" not in found and not re.fullmatch(r"[1-9][0-9]{0,4}", found):
        raise refuse(node, f"timeout-minutes is a whole number, and this is `{short(found)}`")
    return found


def read_env(node: Node | None, contexts: frozenset[str], what: str = "env") -> dict[str, str]:
    """Return a mapping of texts with expressions."""
    if node is None or (isinstance(node, Scalar) and node.null):
        return {}
    if not isinstance(node, Table):
        raise refuse(node, f"{what} has to be a mapping, `name: value`, and this is {called(node)}")
    return {key.text: read_text(one, f"{what}'s {key.text}", contexts) for key, one in node.items}


def read_defaults(node: Node | None) -> str:
    """Return the shell of scripts that name none."""
    if node is None:
        return ""
    run = table(node, "defaults", ("run",)).get("run")
    if run is None:
        return ""
    found = table(run, "run", ("shell", "working-directory"))
    return read_shell(found.get("shell"))


def read_shell(node: Node | None) -> str:
    """Return a shell that is known."""
    found = text(node, "shell")
    if node and found not in SHELLS:
        raise refuse(node, f"shell is bash or sh in the course's subset, not `{short(found)}`")
    return found


def read_permissions(node: Node | None) -> Mapping[str, str] | None:
    """Return what the token may read and write; whatever is not named, it may not."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        if node.text == "read-all":
            return {scope: "read" for scope in SCOPES if scope != "id-token"}
        if node.text == "write-all":
            return EVERYTHING
        raise refuse(node, "permissions are a mapping such as `contents: read`, or {} for none")
    found = table(node, "permissions", SCOPES)
    rights = {}
    for scope, value in found.items():
        right = text(value, scope)
        allowed: tuple[str, ...] = (
            ("none", "read") if scope in READ_ONLY else ("none", "read", "write")
        )
        allowed = ("none", "write") if scope == "id-token" else allowed
        if right not in allowed:
            raise refuse(value, f"`{scope}` is {' or '.join(allowed)}, not `{short(right)}`")
        if right != "none":
            rights[scope] = right
    return rights


def read_concurrency(node: Node | None, contexts: frozenset[str]) -> Concurrency | None:
    """Return the group of a `concurrency`."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        return Concurrency(read_text(node, "concurrency", contexts), "false", node.line)
    found = table(node, "concurrency", ("group", "cancel-in-progress"))
    group = needed(found.get("group"), "`group` of a concurrency", node)
    cancel = found.get("cancel-in-progress")
    return Concurrency(
        known(group, found["group"], contexts),
        read_switch(cancel, "cancel-in-progress", "false", contexts),
        node.line,
    )


def read_environment(node: Node | None) -> str:
    """Return an environment's name."""
    if node is None or isinstance(node, Scalar):
        return read_text(node, "environment", LEG)
    found = table(node, "environment", ("name", "url"))
    read_text(found.get("url"), "url", STEP)
    return known(needed(found.get("name"), "`name` of the environment", node), found["name"], LEG)


def read_job(key: Scalar, node: Node, shell: str) -> WorkflowJob:
    """Return one job."""
    if not NAME.fullmatch(key.text) or len(key.text) > 100:
        raise refuse(key, f"a job's key is letters, digits, - and _, and not `{short(key.text)}`")
    keys = (
        "name", "runs-on", "needs", "if", "permissions", "environment", "concurrency", "outputs",
        "env", "defaults", "strategy", "steps", "timeout-minutes", "continue-on-error",
    )  # fmt: skip
    found = table(node, f"the job {key.text}", keys, OTHER_JOB_KEYS)
    runs_on = read_text(found.get("runs-on"), "runs-on", LEG)
    if not runs_on:
        raise refuse(key, f"the job {key.text} needs `runs-on`, say `runs-on: ubuntu-24.04`")
    if not LINUX.fullmatch(runs_on):
        sentence = "runs-on is a Linux runner such as ubuntu-24.04 in the course's subset"
        raise refuse(found["runs-on"], f"{sentence}, not `{short(runs_on)}`")
    if "steps" not in found:
        raise refuse(key, f"the job {key.text} has no `steps`")
    shell = read_defaults(found.get("defaults")) or shell
    steps = tuple(read_step(one, shell) for one in listing(found["steps"], "steps"))
    if not steps:
        raise refuse(found["steps"], f"the job {key.text} has no step")
    seen: dict[str, int] = {}
    for step, item in zip(steps, listing(found["steps"], "steps"), strict=True):
        if step.id in seen:
            raise refuse(item, f"two steps have the id {step.id}: see line {seen[step.id]}")
        if step.id:
            seen[step.id] = step.line
    strategy: dict[str, Node] = {}
    if "strategy" in found:
        parts = ("matrix", "fail-fast", "max-parallel")
        strategy = table(found["strategy"], "strategy", parts)
        read_text(strategy.get("max-parallel"), "max-parallel", JOB)
    matrix = strategy.get("matrix")
    if matrix:
        check_matrix(matrix)
    permissions = found.get("permissions")
    return WorkflowJob(
        key.text,
        key.file,
        key.line,
        runs_on,
        steps,
        read_text(found.get("name"), "name", LEG, key.text),
        texts(found.get("needs"), "needs"),
        read_condition(found.get("if"), JOB),
        read_permissions(permissions),
        permissions.line if permissions else 0,
        read_environment(found.get("environment")),
        read_concurrency(found.get("concurrency"), LEG),
        read_env(found.get("outputs"), STEP | SECRET, "outputs"),
        read_env(found.get("env"), LEG | SECRET),
        matrix,
        read_switch(strategy.get("fail-fast"), "fail-fast", "true", JOB),
        read_switch(found.get("continue-on-error"), "continue-on-error", "false", LEG),
        read_minutes(found.get("timeout-minutes"), "360", LEG),
    )


def check_matrix(node: Node) -> None:
    """Refuse a matrix with an expression that is none."""
    if isinstance(node, Scalar):
        known(node.text, node, JOB)
    elif isinstance(node, Table):
        for _, value in node.items:
            check_matrix(value)
    else:
        for value in node.items:
            check_matrix(value)


def read_step(node: Node, shell: str) -> WorkflowStep:
    """Return one step."""
    keys = (
        "id", "name", "if", "uses", "run", "shell", "with", "env", "working-directory",
        "continue-on-error", "timeout-minutes",
    )  # fmt: skip
    found = table(node, "a step", keys, OTHER_STEP_KEYS)
    if ("uses" in found) == ("run" in found):
        raise refuse(node, "a step has either `run`, a script, or `uses`, an action")
    uses = ""
    if "uses" in found:
        uses = needed(found["uses"], "uses", node)
        if not ACTION.fullmatch(uses):
            sentence = "an action is written `owner/name@`, and the full hash of a commit behind it"
            raise refuse(found["uses"], f"{sentence}, and this is `{short(uses)}`")
        for key in ("shell", "working-directory"):
            if key in found:
                raise refuse(found[key], f"`{key}` belongs to a step with `run`")
    elif "with" in found:
        raise refuse(found["with"], "`with` belongs to a step with `uses`; a script reads `env`")
    run = found.get("run")
    script = known(needed(run, "run", node), run, STEP | SECRET) if run else ""
    step_id = text(found.get("id"), "id")
    if step_id and not NAME.fullmatch(step_id):
        raise refuse(found["id"], f"an id is letters, digits, - and _, and not `{short(step_id)}`")
    block = isinstance(run, Scalar) and run.block
    return WorkflowStep(
        node.file,
        node.line,
        step_id,
        read_text(found.get("name"), "name", STEP | SECRET),
        uses,
        script,
        read_shell(found.get("shell")) or shell,
        read_condition(found.get("if"), STEP),
        read_env(found.get("with"), STEP | SECRET, "with"),
        read_env(found.get("env"), STEP | SECRET),
        read_text(found.get("working-directory"), "working-directory", STEP | SECRET),
        read_switch(found.get("continue-on-error"), "continue-on-error", "false", STEP),
        read_minutes(found.get("timeout-minutes"), "0", STEP),
        (run.line if run else node.line) + block,
    )


def check_outputs(job: WorkflowJob, workflow: Workflow) -> None:
    """Refuse what asks for the results of a job or step that is not there to be asked.

    GitHub gives the empty string then; nobody ever meant that.
    """
    below = {one.lower() for one in job.depends_on}
    ids = {step.id.lower() for step in job.steps if step.id}
    texts_: list[tuple[str, int]] = [
        *((one, job.line) for one in (job.title, job.environment, *job.env.values())),
        *((one, job.line) for one in job.outputs.values()),
    ]
    conditions = [(job.condition, job.line)]
    for step in job.steps:
        conditions.append((step.condition, step.line))
        inserted = (step.run, step.name, *step.env.values(), *step.inputs.values())
        texts_ += [(one, step.line) for one in inserted]
    asked = [(bare(one, (job.file, line)), line) for one, line in conditions if one]
    for one, line in texts_:
        asked += [(piece, line) for is_one, piece in pieces(one, job.file, line) if is_one]
    every = STEP | SECRET
    for expression, line in asked:
        for part in parts_of(parse(expression, every, True, (job.file, line))):
            context, key = wanted(part)
            if context == "needs" and key.lower() not in below:
                told = f"add it to `needs` of {job.name}" if workflow.job(key) else "no such job"
                sentence = f"`needs.{key}` is asked for, and {job.name} does not need it: {told}"
            elif context == "steps" and key.lower() not in ids:
                sentence = f"`steps.{key}` is asked for, and no step of {job.name} has this id"
            else:
                continue
            node = Scalar("", job.file, line)
            raise refuse(node, sentence)


def wanted(part: Part) -> tuple[str, str]:
    """Return the context and key of a part such as `needs.build`; empty where it is none."""
    if part.sort == "index" and part.parts[0].sort == "name" and part.parts[1].sort == "value":
        return str(part.parts[0].value), str(part.parts[1].value)
    return "", ""

"""What starts a pipeline: nodes -> triggers, and whether one lets a start through."""

import re

from lmcourse.pipelines.fields import boolean, listing, needed, refuse, table, text, texts
from lmcourse.pipelines.model import Filter, Pipeline, Schedule, Source, Trigger
from lmcourse.pipelines.runs import Start
from lmcourse.pipelines.source import Listing, Node, Scalar, Table, short

_EVERY: Trigger = Trigger(1)
_CRON = re.compile(r"(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?(,(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)"
                   r"(/[0-9]+)?)*")  # fmt: skip


def read_trigger(node: Node | None, what: str) -> Trigger | None:
    """Return `trigger` or `pr`; None for `none`. Where there is none, every branch starts one."""
    if node is None:
        return _EVERY
    if isinstance(node, Scalar):
        if node.text == "none":
            return None
        raise refuse(node, f"{what} is `none`, a list such as [main], or has `branches`")
    if isinstance(node, Listing):
        names = texts(node, what)
        if names == ("none",):
            return None
        return Trigger(node.line, Filter(names))
    keys = ("branches", "paths") + (
        ("tags", "batch") if what == "trigger" else ("drafts", "autoCancel")
    )
    found = table(node, what, keys)
    for switch in ("batch", "autoCancel"):
        boolean(found.get(switch), switch, "false")
    tags = found.get("tags")
    branches = read_filter(found.get("branches"), "branches")
    if "branches" not in found and "paths" in found:
        raise refuse(
            node, f"{what} has `paths` and no `branches`: paths count beside branches only"
        )
    if "branches" not in found and tags is not None:
        branches = Filter(exclude=("*",))  # tags alone: no push to a branch starts it
    return Trigger(
        node.line,
        branches,
        read_filter(found.get("paths"), "paths"),
        None if tags is None else read_filter(tags, "tags"),
        boolean(found.get("drafts"), "drafts", "true") == "true",
    )


def read_filter(node: Node | None, what: str) -> Filter:
    """Return the patterns of `include` and `exclude`."""
    if node is None:
        return Filter()
    if not isinstance(node, Table):
        raise refuse(node, f"{what} has `include`, `exclude`, or both: include: [main]")
    found = table(node, what, ("include", "exclude"))
    return Filter(texts(found.get("include"), "include"), texts(found.get("exclude"), "exclude"))


def read_schedules(node: Node | None) -> tuple[Schedule, ...]:
    """Return the schedules."""
    if node is None:
        return ()
    read = []
    for item in listing(node, "schedules"):
        found = table(item, "a schedule", ("cron", "displayName", "branches", "always", "batch"))
        cron = needed(found.get("cron"), "`cron` of a schedule", item)
        fields = cron.split()
        if len(fields) != 5 or not all(_CRON.fullmatch(one) for one in fields):
            sentence = "cron has five fields, minute hour day month weekday, such as `0 3 * * *`"
            raise refuse(found["cron"], f"{sentence}, and this is `{short(cron)}`")
        if "branches" not in found:
            raise refuse(item, "a schedule needs `branches`, with `include: [main]` in it")
        boolean(found.get("batch"), "batch", "false")
        read.append(
            Schedule(
                cron,
                item.line,
                read_filter(found["branches"], "branches"),
                text(found.get("displayName"), "displayName"),
                boolean(found.get("always"), "always", "false") == "true",
            )
        )
    return tuple(read)


def read_sources(node: Node | None) -> tuple[Source, ...]:
    """Return the pipelines among the resources."""
    if node is None:
        return ()
    resources = table(
        node,
        "resources",
        ("pipelines",),
        {"repositories": "templates lie in this repository", "containers": "jobs run on the agent"},
    )
    if "pipelines" not in resources:
        return ()
    read = []
    for item in listing(resources["pipelines"], "pipelines"):
        found = table(item, "a pipeline resource", ("pipeline", "source", "trigger"))
        name = needed(found.get("pipeline"), "`pipeline`, the name that it has here", item)
        source = text(found.get("source"), "source", name)
        read.append(Source(name, source, item.line, _source_trigger(found.get("trigger"))))
    return tuple(read)


def _source_trigger(node: Node | None) -> Filter | None:
    if node is None or (isinstance(node, Scalar) and node.text in {"none", "false"}):
        return None
    if isinstance(node, Scalar) and node.text == "true":
        return Filter()
    found = table(node, "trigger", ("enabled", "branches"))
    if boolean(found.get("enabled"), "enabled", "true") == "false":
        return None
    branches = found.get("branches")
    if branches is not None and not isinstance(branches, Table):
        return Filter(texts(branches, "branches"))
    return read_filter(branches, "branches")


def starts(pipeline: Pipeline, start: Start) -> tuple[bool, str]:
    """Say whether `start` starts the pipeline, and why."""
    if start.reason in {"IndividualCI", "BatchedCI"}:
        return _pushed(pipeline.trigger, start)
    if start.reason == "PullRequest":
        return _proposed(pipeline.pr, start)
    if start.reason == "Schedule":
        for one in pipeline.schedules:
            if passes(one.branches, start.branch):
                if start.changed or one.always:
                    return True, f"the schedule `{one.cron}` (line {one.line})"
                return False, f"nothing has changed, and line {one.line} does not say always: true"
        told = "no schedule is for" if pipeline.schedules else "there is no schedule, also not for"
        return False, f"{told} the branch {start.branch}"
    if start.reason == "ResourceTrigger":
        for source in pipeline.sources:
            known = {source.name.lower(), source.source.lower()}
            if start.pipeline.lower() in known and source.trigger is not None:
                if passes(source.trigger, start.branch):
                    return True, f"the pipeline {source.source} ended (line {source.line})"
                return False, f"line {source.line} does not name the branch {start.branch}"
        return False, f"the end of the pipeline {start.pipeline} triggers nothing here"
    return True, f"{start.by} asked for it"


def _pushed(trigger: Trigger | None, start: Start) -> tuple[bool, str]:
    if trigger is None:
        return False, "the trigger is none"
    if start.tag:
        if trigger.tags is not None and passes(trigger.tags, start.tag):
            return True, f"the tag {start.tag} was pushed"
        return False, f"no trigger is for the tag {start.tag}"
    return _changed(trigger, start, start.branch, f"a push to {start.branch}")


def _proposed(trigger: Trigger | None, start: Start) -> tuple[bool, str]:
    if trigger is None:
        return False, "pr is none"
    if start.draft and not trigger.drafts:
        return False, "the pull request is a draft"
    return _changed(trigger, start, start.target, f"a pull request into {start.target}")


def _changed(trigger: Trigger, start: Start, branch: str, what: str) -> tuple[bool, str]:
    if not passes(trigger.branches, branch):
        return False, f"line {trigger.line} does not name the branch {branch}"
    if start.paths is not None and not any(
        passes(trigger.paths, path, paths=True) for path in start.paths
    ):
        return False, f"no file that changed is among the paths of line {trigger.line}"
    return True, what


def passes(wanted: Filter, name: str, *, paths: bool = False) -> bool:
    """Whether a name is included and not excluded; an empty `include` stands for all.

    In a pattern `*` is any characters; one of a path also matches all that lies below it. Where
    both lists match, the more exact pattern decides, as Azure documents it for branches and paths:
    `exclude: [releases/old*]` beats `include: [releases/*]`.
    """
    name = name.removeprefix("refs/heads/")
    inside = max(
        (len(one) for one in wanted.include or ("*",) if _fits(one, name, paths)), default=-1
    )
    outside = max((len(one) for one in wanted.exclude if _fits(one, name, paths)), default=-1)
    return inside >= 0 and inside > outside


def _fits(pattern: str, name: str, paths: bool) -> bool:
    """Whether a pattern fits, in time linear in both lengths for each `*`."""
    pattern = pattern.removeprefix("refs/heads/").strip("/" if paths else "")
    if paths and (pattern == "" or name.startswith(pattern + "/")):
        return True
    head, *rest = pattern.replace("**", "*").split("*")
    if not rest:
        return name == head
    if not name.startswith(head):
        return False
    at = len(head)
    for part in rest[:-1]:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return paths or (name.endswith(rest[-1]) and len(name) - len(rest[-1]) >= at)

"""What starts a GitHub workflow: `on` -> events, and whether one lets a start through.

Source: GitHub's pages "Events that trigger workflows" and "Workflow syntax" (filter patterns).
"""

import re
from collections.abc import Mapping

from lmcourse.pipelines.fields import listing, needed, refuse, table, text, texts
from lmcourse.pipelines.github.workflow import Event, Input, Patterns, Workflow
from lmcourse.pipelines.runs import Start
from lmcourse.pipelines.source import Listing, Node, Scalar, Table, called, short

FILTERS: Mapping[str, tuple[str, ...]] = {
    "push": ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"),
    "pull_request": ("branches", "branches-ignore", "paths", "paths-ignore", "types"),
    "schedule": (),
    "workflow_dispatch": ("inputs",),
    "workflow_run": ("workflows", "types", "branches", "branches-ignore"),
}
"""The events of the course's subset, and what each can be narrowed by."""
OTHERS = {
    "pull_request_target": "it gives strangers this repository's rights; `pull_request` does not",
    "pr": "that is Azure's language; GitHub's has `pull_request`",
    "schedules": "that is Azure's language; GitHub's has `schedule`",
    "workflow_call": "no workflow calls another one here",
    "release": "a tag that is pushed starts a `push` with `tags`",
}
PROPOSED = frozenset({"opened", "synchronize", "reopened"})
"""What happens to a pull request, of those that start a workflow if nothing is said."""
DEFAULT_BRANCH = "main"
NAMES: Mapping[str, str] = {
    "Manual": "workflow_dispatch",
    "IndividualCI": "push",
    "BatchedCI": "push",
    "PullRequest": "pull_request",
    "Schedule": "schedule",
    "ResourceTrigger": "workflow_run",
}
"""GitHub's names of the reasons for which a run starts."""
MOST, LONGEST = 100, 200
"""Patterns of one filter, and characters of a pattern."""
FIELD = r"(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?"
CRON = re.compile(rf"{FIELD}(,{FIELD})*")


def read_events(node: Node) -> tuple[Event, ...]:
    """Return the events of `on`: a name, a list of names, or a mapping."""
    if isinstance(node, Scalar | Listing):
        items = [node] if isinstance(node, Scalar) else list(listing(node, "on"))
        return tuple(read_event(needed(one, "an event", one), one, None) for one in items)
    if not node.items:
        raise refuse(node, "`on` names no event")
    return tuple(read_event(key.text, key, value) for key, value in node.items)


def read_event(name: str, holder: Node, node: Node | None) -> Event:
    """Return one event."""
    if name not in FILTERS:
        told = OTHERS.get(name, f"events here are {', '.join(FILTERS)}")
        raise refuse(holder, f"`{short(name)}` starts no workflow in the course's subset: {told}")
    if name == "schedule":
        if node is None:
            raise refuse(holder, "a schedule needs a list of `cron`: `- cron: '0 3 * * *'`")
        return Event(name, holder.line, crons=tuple(map(read_cron, listing(node, "schedule"))))
    if node is None or (isinstance(node, Scalar) and node.null):
        found: dict[str, Node] = {}
    else:
        found = table(node, name, FILTERS[name])
    workflows = texts(found.get("workflows"), "workflows")
    if name == "workflow_run" and not workflows:
        raise refuse(holder, "`workflow_run` needs `workflows`, a list of the names it follows")
    return Event(
        name,
        holder.line,
        read_patterns(found, "branches"),
        read_patterns(found, "tags"),
        read_patterns(found, "paths"),
        texts(found.get("types"), "types"),
        workflows=workflows,
        inputs=read_inputs(found.get("inputs")),
    )


def read_patterns(found: Mapping[str, Node], what: str) -> Patterns | None:
    """Return the patterns of `what` or of `what`-ignore; None where nothing is said."""
    some, others = found.get(what), found.get(f"{what}-ignore")
    if some and others:
        raise refuse(others, f"one event has {what} or {what}-ignore, not both; use `!` in {what}")
    node = some or others
    if node is None:
        return None
    patterns = texts(node, what)
    if not patterns:
        raise refuse(node, f"`{what}` names nothing")
    if len(patterns) > MOST or any(len(one) > LONGEST for one in patterns):
        raise refuse(node, f"`{what}` has at most {MOST} patterns of {LONGEST} characters")
    if some and all(one.startswith("!") for one in patterns):
        raise refuse(node, f"all {what} begin with `!`, so that none is let through")
    return Patterns(patterns, node is others)


def read_cron(node: Node) -> str:
    """Return when a schedule runs (UTC)."""
    found = needed(table(node, "a schedule", ("cron",)).get("cron"), "`cron`", node)
    fields = found.split()
    if len(fields) != 5 or not all(CRON.fullmatch(one) for one in fields):
        sentence = "cron has five fields, minute hour day month weekday, such as `0 3 * * *`"
        raise refuse(node, f"{sentence}, and this is `{short(found)}`")
    return found


def read_inputs(node: Node | None) -> tuple[Input, ...]:
    """Return what a person is asked who starts the workflow by hand."""
    if node is None:
        return ()
    if not isinstance(node, Table):
        raise refuse(node, f"inputs are a mapping of names, not {called(node)}")
    read = []
    for key, value in node.items:
        keys = ("description", "required", "default", "type", "options")
        found = table(value, f"the input {short(key.text)}", keys)
        kind = text(found.get("type"), "type", "string")
        kinds = ("string", "boolean", "choice", "number", "environment")
        if kind not in kinds:
            raise refuse(found["type"], f"type is {', '.join(kinds)}, not `{short(kind)}`")
        options = texts(found.get("options"), "options")
        if (kind == "choice") != bool(options):
            raise refuse(key, f"the input {key.text}: `options` and `type: choice` go together")
        default = text(found.get("default"), "default")
        required = text(found.get("required"), "required", "false") == "true"
        read.append(Input(key.text, kind, key.line, default, required, options))
    return tuple(read)


def starts(workflow: Workflow, start: Start) -> tuple[bool, str]:
    """Say whether `start` starts the workflow, and why."""
    name = NAMES[start.reason]
    event = workflow.event(name)
    if event is None:
        return False, f"`on` does not name {name}"
    line = f"line {event.line}"
    if name == "push":
        wanted, other = (event.tags, event.branches) if start.tag else (event.branches, event.tags)
        pushed = start.tag or start.branch
        if (wanted is None and other is not None) or not passes(wanted, pushed):
            return False, f"`push` ({line}) is not for {pushed}"
        if not start.tag and not changed(event, start):
            return False, f"no file that changed is among the paths of `push` ({line})"
        return True, f"a push to {pushed}"
    if name == "pull_request":
        if event.types and not PROPOSED & set(event.types):
            return False, f"`pull_request` ({line}) is for {', '.join(event.types)} alone"
        if not passes(event.branches, start.target):
            return False, f"`pull_request` ({line}) is not for one into {start.target}"
        if not changed(event, start):
            return False, f"no file that changed is among the paths of `pull_request` ({line})"
        return True, f"a pull request into {start.target}"
    if name == "schedule":
        if start.branch != DEFAULT_BRANCH:
            return False, f"schedules run on the default branch, {DEFAULT_BRANCH}, alone"
        return True, f"the schedule `{event.crons[0]}` ({line})"
    if name == "workflow_run":
        if start.pipeline not in event.workflows or not passes(event.branches, start.branch):
            return False, f"`workflow_run` ({line}) is not for {start.pipeline} on {start.branch}"
        return True, f"the workflow {start.pipeline} ended"
    return True, f"{start.by} asked for it"


def changed(event: Event, start: Start) -> bool:
    """Whether a file that changed is among the event's paths; yes, where it is not known."""
    if start.paths is None or event.paths is None:
        return True
    return any(passes(event.paths, path) for path in start.paths)


def passes(wanted: Patterns | None, name: str) -> bool:
    """Whether the patterns let `name` through: the last one that fits decides."""
    if wanted is None:
        return True
    found = False
    for pattern in wanted.patterns:
        if fits(pattern.removeprefix("!"), name):
            found = not pattern.startswith("!")
    return found is not wanted.ignore


TOKEN = re.compile(r"(\*\*/|\*\*|\*|\[[^\]]*\]|\\.|.)([?+]?)", re.DOTALL)


def fits(pattern: str, name: str) -> bool:
    """Whether a pattern fits all of `name`, in time linear in the product of their lengths.

    `**` is any characters, `*` any but /, `?` none or one and `+` one or more of what stands
    before, `[]` one of those listed.
    """
    reached = {0}
    for part, times in TOKEN.findall(pattern):
        if part in {"**", "*", "**/"}:
            first = min(reached, default=len(name) + 1)
            if part == "**":
                reached = set(range(first, len(name) + 1))
            elif part == "*":
                reached = run_of(reached, name, re.compile("[^/]"))
            else:
                after = {at + 1 for at in range(first, len(name)) if name[at] == "/"}
                reached = reached | after
            continue
        allowed = one_of(part) if len(part) > 2 else re.compile(re.escape(part[-1]))
        once = {at + 1 for at in reached if at < len(name) and allowed.fullmatch(name[at])}
        if times == "+":
            once = run_of(once, name, allowed)
        reached = once | reached if times == "?" else once
    return len(name) in reached


def one_of(part: str) -> re.Pattern[str]:
    """Return what fits one of the characters that `part`, such as `[0-9a]`, lists."""
    listed = [
        re.escape(first) if not last else f"{re.escape(first)}-{re.escape(last)}"
        for first, last in re.findall(r"(.)(?:-(.))?", part[1:-1], re.DOTALL)
        if not last or first <= last
    ]
    return re.compile(f"[{''.join(listed)}]" if listed else "(?!)", re.DOTALL)


def run_of(reached: set[int], name: str, allowed: re.Pattern[str]) -> set[int]:
    """Return the places that can be reached from `reached` over characters that are allowed."""
    found = set(reached)
    for at in range(len(name)):
        if at in found and allowed.fullmatch(name[at]):
            found.add(at + 1)
    return found

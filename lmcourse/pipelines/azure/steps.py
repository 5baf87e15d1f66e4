"""Nodes -> steps."""

from collections.abc import Mapping

from lmcourse.pipelines.azure.conditions import read_condition
from lmcourse.pipelines.azure.tasks import read_task
from lmcourse.pipelines.fields import (
    boolean,
    closest,
    listing,
    name,
    needed,
    number,
    pairs,
    refuse,
    table,
    text,
)
from lmcourse.pipelines.model import Kind, Step
from lmcourse.pipelines.source import Node, Scalar, Table, called, short

_COMMON = (
    "name",
    "displayName",
    "condition",
    "continueOnError",
    "enabled",
    "env",
    "timeoutInMinutes",
    "retryCountOnTaskFailure",
)
_KEYS: Mapping[str, tuple[str, ...]] = {
    "script": ("workingDirectory",),
    "bash": ("workingDirectory",),
    "task": ("inputs",),
    "checkout": (
        "clean",
        "fetchDepth",
        "fetchTags",
        "lfs",
        "submodules",
        "persistCredentials",
        "path",
    ),
    "publish": ("artifact",),
    "download": ("artifact", "path", "patterns"),
}
_ELSEWHERE = {
    "pwsh": "it has `script` and `bash`",
    "powershell": "it has `script` and `bash`",
    "run": "that is GitHub's word; Azure's is `script`",
    "uses": "that is GitHub's word; Azure's is `task`",
    "if": "that is GitHub's word; Azure's is `condition`",
    "with": "that is GitHub's word; Azure's is `inputs`",
    "failOnStderr": "end the script with `exit 1` where it shall fail",
    "target": "steps run on the agent itself",
    "timeout-minutes": "Azure's word is `timeoutInMinutes`",
    "continue-on-error": "Azure's word is `continueOnError`",
}


def read_steps(node: Node) -> tuple[Step, ...]:
    """Return the steps of a list; their names must differ."""
    steps = tuple(read_step(item) for item in listing(node, "steps"))
    if not steps:
        raise refuse(node, "there is no step in this list")
    seen: dict[str, int] = {}
    for step in steps:
        low = step.name.lower()
        if low and low in seen:
            sentence = f"two steps are named {step.name}: see line {seen[low]}"
            raise refuse(Scalar("", step.file, step.line), sentence)
        seen[low] = step.line
    return steps


def read_step(node: Node) -> Step:
    """Return one step."""
    if not isinstance(node, Table):
        sentence = f"a step is a mapping such as `script: make test`, and this is {called(node)}"
        raise refuse(node, sentence)
    words = [key for key, _ in node.items if key.text in _KEYS]
    if not words:
        key = node.items[0][0] if node.items else Scalar("", node.file, node.line)
        told = _ELSEWHERE.get(key.text)
        why = f": {told}" if told else closest(key.text, _KEYS)
        sentence = f"a step has no `{short(key.text)}` in the course's subset{why}"
        raise refuse(key, sentence)
    word = words[0].text
    found = table(node, f"a {word} step", (word, *_KEYS[word], *_COMMON), _ELSEWHERE)
    kind, what, inputs = _kinds(word, found, node)
    first = found[word]
    block = isinstance(first, Scalar) and first.block
    if word == "task" and kind == "script":
        block = False
    folder = inputs.pop("workingDirectory", "")
    shown = text(found.get("displayName"), "displayName")
    return Step(
        kind=kind,
        text=what,
        file=node.file,
        line=node.line,
        name=name(found["name"], "a step's name") if "name" in found else "",
        display_name=shown or _shown(word, what, inputs),
        condition=read_condition(found.get("condition"), "step"),
        continue_on_error=boolean(found.get("continueOnError"), "continueOnError", "false"),
        enabled=boolean(found.get("enabled"), "enabled", "true"),
        timeout=number(found.get("timeoutInMinutes"), "timeoutInMinutes", "0", 100_000),
        retries=number(found.get("retryCountOnTaskFailure"), "retryCountOnTaskFailure", "0", 10),
        env=pairs(found.get("env"), "env"),
        inputs=inputs,
        working_directory=text(found.get("workingDirectory"), "workingDirectory", folder),
        text_line=first.line + block,
    )


def _kinds(word: str, found: dict[str, Node], node: Table) -> tuple[Kind, str, dict[str, str]]:
    """Return the kind, the text and the inputs of a step that is written with `word`."""
    if word in {"script", "bash"}:
        return "script", needed(found[word], f"what `{word}` runs", node), {}
    if word == "task":
        return _of_task(found, node)
    what = text(found[word], word)
    if word == "checkout":
        if what not in {"self", "none"}:
            raise refuse(found[word], "checkout is `self` or `none` in the course's subset")
        return "checkout", what, {}
    inputs = {key: text(found[key], key) for key in _KEYS[word] if key in found}
    if word == "download":
        if what not in {"current", "none"}:
            sentence = "download is `current` or `none`; which artifact, `artifact` says"
            raise refuse(found[word], sentence)
        return "download", what, inputs
    return "publish", needed(found[word], "the path to publish", node), inputs


def _of_task(found: dict[str, Node], node: Table) -> tuple[Kind, str, dict[str, str]]:
    what, inputs = read_task(found["task"], found.get("inputs"))
    if what in {"Bash@3", "CmdLine@2"}:
        if inputs.get("targetType", "inline").lower() != "inline":
            raise refuse(node, "Bash@3 runs what `script` says: write targetType: inline")
        folder = inputs.get("workingDirectory", "")
        return "script", inputs["script"], {"workingDirectory": folder} if folder else {}
    if what == "PublishPipelineArtifact@1":
        return "publish", inputs.pop("path"), inputs
    if what == "DownloadPipelineArtifact@2":
        if inputs.pop("source", "current").lower() != "current":
            raise refuse(node, "artifacts come from the current run in the course's subset")
        return "download", "current", inputs
    return "task", what, inputs


def _shown(word: str, what: str, inputs: dict[str, str]) -> str:
    if word in {"script", "bash"}:
        return "CmdLine" if word == "script" else "Bash"
    if word == "checkout":
        return f"Checkout {what}"
    if word == "task":
        return what.partition("@")[0]
    return f"{word} {inputs.get('artifact', what)}"

"""The tasks of Azure's marketplace that the subset has, with their inputs.

Those that only say another way what a step can say are turned into that step when read: so a
script is a script, and an artifact is published in one way.
"""

from dataclasses import dataclass

from lmcourse.pipelines.fields import closest, pairs, refuse, text
from lmcourse.pipelines.source import Node, Scalar, short


@dataclass(frozen=True)
class Task:
    """The inputs that a task must have and may have; the other names of an input map to its own."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()


TASKS = {
    "UsePythonVersion@0": Task(("versionSpec",), ("addToPath", "architecture")),
    "Cache@2": Task(("key", "path"), ("restoreKeys", "cacheHitVar")),
    "PublishTestResults@2": Task(
        ("testResultsFiles",),
        (
            "testResultsFormat",
            "testRunTitle",
            "mergeTestResults",
            "failTaskOnFailedTests",
            "failTaskOnMissingResultsFile",
            "searchFolder",
            "publishRunAttachments",
        ),
        (("testRunner", "testResultsFormat"),),
    ),
    "PublishCodeCoverageResults@2": Task(
        ("summaryFileLocation",), ("pathToSources", "failIfCoverageEmpty")
    ),
    "PublishPipelineArtifact@1": Task(
        ("path",),
        ("artifact", "publishLocation"),
        (("targetPath", "path"), ("artifactName", "artifact")),
    ),
    "DownloadPipelineArtifact@2": Task(
        (),
        ("artifact", "path", "source", "patterns"),
        (
            ("artifactName", "artifact"),
            ("targetPath", "path"),
            ("downloadPath", "path"),
            ("buildType", "source"),
            ("itemPattern", "patterns"),
        ),
    ),
    "Bash@3": Task(("script",), ("targetType", "workingDirectory"), ()),
    "CmdLine@2": Task(("script",), ("workingDirectory",), ()),
}


def read_task(node: Node, given: Node | None) -> tuple[str, dict[str, str]]:
    """Return the task's name with its version, and its inputs under their own names."""
    name = text(node, "task")
    known = {one.lower(): one for one in TASKS}
    if name.lower() not in known:
        if "@" not in name:
            plain = {one.partition("@")[0].lower(): one for one in TASKS}
            near = closest(plain.get(name.lower(), name), TASKS)
            raise refuse(node, f"a task is written NAME@VERSION, and `{short(name)}` is not{near}")
        raise refuse(node, f"there is no task `{short(name)}` in the course's subset"
                     + closest(name, TASKS))  # fmt: skip
    name = known[name.lower()]
    task = TASKS[name]
    aliases = {one.lower(): own for one, own in task.aliases}
    aliases |= {one.lower(): one for one in (*task.needs, *task.may)}
    inputs: dict[str, str] = {}
    written = pairs(given, "inputs")
    for one, value in written.items():
        if one.lower() not in aliases:
            near = closest(one, (*task.needs, *task.may))
            raise refuse(_key(given, one), f"{name} has no input `{short(one)}`{near}")
        inputs[aliases[one.lower()]] = value
    for one in task.needs:
        if not inputs.get(one, "").strip():
            raise refuse(given or node, f"{name} needs the input `{one}`")
    return name, inputs


def _key(given: Node | None, name: str) -> Node:
    items = getattr(given, "items", ())
    found = [key for key, _ in items if isinstance(key, Scalar) and key.text == name]
    return found[0]

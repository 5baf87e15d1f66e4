"""Logging commands: what a script says to the agent by a line `##vso[area.action key=value]text`.

Source: "Logging commands" (Azure Pipelines). The agent looks for one anywhere in a line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_ESCAPES = (("%3B", ";"), ("%5D", "]"), ("%0D", "\r"), ("%0A", "\n"), ("%AZP25", "%"))
_TITLES = {"succeeded": 0, "succeededwithissues": 1, "failed": 2}


@dataclass(frozen=True)
class Message:
    """One logging command."""

    action: str  # "task.setvariable", in lower case
    properties: Mapping[str, str]  # names in lower case
    text: str


@dataclass
class Said:
    """What all of a step's lines said."""

    variables: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    issues: list[str] = field(default_factory=list)
    result: int = 0  # of task.complete: 0 succeeded, 1 with issues, 2 failed; the worst counts


def parse(line: str) -> Message | None:
    """Return the logging command in a line; None where there is none."""
    start = line.find("##vso[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    action, _, rest = line[start + 6 : end].partition(" ")
    properties = {}
    for pair in rest.split(";"):
        key, equals, value = pair.partition("=")
        if equals:
            for written, meant in _ESCAPES:
                value = value.replace(written, meant)
            properties[key.strip().lower()] = value
    return Message(action.strip().lower(), properties, line[end + 1 :])


def heard(lines: Iterable[str]) -> Said:
    """Return what the lines of a step say to the agent."""
    said = Said()
    for message in filter(None, map(parse, lines)):
        given = message.properties
        if message.action == "task.setvariable" and given.get("variable"):
            # A value keeps the spaces around it, and ends with the line.
            output = given.get("isoutput", "").lower() == "true"
            (said.outputs if output else said.variables)[given["variable"]] = message.text
            if given.get("issecret", "").lower() == "true":
                said.secrets.add(given["variable"].lower())
        elif message.action == "task.logissue":
            kind = "error" if given.get("type", "").lower() == "error" else "warning"
            said.issues.append(f"{kind}: {message.text.strip()}")
        elif message.action == "task.complete":
            # Without a result, and with one that it does not know, the agent takes "Succeeded".
            result = _TITLES.get(given.get("result", "").lower(), 0)
            said.result = max(said.result, result)
    return said

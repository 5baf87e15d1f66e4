"""Conditions as they are written: each is read where it stands, and not first when a run is there.

What a condition may ask for depends on what it belongs to ("Pipeline conditions" and "Define
variables", Azure Pipelines): a stage for the stages that it waits for, a job for jobs, too, and a
step for variables alone.
"""

import re
from typing import Literal

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.azure import Scope, Status, check
from lmcourse.pipelines.fields import refuse, text
from lmcourse.pipelines.source import Node

_KNOWN = {
    "stage": ("variables", "dependencies"),
    "job": ("variables", "dependencies", "stageDependencies"),
    "step": ("variables",),
}
_ELSEWHERE = re.compile(r"\b(dependencies|stageDependencies)\s*[.\[]")
_INSTEAD = {
    "step": "a step's condition knows variables alone: give the job a variable with the value "
    "`$[ dependencies.JOB.outputs['STEP.NAME'] ]`, and ask for that one",
    "stage": "a stage's condition has `dependencies`, and no `stageDependencies`: "
    "`dependencies.STAGE.outputs['JOB.STEP.NAME']`",
}


def read_condition(node: Node | None, owner: Literal["stage", "job", "step"]) -> str | None:
    """Return a condition; None where there is none, which stands for `succeeded()`."""
    written = text(node, "condition")
    if node is None or not written.strip():
        return None
    status = Status(job="Succeeded") if owner == "step" else Status()
    try:
        check(written, Scope(dict.fromkeys(_KNOWN[owner]), status), node.file, node.line)
    except Refused:
        other = _ELSEWHERE.search(written)
        if other is None or other[1] in _KNOWN[owner]:
            raise
        raise refuse(node, _INSTEAD[owner]) from None
    return written

"""The legs of a job's matrix, also of one that another job has written."""

import json
from collections.abc import Mapping

from lmcourse.pipelines.expressions.azure import Scope, evaluate, runtime
from lmcourse.pipelines.expressions.values import Value, kind, to_text
from lmcourse.pipelines.model import Job

MOST = 50
"""Legs."""


def legs(job: Job, contexts: Mapping[str, Value]) -> tuple[Mapping[str, Mapping[str, str]], str]:
    """Return the variables of each leg by its name, and what is wrong, "" if nothing is.

    A job without a matrix has one leg, whose name is empty. A runtime expression gives JSON.
    """
    if job.matrix is None:
        return {"": {}}, ""
    if not isinstance(job.matrix, str):
        return job.matrix, ""
    expression = runtime(job.matrix, job.file, job.line) or ""
    value = evaluate(expression, Scope(contexts), job.file, job.line)
    written = "" if kind(value) in {"array", "object"} else to_text(value)
    short = written if len(written) <= 60 else written[:57] + "..."
    said = f"the matrix `{job.matrix.strip()}` is `{short}`, and not JSON of legs and variables"
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        return {}, said
    if not isinstance(found, dict) or not found:
        return {}, said
    if len(found) > MOST:
        return {}, f"the matrix has {len(found)} legs, and {MOST} is the most"
    read = {}
    for leg, variables in found.items():
        if not isinstance(variables, dict):
            return {}, said
        if any(isinstance(one, dict | list) for one in variables.values()):
            return {}, said
        read[leg] = {name: _text(one) for name, one in variables.items()}
    return read, ""


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)

"""A student's own gate, out of their notebook, in the place of `lmops.gate.gate`.

It is run in a process of its own with a time limit. Whatever goes wrong there is a reason: a gate
that fails, hangs or says something else than a list of sentences lets nothing pass.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lmops.gate import Gate
from lmops.notebooks import Notebook, Statement

SECONDS = 20.0
"""The time that a gate may take, and what its cells import."""

NAME = "gate"

# The answer goes to a file: what the student's code prints is not taken for it. No word of this
# may be a name that their code could mean.
_ASK = """
if __name__ == "__main__":
    import json as _json, sys as _sys
    _given = _json.load(open(_sys.argv[1], encoding="utf-8"))
    try:
        _answer = {"reasons": gate(*_given)}
    except BaseException as _error:
        _answer = {"error": f"{type(_error).__name__}: {_error}"}
    try:
        _said = _json.dumps(_answer)
    except (TypeError, ValueError):
        _said = _json.dumps({"error": "it returned what is no list of sentences"})
    with open(_sys.argv[2], "w", encoding="utf-8") as _file:
        _file.write(_said)
"""


class NoGate(Exception):
    """The notebook has no gate that could be asked; says why."""


def own_gate(notebook: Notebook, seconds: float = SECONDS) -> Gate:
    """Return the function `gate` that a notebook defines, to be asked like `lmops.gate.gate`.

    Raises
    ------
    NoGate
        If the notebook does not define it.
    """
    source = _source(notebook) + _ASK

    def gate(metrics: Mapping[str, Any], objective: Mapping[str, Any]) -> list[str]:
        answer = _asked(source, json.dumps([metrics, objective]), seconds)
        if "error" in answer:
            return [f"your gate gave no answer: {answer['error']}"]
        reasons = answer["reasons"]
        if not isinstance(reasons, list) or not all(isinstance(each, str) for each in reasons):
            return [f"your gate gave no list of sentences, but {reasons!r:.80}"]
        return reasons

    return gate


def _asked(source: str, given: str, seconds: float) -> dict[str, Any]:
    """Return what the source answers, or `error`."""
    with tempfile.TemporaryDirectory() as folder:
        program, question, said = (Path(folder, name) for name in ("gate.py", "given", "said"))
        program.write_text(source, "utf-8")
        question.write_text(given, "utf-8")
        try:
            run = subprocess.run(
                [sys.executable, str(program), str(question), str(said)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"it took longer than {seconds:.0f} seconds"}
        try:
            answer: dict[str, Any] = json.loads(said.read_text("utf-8"))
        except (OSError, ValueError):
            last = run.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            return {"error": f"its cells do not run: {last[0] if last else 'no word why'}"}
    return answer


def _source(notebook: Notebook) -> str:
    """Return the statements that `gate` needs, and their imports, in the notebook's order."""
    taken: dict[int, Statement] = {}
    imports: dict[str, None] = {}
    waiting, seen = [NAME], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found = [(i, s) for i, s in enumerate(notebook.statements) if name in s.names]
        if found:
            taken.update(found)
            waiting += [needed for _, statement in found for needed in statement.needs]
        elif name in notebook.imports:
            imports[notebook.imports[name]] = None
        elif name == NAME:
            why = f" ({notebook.unread[0]})" if notebook.unread else ""
            raise NoGate(f"{notebook.path} defines no function `gate`{why}")
    parts = [*imports, *(taken[place].text for place in sorted(taken))]
    return "\n\n".join(parts) + "\n"

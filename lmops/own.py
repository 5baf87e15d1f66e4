"""A student's own function, out of their notebook, in the place of one of the platform's.

It is run in a process of its own with a time limit, on what JSON can say. Whatever goes wrong there
is `NoAnswer`: what to make of that, each place decides for itself, and so that nothing passes.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lmops.notebooks import Notebook, Statement

SECONDS = 20.0
"""The time that a function may take, and what its cells import."""

# The answer goes to a file: what the student's code prints is not taken for it. No word of this
# may be a name that their code could mean.
_ASK = """
if __name__ == "__main__":
    import json as _json, sys as _sys
    _given = _json.load(open(_sys.argv[1], encoding="utf-8"))
    try:
        _answer = {"returned": NAME(*_given)}
    except BaseException as _error:
        _answer = {"error": f"{type(_error).__name__}: {_error}"}
    try:
        _said = _json.dumps(_answer)
    except (TypeError, ValueError):
        _said = _json.dumps({"error": "it returned what JSON cannot say"})
    with open(_sys.argv[2], "w", encoding="utf-8") as _file:
        _file.write(_said)
"""


class NoFunction(Exception):
    """The notebook has no such function; says why."""


class NoAnswer(Exception):
    """The function was asked, and fails, hangs or returns what cannot be read; says why."""


def own(notebook: Notebook, name: str, seconds: float = SECONDS) -> Callable[..., Any]:
    """Return the function `name` that a notebook defines; a call may raise `NoAnswer`.

    Raises
    ------
    NoFunction
        If the notebook does not define it.
    """
    source = _source(notebook, name) + _ASK.replace("NAME", name)

    def ask(*arguments: Any) -> Any:
        return _asked(source, json.dumps(arguments), seconds)

    return ask


def _asked(source: str, given: str, seconds: float) -> Any:
    """Return what the source answers."""
    with tempfile.TemporaryDirectory() as folder:
        program, question, said = (Path(folder, name) for name in ("own.py", "given", "said"))
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
            raise NoAnswer(f"it took longer than {seconds:.0f} seconds") from None
        try:
            answer: dict[str, Any] = json.loads(said.read_text("utf-8"))
        except (OSError, ValueError):
            last = run.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise NoAnswer(f"its cells do not run: {last[0] if last else 'no word why'}") from None
    if "error" in answer:
        raise NoAnswer(str(answer["error"]))
    return answer["returned"]


def _source(notebook: Notebook, wanted: str) -> str:
    """Return the statements that a function needs, and their imports, in the notebook's order."""
    taken: dict[int, Statement] = {}
    imports: dict[str, None] = {}
    waiting, seen = [wanted], set()
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
        elif name == wanted:
            why = f" ({notebook.unread[0]})" if notebook.unread else ""
            raise NoFunction(f"{notebook.path} defines no function `{wanted}`{why}")
    parts = [*imports, *(taken[place].text for place in sorted(taken))]
    return "\n\n".join(parts) + "\n"

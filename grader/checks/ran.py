"""Which of a notebook's cells failed, so that no check grades what an earlier run left behind."""

import ast
import re
import traceback
from dataclasses import dataclass
from typing import Any

from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

_DEFINES = re.compile(r"^(?:(?:async +)?def +|class +)?(\w+)(?= *[(:=])", re.MULTILINE)


@dataclass(frozen=True)
class Failure:
    """That a cell which defines a name raised before it did."""

    error: str
    """Such as "NameError: name 'b' is not defined"."""
    is_older: bool
    """Whether the name was defined before, by an older cell or an older run."""


class Cells:
    """Watches a notebook's cells and remembers which names they failed to define."""

    def __init__(self) -> None:
        self.failed: dict[str, Failure] = {}
        self._before: dict[str, Any] = {}
        self._shell: InteractiveShell | None = None

    def watch(self, shell: InteractiveShell | None) -> None:
        """Follow the cells of `shell` from here on; without one, as in a script, do nothing."""
        if shell is None or shell is self._shell:
            return
        self._shell = shell
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def _begin(self, info: Any) -> None:
        if self._shell is None:
            return
        self._before = dict(self._shell.user_ns)
        for name in defined(self._shell.transform_cell(info.raw_cell or "")):
            self.failed.pop(name, None)  # the cell may check what it defines

    def _end(self, result: ExecutionResult) -> None:
        before, self._before = self._before, {}
        error = result.error_before_exec or result.error_in_exec
        if self._shell is None or result.info is None or error is None:
            return
        now, last = self._shell.user_ns, _reached(error)
        for name, line in defined(self._shell.transform_cell(result.info.raw_cell or "")).items():
            is_new = name in now and now[name] is not before.get(name, ...)
            if line >= last and not is_new:
                self.failed[name] = Failure(described(error), name in now)


def _reached(error: BaseException) -> int:
    """Return at which line of its cell `error` was raised; 0 if the cell did not run at all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if frame.name == "<module>"]
    return 0 if isinstance(error, SyntaxError) or not own else own[0] or 0


def defined(source: str) -> dict[str, int]:
    """Return the names that a cell defines at its top level, and the last line of each statement.

    A cell that is no valid Python is looked through for lines that begin as definitions do.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {found[1]: 1 for found in _DEFINES.finditer(source)}
    names: dict[str, int] = {}
    for node in tree.body:
        end = node.end_lineno or node.lineno
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names[node.name] = end
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = (part for target in targets for part in ast.walk(target))
            names |= {
                part.id: end
                for part in parts
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            }
    return names


def described(error: BaseException) -> str:
    """Return kind and message of `error` in one line."""
    words = str(error).strip().splitlines()
    return f"{type(error).__name__}: {words[0]}" if words else type(error).__name__

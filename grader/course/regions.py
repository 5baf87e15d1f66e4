"""The parts of an exercise's code that the student writes, between two marker lines."""

import ast
from functools import lru_cache

from grader.course.definitions import definitions

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


class RegionError(ValueError):
    """Markers that do not match, or stand where no stub can; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def without_markers(text: str) -> str:
    """Return the solved code without its marker lines."""
    return "\n".join(line for line in text.splitlines() if line.strip() not in (BEGIN, END))


def solution_lines(text: str) -> list[str]:
    """Return the lines that the student has to write, without their margins."""
    lines = text.splitlines()
    return [lines[i].strip() for begin, end in _regions(lines) for i in range(begin + 1, end)]


@lru_cache(256)  # each submission's cells are compared with the lesson's stubs
def stub(text: str, exercise: str) -> str:
    """Return the code as the student gets it.

    A solution inside a function becomes a `NotImplementedError` that names `exercise`; assignments
    at the top level become `name = ...`.

    Raises
    ------
    RegionError
        If there is no solution, its markers do not match, or it stands elsewhere.
    """
    lines = text.splitlines()
    regions = _regions(lines)
    if not regions:
        raise RegionError(1, f"exercise {exercise!r} has no {BEGIN!r}")
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    for begin, end in reversed(regions):
        margin = lines[begin][: lines[begin].index("#")]
        if not margin:
            lines[begin : end + 1] = [f"{name} = ..." for name in _assigned(lines, begin, end)]
            continue
        if not any(node.lineno <= begin and begin + 1 < _last(node) for node in functions):
            raise RegionError(begin + 1, "an indented solution stands inside a function")
        message = f"{exercise} is not started"
        lines[begin : end + 1] = [f'{margin}raise NotImplementedError("{message}")']
    return "\n".join(lines)


def _regions(lines: list[str]) -> list[tuple[int, int]]:
    """Return the positions of the two markers of each solution."""
    found = []
    begin = None
    for i, line in enumerate(lines):
        if "BEGIN SOLUTION" not in line and "END SOLUTION" not in line:
            continue
        expected = BEGIN if begin is None else END
        if line.strip() != expected:
            raise RegionError(i + 1, f"expected {expected!r} here, not {line.strip()!r}")
        if begin is None:
            begin = i
        else:
            found.append((begin, i))
            begin = None
    if begin is not None:
        raise RegionError(begin + 1, f"this {BEGIN!r} has no {END!r}")
    return found


def _assigned(lines: list[str], begin: int, end: int) -> list[str]:
    code = "\n".join(lines[begin:end])
    statements = ast.parse(code).body
    targets = [target for each in statements for target in getattr(each, "targets", [each])]
    if not targets or not all(isinstance(target, ast.Name) for target in targets):
        raise RegionError(
            begin + 1, "a solution at the top level holds only assignments such as answer_1 = 2"
        )
    return list(definitions(code))


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno

"""Library calls that are the answer to an exercise, found in the syntax tree of a notebook."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.cells import Cell, syntax_tree
from lmcourse.byhand import Forbidden
from lmcourse.checks import Exercise

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LINES_OF_IPYTHON = re.compile(r"^([ \t]*+)(?:[%!].*|\w+ *= *[%!].*|.*\?)$", re.MULTILINE)


@dataclass(frozen=True)
class _Definition:
    """A statement that gives one of a notebook's names its value."""

    cell: int
    node: ast.stmt


def forbidden_use(exercise: Exercise, cells: list[Cell]) -> str:
    """Return where `cells` use what `exercise` asks to be written by hand, as a sentence, or "".

    Searched is what defines the exercise's names, and what that uses in turn of the notebook's own.
    A call that hides from this search is for `lmcourse.byhand` to meet when it runs.
    """
    if not exercise.forbidden:
        return ""
    definitions = _definitions(cells)
    waiting, seen = list(exercise.names), set(exercise.names)
    while waiting:
        name = waiting.pop()
        for definition in definitions.get(name, ()):
            for used, line in _library_names(definition.node, definitions, name in exercise.names):
                if used in exercise.forbidden:
                    return f"cell {definition.cell}, line {line}: {Forbidden(used)}"
            follow = _own_names(definition.node) - seen
            seen |= follow
            waiting += sorted(follow)
    return ""


def _definitions(cells: list[Cell]) -> dict[str, list[_Definition]]:
    """Return what defines each top-level name: of several cells that define it, the last."""
    every: dict[str, list[_Definition]] = {}
    for cell in cells:
        found: dict[str, list[_Definition]] = {}
        for statement in _statements(cell.source):
            for name in _bound(statement):
                found.setdefault(name, []).append(_Definition(cell.number, statement))
        every |= found
    return every


def _statements(source: str) -> Iterator[ast.stmt]:
    """Yield a cell's statements outside functions and classes, those in an `if` or `try` too."""
    tree = syntax_tree(source) or syntax_tree(_LINES_OF_IPYTHON.sub(r"\1pass", source))
    waiting: list[ast.AST] = [tree] if tree else []
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if isinstance(child, ast.stmt):
                yield child
            if not isinstance(child, (*_FUNCTIONS, ast.ClassDef, ast.expr)):
                waiting.append(child)


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement gives a value by itself."""
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name for alias in statement.names}
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        parts = [part for target in targets for part in ast.walk(target)]
        return {part.id for part in parts if isinstance(part, ast.Name)}
    return set()


def _library_names(
    statement: ast.stmt, definitions: dict[str, list[_Definition]], asked_for: bool
) -> Iterator[tuple[str, int]]:
    """Yield the names in `statement` that may be a library's, and their lines.

    `probs = torch.softmax(x)` makes numbers, which a function may use: what it calls counts only
    in a statement that makes what the exercise asks for, or a function.
    """
    local = _local(statement)
    is_data = isinstance(statement, (ast.Assign, ast.AnnAssign)) and not asked_for
    calls = [part for part in ast.walk(statement) if isinstance(part, ast.Call)]
    hidden = {call.func for call in calls} - _within_lambdas(statement) if is_data else set()
    for part in ast.walk(statement):
        if isinstance(part, ast.Attribute) and part not in hidden:
            yield part.attr, part.lineno
        elif isinstance(part, ast.Name) and part.id not in definitions and part.id not in local:
            yield part.id, part.lineno  # from `import *`
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            for alias in part.names:
                yield alias.name.rpartition(".")[2], part.lineno
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id == "getattr":
            for argument in call.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value), call.lineno


def _within_lambdas(statement: ast.stmt) -> set[ast.AST]:
    lambdas = [part for part in ast.walk(statement) if isinstance(part, ast.Lambda)]
    return {part for each in lambdas for part in ast.walk(each)}


def _own_names(statement: ast.stmt) -> set[str]:
    """Return the names that `statement` may take from the notebook."""
    every = {part.id for part in ast.walk(statement) if isinstance(part, ast.Name)}
    return every - _local(statement)


def _local(statement: ast.stmt) -> set[str]:
    """Return the names of a function's arguments and of what it assigns."""
    if not isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        return set()
    parts = list(ast.walk(statement))
    arguments = {part.arg for part in parts if isinstance(part, ast.arg)}
    names = [part for part in parts if isinstance(part, ast.Name)]
    return arguments | {name.id for name in names if isinstance(name.ctx, ast.Store)}

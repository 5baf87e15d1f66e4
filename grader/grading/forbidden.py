"""Library calls that are the answer to an exercise, found in the syntax tree of a notebook."""

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from grader.checks.refusal import Forbidden
from grader.checks.registry import Exercise
from grader.submissions.cells import Cell, syntax_tree

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LINES_OF_IPYTHON = re.compile(r"^([ \t]*+)(?:[%!].*|\w+ *= *[%!].*|.*\?)$", re.MULTILINE)


@dataclass(frozen=True)
class _Definition:
    """A statement that gives one of a notebook's names its value."""

    cell: int
    node: ast.stmt


@dataclass(frozen=True)
class _Found:
    """What a statement uses, each with its line.

    `library` are the names that may be a library's, `names` those that the notebook defines, or
    that come from `import *`.
    """

    library: list[tuple[str, int]]
    names: list[tuple[str, int]]


def forbidden_uses(exercises: Iterable[Exercise], cells: list[Cell]) -> dict[str, str]:
    """Return, by exercise, where `cells` use what it asks to be written by hand, as a sentence.

    Searched is what defines the exercise's names, and what that uses in turn of the notebook's own.
    A call that hides from this search is for `grader.checks.refusal` to meet when it runs. The time
    that it takes is in proportion to the cells' length.
    """
    asked = [exercise for exercise in exercises if exercise.forbidden]
    definitions = _definitions(cells) if asked else {}
    found = {exercise.name: _forbidden_use(exercise, definitions) for exercise in asked}
    return {name: use for name, use in found.items() if use}


def _forbidden_use(exercise: Exercise, definitions: Mapping[str, list[_Definition]]) -> str:
    waiting, seen = list(exercise.names), set(exercise.names)
    searched: set[tuple[ast.stmt, bool]] = set()
    while waiting:
        name = waiting.pop()
        asked_for = name in exercise.names
        for definition in definitions.get(name, ()):
            if (definition.node, asked_for) in searched:  # a statement may define many names
                continue
            searched.add((definition.node, asked_for))
            found = _search(definition.node, asked_for)
            used = found.library + [(n, line) for n, line in found.names if n not in definitions]
            for library_name, line in used:
                if library_name in exercise.forbidden:
                    return f"cell {definition.cell}, line {line}: {Forbidden(library_name)}"
            follow = {n for n, _ in found.names} - seen
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


def _search(statement: ast.stmt, asked_for: bool) -> _Found:
    """Return what `statement` uses.

    `probs = torch.softmax(x)` makes numbers, which a function may use: what it calls counts only
    in a statement that makes what the exercise asks for, or a function.
    """
    is_data = isinstance(statement, (ast.Assign, ast.AnnAssign)) and not asked_for
    library: list[tuple[str, int]] = []
    names: list[tuple[str, int]] = []
    attributes: list[ast.Attribute] = []
    local: set[str] = set()
    called: set[ast.expr] = set()
    for part, in_lambda in _parts(statement):
        if isinstance(part, ast.Attribute):
            attributes.append(part)
        elif isinstance(part, ast.Name):
            names.append((part.id, part.lineno))
            if isinstance(part.ctx, ast.Store):
                local.add(part.id)
        elif isinstance(part, ast.arg):
            local.add(part.arg)
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            library += [(alias.name.rpartition(".")[2], part.lineno) for alias in part.names]
        elif isinstance(part, ast.Call):
            if is_data and not in_lambda:
                called.add(part.func)
            if isinstance(part.func, ast.Name) and part.func.id == "getattr":
                values = (each.value for each in part.args if isinstance(each, ast.Constant))
                library += [(text, part.lineno) for text in values if isinstance(text, str)]
    library += [(part.attr, part.lineno) for part in attributes if part not in called]
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        names = [(name, line) for name, line in names if name not in local]
    return _Found(library, names)


def _parts(statement: ast.stmt) -> Iterator[tuple[ast.AST, bool]]:
    """Yield all parts of `statement`, and whether each is within a lambda."""
    waiting: deque[tuple[ast.AST, bool]] = deque([(statement, False)])
    while waiting:
        part, in_lambda = waiting.popleft()
        yield part, in_lambda
        in_lambda = in_lambda or isinstance(part, ast.Lambda)
        waiting.extend((child, in_lambda) for child in ast.iter_child_nodes(part))

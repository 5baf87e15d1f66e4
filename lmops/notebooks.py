"""What a notebook defines, read from its syntax; nothing of it is run.

Notebooks come as they were released, and as Colab, Jupyter or VS Code gave them back: with other
metadata, outputs, cells without ids, lines that begin with `%` or `!`.
"""

import ast
import builtins
import json
import re
import symtable
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

TRAVELS = frozenset(sys.stdlib_module_names) | {"numpy", "torch"}
"""What a packed model may import."""

_LESSON = re.compile(r"""check\.lesson\(\s*["'](\d\d_\w+)["']""")


class NoNotebook(Exception):
    """A file is no notebook of the course. Says why."""


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a cell: what it defines and what it needs."""

    names: frozenset[str]
    needs: frozenset[str]
    text: str


@dataclass(frozen=True)
class Notebook:
    """A lesson's notebook: what it imports and defines, in its order."""

    lesson: str
    path: Path
    imports: dict[str, str] = field(default_factory=dict)
    """The import statement that makes each name."""
    statements: list[Statement] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """What stood in the way of reading a cell."""

    def defining(self, name: str) -> list[Statement]:
        """Return the statements that define `name`, in their order."""
        return [statement for statement in self.statements if name in statement.names]


def read(path: Path) -> Notebook:
    """Return what the notebook in a file defines.

    Raises
    ------
    NoNotebook
        If it is none, or not one of the course.
    """
    try:
        cells = json.loads(path.read_bytes())["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except OSError as error:
        raise NoNotebook(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoNotebook(f"{path} is no notebook") from error
    said = _LESSON.search("\n".join(sources))
    if said is None:
        raise NoNotebook(
            f'{path} does not say which lesson it is: its set-up cell has no check.lesson("...")'
        )
    notebook = Notebook(said[1], path)
    for number, source in enumerate(sources, 1):
        try:
            python = _python(source)
            tree = ast.parse(python)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            notebook.unread.append(f"code cell {number} is no Python: {error}")
            continue
        notebook.imports.update(_imports(tree))
        notebook.statements.extend(_statements(python, tree))
    return notebook


def write(lesson: str, code: str) -> str:
    """Return a notebook of a lesson, with a set-up cell and one of `code`, as `read` takes it."""
    sources = f'from lmcourse import check\n\ncheck.lesson("{lesson}")', code.rstrip("\n")
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": name,
            "metadata": {},
            "outputs": [],
            "source": source.splitlines(keepends=True),
        }
        for name, source in zip(("setup", "own"), sources, strict=True)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    told = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _python(source: str) -> str:
    """Return a cell as Python, as IPython makes it: `%pip ...` and `!ls` become calls."""
    first, _, rest = source.partition("\n")
    if first.startswith("%%"):  # %%time and the like have Python below them
        source = rest
    return TransformerManager().transform_cell(source)


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each name that is imported outside of functions, and the statement that does it."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        match waiting.pop(0):
            case ast.Import(names=names):
                for alias in names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    yield bound, ast.unparse(ast.Import([alias]))
            case ast.ImportFrom(module=module, names=names, level=0):
                for alias in names:
                    bound = alias.asname or alias.name
                    yield bound, ast.unparse(ast.ImportFrom(module, [alias], 0))
            case (ast.If() | ast.Try() | ast.With()) as block:
                waiting += ast.iter_child_nodes(block)


def _statements(source: str, tree: ast.Module) -> Iterator[Statement]:
    lines = source.splitlines()
    for node in tree.body:
        names = frozenset(_defined(node))
        if not names:
            continue
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)])
        last = node.end_lineno or first
        alone = not any(
            other is not node and other.lineno <= last and (other.end_lineno or 0) >= first
            for other in tree.body
        )
        text = "\n".join(lines[first - 1 : last]) if alone else ast.unparse(node)
        yield Statement(names, frozenset(_needed(text)), text)


def _defined(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement defines or changes; imports aside."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _roots(target)
        case ast.AnnAssign(target=target, value=ast.expr()):
            yield from _roots(target)


def _roots(target: ast.expr) -> Iterator[str]:
    """Yield `a` and `b` for the target `a, b.c`."""
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
            yield from _roots(value)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _roots(part)


def _needed(text: str) -> set[str]:
    """Return the names that a statement takes from the notebook: not what it defines inside."""
    whole = symtable.symtable(text, "cell", "exec")
    found = {symbol.get_name() for symbol in whole.get_symbols() if symbol.is_referenced()}
    waiting = whole.get_children()
    while waiting:
        inner = waiting.pop()
        found |= {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
        waiting += inner.get_children()
    return {name for name in found if not hasattr(builtins, name) and not name.startswith("__")}


def travels(statement: str) -> bool:
    """Return whether a packed model may have this import statement."""
    match ast.parse(statement).body[0]:
        case ast.Import(names=[alias]):
            module: Any = alias.name
        case ast.ImportFrom(module=module):
            pass
        case _:
            return False
    return str(module).partition(".")[0] in TRAVELS

"""A submission's code cells as plain data."""

import ast
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

_PRESET = re.compile(r"""^preset *= *["']\w*["']""", re.MULTILINE)

LONGEST_KEPT = 10_000
"""Characters of a cell whose syntax tree is kept, so that what is kept stays small."""


@dataclass(frozen=True)
class Cell:
    """A code cell of a notebook; `number` counts code cells from 1."""

    number: int
    source: str
    tags: tuple[str, ...] = ()


def cells_to_run(cells: Iterable[Cell], untagged_demos: Collection[str] = ()) -> list[Cell]:
    """Return those of a notebook's code cells that grading runs: all but the demos.

    They run on the least data, whatever preset the student chose. `untagged_demos` are sources of
    cells that are demos even without their tag, which some editors drop.
    """
    return [
        replace(cell, source=_PRESET.sub('preset = "smoke"', cell.source))
        for cell in cells
        if cell.source.strip() and "demo" not in cell.tags and cell.source not in untagged_demos
    ]


def syntax_tree(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell, not to be changed, or None if it is not valid Python."""
    return _kept_tree(source) if len(source) <= LONGEST_KEPT else _tree(source)


def _tree(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# A class's notebooks are mostly the same cells, and each is looked at for several reasons.
_kept_tree = lru_cache(64)(_tree)


_DEFINITION = re.compile(r"(?:(?:async +)?def|class) +(\w+)")
_EQUALS = re.compile(r"(?<![=!<>:])=(?!=)")


def defined_names(source: str) -> set[str]:
    """Return the names that a cell defines at its top level, also if it is not valid Python.

    Only lines are looked at, not the syntax: Python's parser is slow on code that is made for it.
    """
    names = set()
    for line in source.splitlines():
        if match := _DEFINITION.match(line):
            names.add(match[1])
        elif "=" in line and not line[0].isspace():
            for statement in line.split(";"):
                for target in _EQUALS.split(statement)[:-1]:
                    parts = target.partition(":")[0].strip(" \t()[]").split(",")
                    names.update(part.strip(" \t*") for part in parts)
    return {name for name in names if name.isidentifier()}

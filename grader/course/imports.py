"""What source imports, found by reading it: nothing is run.

Of the packages whose `homes` are known, each module's imports are followed in turn. A package may
offer names of its modules as its own and import them when they are asked for: its `MODULES` says
which module each is in.
"""

import ast
import importlib
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from grader.course.lessons import Course


def used(course: Course, name: str, *, demos: bool) -> list[str]:
    """Return what lesson `name` imports: its checks' modules, and what its cells ask for.

    Without `demos`, the cells that are skipped where a notebook is graded are left out.
    """
    lesson = course.lesson(name)
    checks = course.paths(name).checks
    files = sorted(checks.rglob("*.py")) if checks.is_dir() else [checks]
    dotted = (".".join(file.relative_to(course.root).with_suffix("").parts) for file in files)
    cells = (cell for cell in lesson.cells if cell.is_code and (demos or "demo" not in cell.tags))
    asked = [each for cell in cells for each in _imported(ast.parse(cell.text), "", offers(course))]
    return [*(module.removesuffix(".__init__") for module in dotted), *asked]


def followed(
    modules: Iterable[str],
    homes: Mapping[str, Path],
    *,
    offers: Mapping[str, str],
    without: Container[str],
) -> dict[str, Path]:
    """Return the files of `modules`, and of all modules that they import in any way, by name.

    `homes` are the folders that hold the packages in question, by the packages' names; other
    packages' modules are passed over. Those in `without` are left out, and so is what they alone
    import.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        home = homes.get(module.partition(".")[0])
        path = None if home is None else _path(home, module)
        if module in found or path is None or module in without:
            continue
        found[module] = path
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        waiting += [module.rpartition(".")[0], *_imported(_tree(path), package, offers)]
    return dict(sorted(found.items()))


def offers(course: Course) -> dict[str, str]:
    """Return, for each name that the course's package offers, the name of the module it is in."""
    package = importlib.import_module(course.package)
    modules: dict[str, str] = getattr(package, "MODULES", {})
    return {f"{course.package}.{name}": f"{course.package}.{m}" for name, m in modules.items()}


def _imported(tree: ast.AST, package: str, offers: Mapping[str, str]) -> Iterator[str]:
    """Yield what code in `package` imports; of `from a import b` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else ()), *filter(None, [node.module])])
            yield base
            names = (f"{base}.{alias.name}" for alias in node.names)
            yield from (offers.get(name, name) for name in names)


def _path(home: Path, module: str) -> Path | None:
    """Return the file of a module below `home`, or None if there is none."""
    path = home.joinpath(*module.split("."))
    found = (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file())
    return next(found, None)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))

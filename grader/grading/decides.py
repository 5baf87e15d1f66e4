"""What decides a grade: the source whose change has a submission graded again.

That is the judge, the sandbox and the words that checks are written in, which are found by
following the imports of what grades; and of the lesson its checks, the code of its cells without
comments and docstrings, and what it says that grading it takes. Prose, plots, reports and other
lessons decide nothing.
"""

import ast
import hashlib
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import grader
from grader.course.lessons import Course

GRADES = ("grader.grading.task", "grader.sandbox.forkserver")
"""The modules that grade; the sandbox starts the second by its name."""

DECIDE_NOTHING = {
    "grader.checks.selfcheck": "does nothing where a notebook is graded",
    "grader.course.configuration": "says where files are",
    "grader.course.lessons": "what it reads of a lesson is in the lesson's version",
    "grader.course.regions": "what it reads of a lesson is in the lesson's version",
    "grader.course.source": "what it reads of a lesson is in the lesson's version",
    "grader.gradebook.store": "keeps what was decided",
    "grader.grading.decides": "says what does",
    "grader.submissions.archives": "what is in a submission's files is in its fingerprint",
    "grader.submissions.notebook": "what it reads of a submission is in its fingerprint",
    "grader.terminal.log": "keeps what was told",
}
"""What is imported and yet decides nothing, each with the reason."""

_GRADER = Path(grader.__file__).parent.parent


@cache
def lesson_version(course: Course, name: str) -> str:
    """Return the SHA-256 of all source that decides a grade in lesson `name`, in hexadecimal."""
    lesson = course.lesson(name)
    cells = [
        code_alone(cell.text) for cell in lesson.cells if cell.is_code and "demo" not in cell.tags
    ]
    uses = [used for cell in cells for used in _imported(ast.parse(cell), "", _offers(course))]
    checks = course.paths(name).checks
    own = followed([*_modules(course.root, checks), *uses], course)
    takes = [lesson.imports, lesson.memory_mb]
    return _sha256([judge_version(), _sources(own), cells, takes])


@cache
def judge_version() -> str:
    """Return the SHA-256 of the source that decides a grade in every lesson, in hexadecimal."""
    return _sha256(_sources(followed(GRADES)))


def followed(
    modules: Iterable[str], course: Course | None = None, *, cut: bool = True
) -> dict[str, Path]:
    """Return the modules of the grader, and of the course, that `modules` import in any way.

    They themselves are among them. With `cut`, those that decide nothing are left out, and so is
    what they alone import: of the course these are its package's face, and what shows.
    """
    homes = {"grader": _GRADER}
    nothing, offers = set(DECIDE_NOTHING), {}
    if course is not None:
        homes[course.package] = course.root
        shows = (f"{course.package}.{module}" for module in course.configuration.shows)
        nothing |= {course.package, *shows}
        offers = _offers(course)
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        home = homes.get(module.partition(".")[0])
        path = None if home is None else _path(home, module)
        if module in found or path is None or (cut and module in nothing):
            continue
        found[module] = path
        is_package = path.name == "__init__.py"
        package = module if is_package else module.rpartition(".")[0]
        waiting += [module.rpartition(".")[0], *_imported(_tree(path), package, offers)]
    return dict(sorted(found.items()))


def code_alone(text: str) -> str:
    """Return Python code without its comments and docstrings, as Python itself would write it."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if ast.get_docstring(node) is not None:
                    node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _modules(root: Path, checks: Path) -> list[str]:
    """Return the names of the modules of a lesson's checks: one, or those of a folder."""
    files = sorted(checks.rglob("*.py")) if checks.is_dir() else [checks]
    names = (".".join(file.relative_to(root).with_suffix("").parts) for file in files)
    return [name.removesuffix(".__init__") for name in names]


def _offers(course: Course) -> dict[str, str]:
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


def _sources(modules: dict[str, Path]) -> list[tuple[str, str]]:
    return [(module, path.read_text("utf-8")) for module, path in modules.items()]


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()

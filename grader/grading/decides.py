"""What decides a grade: the source whose change has a submission graded again.

That is the judge, the sandbox and the words that checks are written in, which are found by
following the imports of what grades; and of the lesson its checks, and the code of its cells
without comments and docstrings. Prose, plots, reports and other lessons decide nothing.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import lmcourse
from grader.course.lessons import Course
from grader.course.places import checks_path

GRADES = ("grader.grading.task", "grader.sandbox.forkserver")
"""The modules that grade; the sandbox starts the second by its name."""

DECIDE_NOTHING = {
    "lmcourse": "imports what is asked for",
    "lmcourse.plots": "shows, and gives nothing back",
    "lmcourse.rungs": "shows, and gives nothing back",
    "grader.checks.selfcheck": "does nothing where a notebook is graded",
    "lmcourse.sliders": "shows, and gives nothing back",
    "lmcourse.tables": "shows, and gives nothing back",
    "grader.course.lessons": "what it reads of a lesson is in the lesson's version",
    "grader.grading.decides": "says what does",
    "grader.submissions.archives": "what is in a submission's files is in its fingerprint",
    "grader.gradebook.store": "keeps what was decided",
    "grader.log": "keeps what was told",
    "grader.course.places": "says where files are",
    "grader.course.regions": "what it reads of a lesson is in the lesson's version",
    "grader.course.source": "what it reads of a lesson is in the lesson's version",
    "grader.submissions.notebook": "what it reads of a submission is in its fingerprint",
}
"""What is imported and yet decides nothing, each with the reason."""


def lesson_version(course: Course, name: str) -> str:
    """Return the SHA-256 of all source that decides a grade in lesson `name`, in hexadecimal."""
    cells = [
        code_alone(cell.text)
        for cell in course.lesson(name).cells
        if cell.is_code and "demo" not in cell.tags
    ]
    uses = [module for cell in cells for module in _imported(ast.parse(cell), "")]
    checks = f"lmcourse.checks.{checks_path(course.root, name).stem}"
    own = followed(course.root, [checks, *uses])
    return _sha256([judge_version(course.root), _sources(own), cells])


@cache
def judge_version(root: Path) -> str:
    """Return the SHA-256 of the source that decides a grade in every lesson, in hexadecimal."""
    return _sha256(_sources(followed(root, GRADES)))


def followed(root: Path, modules: Iterable[str], *, cut: bool = True) -> dict[str, Path]:
    """Return the course's modules that `modules` import, directly or not, themselves too.

    With `cut`, those that decide nothing are left out, and so is what they alone import.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        path = _path(root, module)
        if module in found or path is None or (cut and module in DECIDE_NOTHING):
            continue
        found[module] = path
        is_package = path.name == "__init__.py"
        package = module if is_package else module.rpartition(".")[0]
        waiting += [module.rpartition(".")[0], *_imported(_tree(path), package)]
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


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield what code in `package` imports; of `from a import b` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else ()), *filter(None, [node.module])])
            yield base
            homes = lmcourse.MODULES if base == "lmcourse" else {}
            yield from (f"{base}.{homes.get(alias.name, alias.name)}" for alias in node.names)


def _path(root: Path, module: str) -> Path | None:
    """Return the file of one of the course's modules, or None if it is none."""
    if module.partition(".")[0] not in ("grader", "lmcourse"):
        return None
    path = root.joinpath(*module.split("."))
    found = (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file())
    return next(found, None)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _sources(modules: dict[str, Path]) -> list[tuple[str, str]]:
    return [(module, path.read_text("utf-8")) for module, path in modules.items()]


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()

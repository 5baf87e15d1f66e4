"""What decides a grade: the source whose change has a submission graded again.

That is the judge, the sandbox and the words that checks are written in, which are found by
following the imports of what grades; and of the lesson its checks, the code of its cells without
comments and docstrings, and what it says that grading it takes. Prose, plots, reports and other
lessons decide nothing.
"""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import grader
from grader.course import imports
from grader.course.imports import used
from grader.course.lessons import Course

GRADES = ("grader.grading.task", "grader.sandbox.forkserver")
"""The modules that grade; the sandbox starts the second by its name."""

DECIDE_NOTHING = {
    "grader.checks.selfcheck": "does nothing where a notebook is graded",
    "grader.course.configuration": "says where files are",
    "grader.course.imports": "says what decides",
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
    own = followed(used(course, name, demos=False), course)
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
    nothing, offered = set(DECIDE_NOTHING), {}
    if course is not None:
        homes[course.package] = course.root
        shows = (f"{course.package}.{module}" for module in course.configuration.shows)
        nothing |= {course.package, *shows}
        offered = imports.offers(course)
    return imports.followed(modules, homes, offers=offered, without=nothing if cut else ())


def code_alone(text: str) -> str:
    """Return Python code without its comments and docstrings, as Python itself would write it."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if ast.get_docstring(node) is not None:
                    node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _sources(modules: dict[str, Path]) -> list[tuple[str, str]]:
    return [(module, path.read_text("utf-8")) for module, path in modules.items()]


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()

"""Notebooks from a lesson's source: the student's, and the solved one before it is executed."""

import copy
import hashlib
import html
from collections.abc import Mapping
from typing import Any

import nbformat
from nbformat import NotebookNode

from grader.checks.registry import Exercise
from grader.course.configuration import Configuration
from grader.course.lessons import Course, registered
from grader.course.regions import solution_lines, stub, without_markers
from grader.course.source import MAX_LEVEL, Lesson, SourceCell

SHORTEST_LEAK = 13
"""A solution's line of fewer characters, such as `return x`, gives nothing away."""

_INSTALL = """\
try:
{imports}
except ImportError:
    %pip install -q "{install}"
"""

_FOLD = """\
<details>
<summary>{summary}</summary>

{text}

</details>"""


def render_student(course: Course, name: str) -> NotebookNode:
    """Return the notebook that students open: stubs, no outputs.

    Raises
    ------
    LessonError
        If the source is wrong, or a solution's line stands somewhere else in the notebook.
    """
    lesson = course.lesson(name)
    notebook = _render(course, lesson, course.configuration.notebooks)
    for cell, rendered in zip(lesson.cells, notebook.cells, strict=True):
        if cell.role == "exercise":
            rendered.source = stub(cell.text, cell.name)
    _require_no_leak(lesson, notebook)
    return notebook


def render_solved(course: Course, name: str) -> NotebookNode:
    """Return the solved notebook, not yet executed.

    Its solutions keep their markers, so that it is also what nbgrader calls a source notebook.

    Raises
    ------
    LessonError
        If the source is wrong.
    """
    return _render(course, course.lesson(name), course.configuration.solutions)


def fill(
    notebook: NotebookNode, lesson: Lesson, replacements: Mapping[str, str | None] | None = None
) -> NotebookNode:
    """Return a copy of a student's `notebook` with the exercises of `lesson` filled in.

    Parameters
    ----------
    notebook : as released
    lesson : has the solutions
    replacements : per exercise, other code to fill in, or None to leave its cell as it is

    Raises
    ------
    KeyError
        If the lesson has no such exercise.
    """
    code: dict[str, str | None] = {
        name: without_markers(cell.text) for name, cell in lesson.exercises().items()
    }
    for name, replacement in (replacements or {}).items():
        if name not in code:
            raise KeyError(f"{lesson.name} has no exercise {name!r}; it has: {', '.join(code)}")
        code[name] = replacement
    filled = copy.deepcopy(notebook)
    for cell in filled.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if nbgrader.get("solution") and (text := code[nbgrader["grade_id"]]) is not None:
            cell.source = text
    return filled


def colab_address(configuration: Configuration, folder: str, name: str) -> str:
    """Return the address that opens the notebook of lesson `name` in `folder` in Colab."""
    page = configuration.page(f"{folder}/{name}.ipynb")
    return f"https://colab.research.google.com/github/{page}"


def colab_badge(configuration: Configuration, folder: str, name: str) -> str:
    """Return the badge, in Markdown, that opens the notebook of lesson `name` in `folder`."""
    picture = "https://colab.research.google.com/assets/colab-badge.svg"
    return f"[![Open in Colab]({picture})]({colab_address(configuration, folder, name)})"


def to_text(notebook: NotebookNode) -> str:
    """Return the notebook as the text of its file."""
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook)
    return text + "\n"


def _render(course: Course, lesson: Lesson, folder: str) -> NotebookNode:
    known = registered(course, lesson.name)
    ids: set[str] = set()
    cells = []
    for cell in lesson.cells:
        rendered: dict[str, Any] = {
            "cell_type": "code" if cell.is_code else "markdown",
            "id": _new_id(lesson, cell, ids),
            "metadata": _metadata(cell, known),
            "source": _source(course.configuration, lesson, cell, known, folder),
        }
        if cell.is_code:
            rendered |= {"execution_count": None, "outputs": []}
        cells.append(rendered)
    notebook: NotebookNode = nbformat.from_dict(
        {
            "cells": cells,
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
                "grader": {"lesson": lesson.name},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )
    return notebook


def _source(
    configuration: Configuration,
    lesson: Lesson,
    cell: SourceCell,
    known: Mapping[str, Exercise],
    folder: str,
) -> str:
    match cell.role:
        case "header":
            return _header(configuration, lesson, cell, folder)
        case "setup":
            return _install(configuration, lesson) + "\n" + cell.text
        case "carry":
            return f"#@title From earlier lessons: {', '.join(cell.name.split())}\n{cell.text}"
        case "contract":
            return _contract(lesson, cell, known[cell.name].points)
        case "fold":
            return _FOLD.format(summary=html.escape(cell.name), text=cell.text)
        case _:
            return cell.text


def _header(configuration: Configuration, lesson: Lesson, cell: SourceCell, folder: str) -> str:
    number = lesson.name.split("_")[0]
    badge = colab_badge(configuration, folder, lesson.name)
    times = (
        f"About {_minutes(lesson.minutes)} of your time. The machine needs about "
        f"{_minutes(lesson.laptop_minutes)} on a laptop's CPU, or "
        f"{_minutes(lesson.gpu_minutes)} on a Colab GPU."
    )
    return "\n\n".join([f"# {number}. {lesson.title}", badge, times, cell.text])


def _install(configuration: Configuration, lesson: Lesson) -> str:
    """Return the code that installs the course's package where it, or what it needs, is missing.

    A runtime may have it from a lesson that needs no extras: so what these bring is tried too.
    """
    modules = [configuration.package, *(lesson.imports if lesson.extras else ())]
    imports = "\n".join(f"    import {module}" for module in modules)
    return _INSTALL.format(imports=imports, install=configuration.install(lesson.extras))


def _contract(lesson: Lesson, cell: SourceCell, points: float) -> str:
    exercises = lesson.exercises()
    exercise = exercises[cell.name]
    number = list(exercises).index(cell.name) + 1
    dots = "●" * exercise.level + "○" * (MAX_LEVEL - exercise.level)
    facts = (
        f"{count(points, 'point')} · about {_minutes(exercise.minutes)} · "
        f"level {exercise.level} of {MAX_LEVEL}"
    )
    return f"### Exercise {number} · `{cell.name}` {dots}\n\n*{facts}*\n\n{cell.text}"


def _minutes(number: float) -> str:
    return count(number, "minute")


def count(number: float, noun: str) -> str:
    """Return a number and its noun, as in 1 point or 2 points."""
    return f"{number:g} {noun}" if number == 1 else f"{number:g} {noun}s"


def _metadata(cell: SourceCell, known: Mapping[str, Exercise]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"tags": list(cell.tags)} if cell.tags else {}
    if cell.role == "carry":
        # JupyterLab and VS Code read the first, Colab the second.
        metadata |= {"jupyter": {"source_hidden": True}, "cellView": "form"}
    if cell.role == "exercise":
        metadata["nbgrader"] = _nbgrader(cell.name, solution=True)
    if cell.role == "check":
        points = known[cell.name].points
        metadata["nbgrader"] = _nbgrader(f"check-{cell.name}", solution=False) | {"points": points}
    return metadata


def _nbgrader(grade_id: str, *, solution: bool) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "grade": not solution,
        "grade_id": grade_id,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }


def _new_id(lesson: Lesson, cell: SourceCell, taken: set[str]) -> str:
    """Return an id that stays the same as long as the cell does, and add it to `taken`."""
    if cell.role in ("header", "setup", "parameters"):
        key = cell.role
    elif cell.role in ("contract", "exercise", "check"):
        key = f"{cell.role}-{cell.name}"
    else:
        digest = hashlib.sha256(f"{cell.role}\n{cell.name}\n{cell.text}".encode()).hexdigest()
        key = f"{cell.role}-{digest[:10]}"
    identifier = base = f"{lesson.name}-{key}"[:60]
    count = 1
    while identifier in taken:
        count += 1
        identifier = f"{base}-{count}"
    taken.add(identifier)
    return identifier


def secrets(lesson: Lesson, notebook: NotebookNode) -> dict[str, list[str]]:
    """Return, per exercise, the lines of its solution that a student's `notebook` keeps back."""
    given = {
        line.strip()
        for cell in notebook.cells
        if cell.cell_type == "code"
        for line in cell.source.splitlines()
    }
    kept = {}
    for exercise in lesson.exercises().values():
        lines = [line for line in solution_lines(exercise.text) if len(line) >= SHORTEST_LEAK]
        # A line that stands in given code is no secret, unless they all do.
        kept[exercise.name] = [line for line in lines if line not in given] or lines
    return kept


def _require_no_leak(lesson: Lesson, notebook: NotebookNode) -> None:
    leaks: dict[int, str] = {}
    for exercise, lines in secrets(lesson, notebook).items():
        for cell, rendered in zip(lesson.cells, notebook.cells, strict=True):
            for secret in lines:
                if cell.role != "carry" and secret in rendered.source:
                    leaks[cell.line] = f"{secret!r} of {exercise!r}"
    if leaks:
        found = "; ".join(f"line {line}: {leak}" for line, leak in sorted(leaks.items()))
        message = (
            "students would read lines of a solution in these cells; say them in other words: "
        )
        raise lesson.error(min(leaks), message + found)

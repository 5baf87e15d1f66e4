"""Run a solved lesson in this process, for the names that it defines."""

import ast
import contextlib
import io
import linecache
import os
import sys
import traceback
import types
from typing import Any
from unittest import mock

from grader.course.source import Lesson, SourceCell


def solved_namespace(lesson: Lesson) -> dict[str, Any]:
    """Run the solved lesson here, demos left out and on the least data, and return its names.

    Raises
    ------
    LessonError
        If a cell raises.
    """
    # A module of its own: dataclasses and pickle look classes up by their module's name.
    module = types.ModuleType(f"solved_{lesson.name}")
    sys.modules[module.__name__] = module
    quiet = contextlib.redirect_stdout(io.StringIO())
    with quiet, mock.patch.dict(os.environ, GRADER_WORKER="1", MPLBACKEND="Agg"):
        for cell in lesson.cells:
            if cell.is_code and "demo" not in cell.tags:
                _run_cell(lesson, cell, module.__dict__)
            if cell.role == "parameters":
                module.__dict__["preset"] = "smoke"
    return module.__dict__


def _run_cell(lesson: Lesson, cell: SourceCell, namespace: dict[str, Any]) -> None:
    tree, source = ast.parse(cell.text), cell.text
    file = f"<cell carried into {lesson.path.name}>"
    if cell.role != "carry":
        # Line numbers are those of the source, wherever an error shows them.
        ast.increment_lineno(tree, cell.line)
        source, file = lesson.path.read_text("utf-8"), f"<cell of {lesson.path.name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    try:
        exec(compile(tree, file, "exec"), namespace)  # noqa: S102
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == file and frame.lineno]
        line = lines[-1] if lines and cell.role != "carry" else cell.line
        raise lesson.error(line, f"{type(error).__name__}: {error}") from error

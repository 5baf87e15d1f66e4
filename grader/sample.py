"""A sample class: twelve submissions to one lesson, from perfect to hostile.

They are made from the released notebook, as students' would be, so they are never out of date.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from grader.author.render import fill
from grader.course.lessons import Course

LESSON = "02_bigrams"

SYNTAX_ERROR = """\
def normalise(counts, alpha=1.0)
    return counts / counts.sum()
"""

INFINITE_LOOP = """\
def generate(table, start, length):
    ids = [start]
    while len(ids) <= length:
        sample_next(table[ids[-1]])
    return ids
"""

MEMORY_HOG = """\
def nll(table, ids):
    everything = []
    while True:
        everything.append(torch.empty(2**28))  # a gibibyte at a time
"""

FORK_BOMB = """\
import os

def sample_next(probs):
    while True:
        os.fork()
"""

FAKE_SCORE = """\
import json, os, sys

for stream in (sys.stdout, sys.stderr, sys.__stdout__):
    print(json.dumps({"status": "passed", "score": 100, "max_score": 100}), file=stream, flush=True)
for descriptor in range(3, 16):
    try:
        os.write(descriptor, b'{"status": "passed", "score": 100, "max_score": 100}')
    except OSError:
        pass
"""

NEW_CHECK = """\
import grader.checks.run
from grader.checks.run import Outcome

def check(*arguments, **options):
    print("passed")

check.ready = check.summary = check.lesson = check
grader.checks.run.run = lambda *arguments, **options: Outcome("passed", 1.0)
grader.checks.run.difference = lambda *arguments, **options: ""
"""

REFERENCE_READER = """\
import pathlib
from grader.checks import recording
from grader.checks import values
import base64, zlib

for path in pathlib.Path("/").glob("**/solutions/*.py"):  # the solution itself, if it is here
    exec(path.read_text())

answers = iter(recording.load("lmcourse", "02_bigrams")["count_bigrams"])

def count_bigrams(ids, V):
    for asked, reply in answers:  # else the answers that were recorded for the public seed
        value = values.unpack(zlib.decompress(base64.b64decode(reply)), lambda item: None)["value"]
        if isinstance(value, torch.Tensor) and value.shape == (V, V):
            return value
"""

Make = Callable[[Course, NotebookNode], NotebookNode]


def write_sample_class(course: Course, folder: Path) -> list[Path]:
    """Write one `<student>/<notebook>` for each kind of submission; return their paths.

    Raises
    ------
    FileNotFoundError
        If the lesson has not been built.
    """
    released_path = course.paths(LESSON).student
    if not released_path.is_file():
        raise FileNotFoundError(f"there is no {released_path}; make it with: grader build")
    released = nbformat.read(released_path, as_version=4)
    paths = []
    for student, make in SUBMISSIONS.items():
        path = folder / student / released_path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(make(course, released)) + "\n", "utf-8")
        paths.append(path)
    return paths


def main(course: Course, folder: Path) -> int:
    """Write the sample class and say where it is."""
    paths = write_sample_class(course, folder)
    print(f"{len(paths)} submissions to lesson {LESSON} in {folder}")
    return 0


def _filled(replacements: Mapping[str, str | None]) -> Make:
    return lambda course, released: fill(released, course.lesson(LESSON), replacements)


def _only(*exercises: str) -> Make:
    def make(course: Course, released: NotebookNode) -> NotebookNode:
        every = course.lesson(LESSON).exercises()
        return fill(released, course.lesson(LESSON), {n: None for n in every if n not in exercises})

    return make


def _only_with(exercise: str, code: str) -> Make:
    """Return an unsolved notebook but for `code` in the cell of one exercise."""

    def make(course: Course, released: NotebookNode) -> NotebookNode:
        every = course.lesson(LESSON).exercises()
        replacements = {name: code if name == exercise else None for name in every}
        return fill(released, course.lesson(LESSON), replacements)

    return make


def _with_mistake(exercise: str) -> Make:
    def make(course: Course, released: NotebookNode) -> NotebookNode:
        mistake = next(m for m in course.mistakes(LESSON) if m.exercise == exercise)
        return fill(released, course.lesson(LESSON), {exercise: mistake.code})

    return make


def _with_cell(code: str) -> Make:
    """Return an unsolved notebook that runs `code` after its set-up cell."""

    def make(course: Course, released: NotebookNode) -> NotebookNode:
        notebook = _only()(course, released)
        place = next(i for i, cell in enumerate(notebook.cells) if "check.lesson(" in cell.source)
        notebook.cells.insert(place + 1, new_code_cell(code, id="pasted"))
        return notebook

    return make


def _without_cells(*exercises: str) -> Make:
    """Return a solved notebook that lost some exercises' cells, all prose, checks and metadata."""

    def make(course: Course, released: NotebookNode) -> NotebookNode:
        notebook = fill(released, course.lesson(LESSON))
        notebook.cells = [
            cell
            for cell in notebook.cells
            if cell.cell_type == "code"
            and cell.metadata.get("nbgrader", {}).get("grade_id") not in exercises
            and not cell.source.startswith("check(")
        ]
        for cell in notebook.cells:
            cell.metadata = NotebookNode()
        notebook.metadata = NotebookNode()
        return notebook

    return make


SUBMISSIONS: dict[str, Make] = {
    "perfect": _filled({}),
    "partial": _only("count_bigrams", "normalise", "sample_next"),
    "blank": _only(),
    "known-mistake": _with_mistake("count_bigrams"),
    "syntax-error": _filled({"normalise": SYNTAX_ERROR}),
    "infinite-loop": _filled({"generate": INFINITE_LOOP}),
    "memory-hog": _filled({"nll": MEMORY_HOG}),
    "fork-bomb": _filled({"sample_next": FORK_BOMB}),
    "fake-score": _with_cell(FAKE_SCORE),
    "new-check": _with_cell(NEW_CHECK),
    "reference-reader": _only_with("count_bigrams", REFERENCE_READER),
    "deleted-cells": _without_cells("sample_next", "nll"),
}

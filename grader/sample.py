"""A sample class: twelve submissions to one lesson, from perfect to hostile.

They are made from the lesson's own exercises and the released notebook, as students' would be, so
they are never out of date.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from grader.author.render import fill
from grader.course.definitions import definitions
from grader.course.lessons import Course
from grader.course.regions import without_markers

FEWEST = 3
"""Exercises that a lesson has if it is to be the sample's without being named."""

SYNTAX_ERROR = "def {name}(*arguments)\n    return arguments\n"

INFINITE_LOOP = "def {name}(*arguments, **options):\n    while True:\n        pass\n"

MEMORY_HOG = """\
def {name}(*arguments, **options):
    everything = []
    while True:
        everything.append(bytearray(2**30))  # a gibibyte at a time
"""

FORK_BOMB = """\
import os

def {name}(*arguments, **options):
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

for path in pathlib.Path("/").glob("**/{source}"):  # the solution itself, if it is here
    exec(path.read_text())

answers = iter(recording.load("{package}", "{lesson}")["{exercise}"])

def {name}(*arguments, **options):
    for asked, reply in answers:  # else the answers that were recorded for the public seed
        value = values.unpack(zlib.decompress(base64.b64decode(reply)), lambda item: None)["value"]
        if value is not None:
            return value
"""


class Sample:
    """What the submissions to a lesson are made of: the released notebook, and what to write there.

    Raises
    ------
    FileNotFoundError
        If the lesson has not been built.
    ValueError
        If no exercise of the lesson asks for a function.
    """

    def __init__(self, course: Course, lesson: str) -> None:
        self.course = course
        self.path = course.paths(lesson).student
        if not self.path.is_file():
            raise FileNotFoundError(f"there is no {self.path}; make it with: grader build")
        self.lesson = course.lesson(lesson)
        self._released = nbformat.read(self.path, as_version=4)
        self._functions = _functions(course, lesson)
        if not self._functions:
            raise ValueError(f"no exercise of lesson {lesson} asks for a function")

    def exercise(self, position: int) -> str:
        """Return an exercise that asks for a function; after the last comes the first again."""
        return list(self._functions)[position % len(self._functions)]

    def function(self, exercise: str) -> str:
        """Return the name of the function that the exercise asks for."""
        return self._functions[exercise]

    def filled(self, replacements: Mapping[str, str | None]) -> NotebookNode:
        """Return the notebook solved, but for the exercises that are to be filled in otherwise."""
        return fill(self._released, self.lesson, replacements)

    def only(self, replacements: Mapping[str, str] | None = None) -> NotebookNode:
        """Return the notebook untouched, but for the exercises that are filled in."""
        return self.filled(dict.fromkeys(self.lesson.exercises()) | dict(replacements or {}))


Make = Callable[[Sample], NotebookNode]


def write_sample_class(course: Course, folder: Path, lesson: str) -> list[Path]:
    """Write one `<student>/<notebook>` for each kind of submission to `lesson`; return their paths.

    Raises
    ------
    FileNotFoundError
        If the lesson has not been built.
    ValueError
        If no exercise of the lesson asks for a function.
    """
    sample = Sample(course, lesson)
    paths = []
    for student, make in SUBMISSIONS.items():
        path = folder / student / sample.path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(make(sample)) + "\n", "utf-8")
        paths.append(path)
    return paths


def main(course: Course, folder: Path, lesson: str | None) -> int:
    """Write the sample class and say where it is.

    Raises as `write_sample_class` does; also ValueError if no lesson is named, and none has as many
    exercises as it takes, and KeyError if there is no such lesson.
    """
    name = _largest_enough(course) if lesson is None else course.name_of(lesson)
    paths = write_sample_class(course, folder, name)
    print(f"{len(paths)} submissions to lesson {name} in {folder}")
    return 0


def _largest_enough(course: Course) -> str:
    """Return the first lesson that has enough exercises."""
    for name in course.names:
        if len(_functions(course, name)) >= FEWEST:
            return name
    raise ValueError(
        f"no lesson has {FEWEST} exercises that ask for a function; name a smaller one: --lesson NN"
    )


def _functions(course: Course, lesson: str) -> dict[str, str]:
    """Return, for each exercise that asks for a function or class, the name of that."""
    cells = course.lesson(lesson).exercises()
    found = {}
    for exercise in course.exercises(lesson).values():
        source = definitions(cells[exercise.name].text).get(exercise.names[0], "")
        if source.startswith(("def ", "class ", "@")):
            found[exercise.name] = exercise.names[0]
    return found


# --- The submissions ----------------------------------------------------------------------------


def _perfect(sample: Sample) -> NotebookNode:
    return sample.filled({})


def _partial(sample: Sample) -> NotebookNode:
    """Return a notebook of which the first half is solved."""
    every = list(sample.lesson.exercises())
    return sample.filled(dict.fromkeys(every[(len(every) + 1) // 2 :]))


def _blank(sample: Sample) -> NotebookNode:
    return sample.only()


def _known_mistake(sample: Sample) -> NotebookNode:
    exercise = sample.exercise(0)
    every = sample.course.mistakes(sample.lesson.name)
    mistake = next(mistake for mistake in every if mistake.exercise == exercise)
    return sample.filled({exercise: mistake.code})


def _broken(position: int, code: str) -> Make:
    """Return a solved notebook in which one exercise's function is then defined as in `code`."""

    def make(sample: Sample) -> NotebookNode:
        exercise = sample.exercise(position)
        solution = without_markers(sample.lesson.exercises()[exercise].text)
        broken = code.format(name=sample.function(exercise))
        return sample.filled({exercise: f"{solution}\n\n\n{broken}"})

    return make


def _with_cell(code: str) -> Make:
    """Return an unsolved notebook that runs `code` after its set-up cell."""

    def make(sample: Sample) -> NotebookNode:
        notebook = sample.only()
        place = next(i for i, cell in enumerate(notebook.cells) if "check.lesson(" in cell.source)
        notebook.cells.insert(place + 1, new_code_cell(code, id="pasted"))
        return notebook

    return make


def _reference_reader(sample: Sample) -> NotebookNode:
    exercise, paths = sample.exercise(0), sample.course.paths(sample.lesson.name)
    code = REFERENCE_READER.format(
        source=paths.source.relative_to(sample.course.root).as_posix(),
        package=sample.course.package,
        lesson=sample.lesson.name,
        exercise=exercise,
        name=sample.function(exercise),
    )
    return sample.only({exercise: code})


def _deleted_cells(sample: Sample) -> NotebookNode:
    """Return a solved notebook that lost two exercises' cells, all prose, checks and metadata."""
    notebook = sample.filled({})
    lost = (sample.exercise(2), sample.exercise(4))
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and cell.metadata.get("nbgrader", {}).get("grade_id") not in lost
        and not cell.source.startswith("check(")
    ]
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
    notebook.metadata = NotebookNode()
    return notebook


SUBMISSIONS: dict[str, Make] = {
    "perfect": _perfect,
    "partial": _partial,
    "blank": _blank,
    "known-mistake": _known_mistake,
    "syntax-error": _broken(1, SYNTAX_ERROR),
    "infinite-loop": _broken(3, INFINITE_LOOP),
    "memory-hog": _broken(4, MEMORY_HOG),
    "fork-bomb": _broken(2, FORK_BOMB),
    "fake-score": _with_cell(FAKE_SCORE),
    "new-check": _with_cell(NEW_CHECK),
    "reference-reader": _reference_reader,
    "deleted-cells": _deleted_cells,
}

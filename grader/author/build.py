"""`grader build`: write each lesson's notebooks and recording from its source.

    solutions/NN_name.py  ->  notebooks/NN_name.ipynb             what students open
                              solutions/NN_name.ipynb             solved and executed
                              PACKAGE/recordings/NN_name.json     answers for the self-check
    solutions/*.ipynb     ->  .github/images/ladder.png           the README's picture

`solutions/built.json` says what these were built from, so only what changed is built, and only what
changed in its code runs again.
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

import grader.checks
from grader.author import picture
from grader.author.built import read_built, sha256, write_built
from grader.author.execute import execute, losses_shown, record, with_recording
from grader.author.pixels import keep_pictures
from grader.author.render import render_solved, render_student, to_text
from grader.checks.recording import Entry
from grader.checks.registry import lessons as lessons_with_checks
from grader.course.imports import followed, offers, used
from grader.course.lessons import Course, fitting, registered
from grader.course.source import LessonError
from grader.formats.files import write_text
from grader.terminal.progress import Progress, progress

VERSION = "1"
"""Raise it when executing or recording changes, so that every lesson is built again."""


def main(course: Course, names: list[str], *, check: bool) -> int:
    """Build the lessons of the course, or check that they are; return the exit status."""
    if not check:
        built = build(course, names)
        print(f"Built: {', '.join(built)}." if built else "All built files are up to date.")
        return 0
    problems = check_built(course, names)
    print("\n".join(problems) or "All built files are what their sources say.")
    return int(bool(problems))


def build(course: Course, names: Sequence[str] = ()) -> list[str]:
    """Build those of the lessons `names` (else all) that are out of date, and return their names.

    Raises
    ------
    LessonError
        If a source is wrong or does not run. The lesson's files then stay as they were.
    KeyError
        If there is no such lesson.
    """
    names = [fitting(name, course.names) or name for name in names]
    stale = [name for name in names or course.names if _differences(course, name)]
    built = []
    with progress("building", _cells(course, stale), "cells") as bar:
        for name in names or course.names:
            if name not in stale:  # it may be by now, if an earlier lesson has new losses
                if not (stale and _differences(course, name)):
                    continue
                bar.total += _cells(course, [name])
            _build(course, name, bar)
            built.append(name)
    picture.write(course)
    return built


def check_built(course: Course, names: Sequence[str] = ()) -> list[str]:
    """Return a sentence for each built file of the course that is not what its source says.

    Nothing is executed: outputs and recorded answers count as right when they are those that came
    of this very source.
    """
    names = [fitting(name, course.names) or name for name in names]
    problems = []
    for name in names or course.names:
        try:
            source = course.paths(name).source.relative_to(course.root)
            for path in _differences(course, name):
                problems.append(
                    f"{path.relative_to(course.root)} is not what {source} says; "
                    f"type: grader build {name}"
                )
        except LessonError as error:
            problems.append(str(error))
    if names:
        return problems
    if not picture.is_current(course):
        problems.append(f"{picture.PICTURE} is not what its lesson shows; type: grader build")
    for pattern in vars(course.paths("*")).values():
        for path in sorted(course.root.glob(str(pattern.relative_to(course.root)))):
            if path.suffix in (".ipynb", ".json") and path.stem not in course.names:
                where, source = (
                    p.relative_to(course.root) for p in (path, course.paths(path.stem).source)
                )
                problems.append(f"{where} has no source {source}; delete it")
    for name in lessons_with_checks(course.package):
        if name not in course.graded:
            source = course.paths(name).source.relative_to(course.root)
            problems.append(
                f"{course.package}.checks has exercises of {name}, but {source} is missing"
            )
    return problems


def fingerprint(course: Course, name: str) -> str:
    """Return the SHA-256 of all that decides what running lesson `name` gives, in hexadecimal.

    That is its code, its own and carried, the losses that it carries, its checks and what else of
    the course's package it imports, and the words that checks are written in.
    """
    registered(course, name)
    texts = [VERSION, *(cell.text for cell in course.lesson(name).cells if cell.is_code)]
    for earlier in course.names[: course.names.index(name)]:
        texts.append(json.dumps(_losses(course, earlier)))
    # What the package's face offers is followed where it is asked for.
    package = course.root / course.package
    own = followed(
        used(course, name, demos=True),
        {course.package: course.root},
        offers=offers(course),
        without={course.package},
    )
    files = [package / "__init__.py", *own.values()]
    files += sorted(Path(grader.checks.__file__).parent.glob("*.py"))
    texts += [file.read_text("utf-8") for file in files]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def _losses(course: Course, name: str) -> dict[str, float]:
    """Return the losses that the ladder of lesson `name` showed when it was built last."""
    losses: dict[str, float] = _load(course.paths(name).recording).get("losses", {})
    return losses


def _differences(course: Course, name: str) -> list[Path]:
    """Return the built files of lesson `name` that are missing or not what its source says."""
    files = course.paths(name)
    entry = read_built(course).get(name, {})
    if entry.get("source") != fingerprint(course, name):
        entry = {}
    student = to_text(render_student(course, name))
    solved = json.loads(to_text(render_solved(course, name)))
    right = {
        files.student: files.student.is_file() and files.student.read_text("utf-8") == student,
        files.solved: sha256(files.solved) == entry.get("solved")
        and _without_outputs(_load(files.solved)) == _without_outputs(solved),
        files.recording: sha256(files.recording) == entry.get("recording"),
    }
    return [path for path, is_right in right.items() if not is_right]


def _build(course: Course, name: str, bar: Progress) -> None:
    lesson = course.lesson(name)
    files = course.paths(name)
    source = fingerprint(course, name)
    student = render_student(course, name)
    solved = render_solved(course, name)
    count = len(lesson.cells)

    def on_cell(position: int) -> None:
        bar.set_description(f"{name}: cell {position + 1} of {count}")
        bar.update()

    if _ran(course, name, source):
        write_text(files.solved, to_text(_with_outputs(solved, _load(files.solved))))
        write_text(files.student, to_text(student))
        write_built(course, name, source)
        bar.update(sum(cell.is_code for cell in lesson.cells))
        return
    bar.set_description(f"{name}: recording answers")
    answers, fixed = record(course, name)
    # The solved notebook's own checks read the recording, and no other lesson does: in the course's
    # folder nothing is changed before all of it is there.
    recording = _recording_text(name, answers, fixed, {})
    with with_recording(course, name, recording) as root:
        executed = execute(solved, lesson, root, on_cell)
    keep_pictures(executed, _load(files.solved))
    write_text(files.recording, _recording_text(name, answers, fixed, losses_shown(executed)))
    write_text(files.solved, to_text(executed))
    write_text(files.student, to_text(student))
    write_built(course, name, source)


def _ran(course: Course, name: str, source: str) -> bool:
    """Whether the outputs and the recording that are there came of code with this fingerprint."""
    files = course.paths(name)
    there = {"source": source, "solved": sha256(files.solved), "recording": sha256(files.recording)}
    return read_built(course).get(name) == there


def _with_outputs(solved: NotebookNode, before: dict[str, Any]) -> NotebookNode:
    """Return `solved` with the outputs of a notebook that has the same code and other text."""
    ran = [cell for cell in nbformat.from_dict(before).cells if cell.cell_type == "code"]
    executed = copy.deepcopy(solved)
    cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    for cell, same in zip(cells, ran, strict=True):
        cell.outputs, cell.execution_count = same.outputs, same.execution_count
    return executed


def _cells(course: Course, names: Sequence[str]) -> int:
    return sum(cell.is_code for name in names for cell in course.lesson(name).cells)


def _recording_text(
    name: str,
    answers: dict[str, list[Entry]],
    fixed: dict[str, list[str]],
    losses: dict[str, float],
) -> str:
    """Return the recording as JSON with one answer a line."""
    blocks = [
        f"{json.dumps(exercise)}: [\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]"
        for exercise, entries in answers.items()
    ]
    head = f'{{\n"lesson": {json.dumps(name)},\n'
    head += f'"losses": {json.dumps(losses)},\n"fixed": {json.dumps(fixed)},\n'
    return head + '"exercises": {\n' + ",\n".join(blocks) + "\n}\n}\n"


def _load(path: Path) -> dict[str, Any]:
    """Return the JSON object in a built file, an empty one if there is none."""
    try:
        loaded = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _without_outputs(notebook: dict[str, Any]) -> dict[str, Any]:
    outputs = ("outputs", "execution_count")
    cells = [
        {key: value for key, value in cell.items() if key not in outputs}
        for cell in notebook.get("cells", [])
    ]
    return {**notebook, "cells": cells}

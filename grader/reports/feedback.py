"""What a feedback page says of a submission: what is to fix, and the notebook with the results.

Cells that are the lesson's own are folded, and what `check(...)` showed is left out: it is what the
student saw before handing in, and may differ from the grade.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from grader.course.definitions import definitions
from grader.course.lessons import Course
from grader.gradebook.copies import read_copy
from grader.gradebook.scores import ExerciseScore, FinalScore
from grader.reports.cell_html import Budget
from grader.submissions.cells import defined_names

_FOLDED = "#@title"  # Colab shows the title alone
_HEADING = re.compile(r"^#{1,6} +(.+?) *#* *$", re.MULTILINE)
_SIGNS = re.compile(r"[*`]")
_ASKS = re.compile(r"^check(?:\.summary)?\(", re.MULTILINE)
_TOLD = re.compile(r"(?:[✓✗○] \w+: |\[[█░]{20}\] )")
"""How `check(...)` and `check.summary()` begin what they show."""


@dataclass(frozen=True)
class ShownCell:
    """A cell of the page, or several cells of prose; `results` are of exercises that it answers.

    `kind` is "markdown" or "code". `title` is that of a cell to be folded, else empty. An output
    has its `text`, and if it is a picture its `image/png` in base 64.
    """

    kind: str
    html: Markup
    title: str
    outputs: list[dict[str, str]]
    results: list[ExerciseScore]


@dataclass(frozen=True)
class Page:
    """What there is to say of a submission, each exercise in one of the first three lists.

    Attributes
    ----------
    to_fix : what was tried and has not all its points
    not_started : what was not tried
    right : what has all its points
    placed : the names of the exercises that have a cell in the notebook
    cells : the notebook
    """

    to_fix: list[ExerciseScore]
    not_started: list[ExerciseScore]
    right: list[ExerciseScore]
    placed: set[str]
    cells: list[ShownCell]


def page(course: Course, folder: Path, score: FinalScore) -> Page:
    """Return the page on a submission; without cells if it was not graded, or has no copy."""
    result = score.result
    cells = read_copy(folder, result.student, result.lesson) if result.status == "graded" else []
    defined = [defined_names(cell["source"]) if _is_code(cell) else set() for cell in cells]
    places = {
        exercise.result.name: _place(
            cells, defined, _names(course, result.lesson, exercise.result.name)
        )
        for exercise in score.exercises
    }
    right = [e for e in score.exercises if e.points >= e.result.max_points]
    left = [e for e in score.exercises if e.points < e.result.max_points]
    return Page(
        to_fix=[e for e in left if not _is_unstarted(e)],
        not_started=[e for e in left if _is_unstarted(e)],
        right=right,
        placed={name for name, place in places.items() if place is not None},
        cells=_shown(cells, places, score.exercises, _released(course, result.lesson)),
    )


def _is_unstarted(exercise: ExerciseScore) -> bool:
    return exercise.result.status == "missing" and exercise.manual is None


def _names(course: Course, lesson: str, exercise: str) -> set[str]:
    try:
        defined = definitions(course.lesson(lesson).exercises()[exercise].text)
    except KeyError:  # the course has changed since
        return {exercise}
    return {exercise} if exercise in defined else set(defined)


def _place(cells: list[dict[str, Any]], defined: list[set[str]], names: set[str]) -> int | None:
    """Return which cell answers an exercise: the last that defines its names and is no stub."""
    places = [
        (" is not started" not in cell["source"], number)
        for number, cell in enumerate(cells)
        if defined[number] & names
    ]
    return max(places)[1] if places else None


def _is_code(cell: dict[str, Any]) -> bool:
    return bool(cell["cell_type"] == "code")


# --- The notebook -----------------------------------------------------------------------------


def _released(course: Course, lesson: str) -> frozenset[str]:
    """Return the sources of the released notebook's cells, none if there is no such notebook."""
    try:
        path = course.paths(lesson).student
        return _sources(path, path.stat().st_mtime_ns)
    except (KeyError, OSError, ValueError):
        return frozenset()


@lru_cache(32)
def _sources(path: Path, _written: int) -> frozenset[str]:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return frozenset("".join(cell["source"]).strip() for cell in cells)


def _shown(
    cells: list[dict[str, Any]],
    places: dict[str, int | None],
    exercises: Sequence[ExerciseScore],
    released: frozenset[str],
) -> list[ShownCell]:
    """Return the cells; the lesson's own in a row are one, which ends where one has outputs."""
    budget = Budget()
    shown: list[ShownCell] = []
    own: list[dict[str, Any]] = []

    def fold(outputs: list[dict[str, str]]) -> None:
        if own:
            html = Markup("\n").join(map(budget.html, own))
            shown.append(ShownCell("markdown", html, _headings(own), outputs, []))
            own.clear()

    for number, cell in enumerate(cells):
        source, outputs = cell["source"].strip(), _outputs(cell)
        results = [e for e in exercises if places[e.result.name] == number]
        if source in released and not results:
            own.append(cell)
            if outputs:
                fold(outputs)
        elif source:
            fold([])
            html = budget.html(cell)
            shown.append(ShownCell(cell["cell_type"], html, _title(cell), outputs, results))
    fold([])
    return shown


def _headings(cells: list[dict[str, Any]]) -> str:
    """Return the headings and titles in cells, or where the cells are from."""
    found = []
    for cell in cells:
        titles = [_title(cell)] if _is_code(cell) else _HEADING.findall(cell["source"])
        found += [_SIGNS.sub("", title) for title in titles if title]
    return " · ".join(found) or "From the lesson"


def _title(cell: dict[str, Any]) -> str:
    first: str = cell["source"].partition("\n")[0]
    return first.removeprefix(_FOLDED).strip() if first.startswith(_FOLDED) else ""


def _outputs(cell: dict[str, Any]) -> list[dict[str, str]]:
    """Return a cell's outputs without what `check` showed."""
    outputs: list[dict[str, str]] = cell["outputs"]
    if not _ASKS.search(cell["source"]):
        return outputs
    return [
        output
        for output in outputs
        if "image/png" in output
        or not (_TOLD.match(output["text"]) or "CheckFailed: " in output["text"])
    ]

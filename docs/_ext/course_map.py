"""Write what the map of the course is made of: a table of the lessons, a graph, two pictures."""

import re
from pathlib import Path
from typing import Any

import nbformat
from course_graph import graph
from files import write
from lesson_pages import reachable
from sphinx.application import Sphinx

from grader.course.lessons import Course

FOLDER = "course_map"
"""Of what is written, below that of conf.py; `course.md` includes it."""

_HEAD = "| lesson | what you build | takes code from | your time | laptop, GPU | points |"
_ROW = re.compile(
    r"^\| \[\d\d .*?\]\(notebooks/(?P<lesson>\w+)\.ipynb\) \| (?P<built>.*?) \|", re.M
)
_CARRIED = re.compile(r"^# From lesson (\d\d)", re.M)


def table(course: Course) -> str:
    """Return the table of the lessons; times are in minutes."""
    readme = (course.root / "README.md").read_text("utf-8")
    built = {row["lesson"]: row["built"] for row in _ROW.finditer(readme)}
    rows = []
    for name in course.names:
        lesson = course.lesson(name)
        carried = "\n".join(cell.text for cell in lesson.cells if cell.role == "carry")
        needs = ", ".join(sorted(set(_CARRIED.findall(carried)))) or "none"
        exercises = course.exercises(name).values()
        points = sum(each.points for each in exercises)
        rows.append(
            f"| [{name[:2]} {lesson.title}](/lessons/{name}.ipynb) | {built[name]} | {needs} "
            f"| {lesson.minutes:g} | {lesson.laptop_minutes:g}, {lesson.gpu_minutes:g} "
            f"| {points:g} |"
        )
    return "\n".join([_HEAD, "|---|---|---|---|---|---|", *rows]) + "\n"


def picture(course: Course, name: str, call: str) -> str:
    """Return, as HTML, the last picture that a cell of solved lesson `name` with `call` shows.

    Raises
    ------
    ValueError
        If there is none.
    """
    solved = nbformat.read(course.paths(name).solved, as_version=4)
    found = [
        output.data["text/html"]
        for cell in solved.cells
        if call in cell.source
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    if not found:
        raise ValueError(f"no cell of {name} with {call} shows a picture; type: make build")
    return f'<div class="picture">{reachable(found[-1])}</div>\n'


def _write_parts(app: Sphinx) -> None:
    course: Course = app.config.course
    folder = Path(app.srcdir, FOLDER)
    write(folder / "table.txt", table(course))
    write(folder / "graph.txt", graph(course))
    ladder, last = course.configuration.ladder, course.names[-1]
    write(folder / "ladder.txt", picture(course, ladder, "plots.ladder("))
    write(folder / "timeline.txt", picture(course, last, "timeline.until("))


def setup(app: Sphinx) -> dict[str, Any]:
    """Have the parts written before Sphinx reads its sources."""
    app.connect("builder-inited", _write_parts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

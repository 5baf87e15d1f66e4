"""Write a page for each lesson: the released notebook, with the pictures of the solved one's run.

Exercises are stubs. What `check(...)` says of a solution is left out, and so is the code that a
notebook carries from earlier lessons, since there it is solved.
"""

import shutil
from pathlib import Path
from typing import Any

import nbformat
from files import write
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from sphinx.application import Sphinx

from grader.course.lessons import Course

LESSONS = "lessons"
"""The folder of the pages, below that of conf.py."""
SLIDES = "slides"
"""The folder of the decks, in `build` and on the site."""
ALT = "The picture that the code above draws"
"""Of a picture that comes without a text alternative."""

_MOVED = '<div style="overflow-x: auto"'
_BADGE = "[![Open in Colab]"
_FORM = "#@title "


def lesson_page(course: Course, name: str, decks: Path) -> NotebookNode:
    """Return the page of lesson `name`: a notebook that is shown, and never run.

    Parameters
    ----------
    course : has the lesson, built
    name : of the lesson
    decks : the folder in which its slides may be

    Raises
    ------
    ValueError
        If the released notebook and the solved one are not of one source.
    """
    paths = course.paths(name)
    released: NotebookNode = nbformat.read(paths.student, as_version=4)
    solved = nbformat.read(paths.solved, as_version=4)
    if [cell.id for cell in released.cells] != [cell.id for cell in solved.cells]:
        raise ValueError(f"the two notebooks of {name} are of different sources; type: make build")
    for cell, run in zip(released.cells, solved.cells, strict=True):
        if cell.cell_type == "code" and not _is_about_the_work(cell):
            cell.outputs = [_one_picture(output) for output in run.outputs if _shows(output)]
            cell.metadata["mystnb"] = {"image": {"alt": ALT}}
    header, *rest = released.cells
    header.source = _with_buttons(header.source, course, name, decks)
    released.cells = [header, *map(_without_own_code, rest)]
    return released


def _is_about_the_work(cell: NotebookNode) -> bool:
    """Whether a cell's output speaks of the solution: an exercise, its check, the summary."""
    return "nbgrader" in cell.metadata or cell.source.startswith("check.summary(")


def _shows(output: NotebookNode) -> bool:
    """Whether there is anything to see: a progress bar that ended has left spaces."""
    return output.output_type != "stream" or bool(output.text.strip())


def _one_picture(output: NotebookNode) -> NotebookNode:
    """Return an output without the pictures that its HTML has too, with their text alternative."""
    data = output.get("data", {})
    if "text/html" in data:
        for kind in [kind for kind in data if kind.startswith("image/")]:
            del data[kind]
        data["text/html"] = reachable(data["text/html"])
    return output


def reachable(picture: str) -> str:
    """Return a picture's HTML so that the keyboard too can move what is wider than a phone."""
    return picture.replace(_MOVED, f'{_MOVED} tabindex="0"')


def _without_own_code(cell: NotebookNode) -> NotebookNode:
    """Return a cell whose code is not the lesson's as what there is to see of it."""
    if cell.metadata.get("cellView") != "form":
        return cell
    if cell.outputs:  # a drawing
        cell.metadata["tags"] = [*cell.metadata.get("tags", ()), "remove-input"]
        return cell
    title = cell.source.partition("\n")[0].removeprefix(_FORM)
    _, _, names = title.partition(": ")
    shown = ", ".join(f"`{each}`" for each in names.split(", "))
    told = f"*The notebook has a cell here with what you built before:* {shown}."
    instead: NotebookNode = new_markdown_cell(told)
    return instead


def _with_buttons(header: str, course: Course, name: str, decks: Path) -> str:
    """Return the header's text, its badge replaced by links that need no picture from elsewhere."""
    page = course.configuration.page(f"{course.configuration.notebooks}/{name}.ipynb")
    notebook = f"/../{course.configuration.notebooks}/{name}.ipynb"
    links = [
        f"[Open in Colab](https://colab.research.google.com/github/{page})",
        f"{{download}}`Download the notebook <{notebook}>`",
    ]
    kinds = {"Slides": f"{name}.html", "Slides as PDF": f"{name}.pdf"}
    links += [
        f'<a href="../{SLIDES}/{file}">{title}</a>'
        for title, file in kinds.items()
        if (decks / file).is_file()
    ]
    (badge,) = (line for line in header.splitlines() if line.startswith(_BADGE))
    return header.replace(badge, f":::{{container}} buttons\n{' '.join(links)}\n:::")


def _write_pages(app: Sphinx) -> None:
    course: Course = app.config.course
    folder = Path(app.srcdir, LESSONS)
    for name in course.names:
        page = lesson_page(course, name, Path(app.config.decks))
        write(folder / f"{name}.ipynb", nbformat.writes(page))


def _copy_slides(app: Sphinx, error: Exception | None) -> None:
    decks = Path(app.config.decks)
    if error is None and decks.is_dir():
        shutil.copytree(decks, Path(app.outdir, SLIDES), dirs_exist_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Have the pages written before Sphinx looks for its sources."""
    app.add_config_value("course", None, "", types=Course)
    app.add_config_value("decks", "", "", types=str)
    app.connect("builder-inited", _write_pages)
    app.connect("build-finished", _copy_slides)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

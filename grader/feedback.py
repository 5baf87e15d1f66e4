"""A student's notebook as a feedback page shows it, each exercise's result under its cell.

nbconvert renders the Markdown and the code, but not the page: its own templates load scripts from
elsewhere and let HTML through. Here HTML comes from two places alone, a list of harmless tags in
Markdown and the colours of code; all else is text. Links lose their address, since a page that is
opened with an instructor's rights leads nowhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors.sanitize import SanitizeHTML

from grader.adjust import ExerciseScore, FinalScore
from grader.cells import defined_names
from grader.copies import read_copy
from grader.course import Course
from grader.places import ROOT
from grader.source import definitions

_HEADINGS = [f"h{level}" for level in range(1, 7)]
_BLOCKS = ["p", "br", "hr", "pre", "blockquote", "ul", "ol", "li", "details", "summary"]
_INLINE = ["strong", "em", "b", "i", "del", "code", "sub", "sup"]
_TABLE = ["table", "thead", "tbody", "tr", "th", "td"]
_harmless: Callable[[str], str] = SanitizeHTML(
    tags=[*_HEADINGS, *_BLOCKS, *_INLINE, *_TABLE], attributes={}, strip=True
).sanitize_html_tags
_highlight: Callable[[str], str] = Highlight2HTML(pygments_lexer="ipython3")
_FOLDED = "#@title"  # Colab shows the title alone


@dataclass(frozen=True)
class Cell:
    """A cell of the page; `results` are of the exercises that it answers.

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
    """A notebook, and the results whose exercise has no cell in it."""

    cells: list[Cell]
    elsewhere: list[ExerciseScore]


def notebook(folder: Path, score: FinalScore) -> Page:
    """Return the notebook of a submission; no cells if it was not graded, or has no copy."""
    result = score.result
    cells = read_copy(folder, result.student, result.lesson) if result.status == "graded" else []
    places = {
        exercise.result.name: _place(cells, _names(result.lesson, exercise.result.name))
        for exercise in score.exercises
    }
    return Page(
        [
            Cell(
                kind=cell["cell_type"],
                html=_code(cell["source"]) if _is_code(cell) else _prose(cell["source"]),
                title=_title(cell),
                outputs=cell["outputs"],
                results=[e for e in score.exercises if places[e.result.name] == number],
            )
            for number, cell in enumerate(cells)
            if cell["source"].strip()
        ],
        [e for e in score.exercises if places[e.result.name] is None],
    )


def _names(lesson: str, exercise: str) -> set[str]:
    try:
        defined = definitions(_course().lesson(lesson).exercises()[exercise].text)
    except KeyError:  # the course has changed since
        return {exercise}
    return {exercise} if exercise in defined else set(defined)


@cache
def _course() -> Course:
    return Course(ROOT)


def _place(cells: list[dict[str, Any]], names: set[str]) -> int | None:
    """Return which cell answers an exercise: the last that defines its names and is no stub."""
    places = [
        (" is not started" not in cell["source"], number)
        for number, cell in enumerate(cells)
        if _is_code(cell) and defined_names(cell["source"]) & names
    ]
    return max(places)[1] if places else None


def _is_code(cell: dict[str, Any]) -> bool:
    return bool(cell["cell_type"] == "code")


def _title(cell: dict[str, Any]) -> str:
    first: str = cell["source"].partition("\n")[0]
    return first.removeprefix(_FOLDED).strip() if first.startswith(_FOLDED) else ""


class _Renderer(IPythonRenderer):
    """Renders no pictures and colours no code: the student would choose where from, and how."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return text

    def block_code(self, code: str, info: str | None = None) -> str:
        return str(super(IPythonRenderer, self).block_code(code))


# A class's notebooks are mostly the same cells.
@lru_cache(512)
def _prose(source: str) -> Markup:
    try:
        renderer = _Renderer(escape=False, exclude_anchor_links=True)
        return Markup(_harmless(MarkdownWithMath(renderer=renderer).render(source)))
    except (ValueError, RecursionError):  # nested deeper than anybody writes
        return Markup("<pre>{}</pre>").format(source)


@lru_cache(512)
def _code(source: str) -> Markup:
    return Markup(_highlight(source))

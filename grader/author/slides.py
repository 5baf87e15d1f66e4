"""`grader slides`: a lesson's deck as one HTML file that needs no network, and as PDF.

    solutions/NN_name.py, solutions/NN_name.ipynb  ->  build/slides/NN_name.html, NN_name.pdf

The first slide is made from the lesson's header, the last one leads to its notebook, and those
between are its slide cells (`grader/author/deck.py`). reveal.js shows them. Its files come with the
package sphinx-revealjs, so that pip pins and installs them as it does all else.
"""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from grader.author.deck import Picture, parts, pictures, problems
from grader.author.render import colab_address, count
from grader.course.lessons import Course
from grader.course.source import Lesson
from grader.formats.files import write_text
from grader.formats.formula import mathml

_MISSING = (
    "{} is not installed, which slides are made with; type: "
    "python -m pip install mdit-py-plugins playwright sphinx-revealjs"
)
try:
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from playwright.sync_api import Browser, sync_playwright
except ModuleNotFoundError as problem:
    raise ModuleNotFoundError(_MISSING.format(str(problem.name).partition(".")[0])) from None

FOLDER = Path("build", "slides")
WIDTH, HEIGHT = 1280, 720
"""Of a slide, in pixels."""
WIDE = 1.8
"""A picture of at least this ratio of width to height stands below the words, not beside them."""
MAX_CODE_SIZE = 30
"""Of code, in pixels."""
CODE_WIDTH = 1750
"""Of the longest line of code, in characters times their size in pixels."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Page:
    """A slide as HTML: `kind` is first, plain (no picture), wide, tall or last."""

    kind: str
    title: str
    body: Markup
    notes: Markup
    picture: Picture | None = None


def main(course: Course, names: Sequence[str]) -> int:
    """Write the decks of the lessons `names`, else of all that have one; return the exit status."""
    lessons = [course.lesson(course.name_of(name)) for name in names or course.names]
    without = [lesson.name for lesson in lessons if not lesson.slides]
    wrong = [str(problem) for lesson in lessons for problem in problems(course, lesson.name)]
    if wrong:
        print("\n".join(wrong))
        return 1
    written = []
    for lesson in lessons:
        if lesson.slides:
            file = course.root / FOLDER / f"{lesson.name}.html"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, html(course, lesson))
            written.append(file)
            print(f"{file.relative_to(course.root)}: {count(len(lesson.slides) + 2, 'slide')}")
    if without:
        print(f"no deck, since there are no slide cells: {', '.join(without)}")
    if not written:
        return 0
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        print("no PDF: Chromium is not installed; type: make system", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        for file in written:
            to_pdf(browser, file)
        browser.close()
    return 0


def html(course: Course, lesson: Lesson) -> str:
    """Return the deck of `lesson` as one HTML file.

    Raises
    ------
    LessonError
        If a slide has no picture where it says so.
    """
    shown = pictures(course, lesson)
    pages = [_first(lesson)]
    for slide in lesson.slides:
        text, notes = map(_html, parts(slide))
        picture = shown.get(slide.line)
        title = slide.name.replace("'", "’")
        pages.append(Page(_kind(text, picture), title, text, notes, picture))
    pages.append(_last(course, lesson))
    environment = Environment(
        loader=PackageLoader("grader.author"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    colours = {
        mode: Markup(HtmlFormatter(style=style).get_style_defs("pre"))  # noqa: S704
        for mode, style in (("light", "xcode"), ("dark", "github-dark"))
    }
    return environment.get_template("deck.html.jinja").render(
        lesson=lesson,
        pages=pages,
        reveal=_reveal,
        colours=colours,
        width=WIDTH,
        height=HEIGHT,
    )


def to_pdf(browser: Browser, file: Path) -> None:
    """Write a PDF beside the HTML `file`, a slide a page."""
    page = browser.new_page(color_scheme="light")
    page.goto(f"{file.as_uri()}?print-pdf")
    page.wait_for_function("() => document.querySelector('.pdf-page')")
    pdf = file.with_suffix(".pdf")
    page.pdf(path=pdf, print_background=True, prefer_css_page_size=True)
    page.close()


def _first(lesson: Lesson) -> Page:
    """Return the title slide: what one will be able to do; the header's other words are notes."""
    blocks = lesson.cells[0].text.split("\n\n")
    at = next((i for i, block in enumerate(blocks) if block.startswith("- ")), 0)
    shown = blocks[max(at - 1, 0) : at + 1]
    notes = [block for block in blocks if block not in shown]
    number = lesson.name.split("_")[0]
    title = f"{number}. {lesson.title}"
    return Page("first", title, _html("\n\n".join(shown)), _html("\n\n".join(notes)))


def _last(course: Course, lesson: Lesson) -> Page:
    configuration = course.configuration
    colab = colab_address(configuration, configuration.notebooks, lesson.name)
    page = (
        f"https://github.com/{configuration.page(f'{configuration.notebooks}/{lesson.name}.ipynb')}"
    )
    exercises = lesson.exercises()
    work = f"{count(len(exercises), 'exercise')}, about {count(lesson.minutes, 'minute')}."
    text = f"{work}\n\n- [Open the notebook in Colab]({colab})\n- [The notebook on GitHub]({page})"
    names = ", ".join(
        f"`{name}` ({count(cell.minutes, 'minute')})" for name, cell in exercises.items()
    )
    return Page("last", "Now it is your turn", _html(text), _html(f"The exercises: {names}."))


def _kind(text: str, picture: Picture | None) -> str:
    if picture is None:
        return "plain"
    # A formula is as wide as it is, and there is little room beside a picture.
    return "wide" if picture.ratio >= WIDE or 'display="block"' in text else "tall"


@cache
def _markdown() -> MarkdownIt:
    options = {"html": False, "highlight": _coloured, "typographer": True}
    made = MarkdownIt("commonmark", options).enable(["table", "smartquotes"])
    return made.use(dollarmath_plugin, renderer=_formula)


def _html(text: str) -> Markup:
    return Markup(_markdown().render(text))  # noqa: S704


def _formula(tex: str, options: dict[str, Any]) -> str:
    formula = mathml(tex, block=bool(options["display_mode"]))
    if formula is None:
        raise ValueError(f"this formula cannot be set: {tex}")
    return formula


def _coloured(code: str, language: str, _: str) -> str:
    lexer = get_lexer_by_name(language or "text")
    coloured: str = highlight(code, lexer, HtmlFormatter(nowrap=True))
    longest = max(map(len, code.splitlines()), default=0)
    size = min(MAX_CODE_SIZE, CODE_WIDTH / max(longest, 1))
    return f'<pre style="font-size: {size:.1f}px">{coloured}</pre>'


def _reveal(file: str) -> Markup:
    """Return one of reveal.js's own files, such as dist/reveal.js."""
    package = find_spec("sphinx_revealjs")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(_MISSING.format("sphinx-revealjs"))
    folder = Path(package.submodule_search_locations[0], "_static", "revealjs")
    return Markup((folder / file).read_text("utf-8"))  # noqa: S704

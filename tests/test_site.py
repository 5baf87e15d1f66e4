"""The course's site: made from what is built, whole without a network, and for everybody to read."""

import functools
import html
import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
from course import COURSE, ROOT

from grader.author.render import SHORTEST_LEAK
from grader.cli import build_parser
from grader.course.regions import solution_lines

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("myst_nb") is None,
    reason="the extra [site] is not installed; type: make setup",
)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
VIEWS = (("dark", 1280), ("light", 390))
"""How each page is looked at: in which mode, and how wide, in pixels."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the site as `make site` does; a warning fails it."""
    folder = tmp_path_factory.mktemp("site")
    ran = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
        + ["-d", str(folder / "cache"), "docs", str(folder / "html")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return folder / "html"


def pages(site: Path) -> list[str]:
    """Return the pages' places below the site's folder."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def text_of(page: Path) -> str:
    """Return what a page says."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


def secrets(lesson: str) -> list[str]:
    """Return the lines of a lesson's solutions that give something away."""
    cells = COURSE.lesson(lesson).cells
    given = {
        line.strip()
        for cell in cells
        if cell.is_code and cell.role != "exercise"
        for line in cell.text.splitlines()
    }
    lines = [
        line
        for cell in cells
        if cell.role == "exercise"
        for line in solution_lines(cell.text)
        if len(line) >= SHORTEST_LEAK
    ]
    return [line for line in lines if line not in given]


def test_no_line_of_a_solution_is_on_the_site(site: Path) -> None:
    told = {page: text_of(site / page) for page in pages(site)}
    found = [
        (page, lesson, line)
        for lesson in COURSE.names
        for line in secrets(lesson)
        for page, text in told.items()
        if line in text
    ]
    assert found == []


@pytest.mark.parametrize("lesson", COURSE.names)
def test_a_lessons_page_is_the_released_notebook_with_the_pictures(site: Path, lesson: str) -> None:
    page = (site / "lessons" / f"{lesson}.html").read_text("utf-8")
    told = " ".join(text_of(site / "lessons" / f"{lesson}.html").split())
    for name in COURSE.lesson(lesson).exercises():
        if name != "quiz":
            assert f'NotImplementedError("{name} is not started")' in told
    solved = nbformat.read(COURSE.paths(lesson).solved, as_version=4)
    pictures = sum(
        any(kind.startswith("image/") for kind in output.get("data", {}))
        for cell in solved.cells
        for output in cell.get("outputs", [])
    )
    assert pictures > 3
    assert len(re.findall("<img |<svg ", page)) >= pictures
    file = f"blob/{COURSE.configuration.revision}/notebooks/{lesson}.ipynb"
    assert f"https://colab.research.google.com/github/lmcourse/lmcourse/{file}" in page
    (download,) = re.findall(rf'href="\.\./(_downloads/\w+/{lesson}\.ipynb)"', page)
    assert (site / download).read_bytes() == COURSE.paths(lesson).student.read_bytes()

"""The course's site: made from what is built, whole without a network, for everybody to read."""

import functools
import html
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
from course import COURSE, ROOT

from grader.author.render import SHORTEST_LEAK
from grader.cli import build_parser
from grader.course.regions import solution_lines, stub

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytest.importorskip("myst_nb", reason="the extra [site] is not installed; type: make setup")
sys.path[:0] = [str(ROOT / ".ci"), str(ROOT / "docs" / "_ext")]
import course_graph  # noqa: E402
import lesson_pages  # noqa: E402
import site_pictures  # noqa: E402

OPTIONS = ("-q", "-W", "--keep-going")
"""What `make site` calls Sphinx with."""
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CONTRAST = "color-contrast"
"""The rule that takes nearly all of axe's time."""
VIEWS = (("dark", 1280), ("light", 390))
"""How each page is looked at: in which mode, and how wide, in pixels."""
OF_EACH_KIND = {"index.html", "course.html", "lessons/05_attention.html", "reference/service.html"}
"""Looked at in full in both views: the frame around a page is the same for all of a kind."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the site as `make site` does; a warning fails it."""
    folder = tmp_path_factory.mktemp("site")
    ran = subprocess.run(
        [sys.executable, "-m", "sphinx", *OPTIONS, "-d", folder / "cache", "docs", folder / "html"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return folder / "html"


def pages(site: Path) -> list[str]:
    """Return the pages' places below the site's folder."""
    found = (path.relative_to(site) for path in site.rglob("*.html"))
    return sorted(path.as_posix() for path in found if path.parts[0] not in ("_static", "slides"))


def text_of(page: Path) -> str:
    """Return what a page says."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


@functools.cache
def given() -> str:
    """Return what stands in the released notebooks, less what they carry from earlier lessons."""
    text = "\n".join(
        cell.source
        for lesson in COURSE.names
        for cell in nbformat.read(COURSE.paths(lesson).student, as_version=4).cells
        if cell.metadata.get("cellView") != "form"
    )
    return text + text.replace("`", "")  # as a page shows it


@functools.cache
def secrets(lesson: str) -> list[str]:
    """Return the lines of a lesson's solutions that no released notebook gives away."""
    return [
        line
        for name, cell in COURSE.lesson(lesson).exercises().items()
        for line in solution_lines(cell.text)
        if name != "quiz" and len(line) >= SHORTEST_LEAK and line not in given()
    ]


def test_no_line_of_a_solution_is_on_the_site(site: Path) -> None:
    found = []
    for page in pages(site):
        text = text_of(site / page)
        lines = {line.strip() for line in text.splitlines()}
        # Examples of how a lesson is written have lines that begin like a solution's.
        told = text if page.startswith("lessons/") else lines
        found += [(page, line) for name in COURSE.names for line in secrets(name) if line in told]
    assert found == []


def test_no_page_names_a_folder_of_the_machine_that_made_it(site: Path) -> None:
    assert [page for page in pages(site) if str(ROOT) in text_of(site / page)] == []


@pytest.mark.parametrize("lesson", COURSE.names)
def test_there_are_lines_to_be_kept_from_the_site(lesson: str) -> None:
    solved = COURSE.paths(lesson).solved.read_text("utf-8")
    lines = secrets(lesson)
    assert len(lines) > 10
    assert any(json.dumps(line)[1:-1] in solved for line in lines)


@pytest.mark.parametrize("lesson", COURSE.names)
def test_a_lessons_page_is_the_released_notebook_with_the_pictures(site: Path, lesson: str) -> None:
    page = (site / "lessons" / f"{lesson}.html").read_text("utf-8")
    told = " ".join(text_of(site / "lessons" / f"{lesson}.html").split())
    for name, cell in COURSE.lesson(lesson).exercises().items():
        assert " ".join(stub(cell.text, name).split()) in told
    solved = nbformat.read(COURSE.paths(lesson).solved, as_version=4)
    pictures = sum(
        any(kind.startswith("image/") for kind in output.get("data", {}))
        for cell in solved.cells
        for output in cell.get("outputs", [])
    )
    assert pictures > 3
    assert len(re.findall("<img |<svg ", page)) >= pictures
    drawings = sum(cell.source.startswith("#@title Drawing: ") for cell in solved.cells)
    assert page.count('src="data:image/svg+xml') >= drawings
    assert "#@title" not in page
    file = COURSE.configuration.page(f"notebooks/{lesson}.ipynb")
    assert f'href="https://colab.research.google.com/github/{file}"' in page
    (download,) = re.findall(rf'href="\.\./(_downloads/\w+/{lesson}\.ipynb)"', page)
    assert (site / download).read_bytes() == COURSE.paths(lesson).student.read_bytes()


def test_what_a_check_says_of_a_solution_is_on_no_page() -> None:
    for name in COURSE.names:
        page = lesson_pages.lesson_page(COURSE, name, ROOT / "no slides")
        asked = [
            cell for cell in page.cells if cell.source.startswith(("check(", "check.summary("))
        ]
        assert len(asked) > 5
        assert [cell.source for cell in asked if cell.outputs] == []
        assert [cell for cell in page.cells if cell.get("outputs")]


def test_slides_are_linked_where_they_exist(tmp_path: Path) -> None:
    name = COURSE.names[0]
    without = lesson_pages.lesson_page(COURSE, name, tmp_path).cells[0].source
    assert "Slides" not in without
    (tmp_path / f"{name}.html").touch()
    with_slides = lesson_pages.lesson_page(COURSE, name, tmp_path).cells[0].source
    assert f'<a href="../slides/{name}.html">Slides</a>' in with_slides
    assert "PDF" not in with_slides


def test_every_command_on_the_instructors_page_exists() -> None:
    commands = site_pictures.commands()
    assert {shlex.split(command)[1] for command in commands} >= {"grade", "report", "export"}
    for command in commands:
        build_parser().parse_args(shlex.split(command)[1:])


def test_a_formula_is_mathml_without_a_script(site: Path) -> None:
    page = (site / "lessons" / "03_gradients.html").read_text("utf-8")
    assert page.count("<math") > 5
    assert "<mfrac>" in page
    assert not re.search("<script[^>]*mathjax", page, re.IGNORECASE)


def test_the_reference_shows_signatures_and_docstrings_as_they_are_meant(site: Path) -> None:
    found = []
    for page in (site / "reference").glob("*.html"):
        text = page.read_text("utf-8")
        signatures = re.findall(r'<dt class="sig .*?</dt>', text, re.DOTALL)
        told = {html.unescape(re.sub(r"<[^>]+>", "", each)) for each in signatures}
        found += [(page.name, each) for each in told if re.search(r"<|~|Constraints", each)]
        # A list in columns, run together; a sentence with a colon, taken for a value's type.
        wrong = r"<p>[^<]*\S {3,}\S|Alias for field|>Type<|\((?:<em>)+[^<]* "
        found += [(page.name, each) for each in re.findall(wrong, text)]
    assert found == []


# In a browser, with the network cut


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Serve the site; give its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")  # a process has one Playwright, which other modules want too
def browser(chromium: str) -> "Iterator[Browser]":
    """Start a Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: "Browser", address: str, scheme: Any, width: int, problems: list[str]
) -> "Iterator[Page]":
    """Give a page that reaches the site alone, and notes what it misses or complains of."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )

    def only_the_site(route: "Route") -> None:
        if route.request.url.startswith(address):
            route.continue_()
        else:
            problems.append(f"{page.url} asks for {route.request.url}")
            route.abort()

    context.route("**/*", only_the_site)
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.on("response", lambda it: it.status < 400 or problems.append(f"{page.url}: no {it.url}"))
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: said.type == "error" and problems.append(f"{page.url}: {said.text}"),
    )
    yield page
    context.close()


# Leaves one text of each colour, size and ground: axe takes its time for thousands of words.
ONE_TEXT_OF_EACH_LOOK = """() => {
    const seen = new Set();
    const again = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        let above = walker.currentNode.parentElement;
        const { color, fontSize, fontWeight } = getComputedStyle(above);
        const look = [color, fontSize, fontWeight];
        for (; above; above = above.parentElement) {
            const { background, opacity, display, visibility } = getComputedStyle(above);
            look.push(background, opacity, display === 'none', visibility);
        }
        if (seen.has(look.join())) again.push(walker.currentNode);
        seen.add(look.join());
    }
    for (const text of again) text.data = '';
}"""


def violations(page: "Page") -> list[str]:
    """Return what axe finds on a page that WCAG 2.2 AA does not allow, but for contrast."""
    return asked(page, {"type": "tag", "values": WCAG}, {CONTRAST: {"enabled": False}})


def low_contrast(page: "Page") -> list[str]:
    """Return what axe finds hard to read; few words are left on the page."""
    page.evaluate(ONE_TEXT_OF_EACH_LOOK)
    return asked(page, {"type": "rule", "values": [CONTRAST]})


def asked(page: "Page", only: dict[str, Any], rules: dict[str, Any] | None = None) -> list[str]:
    """Return the first example of what breaks each of axe's rules."""
    from axe_playwright_python.sync_playwright import Axe

    # Without preload: it asks for the theme's style sheets once more, at wrong places.
    options = {"runOnly": only, "rules": rules or {}, "preload": False}
    found = Axe().run(page, options=options).response["violations"]
    first = [(each["help"], each["nodes"][0]) for each in found]
    return [f"{page.url}: {what}: {node['html'][:120]} {node['target']}" for what, node in first]


# What ends beyond the window's edge, where nothing can be scrolled to show it.
CUT_OFF = """() => [...document.querySelectorAll('article *')].filter(it => {
    if (it.closest('math, svg')) return false;
    const wide = it.matches('h1, h2, h3, p, li, dt') && it.scrollWidth > it.clientWidth + 1;
    const out = it.getBoundingClientRect().right > innerWidth + 1;
    for (let above = it; wide || out; above = above.parentElement) {
        if (above.matches('article')) return true;
        if (/auto|scroll/.test(getComputedStyle(above).overflowX)) return false;
    }
}).map(it => it.innerText.slice(0, 80))"""


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_every_page_is_whole_and_for_everybody_without_a_network(
    site: Path, address: str, browser: "Browser", scheme: str, width: int
) -> None:
    problems: list[str] = []
    assert set(pages(site)) > OF_EACH_KIND
    with opened(browser, address, scheme, width, problems) as page:
        for name in pages(site):
            page.goto(address + name)
            assert page.locator("html").get_attribute("data-theme") == scheme
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                problems.append(f"{name} is wider than {width} pixels")
            problems += [f"{name} cuts off: {text}" for text in page.evaluate(CUT_OFF)]
            blank = page.locator("img:not([alt])").count()
            problems += [f"{name}: {blank} pictures without words"] * bool(blank)
            if (scheme, width) == VIEWS[-1] or name in OF_EACH_KIND:
                problems += violations(page)
            problems += low_contrast(page)
    assert problems == []


@pytest.mark.browser
def test_search_finds_a_lesson_and_the_mode_can_be_changed(
    address: str, browser: "Browser"
) -> None:
    problems: list[str] = []
    with opened(browser, address, "light", 1280, problems) as page:
        page.goto(f"{address}search.html?q=causal+mask")
        page.wait_for_selector("#search-results a[href*='05_attention']")
        page.goto(f"{address}index.html")
        page.locator(".theme-switch-button").first.click()
        page.get_by_text("Dark", exact=True).first.click()
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.goto(f"{address}lessons/05_attention.html")
        assert page.locator("html").get_attribute("data-theme") == "dark"
        before = page.locator("a.left-prev").get_attribute("href")
        after = page.locator("a.right-next").get_attribute("href")
        assert (before, after) == ("04_mlp.html", "06_transformer.html")
        hint = page.locator("details").first
        assert hint.get_attribute("open") is None
    assert problems == []


class Links(HTMLParser):
    """What a page links to and shows, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.leads_to: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.leads_to.append(value)
            if name == "id" and value:
                self.places.add(value)


def test_no_link_is_broken(site: Path) -> None:
    known = {page: Links((site / page).read_text("utf-8")) for page in pages(site)}
    broken = []
    for page, links in known.items():
        for link in links.leads_to:
            if link.startswith(("https://", "http://127.0.0.1", "data:")):
                continue
            path, place = urldefrag(link)
            here = site / page
            target = here.parent / unquote(path).partition("?")[0] if path else here
            there = known.get(Path(os.path.relpath(target, site)).as_posix())
            if not target.is_file() or (place and there and place not in there.places):
                broken.append((page, link))
    assert broken == []


def test_the_map_draws_what_each_lessons_header_says_it_needs(site: Path) -> None:
    needs = course_graph.needs(COURSE)
    assert (needs["00"], needs["08"], needs["15"]) == ([], ["04", "06", "07"], ["10", "11", "12"])
    assert [number for number, needed in needs.items() if not needed] == ["00"]
    page = (site / "course.html").read_text("utf-8")
    (graph,) = re.findall(r'<div class="graph">.*?</svg>', page, re.DOTALL)
    assert graph.count("<path ") == sum(map(len, needs.values()))
    assert "08 needs 04, 06, 07" in html.unescape(graph)
    assert [
        name for name in COURSE.names if COURSE.lesson(name).title not in html.unescape(graph)
    ] == []


def test_no_formula_stands_between_dollars_and_no_box_is_empty(site: Path) -> None:
    for name in COURSE.names:
        page = (site / "lessons" / f"{name}.html").read_text("utf-8")
        assert "$<math" not in page, name
        boxes = re.findall(r'<div class="output stream.*?<pre>(.*?)</pre>', page, re.DOTALL)
        assert len(boxes) > 3
        assert all(re.sub(r"<[^>]+>", "", box).strip() for box in boxes), name


@pytest.mark.browser
def test_plots_can_be_read_on_a_phone(address: str, browser: "Browser") -> None:
    problems: list[str] = []
    with opened(browser, address, "light", 390, problems) as page:
        for name in ("lessons/05_attention", "lessons/13_pipelines", "course"):
            page.goto(f"{address}{name}.html")
            shares = page.evaluate(
                """() => [...document.querySelectorAll('img[src^="data:image/png"]')].map(
                    plot => plot.getBoundingClientRect().width / plot.getAttribute('width'))"""
            )
            assert len(shares) > 1
            assert min(shares) >= 0.7  # letters have ten pixels
    assert problems == []


@pytest.mark.browser
def test_titles_fit_a_phone_and_take_no_empty_line(address: str, browser: "Browser") -> None:
    problems: list[str] = []
    with opened(browser, address, "light", 390, problems) as page:
        for name in ("lessons/05_attention", "reference/bundle_ledger_home"):
            page.goto(f"{address}{name}.html")
            assert page.evaluate(
                """() => ['h1', 'h2', 'h3'].map(it => document.querySelector('article ' + it))
                    .filter(Boolean).map(it => parseFloat(getComputedStyle(it).fontSize))
                    .every((size, place, all) => !place || size < all[place - 1])"""
            )
            assert page.evaluate(
                """() => [...document.querySelectorAll('h1, h2, h3, h3 code, dt.sig')]
                    .filter(title => title.getBoundingClientRect().right > innerWidth)
                    .map(title => title.innerText)"""
            ) == []  # fmt: skip
    with opened(browser, address, "light", 1280, problems) as page:
        page.goto(f"{address}lessons/00_start.html")
        title = page.get_by_role("heading", name="How did people get from rules to nets?")
        box = title.bounding_box()
        assert box is not None
        size = title.evaluate("title => parseFloat(getComputedStyle(title).fontSize)")
        assert box["height"] < 2 * size
    assert problems == []

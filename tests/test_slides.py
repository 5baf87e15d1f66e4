"""The lessons' decks: slides in their sources, and what is made of them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from course import COURSE, ROOT
from example import copy, example
from nbformat.v4 import new_code_cell, new_output

from grader.author import slides
from grader.author.build import fingerprint
from grader.author.deck import (
    MAX_CODE_LINES,
    MAX_WORDS,
    code_lines,
    parts,
    problems,
    shown_by,
    words,
)
from grader.author.render import render_solved, render_student, secrets, to_text
from grader.cli import main
from grader.course.lessons import Course
from grader.course.source import LessonError, read
from lmcourse import drawings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST, SECOND = "00_arrays", "01_line"
DECKS = [name for name in COURSE.names if COURSE.lesson(name).slides]
SLIDE = """\
# %% [markdown] slide="Rows, then columns"
# The first axis counts *rows*.
#
# Notes: Point at a row. Then at a column.
"""


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    """A copy of the second course, to change."""
    with example(copy(tmp_path / "course")) as course:
        yield course


def write(course: Course, *slides: str) -> Path:
    """Write slides below the first cell of the first lesson; return its source."""
    path = course.paths(FIRST).source
    first, _, rest = path.read_text("utf-8").partition("\n# %%")
    path.write_text("\n".join([first, *slides]) + f"\n# %%{rest}", "utf-8")
    return path


def told(course: Course) -> str:
    return "\n".join(str(problem) for problem in problems(Course(course.root), FIRST))


# --- A slide in a source -----------------------------------------------------------------------


def test_a_slide_stands_in_no_notebook_and_has_nothing_run_again(course: Course) -> None:
    def built() -> list[str]:
        fresh = Course(course.root)
        books = [to_text(render(fresh, FIRST)) for render in (render_student, render_solved)]
        return [*books, fingerprint(fresh, FIRST)]

    before, cells = built(), course.lesson(FIRST).cells
    path = course.paths(FIRST).source
    first, *others = path.read_text("utf-8").split("\n# %%")
    path.write_text(first + "".join(f"\n{SLIDE}\n# %%{other}" for other in others), "utf-8")
    lesson = read(path)
    assert len(lesson.slides) == len(lesson.cells) - 1
    assert {slide.name for slide in lesson.slides} == {"Rows, then columns"}
    assert [cell.text for cell in lesson.cells if cell.role != "carry"] == [
        cell.text for cell in cells if cell.role != "carry"
    ]
    assert built() == before


def test_a_picture_is_above_or_nowhere(course: Course) -> None:
    path = write(course, SLIDE.replace('columns"', 'columns" picture="below"'))
    with pytest.raises(LessonError, match=r"picture='below'; a slide has picture=\"above\""):
        read(path)


def test_a_slide_is_few_words_or_code_that_students_have(course: Course) -> None:
    code = next(c.text for c in course.lesson(FIRST).cells if c.role == "setup").splitlines()[-1]
    shown = SLIDE.replace("# The first axis", f"# ```python\n# {code}\n# ```\n#\n# The first axis")
    write(course, *[SLIDE] * 8, shown)
    assert told(course) == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("*rows*", "word " * 40 + "$one + formula$", "44 words; say it in 40, and the rest in"),
        ("# Notes: ", "# ", "no notes; end the cell with a paragraph that begins Notes:"),
        ("# The", "# ```python\n# secret = 1\n# ```\n# The", "has the line 'secret = 1'"),
        ("# The", "# ```python\n" + "# import numpy\n" * 9 + "# ```\n# The", "9 lines of code; sh"),
        ("# The", "# ```\n# x\n# ```\n# ```\n# y\n# ```\n# The", "not both or two"),
        ("Point at", "Write {solution}, and point at", "'{solution}', a line of a solution"),
    ],
)
def test_what_a_slide_must_not_be(course: Course, old: str, new: str, message: str) -> None:
    lesson = course.lesson(FIRST)
    hidden = secrets(lesson, render_student(course, FIRST))
    solution = max((line for lines in hidden.values() for line in lines), key=len)
    write(course, *[SLIDE] * 8, SLIDE.replace(old, new.replace("{solution}", solution)))
    said = told(course)
    assert re.match(r".*00_arrays\.py:\d+: slide 'Rows, then columns': ", said)
    assert message.replace("{solution}", solution) in said


def test_a_deck_is_ten_to_sixteen_slides_with_the_first_and_the_last(course: Course) -> None:
    assert told(course) == ""  # nobody needs one
    write(course, *[SLIDE] * 7)
    assert "8 to 14 slides make a deck, and there are 7" in told(course)


# --- The command -------------------------------------------------------------------------------


def test_a_picture_that_is_not_there_is_said(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    write(course, *[SLIDE] * 8, SLIDE.replace('columns"', 'columns" picture="above"'))
    assert main(["--course", str(course.root), "slides"]) == 2
    assert 'picture="above", and no code cell above it shows one' in capsys.readouterr().err


def test_a_drawing_is_a_picture_too() -> None:
    drawing = drawings.heads()
    output = new_output("display_data", data=drawing.bundle())
    (picture,) = shown_by(new_code_cell("drawings.heads()", outputs=[output]), "Heads")
    assert (picture.data, picture.alt) == (drawing.svg, drawing.alt)
    assert picture.address.startswith("data:image/svg+xml;base64,")
    assert min(picture.size) > 100


def test_a_wrong_deck_is_not_written(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    write(course, *[SLIDE] * 7)
    assert main(["--course", str(course.root), "slides", "0"]) == 1
    assert "8 to 14 slides make a deck" in capsys.readouterr().out
    assert not (course.root / "build").exists()


@pytest.mark.browser
def test_the_command_writes_a_page_and_a_pdf(course: Course) -> None:
    write(course, *[SLIDE] * 8)
    ran = subprocess.run(
        [sys.executable, "-m", "grader.cli", "slides"],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == (
        f"build/slides/{FIRST}.html: 10 slides\nno deck, since there are no slide cells: {SECOND}\n"
    )
    written = sorted(path.name for path in (course.root / "build" / "slides").iterdir())
    assert written == [f"{FIRST}.html", f"{FIRST}.pdf"]


@pytest.mark.parametrize("package", ["mdit_py_plugins", "playwright", "sphinx_revealjs"])
def test_what_is_missing_is_said(
    course: Course,
    package: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where the course was installed without its extra for slides."""
    write(course, *[SLIDE] * 8)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, slides.__name__)
    monkeypatch.delattr("grader.author.slides")
    assert main(["--course", str(course.root), "slides"]) == 2
    told = capsys.readouterr().err
    assert f"{package.replace('sphinx_', 'sphinx-')} is not installed" in told
    assert "python -m pip install mdit-py-plugins playwright sphinx-revealjs" in told


def test_a_lesson_that_is_not_there_is_said(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--course", str(course.root), "slides", "7"]) == 2
    assert FIRST in capsys.readouterr().err


def test_without_chromium_there_is_the_page_alone(
    course: Course, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    write(course, *[SLIDE] * 8)
    assert main(["--course", str(course.root), "slides"]) == 1
    assert "no PDF: Chromium is not installed; type: make system" in capsys.readouterr().err
    assert [path.name for path in (course.root / "build/slides").iterdir()] == [f"{FIRST}.html"]


def test_make_slides_is_the_command() -> None:
    make = ["make", "--dry-run", "--no-print-directory", "slides"]
    lines = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert lines.splitlines()[-1] == ".venv/bin/grader slides"


# --- The decks of this course ------------------------------------------------------------------


def test_every_lesson_has_a_deck() -> None:
    assert list(COURSE.names) == DECKS


@pytest.mark.parametrize("name", DECKS)
def test_a_deck_keeps_to_its_limits_and_gives_no_solution_away(name: str) -> None:
    assert [str(problem) for problem in problems(COURSE, name)] == []
    lesson = COURSE.lesson(name)
    assert 10 <= len(lesson.slides) + 2 <= 16
    for slide in lesson.slides:
        text, notes = parts(slide)
        assert words(text) <= MAX_WORDS == 40
        assert len(code_lines(text)) <= MAX_CODE_LINES == 8
        assert notes


@pytest.fixture(scope="module")
def browser(chromium: str) -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the HTML of every deck, its pictures inside."""
    folder = tmp_path_factory.mktemp("decks")
    for name in DECKS:
        (folder / f"{name}.html").write_text(slides.html(COURSE, COURSE.lesson(name)), "utf-8")
    return folder


def open_deck(page: "Page", file: Path) -> list[str]:
    """Open a deck; return the list to which what it complains of or asks for is added."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function("() => Reveal.isReady()")
    return heard


# Of each slide: its title, and what comes near its edge, stands out of it, or is cut off within.
MEASURE = """() => [...document.querySelectorAll('.slide')].map((slide, number) => {
    Reveal.slide(number);
    const all = slide.getBoundingClientRect();
    const out = [...slide.querySelectorAll('*')].filter(element => {
        const box = element.getBoundingClientRect();
        return box.left < all.left + 24 || box.right > all.right - 24 || box.top < all.top + 24
            || box.bottom > all.bottom - 24 || (element.namespaceURI.endsWith('xhtml')
                && element.clientWidth && element.scrollWidth > element.clientWidth + 1);
    });
    const picture = slide.querySelector('img')?.getBoundingClientRect();
    return {
        title: slide.querySelector('h1, h2').innerText, size: [all.width, all.height],
        out: out.map(element => element.outerHTML.slice(0, 80)),
        picture: picture ? [picture.width, picture.height] : null,
    };
})"""


@pytest.mark.browser
@pytest.mark.parametrize("name", DECKS)
def test_no_slide_overflows_and_nothing_is_loaded(
    browser: "Browser", decks: Path, name: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
    heard = open_deck(page, decks / f"{name}.html")
    measured = page.evaluate(MEASURE)
    grounds = [ground(page)]
    page.emulate_media(color_scheme="dark")
    grounds.append(ground(page))
    page.close()
    assert heard[0] == (decks / f"{name}.html").as_uri()
    assert [line for line in heard[1:] if not line.startswith("data:")] == []
    assert len(measured) == len(COURSE.lesson(name).slides) + 2
    assert {tuple(one["size"]) for one in measured} == {(1280, 720)}
    assert {one["title"]: one["out"] for one in measured if one["out"]} == {}
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 24, 28)"]
    for one in measured:  # large enough to be read from afar
        assert one["picture"] is None or max(one["picture"]) >= 480, one["title"]


def ground(page: "Page") -> str:
    """Return the colour behind the slides."""
    colour: str = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    return colour


@pytest.mark.browser
def test_a_pictures_frame_fits_it(browser: "Browser", decks: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    open_deck(page, decks / f"{DECKS[5]}.html")
    shapes = page.evaluate(
        """() => [...document.querySelectorAll('.slide img')].map(image => {
            Reveal.slide(Reveal.getIndices(image.closest('section')).h);
            const style = getComputedStyle(image);
            return [parseFloat(style.width) / parseFloat(style.height),
                    image.naturalWidth / image.naturalHeight];
        })"""
    )
    page.close()
    assert len(shapes) > 3
    assert [(shown, own) for shown, own in shapes if abs(shown / own - 1) > 0.01] == []


@pytest.mark.browser
def test_on_a_phone_the_slides_stand_one_below_the_other(browser: "Browser", decks: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    open_deck(page, decks / f"{DECKS[5]}.html")
    page.wait_for_selector(".scroll-page")
    tops = page.evaluate(
        "() => [...document.querySelectorAll('.slide')].map(s => s.getBoundingClientRect().top)"
    )
    page.close()
    assert len(tops) > 9
    steps = [after - before for before, after in pairwise(tops)]
    assert all(200 < step < 300 for step in steps), steps


def test_quotes_are_those_of_print(course: Course) -> None:
    write(course, *[SLIDE] * 8, SLIDE.replace("*rows*", 'a "row\'s" sum `"x"`'))
    deck = slides.html(course, read(course.paths(FIRST).source))
    assert "a “row’s” sum <code>&quot;x&quot;</code>" in deck


@pytest.mark.browser
def test_what_stands_out_of_a_slide_is_found(browser: "Browser", course: Course) -> None:
    wide = SLIDE.replace("*rows*", "*" + "x" * 200 + "*")
    long = SLIDE.replace("*rows*", "*rows*\n#\n# - " + "\n# - ".join("12345678901234567890"))
    write(course, *[SLIDE] * 8, wide, long)
    file = course.root / "deck.html"
    file.write_text(slides.html(course, read(course.paths(FIRST).source)), "utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    open_deck(page, file)
    overflowing = [number for number, one in enumerate(page.evaluate(MEASURE)) if one["out"]]
    page.close()
    assert overflowing == [9, 10]


@pytest.mark.browser
def test_the_speaker_sees_the_notes_without_a_network(browser: "Browser", decks: Path) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    open_deck(page, decks / f"{DECKS[0]}.html")
    page.evaluate("() => Reveal.slide(1)")
    with context.expect_page() as opened:
        page.keyboard.press("s")
    opened.value.wait_for_function(
        "() => document.querySelector('.speaker-controls-notes .value')?.innerText"
    )
    notes = opened.value.locator(".speaker-controls-notes .value").inner_text()
    context.close()
    plain = re.sub(r"[`*]|\s", "", parts(COURSE.lesson(DECKS[0]).slides[0])[1])
    assert re.sub(r"\s", "", notes)[:40] == plain[:40]


@pytest.mark.browser
@pytest.mark.parametrize("name", DECKS)
def test_a_pdf_has_a_page_for_each_slide(browser: "Browser", decks: Path, name: str) -> None:
    slides.to_pdf(browser, decks / f"{name}.html")
    pdf = (decks / f"{name}.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == len(COURSE.lesson(name).slides) + 2
    assert set(re.findall(rb"/MediaBox \[(.*?)\]", pdf)) == {b"0 0 960 540"}  # of 1/72 inch

"""The class page in a real browser: what its one script does, and what stays in view."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from course import COURSE

from grader.checks.results import CaseResult
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.reports.pages import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

LESSON = "02_bigrams"
STUDENTS = 40
LONG = "Maximilian Alexander von Hohenstein Württemberg zu Sachsen"


def result(number: int) -> SubmissionResult:
    """Return one of a class: the higher the number, the more points; two never ran."""
    name = LONG if number == 7 else f"student {number:02}"
    odd = CaseResult("an odd case", False, 1.0)
    points = number / STUDENTS
    exercises = [
        ExerciseResult("normalise", "partial", points, 1.0, "", [odd] if number % 4 == 0 else []),
        ExerciseResult("nll", "passed", 1.0, 1.0),
        ExerciseResult("count_bigrams", "timeout" if number == 30 else "missing", 0.0, 1.0),
    ]
    status = "not_a_notebook" if number in (20, 21) else "graded"
    if status != "graded":
        exercises = [ExerciseResult(one.name, "missing", 0.0, 1.0) for one in exercises]
    return SubmissionResult(name, LESSON, "hw.ipynb", "", status, "", 1.0, exercises)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a class."""
    folder = tmp_path_factory.mktemp("class")
    gradebook = Gradebook(folder)
    for number in range(STUDENTS):
        gradebook.write(result(number))
    return write_report(COURSE, folder)


@pytest.fixture(scope="module")
def browser(chromium: str) -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser", written: Path) -> "Iterator[Page]":
    page = browser.new_page(viewport={"width": 900, "height": 700})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(written.as_uri())
    yield page
    page.close()
    assert said == []  # nothing that the page's policy refused


def names(page: "Page") -> list[str]:
    """Return the students who are shown, from the top down."""
    script = "rows => rows.filter(row => !row.hidden).map(row => row.cells[0].textContent.trim())"
    found: list[str] = page.locator(".grades tbody tr").evaluate_all(script)
    return found


def test_a_heading_sorts_up_then_down_then_as_before(page: "Page") -> None:
    before = names(page)
    assert before[:3] == ["student 20", "student 21", "student 00"]
    student = page.locator(".grades thead button").first
    student.click()
    assert names(page) == sorted(before)
    student.click()
    assert names(page) == sorted(before, reverse=True)
    assert page.locator(".grades [aria-sort]").count() == 1
    student.click()
    assert names(page) == before
    points = page.locator(".grades thead button").nth(1)
    points.click()
    points.click()
    assert names(page)[:2] == ["student 39", "student 38"]
    assert names(page)[-1] in ("student 20", "student 21")


def test_a_name_or_a_word_leaves_those_who_have_it(page: "Page") -> None:
    field = page.locator(".tools input")
    field.fill("STUDENT 3")
    assert sorted(names(page)) == [f"student {number}" for number in range(30, 40)]
    assert page.locator(".tools output").inner_text() == f"10 of {STUDENTS}"
    field.fill("took too long")
    assert names(page) == ["student 30"]
    page.get_by_role("button", name="Show everybody").click()
    assert len(names(page)) == STUDENTS
    assert not page.get_by_role("button", name="Show everybody").is_visible()


def test_what_went_wrong_leads_to_the_students_concerned(page: "Page") -> None:
    page.get_by_role("link", name="9", exact=True).click()
    met = [number for number in range(0, STUDENTS, 4) if number != 20]  # who was not graded
    assert sorted(names(page)) == [f"student {number:02}" for number in met]
    told = page.locator(".tools output").inner_text()
    assert told == f"9 of {STUDENTS}: normalise: an odd case"
    assert page.url.endswith("#lesson-1-grades")


def test_the_heading_and_the_names_stay_in_view(browser: "Browser", written: Path) -> None:
    for width in (390, 1280):
        page = browser.new_page(viewport={"width": width, "height": 700})
        page.goto(written.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator(".scroll.all")
        box.evaluate("box => { box.scrollIntoView(); box.scrollTo(150, 900); }")
        frame = box.bounding_box()
        corner = page.locator(".grades thead th").first.bounding_box()
        row = page.locator(".grades tbody tr th").nth(30)
        assert frame
        assert corner
        assert abs(corner["y"] - frame["y"]) <= 2
        assert abs(corner["x"] - frame["x"]) <= 2
        assert abs((row.bounding_box() or frame)["x"] - frame["x"]) <= 2
        heights = page.locator(".grades tbody bdi").evaluate_all(
            "found => found.map(one => one.getBoundingClientRect().height)"
        )
        assert max(heights) == min(heights)  # the longest name has one line too
        page.close()


def test_without_scripts_the_page_says_the_same(browser: "Browser", written: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(written.as_uri())
    assert page.locator(".grades tbody tr").count() == STUDENTS
    assert not page.locator(".tools").is_visible()
    context.close()

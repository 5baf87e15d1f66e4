"""Formulas in feedback pages: TeX as MathML, and as it was written where that cannot be."""

import re
from html.parser import HTMLParser

import pytest
from course import COURSE, ROOT

from grader.formats.formula import _CHOICES, _ELEMENTS, _LENGTHS, MAX_TEX, THIN, mathml
from grader.reports import cell_html
from grader.reports.cell_html import _FORMULA, _prose


class Tags(HTMLParser):
    """Which tags, and which attributes of them, a text has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}


def words(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html)


@pytest.mark.parametrize("lesson", COURSE.names)
def test_every_formula_of_the_course_is_set(lesson: str) -> None:
    cells = [cell.text for cell in COURSE.lesson(lesson).cells if not cell.is_code]
    for text in cells:
        # What stands in code, such as a shell's $HOME, is no formula.
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        html = _prose(text)
        assert html.count("<math") == len(_FORMULA.findall(prose)), text
        assert Tags(html).tags >= ({"math"} if "<math" in html else set())


def test_the_course_has_formulas() -> None:
    texts = [cell.text for name in COURSE.names for cell in COURSE.lesson(name).cells]
    assert sum(_prose(text).count("<math") for text in texts) > 150


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("the $a_1 * b * c$ of *all*", "a1*b*c of all"),
        ("$\\frac{a}{b}$", "ab"),
        ("$x < y$", "x&lt;y"),
        ("$\\text{if } x \\le 2$", "if"),
    ],
)
def test_a_formula_is_set(source: str, shown: str) -> None:
    html = _prose(source)
    assert '<math display="inline">' in html
    assert shown in words(html).replace("\u2217", "*")
    assert "$" not in html


@pytest.mark.parametrize(
    ("tex", "spaces"),
    [
        ("-\\ln p", 1),
        ("\\ln(a / b)", 0),
        ("q_j \\ln q_j", 2),
        ("\\ln \\sum_k e^{x_k}", 1),
        ("\\log_2 x", 1),
        ("\\alpha x + e^\\beta y", 0),
    ],
)
def test_the_name_of_a_function_stands_apart(tex: str, spaces: int) -> None:
    formula = mathml(tex, block=False)
    assert formula is not None
    assert formula.count(f'<mspace width="{THIN}"></mspace>') == spaces


def test_pages_decks_and_reports_ask_for_the_same_fonts() -> None:
    sheets = (
        "docs/_static/site.css",
        "grader/author/templates/deck.css",
        "grader/reports/templates/style.css",
    )
    fonts = {
        re.search(r"\bmath \{\s*font-family: ([^;]+);", (ROOT / sheet).read_text("utf-8"))[1]  # type: ignore[index]
        for sheet in sheets
    }
    assert len(fonts) == 1


def test_a_formula_between_two_dollars_has_a_line_of_its_own() -> None:
    assert '<math display="block">' in _prose("$$\n\\sum_i x_i\n$$")


@pytest.mark.parametrize(
    "source",
    [
        "$\\nosuchcommand x$",
        "$\\frac{1$",
        "$x^$",
        "$\\begin{array}{c} 1$",
        "$\\newcommand{\\x}{yy} \\x$",
        "$\\def\\x{yy} \\x$",
        "$\\boxed{x}$",
        f"${'x' * (MAX_TEX + 1)}$",
    ],
)
def test_what_cannot_be_set_stays_as_it_was_written(source: str) -> None:
    assert _prose(source) == f"<p>{source}</p>\n"


def test_money_is_no_formula() -> None:
    assert _prose("$5 for *one* and $6") == "<p>$5 for <em>one</em> and $6</p>\n"


@pytest.mark.parametrize(
    "evil",
    [
        "\\text{<script>alert(1)</script>}",
        "\\text{&lt;script&gt;alert(1)&lt;/script&gt;}",
        "\\href{javascript:alert(1)}{x}",
        "\\style{position:fixed}{x}",
        "\\class{total}{x}",
        '\\color{" onclick="alert(1)}{x}',
        '\\hspace{1em" onclick="alert(1)}',
        "\\mathrm{</math><img src=x onerror=alert(1)>}",
    ],
)
def test_nothing_in_a_formula_reaches_the_page_as_markup(evil: str) -> None:
    found = Tags(_prose(f"${evil}$"))
    assert found.tags <= _ELEMENTS | {"p"}
    assert found.attributes <= set(_CHOICES) | _LENGTHS


def test_what_stands_for_a_formula_cannot_be_typed() -> None:
    assert _prose("\ue0000\ue001 \ue0007\ue001") == "<p> </p>\n"
    html = _prose("<b title='\ue0000\ue001'>\ue0000\ue001</b> $x$")
    assert html.count("<math") == 2  # the student's own formula, twice
    assert "title" not in html


def test_a_page_has_so_many_formulas_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_html, "MAX_TEX", 5)
    budget = cell_html.Budget()
    cell = {"cell_type": "markdown", "source": "$x$"}
    assert [budget.html(cell).count("<math") for _ in range(3)] == [1, 0, 0]
    assert budget.html(cell) == "<p>$x$</p>\n"


def test_what_the_converter_gives_is_bounded() -> None:
    for part in ("{", "}", "[", "\\left(", "\\frac", "^", "'", "x_", "\\sqrt"):
        html = mathml(part * (MAX_TEX // len(part)), block=False)
        assert html is None or len(html) < 100 * MAX_TEX

"""What a check shows: one card or one line, legible on every page, light or dark."""

import re
from html.parser import HTMLParser

import pytest

from grader.checks.cards import differing, outcome_html, outcome_text, summary_html
from grader.checks.registry import Exercise
from grader.checks.results import CaseResult
from grader.checks.run import Outcome
from grader.checks.vocabulary import repeat

PAGES = {
    "JupyterLab, light": ("#ffffff", "#212121"),
    "JupyterLab, dark": ("#111111", "#ffffff"),
    "VS Code, light": ("#ffffff", "#3b3b3b"),
    "VS Code, dark": ("#1f1f1f", "#cccccc"),
    "Colab, light": ("#ffffff", "#212121"),
    "Colab, dark": ("#383838", "#d5d5d5"),
}
"""The backgrounds of cells' outputs and the colours of text on them, where notebooks are read."""

WORDS, SHAPES = 4.5, 3.0
"""The contrasts that WCAG 2.2 asks for: of words, and of what else has to be seen."""

EXERCISE = Exercise("lmcourse", "99_toy", "double", 3.0, lambda *_: iter(()), ("double",), {})
RIGHT = CaseResult("two", True, 1.0, call="double(2)", expected="4", came="4", explain="2 + 2")
LATER = CaseResult("<later>", False, 1.0, call="double(given[0])", hint="secret")
WRONG = CaseResult(
    "a row",
    False,
    1.0,
    call="double(torch.tensor([1.0, 2.0]))",
    expected="torch.tensor([2.0, 4.0])",
    came="torch.tensor([2.0, 5.0])",
    message="at [1]: expected 4, got 5 (1 of 2 numbers differ)",
    hint="use `*` & 2",
)
RAISED = CaseResult(
    "a row", False, 1.0, came="ValueError", message="ValueError: odd", line="your code, line 2: x"
)
PASSED = Outcome("passed", 1.0, [RIGHT, RIGHT])
FAILED = Outcome("partial", 1 / 3, [RIGHT, WRONG, LATER])
OUTCOMES = {
    "right": PASSED,
    "partly right": FAILED,
    "raised": Outcome("error", 0.0, [RAISED]),
    "not started": Outcome("missing", 0.0),
    "did not run": Outcome("error", 0.0, message="Nothing was checked"),
}


class Styled(HTMLParser):
    """Collects, for each text of a page, its colour and its background."""

    def __init__(self, background: str, colour: str) -> None:
        super().__init__()
        self.stack = [(background, colour)]
        self.texts: list[tuple[str, str, str]] = []
        self.edges: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        background, colour = self.stack[-1]
        style = dict(attrs).get("style") or ""
        own = dict(part.split(":", 1) for part in style.split(";") if part)
        assert "background-color" not in own
        assert "opacity" not in own
        if own.get("background", "transparent") != "transparent":
            background = own["background"]
        if own.get("color", "inherit") != "inherit":
            colour = own["color"]
        if "border-left" in own:
            self.edges.append((background, own["border-left"].split()[-1]))
        self.stack.append((background, colour))

    def handle_endtag(self, tag: str) -> None:
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((data, *self.stack[-1]))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, "#rrggbb", as WCAG 2.2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_word_can_be_read_on_every_page(page: str, outcome: str) -> None:
    seen = Styled(*PAGES[page])
    seen.feed(outcome_html(EXERCISE, OUTCOMES[outcome]))
    assert seen.texts
    assert seen.edges
    assert len(seen.stack) == 1  # every element is closed
    for text, background, colour in seen.texts:
        assert contrast(background, colour) >= WORDS, text
    for background, colour in seen.edges:
        assert contrast(background, colour) >= SHAPES


def test_colours_stand_with_their_own_background_or_not_at_all() -> None:
    for outcome in OUTCOMES.values():
        html = outcome_html(EXERCISE, outcome)
        assert "<style" not in html  # JupyterLab, Colab and GitHub drop it
        for style in re.findall(r'style="([^"]*)"', html):
            coloured = re.search(r"(^|;)color:#", style) is not None
            assert coloured == ("background:#" in style), style


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("right", "✓ right"),
        ("partly right", "✗ partly right"),
        ("raised", "✗ not right yet"),
        ("not started", "○ not started"),
    ],
)
def test_marks_and_words_say_what_colours_repeat(outcome: str, words: str) -> None:
    assert words in outcome_html(EXERCISE, OUTCOMES[outcome])
    mark, word = words.split(" ", 1)
    text = outcome_text(EXERCISE, OUTCOMES[outcome])
    assert text.startswith(f"{mark} double: {word}")


def test_a_failure_is_one_card_with_the_first_thing_to_fix() -> None:
    assert outcome_text(EXERCISE, FAILED) == (
        "✗ double: partly right (1 of 3 points)\n"
        "  The first thing to fix: a row\n"
        "    call        double(torch.tensor([1.0, 2.0]))\n"
        "    expected    torch.tensor([2.0, 4.0])\n"
        "    got         torch.tensor([2.0, 5.0])\n"
        "    difference  at [1]: expected 4, got 5 (1 of 2 numbers differ)\n"
        "    hint        use `*` & 2\n"
        "  and 2 other cases: 1 right, 1 not right yet (<later>)"
    )
    card, folded = outcome_html(EXERCISE, FAILED).split("<details>")
    assert "double(torch.tensor([1.0, 2.0]))</pre>" in card
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", card) == ["4.0", "5.0"]
    assert "&amp; 2" in card
    assert "later" not in card
    assert "&lt;later&gt;" in folded
    assert "secret" not in folded  # the second thing to fix waits
    assert "given[0]" not in folded  # check.given holds the first failure's


def test_what_was_raised_is_what_came() -> None:
    text = outcome_text(EXERCISE, OUTCOMES["raised"])
    assert "    got    ValueError: odd\n    where  your code, line 2: x" in text
    assert "difference" not in text


def test_a_pass_is_one_line_and_what_was_learnt() -> None:
    plain = CaseResult("two", True, 1.0)
    assert outcome_text(EXERCISE, Outcome("passed", 1.0, [plain])) == (
        "✓ double: right (3 of 3 points), 1 case passed"
    )
    line, *learnt = outcome_text(EXERCISE, PASSED).splitlines()
    assert line == "✓ double: right (3 of 3 points), 2 cases passed"
    assert learnt == ["  two: 2 + 2"] * 2
    card, folded = outcome_html(EXERCISE, PASSED).split("<details>")
    assert "2 + 2" in card
    assert "two" in folded
    assert "double(2)" not in folded  # a right answer needs no second look


def test_a_quiz_says_the_answer_that_was_given_and_no_other() -> None:
    wrong = CaseResult("why", False, 1.0, came="'a'", message="not this one", hint="look")
    text = outcome_text(EXERCISE, Outcome("failed", 0.0, [wrong]))
    assert "    your answer  'a', not this one\n    hint         look" in text


def test_a_probes_lines_are_there_to_be_read() -> None:
    call = "from grader.checks.vocabulary import repeat\nrepeat(globals(), double, 2)"
    exercise = Exercise("", "", "double", 1.0, EXERCISE.check, (), {"repeat": repeat})
    wrong = CaseResult("often", False, 1.0, call=call, message="odd")
    html = outcome_html(exercise, Outcome("failed", 0.0, [wrong]))
    assert "what repeat does" in html
    assert "for _ in range(times)" in html


@pytest.mark.parametrize(
    ("expected", "got", "marked"),
    [
        ("[1, 2, 3]", "[1, 5, 3]", (["2"], ["5"])),
        ("'a boot'", "'a red boot'", ([], ["red "])),
        ("", "4", ([], [])),
        ("<b>", "<i>", (["b"], ["i"])),
    ],
)
def test_what_differs_is_marked(
    expected: str, got: str, marked: tuple[list[str], list[str]]
) -> None:
    for html, parts in zip(differing(expected, got), marked, strict=True):
        assert "".join(re.findall(r"<mark[^>]*>(.*?)</mark>", html)) == "".join(parts)
        assert "<b>" not in html


def test_the_summary_has_no_colours_of_its_own() -> None:
    assert "color" not in summary_html([(EXERCISE, PASSED)])

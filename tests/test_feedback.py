"""Feedback pages: the notebook that was handed in, as a page that harms nobody who opens it."""

import base64
import json
import re
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from course import COURSE, ROOT
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grader.author.render import fill
from grader.checks.cards import outcome_text, summary_text
from grader.checks.results import CaseResult
from grader.checks.run import Outcome
from grader.gradebook import copies
from grader.gradebook.copies import copy_path, keep_copy, slug
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.reports import feedback
from grader.reports.cell_html import _prose
from grader.reports.pages import write_report
from grader.submissions.archives import MAX_FILE_BYTES
from grader.submissions.notebook import Notebook, read

LESSON = "02_bigrams"
FAILED = CaseResult("large", False, 1.0, hidden=True)


def png(width: int = 1, height: int = 1) -> str:
    """Return a PNG in base 64 that says it has this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + data).decode()


def result(student: str = "ada", status: str = "graded", **values: Any) -> SubmissionResult:
    exercises = [
        ExerciseResult("normalise", "failed", 0.0, 2.0, "", [FAILED]),
        ExerciseResult("quiz", "passed", 6.0, 6.0, "", [CaseResult("one", True, 1.0)]),
    ]
    return SubmissionResult(student, LESSON, "hw.ipynb", "", status, "", 1.0, exercises, **values)


def source(tmp_path: Path, *cells: NotebookNode) -> Path:
    path = tmp_path / "hw.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=list(cells))), "utf-8")
    return path


def page(tmp_path: Path, *cells: NotebookNode, one: SubmissionResult | None = None) -> str:
    """Return the feedback page on a notebook of these cells."""
    folder = tmp_path / "grades"
    one = one or result()
    gradebook = Gradebook(folder)
    keep_copy(folder, one.student, one.lesson, source(tmp_path, *cells))
    gradebook.write(one)
    write_report(COURSE, folder)
    return (folder / "report" / "students" / f"{slug(one.student)}.html").read_text("utf-8")


def notebook_part(text: str) -> str:
    return text.partition('<div class="notebook">')[2]


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


def kept(tmp_path: Path, *cells: Any) -> list[dict[str, Any]]:
    """Return the cells of the copy of a notebook."""
    file = tmp_path / "raw.ipynb"
    file.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": list(cells)}))
    keep_copy(tmp_path, "ada", LESSON, file)
    copied = json.loads(copy_path(tmp_path, "ada", LESSON).read_text("utf-8"))
    nbformat.validate(nbformat.from_dict(copied))
    return list(copied["cells"])


# --- What the page shows ----------------------------------------------------------------------


def test_each_result_stands_below_its_cell(tmp_path: Path) -> None:
    text = page(
        tmp_path,
        new_markdown_cell("Some *prose*"),
        new_code_cell("def normalise(counts):\n    return counts"),
        new_markdown_cell("In between"),
        new_code_cell('answer_1 = "a"'),
        new_markdown_cell("The end"),
    )
    told = words(notebook_part(text))
    order = ["Some prose", "return counts", "normalise ✗ not right yet 0 of 2"]
    order += ["In between", "answer_1", "quiz ✓ passed 6 of 6", "The end"]
    assert sorted(order, key=told.index) == order
    assert text.count('<article class="exercise"') == 2


def test_links_at_the_top_lead_to_the_results(tmp_path: Path) -> None:
    text = page(tmp_path, new_code_cell("normalise = None"), new_code_cell('answer_1 = "a"'))
    links = re.findall(r'href="#([^"]*)"', text)
    # To the code of what is to fix, to what is done, and from that code back.
    assert links == ["lesson-1-normalise-cell", "lesson-1-quiz", "lesson-1-normalise"]
    for link in links:
        assert text.count(f'id="{link}"') == 1


def test_what_is_to_fix_comes_before_all_else(tmp_path: Path) -> None:
    names = ["normalise", "nll", "quiz", "count_bigrams"]
    wrong = CaseResult("by hand", False, 1.0, hint="divide each row")
    exercises = [
        ExerciseResult("normalise", "passed", 1.0, 1.0),
        ExerciseResult("nll", "missing", 0.0, 1.0),
        ExerciseResult("quiz", "partial", 0.5, 1.0, "", [wrong]),
        ExerciseResult("count_bigrams", "failed", 0.0, 1.0, "", [wrong]),
    ]
    one = SubmissionResult(**{**vars(result()), "exercises": exercises})
    text = page(tmp_path, *(new_code_cell(f"{name} = 1") for name in names), one=one)
    told = words(text)
    order = ["0 of 1", "The first thing to fix", "Done normalise", "Your notebook"]
    order = ["To do: 3 of 4 exercises", "quiz ◐", "count_bigrams ✗", "nll ○", *order[2:]]
    assert [told.index(part) for part in order] == sorted(told.index(part) for part in order)
    assert notebook_part(text).count("The first thing to fix") == 0
    assert told.count("The first thing to fix: by hand") == 2


def test_when_nothing_is_left_that_is_said(tmp_path: Path) -> None:
    one = result()
    exercises = [ExerciseResult("normalise", "passed", 2.0, 2.0)]
    one = SubmissionResult(**{**vars(one), "exercises": exercises})
    told = words(page(tmp_path, new_code_cell("normalise = 1"), one=one))
    assert "There is nothing left to fix." in told
    assert "To do" not in told


def test_what_was_not_touched_is_folded(tmp_path: Path) -> None:
    released = nbformat.read(ROOT / "notebooks" / f"{LESSON}.ipynb", as_version=4).cells
    prose = [cell["source"] for cell in released if cell["cell_type"] == "markdown"]
    first, second, third = prose[:3]
    text = page(
        tmp_path,
        new_markdown_cell(first),
        new_markdown_cell(second + "\n"),
        new_code_cell('check("normalise")', outputs=[new_output("stream", text="✓ a: b")]),
        new_code_cell("normalise = 1"),
        new_markdown_cell(f"{third} And my note."),
        new_markdown_cell("All mine"),
    )
    part = notebook_part(text)
    titles = re.findall(r'<details class="folded"><summary>(.*?)</summary>', part)
    assert titles == ["02. Counting pairs"]  # three cells, one line
    folded = part.partition('<details class="folded">')[2].partition('<div class="cell code">')[0]
    assert words(_prose(second)).strip()[:40] in words(folded)
    assert "And my note." not in folded
    assert "And my note." in part


def test_what_check_showed_is_left_out(tmp_path: Path) -> None:
    card = {"text/html": "<div>card</div>", "text/plain": "✓ normalise: right (2 of 2 points)"}
    summary = {"text/plain": f"[{'█' * 12}{'░' * 8}] 5 of 8 points\n  ✓ normalise  2/2  right"}
    failed = new_output("error", ename="CheckFailed", evalue="", traceback=["CheckFailed: no"])
    mine = new_output("stream", text="my own print\n")
    picture = new_output("display_data", {"image/png": png(), "text/plain": "✓ normalise: a plot"})
    text = page(
        tmp_path,
        new_code_cell(
            'check("normalise")', outputs=[new_output("display_data", card), mine, picture]
        ),
        new_code_cell('x = 1\ncheck("normalise")', outputs=[failed]),
        new_code_cell("check.summary()", outputs=[new_output("display_data", summary)]),
        new_code_cell("print('✓ mine: is kept')", outputs=[new_output("stream", text="✓ a: b")]),
    )
    shown = re.findall(r'<pre class="output">(.*?)</pre>', text, re.DOTALL)
    assert shown == ["my own print\n", "✓ a: b"]
    assert 'alt="✓ normalise: a plot"' in text


def test_what_check_shows_today_is_known(tmp_path: Path) -> None:
    (exercise, *_) = COURSE.exercises(LESSON).values()
    wrong = CaseResult("one", False, 1.0, message="no")
    outcomes = [
        Outcome("passed", 1.0, [CaseResult("one", True, 1.0)]),
        Outcome("failed", 0.0, [wrong]),
        Outcome("missing", 0.0),
    ]
    texts = [outcome_text(exercise, one) for one in outcomes]
    texts.append(summary_text([(exercise, one) for one in outcomes]))
    for text in texts:
        cell = {"source": 'check("x")', "outputs": [{"text": text}]}
        assert feedback._outputs(cell) == []


def test_a_course_that_lost_its_notebook_folds_nothing(tmp_path: Path) -> None:
    assert feedback._released(COURSE, "no such lesson") == frozenset()


def test_a_result_stands_below_the_cell_that_counted(tmp_path: Path) -> None:
    mine = "def normalise(counts):\n    return 'mine'"
    stub = "def normalise(counts):\n    raise NotImplementedError('normalise is not started')"
    text = page(
        tmp_path,
        new_code_cell("def normalise(counts):\n    return 'first try'"),
        new_code_cell(mine),
        new_code_cell(stub),
    )
    below = notebook_part(text).partition('<p class="result"')[0]
    assert "mine" in below
    assert "is not started" not in below


def test_an_exercise_without_a_cell_stands_before_the_notebook(tmp_path: Path) -> None:
    text = page(tmp_path, new_code_cell("x = 1"))
    before, _, after = text.partition('<div class="notebook">')
    assert before.count('<article class="exercise"') == 2
    assert "<article" not in after


def test_without_a_copy_the_results_stand_alone(tmp_path: Path) -> None:
    Gradebook(tmp_path).write(result())
    write_report(COURSE, tmp_path)
    (path,) = (tmp_path / "report" / "students").iterdir()
    text = path.read_text("utf-8")
    assert "Your notebook" not in text
    assert text.count('<article class="exercise"') == 2


def test_what_was_not_graded_is_not_shown(tmp_path: Path) -> None:
    one = result(status="wrong_lesson")
    assert "Your notebook" not in page(tmp_path, new_code_cell("x = 1"), one=one)


def test_a_hidden_case_keeps_its_secret(tmp_path: Path) -> None:
    text = page(tmp_path, new_code_cell("def normalise(counts):\n    pass"))
    assert "large: not right" in words(text)
    assert "first thing to fix" not in text


def test_the_released_notebook_filled_in_has_every_result_below_a_cell(tmp_path: Path) -> None:
    lesson = COURSE.lesson(LESSON)
    book = nbformat.read(ROOT / "notebooks" / f"{LESSON}.ipynb", as_version=4)
    names = list(lesson.exercises())
    one = result()
    exercises = [ExerciseResult(name, "passed", 1.0, 1.0) for name in names]
    one = SubmissionResult(**{**vars(one), "exercises": exercises})
    text = page(tmp_path, *fill(book, lesson).cells, one=one)
    before, _, after = text.partition('<div class="notebook">')
    assert "<article" not in before
    assert re.findall(r'<article class="exercise" id="lesson-1-(\w+)"', after) == names
    assert re.search(r"<summary>[^<]*From earlier lessons:", after)  # folded, as in the notebook


def test_text_colours_progress_bars_and_pictures(tmp_path: Path) -> None:
    outputs = [
        new_output("stream", text=" 10%|#\r 50%|##\r100%|###\ndone\r\n"),
        new_output("error", ename="E", evalue="v", traceback=["\x1b[31mTrace\x1b[0m", "E: v"]),
        new_output("display_data", {"image/png": png(), "text/plain": 'A "bar" chart'}),
        new_output("display_data", {"image/png": png(), "text/plain": ""}),
    ]
    text = page(tmp_path, new_code_cell("x = 1", outputs=outputs))
    assert '<pre class="output">100%|###\ndone\n</pre>' in text
    assert '<pre class="output">Trace\nE: v</pre>' in text
    assert f'<img src="data:image/png;base64,{png()}" alt="A &#34;bar&#34; chart">' in text
    assert 'alt="a picture that this cell drew"' in text


# --- What it never does -----------------------------------------------------------------------

# What each tag in the notebook's part of a page may say of itself, the results' own among them.
WITH_ATTRIBUTES = {
    "article": {"class", "id"},
    "a": {"href"},
    "details": {"open", "class"},
    "div": {"class"},
    "img": {"src", "alt"},
    "p": {"class", "id"},
    "pre": {"class"},
    "span": {"class", "aria-hidden"},
    "ul": {"class"},
}
BARE = re.findall(
    r"\w+",
    "b blockquote br code dd del dl dt em h1 h2 h3 h4 h5 h6 hr i li ol s small strong sub summary "
    "sup table tbody td th thead tr",
)
EVIL = "".join(
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)><style><img src=x onerror=alert(1)></style></svg>",
        "<iframe src=https://example.org></iframe>",
        "<form action=https://example.org><input><button>log in</button></form>",
        '<a href="https://example.org" class="passed" id="lesson-1">x</a>',
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x>'>",
        "<div style='position:fixed;inset:0' class='exercise'>passed 6 of 6</div>",
        "<details open ontoggle=alert(1)><summary>y</summary></details>",
        "<link rel=stylesheet href=//example.org><meta http-equiv=refresh content=0>",
        "<base href=//example.org><object data=x></object><embed src=x><video src=x></video>",
        "</div></section></main></body></html><!-- ]]> -->",
    ]
)
MARKDOWN = [
    EVIL,
    "[click](javascript:alert(1)) <javascript:alert(1)> ![pic](https://example.org/x.png)",
    '[x]: https://example.org "title"\n\n[x] ![x]',
    f"```html\n{EVIL}\n```",
    "```mermaid\ngraph TD; A-->B\n```",
    f"| a | {EVIL} |\n|-|-|\n| b | c |",
    f"$x {EVIL}$ and $$\n{EVIL}\n$$ and \\begin{{x}}{EVIL}\\end{{x}}",
    f"# {EVIL}",
    "![shown](attachment:x.png)",
    "{{ 7 * 7 }} {% raw %} \x00 \ud800",
]


@pytest.mark.parametrize("evil", MARKDOWN)
def test_nothing_in_markdown_reaches_the_page_as_markup(tmp_path: Path, evil: str) -> None:
    cell: dict[str, Any] = {"cell_type": "markdown", "metadata": {}, "source": evil}
    one = result()
    folder = tmp_path / "grades"
    Gradebook(folder).write(one)
    path = tmp_path / "evil.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "cells": [cell]}))
    keep_copy(folder, one.student, one.lesson, path)
    write_report(COURSE, folder)
    (written,) = (folder / "report" / "students").iterdir()
    require_harmless(written.read_text("utf-8"))


def test_nothing_in_code_or_outputs_reaches_the_page_as_markup(tmp_path: Path) -> None:
    bundle = {
        "text/html": EVIL,
        "text/markdown": EVIL,
        "image/svg+xml": EVIL,
        "application/javascript": "alert(1)",
        "text/latex": EVIL,
        "application/vnd.jupyter.widget-view+json": {"model_id": "x"},
    }
    outputs = [
        new_output("stream", name="stderr", text=EVIL),
        new_output("error", ename=EVIL, evalue=EVIL, traceback=[EVIL]),
        new_output("display_data", bundle),
        new_output("execute_result", bundle | {"text/plain": EVIL}),
        new_output("display_data", {"image/png": png(), "text/plain": f'" {EVIL}'}),
        new_output("display_data", {"image/png": f'" onerror="alert(1)" {EVIL}'}),
        new_output("display_data", {"image/jpeg": png()}),
    ]
    code = f"#@title {EVIL}\n{EVIL}\nx = '''{EVIL}'''"
    text = page(tmp_path, new_code_cell(code, outputs=outputs), new_code_cell(EVIL))
    require_harmless(text)
    assert text.count("<img ") == 1
    assert text.count("[an output that cannot be shown here]") == 3


class Tags(HTMLParser):
    """The tags of a page with their attributes, and what else it has that is not text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    unknown_decl = handle_pi = handle_comment


def require_harmless(text: str) -> None:
    """Fail unless the notebook's part of a page has only harmless tags, and none of its own."""
    frame, _, part = text.partition('<div class="notebook">')
    tags = Tags(part)
    assert tags.found
    assert tags.comments == []
    for tag, attributes in tags.found:
        assert tag in BARE or tag in WITH_ATTRIBUTES
        assert set(attributes) <= WITH_ATTRIBUTES.get(tag, set())
        if tag == "img":
            assert re.fullmatch(r"data:image/png;base64,[\w+/=]+", attributes["src"] or "")
        if tag == "a":
            assert re.fullmatch(r"#lesson-1-\w+", attributes["href"] or "")
    assert part.rstrip().endswith("</html>")
    assert part.count("</html>") == part.count("</body>") == part.count("</main>") == 1
    assert "default-src 'none'; style-src 'sha256-" in frame
    assert "img-src data:;" in frame


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("![a *small* <b>](x.png)", "a *small* &lt;b&gt;"),
        ("[there](https://example.org)", "there"),
        ("~~no~~", "<s>no</s>"),
        ("| a |\n|-|\n| 1 |", "<td>1</td>"),
    ],
)
def test_markdown_is_shown_with_pictures_as_text(source: str, shown: str) -> None:
    assert shown in _prose(source)


@pytest.mark.parametrize(
    "source", ["[" * 20_000, ">" * 20_000, "a_*" * 6_000, "\\begin{a}" * 2_000]
)
def test_markdown_made_to_take_long_is_shown(tmp_path: Path, source: str) -> None:
    assert "Your notebook" in page(tmp_path, new_markdown_cell(source))


@pytest.mark.browser
def test_a_browser_runs_and_loads_nothing(tmp_path: Path, chromium: str) -> None:
    from playwright.sync_api import sync_playwright

    outputs = [new_output("display_data", {"text/html": EVIL, "text/plain": EVIL})]
    long = new_code_cell("x = '" + "long " * 100 + "y" * 500 + "'", outputs=outputs)
    page(tmp_path, *map(new_markdown_cell, MARKDOWN[:9]), long)
    (written,) = (tmp_path / "grades" / "report" / "students").iterdir()
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in (390, 1200):
            tab = browser.new_page(viewport={"width": width, "height": 900})
            tab.on("request", lambda request: asked.append(request.url))
            tab.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
            tab.goto(written.as_uri())
            # Nothing is wider than a phone.
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert asked == [written.as_uri()] * 2


# --- What is kept -----------------------------------------------------------------------------


def test_a_copy_is_a_notebook_that_can_be_read_again(tmp_path: Path) -> None:
    path = ROOT / "notebooks" / f"{LESSON}.ipynb"
    keep_copy(tmp_path, "ada", LESSON, path)
    copy, original = (
        read(copy_path(tmp_path, "ada", LESSON), COURSE.names),
        read(path, COURSE.names),
    )
    assert isinstance(copy, Notebook)
    assert isinstance(original, Notebook)
    assert copy.lesson == LESSON
    assert [c.source for c in copy.cells] == [c.source for c in original.cells]


def test_a_copy_is_small_whatever_was_handed_in(tmp_path: Path) -> None:
    code: dict[str, Any] = {"cell_type": "code", "source": "x" * 100_000, "metadata": {}}
    stream = {"output_type": "stream", "name": "stdout", "text": ["line\n" * 100] * 20}
    code["outputs"] = [stream] * 30
    cells = kept(tmp_path, *[code] * 20, *[{"cell_type": "markdown", "source": "y"}] * 1000)
    assert copy_path(tmp_path, "ada", LESSON).stat().st_size < 2 * copies.MAX_TEXT
    assert len(cells) == copies.MAX_CELLS + 1
    assert cells[-1]["source"] == "520 more cells are left out here."
    assert cells[0]["source"].endswith("\n[80,000 more characters are left out here]")
    assert cells[0]["outputs"][0]["text"].endswith("\n[5,000 more characters are left out here]")
    assert cells[0]["outputs"][-1]["text"] == "[10 more outputs are left out here]"
    assert cells[15]["source"] == "\n[100,000 more characters are left out here]"


def test_a_file_that_is_too_large_to_grade_is_not_kept(tmp_path: Path) -> None:
    path = source(tmp_path, new_code_cell("x = 1"))
    with path.open("a") as stream:
        stream.write(" " * MAX_FILE_BYTES)
    keep_copy(tmp_path, "ada", LESSON, path)
    assert not copy_path(tmp_path, "ada", LESSON).exists()


@pytest.mark.parametrize(
    "bad",
    [
        png(5000, 5000),  # a few bytes that fill a reader's memory
        base64.b64encode(b"GIF89a" + b"\0" * 50).decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(),
        "not base 64",
        "A" * (copies.MAX_PICTURE + 1),
        {"an": "object"},
    ],
)
def test_only_true_and_small_pictures_are_kept(tmp_path: Path, bad: Any) -> None:
    output = {"output_type": "display_data", "data": {"image/png": bad, "text/plain": "alt"}}
    (cell,) = kept(tmp_path, {"cell_type": "code", "source": "", "outputs": [output]})
    assert cell["outputs"] == [{"output_type": "stream", "name": "stdout", "text": "alt"}]


def test_all_pictures_together_are_bounded(tmp_path: Path) -> None:
    picture = base64.b64encode(base64.b64decode(png()) + b"\0" * 500_000).decode()
    output = {"output_type": "display_data", "data": {"image/png": picture}}
    code = {"cell_type": "code", "source": "", "outputs": [output] * 20}
    (cell,) = kept(tmp_path, code)
    shown = [o for o in cell["outputs"] if o["output_type"] == "display_data"]
    assert len(shown) == copies.MAX_PICTURES // len(picture)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"nbformat": 4}',
        b'{"nbformat": "x", "cells": {}}',
        b'{"nbformat": 3, "worksheets": 3}',
        b"[" * 200_000,
    ],
)
def test_of_what_is_no_notebook_there_is_no_copy(tmp_path: Path, data: bytes) -> None:
    path = source(tmp_path, new_code_cell("x = 1"))
    keep_copy(tmp_path, "ada", LESSON, path)
    assert copy_path(tmp_path, "ada", LESSON).exists()
    path.write_bytes(data)
    keep_copy(tmp_path, "ada", LESSON, path)  # nor an old one that would mislead
    assert not copy_path(tmp_path, "ada", LESSON).exists()
    keep_copy(tmp_path, "ben", LESSON, tmp_path / "nowhere.ipynb")
    keep_copy(tmp_path, "ben", LESSON, tmp_path)


def test_odd_cells_are_kept_as_far_as_they_go(tmp_path: Path) -> None:
    odd = [1, None, {}, {"cell_type": 3, "source": {"a": 1}}, {"cell_type": "code", "outputs": {}}]
    odd.append({"cell_type": "code", "source": ["a\n", 1, "b"], "outputs": [1, {}, {"data": 7}]})
    cells = kept(tmp_path, *odd)
    assert cells[-1]["source"] == "a\nb"
    assert {o["text"] for o in cells[-1]["outputs"]} == {"[an output that cannot be shown here]"}


def test_an_old_notebook_is_kept_as_a_new_one(tmp_path: Path) -> None:
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell(input="x = 1")])]
    )
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old))
    keep_copy(tmp_path, "ada", LESSON, path)
    copy = json.loads(copy_path(tmp_path, "ada", LESSON).read_text())
    assert [cell["source"] for cell in copy["cells"]] == ["x = 1"]


@pytest.mark.parametrize("student", ["../../etc/passwd", "a/b", "", "n" * 300, "\u202egnp.exe"])
def test_a_copy_lies_in_the_gradebooks_folder(tmp_path: Path, student: str) -> None:
    folder = tmp_path / "grades"
    path = source(tmp_path, new_code_cell("x = 1"))
    keep_copy(folder, student, LESSON, path)
    keep_copy(folder, student, "", path)
    assert sorted(p.name for p in folder.rglob("*.ipynb")) == [f"{LESSON}.ipynb", "no-lesson.ipynb"]
    assert {p.parent.parent for p in folder.rglob("*.ipynb")} == {folder / copies.FOLDER}


def test_the_same_notebook_gives_the_same_bytes(tmp_path: Path) -> None:
    path = ROOT / "notebooks" / f"{LESSON}.ipynb"
    for folder in ("one", "two"):
        keep_copy(tmp_path / folder, "ada", LESSON, path)
        Gradebook(tmp_path / folder).write(result())
        write_report(COURSE, tmp_path / folder)
    one, two = (
        {
            path.relative_to(tmp_path / folder): path.read_bytes()
            for path in (tmp_path / folder).rglob("*")
            if path.suffix in (".html", ".ipynb", ".csv")
        }
        for folder in ("one", "two")
    )
    assert one == two
    assert len(one) == 4

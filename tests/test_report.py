import base64
import csv
import hashlib
import os
import re
from html.parser import HTMLParser

import pytest
from course import COURSE

from grader.checks.results import CaseResult
from grader.checks.run import Outcome
from grader.formats.spreadsheet import plain
from grader.gradebook.adjustments import merge
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.reports.pages import EXERCISE_STATUSES, SUBMISSION_STATUSES, slug, write_report

HOSTILE = [
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "n" * 300,
    "\u202egnp.exe\u202c",
    "\U0001f600",
    "=HYPERLINK(0)",
    "a/b\\c",
    "con",
]


def exercise(name="normalise", status="passed", points=2.0, cases=(), message=""):
    return ExerciseResult(name, status, points, 2.0, message, list(cases))


def submission(student="ada", *exercises, lesson="02_bigrams", status="graded", message=""):
    return SubmissionResult(
        student, lesson, "hw.ipynb", "", status, message, 1.25, list(exercises or [exercise()])
    )


def report(folder, *results, **facts):
    """Write a gradebook and its report, and return the report's folder."""
    gradebook = Gradebook(folder)
    for result in results:
        gradebook.write(result)
    gradebook.describe_run({"sandbox": "bwrap", "torch": "2.6.0", **facts})
    return write_report(COURSE, folder).parent


def feedback(folder, *results):
    """Return the text of the only student's page."""
    (page,) = (report(folder, *results) / "students").iterdir()
    return Page(page)


def grades(folder):
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


class Page(HTMLParser):
    """A page's tags with their attributes, and its text as a reader meets it."""

    VOID = ("meta", "rect", "line", "input", "wbr")

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.source = path.read_text("utf-8")
        self.tags = []
        self.words = []
        self.open = []
        self.feed(self.source)
        self.close()
        assert self.open == []
        self.text = re.sub(r"\s+", " ", " ".join(self.words)).replace(" \u200b ", "")

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "wbr":
            self.words.append("\u200b")

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open and "script" not in self.open:
            self.words.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


CASES = [
    CaseResult("by hand", True, 1.0, explain="a row sums to one"),
    CaseResult(
        "empty row",
        False,
        1.0,
        expected="float32 tensor (2, 2)",
        came="float64 tensor (2,)",
        message="the shapes differ",
        line="cell 3, line 2: return counts",
        hint="keep the dimension",
    ),
    CaseResult("random", False, 1.0, message="second failure", hint="second hint"),
    CaseResult("large", False, 1.0, message="secret", hint="secret hint", hidden=True),
]


def test_the_class_page_shows_every_student_and_exercise(tmp_path):
    folder = report(
        tmp_path,
        submission("ada", exercise("normalise"), exercise("nll", "partial", 4 / 3)),
        submission("ben", exercise("normalise", "missing", 0.0), exercise("nll", "timeout", 0.0)),
    )
    page = Page(folder / "index.html")
    assert "2 submissions, 2 graded; median 1.67 of 4 points" in page.text
    assert re.search(r"ada 3\.33 ✓ 2 passed ◐ 1\.33 partly right", page.text)
    assert re.search(r"ben 0 ○ 0 not started ! 0 took too long", page.text)
    assert re.search(r"normalise 50 % 1 of 2", page.text)
    assert re.search(r"nll 33 % 0 of 2", page.text)


def test_each_name_leads_to_that_students_feedback(tmp_path):
    folder = report(tmp_path, submission("ada"), submission("ben"))
    links = [link["href"] for link in Page(folder / "index.html").named("a")]
    assert links == ["grades.csv", f"students/{slug('ada')}.html", f"students/{slug('ben')}.html"]
    for link, name in zip(links[1:], ("ada", "ben"), strict=True):
        assert f"Feedback for {name}" in Page(folder / link).text
    assert (folder / "grades.csv").exists()


def test_the_histogram_counts_each_graded_student_once(tmp_path):
    points = [0.0, 0.0, 0.2, 1.0, 1.8, 2.0]
    rows = [submission(f"student-{i}", exercise(points=p)) for i, p in enumerate(points)]
    page = Page(report(tmp_path, *rows, submission("z", status="empty")) / "index.html")
    assert "0 to 10 %: 2. 10 to 20 %: 1. 50 to 60 %: 1. 90 to 100 %: 2." in page.text


def test_what_could_not_be_graded_says_why(tmp_path):
    sentence = "This file is not a notebook. Hand in that file."
    bad = submission("ben", exercise(status="missing", points=0.0), message=sentence)
    bad = SubmissionResult(**{**vars(bad), "status": "not_a_notebook"})
    folder = report(tmp_path, submission("ada"), bad)
    page = Page(folder / "index.html")
    assert "2 submissions, 1 graded" in page.text
    assert f"ben 0 ! not a notebook {sentence}" in page.text
    assert "normalise 100 % 1 of 1" in page.text
    mine = Page(folder / "students" / f"{slug('ben')}.html")
    assert f"Not graded: not a notebook. {sentence}" in mine.text
    assert "normalise" not in mine.text


def test_a_class_where_nothing_could_be_graded(tmp_path):
    result = SubmissionResult("ada", "", "x.ipynb", "", "empty", "No code.", 0.0, [])
    page = Page(report(tmp_path, result) / "index.html")
    assert "Files of no lesson 1 submission, 0 graded." in page.text
    assert page.named("svg") == []


def test_the_class_page_says_how_well_an_exercise_tells_students_apart(tmp_path):
    rows = [
        submission(f"student-{i}", exercise("normalise", points=a), exercise("quiz", points=b))
        for i, (a, b) in enumerate([(0.0, 0.0), (0.0, 0.5), (2.0, 1.5), (2.0, 2.0)])
    ]
    page = Page(report(tmp_path, *rows) / "index.html")
    assert "normalise 50 % 2 of 4 0.95 quiz 50 % 1 of 4 0.95" in page.text


def test_the_class_page_says_what_went_wrong(tmp_path):
    known = CaseResult(
        "by hand", False, 1.0, hint="Put the last pair in: the last pair counts too."
    )
    wrong = exercise("count_bigrams", "failed", 0.0, [known])
    other = exercise("nll", "partial", 1.0, [CaseResult("a long text", False, 1.0)])
    rows = [submission(name, wrong, other) for name in ("ada", "ben")]
    page = Page(report(tmp_path, *rows, submission("cleo", wrong, exercise("nll"))) / "index.html")
    assert "count_bigrams drops the last pair a known mistake 3 nll a long text 2" in page.text
    assert "went wrong" not in Page(report(tmp_path / "good", submission()) / "index.html").text


def test_those_who_need_attention_come_first(tmp_path):
    rows = [
        submission("ann", exercise()),
        submission("bob", exercise(points=0.5, status="partial")),
        submission("cyd", exercise(points=0.0, status="missing"), status="not_submitted"),
        submission("dee", exercise(points=0.0, status="missing"), status="not_a_notebook"),
        submission("eve", exercise(points=0.0, status="failed")),
    ]
    page = Page(report(tmp_path, *rows) / "index.html")
    names = re.findall(r"<bdi>(\w+)</bdi>", page.source)
    assert names == ["dee", "cyd", "eve", "bob", "ann"]


def test_what_went_wrong_knows_its_students(tmp_path):
    cases = [CaseResult(f"case {i}", False, 1.0) for i in range(2)]
    rows = [
        submission("ann", exercise("nll", "failed", 0.0, cases[:1])),
        submission("bob", exercise("nll", "failed", 0.0, cases[1:]), exercise("quiz")),
        submission("cyd", exercise("nll", "failed", 0.0, cases), exercise("quiz", "timeout", 0.0)),
        submission("dee", exercise("nll")),
    ]
    page = Page(report(tmp_path, *rows) / "index.html")
    asked = {a["title"]: a["data-failure"] for a in page.named("a") if "data-failure" in a}
    assert list(asked) == ["nll: case 0", "nll: case 1", "quiz: timeout"]
    row = re.compile(r'<tr(?: data-met="([\d ]*)")?>\s*<th scope="row"><a [^>]*><bdi>(\w+)')
    met = {name: numbers.split() for numbers, name in row.findall(page.source)}
    one, other, late = asked.values()
    assert met == {"ann": [one], "bob": [other], "cyd": [one, late], "dee": []}


def adjusted(folder):
    """Report on three submissions about which people have decided something."""
    gradebook = Gradebook(folder)
    for student in ("ada", "ben", "cleo"):
        gradebook.write(submission(student, exercise("normalise"), exercise("quiz", "failed", 0.0)))
    lost = submission("dan", exercise("normalise", "missing", 0.0), status="not_a_notebook")
    gradebook.write(lost)
    texts = {
        "due": "lesson,due,percent_a_day,at_most_percent,grace_minutes\n"
        "02_bigrams,2026-03-01T23:59+01:00,10,50,0\n",
        "came": "student,lesson,submitted_at\nada,02_bigrams,2026-03-03T11:00Z\n",
        "manual": "student,lesson,exercise,points,comment\n"
        "ben,02_bigrams,quiz,1.5,Well argued <b>indeed</b>\n"
        "ben,02_bigrams,,,=See me\n"
        "dan,02_bigrams,normalise,1,Seen on paper\n",
    }
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    merge(COURSE, folder, [folder / f"{name}.csv" for name in texts])
    return write_report(COURSE, folder).parent


def test_the_class_page_shows_what_people_decided(tmp_path):
    page = Page(adjusted(tmp_path) / "index.html")
    assert re.search(r"ada 1\.6 −0\.4, 2 days late ✓ 2 passed ✗ 0 not right yet", page.text)
    assert re.search(r"ben 3\.5 ✓ 2 passed ✎ 1\.5 by hand", page.text)
    assert re.search(r"cleo 2 ✓ 2 passed", page.text)
    assert re.search(r"dan 1 not a notebook ✎ 1 by hand not asked", page.text)
    assert "median 2 of 4 points" in page.text


def test_feedback_shows_what_people_decided(tmp_path):
    folder = adjusted(tmp_path) / "students"
    late, seen, paper = (Page(folder / f"{slug(name)}.html").text for name in ("ada", "ben", "dan"))
    assert "1.6 of 4 points Due 2026-03-01 23:59+01:00 , handed in 2026-03-03 12:00+01:00" in late
    assert "2 days late. Of the 2 points earned, 20 % are taken off: 0.4." in late
    assert "A person gave these points. The checks gave 0: not right yet." in seen
    assert "Comment Well argued <b>indeed</b>" in seen
    assert seen.index("Comment =See me") < seen.index("normalise")
    assert "late" not in seen
    assert "Not graded: not a notebook." in paper
    assert "normalise ✎ by hand 1 of 2" in paper
    assert "Comment Seen on paper" in paper


def test_grades_csv_holds_what_people_decided(tmp_path):
    ada, ben, cleo, dan = grades(adjusted(tmp_path))
    assert (ada["points"], ada["late_penalty"], ada["quiz"]) == ("1.6", "0.4", "0")
    assert (ben["points"], ben["quiz"], ben["comment"]) == ("3.5", "1.5", "'=See me")
    assert (cleo["points"], cleo["late_penalty"], cleo["comment"]) == ("2", "0", "")
    assert (dan["points"], dan["normalise"]) == ("1", "1")


def test_files_of_no_lesson_come_last(tmp_path):
    lost = SubmissionResult("ada", "", "x.ipynb", "", "empty", "No code.", 0.0, [])
    folder = report(tmp_path, submission("ada"), lost)
    for path in folder.rglob("*.html"):
        text = Page(path).text
        assert text.index("02_bigrams") < text.index("No code.")
    assert [row["lesson"] for row in grades(folder)] == ["02_bigrams", ""]


def test_an_empty_gradebook_gives_a_page(tmp_path):
    assert "Grades" in Page(report(tmp_path) / "index.html").text


def test_no_gradebook_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="grader grade"):
        write_report(COURSE, tmp_path)


def test_each_lesson_has_its_section(tmp_path):
    folder = report(
        tmp_path,
        submission("ada", exercise("encode"), exercise("quiz"), lesson="01_data"),
        submission("ada", exercise("nll", points=1.0), exercise("quiz", points=0.5)),
        submission("ben", exercise("nll"), exercise("quiz")),
    )
    page = Page(folder / "index.html")
    sections = re.split(r"(?=01_data|02_bigrams)", page.text.split("What the words mean")[0])
    first, second = sections[-2:]
    assert "1 submission, 1 graded" in first
    assert "encode" in first
    assert "nll" not in first
    assert "2 submissions, 2 graded" in second
    anchors = [link["href"] for link in page.named("a") if link["href"].startswith("#")]
    assert set(anchors) <= {"#" + item["id"] for _, item in page.tags if "id" in item}
    mine = Page(folder / "students" / f"{slug('ada')}.html").text
    assert mine.index("01_data") < mine.index("4 of 4 points") < mine.index("02_bigrams")


def test_feedback_stops_at_the_first_thing_to_fix(tmp_path):
    page = feedback(tmp_path, submission("ada", exercise("nll", "partial", 0.5, CASES)))
    assert "0.5 of 2 points" in page.text
    assert "The first thing to fix: empty row" in page.text
    for shown in (
        "expected float32 tensor (2, 2)",
        "got float64 tensor (2,)",
        "difference the shapes differ",
        "where cell 3, line 2: return counts",
        "hint keep the dimension",
        "1 more case is not right yet",
        "1 case is right",
        "by hand a row sums to one",
    ):
        assert shown in page.text
    assert "second" not in page.source


def test_a_hidden_case_shows_its_name_and_outcome_alone(tmp_path):
    page = feedback(tmp_path, submission("ada", exercise("nll", "partial", 0.5, CASES)))
    assert "Asked only when grading: ✗ large: not right" in page.text
    assert "secret" not in page.source


def test_if_only_hidden_cases_fail_there_is_no_first_thing_to_fix(tmp_path):
    page = feedback(tmp_path, submission("ada", exercise("nll", "partial", 1.0, CASES[::3])))
    assert "first thing" not in page.text
    assert "large: not right" in page.text


def test_what_was_not_started_has_nothing_to_fix(tmp_path):
    page = feedback(tmp_path, submission("ada", exercise("nll", "missing", 0.0, CASES[1:])))
    assert "nll ○ not started 0 of 2" in page.text
    assert "first thing" not in page.text
    assert "Asked only" not in page.text


def test_code_in_a_hint_is_shown_as_code(tmp_path):
    hints = {"nll": "write `x < y`, not `y`", "quiz": "a lone ` < stays"}
    rows = [
        exercise(name, "failed", 0.0, [CaseResult("one", False, 1.0, hint=hint)])
        for name, hint in hints.items()
    ]
    page = feedback(tmp_path, submission("ada", *rows))
    assert "<dd>write <code>x &lt; y</code>, not <code>y</code></dd>" in page.source
    assert "<dd>a lone ` &lt; stays</dd>" in page.source


def test_messages_reach_the_student(tmp_path):
    lost = exercise("nll", "timeout", 0.0, message="it took longer than 10 s")
    page = feedback(tmp_path, submission("ada", lost, message="There are several files."))
    assert "It took longer than 10 s" in page.text
    assert "There are several files." in page.text


def test_every_status_has_a_word_and_a_sentence(tmp_path):
    told = re.search(r"one of (passed.*?)\.", Outcome.__doc__, re.DOTALL)
    statuses = set(re.findall(r"\w+", told[1])) | {"forbidden"}
    assert set(EXERCISE_STATUSES) == statuses
    assert set(SUBMISSION_STATUSES) == set(re.findall(r'"(\w+)"', SubmissionResult.__doc__))
    rows = [exercise(f"e{i}", name, 0.0) for i, name in enumerate(sorted(statuses))]
    folder = report(tmp_path, submission("ada", *rows))
    page = Page(folder / "index.html").text
    for status in [*EXERCISE_STATUSES.values(), *SUBMISSION_STATUSES.values()]:
        assert status.sentence.endswith(".")
        if status.word != "graded":
            assert f"{status.word} : {status.sentence}" in page


@pytest.mark.parametrize(("mode", "warned"), [("none", True), ("bwrap", False)])
def test_grading_without_a_sandbox_is_said_at_the_top(tmp_path, mode, warned):
    page = Page(report(tmp_path, submission(), sandbox=mode) / "index.html")
    assert ("Graded without a sandbox." in page.text.split("02_bigrams")[0]) is warned
    assert f"sandbox {mode}" in page.text
    assert "torch 2.6.0" in page.text


def test_hostile_names_stay_text(tmp_path):
    folder = report(tmp_path, *[submission(name) for name in HOSTILE])
    pages = [folder / "index.html", *(folder / "students").iterdir()]
    assert len(pages) == len(HOSTILE) + 1
    assert {path.parent for path in pages} == {folder, folder / "students"}
    shown = Page(pages[0])
    for name in HOSTILE:
        assert name in "".join(shown.words)
    for path in pages:
        assert Page(path).named("script") == ([{}] if path == pages[0] else [])


def test_hostile_code_stays_text(tmp_path):
    evil = (
        "</code></dd><script>alert(1)</script><img src=x onerror=alert(1)> \ud800 \x00 {{ 7 * 7 }}"
    )
    case = CaseResult(
        evil, False, 1.0, expected=evil, came=evil, message=evil, line=evil, hint=evil
    )
    page = feedback(tmp_path, submission("ada", exercise("nll", "failed", 0.0, [case])))
    assert page.named("script") == page.named("img") == []
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text


def digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_pages_run_no_script_but_one_of_ours_and_load_nothing(tmp_path):
    folder = report(tmp_path, submission("ada", exercise("nll", "partial", 1.0, CASES)))
    scripts = {}
    for path in folder.rglob("*.html"):
        page = Page(path)
        metas = page.named("meta")
        (policy,) = [
            m["content"] for m in metas if m.get("http-equiv") == "Content-Security-Policy"
        ]
        style = re.search(r"<style>(.*?)</style>", page.source, re.DOTALL)[1]
        assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest(style)}';")
        scripts[path.name] = re.findall(r"<script>(.*?)</script>", page.source, re.DOTALL)
        allowed = re.findall(r"script-src ([^;]*);", policy)
        assert allowed == [f"'sha256-{digest(script)}'" for script in scripts[path.name]]
        assert "url(" not in style
        assert "@import" not in style
        for _, attributes in page.tags:
            assert "style" not in attributes
            assert not any(name.startswith("on") for name in attributes)
            for name in ("src", "href"):
                assert "//" not in attributes.get(name, "")
    assert {name: len(found) for name, found in scripts.items()} == {
        "index.html": 1,
        f"{slug('ada')}.html": 0,
    }


def test_pages_can_be_read_without_seeing_colours(tmp_path):
    page = Page(report(tmp_path, submission("ada")) / "index.html")
    assert page.named("html") == [{"lang": "en"}]
    assert all(cell.get("scope") in ("col", "colgroup", "row") for cell in page.named("th"))
    described = {item["id"] for _, item in page.tags if "id" in item}
    for _, attributes in page.tags:
        for name in attributes.get("aria-labelledby", "").split():
            assert name in described
    for picture in page.named("svg"):
        assert picture.get("aria-hidden") or picture.get("aria-labelledby")


def test_slugs_are_safe_and_never_the_same():
    names = [*HOSTILE, "ada", "Ada", "ada ", "", "Zo\u00eb", "Zoe\u0308", slug("Ada")]
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    for one in slugs:
        assert re.fullmatch(r"[a-z0-9-]{1,60}", one)
        assert not one.startswith("-")
    assert slug("ada").startswith("ada-")


def test_grades_csv_has_a_row_for_each_submission(tmp_path):
    folder = report(
        tmp_path,
        submission("ada", exercise("encode"), exercise("quiz", points=1.0), lesson="01_data"),
        submission("ada", exercise("nll", points=4 / 3), exercise("quiz", points=0.0)),
    )
    assert grades(folder) == [
        {
            "student": "ada",
            "lesson": "01_data",
            "points": "3",
            "max_points": "4",
            "status": "graded",
            "late_penalty": "0",
            "comment": "",
            "encode": "2",
            "quiz": "1",
            "nll": "",
        },
        {
            "student": "ada",
            "lesson": "02_bigrams",
            "points": "1.33",
            "max_points": "4",
            "status": "graded",
            "late_penalty": "0",
            "comment": "",
            "encode": "",
            "quiz": "0",
            "nll": "1.33",
        },
    ]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_grades_csv_holds_no_formulas(tmp_path, first):
    name = f'{first}HYPERLINK("x"),1'
    (row,) = grades(report(tmp_path, submission(name)))
    assert row["student"].startswith("'")
    assert plain(row["student"]) == name


def test_grades_csv_keeps_other_names_as_they_are(tmp_path):
    names = ["Zoë, the second", 'a "b"', "a=b", "\U0001f600"]
    rows = grades(report(tmp_path, *[submission(name) for name in names]))
    assert sorted(row["student"] for row in rows) == sorted(names)


def test_an_exercise_that_only_some_were_asked_leaves_a_gap(tmp_path):
    folder = report(
        tmp_path,
        submission("ada", exercise("nll")),
        submission("ben", exercise("nll"), exercise("quiz")),
    )
    assert "ada 2 ✓ 2 passed not asked" in Page(folder / "index.html").text


def test_the_same_gradebook_gives_the_same_bytes(tmp_path):
    rows = [submission(name, exercise(cases=CASES)) for name in HOSTILE]
    one = report(tmp_path / "one", *rows)
    two = report(tmp_path / "two", *reversed(rows))
    assert write_report(COURSE, tmp_path / "two").parent == two

    def contents(folder):
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}

    assert contents(one) == contents(two)
    assert len(contents(one)) == len(HOSTILE) + 2


def test_pages_of_students_who_left_are_removed(tmp_path):
    folder = report(tmp_path, submission("ada"))
    (folder / "students" / "old.html").write_text("old")
    write_report(COURSE, tmp_path)
    assert os.listdir(folder / "students") == [f"{slug('ada')}.html"]

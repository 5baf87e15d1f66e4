import csv
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from course import COURSE

from grader.checks.results import CaseResult
from grader.formats.spreadsheet import Table, cell, plain, read_table
from grader.gradebook.copies import slug
from grader.gradebook.scores import ExerciseScore, FinalScore, Late
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.reports import exports
from grader.reports.exports.moodle import merge as merge_moodle
from grader.reports.exports.submission import github, github_points, gradescope

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Notes,Essay (11),Bigrams (12),Current Score
,,,,,,Manual Posting,,(read only)
    Points Possible,,,,,,-5,10,(read only)
"Lovelace, Ada",101,s1,ada@x.edu,"One, Two",=1+1,-3,,50
"Babbage, Charles",102,s2,cb7,One,,,7,50
"Hopper, Grace",103,s3,grace,One,,,EX,50
"=HYPERLINK(""x"")",104,s4,evil,One,,,3,50
"""
MOODLE = """\
Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,\
Last modified (submission),Last modified (grade),Feedback comments
Participant 7,Ada Lovelace,ada@x.edu,Submitted for grading,,100.00,Yes,"Friday, 1 May 2026",-,
Participant 8,Charles Babbage,cb@x.edu,Submitted for grading,55.00,100.00,Yes,-,-,Well argued.
Participant 9,Grace Hopper,g@x.edu,Submitted for grading,,100.00,No,-,-,
Participant 10,@evil,e@x.edu,No submission,,100.00,Yes,-,-,
"""


def exercise(name="nll", status="passed", points=2.0, cases=(), message=""):
    return ExerciseResult(name, status, points, 2.0, message, list(cases))


def submission(student, *results, lesson="02_bigrams", status="graded", message=""):
    return SubmissionResult(
        student=student,
        lesson=lesson,
        file="hw.ipynb",
        fingerprint="",
        status=status,
        message=message,
        seconds=1.25,
        exercises=list(results or [exercise()]),
    )


@pytest.fixture
def export(tmp_path, capsys):
    """Return a function that exports submissions: the status, what was said, the output."""

    def run(kind, *results, roster=None, out="out", **options):
        gradebook = Gradebook(tmp_path / "grades")
        for result in results:
            gradebook.write(result)
        if roster is not None:
            (tmp_path / "roster.csv").write_bytes(
                roster if isinstance(roster, bytes) else roster.encode()
            )
            options["roster"] = tmp_path / "roster.csv"
        path = tmp_path / out
        status = exports.main(COURSE, kind, tmp_path / "grades", path, **options)
        return status, capsys.readouterr().out, path

    return run


def rows(path: Path, delimiter=","):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


FORMULAS = (
    "=1",
    "+a",
    "-a",
    "@a",
    "-1+1",
    "=1+1",
    "＝1",
    "＋a",
    "－a",
    "＠a",
    "﹦1",
    "'=1",
    "''＝1",
)
NO_FORMULAS = ("-1", "+1.5", "-1,5", "12", "-", "50%", "a=b", "", "O'Neill", "a -b", "1;2", "Zoë")


def test_formulas_become_text_and_numbers_stay():
    for formula in FORMULAS:
        assert cell(formula) == f"'{formula}"
    for text in NO_FORMULAS:
        assert cell(text) == text


def test_a_cell_is_no_formula_however_a_spreadsheet_divides_the_file():
    """A file with commas that is read as one with semicolons, or the reverse, has other cells."""
    for before in (*"\t\r\n ;,|", "x;", 'x, "', "a\n", "\u200b", "\ufeff", " \u2060", "-1;"):
        for formula in FORMULAS:
            text = cell(before + formula)
            for read in (text, *re.split(r"[;,\t\r\n|]", text)):
                start = read.strip(' "\ufeff\u200b\u2060')
                assert start == "-1" or start[:1] not in tuple("=+-@＝＋－＠﹦")


def test_what_goes_before_a_formula_can_be_taken_away():
    ends = ("", "x;", 'x, "', "\n", " ")
    texts = [end + text for end in ends for text in (*FORMULAS, *NO_FORMULAS, "''", "'x")]
    assert [plain(cell(text)) for text in texts] == texts
    assert len({cell(text) for text in texts}) == len(set(texts))


# --- Canvas -----------------------------------------------------------------------------------


def test_canvas_gets_its_own_columns_back_with_the_points(export):
    status, said, out = export(
        "canvas",
        submission("lovelaceada_101", exercise(points=1.5)),
        submission("cb7", exercise(points=1.0)),
        roster=CANVAS,
    )
    header = out.read_text().splitlines()[0]
    assert header == "Student,ID,SIS User ID,SIS Login ID,Section,Bigrams (12)"
    hidden, most, ada, charles, *rest = rows(out)
    assert set(hidden.values()) == {""}
    assert (most["Student"], most["Bigrams (12)"]) == ("    Points Possible", "10")
    assert ada == {
        "Student": "Lovelace, Ada",
        "ID": "101",
        "SIS User ID": "s1",
        "SIS Login ID": "ada@x.edu",
        "Section": "One, Two",
        "Bigrams (12)": "7.5",
    }
    assert charles["Bigrams (12)"] == "5"
    assert [row["Bigrams (12)"] for row in rest] == ["EX", "3"]
    assert rest[1]["Student"] == '\'=HYPERLINK("x")'
    assert status == 0
    assert "Submissions: 2, left out: 0." in said
    assert "'Bigrams (12)'" in said
    assert "a full mark is 10 in Canvas and 2 in the lesson" in said
    assert "2 of the roster handed in nothing" in said
    assert "Hopper, Grace" in said


@pytest.mark.parametrize("name", ["Ada Lovelace", "lovelaceada", "Lovelace_Ada", "ADA@X.EDU", "s1"])
def test_canvas_finds_a_student_by_login_or_name(export, name):
    _, _, out = export("canvas", submission(name), roster=CANVAS)
    assert rows(out)[2]["Bigrams (12)"] == "10"


def test_canvas_guesses_nobody(export):
    """Nobody gets another one's points: an unknown number is not overruled by a name."""
    status, said, out = export(
        "canvas",
        submission("lovelaceada_999"),
        submission("nobody"),
        submission("Hopper, Grace"),
        submission("babbagecharles_102"),
        submission("cb7"),
        submission("anon_x7Ab2"),
        roster=CANVAS,
    )
    assert status == 1
    assert "Submissions: 6, left out: 6." in said
    for reason in (
        "lovelaceada_999: not in the roster",
        "nobody: not in the roster",
        "anon_x7Ab2: not in the roster",
        "Hopper, Grace: Canvas has EX there, which is kept",
        "babbagecharles_102: Babbage, Charles fits 2 submissions",
        "cb7: Babbage, Charles fits 2 submissions",
    ):
        assert f"left out: {reason}" in said
    assert [row["Bigrams (12)"] for row in rows(out)] == ["", "10", "", "7", "EX", "3"]


def test_equal_names_are_told_apart_by_number_alone(export):
    twins = CANVAS + '"Lovelace, Ada",105,s5,ada2,One,,,,50\n'
    status, said, out = export(
        "canvas", submission("lovelaceada_105"), submission("Ada Lovelace"), roster=twins
    )
    assert status == 1
    assert "Ada Lovelace: 2 rows of the roster fit" in said
    assert [row["Bigrams (12)"] for row in rows(out)][2:] == ["", "7", "EX", "3", "10"]


def test_a_number_with_another_name_is_said(export):
    status, said, _ = export("canvas", submission("team_101"), roster=CANVAS)
    assert status == 0
    assert "are these the same people? team_101 as Lovelace, Ada" in said


def test_canvas_in_a_country_of_semicolons(export):
    roster = b"\xef\xbb\xbf" + CANVAS.replace(",10,", ",10.5,").replace(",", ";").replace(
        "10.5", "10,5"
    ).encode().replace(b"Lovelace; Ada", b"Lovelace, Ada")
    _, _, out = export("canvas", submission("lovelaceada_101"), roster=roster)
    assert out.read_bytes().startswith(b"\xef\xbb\xbfStudent;ID;")
    assert rows(out, ";")[2]["Bigrams (12)"] == "10.5"


def test_canvas_with_first_and_last_names(export):
    roster = (
        "LastName,FirstName,ID,SIS User ID,SIS Login ID,Section,Bigrams (12)\n"
        "    Points Possible,,,,,,2\nLovelace,Ada,101,s1,ada,One,\n"
    )
    _, _, out = export("canvas", submission("Ada Lovelace"), roster=roster)
    assert rows(out)[1]["Bigrams (12)"] == "2"


def test_which_assignment_is_asked_when_it_cannot_be_told(export):
    roster = CANVAS.replace("Bigrams", "Homework")
    with pytest.raises(ValueError, match=r"--column.*'Essay \(11\)', 'Homework \(12\)'"):
        export("canvas", submission("cb7"), roster=roster)
    for column in ("Homework", "Homework (12)"):
        _, _, out = export("canvas", submission("cb7"), roster=roster, column=column)
        assert rows(out)[3]["Homework (12)"] == "10"
    with pytest.raises(ValueError, match="There are: 'Essay"):
        export("canvas", submission("cb7"), roster=CANVAS, column="Bigram")


@pytest.mark.parametrize(
    "roster",
    [MOODLE, "", "Student\n", b"PK\x03\x04\xff\xfe", 'Student,ID,"Section\n', "a,b\n1,2\n"],
)
def test_what_is_not_canvass_is_refused(export, roster):
    with pytest.raises(ValueError, match=r"Canvas|UTF-8"):
        export("canvas", submission("ada"), roster=roster)


def test_without_a_roster_it_says_what_to_pass(export, tmp_path):
    with pytest.raises(ValueError, match="Canvas exported: --roster FILE"):
        export("canvas", submission("ada"))
    with pytest.raises(FileNotFoundError, match="there is no file"):
        exports.main(
            COURSE, "moodle", tmp_path / "grades", tmp_path / "out", roster=tmp_path / "none.csv"
        )


@pytest.mark.parametrize(("kind", "roster"), [("canvas", CANVAS), ("moodle", MOODLE)])
def test_what_the_grader_failed_on_gets_no_zero(export, kind, roster):
    lost = submission("Charles Babbage", exercise(status="missing", points=0), status="not_graded")
    unread = submission("Ada Lovelace", exercise(status="missing", points=0), status="empty")
    status, said, out = export(kind, lost, unread, roster=roster)
    assert status == 1
    assert "Submissions: 2, left out: 1." in said
    assert "Charles Babbage: the grader itself failed" in said
    assert "could not be graded; their points: Ada Lovelace (0)" in said
    column = "Bigrams (12)" if kind == "canvas" else "Grade"
    people = rows(out)[-4:]
    assert (people[0][column], float(people[1][column])) == ("0", 7 if kind == "canvas" else 55)


# --- Moodle -----------------------------------------------------------------------------------


def test_moodle_gets_its_own_worksheet_back_with_the_grades(export):
    parts = exercise("nll", points=1.0, status="partial"), exercise("quiz", "missing", 0.0)
    status, said, out = export(
        "moodle",
        submission("Ada Lovelace_7", *parts),
        submission("Charles Babbage_8", *parts),
        roster=MOODLE,
    )
    before, after = list(csv.DictReader(MOODLE.splitlines())), rows(out)
    assert list(after[0]) == list(before[0])
    assert [row["Grade"] for row in after] == ["25", "25", "", ""]
    assert after[0]["Feedback comments"] == (
        "02_bigrams: 1 of 4 points. nll 1 of 2 (partly right); quiz 0 of 2 (not started)."
    )
    assert after[1]["Feedback comments"] == "Well argued."
    for old, new in zip(before[:3], after, strict=False):
        kept = set(old) - {"Grade", "Feedback comments"}
        assert {name: new[name] for name in kept} == {name: old[name] for name in kept}
    assert after[3]["Full name"] == "'@evil"
    assert status == 0
    assert "a full mark is 100 in Moodle and 4 in the lesson" in said


def test_moodle_says_whose_grade_it_could_not_place(export):
    status, said, out = export(
        "moodle", submission("Grace Hopper_9"), submission("Mary_5"), roster=MOODLE
    )
    assert status == 1
    assert "Grace Hopper_9: Moodle does not let this grade be changed" in said
    assert "Mary_5: not in the roster" in said
    assert [row["Grade"] for row in rows(out)] == ["", "55.00", "", ""]


@pytest.mark.parametrize("name", ["Ada Lovelace", "ada@x.edu"])
def test_moodle_finds_a_student_by_mail_or_name(export, name):
    roster = MOODLE.replace("Maximum Grade", "Maximum grade")
    _, _, out = export("moodle", submission(name), roster=roster)
    assert rows(out)[0]["Grade"] == "100"


def test_moodles_own_comment_follows_a_new_grade(export, tmp_path):
    _, _, out = export("moodle", submission("Ada Lovelace_7"), roster=MOODLE)
    worse = submission("Ada Lovelace_7", exercise(status="failed", points=0.0))
    _, _, again = export("moodle", worse, roster=out.read_bytes(), out="again")
    assert rows(again)[0]["Feedback comments"].startswith("02_bigrams: 0 of 2 points.")


def test_moodles_numbers_do_not_run_into_each_other(export):
    _, said, out = export("moodle", submission("x_10"), roster=MOODLE)
    assert [row["Grade"] for row in rows(out)] == ["", "55.00", "", "100"]
    assert "x_10 as @evil" in said


def test_what_is_not_moodles_is_refused(export):
    with pytest.raises(ValueError, match="Download grading worksheet, with Moodle set to English"):
        export("moodle", submission("ada"), roster=CANVAS)


def test_long_texts_in_a_worksheet_are_read(tmp_path):
    (tmp_path / "roster.csv").write_text(f'Identifier,Online text\n1,"{"x" * 200_000}\n\u2028y"\n')
    (row,) = read_table(tmp_path / "roster.csv").rows
    assert row[1].endswith("x\n\u2028y")


# --- Gradescope -------------------------------------------------------------------------------

FAILED = [
    CaseResult("by hand", True, 1.0),
    CaseResult("empty", False, 1.0, expected="(2, 2)", came="(2,)\ud800\x1b[31m", hint="keepdim"),
    CaseResult("random", False, 1.0, hint="second"),
    CaseResult("large", False, 1.0, hidden=True, came="secret"),
]
# "Autograder Specifications", Output format.
VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}
TOP = {"score", "execution_time", "output", "output_format", "visibility", "stdout_visibility"}
TOP |= {"extra_data", "tests", "leaderboard", "test_output_format", "test_name_format"}
TEST = {"score", "max_score", "status", "name", "name_format", "number", "output"}
TEST |= {"output_format", "tags", "visibility", "extra_data"}


def test_gradescope_gets_the_documented_fields(export):
    status, _, out = export(
        "gradescope",
        submission("ada", exercise("nll", "partial", 0.5, FAILED), exercise("quiz")),
        submission("ben", exercise("nll", "missing", 0.0)),
    )
    assert status == 0
    result = json.loads((out / slug("ada") / "results.json").read_text())
    assert set(result) <= TOP
    assert {"visibility", "stdout_visibility"} <= set(result)
    assert {result["visibility"], result["stdout_visibility"]} <= VISIBILITY
    assert result["score"] == 2.5
    assert result["execution_time"] == 1.25
    nll, hidden, quiz = result["tests"]
    for test in result["tests"]:
        assert set(test) <= TEST
        assert test["status"] in ("passed", "failed")
        assert test["visibility"] in VISIBILITY
        assert test["output_format"] in ("text", "html", "simple_format", "md", "ansi")
        assert isinstance(test["number"], str)
    assert (nll["score"], nll["max_score"], nll["status"]) == (0.5, 2.0, "failed")
    assert "The first thing to fix: empty" in nll["output"]
    assert "hint: keepdim" in nll["output"]
    assert "second" not in nll["output"]
    assert not {"\ud800", "\x1b"} & set(nll["output"])
    assert (hidden["name"], hidden["visibility"]) == ("nll: large", "after_published")
    assert "score" not in hidden
    assert "secret" not in json.dumps(result)
    assert (quiz["status"], quiz["visibility"]) == ("passed", "visible")


def test_gradescope_says_why_a_file_could_not_be_graded(export):
    bad = submission(
        "ada", exercise(status="missing", points=0), status="empty", message="No code."
    )
    _, _, out = export("gradescope", bad, out="results.json")
    result = json.loads(out.read_text())
    assert result["score"] == 0
    assert result["output"] == "Not graded: empty. No code."


def test_one_file_for_a_whole_class_is_refused(export):
    with pytest.raises(ValueError, match="name a folder"):
        export("gradescope", submission("ada"), submission("ben"), out="results.json")


# --- GitHub Classroom -------------------------------------------------------------------------


def test_github_gets_points_and_results(export, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    cases = [exercise("nll", "partial", 0.5, FAILED), exercise("quiz"), exercise("x", "timeout", 0)]
    _, said, out = export("github", submission("ada", *cases))
    notice = "::notice title=Autograding report::"
    (line,) = [line for line in said.splitlines() if line.startswith(notice)]
    points = {"totalPoints": 2.5, "maxPoints": 6.0}
    assert json.loads(line.removeprefix(notice)) == points
    assert json.loads((out / slug("ada") / "points.json").read_text()) == points
    result = json.loads((out / slug("ada") / "results.json").read_text())
    assert set(result) == {"version", "status", "max_score", "tests"}
    assert (result["version"], result["status"], result["max_score"]) == (3, "error", 6)
    assert [test["status"] for test in result["tests"]] == ["fail", "pass", "error"]
    assert sum(test["score"] for test in result["tests"]) == 2.5
    for test in result["tests"]:
        assert {"name", "status", "score", "message"} <= set(test)


def test_a_class_gives_no_notice(export, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    _, said, _ = export("github", submission("ada"), submission("ben"))
    assert "::notice" not in said


def test_what_the_grader_failed_on_is_left_out_of_folders(export):
    status, said, out = export("github", submission("ada"), submission("ben", status="not_graded"))
    assert status == 1
    assert "left out: ben: the grader itself failed" in said
    assert [path.name for path in out.iterdir()] == [slug("ada")]


# --- What people decided ----------------------------------------------------------------------


def test_manual_scores_comments_and_lateness_reach_every_platform():
    day = datetime(2026, 5, 1, tzinfo=UTC)
    result = submission("Ada_7", exercise("nll", "failed", 0.0), exercise("quiz"))
    parts = ExerciseScore(result.exercises[0], 1.0, "Nearly."), ExerciseScore(result.exercises[1])
    score = FinalScore(result, parts, Late(day, day, 1, 50.0), "See me.")

    sheet = gradescope(score)
    assert (sheet["score"], sheet["tests"][0]["score"]) == (1.5, 1.0)
    assert "Nearly." in sheet["tests"][0]["output"]
    assert "See me." in sheet["output"]
    assert "Handed in late: 1.5 of 3 points are off." in sheet["output"]

    assert github_points(score) == {"totalPoints": 1.5, "maxPoints": 4.0}
    assert sum(test["score"] for test in github(score)["tests"]) == 1.5

    header = ["Identifier", "Grade", "Last modified (grade)", "Feedback comments"]
    done = merge_moodle([score], Table(header, [["Participant 7", "", "-", ""]]), "02_bigrams")
    assert done.lost == []
    assert done.table.rows == [
        [
            "Participant 7",
            "1.5",
            "-",
            "02_bigrams: 1.5 of 4 points. nll 1 of 2 (by hand); quiz 2 of 2 (passed); "
            "1.5 off for being late. See me. Nearly.",
        ]
    ]


# --- JUnit and CSV ----------------------------------------------------------------------------


def test_junit_has_a_suite_for_each_submission(export):
    bad = replace(submission("cy", status="too_large"), exercises=[], lesson="")
    _, _, out = export(
        "junit",
        submission(
            "ada",
            exercise("nll", "failed", 0.0, FAILED),
            exercise("quiz", "missing", 0),
            exercise("ok"),
        ),
        bad,
    )
    root = ET.parse(out).getroot()
    assert root.tag == "testsuites"
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {"ada 02_bigrams", "cy"}
    counts = {"tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    assert {name: suites["ada 02_bigrams"].get(name) for name in counts} == counts
    nll, quiz, ok = suites["ada 02_bigrams"]
    assert (nll.get("classname"), nll.get("name")) == ("02_bigrams", "nll")
    assert nll.find("failure").get("message") == "failed"
    assert "keepdim" in nll.find("failure").text
    assert quiz.find("skipped") is not None
    assert len(ok) == 0
    assert suites["cy"][0].find("failure").get("message") == "too_large"


def test_csv_is_the_reports(export, tmp_path):
    from grader.reports.pages import write_report

    _, _, out = export("csv", submission("=ada"), submission("ben", lesson="01_data"))
    report = write_report(COURSE, tmp_path / "grades").parent
    assert out.read_bytes() == (report / "grades.csv").read_bytes()
    assert [row["student"] for row in rows(out)] == ["ben", "'=ada"]


# --- Choosing the lesson ----------------------------------------------------------------------


def test_a_format_of_one_lesson_asks_which(export):
    both = submission("ada"), submission("ada", exercise("encode"), lesson="01_data")
    with pytest.raises(ValueError, match="01_data, 02_bigrams; choose one with --lesson"):
        export("gradescope", *both)
    with pytest.raises(ValueError, match="nothing of lesson 07; it has: 01_data, 02_bigrams"):
        export("gradescope", *both, lesson="07")
    for lesson in ("01", "01_data"):
        _, _, out = export("gradescope", *both, lesson=lesson, out=lesson)
        result = json.loads((out / slug("ada") / "results.json").read_text())
        assert [test["name"] for test in result["tests"]] == ["encode"]
    _, said, _ = export("csv", *both, lesson="01", out="one.csv")
    assert said.startswith("Submissions: 1,")


def test_files_of_no_lesson_are_not_lost_in_silence(export):
    lost = replace(submission("ben", status="empty"), lesson="", exercises=[])
    status, said, _ = export("gradescope", submission("ada"), lost)
    assert status == 1
    assert "ben: the file belongs to no lesson" in said

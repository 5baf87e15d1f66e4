"""Late rules, extensions, manual scores and comments, and the grade that comes of them."""

import contextlib
import sqlite3
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from course import COURSE, ROOT

from grader import cli
from grader.gradebook.adjustments import _KINDS, main, merge
from grader.gradebook.scores import FinalScore, final_scores
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.gradebook.tables import FILE_NAME
from grader.reports.pages import slug, write_report

LESSON = "09_scale"
DUE = "lesson,due,percent_a_day,at_most_percent,grace_minutes"
RULE = f"{DUE}\n{LESSON},2026-03-01T23:59+01:00,10,50,15\n"
SUBMITTED = "student,lesson,submitted_at"
EXTENSION = "student,lesson,due"
MANUAL = "student,lesson,exercise,points,comment"


def result(student: str = "ada", points: float = 2.0, lesson: str = LESSON) -> SubmissionResult:
    exercises = [
        ExerciseResult("normalise", "passed", points, 2.0),
        ExerciseResult("speedrun", "partial", 3.0, 6.0),
    ]
    return SubmissionResult(student, lesson, "hw.ipynb", "", "graded", "", 1.0, exercises)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    gradebook = Gradebook(tmp_path / "grades")
    for student in ("ada", "ben"):
        gradebook.write(result(student))
    return tmp_path / "grades"


def write(folder: Path, text: str, name: str = "file.csv") -> Path:
    path = folder.parent / name
    path.write_text(text, "utf-8")
    return path


def merged(folder: Path, *texts: str) -> list[str]:
    return merge(COURSE, folder, [write(folder, text, f"{i}.csv") for i, text in enumerate(texts)])


def score(folder: Path, student: str = "ada") -> FinalScore:
    return next(s for s in final_scores(folder) if s.result.student == student)


def test_without_any_file_the_checks_decide(folder: Path) -> None:
    for one in final_scores(folder):
        assert (one.points, one.max_points, one.penalty, one.late) == (5, 8, 0, None)
        assert (one.comment, one.is_manual) == ("", False)


@pytest.mark.parametrize(
    ("came", "days", "percent"),
    [
        ("2026-02-20T10:00+01:00", 0, 0),
        ("2026-03-01T23:59+01:00", 0, 0),
        ("2026-03-02T00:14+01:00", 0, 0),  # within the grace
        ("2026-03-02T00:15+01:00", 1, 10),
        ("2026-03-01T22:59Z", 0, 0),  # the same moment in another zone
        ("2026-03-02T22:59Z", 1, 10),
        ("2026-03-02T23:00Z", 2, 20),
        ("2026-03-09T23:00+01:00", 8, 50),  # no more than half
    ],
)
def test_each_day_late_costs(folder: Path, came: str, days: int, percent: float) -> None:
    merged(folder, RULE, f"{SUBMITTED}\nada,{LESSON},{came}\n")
    one = score(folder)
    assert (one.late.days if one.late else 0) == days
    assert one.penalty == pytest.approx(5 * percent / 100)
    assert one.points == pytest.approx(5 - one.penalty)
    assert score(folder, "ben").points == 5  # nobody said when that came


def test_an_extension_moves_the_due_date_of_one_student(folder: Path) -> None:
    came = "2026-03-03T12:00+01:00"
    times = f"{SUBMITTED}\nada,{LESSON},{came}\nben,{LESSON},{came}\n"
    merged(folder, RULE, times, f"{EXTENSION}\nada,{LESSON},2026-03-03T23:59+01:00\n")
    assert score(folder).late is None
    assert score(folder, "ben").penalty == 1
    merged(folder, f"{EXTENSION}\nada,{LESSON},\n")  # taken away again
    assert score(folder).penalty == 1


def test_manual_points_take_the_place_of_the_checks(folder: Path) -> None:
    text = f'{MANUAL}\nada,{LESSON},speedrun,5.5,"Well argued: it counts"\nada,{LESSON},,,Good.\n'
    merged(folder, text)
    one = score(folder)
    assert [e.points for e in one.exercises] == [2, 5.5]
    assert (one.points, one.earned, one.is_manual) == (7.5, 7.5, True)
    assert one.exercises[1].result.points == 3  # what the checks gave is still known
    assert one.exercises[1].comment == "Well argued: it counts"
    assert one.comment == "Good."


def test_a_comment_alone_leaves_the_points(folder: Path) -> None:
    merged(folder, f"{MANUAL}\nada,{LESSON},speedrun,,See me\n")
    one = score(folder)
    assert (one.points, one.exercises[1].comment, one.is_manual) == (5, "See me", False)


def test_zero_is_a_score(folder: Path) -> None:
    merged(folder, f"{MANUAL}\nada,{LESSON},speedrun,0,Copied\n")
    assert score(folder).points == 2


def test_the_penalty_is_taken_from_the_manual_points_too(folder: Path) -> None:
    late = f"{SUBMITTED}\nada,{LESSON},2026-03-02T12:00+01:00\n"
    merged(folder, RULE, late, f"{MANUAL}\nada,{LESSON},speedrun,6,\n")
    assert score(folder).points == pytest.approx(8 * 0.9)


def test_grading_again_loses_nothing_that_people_decided(folder: Path) -> None:
    late = f"{SUBMITTED}\nada,{LESSON},2026-03-02T12:00+01:00\n"
    merged(folder, RULE, late, f"{MANUAL}\nada,{LESSON},speedrun,6,Good\n")
    Gradebook(folder).write(result("ada", points=0.5))
    one = score(folder)
    assert [e.points for e in one.exercises] == [0.5, 6]
    assert one.points == pytest.approx(6.5 * 0.9)
    assert one.exercises[1].comment == "Good"


def test_merging_again_changes_nothing(folder: Path) -> None:
    texts = (
        RULE,
        f"{SUBMITTED}\nada,{LESSON},2026-03-02T12:00Z\n",
        f"{MANUAL}\nada,{LESSON},,,Hi\n",
    )
    merged(folder, *texts)
    before = final_scores(folder)
    merged(folder, *texts)
    assert final_scores(folder) == before


def test_a_later_file_takes_the_place_of_an_earlier_one(folder: Path) -> None:
    merged(folder, f"{MANUAL}\nada,{LESSON},speedrun,6,\nben,{LESSON},speedrun,1,\n")
    merged(folder, f"{MANUAL}\nada,{LESSON},speedrun,4,\n")
    assert (score(folder).points, score(folder, "ben").points) == (6, 3)
    merged(folder, f"{MANUAL}\nada,{LESSON},speedrun,,\n")
    assert score(folder).points == 5


def test_spreadsheets_write_csv_in_their_own_ways(folder: Path) -> None:
    rows = f"\ufeffStudent;Lesson;Exercise;Points;Comment\r\n ada ;{LESSON};speedrun;4;a, b\r\n"
    rows += ";;;;\r\n"
    merged(folder, rows)
    assert score(folder).exercises[1].comment == "a, b"
    columns = f"comment,points,exercise,lesson,student\n,1,speedrun,{LESSON},ada\n"
    merged(folder, columns)
    assert score(folder).points == 3


def test_names_are_those_of_the_reports_csv(folder: Path) -> None:
    for name in ("=HYPERLINK(0)", "Zoe\u0308", "O'Neill"):
        Gradebook(folder).write(result(name.replace("e\u0308", "\u00eb")))
    merged(
        folder, f"{MANUAL}\n'=HYPERLINK(0),{LESSON},speedrun,6,\nZoe\u0308,{LESSON},speedrun,6,\n"
    )
    assert score(folder, "=HYPERLINK(0)").points == 8
    assert score(folder, "Zo\u00eb").points == 8


@pytest.mark.parametrize(
    ("header", "row", "told"),
    [
        (MANUAL, "ada,09_scal,speedrun,1,", "no lesson '09_scal'; write one of .*09_scale"),
        (MANUAL, f"ada,{LESSON},speedrum,1,", "no exercise 'speedrum'; write one of .*speedrun"),
        (MANUAL, f"ada,{LESSON},speedrun,7,", "points is '7'; write a number from 0 to 6"),
        (MANUAL, f"ada,{LESSON},speedrun,-1,", "points is '-1'; write a number from 0 to 6"),
        (MANUAL, f"ada,{LESSON},speedrun,nan,", "points is 'nan'; write a number from 0 to 6"),
        (MANUAL, f"ada,{LESSON},speedrun,ten,", "points is 'ten'; write a number from 0 to 6"),
        (MANUAL, f"ada,{LESSON},,2,", "points belong to an exercise; write its name"),
        (MANUAL, f"ada,{LESSON},speedrun,2,a,b", "6 cells, the first line has 5; .* in quotes"),
        (MANUAL, f",{LESSON},speedrun,2,", "no student; write the name"),
        (SUBMITTED, f"ada,{LESSON},2026-03-01", "difference to UTC, as 2026-03-01T23:59"),
        (SUBMITTED, f"ada,{LESSON},2026-03-01T23:59", "difference to UTC"),
        (SUBMITTED, f"ada,{LESSON},tomorrow", "submitted_at is 'tomorrow'; write date, time"),
        (SUBMITTED, f"ada,{LESSON},9999-12-31T23:59-12:00", "write a year between"),
        (EXTENSION, f"ada,{LESSON},1.3.2026", "due is '1.3.2026'; write date, time"),
        (DUE, f"{LESSON},2026-03-01T23:59Z,110,50,0", "percent_a_day is '110'; .* 0 to 100"),
        (DUE, f"{LESSON},2026-03-01T23:59Z,10,,0", "at_most_percent is ''; .* 0 to 100"),
        (DUE, f"{LESSON},2026-03-01T23:59Z,10,50,1e9", "grace_minutes is '1e9'; .* 0 to 10080"),
    ],
)
def test_a_wrong_row_is_named_with_what_to_write(
    folder: Path, header: str, row: str, told: str
) -> None:
    file = write(folder, f"{header}\n\n{row}\n")
    with pytest.raises(ValueError, match=rf"(?s)file\.csv, line 3: .*{told}"):
        merge(COURSE, folder, [file])
    assert score(folder).points == 5


def test_two_rows_about_the_same_are_refused(folder: Path) -> None:
    text = f"{MANUAL}\nada,{LESSON},speedrun,1,\nada,{LESSON},speedrun,2,\n"
    with pytest.raises(ValueError, match=r"line 3: line 2 is about the same; leave one"):
        merged(folder, text)


def test_all_that_is_wrong_is_said_and_nothing_is_merged(folder: Path) -> None:
    good = f"{MANUAL}\nada,{LESSON},speedrun,6,\n"
    bad = f"{SUBMITTED}\nada,{LESSON},soon\nben,x,2026-03-01T00:00Z\n"
    with pytest.raises(ValueError, match=r"(?s)1\.csv, line 2.*1\.csv, line 3.*nothing was merged"):
        merged(folder, good, bad)
    assert score(folder).points == 5


@pytest.mark.parametrize("text", ["", "student,points\nada,1\n", "{}"])
def test_another_kind_of_file_is_refused_with_the_columns_to_write(folder: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"line 1: write one of these .*student,lesson,exercise"):
        merged(folder, text)


def test_a_file_in_another_encoding_is_refused(folder: Path) -> None:
    path = folder.parent / "latin.csv"
    path.write_bytes(f"{MANUAL}\nZo\u00eb,{LESSON},,,x\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"not a CSV file in UTF-8; .* save it as CSV UTF-8"):
        merge(COURSE, folder, [path])


def test_what_is_not_there_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no .*lost\.csv"):
        merge(COURSE, folder, [tmp_path / "lost.csv"])
    with pytest.raises(FileNotFoundError, match="grader grade"):
        merge(COURSE, tmp_path / "nowhere", [])


def test_a_name_that_nobody_has_is_warned_of_and_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(folder, f"{MANUAL}\nadda,{LESSON},speedrun,6,\nben,{LESSON},speedrun,6,\n")
    assert main(COURSE, folder, [file]) == 0
    told = capsys.readouterr().out
    assert "scores and comments merged, 2 in this file" in told
    assert "nobody in the gradebook is called 'adda'" in told
    assert "ben" not in told
    Gradebook(folder).write(result("adda"))
    assert score(folder, "adda").points == 8


# --- Local times, and what platforms say --------------------------------------------------------

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("came", "late"),
    [
        ("2026-03-01T23:59", 0),
        ("2026-03-02 00:14", 0),
        ("2026-03-02T00:16", 1),
        ("2026-03-01T23:59-05:00", 1),  # a time with its own zone keeps it
        ("2026-03-29T00:00", 28),
        ("2026-03-31T00:58", 29),  # an hour less than it seems: the clocks have gone forward
    ],
)
def test_local_times_are_in_the_zone_that_is_named(folder: Path, came: str, late: int) -> None:
    rule = f"{DUE}\n{LESSON},2026-03-01T23:59,1,100,15\n"
    files = [write(folder, rule, "due.csv")]
    files.append(write(folder, f"{SUBMITTED}\nada,{LESSON},{came}\n", "came.csv"))
    merge(COURSE, folder, files, timezone=BERLIN)
    lateness = score(folder).late
    assert (lateness.days if lateness else 0) == late
    with pytest.raises(ValueError, match="or pass --timezone"):
        merge(COURSE, folder, files)


def test_a_date_alone_is_no_time(folder: Path) -> None:
    file = write(folder, f"{SUBMITTED}\nada,{LESSON},2026-03-01\n")
    with pytest.raises(ValueError, match="write date, time"):
        merge(COURSE, folder, [file], timezone=BERLIN)


@pytest.mark.parametrize("lesson", ["9", "09", LESSON])
def test_a_lesson_may_be_called_by_its_number(folder: Path, lesson: str) -> None:
    merged(folder, f"{MANUAL}\nada,{lesson},speedrun,6,\n")
    assert score(folder).points == 8


WORKSHEET = """\
Identifier,Full name,Email address,Status,Grade,Last modified (submission),Last modified (grade)
Participant 7,Ada Lovelace,ada@x.edu,Submitted,,"Monday, 2 March 2026, 11:30 PM",-
Participant 8,Ben Turing,ben@x.edu,Submitted,,"Sunday, 1 March 2026, 23:58",-
Participant 9,Coy Hopper,coy@x.edu,No submission,,-,-
"""


def test_moodles_worksheet_says_when_work_came(folder: Path) -> None:
    for student in ("Ada Lovelace_7", "Ben Turing_8", "Coy Hopper_9"):
        Gradebook(folder).write(result(student))
    merged(folder, RULE)
    sheet = write(folder, WORKSHEET, "worksheet.csv")
    assert cli.main(["adjust", str(folder), str(sheet), "--timezone", "Europe/Berlin"]) == 0
    assert score(folder, "Ada Lovelace_7").penalty == pytest.approx(0.5)
    assert score(folder, "Ada Lovelace_7").late.days == 1
    assert score(folder, "Ben Turing_8").late is None
    assert score(folder, "Coy Hopper_9").late is None
    (said, note, *_) = merge(COURSE, folder, [sheet], timezone=BERLIN)
    assert said.endswith("times merged, 2 in this file")
    assert note.endswith("no time for Coy Hopper_9, ada, ben")
    with pytest.raises(ValueError, match="as --timezone Europe/Berlin"):
        merge(COURSE, folder, [sheet])
    Gradebook(folder).write(result(lesson="01_data"))
    with pytest.raises(ValueError, match="as --lesson 02"):
        merge(COURSE, folder, [sheet], timezone=BERLIN)
    strange = write(folder, WORKSHEET.replace("Monday, 2 March", "lundi 2 mars"), "other.csv")
    with pytest.raises(ValueError, match="export the worksheet with Moodle set to English"):
        merge(COURSE, folder, [strange], lesson="9", timezone=BERLIN)


def test_canvas_marks_count_as_a_day_where_no_time_is_known(folder: Path) -> None:
    students = {"ada_101": "_LATE", "ben_102": "_LATE", "coy_103": "", "dee_104": "_LATE"}
    archive = folder.parent / "canvas.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for student, mark in students.items():
            name, user = student.split("_")
            Gradebook(folder).write(result(student))
            packed.writestr(f"{name}{mark}_{user}_9{user}_{LESSON}.ipynb", "{}")
    told = merge(COURSE, folder, [archive])
    assert "canvas.zip: 3 submissions marked LATE; each counts as one day" in told[1]
    assert "nothing is taken off for being late in 09_scale until a file says when" in told[-1]
    merged(folder, RULE, f"{EXTENSION}\nben_102,{LESSON},2026-03-09T00:00Z\n")
    merged(folder, f"{SUBMITTED}\ndee_104,{LESSON},2026-03-04T12:00Z\n")
    days = {name: one.days if (one := score(folder, name).late) else 0 for name in students}
    assert days == {"ada_101": 1, "ben_102": 0, "coy_103": 0, "dee_104": 3}
    assert score(folder, "ada_101").penalty == pytest.approx(0.5)
    report = write_report(COURSE, folder).parent
    page = (report / "students" / f"{slug('ada_101')}.html").read_text("utf-8")
    assert "marked as late by the platform</time>" not in page
    assert "marked as late by the platform: 1 day late" in page
    with zipfile.ZipFile(archive, "w") as packed:  # Canvas says otherwise by now
        packed.writestr(f"ada_101_9101_{LESSON}.ipynb", "{}")
    merge(COURSE, folder, [archive], lesson="9")
    assert score(folder, "ada_101").late is None


def test_help_and_readme_name_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["adjust", "--help"])
    readme = (ROOT / "README.md").read_text("utf-8")
    for text in (capsys.readouterr().out, readme):
        for kind in _KINDS:
            assert ",".join(kind.key + kind.columns) in text


def test_no_such_zone_is_said_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["adjust", "grades", "due.csv", "--timezone", "Berlin"])
    assert "'Berlin' is no time zone; write a name such as Europe/Berlin" in capsys.readouterr().err


def test_a_gradebook_without_what_people_decide_gets_the_tables(folder: Path) -> None:
    path = folder / FILE_NAME
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for table in ("due", "extension", "submitted", "marked_late", "manual"):
            connection.execute(f"DROP TABLE {table}")
    before = [score.result for score in final_scores(folder)]
    assert before == Gradebook.open(folder).results()
    merged(folder, f"{MANUAL}\nada,{LESSON},,,Well done.\n")
    assert score(folder).comment == "Well done."


def test_looking_at_a_gradebook_writes_nothing(folder: Path) -> None:
    path = folder / FILE_NAME
    before = path.stat().st_mtime_ns, path.read_bytes()
    assert final_scores(folder)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before

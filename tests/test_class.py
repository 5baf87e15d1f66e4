"""Grading a class as instructors find it: `grader grade` on what platforms and students make."""

import csv
import io
import logging
import os
import pty
import re
import subprocess
import sys
import termios
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from course import COURSE, ROOT

from grader.cli import build_parser, main
from grader.gradebook.store import Gradebook, SubmissionResult
from grader.grading import grade
from grader.grading.task import Rules, Task, not_graded, verdict
from grader.reports.pages import SUBMISSION_STATUSES, write_report
from grader.submissions.collect import collect
from grader.terminal.progress import progress

LESSON = "02_bigrams"
TOTAL = sum(exercise.points for exercise in COURSE.exercises(LESSON).values())
RELEASED = COURSE.paths(LESSON).student.read_bytes()


def at_once(task: Task, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
    """Stand in for grading: what can be graded is."""
    status, message = verdict(task)
    result = replace(
        not_graded(COURSE, task), fingerprint=task.fingerprint, status=status, message=message
    )
    return result, {"sandbox": rules.mode}


@pytest.fixture
def at_once_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.grading.run.grade_submission", at_once)
    monkeypatch.setattr(grade, "executor", lambda *_: ThreadPoolExecutor(2))


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


FORGED = zipped(
    {
        "doe_101_9999_02_bigrams.ipynb": b"forged",
        "roe_103_9998_02_bigrams.ipynb": b"forged",
    }
)
CANVAS = {
    "doe_101_9001_02_bigrams.ipynb": RELEASED,
    "doe_LATE_102_9002_essay.pdf": b"%PDF-1.4",
    "doejane_LATE_104_9004_02_bigrams.ipynb.txt": RELEASED,
    "eve_105_text.html": b"<p>I could not open it</p>",
    "fay_106_9006_hw.py": b"print()",
    "gus_107_9007_all.zip": zipped({"hw\\02_bigrams.ipynb": RELEASED}),
    "hal_108_9008_all.zip": zipped({}),
    "mallory_109_9009_hw.zip": FORGED,
}
MOODLE = {
    "Ada Doe_201_assignsubmission_file_/02_bigrams.ipynb": RELEASED,
    "Ada Doe_202_assignsubmission_file_/02_bigrams (1).ipynb": RELEASED,
    "Ben Roe_203_assignsubmission_onlinetext_/onlinetext.html": b"<p>hello</p>",
    "Coy Poe_204_assignsubmission_file_/mine/02_bigrams.ipynb": RELEASED,
    "Coy Poe_204_assignsubmission_file_/mine/old.pdf": b"%PDF",
    "Dee Loe_205_assignsubmission_file_/hw.rar": b"Rar!",
}
FOLDERS = {
    "ann/02_bigrams.ipynb": RELEASED,
    "Ben Roe/final FINAL (2).ipynb": RELEASED,
    "ben roe/02_bigrams.ipynb": RELEASED,
    "carol.ipynb.txt": RELEASED,
    "dave.pdf": b"%PDF",
    "erin/deep/er/02_bigrams.ipynb": RELEASED,
    "frank/hw.zip": zipped({}),
    "=HYPERLINK(0);＝1/02_bigrams.ipynb": RELEASED,
    "Zoe\u0308/02_bigrams.ipynb": RELEASED,
    "Zo\u00eb/02_bigrams.ipynb": RELEASED,
    "notes.csv": b"a,b",
}
# By class: what becomes of whom. All others are graded.
CLASSES = {
    "canvas.zip": (CANVAS, ["doe_101", "doejane_104", "gus_107"]),
    "moodle.zip": (MOODLE, ["Ada Doe_201", "Ada Doe_202", "Coy Poe_204"]),
    "folders": (
        FOLDERS,
        [
            "=HYPERLINK(0);＝1",
            "Ben Roe",
            "Zo\u00eb",
            "Zoe\\u0308",
            "ann",
            "ben roe",
            "carol",
            "erin",
        ],
    ),
}
UNGRADED = {
    "canvas.zip": ["doe_102", "eve_105", "fay_106", "hal_108", "mallory_109"],
    "moodle.zip": ["Ben Roe_203", "Dee Loe_205"],
    "folders": ["dave", "frank"],
}


def write(folder: Path, name: str) -> Path:
    """Write one of the classes as it comes."""
    files, path = CLASSES[name][0], folder / name
    if name.endswith(".zip"):
        path.write_bytes(zipped(files))
    for file, content in {} if name.endswith(".zip") else files.items():
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        (path / file).write_bytes(content)
    return path


@pytest.mark.usefixtures("at_once_graded")
@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("lesson", [(), ("--lesson", "2")])
def test_whoever_handed_in_is_graded_or_named_with_what_to_do(
    name: str, lesson: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["grade", str(write(tmp_path, name)), "--out", str(out), "--sandbox", "none", *lesson]
    assert main(command) == 0
    results = {result.student: result for result in Gradebook.open(out).results()}
    graded = sorted(name for name, result in results.items() if result.status == "graded")
    assert graded == sorted(CLASSES[name][1])
    assert sorted(set(results) - set(graded)) == sorted(UNGRADED[name])
    said = capsys.readouterr().out
    assert f"{len(results)} submissions: {len(graded)} graded" in said
    for student in UNGRADED[name]:
        (line,) = [line for line in said.splitlines() if line.startswith(f"  {student}: ")]
        assert re.search(r"not a notebook\. .*(Hand in|hands in|make the zip again)", line)
    assert said.splitlines()[-1] == f"Next: grader report {out}"

    write_report(COURSE, out)
    with (out / "report" / "grades.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert {row["status"] for row in rows} <= set(SUBMISSION_STATUSES)
    assert not [row for row in rows if re.match(r"[=+@＝]|.*;[=＝]", row["student"])]
    assert main([*command, "--student", graded[0]]) == 0
    assert "1 submission: 0 graded, 0 could not be, 1 unchanged" in capsys.readouterr().out


@pytest.mark.sandbox
@pytest.mark.usefixtures("graded_here")
def test_a_class_with_a_pdf_is_graded_in_the_sandbox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    command = ["grade", str(write(tmp_path, "canvas.zip")), "--out", out, "--lesson", "02"]
    assert main(command) == 0
    assert "8 submissions: 3 graded, 5 could not be, 0 unchanged" in capsys.readouterr().out
    # Whoever has nothing to grade stops no single exercise either.
    assert main([*command, "--exercise", "nll"]) == 0
    assert "3 up to date, 5 left out" in capsys.readouterr().out
    assert main([*command, "--exercise", "nll", "--dry-run"]) == 0
    assert "0 of 8 submissions to grade" in capsys.readouterr().out


@pytest.mark.usefixtures("at_once_graded")
def test_of_many_who_could_not_be_graded_ten_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "class").mkdir()
    for number in range(14):
        (tmp_path / "class" / f"student-{number:02}.pdf").write_bytes(b"%PDF")
    command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out")]
    for _ in range(2):  # those who are unchanged are named too
        assert main([*command, "--sandbox", "none"]) == 0
        said = capsys.readouterr().out
        assert said.count("  student-") == 10
        assert "  and 4 more" in said


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("at_once_graded")
def test_a_dry_run_shows_what_would_be_done_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["grade", str(write(tmp_path, "canvas.zip")), "--out", str(tmp_path / "out")]
    before = contents(tmp_path)
    assert main([*command, "--dry-run"]) == 0
    rows = [re.split("  +", line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["student", "file", "lesson", "what would be done"]
    assert ["doe_101", "doe_101_9001_02_bigrams.ipynb", LESSON, "grade"] in rows
    assert ["eve_105", "eve_105_text.html", "cannot grade: not a notebook"] in rows
    assert rows[-1] == ["3 of 8 submissions to grade. Nothing was run or written."]
    assert contents(tmp_path) == before
    assert main([*command, "--sandbox", "none"]) == 0
    before = contents(tmp_path)
    capsys.readouterr()
    assert main([*command, "--sandbox", "none", "--dry-run"]) == 0
    assert "nothing: unchanged" in capsys.readouterr().out
    assert contents(tmp_path) == before
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("taken", [False, True])
def test_a_gradebook_is_no_class(
    taken: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = write(tmp_path, "folders"), tmp_path / "out"
    if taken:
        Gradebook(folder)
    before = contents(tmp_path)
    command = ["grade", str(folder), "--out", str(out if taken else folder), "--sandbox", "none"]
    assert main(command) == 2
    assert "folders is a gradebook's folder, and nobody hands in there" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_a_student_whom_nobody_knows_is_said_with_those_near(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["grade", str(write(tmp_path, "canvas.zip")), "--out", str(tmp_path / "out")]
    assert main([*command, "--sandbox", "none", "--student", "doe"]) == 2
    told = capsys.readouterr().err
    assert "nobody is called 'doe'; is it one of these? doe_101, doe_102, doejane_104" in told


@pytest.mark.usefixtures("at_once_graded")
def test_one_students_folder_is_graded_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "02_bigrams.ipynb").write_bytes(RELEASED)
    (tmp_path / "ada" / "00_start.ipynb").write_bytes(COURSE.paths("00_start").student.read_bytes())
    command = ["grade", str(tmp_path / "ada"), "--out", str(tmp_path / "out"), "--sandbox", "none"]
    assert main(command) == 0
    assert Gradebook.open(tmp_path / "out").students() == {"ada"}
    said = capsys.readouterr().out
    assert "looks like what one student handed in" in said
    assert "It is graded as that of ada; to grade a class, name the folder" in said


@pytest.mark.usefixtures("at_once_graded")
def test_canvas_knows_a_student_whose_name_has_accents_that_stand_alone(tmp_path: Path) -> None:
    # As a zip has it that was made again on a Mac; and vowels that no letter takes in.
    names = ["joa\u0303o_110", "\u0930\u0935\u093f_111", "joa\u0303o_LATE_112"]
    files = {f"{name}_901{i}_hw.ipynb": RELEASED for i, name in enumerate(names)}
    (tmp_path / "canvas.zip").write_bytes(zipped(files))
    (tmp_path / "roster.csv").write_text(
        "Student,ID,Section\nJo\u00e3o,110,A\n\u0930\u0935\u093f,111,A\nJo\u00e3o,112,A\n", "utf-8"
    )
    out = tmp_path / "out"
    command = ["grade", str(tmp_path / "canvas.zip"), "--out", str(out), "--sandbox", "none"]
    assert main([*command, "--lesson", "2", "--roster", str(tmp_path / "roster.csv")]) == 0
    found = {result.student: result.status for result in Gradebook.open(out).results()}
    students = ["jo\u00e3o_110", "\u0930\u0935\u093f_111", "jo\u00e3o_112"]
    assert found == dict.fromkeys(students, "graded")
    assert collect(tmp_path / "canvas.zip", tmp_path, COURSE.names).late == {"jo\u00e3o_112"}


# --- Rosters ------------------------------------------------------------------------------------

ROSTERS = {
    "Canvas": (
        "canvas.zip",
        "Student,ID,SIS Login ID,Section,Bigrams (1)\n    Points Possible,,,,10\n"
        + "".join(
            f'"{name}",{number},,One,\n'
            for name, number in {
                **{"Doe": 101, "Doe ": 102, "Doe, Jane": 104, "Eve": 105, "Fay": 106},
                **{"Gus": 107, "Hal": 108, "Lovelace, Ada": 110, "O'Neil, Zoë": 111},
            }.items()
        ),
        ["lovelaceada_110", "oneilzoë_111"],
        ["mallory_109"],
    ),
    "Moodle": (
        "moodle.zip",
        "Identifier,Full name,Grade,Last modified (grade)\n"
        "Participant 201,Ada Doe,,-\nParticipant 202,Ada Doe,,-\nParticipant 203,Ben Roe,,-\n"
        "Participant 204,Coy Poe,,-\nParticipant 205,Dee Loe,,-\nParticipant 206,Ada Doe,,-\n",
        ["Ada Doe_206"],
        [],
    ),
    "a table": (
        "folders",
        "Student;Group\nann;1\nBen Roe;1\nben roe;1\ncarol;1\ndave;2\nerin;2\nfrank;2\n"
        "\"'=HYPERLINK(0);'＝1\";2\nZo\u00eb;2\nZoe\\u0308;2\ngrace;1\n",
        ["grace"],
        [],
    ),
}


@pytest.mark.usefixtures("at_once_graded")
@pytest.mark.parametrize("kind", ROSTERS)
def test_a_roster_adds_those_who_handed_in_nothing(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, text, absent, strangers = ROSTERS[kind]
    roster, out = tmp_path / "roster.csv", tmp_path / "out"
    roster.write_text(text, "utf-8")
    command = ["grade", str(write(tmp_path, name)), "--out", str(out), "--sandbox", "none"]
    command += ["--lesson", "2", "--roster", str(roster)]
    assert main(command) == 0
    said = capsys.readouterr().out
    found = {r.student: r for r in Gradebook.open(out).results() if r.status == "not_submitted"}
    assert sorted(found) == absent
    for result in found.values():
        assert result.message == "Nothing was handed in for lesson 02_bigrams."
        assert (result.points, result.max_points, result.file) == (0, TOTAL, "")
        assert f"  {result.student}: not submitted." in said
    assert ("not in the roster, and graded all the same: mallory_109" in said) == bool(strangers)
    page = write_report(COURSE, out).read_text("utf-8")
    assert page.count("not submitted") >= len(absent)
    # Who has left the course since is not missed any more.
    roster.write_text("student\nann\n", "utf-8")
    assert main(command) == 0
    left = {r.student for r in Gradebook.open(out).results() if r.status == "not_submitted"}
    assert left <= {"ann"}


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        ("student\nann\n", [], "--roster needs the lesson that everybody hands in"),
        ("name\nann\n", ["--lesson", "2"], "is no roster: pass the gradebook that Canvas exports"),
    ],
)
def test_a_roster_that_is_none_is_said(
    text: str,
    arguments: list[str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "roster.csv").write_text(text)
    command = ["grade", str(write(tmp_path, "folders")), "--out", str(tmp_path / "out")]
    command += ["--sandbox", "none", "--roster", str(tmp_path / "roster.csv"), *arguments]
    assert main(command) == 2
    assert told in capsys.readouterr().err


# --- The command line ---------------------------------------------------------------------------


def commands() -> Iterator[str]:
    for action in build_parser()._actions:
        yield from getattr(action, "choices", None) or ()


NEEDED = {
    **{"check": ["x"], "grade": ["x", "--out", "y"], "report": ["x"], "adjust": ["x", "y"]},
    **{"stats": ["x"], "similar": ["x"], "sample": ["x"], "forget": ["x", "ada"]},
    **{"new-course": ["x"], "new-lesson": ["x"], "try": ["x"], "leaderboard": ["x"]},
    "export": ["csv", "x", "--out", "y"],
    "project": ["x", "--out", "y"],
}


@pytest.mark.parametrize("command", list(commands()))
def test_an_unknown_option_shows_the_commands_own_usage(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, *NEEDED.get(command, []), "--no-such-option"])
    told = capsys.readouterr().err
    assert stopped.value.code == 2
    assert told.startswith(f"usage: grader {command} ")
    assert told.endswith(f"grader {command}: error: unrecognized arguments: --no-such-option\n")


@pytest.mark.usefixtures("at_once_graded")
def test_v_tells_each_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger("grader"), "handlers", [])
    command = ["grade", str(write(tmp_path, "moodle.zip")), "--lesson", "2", "--sandbox", "none"]
    for verbose, told in (([], 0), (["-v"], 1)):
        assert main([*command, "--out", str(tmp_path / f"out {told}"), *verbose]) == 0
        said = capsys.readouterr()
        line = f"Ben Roe_203, 02_bigrams: not_a_notebook, 0 of {TOTAL:g} points"
        assert said.err.count(line) == told
        assert "Ben Roe_203: not a notebook" in said.out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert re.fullmatch(r"grader \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("name", ["2", "02", "002", LESSON])
def test_a_lesson_has_three_names_everywhere(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gradebook = Gradebook(tmp_path / "grades")
    for lesson in (LESSON, "00_start"):
        gradebook.write(SubmissionResult("ada", lesson, "x", "", "graded", "", 1.0, []))
    out = tmp_path / "grades.csv"
    export = ["export", "csv", str(tmp_path / "grades"), "--out", str(out), "--lesson", name]
    known = name != "002"
    assert main(export) == (0 if known else 2)
    assert main(["build", "--check", name]) in ((0, 1) if known else (2,))
    assert ("there is no lesson '002'" in capsys.readouterr().err) is not known
    if known:
        assert out.read_text().count("ada,") == 1


@pytest.mark.parametrize("kept", ["roster.csv", "grades/gradebook.sqlite", "grades/secret.key"])
def test_an_export_never_takes_the_place_of_what_it_is_made_from(
    kept: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roster, grades = tmp_path / "roster.csv", tmp_path / "grades"
    roster.write_text("Student,ID,Section,Bigrams (1),Essay (2)\n,,,,\nAda,101,A,,7\n")
    Gradebook(grades).write(SubmissionResult("ada_101", LESSON, "x", "", "graded", "", 1.0, []))
    (grades / "secret.key").write_bytes(bytes(32))
    before = contents(tmp_path)
    for kind in ("csv", "junit", "canvas", "gradescope-autograder"):
        command = ["export", kind, str(grades), "--out", str(tmp_path / kept), "--lesson", "2"]
        assert main([*command, "--roster", str(roster)]) == 2
        assert "would be lost; write it to another file: --out FILE" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_what_the_system_refuses_is_said_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Gradebook(tmp_path).write(SubmissionResult("ada", LESSON, "x", "", "graded", "", 1.0, []))
    assert main(["export", "csv", str(tmp_path), "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"grader: {tmp_path} cannot be read or written (Is a directory). Make")
    assert "Errno" not in told
    assert main(["export", "csv", str(tmp_path), "--out", "/dev/full"]) == 2
    told = capsys.readouterr().err
    assert "not everything could be written (No space left on device). Make room" in told


def test_a_reader_who_has_enough_is_no_error(tmp_path: Path) -> None:
    Gradebook(tmp_path).write(SubmissionResult("ada", LESSON, "x", "", "graded", "", 1.0, []))
    read, write_ = os.pipe()
    os.close(read)
    with os.fdopen(write_) as closed:
        done = subprocess.run(
            [sys.executable, "-m", "grader.cli", "stats", str(tmp_path)],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
            cwd=ROOT,
        )
    assert (done.returncode, done.stderr) == (141, b"")


# --- Progress -----------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [1, 3, 10, 1000])
def test_progress_in_a_file_is_a_line_each_ten_per_cent(
    total: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("grading", total, "submissions") as bar:
        for _ in range(total):
            bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == min(total, 10)
    assert lines[-1] == f"grading: 100 % ({total:,} of {total:,} submissions)"
    assert all(re.fullmatch(r"grading: \d+0 % \([\d,]+ of [\d,]+ submissions\)", x) for x in lines)


def test_progress_counts_what_is_still_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("grading", 100, "submissions") as bar:
        bar.total -= 98
        bar.update()
        bar.update()
    assert capsys.readouterr().err.splitlines() == [
        "grading: 50 % (1 of 2 submissions)",
        "grading: 100 % (2 of 2 submissions)",
    ]


def test_progress_on_a_terminal_is_a_bar() -> None:
    code = (
        "from grader.terminal.progress import progress\n"
        "with progress('grading', 3, 'submissions') as bar:\n    bar.update(3)\n"
    )
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with open(ours, "rb", buffering=0) as terminal:
        subprocess.run([sys.executable, "-c", code], stderr=theirs, check=True, cwd=ROOT)
        shown = terminal.read(10_000).decode()
    assert "\r" in shown
    assert "| 3/3 [" in shown


def test_no_other_bar_is_drawn() -> None:
    users = [
        path.name for path in (ROOT / "grader").rglob("*.py") if "tqdm(" in path.read_text("utf-8")
    ]
    assert users == ["progress.py"]

"""`grader forget`: a student out of a gradebook, or under another name."""

import json
from pathlib import Path

import pytest
from course import COURSE

from grader.cli import main
from grader.gradebook.adjustments import merge
from grader.gradebook.copies import copy_path, keep_copy
from grader.gradebook.scores import final_scores
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.gradebook.tables import FILE_NAME
from grader.reports.pages import slug, write_report

LESSON = "02_bigrams"
RELEASED = COURSE.paths(LESSON).student


def write(folder: Path, student: str, *lessons: str) -> None:
    for lesson in lessons or (LESSON,):
        exercise = ExerciseResult("quiz", "passed", 2.0, 2.0)
        Gradebook(folder).write(
            SubmissionResult(student, lesson, "hw.ipynb", "x", "graded", "", 1.0, [exercise])
        )
        keep_copy(folder, student, lesson, RELEASED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "grades"
    write(folder, "ada the secret", LESSON, "01_data")
    write(folder, "ben")
    table = folder.parent / "manual.csv"
    table.write_text(
        f"student,lesson,exercise,points,comment\nada the secret,{LESSON},quiz,1.5,Well done\n"
    )
    merge(COURSE, folder, [table])
    write_report(COURSE, folder)
    return folder


def students(folder: Path) -> list[str]:
    return [score.result.student for score in final_scores(folder)]


def test_a_student_who_is_forgotten_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["forget", str(folder), "ada the secret"]) == 0
    said = capsys.readouterr().out
    assert "ada the secret is forgotten, with 2 submissions." in said
    assert f"Next: grader report {folder}" in said
    assert students(folder) == ["ben"]
    write_report(COURSE, folder)
    for path in folder.rglob("*"):
        assert slug("ada the secret") not in str(path)
        if path.is_file():
            assert b"ada the secret" not in path.read_bytes()
    assert copy_path(folder, "ben", LESSON).is_file()


def test_a_student_who_is_renamed_keeps_everything(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {s.result.lesson: s.points for s in final_scores(folder)}
    assert main(["forget", str(folder), "ada the secret", "--as", "ada_101"]) == 0
    assert "ada the secret is called ada_101 now, with 2 submissions." in capsys.readouterr().out
    assert students(folder) == ["ada_101", "ada_101", "ben"]
    assert {s.result.lesson: s.points for s in final_scores(folder)} == before
    score = next(s for s in final_scores(folder) if s.is_manual)
    assert (score.result.student, score.points) == ("ada_101", 1.5)
    assert copy_path(folder, "ada_101", LESSON).is_file()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [one["student"] for one in manifest["submissions"]] == ["ada_101", "ada_101", "ben"]
    write_report(COURSE, folder)
    assert (folder / "report/students" / f"{slug('ada_101')}.html").is_file()
    for path in folder.rglob("*"):
        assert slug("ada the secret") not in str(path)


def test_a_name_that_is_taken_is_refused_and_nothing_changes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / FILE_NAME).read_bytes()
    assert main(["forget", str(folder), "ada the secret", "--as", "ben"]) == 2
    assert "ben and ada the secret both have something for one lesson" in capsys.readouterr().err
    assert (folder / FILE_NAME).read_bytes() == before


def test_a_name_that_nobody_has_is_said_with_those_near_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["forget", str(folder), "ada"]) == 2
    said = capsys.readouterr().err
    assert "nobody is called 'ada'; is it one of these? ada the secret" in said

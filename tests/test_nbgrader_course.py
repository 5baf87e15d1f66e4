"""Scores in a real nbgrader course, made through nbgrader's API."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from course import ROOT
from nbgrader.api import Gradebook as Course

from grader.cli import main
from grader.gradebook.scores import final_scores
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.reports.exports import nbgrader_course
from grader.reports.exports.nbgrader_course import Written

LESSON = "02_bigrams"
ASSIGNMENT = "hw2"
POINTS = {"nll": 2.0, "quiz": 6.0}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a course as `nbgrader generate_assignment` leaves it."""
    course = tmp_path_factory.mktemp("course")
    with pytest.MonkeyPatch.context() as patch:
        # nbgrader calls alembic by name, also from a venv that is not activated.
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        with open_course(course) as gradebook:
            gradebook.add_assignment(ASSIGNMENT)
            gradebook.add_notebook(LESSON, ASSIGNMENT)
            for name, points in POINTS.items():
                gradebook.add_grade_cell(
                    f"check-{name}", LESSON, ASSIGNMENT, max_score=points, cell_type="code"
                )
                gradebook.add_solution_cell(name, LESSON, ASSIGNMENT)
            gradebook.add_student("ada")
            gradebook.add_student("ben", lms_user_id="12")
            gradebook.add_student("cy")
    return course


@pytest.fixture
def course(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture
def grades(tmp_path: Path) -> Iterator[Path]:
    write(tmp_path / "grades", submission("ada", nll=1.0, quiz=6.0))
    return tmp_path / "grades"


def write_scores(course: Path, grades: Path) -> Written:
    return nbgrader_course.write_scores(course, final_scores(grades))


def open_course(folder: Path) -> Course:
    return Course(f"sqlite:///{folder / 'gradebook.db'}")


def submission(
    student: str, *, status: str = "graded", lesson: str = LESSON, **points: float
) -> SubmissionResult:
    return SubmissionResult(
        student=student,
        lesson=lesson,
        file="hw.ipynb",
        fingerprint="",
        status=status,
        message="",
        seconds=1.0,
        exercises=[
            ExerciseResult(name, "partial", earned, POINTS.get(name, 2.0))
            for name, earned in points.items()
        ],
    )


def write(folder: Path, *results: SubmissionResult) -> None:
    gradebook = Gradebook(folder)
    for result in results:
        gradebook.write(result)


def scores(course: Path) -> dict[str, dict[str, tuple[float | None, float | None, bool]]]:
    """Return each student's automatic score, manual score and mark for review, by cell."""
    with open_course(course) as gradebook:
        return {
            submission.student.id: {
                grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
            for submission in gradebook.assignment_submissions(ASSIGNMENT)
        }


def test_points_become_nbgraders_automatic_scores(course: Path, grades: Path) -> None:
    write(grades, submission("benlast_12", nll=2.0, quiz=0.0))
    done = write_scores(course, grades)
    assert done.lost == []
    assert scores(course) == {
        "ada": {"check-nll": (1.0, None, False), "check-quiz": (6.0, None, False)},
        "ben": {"check-nll": (2.0, None, False), "check-quiz": (0.0, None, False)},
    }
    with open_course(course) as gradebook:
        total = gradebook.find_submission(ASSIGNMENT, "ada")
        assert (total.score, total.max_score, total.needs_manual_grade) == (7.0, 8.0, False)
        assert [one.id for one in gradebook.db.query(type(gradebook.check_course())).all()] == [
            "default_course"
        ]
    assert done.notes == ["02_bigrams: 1 of the course handed in nothing: cy"]


def test_a_second_import_changes_what_was_graded_again(course: Path, grades: Path) -> None:
    write_scores(course, grades)
    before = scores(course)
    write_scores(course, grades)
    assert scores(course) == before
    write(grades, submission("ada", nll=2.0, quiz=6.0))
    write_scores(course, grades)
    assert scores(course)["ada"]["check-nll"] == (2.0, None, False)


def test_what_a_person_gave_stays(course: Path, grades: Path) -> None:
    write_scores(course, grades)
    with open_course(course) as gradebook:
        for cell in ("check-nll", "check-quiz"):
            grade = gradebook.find_grade(cell, LESSON, ASSIGNMENT, "ada")
            grade.manual_score, grade.extra_credit = 1.5, 0.5
        gradebook.db.commit()
    write(grades, submission("ada", nll=0.0, quiz=6.0))
    write_scores(course, grades)
    assert scores(course)["ada"] == {
        "check-nll": (0.0, 1.5, True),  # to be looked at again: the code is another
        "check-quiz": (6.0, 1.5, False),
    }
    with open_course(course) as gradebook:
        assert gradebook.find_submission(ASSIGNMENT, "ada").score == 4.0


def test_cells_worth_other_points_are_scaled(course: Path, grades: Path) -> None:
    with open_course(course) as gradebook:
        gradebook.update_or_create_grade_cell("check-nll", LESSON, ASSIGNMENT, max_score=10.0)
    write_scores(course, grades)
    assert scores(course)["ada"]["check-nll"] == (5.0, None, False)


def test_whatever_could_not_be_placed_is_said(
    course: Path, grades: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        grades,
        submission("stranger", nll=2.0),
        submission("someone_99", nll=2.0),
        submission("ben", nll=2.0),
        submission("benlast_12", nll=2.0),
        submission("cy", nll=2.0, status="not_graded"),
        submission("ada", encode=2.0, lesson="01_data"),
        submission("lost", lesson="", status="empty"),
        submission("absent", lesson=LESSON, status="not_submitted"),
    )
    assert main(["export", "nbgrader", str(grades), "--out", str(course)]) == 1
    said = capsys.readouterr().out
    assert f"Submissions: 8, left out: 7. Written: {course}" in said
    for reason in (
        "stranger: no student of the nbgrader course has this id",
        "someone_99: no student of the nbgrader course has this id",
        "ben: ben fits 2 submissions",
        "benlast_12: ben fits 2 submissions",
        "cy: the grader itself failed",
        "ada: no assignment has the notebook 01_data",
        "nbgrader generate_assignment 01_data",
        "lost: the file belongs to no lesson",
    ):
        assert reason in said
    assert list(scores(course)) == ["ada"]
    with open_course(course) as gradebook:
        assert [student.id for student in gradebook.students] == ["ada", "ben", "cy"]
        assert [assignment.name for assignment in gradebook.assignments] == [ASSIGNMENT]


def test_an_exercise_without_a_cell_is_said(course: Path, grades: Path) -> None:
    write(grades, submission("ada", nll=1.0, bonus=2.0))
    done = write_scores(course, grades)
    assert done.lost == ["ada: hw2 has no cell check-bonus"]
    assert scores(course)["ada"]["check-nll"][0] == 1.0


def test_a_notebook_in_two_assignments_is_not_guessed(course: Path, grades: Path) -> None:
    with open_course(course) as gradebook:
        gradebook.add_assignment("again")
        gradebook.add_notebook(LESSON, "again")
    (loss,) = write_scores(course, grades).lost
    assert "several assignments have the notebook 02_bigrams: again, hw2" in loss
    assert scores(course) == {}


def test_what_is_no_course_is_said(tmp_path: Path, grades: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no gradebook\.db.*generate_assignment"):
        write_scores(tmp_path, grades)
    assert not (tmp_path / "gradebook.db").exists()
    (tmp_path / "gradebook.db").write_text("this is no database, whatever its name says" * 50)
    with pytest.raises(ValueError, match="nbgrader db upgrade"):
        write_scores(tmp_path, grades)


def test_without_nbgrader_it_says_what_to_install(
    course: Path, grades: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nbgrader.api", None)
    with pytest.raises(ModuleNotFoundError, match="pip install nbgrader"):
        write_scores(course, grades)


def test_a_project_has_no_cells_there(
    course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grades = tmp_path / "grades"
    write(grades, submission("ada", lesson="project", azure=9.0), submission("ben_12", nll=2.0))
    words = ["export", "nbgrader", str(grades), "--out", str(course)]
    assert main(["--course", str(ROOT), *words]) == 1
    said = capsys.readouterr().out
    assert "left out: ada: nbgrader has notebooks, and no place for the project" in said
    assert scores(course)["ben"]["check-nll"] == (2.0, None, False)

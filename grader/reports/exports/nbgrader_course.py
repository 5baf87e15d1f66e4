"""`grader export nbgrader`: the scores in an nbgrader course's own gradebook.

All goes through `nbgrader.api`. The assignments, notebooks, cells and students are the course's:
none is made here. What nbgrader's autograder would have written is replaced by what this grader
found; what a person wrote stays.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from grader.gradebook.scores import FinalScore
from grader.terminal.names import printable

if TYPE_CHECKING:
    from nbgrader.api import Gradebook as Course
    from nbgrader.api import Notebook

DATABASE = "gradebook.db"


@dataclass
class Written:
    """Whose points went nowhere and why, and what else a person should know."""

    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write_scores(course: Path, scores: list[FinalScore]) -> Written:
    """Write each submission's points as the automatic scores of the lesson's grade cells.

    The cell of exercise `nll` is the one that the lesson's notebook calls `check-nll`, in the
    notebook named as the lesson is, in whatever assignment. Students are those with the same id, or
    with the platform's number as their LMS id. A manual score stays, and is marked for review where
    the automatic score below it changed, as nbgrader's autograder does.

    Raises
    ------
    FileNotFoundError
        If there is no nbgrader course.
    ModuleNotFoundError
        If nbgrader is not installed.
    ValueError
        If nbgrader cannot read its own database.
    """
    database = course / DATABASE
    if not database.is_file():
        raise FileNotFoundError(
            f"there is no {DATABASE} in {course}; name the folder of an nbgrader course in which "
            "'nbgrader generate_assignment' was run"
        )
    try:
        from nbgrader.api import Gradebook as Course
        from sqlalchemy.exc import DatabaseError
    except ImportError:
        raise ModuleNotFoundError(
            "this needs nbgrader, which is not installed; type: python -m pip install nbgrader"
        ) from None
    done = Written()
    try:
        # An empty course id adds none to those that the database knows.
        with Course(f"sqlite:///{database}", course_id="") as gradebook:
            _write(gradebook, scores, done)
            gradebook.db.commit()
    except DatabaseError as error:
        raise ValueError(
            f"nbgrader cannot use {database}: {error.__cause__ or error!s}. If it is from an "
            "older version, type there: nbgrader db upgrade"
        ) from None
    return done


def _write(gradebook: "Course", scores: list[FinalScore], done: Written) -> None:
    students = _Students(gradebook)
    for lesson in sorted({score.result.lesson for score in scores}):
        notebook = _notebook(gradebook, lesson)
        claims: dict[str, list[FinalScore]] = {}
        for score in scores:
            name = score.result.student
            if score.result.lesson != lesson:
                continue
            student = students.find(name)
            if isinstance(notebook, str):
                done.lost.append(f"{name}: {notebook}")
            elif score.result.status == "not_graded":
                done.lost.append(f"{name}: the grader itself failed; grade the class again")
            elif student is None:
                done.lost.append(f"{name}: no student of the nbgrader course has this id")
            else:
                claims.setdefault(student, []).append(score)
        for student, theirs in claims.items():
            if len(theirs) == 1:
                _write_one(gradebook, notebook, student, theirs[0], done)
            else:
                fits = f"{student} fits {len(theirs)} submissions"
                done.lost += [f"{score.result.student}: {fits}" for score in theirs]
        absent = [printable(student) for student in students.ids if student not in claims]
        if absent and not isinstance(notebook, str):
            names = ", ".join(absent)
            done.notes.append(f"{lesson}: {len(absent)} of the course handed in nothing: {names}")


class _Students:
    """The course's students, by id and by the number that a learning platform gave them."""

    def __init__(self, gradebook: "Course") -> None:
        self.ids = sorted(student.id for student in gradebook.students)
        self._numbers: dict[str, list[str]] = {}
        for student in gradebook.students:
            self._numbers.setdefault(student.lms_user_id or "", []).append(student.id)

    def find(self, name: str) -> str | None:
        _, _, number = name.rpartition("_")
        numbered = self._numbers.get(number, []) if number.isdecimal() else []
        return name if name in self.ids else numbered[0] if len(numbered) == 1 else None


def _notebook(gradebook: "Course", lesson: str) -> "Notebook | str":
    """Return the one notebook of a lesson, or why there is none."""
    if not lesson:
        return "the file belongs to no lesson"
    found = [
        notebook
        for assignment in gradebook.assignments
        for notebook in assignment.notebooks
        if notebook.name == lesson
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(notebook.assignment.name for notebook in found)
        return f"several assignments have the notebook {lesson}: {names}"
    return (
        f"no assignment has the notebook {lesson}; copy the released {lesson}.ipynb to "
        f"source/{lesson}/ in the course and type there: nbgrader generate_assignment {lesson}"
    )


def _write_one(
    gradebook: "Course",
    notebook: "Notebook",
    student: str,
    score: FinalScore,
    done: Written,
) -> None:
    assignment = notebook.assignment.name
    submission = gradebook.update_or_create_submission(assignment, student)
    grades = {
        grade.cell.name: grade
        for submitted in submission.notebooks
        if submitted.name == notebook.name
        for grade in submitted.grades
    }
    name = score.result.student
    for exercise in score.exercises:
        grade = grades.get(f"check-{exercise.result.name}")
        if grade is None:
            done.lost.append(f"{name}: {assignment} has no cell check-{exercise.result.name}")
            continue
        most = exercise.result.max_points
        points = round(exercise.points / most * grade.max_score, 4) if most else 0.0
        if grade.auto_score != points or grade.manual_score is None:
            grade.needs_manual_grade = grade.manual_score is not None
        grade.auto_score = points
    if score.late:
        done.notes.append(f"{name}: handed in late; what that costs is left to nbgrader's own rule")

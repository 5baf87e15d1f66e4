"""`grades.csv`: what each submission gets, with a column for each exercise."""

from collections.abc import Iterable
from pathlib import Path

from grader.formats.spreadsheet import points, write_rows
from grader.gradebook.scores import FinalScore


def write_grades(path: Path, scores: Iterable[FinalScore]) -> None:
    """Write a row for each submission; the columns are the exercises of all lessons, by name.

    Files of no lesson come last.
    """
    scores = sorted(scores, key=lambda score: score.result.lesson == "")
    names = list(dict.fromkeys(e.result.name for score in scores for e in score.exercises))
    columns = ("student", "lesson", "points", "max_points", "status", "late_penalty", "comment")
    rows = [[*columns, *names]]
    for score in scores:
        earned = {exercise.result.name: points(exercise.points) for exercise in score.exercises}
        result = score.result
        rows.append(
            [
                *(result.student, result.lesson),
                *(points(score.points), points(score.max_points), result.status),
                *(points(score.penalty), score.comment),
                *(earned.get(name, "") for name in names),
            ]
        )
    write_rows(path, rows)

"""The grading worksheet that Moodle's assignments import, made from the one that they export.

Columns: Moodle's "Offline grading worksheet"; its importer reads Identifier, Grade, Last modified
(grade) and the feedback, in the language of the person who uploads it.
"""

import re

from grader.formats.spreadsheet import Table, points
from grader.gradebook.scores import ExerciseScore, FinalScore
from grader.reports.exports.roster import Merge, match, most_points, note_scale, scaled
from grader.reports.pages import EXERCISE_STATUSES, SUBMISSION_STATUSES
from grader.submissions.roster import is_moodle, moodle_people


def merge(scores: list[FinalScore], roster: Table, lesson: str) -> Merge:
    """Return Moodle's table with a lesson's points as grades, and a comment on each.

    A comment that a person wrote stays.

    Raises
    ------
    ValueError
        If the table is not Moodle's.
    """
    grade = roster.place("Grade")
    if grade is None or not is_moodle(roster):
        raise ValueError(
            "the roster is not a grading worksheet of Moodle's: it needs the columns Identifier, "
            "Grade and Last modified (grade). In the assignment, choose Submissions > Download "
            "grading worksheet, with Moodle set to English"
        )
    comment = roster.place("Feedback comments")
    maximum, open_ = roster.place("Maximum grade"), roster.place("Grade can be changed")
    rows = [list(row) for row in roster.rows]
    done = Merge(Table(roster.header, rows, roster.delimiter, roster.encoding))
    mosts = ["" if maximum is None else row[maximum] for row in rows]
    most = next(filter(most_points, mosts), "")
    note_scale(scores, most, "Moodle", done)
    for one, score in match(scores, moodle_people(roster), done):
        result = score.result
        row = rows[one.row]
        if result.status == "not_graded":
            done.lost.append(f"{result.student}: the grader itself failed; grade the class again")
        elif open_ is not None and row[open_].strip().casefold() == "no":
            done.lost.append(f"{result.student}: Moodle does not let this grade be changed")
        else:
            row[grade] = scaled(score, mosts[one.row])
            if comment is not None and (not row[comment].strip() or _is_ours(row[comment], lesson)):
                row[comment] = _comment(score, lesson)
    return done


def _comment(score: FinalScore, lesson: str) -> str:
    """Return what was earned for what; nothing of it was written by the student."""
    total = f"{lesson}: {points(score.points)} of {points(score.max_points)} points."
    parts = [
        f"{exercise.result.name} {points(exercise.points)} of {points(exercise.result.max_points)}"
        f" ({_word(exercise)})"
        for exercise in score.exercises
    ]
    if score.result.status != "graded":
        parts = [SUBMISSION_STATUSES[score.result.status].sentence.rstrip(".")]
    if score.late:
        parts.append(f"{points(score.penalty)} off for being late")
    comments = [score.comment, *(exercise.comment for exercise in score.exercises)]
    return " ".join([total, "; ".join(parts) + ".", *filter(None, comments)])


def _word(exercise: ExerciseScore) -> str:
    """Return how the points came: what the checks found, or that a person gave them."""
    if exercise.manual is not None:
        return "by hand"
    return EXERCISE_STATUSES[exercise.result.status].word


def _is_ours(comment: str, lesson: str) -> bool:
    return (
        re.match(rf"\s*(?:<[^>]*>)*{re.escape(lesson)}: [\d.]+ of [\d.]+ points\.", comment)
        is not None
    )

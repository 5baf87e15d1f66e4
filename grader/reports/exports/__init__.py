"""`grader export`: a gradebook as other programs read it."""

import json
import os
from pathlib import Path
from typing import Any

from grader.course.lessons import Course, fitting
from grader.formats.junit import JUnitTest, write_junit
from grader.formats.spreadsheet import points, read_table, write_table
from grader.gradebook.copies import slug
from grader.gradebook.scores import FinalScore, final_scores
from grader.gradebook.secret import FILE_NAME as SECRET_FILE
from grader.gradebook.tables import FILE_NAME
from grader.reports.exports import autograder, canvas, moodle, nbgrader_course
from grader.reports.exports.roster import Merge
from grader.reports.exports.submission import feedback, github, github_points, gradescope, outcome
from grader.reports.grades import write_grades


def main(
    course: Course,
    kind: str,
    folder: Path,
    out: Path,
    *,
    lesson: str | None = None,
    roster: Path | None = None,
    column: str | None = None,
) -> int:
    """Write the gradebook in `folder` as `kind` and say what was left out.

    Parameters
    ----------
    kind : the format, one of those that `grader export --help` lists
    folder : the gradebook's
    out : a file; for "nbgrader" the folder of its course, where the scores are written into the
        gradebook; for "gradescope" and "github" a folder, in which each submission gets its own.
        For Gradescope also a file whose name ends in .json, where there is one submission; for
        "gradescope-autograder" the zip to upload there, which grades on Gradescope's machines
    lesson : "02_bigrams", "02" or "2"; all formats but "csv", "junit" and "nbgrader" hold one
    roster : the file that Canvas or Moodle exported
    column : the assignment's title in Canvas

    Returns
    -------
    1 if somebody's points went nowhere, else 0.

    Raises
    ------
    FileNotFoundError
        If there is no gradebook or no roster.
    ValueError
        If the roster or the lesson does not fit, or `out` is a file that is read.
    """
    _require_free(out, folder, roster)
    if kind == "gradescope-autograder":
        autograder.write(course, folder, out, lesson)
        print(f"Written: {out}. It holds the solutions and the class's secret: show it to nobody.")
        return 0
    every = final_scores(folder)
    lost: list[str] = []
    notes: list[str] = []
    if kind in ("csv", "junit"):
        scores = _of_lesson(every, lesson) if lesson else every
        if kind == "csv":
            write_grades(out, scores)
        else:
            write_junit(out, [_suite(score) for score in scores])
    elif kind == "nbgrader":
        scores = _handed_in(_of_lesson(every, lesson) if lesson else every)
        project = course.configuration.project
        books = [score for score in scores if score.result.lesson != project]
        done = nbgrader_course.write_scores(out, books)
        lost = done.lost + [
            f"{score.result.student}: nbgrader has notebooks, and no place for the {project}"
            for score in scores
            if score.result.lesson == project
        ]
        notes = done.notes
    else:
        scores = _handed_in(_of_lesson(every, lesson))
        if kind in ("canvas", "moodle"):
            merged = _merge(kind, scores, out, roster, column)
            lost, notes = merged.lost, merged.notes
        else:
            lost = _one_each(kind, scores, out)
        homeless = [score for score in every if not score.result.lesson]
        lost += [f"{score.result.student}: the file belongs to no lesson" for score in homeless]
        scores = scores + homeless
    print(f"Submissions: {len(scores)}, left out: {len(lost)}. Written: {out}")
    for text in [*(f"note: {note}" for note in notes), *(f"left out: {loss}" for loss in lost)]:
        print(f"  {text}")
    return int(bool(lost))


def _require_free(out: Path, folder: Path, roster: Path | None) -> None:
    """Raise ValueError if what is written would take the place of what cannot be made again."""
    for kept in (folder / FILE_NAME, folder / SECRET_FILE, roster):
        if kept is not None and out.exists() and kept.exists() and out.samefile(kept):
            raise ValueError(
                f"{out} is what the export is made from, and would be lost; write it to another "
                "file: --out FILE"
            )


def _of_lesson(scores: list[FinalScore], wanted: str | None) -> list[FinalScore]:
    """Return the scores of the lesson that is wanted, or of the only one that there is."""
    lessons = sorted({score.result.lesson for score in scores} - {""})
    only = lessons[0] if len(lessons) == 1 else None
    found = only if wanted is None else fitting(wanted, lessons)
    if found is not None:
        return [score for score in scores if score.result.lesson == found]
    known = ", ".join(lessons) or "none"
    if wanted is None and lessons:
        raise ValueError(f"the gradebook has several lessons: {known}; choose one with --lesson")
    raise ValueError(f"the gradebook has nothing of lesson {wanted or ''}; it has: {known}")


def _handed_in(scores: list[FinalScore]) -> list[FinalScore]:
    """Return the scores without those who handed in nothing: no platform is told of these."""
    found = [score for score in scores if score.result.status != "not_submitted"]
    if scores and not found:
        raise ValueError("nobody in the gradebook handed in anything")
    return found


def _merge(
    kind: str,
    scores: list[FinalScore],
    out: Path,
    roster: Path | None,
    column: str | None,
) -> Merge:
    if roster is None:
        raise ValueError(f"pass the file that {kind.capitalize()} exported: --roster FILE")
    table, lesson = read_table(roster), scores[0].result.lesson
    if kind == "canvas":
        done = canvas.merge(scores, table, lesson, column)
    else:
        done = moodle.merge(scores, table, lesson)
    write_table(out, done.table)
    unread = [
        f"{score.result.student} ({points(score.points)})"
        for score in scores
        if score.result.status not in ("graded", "not_graded")
    ]
    if unread:
        done.notes.append("these could not be graded; their points: " + ", ".join(unread))
    return done


def _one_each(kind: str, scores: list[FinalScore], out: Path) -> list[str]:
    """Write each submission's files and return what was left out."""
    graded = [score for score in scores if score.result.status != "not_graded"]
    single = out.suffix == ".json"
    if single and (kind != "gradescope" or len(graded) != 1):
        raise ValueError(f"{out} is one file, and there are more to write: name a folder")
    for score in graded:
        folder = out / slug(score.result.student)
        if single:
            _write_json(out, gradescope(score))
        elif kind == "gradescope":
            _write_json(folder / "results.json", gradescope(score))
        else:
            _write_json(folder / "results.json", github(score))
            _write_json(folder / "points.json", github_points(score))
    if kind == "github" and "GITHUB_ACTIONS" in os.environ and len(graded) == 1:
        # In the run of a student's own repository, this line is what GitHub Classroom reads.
        print(f"::notice title=Autograding report::{json.dumps(github_points(graded[0]))}")
    return [
        f"{score.result.student}: the grader itself failed; grade the class again"
        for score in scores
        if score.result.status == "not_graded"
    ]


def _suite(score: FinalScore) -> tuple[str, list[JUnitTest]]:
    result = score.result
    name = f"{result.student} {result.lesson}".strip()
    if result.status != "graded":
        group = result.lesson or "no lesson"
        return name, [JUnitTest(group, result.file, failure=result.status, text=outcome(score))]
    tests = []
    for exercise in score.exercises:
        status = exercise.result.status
        tests.append(
            JUnitTest(
                result.lesson,
                exercise.result.name,
                failure="" if status in ("passed", "missing") else status,
                skipped="not started" if status == "missing" else "",
                text=feedback(exercise),
            )
        )
    return name, tests


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

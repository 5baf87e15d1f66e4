"""The CSV that Canvas's gradebook imports, made from the one that it exports.

Only the columns that say who a student is and the one assignment are written, so that an import
changes nothing else. Columns: Canvas's guide "How do I import grades in the Gradebook?".
"""

import re

from grader.formats.spreadsheet import Table
from grader.gradebook.scores import FinalScore
from grader.reports.exports.roster import Merge, match, note_scale, scaled
from grader.submissions.roster import (
    CANVAS_IDENTIFIERS,
    CANVAS_NAMES,
    POINTS_POSSIBLE,
    canvas_people,
    is_canvas,
    letters,
)

_ASSIGNMENT = re.compile(r"(?P<title>.*) \(\d+\)", re.DOTALL)


def merge(scores: list[FinalScore], roster: Table, lesson: str, column: str | None) -> Merge:
    """Return Canvas's table with a lesson's points in the assignment's column.

    Parameters
    ----------
    scores : the lesson's, one for each student
    roster : the table that Canvas exported
    lesson : such as "02_bigrams"
    column : the assignment's title, with or without its id; else the one that names the lesson, or
        the only one that there is

    Raises
    ------
    ValueError
        If the table is not Canvas's, or which column is meant cannot be told.
    """
    if not is_canvas(roster):
        raise ValueError(
            "the roster is not a gradebook that Canvas exported: it needs the columns Student, ID "
            "and Section; in Canvas, choose Grades > Export"
        )
    most = next(
        (row for row in roster.rows if POINTS_POSSIBLE in row[0]), [""] * len(roster.header)
    )
    place = _assignment(roster, most, lesson, column)
    kept = [roster.place(name) for name in (*CANVAS_NAMES, *CANVAS_IDENTIFIERS, "Section")]
    places = [found for found in kept if found is not None] + [place]
    rows = [[row[i] for i in places] for row in roster.rows]
    done = Merge(Table([roster.header[i] for i in places], rows, roster.delimiter, roster.encoding))
    done.notes.append(f"the points of {lesson} are in the column {roster.header[place]!r}")
    note_scale(scores, most[place], "Canvas", done)
    for one, score in match(scores, canvas_people(roster), done):
        result = score.result
        there = rows[one.row][-1].strip()
        if result.status == "not_graded":
            done.lost.append(f"{result.student}: the grader itself failed; grade the class again")
        elif there.upper() in ("EX", "N/A"):
            done.lost.append(f"{result.student}: Canvas has {there} there, which is kept")
        else:
            rows[one.row][-1] = scaled(score, most[place])
    return done


def _assignment(roster: Table, most: list[str], lesson: str, column: str | None) -> int:
    # "(read only)" marks Canvas's own sums, whose title may end like an assignment's.
    titles = {
        i: found["title"]
        for i, name in enumerate(roster.header)
        if (found := _ASSIGNMENT.fullmatch(name)) and "read only" not in most[i].lower()
    }
    if column is not None:
        fitting = [i for i, title in titles.items() if column in (title, roster.header[i])]
    else:
        about = (letters(lesson), letters(lesson.partition("_")[2]) or letters(lesson))
        fitting = [i for i, title in titles.items() if any(a in letters(title) for a in about)]
        fitting = fitting or list(titles)
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(repr(roster.header[i]) for i in titles) or "none"
    raise ValueError(
        f"it cannot be told which of Canvas's assignments is {lesson}; name it with --column. "
        f"There are: {known}"
    )

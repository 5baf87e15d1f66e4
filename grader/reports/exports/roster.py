"""Each submission's row in the list that a learning platform exported."""

from dataclasses import dataclass, field

from grader.formats.spreadsheet import Table, points
from grader.gradebook.scores import FinalScore
from grader.submissions.roster import Person, assign, is_called_otherwise
from grader.terminal.names import printable


@dataclass
class Merge:
    """A platform's table with the points in it, and what became of each submission.

    `lost` says whose points went nowhere and why; `notes` what else a person should know.
    """

    table: Table
    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def match(
    scores: list[FinalScore], people: list[Person], merge: Merge
) -> list[tuple[Person, FinalScore]]:
    """Return each person that handed something in, with it, in the order of `people`.

    Whoever cannot be told for certain goes to `merge.lost`, and who has handed in nothing is named
    in `merge.notes`.
    """
    by_student = {score.result.student: score for score in scores}
    found = assign(people, by_student)
    for student in by_student:
        if student in found.unclear:
            merge.lost.append(f"{student}: {len(found.unclear[student])} rows of the roster fit")
        elif student in found.strangers:
            merge.lost.append(f"{student}: not in the roster")
    matched = []
    absent = []
    for one in people:
        theirs = found.students.get(one.row, [])
        if len(theirs) > 1:
            name = printable(one.name)
            merge.lost += [f"{each}: {name} fits {len(theirs)} submissions" for each in theirs]
        elif theirs:
            matched.append((one, by_student[theirs[0]]))
        else:
            absent.append(printable(one.name))
    others = [
        f"{score.result.student} as {printable(one.name)}"
        for one, score in matched
        if is_called_otherwise(score.result.student, one)
    ]
    if others:
        merge.notes.append(
            f"{len(others)} were found by number although the name is another; are these the same "
            f"people? {'; '.join(others)}"
        )
    if absent:
        merge.notes.append(
            f"{len(absent)} of the roster handed in nothing; their rows are as they were: "
            + "; ".join(absent)
        )
    return matched


def scaled(score: FinalScore, possible: str) -> str:
    """Return the points of a submission where the platform gives `possible` for a full one.

    Where that is no number above zero, they are not scaled.
    """
    most = most_points(possible)
    share = most / score.max_points if most and score.max_points else 1.0
    return points(score.points * share)


def most_points(possible: str) -> float | None:
    """Return what a platform calls full marks, if it is a number above zero."""
    text = possible.strip()
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def note_scale(scores: list[FinalScore], possible: str, platform: str, merge: Merge) -> None:
    """Say so where the platform's full marks are not the lesson's."""
    most = most_points(possible)
    ours = max((score.max_points for score in scores), default=0.0)
    if most is None:
        merge.notes.append(f"{platform} gives no full marks; the points are those of the lesson")
    elif ours and most != ours:
        merge.notes.append(
            f"a full mark is {points(most)} in {platform} and {points(ours)} in the lesson: "
            "the points are scaled"
        )

"""What a submission gets: what the checks gave, and what people decided about it.

Everything that shows a grade asks `final_scores`.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.gradebook.tables import FILE_NAME, connect


@dataclass(frozen=True)
class Late:
    """How late a submission was; `percent` of what was earned is taken off for it.

    `submitted_at` is None if all that is known is that the platform marked it as late: that counts
    as one day.
    """

    due: datetime
    submitted_at: datetime | None
    days: int
    percent: float


@dataclass(frozen=True)
class ExerciseScore:
    """An exercise's result, and what a person gave for it instead, if anybody did."""

    result: ExerciseResult
    manual: float | None = None
    comment: str = ""

    @property
    def points(self) -> float:
        """The points that count."""
        return self.result.points if self.manual is None else self.manual


@dataclass(frozen=True)
class FinalScore:
    """What one submission gets, and why.

    `result` is what the checks gave. `late` is None for what came in time, or if nobody said when
    it came or was due.
    """

    result: SubmissionResult
    exercises: tuple[ExerciseScore, ...]
    late: Late | None = None
    comment: str = ""

    @property
    def earned(self) -> float:
        """The points before anything is taken off for being late."""
        return math.fsum(exercise.points for exercise in self.exercises)

    @property
    def penalty(self) -> float:
        """The points taken off for being late."""
        return round(self.earned * self.late.percent / 100, 4) if self.late else 0.0

    @property
    def points(self) -> float:
        """The grade."""
        return self.earned - self.penalty

    @property
    def max_points(self) -> float:
        """The points that could be earned."""
        return self.result.max_points

    @property
    def is_manual(self) -> bool:
        """Whether a person gave any of the points."""
        return any(exercise.manual is not None for exercise in self.exercises)


def final_scores(folder: Path) -> list[FinalScore]:
    """Return what each submission in a gradebook gets, by lesson and student.

    Raises
    ------
    FileNotFoundError
        If there is no gradebook in the folder.
    """
    results = Gradebook.open(folder).results()
    with connect(folder / FILE_NAME) as connection:
        rules = {row[0]: row[1:] for row in connection.execute("SELECT * FROM due")}
        extended = {row[:2]: row[2] for row in connection.execute("SELECT * FROM extension")}
        submitted = {row[:2]: row[2] for row in connection.execute("SELECT * FROM submitted")}
        marked = set(connection.execute("SELECT student, lesson FROM marked_late"))
        manual = {row[:3]: row[3:] for row in connection.execute("SELECT * FROM manual")}
    scores = []
    for result in results:
        key = (result.student, result.lesson)
        late = None
        if result.lesson in rules:
            due, percent_a_day, at_most, grace = rules[result.lesson]
            if key in submitted:
                due = extended.get(key, due)
                late = _late(due, submitted[key], percent_a_day, at_most, grace)
            elif key in marked and key not in extended:  # the platform knows of no extension here
                late = Late(datetime.fromisoformat(due), None, 1, min(percent_a_day, at_most))
        exercises = tuple(
            ExerciseScore(exercise, *manual.get((*key, exercise.name), (None, "")))
            for exercise in result.exercises
        )
        _, comment = manual.get((*key, ""), (None, ""))
        scores.append(FinalScore(result, exercises, late, comment))
    return scores


def _late(
    due: str, submitted_at: str, percent_a_day: float, at_most: float, grace_minutes: float
) -> Late | None:
    """Apply the rule: whole days that have begun count, unless all is within the grace."""
    then, now = datetime.fromisoformat(due), datetime.fromisoformat(submitted_at)
    if now <= then + timedelta(minutes=grace_minutes):
        return None
    days = -((then - now) // timedelta(days=1))
    return Late(then, now.astimezone(then.tzinfo), days, min(days * percent_a_day, at_most))

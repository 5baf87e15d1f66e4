"""`grader stats`: how hard each exercise was, how well it tells students apart, what went wrong."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import StatisticsError, correlation, median

from grader.course.answers import Mistake
from grader.course.lessons import Course
from grader.gradebook.scores import FinalScore, final_scores
from grader.gradebook.store import ExerciseResult

FEWEST = 3
"""Students below whom a correlation says nothing."""


@dataclass(frozen=True)
class Failure:
    """What went wrong in an exercise, and for whom.

    `what` is the known mistake's name if `known`, else the case that failed first.
    """

    what: str
    known: bool
    students: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many students it is."""
        return len(self.students)


@dataclass(frozen=True)
class ExerciseStats:
    """How a class did in one exercise.

    Attributes
    ----------
    success : mean share of the points, from 0 to 1
    passed, asked : how many students have all points, and how many could
    discrimination : correlation of this exercise's points with those of all the others, from -1 to
        1 (the corrected item-total correlation; for an exercise that is either right or wrong, the
        corrected point-biserial one); None where everybody has the same
    failures : what went wrong, the most frequent first
    """

    name: str
    success: float
    passed: int
    asked: int
    discrimination: float | None
    failures: tuple[Failure, ...]


def exercise_stats(
    scores: Iterable[FinalScore], mistakes: Iterable[Mistake] = ()
) -> list[ExerciseStats]:
    """Return how a class did in each exercise of one lesson, in the lesson's order.

    Manual scores count, being late does not; what could not be graded is left out. `mistakes` are
    the lesson's known ones.
    """
    graded = [score for score in scores if score.result.status == "graded"]
    by_name = [{e.result.name: e for e in score.exercises} for score in graded]
    names = dict.fromkeys(name for exercises in by_name for name in exercises)
    hints: dict[str, dict[str, str]] = {}
    for mistake in mistakes:
        hints.setdefault(mistake.exercise, {})[mistake.name] = mistake.hint
    found = []
    for name in names:
        asked = [(score, e[name]) for score, e in zip(graded, by_name, strict=True) if name in e]
        points = [mine.points for _, mine in asked]
        failures: defaultdict[tuple[str, bool], list[str]] = defaultdict(list)
        for score, mine in asked:
            if (failure := _failure(mine.result, hints.get(name, {}))) is not None:
                failures[failure].append(score.result.student)
        found.append(
            ExerciseStats(
                name,
                sum(points) / (sum(mine.result.max_points for _, mine in asked) or 1),
                sum(mine.points >= mine.result.max_points for _, mine in asked),
                len(asked),
                _correlation(points, [score.earned - mine.points for score, mine in asked]),
                tuple(
                    Failure(what, known, tuple(students))
                    for (what, known), students in sorted(
                        failures.items(), key=lambda item: (-len(item[1]), item[0])
                    )
                ),
            )
        )
    return found


def _correlation(points: list[float], rest: list[float]) -> float | None:
    if len(points) < FEWEST:
        return None
    try:
        return correlation(points, rest)
    except StatisticsError:  # one of the two is the same for everybody
        return None


def _failure(result: ExerciseResult, hints: Mapping[str, str]) -> tuple[str, bool] | None:
    """Return what went wrong first, and whether it is a known mistake; None if nothing did.

    A mistake is known by its hint. Where several known mistakes have the same hint, the case is all
    that can be said; where the code raised, what it raised.
    """
    if result.status in ("passed", "missing"):
        return None
    if result.status not in ("partial", "failed", "error"):
        return result.status.replace("_", " "), False
    case = next((case for case in result.cases if not case.passed), None)
    if case is None:  # the cell itself stopped
        return _kind(result.message) or "error", False
    if case.line:
        return f"{_kind(case.came) or 'error'} in: {case.name}", False
    known = [name for name, hint in hints.items() if case.hint and hint in case.hint]
    return (known[0], True) if len(known) == 1 else (case.name, False)


def _kind(error: str) -> str:
    """Return the kind in the text of an error, or ""; a student may have made it up."""
    found = re.search(r"\w{0,40}(?:Error|Exception|Exit|Interrupt)\b", error)
    return found[0] if found else ""


def lesson_mistakes(course: Course, lesson: str) -> list[Mistake]:
    """Return the known mistakes of a lesson, none if nobody has written any."""
    try:
        return course.mistakes(lesson)
    except (FileNotFoundError, KeyError):
        return []


def main(course: Course, folder: Path) -> int:
    """Print the table of each lesson in the gradebook in `folder`."""
    scores = [score for score in final_scores(folder) if score.result.lesson]
    for lesson, part in groupby(scores, lambda score: score.result.lesson):
        of_lesson = list(part)
        graded = [score.result for score in of_lesson if score.result.status == "graded"]
        print(f"{lesson}: {len(of_lesson)} submissions, {len(graded)} graded", end="")
        print(f", median {median(r.seconds for r in graded):.1f} s each" if graded else "")
        print("\n".join(table(exercise_stats(of_lesson, lesson_mistakes(course, lesson)))))
        print()
    if not scores:
        print("There is nothing of any lesson in this gradebook.")
    return 0


def table(stats: list[ExerciseStats]) -> list[str]:
    """Return the lines of a table: each exercise, and below it what went wrong."""
    width = max((len(one.name) for one in stats), default=0)
    lines = [f"{'exercise':{width}}  earned    passed  discrimination"] if stats else []
    for one in stats:
        passed = f"{one.passed} of {one.asked}"
        lines.append(
            f"{one.name:{width}}  {one.success:>6.0%}  {passed:>8}  {shown(one.discrimination):>14}"
        )
        lines += [f"    {failure.count:>4}  {_what(failure)}" for failure in one.failures]
    return lines


def _what(failure: Failure) -> str:
    return f"{failure.what} (a known mistake)" if failure.known else failure.what


def shown(discrimination: float | None) -> str:
    """Return a discrimination as people read it."""
    return "-" if discrimination is None else f"{discrimination:.2f}"

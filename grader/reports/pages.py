"""`grader report`: the class page, each student's feedback, and grades.csv.

Every word of a submission is untrusted: pages escape it and load nothing, and the CSV holds no
formulas. No script runs but the class page's own, which its policy names by a hash. The same
gradebook gives the same bytes.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import count, groupby
from pathlib import Path
from statistics import median

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from grader.checks.results import CaseResult, details
from grader.course.answers import Mistake
from grader.course.lessons import Course
from grader.formats.spreadsheet import points
from grader.gradebook.copies import slug as slug
from grader.gradebook.scores import ExerciseScore, FinalScore, final_scores
from grader.gradebook.store import Gradebook
from grader.gradebook.versions import notices
from grader.reports.feedback import page
from grader.reports.grades import write_grades
from grader.reports.stats import ExerciseStats, Failure, exercise_stats, lesson_mistakes, shown

BINS = 10


@dataclass(frozen=True)
class Status:
    """How a reader meets a status: a mark, a word, a sentence."""

    mark: str
    word: str
    sentence: str


EXERCISE_STATUSES = {
    "passed": Status("✓", "passed", "Every case is right."),
    "partial": Status("◐", "partly right", "Some cases are right; the points are their share."),
    "failed": Status("✗", "not right yet", "The code ran, but what it gives is not right."),
    "error": Status("!", "error", "The code stopped with an error."),
    "timeout": Status("!", "took too long", "The code did not finish in the time it had."),
    "out_of_memory": Status("!", "out of memory", "The code needed more memory than it may use."),
    "crashed": Status("!", "crashed", "The code ended its process, or garbled its reply."),
    "forbidden": Status(
        "!",
        "not allowed",
        "The code calls a library function that the exercise asks to be written by hand.",
    ),
    "missing": Status("○", "not started", "Nothing to grade was found under this exercise's name."),
}
SUBMISSION_STATUSES = {
    "graded": Status("✓", "graded", "What was handed in was graded."),
    "not_a_notebook": Status("!", "not a notebook", "The file could not be read as a notebook."),
    "not_a_repository": Status("!", "not a repository", "It could not be read as a repository."),
    "wrong_lesson": Status("!", "wrong lesson", "The notebook is not this lesson's."),
    "wrong_language": Status("!", "wrong language", "The notebook is not set to run Python."),
    "empty": Status("!", "empty", "There is nothing in it to grade."),
    "not_submitted": Status("○", "not submitted", "Nothing was handed in."),
    "too_large": Status("!", "too large", "The file is larger than what is accepted."),
    "not_graded": Status("!", "not graded", "The grader itself failed; grade it again."),
}


def write_report(course: Course, gradebook_folder: Path) -> Path:
    """Write the report on a gradebook into its folder `report`; return the class page's path.

    Raises
    ------
    FileNotFoundError
        If there is no gradebook in the folder.
    """
    # Files of no lesson come last.
    scores = sorted(final_scores(gradebook_folder), key=lambda score: score.result.lesson == "")
    report = gradebook_folder / "report"
    students = report / "students"
    students.mkdir(parents=True, exist_ok=True)
    pages = _environment()
    gradebook = Gradebook.open(gradebook_folder)
    several = notices(gradebook)
    index = report / "index.html"
    _write(
        index,
        pages.get_template("class.html.jinja").render(
            lessons=[
                LessonScores(name, list(part), lesson_mistakes(course, name), several.get(name, ""))
                for name, part in groupby(scores, lambda score: score.result.lesson)
            ],
            facts=gradebook.run_facts(),
        ),
    )
    by_student: dict[str, list[FinalScore]] = {}
    for score in scores:
        by_student.setdefault(score.result.student, []).append(score)
    for old in students.glob("*.html"):  # of students who are no longer in the gradebook
        old.unlink()
    feedback = pages.get_template("student.html.jinja")
    for student, theirs in by_student.items():
        text = feedback.render(
            student=student,
            parts=[(score, page(course, gradebook_folder, score)) for score in theirs],
        )
        _write(students / f"{slug(student)}.html", text)
    write_grades(report / "grades.csv", scores)
    return index


@dataclass(frozen=True)
class Bar:
    """A bar of the histogram: shares of the points from `low` to `high` percent."""

    low: int
    high: int
    count: int


@dataclass(frozen=True)
class LessonScores:
    """The scores of a class in one lesson, whose known mistakes are `mistakes`.

    `notice` is what to know of them all, or empty.
    """

    name: str
    scores: list[FinalScore]
    mistakes: list[Mistake]
    notice: str = ""

    @property
    def by_need(self) -> list[FinalScore]:
        """The submissions, those that need somebody's attention first.

        What could not be graded, then what was not handed in, then the fewest points.
        """

        def need(score: FinalScore) -> tuple[int, float, str]:
            rank = {"graded": 2, "not_submitted": 1}.get(score.result.status, 0)
            return rank, score.points / (score.max_points or 1), score.result.student

        return sorted(self.scores, key=need)

    @property
    def graded(self) -> list[FinalScore]:
        """The submissions that could be graded."""
        return [score for score in self.scores if score.result.status == "graded"]

    @property
    def exercises(self) -> list[ExerciseScore]:
        """Each exercise once, in the lesson's order, with anybody's result."""
        found = {e.result.name: e for score in self.scores for e in score.exercises}
        return list(found.values())

    @property
    def max_points(self) -> float:
        """The points that could be earned."""
        return sum(exercise.result.max_points for exercise in self.exercises)

    @property
    def median(self) -> float:
        """The median of the points of what was graded."""
        return median(score.points for score in self.graded)

    @property
    def histogram(self) -> list[Bar]:
        """How many of the graded have which share of the points; full marks are in the last bar."""
        shares = [score.points / (score.max_points or 1) for score in self.graded]
        bins = [min(int(share * BINS + 1e-9), BINS - 1) for share in shares]
        width = 100 // BINS
        return [Bar(i * width, (i + 1) * width, bins.count(i)) for i in range(BINS)]

    @cached_property
    def stats(self) -> list[ExerciseStats]:
        """How the class did in each exercise."""
        return exercise_stats(self.scores, self.mistakes)

    @cached_property
    def failures(self) -> dict[str, dict[int, Failure]]:
        """What went wrong first, by exercise and by a number of the page's own."""
        number = count()
        return {
            exercise.name: {next(number): failure for failure in exercise.failures}
            for exercise in self.stats
            if exercise.failures
        }

    @cached_property
    def met(self) -> dict[str, list[int]]:
        """By student, the numbers of the failures that they met."""
        found: dict[str, list[int]] = {}
        for failures in self.failures.values():
            for number, failure in failures.items():
                for student in failure.students:
                    found.setdefault(student, []).append(number)
        return found


def _environment() -> Environment:
    loader = PackageLoader("grader.reports")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = loader.get_source(environment, "style.css")[0]
    script = loader.get_source(environment, "class.js")[0]
    environment.globals.update(
        style=Markup(style),  # noqa: S704
        style_hash=_hash(style),
        script=Markup(script),  # noqa: S704
        script_hash=_hash(script),
        exercise_statuses=EXERCISE_STATUSES,
        submission_statuses=SUBMISSION_STATUSES,
    )
    environment.filters.update(
        points=points,
        slug=slug,
        first_to_fix=first_to_fix,
        details=details,
        shown=shown,
        prose=prose,
        breakable=breakable,
        sentence=lambda text: prose(text[:1].upper() + text[1:]),
    )
    return environment


def _hash(text: str) -> str:
    """Return the hash by which a page's policy allows a style sheet or a script."""
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()


def prose(text: str) -> Markup:
    """Return a sentence as HTML, with what stands in backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a lone backtick
        return escape(text)
    parts[1::2] = [Markup("<code>{}</code>").format(part) for part in parts[1::2]]
    return Markup("").join(parts)  # which escapes the rest


def breakable(name: str) -> Markup:
    """Return a name as HTML that may go on in a new line after an underscore."""
    return escape(name).replace("_", Markup("_<wbr>"))


def first_to_fix(cases: Iterable[CaseResult]) -> CaseResult | None:
    """Return the first thing worth fixing; a hidden case keeps to itself what it is."""
    return next((case for case in cases if not (case.passed or case.hidden)), None)


def _write(path: Path, text: str) -> None:
    # What a student's code printed may hold halves of surrogate pairs.
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")

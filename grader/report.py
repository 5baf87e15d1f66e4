"""`grader report`: the class page, each student's feedback, and grades.csv.

Every word of a submission is untrusted: pages escape it, forbid scripts and load nothing, and the
CSV holds no formulas. The same gradebook gives the same bytes.
"""

import csv
import hashlib
import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from grader.gradebook import ExerciseResult, Gradebook, SubmissionResult
from lmcourse.checks import CaseResult

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
    "failed": Status("✗", "not right yet", "The code ran, but no case came out right."),
    "error": Status("!", "error", "The code stopped with an error."),
    "timeout": Status("!", "took too long", "The code did not finish in the time it had."),
    "out_of_memory": Status("!", "out of memory", "The code needed more memory than it may use."),
    "crashed": Status(
        "!", "crashed", "The code ended the notebook's process, or garbled its reply."
    ),
    "forbidden": Status("!", "not allowed", "The code tried what grading does not allow."),
    "missing": Status("○", "not started", "Nothing to grade was found under this exercise's name."),
}
SUBMISSION_STATUSES = {
    "graded": Status("✓", "graded", "The notebook was graded."),
    "not_a_notebook": Status("!", "not a notebook", "The file could not be read as a notebook."),
    "wrong_lesson": Status("!", "wrong lesson", "The notebook is not this lesson's."),
    "wrong_language": Status("!", "wrong language", "The notebook is not set to run Python."),
    "empty": Status("!", "empty", "The notebook has no code."),
    "too_large": Status("!", "too large", "The file is larger than what is accepted."),
    "not_graded": Status("!", "not graded", "The grader itself failed; grade it again."),
}


def write_report(gradebook_folder: Path) -> Path:
    """Write the report on a gradebook into its folder `report` and return the class page's path.

    Raises
    ------
    FileNotFoundError
        If there is no gradebook in the folder.
    """
    gradebook = Gradebook.open(gradebook_folder)
    # Files of no lesson come last.
    results = sorted(gradebook.results(), key=lambda result: result.lesson == "")
    report = gradebook_folder / "report"
    students = report / "students"
    students.mkdir(parents=True, exist_ok=True)
    pages = _environment()
    index = report / "index.html"
    _write(
        index,
        pages.get_template("class.html.jinja").render(
            lessons=[
                Lesson(name, list(part)) for name, part in groupby(results, lambda r: r.lesson)
            ],
            facts=gradebook.run_facts(),
        ),
    )
    by_student: dict[str, list[SubmissionResult]] = {}
    for result in results:
        by_student.setdefault(result.student, []).append(result)
    for page in students.glob("*.html"):  # of students who are no longer in the gradebook
        page.unlink()
    feedback = pages.get_template("student.html.jinja")
    for student, theirs in by_student.items():
        _write(students / f"{slug(student)}.html", feedback.render(student=student, results=theirs))
    _write_csv(report / "grades.csv", results)
    return index


def slug(student: str) -> str:
    """Return a file name for a student: safe anywhere, and another one for every name."""
    plain = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-")
    digest = hashlib.sha256(student.encode()).hexdigest()[:12]
    return f"{words}-{digest}" if words else digest


@dataclass(frozen=True)
class Bar:
    """A bar of the histogram: shares of the points from `low` to `high` percent."""

    low: int
    high: int
    count: int


@dataclass(frozen=True)
class Lesson:
    """The results of a class in one lesson."""

    name: str
    results: list[SubmissionResult]

    @property
    def graded(self) -> list[SubmissionResult]:
        """The submissions that could be graded."""
        return [result for result in self.results if result.status == "graded"]

    @property
    def exercises(self) -> list[ExerciseResult]:
        """Each exercise once, in the lesson's order, with anybody's result."""
        found = {exercise.name: exercise for r in self.results for exercise in r.exercises}
        return list(found.values())

    @property
    def max_points(self) -> float:
        """The points that could be earned."""
        return sum(exercise.max_points for exercise in self.exercises)

    @property
    def median(self) -> float:
        """The median of the points of what was graded."""
        return median(result.points for result in self.graded)

    @property
    def histogram(self) -> list[Bar]:
        """How many of the graded have which share of the points; full marks are in the last bar."""
        shares = [result.points / (result.max_points or 1) for result in self.graded]
        bins = [min(int(share * BINS + 1e-9), BINS - 1) for share in shares]
        width = 100 // BINS
        return [Bar(i * width, (i + 1) * width, bins.count(i)) for i in range(BINS)]

    def of(self, name: str) -> list[ExerciseResult]:
        """Return the results of one exercise in what was graded."""
        return [e for result in self.graded for e in result.exercises if e.name == name]

    def share(self, name: str) -> float:
        """Return the mean share of an exercise's points, from 0 to 1."""
        results = self.of(name)
        return sum(e.points for e in results) / (sum(e.max_points for e in results) or 1)


def _environment() -> Environment:
    loader = PackageLoader("grader")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = loader.get_source(environment, "style.css")[0]
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals.update(
        style=Markup(style),
        style_hash=digest,
        exercise_statuses=EXERCISE_STATUSES,
        submission_statuses=SUBMISSION_STATUSES,
    )
    environment.filters.update(points=_points, slug=slug, first_to_fix=_first_to_fix)
    return environment


def _points(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _first_to_fix(cases: Iterable[CaseResult]) -> CaseResult | None:
    return next((case for case in cases if not (case.passed or case.hidden)), None)


def _write(path: Path, text: str) -> None:
    # What a student's code printed may hold halves of surrogate pairs.
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _write_csv(path: Path, results: list[SubmissionResult]) -> None:
    """Write a row for each submission; the columns are the exercises of all lessons, by name."""
    names = list(dict.fromkeys(e.name for result in results for e in result.exercises))
    with path.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["student", "lesson", "points", "max_points", "status", *names])
        for result in results:
            earned = {exercise.name: _points(exercise.points) for exercise in result.exercises}
            table.writerow(
                [
                    _cell(result.student),
                    _cell(result.lesson),
                    _points(result.points),
                    _points(result.max_points),
                    result.status,
                    *(earned.get(name, "") for name in names),
                ]
            )


def _cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text

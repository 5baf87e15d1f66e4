"""`grader check`: a notebook's or a project's public checks, in a terminal or a CI system."""

import os
from pathlib import Path

from grader.checks.cards import outcome_text, summary_text
from grader.checks.registry import Exercise
from grader.checks.run import Outcome
from grader.checks.selfcheck import check_against_recording
from grader.checks.student import Student
from grader.course.lessons import Course
from grader.formats.junit import JUnitTest, write_junit
from grader.grading.judge import outcomes
from grader.grading.project import files_of_rows, public_outcomes
from grader.sandbox.bubblewrap import Sandbox, Shown
from grader.sandbox.limits import Limits
from grader.sandbox.session import Session
from grader.submissions.cells import cells_to_run
from grader.submissions.clock import Clock
from grader.submissions.notebook import Problem, read
from grader.submissions.repository import read_repository
from grader.terminal.progress import progress

Found = list[tuple[Exercise, Outcome]]


def main(course: Course, notebooks: list[Path], *, junit: Path | None) -> int:
    """Check each notebook, or folder of a project, and return how it went.

    That is 0, 1 if an exercise is wrong, or 2 if a file is unreadable. An exercise
    that was not started is not wrong.
    """
    # The student's own code on the student's own machine needs no walls.
    shown = Shown(course.root / course.package, course.names[0], course.imports())
    sandbox = Sandbox("none", Limits(), shown)
    found: dict[Path, Found] = {}
    unreadable = False
    for path in notebooks:
        if path.is_dir() and course.configuration.project:
            wanted = {file for files in files_of_rows(course).values() for file in files}
            repository = read_repository(str(path), wanted)
            for said in filter(None, (*repository.notes, repository.problem)):
                print(f"{path}: {said}\n")
            unreadable = unreadable or repository.problem is not None
            if repository.problem is None:
                found[path] = public_outcomes(course, repository, sandbox)
                _show(path, found[path])
            continue
        notebook = read(path, course.names)
        if isinstance(notebook, Problem):
            unreadable = True
            print(f"{path}: {notebook.message}\n")
            _annotate(path, "", notebook.message)
            continue
        if notebook.lesson is None:
            unreadable = True
            print(f"{path}: no cell says which lesson this is, as check.lesson(...) does\n")
            continue
        course.require(notebook.lesson)
        exercises = course.exercises(notebook.lesson)
        session = Session(cells_to_run(notebook.cells), exercises, sandbox)
        steps = outcomes(exercises, session, _check)
        found[path] = []
        with progress(path.name, len(exercises), "exercises", leave=False) as bar:
            for step in steps:
                found[path].append(step)
                bar.update()
        _show(path, found[path])
    if junit is not None:
        write_junit(junit, [(path.name, _tests(rows)) for path, rows in found.items()])
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        _write_step_summary(Path(summary), found)
    if unreadable:
        return 2
    return int(any(_is_wrong(outcome) for rows in found.values() for _, outcome in rows))


def _check(exercise: Exercise, student: Student, _: Clock) -> Outcome:
    return check_against_recording(exercise, student)


def _is_wrong(outcome: Outcome) -> bool:
    return outcome.status not in ("passed", "missing")


def _show(path: Path, rows: Found) -> None:
    print(path)
    for exercise, outcome in rows:
        if _is_wrong(outcome):
            text = outcome_text(exercise, outcome)
            print(text)
            _annotate(path, exercise.name, text)
    print(summary_text(rows), end="\n\n")


def _annotate(path: Path, title: str, message: str) -> None:
    """Show the message beside the file in GitHub's review."""
    if "GITHUB_ACTIONS" not in os.environ:
        return

    def escape(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    properties = escape(f"file={path},title={title or 'notebook'}")
    print(f"::error {properties}::{escape(message)}")


def _write_step_summary(file: Path, found: dict[Path, Found]) -> None:
    with file.open("a", encoding="utf-8") as stream:
        for path, rows in found.items():
            stream.write(f"### {path.name}\n\n```\n{summary_text(rows)}\n```\n\n")


def _tests(rows: Found) -> list[JUnitTest]:
    return [
        JUnitTest(
            exercise.lesson,
            exercise.name,
            failure=outcome.status if _is_wrong(outcome) else "",
            skipped="not started" if outcome.status == "missing" else "",
            text=outcome_text(exercise, outcome),
        )
        for exercise, outcome in rows
    ]

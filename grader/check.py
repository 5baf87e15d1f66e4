"""`grader check`: a notebook's public checks, in a terminal or a CI system."""

import os
import xml.etree.ElementTree as ET
from pathlib import Path

from tqdm import tqdm

from grader.judge import outcomes
from grader.sandbox import Limits, Sandbox
from grader.submissions import Problem, cells_to_run, read
from lmcourse.checks import Exercise, Outcome
from lmcourse.selfcheck import check_against_recording, outcome_text, summary_text

Found = list[tuple[Exercise, Outcome]]


def main(notebooks: list[Path], *, junit: Path | None) -> int:
    """Check each notebook and return 0, 1 if an exercise is wrong, or 2 if a file is unreadable.

    An exercise that was not started is not wrong.
    """
    # The student's own code on the student's own machine needs no walls.
    sandbox = Sandbox("none", Limits())
    found: dict[Path, Found] = {}
    unreadable = False
    for path in notebooks:
        notebook = read(path)
        if isinstance(notebook, Problem):
            unreadable = True
            print(f"{path}: {notebook.message}\n")
            _annotate(path, "", notebook.message)
            continue
        if notebook.lesson is None:
            unreadable = True
            print(f"{path}: no cell says which lesson this is, as check.lesson(...) does\n")
            continue
        steps = outcomes(notebook.lesson, cells_to_run(notebook), sandbox, check_against_recording)
        found[path] = list(tqdm(steps, desc=path.name, unit=" exercises", leave=False))
        _show(path, found[path])
    if junit is not None:
        _write_junit(junit, found)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        _write_step_summary(Path(summary), found)
    if unreadable:
        return 2
    return int(any(_is_wrong(outcome) for rows in found.values() for _, outcome in rows))


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


def _write_junit(file: Path, found: dict[Path, Found]) -> None:
    suites = ET.Element("testsuites")
    for path, rows in found.items():
        suite = ET.SubElement(
            suites,
            "testsuite",
            name=path.name,
            tests=str(len(rows)),
            failures=str(sum(_is_wrong(outcome) for _, outcome in rows)),
            skipped=str(sum(outcome.status == "missing" for _, outcome in rows)),
        )
        for exercise, outcome in rows:
            test = ET.SubElement(suite, "testcase", classname=exercise.lesson, name=exercise.name)
            if outcome.status == "missing":
                ET.SubElement(test, "skipped", message="not started")
            elif _is_wrong(outcome):
                failure = ET.SubElement(test, "failure", message=outcome.status)
                failure.text = _printable(outcome_text(exercise, outcome))
    file.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suites).write(file, encoding="utf-8", xml_declaration=True)


def _printable(text: str) -> str:
    """Drop what XML cannot hold."""
    return "".join(
        c for c in text if c in "\n\t" or (c.isprintable() and not "\ud800" <= c <= "\udfff")
    )

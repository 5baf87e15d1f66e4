"""Every lesson: solved passes, untouched passes nothing, each known mistake draws its hint."""

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbformat import NotebookNode

from grader.build import ROOT, check_built, paths
from grader.course import Course, Mistake
from grader.execute import solved_namespace
from grader.regions import stub
from grader.render import fill
from lmcourse.checks import Exercise, exercises, run
from lmcourse.selfcheck import self_check
from lmcourse.student import Host, Student

COURSE = Course(ROOT)
EXERCISES = [
    pytest.param(exercise, id=f"{lesson}-{exercise.name}")
    for lesson in COURSE.names
    for exercise in exercises(lesson).values()
]
MISTAKES = [
    pytest.param(lesson, mistake, id=f"{lesson}-{mistake.exercise}-{mistake.name}")
    for lesson in COURSE.names
    for mistake in COURSE.mistakes(lesson)
]
SEEDS = range(5)

_solved: dict[str, dict[str, Any]] = {}


def solved(lesson: str) -> dict[str, Any]:
    if lesson not in _solved:
        _solved[lesson] = solved_namespace(COURSE.lesson(lesson))
    return _solved[lesson]


def graded(exercise: Exercise, namespace: dict[str, Any], seed: int) -> Any:
    student = Student(Host(namespace, exercise.probes).send)
    reference = Student(Host(solved(exercise.lesson), exercise.probes).send)
    return run(exercise, student, reference, seed=seed, hidden=True)


def test_built_files_are_what_their_sources_say() -> None:
    assert check_built(ROOT) == []


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_solution_passes_whatever_the_seed(exercise: Exercise) -> None:
    assert self_check(exercise, dict(solved(exercise.lesson))).status == "passed"
    for seed in SEEDS:
        outcome = graded(exercise, dict(solved(exercise.lesson)), seed)
        assert outcome.status == "passed", outcome.first_failure


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_stub_is_not_started_and_earns_nothing(exercise: Exercise) -> None:
    cell = COURSE.lesson(exercise.lesson).exercises()[exercise.name]
    namespace = dict(solved(exercise.lesson))
    exec(stub(cell.text, cell.name), namespace)
    for outcome in (self_check(exercise, namespace), graded(exercise, namespace, 1)):
        assert (outcome.status, outcome.share) == ("missing", 0.0)


@pytest.mark.parametrize(("lesson", "mistake"), MISTAKES)
def test_a_known_mistake_fails_and_draws_its_hint(lesson: str, mistake: Mistake) -> None:
    exercise = exercises(lesson)[mistake.exercise]
    namespace = dict(solved(lesson))
    exec(mistake.code, namespace)
    outcome = self_check(exercise, namespace)
    assert outcome.status not in ("passed", "missing")
    assert outcome.first_failure is not None
    assert mistake.hint in outcome.first_failure.hint
    for seed in SEEDS:
        assert graded(exercise, dict(namespace), seed).share < 1


@pytest.mark.parametrize("lesson", COURSE.names)
def test_each_exercise_has_known_mistakes(lesson: str) -> None:
    known = Counter(mistake.exercise for mistake in COURSE.mistakes(lesson))
    few = [name for name in exercises(lesson) if name != "quiz" and known[name] < 3]
    assert few == []
    assert known["quiz"] >= 1


@pytest.mark.parametrize("lesson", COURSE.names)
def test_enough_outputs_are_compared_again(lesson: str) -> None:
    tags = [cell.tags for cell in COURSE.lesson(lesson).cells]
    assert sum("nbval-check-output" in cell for cell in tags) >= 5


def run_notebook(notebook: NotebookNode, folder: Path) -> NotebookNode:
    source = folder / "notebook.ipynb"
    nbformat.write(notebook, source)
    return papermill.execute_notebook(
        str(source),
        str(folder / "executed.ipynb"),
        parameters={"preset": "smoke"},
        cwd=str(folder),
        progress_bar=False,
        log_output=False,
    )


def shown(notebook: NotebookNode) -> str:
    """Return all that the cells show as plain text."""
    return "\n".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


@pytest.mark.lesson
@pytest.mark.parametrize("lesson", COURSE.names)
def test_the_released_notebook_runs_when_it_is_filled_in(lesson: str, tmp_path: Path) -> None:
    released = nbformat.read(paths(ROOT, lesson).student, as_version=4)
    executed = run_notebook(fill(released, COURSE.lesson(lesson)), tmp_path)
    for name in exercises(lesson):
        assert f"✓ {name}: right" in shown(executed)
    assert "All done." in shown(executed)


@pytest.mark.lesson
@pytest.mark.parametrize("lesson", COURSE.names)
def test_the_released_notebook_runs_untouched(lesson: str, tmp_path: Path) -> None:
    released = nbformat.read(paths(ROOT, lesson).student, as_version=4)
    executed = run_notebook(copy.deepcopy(released), tmp_path)
    for name in exercises(lesson):
        assert f"○ {name}: not started" in shown(executed)
    assert "✓" not in shown(executed)
    assert "[░░░░░░░░░░░░░░░░░░░░] 0 of" in shown(executed)

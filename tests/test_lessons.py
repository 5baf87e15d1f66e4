"""Every lesson: solved passes, untouched passes nothing, each known mistake draws its hint."""

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from course import COURSE
from nbformat import NotebookNode

from grader.author.build import check_built
from grader.author.byheart import fixed_cases
from grader.author.execute import solved_namespace
from grader.author.render import fill
from grader.checks import recording
from grader.checks.registry import Exercise
from grader.checks.run import run
from grader.checks.selfcheck import self_check
from grader.checks.student import Host, Student
from grader.course.answers import Mistake, Right
from grader.course.regions import stub

EXERCISES = [
    pytest.param(exercise, id=f"{lesson}-{exercise.name}")
    for lesson in COURSE.names
    for exercise in COURSE.exercises(lesson).values()
]
MISTAKES = [
    pytest.param(lesson, mistake, id=f"{lesson}-{mistake.exercise}-{mistake.name}")
    for lesson in COURSE.names
    for mistake in COURSE.mistakes(lesson)
]
RIGHTS = [
    pytest.param(lesson, right, id=f"{lesson}-{right.exercise}-{right.name}")
    for lesson in COURSE.names
    for right in COURSE.rights(lesson)
]
SEEDS = range(5)
FEW = SEEDS[:2]
"""For what only has to be wrong: there are a thousand of them."""

_solved: dict[str, dict[str, Any]] = {}


def solved(lesson: str) -> dict[str, Any]:
    if lesson not in _solved:
        _solved[lesson] = solved_namespace(COURSE.lesson(lesson))
    return _solved[lesson]


def graded(exercise: Exercise, namespace: dict[str, Any], seed: int) -> Any:
    student = Student(Host(namespace, exercise.probes).send)
    reference = Student(Host(solved(exercise.lesson), exercise.probes).send)
    fixed = recording.fixed("lmcourse", exercise.lesson)[exercise.name]
    return run(exercise, student, reference, seed=seed, hidden=True, fixed=fixed)


def test_built_files_are_what_their_sources_say() -> None:
    assert check_built(COURSE) == []


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
    exercise = COURSE.exercises(lesson)[mistake.exercise]
    namespace = dict(solved(lesson))
    exec(mistake.code, namespace)
    outcome = self_check(exercise, namespace)
    assert outcome.status not in ("passed", "missing")
    failure = outcome.first_failure
    assert mistake.hint in (failure.hint if failure else outcome.message)
    for seed in FEW:
        assert graded(exercise, dict(namespace), seed).share < 1


@pytest.mark.parametrize(("lesson", "right"), RIGHTS)
def test_an_unusual_right_solution_passes_whatever_the_seed(lesson: str, right: Right) -> None:
    exercise = COURSE.exercises(lesson)[right.exercise]
    namespace = dict(solved(lesson))
    exec(right.code, namespace)
    outcome = self_check(exercise, namespace)
    assert outcome.status == "passed", outcome.first_failure or outcome.message
    for seed in SEEDS:
        outcome = graded(exercise, dict(namespace), seed)
        assert outcome.status == "passed", outcome.first_failure or outcome.message


@pytest.mark.parametrize("lesson", COURSE.names)
def test_each_exercise_has_known_mistakes_and_right_solutions(lesson: str) -> None:
    wrong = Counter(mistake.exercise for mistake in COURSE.mistakes(lesson))
    right = Counter(right.exercise for right in COURSE.rights(lesson))
    written = [name for name in COURSE.exercises(lesson) if name != "quiz"]
    assert [name for name in written if wrong[name] < 3] == []
    assert [name for name in written if right[name] < 2] == []
    assert wrong["quiz"] >= 1


@pytest.mark.parametrize("exercise", EXERCISES)
def test_what_can_be_learnt_by_heart_is_not_worth_the_exercise(exercise: Exercise) -> None:
    fixed = fixed_cases(exercise, solved(exercise.lesson))
    assert fixed == recording.fixed("lmcourse", exercise.lesson)[exercise.name]


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
    released = nbformat.read(COURSE.paths(lesson).student, as_version=4)
    executed = run_notebook(fill(released, COURSE.lesson(lesson)), tmp_path)
    for name in COURSE.exercises(lesson):
        assert f"✓ {name}: right" in shown(executed)
    assert "All done." in shown(executed)


@pytest.mark.lesson
@pytest.mark.parametrize("lesson", COURSE.names)
def test_the_released_notebook_runs_untouched(lesson: str, tmp_path: Path) -> None:
    released = nbformat.read(COURSE.paths(lesson).student, as_version=4)
    executed = run_notebook(copy.deepcopy(released), tmp_path)
    for name in COURSE.exercises(lesson):
        assert f"○ {name}: not started" in shown(executed)
    assert "✓" not in shown(executed)
    assert "[░░░░░░░░░░░░░░░░░░░░] 0 of" in shown(executed)

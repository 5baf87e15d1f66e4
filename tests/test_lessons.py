"""Every lesson keeps every rule: its solution passes, each known mistake draws its hint."""

import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from course import COURSE

from grader.author import rules
from grader.author.build import check_built
from grader.author.byheart import fixed_cases
from grader.author.rules import Trial
from grader.checks import recording
from grader.checks.registry import Exercise
from grader.checks.selfcheck import self_check
from grader.checks.vocabulary import QUIZ_POINTS
from grader.course.answers import Mistake, Right
from grader.course.configuration import read_configuration
from grader.course.solved import solved_namespace
from grader.course.source import SourceCell

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
WITHOUT_CALL = {"quiz", "model_problems", "PIPELINE", "WORKFLOW", "DOCKERFILE", "MANIFESTS"}
"""Answers that are letters or texts, and one about models that no line of code can name."""
FIRST_EXERCISES = [
    pytest.param(next(iter(COURSE.exercises(lesson).values())), id=lesson)
    for lesson in COURSE.names
]
RIGHTS = [
    pytest.param(lesson, right, id=f"{lesson}-{right.exercise}-{right.name}")
    for lesson in COURSE.names
    for right in COURSE.rights(lesson)
]


@cache
def trial(lesson: str) -> Trial:
    package = COURSE.package
    recordings = recording.load(package, lesson), recording.fixed(package, lesson)
    return Trial(COURSE.lesson(lesson), solved(lesson), *recordings)


@cache
def solved(lesson: str) -> dict[str, Any]:
    return solved_namespace(COURSE.lesson(lesson))


def test_built_files_are_what_their_sources_say() -> None:
    assert check_built(COURSE) == []


@pytest.mark.parametrize("lesson", COURSE.names)
def test_the_source_its_known_answers_and_its_row_keep_the_rules(lesson: str) -> None:
    assert list(rules.problems_of_source(COURSE, lesson)) == []
    assert list(COURSE.exercises(lesson))[-1] == rules.QUIZ


@pytest.mark.parametrize("lesson", COURSE.names)
def test_the_quiz_weighs_little_beside_the_exercises(lesson: str) -> None:
    exercises = COURSE.exercises(lesson)
    total = sum(exercise.points for exercise in exercises.values())
    assert exercises[rules.QUIZ].points == QUIZ_POINTS <= total / 8


@pytest.mark.parametrize("lesson", COURSE.names)
def test_each_wrong_answer_of_the_quiz_is_told_why(lesson: str) -> None:
    exercise = COURSE.exercises(lesson)[rules.QUIZ]
    text = next(cell.text for cell in COURSE.lesson(lesson).cells if is_contract_of_quiz(cell))
    letters = sorted(set(re.findall(r"^ *- \((\w)\)", text, re.MULTILINE)))
    for question, cases in enumerate(
        zip(*(hints_of(exercise, letter) for letter in [*letters, "no letter"]), strict=True)
    ):
        *of_letters, of_none = cases
        told = [hint for hint in of_letters if hint]  # the right letter draws none
        assert len(told) == len(letters) - 1, f"question {question + 1} of {lesson}"
        assert len({*told, of_none}) == len(letters), f"question {question + 1} of {lesson}"


def is_contract_of_quiz(cell: SourceCell) -> bool:
    return (cell.role, cell.name) == ("contract", rules.QUIZ)


def hints_of(exercise: Exercise, answer: str) -> list[str]:
    """Return what is said of the same answer to each question of a quiz."""
    answers = dict.fromkeys(exercise.names, answer)
    return [case.hint for case in self_check(exercise, answers).cases]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_solution_passes_whatever_the_seed(exercise: Exercise) -> None:
    assert trial(exercise.lesson).problem_of_solution(exercise) == ""


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_stub_is_not_started_and_earns_nothing(exercise: Exercise) -> None:
    assert trial(exercise.lesson).problem_of_stub(exercise) == ""


@pytest.mark.parametrize(("lesson", "mistake"), MISTAKES)
def test_a_known_mistake_fails_and_draws_its_hint(lesson: str, mistake: Mistake) -> None:
    exercise = COURSE.exercises(lesson)[mistake.exercise]
    assert trial(lesson).problem_of_mistake(exercise, mistake) == ""


@pytest.mark.parametrize(
    "exercise", [each for each in EXERCISES if each.values[0].name not in WITHOUT_CALL]
)
def test_the_call_that_is_shown_runs_again_when_it_is_pasted(exercise: Exercise) -> None:
    for mistake in COURSE.mistakes(exercise.lesson):  # to the first for which a call is shown
        if mistake.exercise != exercise.name:
            continue
        namespace = dict(solved(exercise.lesson))
        exec(mistake.code, namespace)
        outcome = self_check(exercise, namespace)
        failure = outcome.first_failure
        if failure and failure.call:
            break
    assert failure
    call, message = failure.call, failure.message
    assert call
    raised = ""
    try:
        exec(call, {**namespace, "check": SimpleNamespace(given=outcome.given)})
    except Exception as error:
        raised = type(error).__name__
    assert raised in message  # as it was when it was checked


@pytest.mark.parametrize(("lesson", "right"), RIGHTS)
def test_an_unusual_right_solution_passes_whatever_the_seed(lesson: str, right: Right) -> None:
    exercise = COURSE.exercises(lesson)[right.exercise]
    assert trial(lesson).problem_of_right(exercise, right) == ""


@pytest.mark.parametrize("exercise", FIRST_EXERCISES)
def test_what_can_be_learnt_by_heart_is_not_worth_the_exercise(exercise: Exercise) -> None:
    # `grader build` has found it so for all: the files that it made are those of these sources.
    fixed = fixed_cases(exercise, solved(exercise.lesson))
    assert fixed == recording.fixed(COURSE.package, exercise.lesson)[exercise.name]


@pytest.mark.lesson
@pytest.mark.parametrize("lesson", COURSE.names)
def test_the_notebook_runs_when_it_is_filled_in(lesson: str) -> None:
    recordings = recording.load(COURSE.package, lesson)
    assert rules.problem_of_notebook(COURSE, lesson, recordings, filled_in=True) == ""


@pytest.mark.lesson
@pytest.mark.parametrize("lesson", COURSE.names)
def test_the_notebook_runs_untouched(lesson: str) -> None:
    recordings = recording.load(COURSE.package, lesson)
    assert rules.problem_of_notebook(COURSE, lesson, recordings, filled_in=False) == ""


def test_a_hidden_part_of_the_course_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = (COURSE.root / "pyproject.toml").read_text("utf-8")
    assert '"lmcourse.pipelines"' in text
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"hides lmcourse\.pipelines, which is no package in"):
        read_configuration(tmp_path)
    (tmp_path / "lmcourse" / "pipelines").mkdir(parents=True)
    assert "lmcourse.pipelines" in read_configuration(tmp_path).hides

"""Attacks on lessons 14 and 15 (`attacks.releasing`, `attacks.living`) earn nothing.

A class of each lesson is graded once, by `grader grade`: in each of its notebooks every exercise is
under one attack, and in one all are solved.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from attacks import living, releasing
from attacks.attack import Attack
from course import COURSE, graded_here

from grader.author.render import fill, render_student
from grader.checks.run import PUBLIC_SEED, run
from grader.checks.student import Host, Student
from grader.cli import main
from grader.course.solved import solved_namespace
from grader.gradebook.secret import FILE_NAME, SECRET_BYTES
from grader.gradebook.store import ExerciseResult, Gradebook

LESSONS = {"14_release_and_watch": releasing.ATTACKS, "15_live_and_retire": living.ATTACKS}
EVERY = [(lesson, name) for lesson, attacks in LESSONS.items() for name in attacks]
BY_HEART = [each for each in EVERY if "@LEARNT@" in LESSONS[each[0]][each[1]].first]
STATUSES = {"failed", "error", "timeout", "out_of_memory", "crashed"}


def exercise_of(attack: Attack) -> str:
    (name,) = attack.code
    return name


def learnt(lesson: str, exercise: str) -> list[Any]:
    """Return what the solved notebook answers to the public questions of an exercise, in order."""
    solved = solved_namespace(COURSE.lesson(lesson))
    noted: list[Any] = []

    def noting(*given: Any) -> Any:
        noted.append(solved[exercise](*given))
        return noted[-1]

    assert share(lesson, exercise, {**solved, exercise: noting}, solved) == 1
    return noted


def share(lesson: str, exercise: str, names: dict[str, Any], solved: dict[str, Any]) -> float:
    """Return what `names` earn of an exercise with the public seed."""
    known = COURSE.exercises(lesson)[exercise]
    of, by = (Student(Host(dict(each), known.probes).send) for each in (names, solved))
    return run(known, of, by, seed=PUBLIC_SEED, hidden=False).share


def code_of(lesson: str, attack: Attack) -> str:
    """Return the code that stands in the exercise's place."""
    name = exercise_of(attack)
    first = attack.first
    if "@LEARNT@" in first:
        words = repr(learnt(lesson, name)).replace("array(", "np.array(")
        first = f"from math import inf, nan\n{first.replace('@LEARNT@', words)}"
    return f"{first}\n{attack.code[name]}"


@dataclass(frozen=True)
class Class:
    """The results of a lesson's class: by attack, and those of the solved notebook."""

    attacked: dict[str, ExerciseResult]
    solved: list[ExerciseResult]


def graded(lesson: str, folder: Path) -> Class:
    """Grade as few notebooks as hold all attacks of a lesson, and a solved one."""
    source = COURSE.lesson(lesson)
    under: dict[str, list[str]] = {name: [] for name in source.exercises()}
    for name, attack in LESSONS[lesson].items():
        under[exercise_of(attack)].append(name)
    released = render_student(COURSE, lesson)
    (folder / "class").mkdir(parents=True)
    for number in range(max(map(len, under.values()))):
        answers: dict[str, str | None] = dict.fromkeys(under)
        for exercise, names in under.items():
            if number < len(names):
                answers[exercise] = code_of(lesson, LESSONS[lesson][names[number]])
        book = fill(released, source, answers)
        nbformat.write(book, folder / "class" / f"student-{number}.ipynb")
    nbformat.write(fill(released, source), folder / "class" / "student-solved.ipynb")
    (folder / "grades").mkdir()  # the same questions at each run of the tests
    (folder / "grades" / FILE_NAME).write_bytes(bytes(SECRET_BYTES))
    limits = ["--call-seconds", "6", "--submission-seconds", "100", "--memory-mb", "768"]
    command = ["grade", str(folder / "class"), "--out", str(folder / "grades"), *limits]
    with graded_here():
        assert main(command) == 0
    results = {each.student: each.exercises for each in Gradebook.open(folder / "grades").results()}
    return Class(
        {
            name: result
            for exercise, names in under.items()
            for number, name in enumerate(names)
            for result in results[f"student-{number}"]
            if result.name == exercise
        },
        results["student-solved"],
    )


@pytest.fixture(scope="module")
def of_lesson(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Class]:
    made: dict[str, Class] = {}

    def get(lesson: str) -> Class:
        if lesson not in made:
            made[lesson] = graded(lesson, tmp_path_factory.mktemp(lesson))
        return made[lesson]

    return get


@pytest.mark.sandbox
@pytest.mark.parametrize(("lesson", "name"), EVERY)
def test_an_attack_earns_nothing(lesson: str, name: str, of_lesson: Callable[[str], Class]) -> None:
    result = of_lesson(lesson).attacked[name]
    # Answers that were learnt may be those of a case with few questions, by luck.
    luck = 0.1 * result.max_points if "@LEARNT@" in LESSONS[lesson][name].first else 0
    assert result.points <= luck, [case.name for case in result.cases if case.passed]
    assert result.status in (STATUSES | {"partial"} if luck else STATUSES), result


@pytest.mark.sandbox
@pytest.mark.parametrize("lesson", LESSONS)
def test_the_solved_notebook_of_the_same_class_earns_all(
    lesson: str, of_lesson: Callable[[str], Class]
) -> None:
    solved = of_lesson(lesson).solved
    assert {each.name: each.points for each in solved} == {
        name: each.points for name, each in COURSE.exercises(lesson).items()
    }


@pytest.mark.parametrize(("lesson", "name"), BY_HEART)
def test_what_was_learnt_would_win_if_the_questions_stayed_the_same(lesson: str, name: str) -> None:
    attack = LESSONS[lesson][name]
    solved = solved_namespace(COURSE.lesson(lesson))
    names = dict(solved)
    exec(code_of(lesson, attack), names)
    assert share(lesson, exercise_of(attack), names, solved) == 1


def test_there_are_enough_attacks_on_each_exercise() -> None:
    assert len(EVERY) >= 20
    for lesson, attacks in LESSONS.items():
        assert all(attack.tries for attack in attacks.values())
        exercises = set(COURSE.exercises(lesson)) - {"quiz"}
        assert {exercise_of(attack) for attack in attacks.values()} == exercises

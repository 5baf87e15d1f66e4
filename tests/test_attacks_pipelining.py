"""Attacks on lesson 13 (`attacks.pipelining`) earn nothing by it, and hold nobody up."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from attacks.pipelining import ATTACKS, TRICKS
from course import COURSE, SHOWN
from nbformat.v4 import new_code_cell

from grader.author.execute import solved_namespace
from grader.author.render import fill, render_student
from grader.grading.judge import judge
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.submissions.cells import Cell

LESSON = "13_pipelines"
LIMITS = Limits(cell_seconds=10, call_seconds=5, submission_seconds=40, memory_mb=768)
EXERCISES = COURSE.exercises(LESSON)

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return solved_namespace(COURSE.lesson(LESSON))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox("bwrap", LIMITS, replace(SHOWN, modules=COURSE.lesson(LESSON).imports))
    yield made
    made.close()


def cells(first: str, code: dict[str, str | None]) -> list[Cell]:
    """Return the code cells of a notebook in which nothing is solved but what `code` says."""
    lesson = COURSE.lesson(LESSON)
    book = fill(render_student(COURSE, LESSON), lesson, dict.fromkeys(lesson.exercises()) | code)
    place = next(i for i, cell in enumerate(book.cells) if "check.lesson(" in cell.source)
    book.cells.insert(place + 1, new_code_cell(first))
    code_cells = [cell for cell in book.cells if cell.cell_type == "code"]
    return [
        Cell(number, cell.source)
        for number, cell in enumerate(code_cells, 1)
        if "demo" not in cell.metadata.get("tags", ())
    ]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_a_pipeline_earns_nothing(
    name: str, sandbox: Sandbox, reference: dict[str, Any]
) -> None:
    attack = ATTACKS[name]
    (exercise,) = attack.code
    submission = cells(attack.first, dict(attack.code))
    begun = time.process_time()
    (result,) = judge(EXERCISES, submission, name, reference, sandbox, b"secret", only=exercise)
    print(f"{time.process_time() - begun:.2f} s of the judge's: {result.cases[0].message[:150]}")
    assert result.points == 0, [case.name for case in result.cases if case.passed]
    # No "timeout": the judge comes to an end with it well within the exercise's time.
    assert result.status in ("failed", "error"), result


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_in_a_solved_text_does_not_hide_its_fault(
    name: str, sandbox: Sandbox, reference: dict[str, Any]
) -> None:
    trick = TRICKS[name]
    text = reference[trick.exercise]
    for old, new in trick.swaps.items():
        assert old in text
        text = text.replace(old, new)
    answer: dict[str, str | None] = {trick.exercise: f"{trick.exercise} = {text!r}\n"}
    (result,) = judge(
        EXERCISES, cells("", answer), name, reference, sandbox, b"secret", only=trick.exercise
    )
    assert result.status == "partial", result
    failed = [case.name for case in result.cases if not case.passed]
    assert set(trick.loses) <= set(failed)


def test_there_are_enough_attacks_on_pipelines() -> None:
    assert len(ATTACKS) >= 10
    assert all(attack.tries and len(attack.code) == 1 for attack in ATTACKS.values())
    assert {name for attack in ATTACKS.values() for name in attack.code} == set(EXERCISES) - {
        "quiz"
    }

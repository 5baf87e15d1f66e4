"""Forgeries of lesson 11's exercises (`attacks.packing`) earn nothing; the solved notebook all."""

from collections.abc import Iterator
from typing import Any

import pytest
from attacks.packing import ATTACKS
from course import COURSE, ROOT

from grader.author.execute import solved_namespace
from grader.author.render import fill, render_student
from grader.grading.judge import judge
from grader.sandbox.bubblewrap import Sandbox, Shown
from grader.sandbox.limits import Limits
from grader.submissions.cells import Cell

LESSON = "11_package_and_register"
EXERCISES = COURSE.exercises(LESSON)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox("bwrap", Limits(), Shown(ROOT / COURSE.package, LESSON, ("safetensors.torch",)))
    yield made
    made.close()


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return solved_namespace(COURSE.lesson(LESSON))


def cells(answers: dict[str, str | None]) -> list[Cell]:
    book = fill(render_student(COURSE, LESSON), COURSE.lesson(LESSON), answers)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    return [
        Cell(number, cell.source)
        for number, cell in enumerate(code, 1)
        if "demo" not in cell.metadata.get("tags", ())
    ]


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_a_forgery_earns_nothing(name: str, sandbox: Sandbox, reference: dict[str, Any]) -> None:
    forgery = ATTACKS[name]
    answers = dict.fromkeys(EXERCISES) | {forgery.exercise: forgery.code}
    (result,) = judge(
        EXERCISES, cells(answers), name, reference, sandbox, b"secret", only=forgery.exercise
    )
    passed = [case.name for case in result.cases if case.passed]
    assert result.points == 0, passed
    assert result.status in ("failed", "error", "out_of_memory")


@pytest.mark.sandbox
def test_the_same_sandbox_gives_the_solved_notebook_all_its_points(
    sandbox: Sandbox, reference: dict[str, Any]
) -> None:
    results = judge(EXERCISES, cells({}), "honest", reference, sandbox, b"secret")
    assert {result.name: result.status for result in results} == dict.fromkeys(EXERCISES, "passed")

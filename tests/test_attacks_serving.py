"""Attacks on lesson 12's exercises (`attacks.serving`) earn nothing by it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from attacks.serving import ATTACKS
from course import COURSE, SHOWN
from nbformat.v4 import new_code_cell

from grader.author.execute import solved_namespace
from grader.author.render import fill, render_student
from grader.checks.run import PUBLIC_SEED, Outcome, run
from grader.checks.student import Host, Student
from grader.grading.judge import judge
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.submissions.cells import Cell

LESSON = "12_serve"
LIMITS = Limits(cell_seconds=10, call_seconds=5, submission_seconds=40, memory_mb=512)
EXERCISES = COURSE.exercises(LESSON)
BY_HEART = [name for name, attack in ATTACKS.items() if "@LEARNT" in attack.first]
STATUSES = {"failed", "error", "timeout", "crashed", "missing"}


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return solved_namespace(COURSE.lesson(LESSON))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox("bwrap", LIMITS, replace(SHOWN, modules=COURSE.lesson(LESSON).imports))
    yield made
    made.close()


def checked(name: str, namespace: dict[str, Any], reference: dict[str, Any]) -> Outcome:
    """Return what the check of exercise `name` says with the public seed."""
    exercise = EXERCISES[name]
    of, by = (Student(Host(names, exercise.probes).send) for names in (namespace, reference))
    return run(exercise, of, by, seed=PUBLIC_SEED, hidden=False)


def learnt(name: str, reference: dict[str, Any]) -> list[Any]:
    """Return what the solved notebook answers to the public questions of exercise `name`."""
    noted: list[Any] = []
    checked(name, reference | {name: None} | _noting(name, reference, noted), dict(reference))
    assert noted
    return noted


def _noting(name: str, reference: dict[str, Any], noted: list[Any]) -> dict[str, Any]:
    """Return the solved definitions of an exercise, which note what they are asked and answer."""

    def authenticate(header: Any, keys: Any, now: Any, scope: Any) -> Any:
        answer = reference["authenticate"](header, keys, now, scope)
        noted.append(((header, now, scope), answer))
        return answer

    def redact(text: str) -> Any:
        answer = reference["redact"](text)
        noted.append((text, answer))
        return answer

    class TokenBucket(reference["TokenBucket"]):  # type: ignore[misc]
        def __init__(self, *sizes: float) -> None:
            super().__init__(*sizes)
            self.sizes, self.asked = sizes, ()

        def take(self, cost: float, now: float) -> Any:
            self.asked += ((cost, now),)
            answer = super().take(cost, now)
            noted.append(((self.sizes, self.asked), answer))
            return answer

    def create_app(*arguments: Any) -> Any:
        app = reference["create_app"](*arguments)

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            came: list[Any] = []

            async def also(message: Any) -> None:
                came.append(message)
                await send(message)

            await app(scope, receive, also)
            body = b"".join(message.get("body", b"") for message in came)
            noted.append((came[0]["status"], body.decode()))

        return noting

    return {
        "authenticate": {"authenticate": authenticate},
        "redact": {"redact": redact},
        "TokenBucket": {"TokenBucket": TokenBucket},
        "create_app": {"create_app": create_app},
    }[name]


@pytest.fixture(scope="module")
def with_learnt(reference: dict[str, Any]) -> Callable[[str], str]:
    """Return a function that puts in an attack's first cell what it has learnt by heart."""

    def put(first: str) -> str:
        words = re.sub(r"@LEARNT:(\w+)@", lambda m: repr(learnt(m[1], reference)), first)
        return f"from math import inf\n{words}" if "@LEARNT" in first else words

    return put


def cells(attack_first: str, code: dict[str, str]) -> list[Cell]:
    """Return the code cells of a notebook in which nothing is solved but what `code` says."""
    lesson = COURSE.lesson(LESSON)
    book = fill(
        render_student(COURSE, LESSON), lesson, {**dict.fromkeys(lesson.exercises()), **code}
    )
    place = next(i for i, cell in enumerate(book.cells) if "check.lesson(" in cell.source)
    book.cells.insert(place + 1, new_code_cell(attack_first))
    code_cells = [cell for cell in book.cells if cell.cell_type == "code"]
    return [
        Cell(number, cell.source)
        for number, cell in enumerate(code_cells, 1)
        if "demo" not in cell.metadata.get("tags", ())
    ]


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_a_service_earns_nothing(
    name: str, sandbox: Sandbox, reference: dict[str, Any], with_learnt: Callable[[str], str]
) -> None:
    attack = ATTACKS[name]
    (exercise,) = attack.code
    submission = cells(with_learnt(attack.first), attack.code)
    (result,) = judge(EXERCISES, submission, name, reference, sandbox, b"secret", only=exercise)
    assert result.points == 0, result
    assert result.status in STATUSES


@pytest.mark.parametrize("name", BY_HEART)
def test_what_was_learnt_would_win_if_the_questions_stayed_the_same(
    name: str, reference: dict[str, Any], with_learnt: Callable[[str], str]
) -> None:
    attack = ATTACKS[name]
    (exercise,) = attack.code
    namespace = dict(reference)
    exec(with_learnt(attack.first) + attack.code[exercise], namespace)
    assert checked(exercise, namespace, dict(reference)).share >= 0.5


def test_there_are_enough_attacks_on_services() -> None:
    assert len(ATTACKS) >= 8
    assert all(attack.tries and len(attack.code) == 1 for attack in ATTACKS.values())

"""The row of the tests: their mutation score, on sound models and on broken ones."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from lmcourse.checks.test_and_gate import interview
from lmcourse.checks.test_and_gate.suite import model_problems

FILE = "tests/model_tests.py"


@probe
def what_it_asks(namespace: dict[str, Any], *arguments: Any) -> Any:
    """Begin to ask a suite, as lesson 10's checks do."""
    return interview.what_it_asks(namespace, *arguments)


@exercise("project", "tests", points=9, names=("model_problems",))
def tests(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield from model_problems(student, reference, rng)

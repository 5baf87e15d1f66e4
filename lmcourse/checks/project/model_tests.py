"""The row of the tests: their mutation score, on sound models and on broken ones."""

from collections.abc import Iterator

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from lmcourse.checks.test_and_gate.interview import what_it_asks
from lmcourse.checks.test_and_gate.suite import model_problems

FILE = "tests/model_tests.py"

probe(what_it_asks)


@exercise("project", "tests", points=9, names=("model_problems",))
def tests(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield from model_problems(student, reference, rng)

"""The row of the service: asked in process, as a server would ask it."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from lmcourse.checks.serve import endpoint

FILE = "service.py"


@probe
def served(namespace: dict[str, Any], *arguments: Any) -> Any:
    """Ask an app, as lesson 12's checks do."""
    return endpoint.served(namespace, *arguments)


@exercise("project", "service", points=6, names=("create_app",))
def service(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield from endpoint.create_app(student, reference, rng)

"""The course that the tests go through: this one."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from grader.course.lessons import Course
from grader.sandbox.bubblewrap import Shown

ROOT = Path(__file__).parents[1]
COURSE = Course(ROOT)
SHOWN = Shown(ROOT / COURSE.package, COURSE.names[0], hides=COURSE.configuration.hides)
LESSON = "02_bigrams"
"""The one that most tests of grading are about."""


class AtOnce(Executor):
    """Does at once, and here, what it is handed: no thread reads a lesson beside another."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def graded_here() -> Iterator[None]:
    """Have `grader grade` grade in this process, which makes its sandbox and references once.

    A pool's processes would each import torch and make their own, for every class.
    """
    with mock.patch("grader.grading.grade.executor", return_value=AtOnce()):
        yield

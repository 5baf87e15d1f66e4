"""The course that the tests go through: this one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from grader.course.lessons import Course
from grader.sandbox.bubblewrap import Shown

ROOT = Path(__file__).parents[1]
COURSE = Course(ROOT)
SHOWN = Shown(ROOT / COURSE.package, COURSE.names[0], hides=COURSE.configuration.hides)
LESSON = "02_bigrams"
"""The one that most tests of grading are about."""


@contextmanager
def graded_here() -> Iterator[None]:
    """Have `grader grade` grade in this process, which makes its sandbox and references once.

    A pool's processes would each import torch and make their own, for every class.
    """

    def one(*_: object) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1)

    with mock.patch("grader.grading.grade.executor", one):
        yield

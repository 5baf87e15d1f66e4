"""The row of the pipeline for Azure: its reactions in situations, the doors weighing most."""

from collections.abc import Iterator

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise
from grader.checks.student import Student
from lmcourse.checks.pipelines import azure as lesson
from lmcourse.checks.pipelines.situations import Trial, situations
from lmcourse.checks.project.reactions import reactions

PROJECT = "project"
FILE = lesson.FILE


@exercise(PROJECT, "azure", points=13, names=("read",))
def azure(repository: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    every = situations(rng)
    trial = Trial(lesson.simulated, every[0])
    yield from reactions(repository, trial, every, FILE, lesson.HINTS)

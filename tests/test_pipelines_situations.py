"""One delivery pipeline in a table of situations, and its plausible mistakes: as on Azure."""

from dataclasses import dataclass, field, replace

import pytest

from lmcourse.pipelines.azure.reading import read
from lmcourse.pipelines.azure.simulate import Scenario, simulate
from lmcourse.pipelines.runs import Approval, Run, Start

PIPELINE = """
trigger: {branches: {include: [main]}, paths: {exclude: [docs]}}
pr: [main]
schedules: [{cron: 0 3 * * *, branches: {include: [main]}, always: true}]
resources: {pipelines: [{pipeline: data, source: data, trigger: {branches: [main]}}]}
stages:
  - stage: Test
    jobs:
      - job: Test
        steps:
          - script: make test
          - publish: build
            artifact: package
  - stage: Train
    condition: and(succeeded(), ne(variables['Build.Reason'], 'PullRequest'))
    jobs:
      - job: Train
        timeoutInMinutes: 60
        steps:
          - script: lmops train
            name: train
          - publish: model
            artifact: model
      - job: Gate
        dependsOn: Train
        steps:
          - download: current
            artifact: model
          - script: |
              set -e
              lmops gate
              echo "##vso[task.setvariable variable=version;isOutput=true]v7"
            name: gate
  - stage: Staging
    jobs:
      - deployment: Staging
        variables:
          version: $[ stageDependencies.Train.Gate.outputs['gate.version'] ]
        environment: staging
        strategy:
          runOnce:
            deploy:
              steps:
                - script: lmops rollout $(version) --to staging
            postRouteTraffic:
              steps:
                - script: smoke
            on:
              failure:
                steps:
                  - script: lmops rollback --to staging
  - stage: Production
    dependsOn: [Train, Staging]
    jobs:
      - deployment: Production
        variables:
          version: $[ stageDependencies.Train.Gate.outputs['gate.version'] ]
        environment: production
        strategy:
          canary:
            increments: [10, 50]
            deploy:
              steps:
                - script: lmops rollout $(version) --to production --share $(Strategy.Increment)
            postRouteTraffic:
              steps:
                - script: lmops watch
            on:
              failure:
                steps:
                  - script: lmops rollback --to production
              success:
                steps:
                  - script: lmops rollout $(version) --to production
"""
PUSH = Start()
GIVEN = {"production": Approval("given", "grace")}


@dataclass(frozen=True)
class Situation:
    """What happens, and what must come of it."""

    name: str
    start: Start = PUSH
    outcomes: dict[str, int | list[int]] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=lambda: dict(GIVEN))
    minutes: dict[str, float] = field(default_factory=dict)
    cancel: str = ""
    ended: str = "succeeded"
    results: str = ""  # of the four stages: s, f, c, - for skipped
    called: str = ""  # the last words of each call of lmops, in order of time
    started: bool = True

    def run(self, pipeline: str = PIPELINE) -> Run:
        """Return what the pipeline does."""
        scenario = Scenario(
            self.start, self.outcomes, {}, self.minutes, self.approvals, self.cancel
        )
        return simulate(read(pipeline), scenario)


CANARY = "rollout v7 --to production --share"
GOOD = "train, gate, rollout v7 --to staging"
PROMOTED = f"{CANARY} 10, watch, {CANARY} 50, watch, rollout v7 --to production"
SITUATIONS = [
    Situation("all is well", results="ssss", called=f"{GOOD}, {PROMOTED}"),
    Situation("a test fails", outcomes={"make test": 1}, ended="failed", results="f---"),
    Situation(
        "the training fails",
        outcomes={"lmops train": 1},
        ended="failed",
        results="sf--",
        called="train",
    ),
    Situation(
        "the gate fails",
        outcomes={"lmops gate": 1},
        ended="failed",
        results="sf--",
        called="train, gate",
    ),
    Situation(
        "a pull request", Start("PullRequest", "idea"), ended="succeeded", results="s---", called=""
    ),
    Situation(
        "a pull request into another branch",
        Start("PullRequest", "idea", "next"),
        ended="skipped",
        started=False,
    ),
    Situation("a push to another branch", Start(branch="x"), ended="skipped", started=False),
    Situation(
        "a push that changes pages alone",
        Start(paths=("docs/a.md",)),
        ended="skipped",
        started=False,
    ),
    Situation(
        "a push that changes pages, too",
        Start(paths=("docs/a.md", "a.py")),
        results="ssss",
        called=f"{GOOD}, {PROMOTED}",
    ),
    Situation("the nightly run", Start("Schedule"), results="ssss", called=f"{GOOD}, {PROMOTED}"),
    Situation(
        "the nightly run of another branch", Start("Schedule", "x"), ended="skipped", started=False
    ),
    Situation(
        "the data's pipeline ended",
        Start("ResourceTrigger", pipeline="data"),
        results="ssss",
        called=f"{GOOD}, {PROMOTED}",
    ),
    Situation(
        "another pipeline ended",
        Start("ResourceTrigger", pipeline="x"),
        ended="skipped",
        started=False,
    ),
    Situation(
        "staging's smoke test fails",
        outcomes={"smoke": 1},
        ended="failed",
        results="ssf-",
        called=f"{GOOD}, rollback --to staging",
    ),
    Situation(
        "the approval is missing",
        approvals={"production": Approval("missing")},
        results="sss-",
        called=GOOD,
    ),
    Situation(
        "the approval is rejected",
        approvals={"production": Approval("rejected", "grace")},
        ended="failed",
        results="sssf",
        called=GOOD,
    ),
    Situation(
        "the approval is the author's own",
        approvals={"production": Approval("given", "Ada ")},
        results="sss-",
        called=GOOD,
    ),
    Situation(
        "no approval is asked for", approvals={}, results="ssss", called=f"{GOOD}, {PROMOTED}"
    ),
    Situation(
        "the canary fails at once",
        outcomes={"lmops watch": 1},
        ended="failed",
        results="sssf",
        called=f"{GOOD}, {CANARY} 10, watch, rollback --to production",
    ),
    Situation(
        "the canary fails at half",
        outcomes={"lmops watch": [0, 1]},
        ended="failed",
        results="sssf",
        called=f"{GOOD}, {CANARY} 10, watch, {CANARY} 50, watch, rollback --to production",
    ),
    Situation(
        "the promotion fails",
        outcomes={"lmops rollout v7 --to production": [0, 0, 1]},
        ended="failed",
        results="sssf",
        called=f"{GOOD}, {PROMOTED}",
    ),
    Situation(
        "the training takes too long",
        minutes={"lmops train": 61},
        ended="canceled",
        results="sc--",
        called="train",
    ),
    Situation(
        "a person cancels",
        cancel="lmops gate",
        ended="canceled",
        results="sc--",
        called="train, gate",
    ),
]
MARKS = {
    "succeeded": "s",
    "succeededWithIssues": "i",
    "failed": "f",
    "canceled": "c",
    "skipped": "-",
}


def results(run: Run) -> str:
    """Return a letter for each stage."""
    return "".join(MARKS[stage.result] for stage in run.stages)


def calls(run: Run) -> str:
    """Return what was called of lmops, in order of time."""
    return ", ".join(call.command.removeprefix("lmops ") for call in run.called("lmops"))


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.name)
def test_situation(situation: Situation) -> None:
    run = situation.run()
    assert run.started == situation.started
    assert results(run) == situation.results
    assert calls(run) == situation.called
    assert run.ended == situation.ended
    assert run.why
    assert all(stage.why and all(job.why for job in stage.jobs) for stage in run.stages)


def swapped(old: str, new: str) -> str:
    """Return the pipeline with a mistake in it."""
    assert PIPELINE.count(old) == 1
    return PIPELINE.replace(old, new)


@dataclass(frozen=True)
class Mistake:
    """A plausible pipeline that is wrong, and a situation in which it does what it should not."""

    name: str
    pipeline: str
    situation: Situation
    called: str
    results: str


STAGING = "condition: and(succeeded(), ne(variables['Build.Reason'], 'PullRequest'))"
GATE = """            name: gate
  - stage: Staging"""
FAILING = {one.name: one for one in SITUATIONS}
ROLLBACK = """                  - script: lmops rollback --to production
              success:"""
MISTAKES = [
    Mistake(
        "a condition without a status function runs after a failure",
        swapped(STAGING, "condition: ne(variables['Build.Reason'], 'PullRequest')"),
        FAILING["a test fails"],
        "train, gate",
        "fs--",  # what Test lacks still counts for those behind Train
    ),
    Mistake(
        "a failing test is swallowed by || true",
        swapped("script: make test", "script: make test || true"),
        FAILING["a test fails"],
        f"{GOOD}, {PROMOTED}",
        "ssss",
    ),
    Mistake(
        "a failing test is swallowed by a later line",
        swapped("script: make test", "script: |\n              make test\n              echo done"),
        FAILING["a test fails"],
        f"{GOOD}, {PROMOTED}",
        "ssss",
    ),
    Mistake(
        "a failing test is swallowed by a pipe",
        swapped("script: make test", "script: make test | tee test.log"),
        FAILING["a test fails"],
        f"{GOOD}, {PROMOTED}",
        "ssss",
    ),
    Mistake(
        "a failing test is swallowed by continueOnError",
        swapped("- script: make test", "- script: make test\n            continueOnError: true"),
        FAILING["a test fails"],
        f"{GOOD}, {PROMOTED}",
        "isss",
    ),
    Mistake(
        "a failing gate is swallowed, as the script goes on",
        swapped("              set -e\n", ""),
        FAILING["the gate fails"],
        f"{GOOD}, {PROMOTED}",
        "ssss",
    ),
    Mistake(
        "a pull request trains and is deployed",
        swapped(STAGING, "condition: succeeded()"),
        FAILING["a pull request"],
        f"{GOOD}, {PROMOTED}",
        "ssss",
    ),
    Mistake(
        "production does not wait for staging",
        swapped("dependsOn: [Train, Staging]", "dependsOn: Train"),
        FAILING["staging's smoke test fails"],
        f"{GOOD}, rollback --to staging, {PROMOTED}",
        "ssfs",
    ),
    Mistake(
        "an environment with another name asks no one",
        swapped("environment: production", "environment: prod"),
        FAILING["the approval is missing"],
        f"{GOOD}, {PROMOTED}",
        "ssss",
    ),
    Mistake(
        "production is reached without an environment",
        swapped("        environment: staging", "        environment: staging").replace(
            "script: smoke", "script: lmops rollout v7 --to production"
        ),
        FAILING["the approval is rejected"],
        f"{GOOD}, rollout v7 --to production",
        "sssf",
    ),
    Mistake(
        "the rollback waits for a failure in a hook in which nothing failed",
        swapped(
            ROLLBACK, ROLLBACK.replace("n\n", "n\n                    condition: failed()\n", 1)
        ),
        FAILING["the canary fails at once"],
        f"{GOOD}, {CANARY} 10, watch",
        "sssf",
    ),
    Mistake(
        "the rollback is a step that needs success",
        swapped(
            "                - script: lmops watch\n",
            "                - script: lmops watch\n                - script: lmops rollback\n",
        ).replace(ROLLBACK, ROLLBACK.replace("lmops rollback --to production", "echo no")),
        FAILING["the canary fails at once"],
        f"{GOOD}, {CANARY} 10, watch",
        "sssf",
    ),
    Mistake(
        "the model is not published before it is downloaded",
        swapped("          - publish: model\n            artifact: model\n", ""),
        FAILING["all is well"],
        "train",
        "sf--",
    ),
    Mistake(
        "the gate does not wait for the training",
        swapped("        dependsOn: Train\n        steps", "        steps"),
        FAILING["all is well"],
        "train",
        "sf--",
    ),
    Mistake(
        "an output by another name is empty",
        PIPELINE.replace("outputs['gate.version']", "outputs['Gate.gate.version']"),
        FAILING["all is well"],
        f"{GOOD}, {PROMOTED}".replace("v7 ", ""),
        "ssss",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.name)
def test_a_mistake_does_what_it_does_on_azure(mistake: Mistake) -> None:
    run = mistake.situation.run(mistake.pipeline)
    assert (calls(run), results(run)) == (mistake.called, mistake.results)


def test_why_is_told() -> None:
    run = replace(FAILING["a test fails"]).run()
    stage = run.stage("Train")
    assert stage is not None
    assert "condition `and(succeeded(), ne(" in stage.why
    assert "was and(" in stage.why
    run = FAILING["staging's smoke test fails"].run()
    stage = run.stage("Production")
    assert stage is not None
    assert stage.why == "it waits for Staging, which failed"
    run = FAILING["the approval is the author's own"].run()
    stage = run.stage("Production")
    assert stage is not None
    assert "own change" in stage.why

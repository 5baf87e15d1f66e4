"""A job's steps: conditions, results, variables, outputs, artifacts, timeouts, and a stop."""

import pytest

from lmcourse.pipelines.azure.reading import read
from lmcourse.pipelines.azure.simulate import simulate
from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.runs import Approval, Run, Start
from lmcourse.pipelines.scenarios import Scenario, read_scenario


def ran(text: str, **others: object) -> Run:
    """Return the run of a pipeline in a scenario."""
    return simulate(read(text), Scenario(**others))  # type: ignore[arg-type]


def steps(run: Run) -> dict[str, str]:
    """Return the results of all steps that have a name."""
    return {step.step.name: step.result for _, job in run.jobs() for step in job.steps}


FAILS = """
steps:
  - {name: first, script: work}
  - {name: second, script: bad}
  - {name: usual, script: a}
  - {name: always, script: b, condition: always()}
  - {name: failed, script: c, condition: failed()}
  - {name: either, script: d, condition: succeededOrFailed()}
  - {name: canceled, script: e, condition: canceled()}
  - {name: not_canceled, script: f, condition: not(canceled())}
  - {name: branch, script: g, condition: "eq(variables['Build.SourceBranch'], 'refs/heads/main')"}
  - {name: both, script: h, condition: "and(succeeded(), eq(variables['Build.Reason'], 'Manual'))"}
  - {name: status, script: i, condition: "eq(variables['Agent.JobStatus'], 'Failed')"}
  - {name: off, script: j, condition: always(), enabled: false}
"""


def test_conditions_after_a_failure() -> None:
    run = ran(FAILS, outcomes={"bad": 1})
    results = {name: result == "succeeded" for name, result in steps(run).items() if name}
    assert results.pop("second") is False
    assert [name for name, result in results.items() if result] == [
        *("first", "always", "failed", "either", "not_canceled", "branch", "status")
    ]
    assert run.ended == "failed"


def test_conditions_after_a_stop() -> None:
    run = ran(FAILS, cancel="bad")
    assert steps(run)["second"] == "canceled"
    good = [name for name, result in steps(run).items() if name and result == "succeeded"]
    assert good == ["first", "always", "canceled", "branch"]
    assert run.ended == "canceled"


def test_a_stop_ends_the_script_and_what_waits_for_it() -> None:
    run = ran(
        """
jobs:
  - job: A
    steps: [{script: "one; two; three"}]
  - job: B
    dependsOn: A
    steps: [{script: usual}]
  - job: C
    dependsOn: A
    condition: always()
    steps: [{script: cleanup}]
  - job: D
    dependsOn: A
    condition: eq(variables['Build.SourceBranch'], 'refs/heads/main')
    steps: [{script: anyway}]
""",
        cancel="two",
    )
    assert [call.command for call in run.log] == ["one", "two", "cleanup", "anyway"]


def test_variables_that_steps_set() -> None:
    run = ran(
        """
variables: {color: red, all: $(color) $(late)}
jobs:
  - job: A
    variables: {late: x}
    steps:
      - script: echo "##vso[task.setvariable variable=color]blue"
      - script: |
          echo "##vso[task.setvariable variable=version;isOutput=true]v1"
          echo "##vso[task.setvariable variable=key;isSecret=true]hidden"
        name: set
      - script: show $(color) $COLOR $(all) $(set.version) $(version) [$KEY] $(key)
  - job: B
    dependsOn: A
    variables: {version: "$[ dependencies.A.outputs['set.version'] ]"}
    condition: and(succeeded(), eq(dependencies.A.outputs['set.version'], 'v1'))
    steps: [{script: show $(color) $(version) $(set.version)}]
"""
    )
    # What was set as an output has its step's name in front; a secret is in no environment; what
    # is no variable is left for bash, which finds no such command.
    first, second = [call.command for call in run.called("show")]
    assert first == "show blue blue red x v1 [] hidden"
    assert second == "show red v1"


def test_what_a_step_says_counts_with_how_it_ends() -> None:
    run = ran(
        """
steps:
  - {name: error, script: 'echo "##vso[task.logissue type=error]bad"'}
  - {name: issues, script: 'echo "##vso[task.complete result=SucceededWithIssues;]"'}
  - {name: failed, script: 'echo "##vso[task.complete result=Failed]"'}
  - {name: usual, script: work}
  - name: worse
    script: echo "##vso[task.complete result=Succeeded]"; exit 2
    condition: always()
"""
    )
    results = steps(run)
    results.pop("")
    assert results == {
        "error": "succeeded",  # as on Azure: an error in the log fails nothing
        "issues": "succeededWithIssues",
        "failed": "failed",
        "usual": "skipped",
        "worse": "failed",
    }


def test_retries_and_continuing() -> None:
    text = """
steps:
  - {name: flaky, script: flaky, retryCountOnTaskFailure: 2}
  - {name: known, script: known, continueOnError: $(on)}
  - {name: last, script: last}
variables: {on: true}
"""
    run = ran(text, outcomes={"flaky": [1, 1, 0], "known": 1})
    assert len(run.called("flaky")) == 3
    assert steps(run)["flaky"] == "succeeded"
    assert steps(run)["known"] == "succeededWithIssues"
    assert run.called("last")
    assert run.ended == "succeededWithIssues"
    assert ran(text, outcomes={"flaky": 1}).ended == "failed"


def test_a_job_that_may_fail() -> None:
    text = """
jobs:
  - job: A
    continueOnError: true
    steps: [{script: bad}]
  - job: B
    dependsOn: A
    steps: [{script: usual}]
  - job: C
    dependsOn: A
    condition: eq(dependencies.A.result, 'SucceededWithIssues')
    steps: [{script: issues}]
  - job: D
    dependsOn: A
    condition: failed()
    steps: [{script: never}]
"""
    run = ran(text, outcomes={"bad": 1})
    assert [call.command for call in run.log] == ["bad", "usual", "issues"]
    assert run.ended == "succeededWithIssues"


def test_timeouts() -> None:
    text = """
jobs:
  - job: A
    timeoutInMinutes: 30
    steps:
      - {name: step, script: slow, timeoutInMinutes: 5, continueOnError: true}
      - {name: job, script: sleep 29m}
      - {name: after, script: usual}
      - {name: cleanup, script: cleanup, condition: always()}
"""
    run = ran(text, minutes={"slow": 6})
    assert steps(run) == {
        "": "succeeded",
        "step": "succeededWithIssues",
        "job": "canceled",
        "after": "skipped",
        "cleanup": "succeeded",
    }
    assert run.result("A") == "canceled"
    endless = ran("steps: [{script: 'until work; do sleep 5; done'}]", outcomes={"work": 1})
    assert endless.ended == "canceled"


def test_a_skipped_job_skips_all_that_wait_for_it_by_default() -> None:
    run = ran(
        """
jobs:
  - job: A
    condition: false
    steps: [{script: a}]
  - job: B
    dependsOn: A
    steps: [{script: b}]
  - job: C
    dependsOn: A
    condition: in(dependencies.A.result, 'Succeeded', 'Skipped')
    steps: [{script: c}]
  - job: D
    dependsOn: C
    steps: [{script: d}]
  - job: E
    dependsOn: C
    condition: and(not(failed()), not(canceled()))
    steps: [{script: e}]
"""
    )
    assert [call.command for call in run.log] == ["c", "e"]  # D has A before it as well


def test_a_rollback_stage_runs_after_any_failure_before_it() -> None:
    text = """
stages:
  - stage: Gate
    jobs: [{job: Gate, steps: [{script: gate}]}]
  - stage: Production
    jobs: [{job: Production, steps: [{script: rollout}]}]
  - stage: Rollback
    condition: %s
    jobs: [{job: Rollback, steps: [{script: rollback}]}]
"""
    gate, rollout = {"gate": 1}, {"rollout": 1}
    assert ran(text % "failed()", outcomes=rollout).called("rollback")
    assert ran(text % "failed()", outcomes=gate).called("rollback")  # where nothing was rolled out
    assert not ran(text % "failed('Production')", outcomes=gate).called("rollback")
    assert ran(text % "failed('Production')", outcomes=rollout).called("rollback")
    named = "eq(dependencies.Production.result, 'Failed')"
    assert not ran(text % named, outcomes=gate).called("rollback")
    assert not ran(text % "succeeded()", outcomes=rollout).called("rollback")


def test_outputs_of_legs_and_of_a_deployments_hooks() -> None:
    say = "'echo \"##vso[task.setvariable variable=v;isOutput=true]$(leg)\"'"
    run = ran(
        f"""
variables: {{leg: none}}
jobs:
  - job: Legs
    strategy: {{matrix: {{one: {{leg: first}}, two: {{leg: second}}}}}}
    steps: [{{name: say, script: {say}}}]
  - deployment: Go
    environment: staging
    strategy: {{runOnce: {{deploy: {{steps: [{{name: say, script: {say}}}]}}}}}}
  - job: Read
    dependsOn: [Legs, Go]
    variables:
      a: $[ dependencies.Legs.outputs['one.say.v'] ]
      b: $[ dependencies.Legs.outputs['two.say.v'] ]
      c: $[ dependencies.Go.outputs['Go.say.v'] ]
      d: $[ dependencies.Go.outputs['say.v'] ]
    steps:
      - script: show $(a) $(b) $(c) [$(d)]
"""
    )
    assert [call.command for call in run.called("show")] == ["show first second none []"]


def test_artifacts_are_there_for_who_waits() -> None:
    text = """
jobs:
  - job: A
    steps:
      - {publish: build, artifact: model}
      - {publish: build, artifact: %s}
  - job: B
    dependsOn: %s
    steps:
      - {download: current, artifact: model}
      - script: use
"""
    assert ran(text % ("other", "A")).called("use")
    run = ran(text % ("other", "[]"))
    assert not run.called("use")
    job = run.job("B")
    assert job is not None
    assert "does not wait for it" in job.why
    assert ran(text % ("model", "A")).result("A") == "failed"  # published already


def test_a_deployment_checks_nothing_out() -> None:
    text = """
jobs:
  - deployment: Go
    environment: staging
    strategy: {runOnce: {deploy: {steps: [%s{script: make deploy}]}}}
"""
    run = ran(text % "")
    assert run.ended == "failed"
    job = run.job("Go")
    assert job is not None
    assert "there is no Makefile" in job.why
    assert ran(text % "{checkout: self}, ").ended == "succeeded"


def test_a_scenario_can_be_a_file() -> None:
    text = """
name: the canary is bad
reason: pullrequest
branch: idea
by: ada
paths: [a.py]
outcomes: {lmops watch: 1, make smoke: [0, 1]}
outputs: {lmops gate: ["##vso[task.setvariable variable=a]b"]}
minutes: {lmops train: 90}
approvals: {production: {answer: given, by: grace}, staging: missing}
cancel: lmops train
"""
    assert read_scenario(text, "s.yml") == Scenario(
        start=Start("PullRequest", "idea", by="ada", paths=("a.py",)),
        outcomes={"lmops watch": 1, "make smoke": (0, 1)},
        outputs={"lmops gate": ("##vso[task.setvariable variable=a]b",)},
        minutes={"lmops train": 90.0},
        approvals={"production": Approval("given", "grace"), "staging": Approval("missing")},
        cancel="lmops train",
        name="the canary is bad",
    )
    for wrong in ("reason: Never", "outcomes: 1", "approvals: {a: maybe}", "resaon: Manual"):
        with pytest.raises(Refused):
            read_scenario(wrong, "s.yml")


MATRIX = """
jobs:
  - job: Names
    steps: [{name: list, script: names}]
  - job: Lesson
    dependsOn: Names
    strategy:
      matrix: $[ dependencies.Names.outputs['list.legs'] ]
    steps: [{script: try $(LESSON)}]
  - job: Last
    dependsOn: Lesson
    steps: [{script: last}]
"""


def test_a_matrix_that_another_job_writes() -> None:
    legs = '{"one": {"LESSON": "01"}, "two": {"LESSON": "02"}}'
    said = {"names": [f"##vso[task.setvariable variable=legs;isOutput=true]{legs}"]}
    run = ran(MATRIX, outputs=said)
    assert [call.command for call in run.log] == ["names", "try 01", "try 02", "last"]
    failed = ran(MATRIX, outputs=said, outcomes={"try 02": 1})
    assert (failed.result("Lesson.one"), failed.result("Lesson.two")) == ("succeeded", "failed")
    assert failed.result("Last") == "skipped"


@pytest.mark.parametrize("legs", ["", "[]", "{}", "[1", '{"a": 1}', '{"a": {"b": []}}', "[" * 9999])
def test_a_matrix_that_is_none_fails_its_job(legs: str) -> None:
    said = {"names": [f"##vso[task.setvariable variable=legs;isOutput=true]{legs}"]}
    run = ran(MATRIX, outputs=said)
    job = run.job("Lesson")
    assert job is not None
    assert job.result == "failed"
    assert "not JSON of legs" in job.why
    assert not run.called("last")

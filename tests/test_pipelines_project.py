"""The project's own pipeline: read whole, and what it would do in a few situations."""

import json

import pytest
from course import ROOT

from lmcourse.pipelines.model import Pipeline
from lmcourse.pipelines.reading import read
from lmcourse.pipelines.runs import Start
from lmcourse.pipelines.simulate import Scenario, simulate

LEGS = json.dumps({"first": {"LESSON": "01_a"}, "second": {"LESSON": "02_b"}})
NAMES = {"make lesson-names": [f"##vso[task.setvariable variable=names;isOutput=true]{LEGS}"]}


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """Return the project's pipeline."""
    return read((ROOT / "azure-pipelines.yml").read_text("utf-8"))


def test_all_goes_well(pipeline: Pipeline) -> None:
    run = simulate(pipeline, Scenario(outputs=NAMES))
    assert run.started
    assert run.ended == "succeeded"
    assert len(run.called("make coverage")) == 3  # one for each leg of the matrix
    assert [call.job for call in run.called("make lessons")] == ["Lesson.first", "Lesson.second"]


def test_a_failing_test_stops_the_lessons(pipeline: Pipeline) -> None:
    run = simulate(pipeline, Scenario(outputs=NAMES, outcomes={"make coverage": [0, 1, 0]}))
    assert run.result("Tests.Python312") == "failed"
    assert run.result("Validate") == "failed"
    assert run.result("Lessons") == "skipped"
    assert not run.called("make lessons")
    job = run.job("Tests.Python312")
    assert job is not None
    published = {step.name: step.result for step in job.steps}
    assert published["Publish the test results"] == "succeeded"


def test_a_branch_starts_it_by_a_pull_request_alone(pipeline: Pipeline) -> None:
    pushed = simulate(pipeline, Scenario(Start(branch="idea")))
    assert (pushed.started, pushed.ended) == (False, "skipped")
    assert "idea" in pushed.why
    proposed = Start(reason="PullRequest", branch="idea", target="main")
    assert simulate(pipeline, Scenario(proposed, outputs=NAMES)).ended == "succeeded"


def test_a_matrix_that_no_one_writes_fails(pipeline: Pipeline) -> None:
    run = simulate(pipeline, Scenario())
    assert run.result("Lesson") == "failed"
    job = run.job("Lesson")
    assert job is not None
    assert "matrix" in job.why

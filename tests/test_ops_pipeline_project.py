"""The project's own pipelines, on both systems: what they do in each situation. Nothing is run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from course import ROOT
from ops import lmops

from lmcourse.pipelines.azure.reading import read
from lmcourse.pipelines.azure.simulate import Scenario, simulate
from lmcourse.pipelines.github import rights as workflow_rights
from lmcourse.pipelines.github.reading import read_workflow
from lmcourse.pipelines.github.simulate import simulate_workflow
from lmcourse.pipelines.model import Pipeline
from lmcourse.pipelines.runs import Approval, Run, Start

REPOSITORY = "lmcourse/lmcourse"
VERSION = "3f2a9c01d4e5b678"
STEPS = {
    "train": "lmops train lmcourse/small_model --preset laptop",
    "retrain": "lmops retrain --if-due",
    "gate": "lmops gate",
    "register": "lmops register",
    "staging": f"lmops rollout {VERSION} --to staging",
    "canary": f"lmops rollout {VERSION} --to production --strategy canary",
    "production": f"lmops rollout {VERSION} --to production --strategy blue-green",
    "rollback": "lmops rollback --to production",
}
"""What counts, in the order of a model's life: a word, and how the command begins."""

YES = {"production": Approval("given", "bob")}
ALL = "train gate register staging canary production"


@dataclass(frozen=True)
class Situation:
    """What happens, and what is then done, in this order; on GitHub `there`, where it differs."""

    done: str
    outcomes: Mapping[str, int | tuple[int, ...]] = field(default_factory=dict)
    start: Start = field(default_factory=Start)
    approvals: Mapping[str, Approval] = field(default_factory=lambda: YES)
    cancel: str = ""
    version: str = VERSION


PR = Start("PullRequest", branch="idea", target="main", number=7)
SITUATIONS = {
    "all is well": Situation(ALL),
    "a pull request": Situation("", start=PR),
    "a pull request with a test that fails": Situation("", {"make coverage": 2}, PR),
    "a run by hand on main": Situation(ALL, start=Start("Manual")),
    "a run by hand on a branch": Situation("", start=Start("Manual", branch="idea")),
    "the style is wrong": Situation("", {"make lint": 2}),
    "a test fails": Situation("", {"make coverage": 2}),
    "a test fails on one Python alone": Situation("", {"make coverage": (0, 0, 2)}),
    "a secret is found": Situation("", {"make security": 2}),
    "a lesson fails": Situation("", {"make lessons": 2}),
    "the site cannot be made": Situation(ALL, {"make site": 2}),
    "the training fails": Situation("train", {"lmops train": 1}),
    "the gate says no": Situation("train gate", {"lmops gate": 1}),
    "the gate cannot be asked": Situation("train gate", {"lmops gate": 2}),
    "the registration fails": Situation("train gate register", {"lmops register": 1}),
    "it may not be the challenger": Situation("train gate register", {"lmops promote": 1}),
    "no version is named": Situation("train gate register", version=""),
    "staging does not come up": Situation(
        "train gate register staging", {f"lmops rollout {VERSION} --to staging": 1}
    ),
    "staging's smoke test fails": Situation(
        "train gate register staging", {"make smoke-test SERVICE=http://127.0.0.1:8081": 22}
    ),
    "nobody approves": Situation(
        "train gate register staging", approvals={"production": Approval("missing")}
    ),
    "it is rejected": Situation(
        "train gate register staging", approvals={"production": Approval("rejected", "bob")}
    ),
    "the author approves it": Situation(
        "train gate register staging", approvals={"production": Approval("given", "ada")}
    ),
    "the canary is worse, and has come back": Situation(
        "train gate register staging canary", {STEPS["canary"]: 1}
    ),
    "production's smoke test fails": Situation(
        f"{ALL} rollback", {"make smoke-test SERVICE=http://127.0.0.1:8080": 22}
    ),
    "production does not come up": Situation(f"{ALL} rollback", {STEPS["production"]: 1}),
    "somebody cancels while it is trained": Situation("train", cancel="lmops train"),
    "somebody cancels in the middle of the canary": Situation(
        "train gate register staging canary rollback", cancel=STEPS["canary"]
    ),
    "somebody cancels before the canary begins": Situation(
        "train gate register staging", cancel=f"lmops rollout {VERSION} --to staging"
    ),
    "somebody cancels while everybody gets it": Situation(
        f"{ALL} rollback", cancel=STEPS["production"]
    ),
}


def pipeline(path: str) -> Pipeline:
    """Read one of the project's Azure pipelines."""
    files = {
        one.relative_to(ROOT).as_posix(): one.read_text("utf-8")
        for one in (ROOT / "pipelines").glob("*.yml")
    }
    return read((ROOT / path).read_text("utf-8"), path, files)


def scenario(one: Situation, names: str) -> Scenario:
    """Return a situation with what the commands write; `names` are the lessons'."""
    output = "##vso[task.setvariable variable={};isOutput=true]{}"
    return Scenario(
        one.start,
        one.outcomes,
        {
            "make lesson-names": [output.format("names", names)],
            "make model-version": [output.format("version", one.version)],
        },
        {},
        one.approvals,
        one.cancel,
    )


def on_azure(path: str, one: Situation) -> Run:
    return simulate(pipeline(path), scenario(one, '{"lesson_a": {"LESSON": "a"}}'))


def on_github(path: str, one: Situation) -> Run:
    workflow = read_workflow((ROOT / path).read_text("utf-8"), path)
    return simulate_workflow(workflow, scenario(one, '["a"]'), REPOSITORY)


def done(run: Run) -> list[str]:
    """Return what was done, in order of time."""
    fits = {
        word: {call.order: word for call in run.called(command)} for word, command in STEPS.items()
    }
    in_time = {order: word for found in fits.values() for order, word in found.items()}
    return [in_time[order] for order in sorted(in_time)]


TWINS = {
    "azure": (on_azure, "azure-pipelines.yml", "pipelines/retrain.yml"),
    "github": (on_github, ".github/workflows/ci.yml", ".github/workflows/retrain.yml"),
}


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("name", SITUATIONS)
def test_a_change_gets_as_far_as_it_should(twin: str, name: str) -> None:
    simulated, path, _ = TWINS[twin]
    one = SITUATIONS[name]
    run = simulated(path, one)
    assert run.started, run.why
    assert done(run) == one.done.split()
    reached = "production" in one.done or "canary" in one.done
    assert run.reached("production") == reached


def test_there_are_situations_enough() -> None:
    assert len(SITUATIONS) >= 15
    assert len({one.done for one in SITUATIONS.values()}) >= 8


@pytest.mark.parametrize("twin", TWINS)
def test_a_push_to_a_branch_starts_nothing(twin: str) -> None:
    simulated, path, _ = TWINS[twin]
    assert not simulated(path, Situation("", start=Start("IndividualCI", branch="idea"))).started


# The site

PUBLISHED = {
    "all is well": True,
    "the training fails": True,
    "a run by hand on main": True,
    "a pull request": False,
    "a run by hand on a branch": False,
    "the style is wrong": False,
    "a secret is found": False,
    "a test fails": False,
    "a lesson fails": False,
    "the site cannot be made": False,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_site_is_published_from_main_alone_and_when_all_is_well(name: str) -> None:
    run = on_github(".github/workflows/ci.yml", SITUATIONS[name])
    (result,) = (stage.result for stage in run.stages if stage.name == "pages")
    assert result == ("succeeded" if PUBLISHED[name] else "skipped")


# Training again

NIGHT = Start("Schedule", changed=False, by="nightly")
RETRAININGS = {
    "there is a challenger": Situation("retrain gate staging canary production", start=NIGHT),
    "it was not time": Situation("retrain", start=NIGHT, version=""),
    "the world has changed": Situation(
        "retrain gate staging canary production", {"lmops drift": 1}, NIGHT
    ),
    "the new one is worse": Situation("retrain", {"lmops retrain": 1}, NIGHT),
    "the gate says no by now": Situation("retrain gate", {"lmops gate": 1}, NIGHT),
    "nobody approves": Situation(
        "retrain gate staging", start=NIGHT, approvals={"production": Approval("missing")}
    ),
    "the canary is worse": Situation("retrain gate staging canary", {STEPS["canary"]: 1}, NIGHT),
    "production fails": Situation(
        "retrain gate staging canary production rollback", {STEPS["production"]: 1}, NIGHT
    ),
    "an alert asks for it": Situation(
        "retrain gate staging canary production", start=Start("Manual", by="alert")
    ),
}


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("name", RETRAININGS)
def test_retraining_gets_as_far_as_it_should(twin: str, name: str) -> None:
    simulated, _, path = TWINS[twin]
    one = RETRAININGS[name]
    run = simulated(path, one)
    assert run.started, run.why
    assert done(run) == one.done.split()


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("reason", ["IndividualCI", "PullRequest"])
def test_retraining_never_stands_in_the_way_of_a_build(twin: str, reason: str) -> None:
    simulated, path, retrain = TWINS[twin]
    start = replace(PR, reason=reason)  # type: ignore[arg-type]
    assert not simulated(retrain, Situation("", start=start)).started
    commands = simulated(path, SITUATIONS["all is well"]).log
    assert not [
        call for call in commands if call.command.startswith(("lmops retrain", "lmops drift"))
    ]


def test_a_build_of_the_application_asks_whether_it_is_time_to_retrain() -> None:
    after = Start("ResourceTrigger", pipeline="lmcourse", by="azure")
    run = on_azure("pipelines/retrain.yml", Situation("", start=after))
    assert run.started
    other = replace(after, pipeline="another")
    assert not on_azure("pipelines/retrain.yml", Situation("", start=other)).started


# Rights


@pytest.mark.parametrize("path", [path for _, *paths in TWINS.values() for path in paths][2:])
def test_a_workflow_has_the_least_rights_and_keeps_no_password(path: str) -> None:
    workflow = read_workflow((ROOT / path).read_text("utf-8"), path)
    assert list(workflow_rights.loose(workflow)) == []
    assert list(workflow_rights.passwords(workflow)) == []
    assert list(workflow_rights.unpinned(workflow)) == []
    assert list(workflow_rights.injected(workflow)) == []
    by_name = {job.name: job for job in workflow.jobs}
    logs_in = {name for name, job in by_name.items() if workflow_rights.logs_in(job)}
    where = {name: by_name[name].environment for name in logs_in}
    site = {"pages": "github-pages"} if "pages" in by_name else {}
    assert where == {"staging": "staging", "canary": "production"} | site


# The command


@pytest.mark.parametrize(("name", "far"), [("gate-says-no", "Gate"), ("canary-is-worse", "Canary")])
def test_the_scenarios_that_ship_are_told_by_the_command(name: str, far: str) -> None:
    told = lmops(
        "pipeline",
        "simulate",
        ROOT / "azure-pipelines.yml",
        "--scenario",
        ROOT / f"pipelines/scenarios/{name}.yml",
        "--json",
    )
    assert told.exit_code == 1
    answer = json.loads(told.stdout)
    stages = [stage["name"] for stage in answer["stages"]]
    results = {stage["name"]: stage["result"] for stage in answer["stages"]}
    at = stages.index(far)
    assert {results[name] for name in stages[:at]} == {"succeeded"}
    assert results[far] == "failed"
    assert {results[name] for name in stages[at + 1 :]} == {"skipped"}


def test_the_command_tells_what_is_refused_and_what_is_missing(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("steps:\n  - scrpt: make test\n", "utf-8")
    night = tmp_path / "night.yml"
    night.write_text("reason: Schedule\noutcomes: {make test: 1}\n", "utf-8")
    refused = lmops("pipeline", "simulate", wrong, "--scenario", night)
    assert refused.exit_code == 2
    assert "wrong.yml:2: a step has no `scrpt`" in refused.stderr
    right = tmp_path / "right.yml"
    right.write_text("steps:\n  - script: make test\n", "utf-8")
    not_started = lmops("pipeline", "simulate", right, "--scenario", night)
    assert not_started.exit_code == 1
    assert "The pipeline does not start: there is no schedule" in not_started.stderr
    night.write_text("reason: Manual\n", "utf-8")
    drawn = tmp_path / "run.svg"
    fine = lmops("pipeline", "simulate", right, "--scenario", night, "--svg", drawn)
    assert fine.exit_code == 0, fine.output
    assert drawn.read_text("utf-8").startswith("<svg ")
    assert lmops("pipeline", "simulate", right, "--scenario", tmp_path / "none.yml").exit_code == 2


def test_the_command_simulates_a_workflow_too(tmp_path: Path) -> None:
    night = tmp_path / "push.yml"
    night.write_text("reason: IndividualCI\noutcomes: {make check-notebooks: 1}\n", "utf-8")
    path = ROOT / ".github/workflows/grade.yml"
    told = lmops("pipeline", "simulate", path, "--scenario", night)
    assert told.exit_code == 1
    assert "✗ check failed" in told.stdout
    own = lmops("pipeline", "simulate", path, "--scenario", night, "--repository", REPOSITORY)
    assert "– check skipped" in own.stdout


# The situations would notice mistakes

MISTAKES = {
    "a pull request trains too": (
        "azure-pipelines.yml",
        "        ne(variables['Build.Reason'], 'PullRequest')\n",
        "        true\n",
        "        eq(variables['Build.SourceBranch'], 'refs/heads/main'),\n",
        "",
    ),
    "training waits for the lessons alone": (
        "azure-pipelines.yml",
        "      - Validate\n      - Lessons\n    condition",
        "      - Lessons\n    condition",
        "  - stage: Lessons\n    displayName: Lessons\n    dependsOn: Validate\n",
        "  - stage: Lessons\n    displayName: Lessons\n    dependsOn: []\n",
    ),
    "the gate is asked, and not listened to": (
        "azure-pipelines.yml",
        'lmops gate "$PIPELINE_WORKSPACE/model"',
        'lmops gate "$PIPELINE_WORKSPACE/model" || true',
    ),
    "a condition forgets succeeded()": (
        "pipelines/release.yml",
        "        succeeded(),\n",
        "        always(),\n",
    ),
    "production is no environment that asks": (
        "pipelines/release.yml",
        "environment: production",
        "environment: anywhere",
    ),
    "the rollback waits for a success": (
        "pipelines/release.yml",
        "'Succeeded', 'SucceededWithIssues'))",
        "'Failed', 'SucceededWithIssues'))",
    ),
    "the rollback is not for those who cancel": (
        "pipelines/release.yml",
        "        condition: always() # also where the run was cancelled\n",
        "",
    ),
    "the smoke test cannot fail": (
        "pipelines/release.yml",
        "make smoke-test SERVICE=http://127.0.0.1:8081",
        "make smoke-test SERVICE=http://127.0.0.1:8081; echo done",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_pipeline_shows_in_a_situation(mistake: str) -> None:
    path, *changes = MISTAKES[mistake]
    files = {"azure-pipelines.yml": (ROOT / "azure-pipelines.yml").read_text("utf-8")} | {
        one.relative_to(ROOT).as_posix(): one.read_text("utf-8")
        for one in (ROOT / "pipelines").glob("*.yml")
    }
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in files[path]
        files[path] = files[path].replace(old, new)
    wrong = read(files["azure-pipelines.yml"], "azure-pipelines.yml", files)
    noticed = []
    for name, one in SITUATIONS.items():
        run = simulate(wrong, scenario(one, '{"lesson_a": {"LESSON": "a"}}'))
        reached = "production" in one.done or "canary" in one.done
        if done(run) != one.done.split() or run.reached("production") != reached:
            noticed.append(name)
    assert noticed

"""`lmops pipeline run`: a pipeline on this machine, for real."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ops import lmops
from pipelines_here import Place, git

from lmops.ledger import Ledger


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def steps(*lines: str) -> str:
    """Return a pipeline of one job with these steps, each a line or lines of YAML."""
    body = "\n".join("  - " + line.replace("\n", "\n    ") for line in lines)
    return f"trigger: none\nsteps:\n{body}\n"


def results(answer: dict[str, Any]) -> dict[str, str]:
    """Return the results of the stages by name."""
    return {stage["name"]: stage["result"] for stage in answer["stages"]}


def step_results(answer: dict[str, Any]) -> list[str]:
    """Return the results of the first job's steps."""
    return [step["result"] for step in answer["stages"][0]["jobs"][0]["steps"]]


CHAIN = """
trigger: none
stages:
  - stage: Build
    jobs:
      - job: Make
        steps:
          - script: |
              mkdir out && echo "made by $BUILD_REASON" > out/file.txt
              echo "##vso[task.setvariable variable=number;isOutput=true]42"
            name: make
          - publish: out
            artifact: thing
  - stage: Use
    jobs:
      - job: Read
        variables:
          NUMBER: $[ stageDependencies.Build.Make.outputs['make.number'] ]
        steps:
          - checkout: none
          - download: current
            artifact: thing
          - script: |
              cat "$(Pipeline.Workspace)/thing/file.txt"
              echo "number $NUMBER; $(ls -A | wc -l) files"
"""


def test_outputs_and_artifacts_go_from_one_job_to_the_next(place: Place) -> None:
    place.commit(pipeline=CHAIN)
    answer = place.ran()
    assert answer["result"] == "succeeded"
    assert results(answer) == {"Build": "succeeded", "Use": "succeeded"}
    assert "made by Manual\nnumber 42; 0 files\n" in place.log(answer)


def test_each_job_begins_with_a_folder_of_its_own(place: Place) -> None:
    jobs = "\n".join(
        f"  - job: {name}\n    steps: [{{script: 'ls; touch left-behind'}}]" for name in "AB"
    )
    place.commit(pipeline=f"trigger: none\njobs:\n{jobs}\n")
    log = place.log(place.ran())
    assert log.count("azure-pipelines.yml\n") == 2
    assert "left-behind" not in log
    assert not (place.root / "left-behind").exists()


def test_it_runs_the_commit_and_what_is_not_committed(place: Place) -> None:
    place.commit(pipeline=steps("script: cat *.txt; git log --oneline | wc -l"), a__txt="one\n")
    (place.root / "a.txt").write_text("two\n", "utf-8")
    (place.root / "b.txt").write_text("new\n", "utf-8")
    result = place.run()
    assert "With what is not committed: 2 files." in result.stderr
    assert "two\nnew\n1\n" in result.stderr
    (place.root / "a.txt").unlink()
    assert "two" not in place.run().stderr


def test_what_no_repository_keeps_is_no_pipelines(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "azure-pipelines.yml"
    outside.write_text(steps("script: true"), "utf-8")
    result = lmops("pipeline", "run", outside, "--home", place.home)
    assert result.exit_code == 2
    assert "git init && git add . && git commit" in result.stderr


def test_a_failing_step_stops_what_waits_for_it(place: Place) -> None:
    place.commit(
        pipeline=steps(
            "script: exit 3",
            "script: echo never",
            "script: echo afterwards\ncondition: always()",
            "script: echo because\ncondition: failed()",
        )
    )
    result = place.run()
    assert result.exit_code == 1
    assert "it ended with exit status 3" in result.stdout
    assert "never" not in result.stderr.replace("echo never", "")
    assert "afterwards\n" in result.stderr
    assert "because\n" in result.stderr


def test_what_is_not_known_is_refused_before_anything_runs(place: Place) -> None:
    place.commit(pipeline=steps("script: touch ran", "scrpt: echo x"))
    result = place.run()
    assert result.exit_code == 2
    assert "azure-pipelines.yml:4: a step has no `scrpt`" in result.stderr
    assert not (place.home / "pipelines").exists()


# What scripts say to the agent


def test_logging_commands_are_heard(place: Place) -> None:
    place.commit(
        pipeline=steps(
            'script: echo "##vso[task.setvariable variable=x]1 2"',
            'script: echo "x is <$X> and <$(x)>"',
            'script: echo "##vso[task.logissue type=warning]take care"',
            'script: echo "##vso[task.complete result=SucceededWithIssues]"',
            'script: mkdir p; printf "echo mine" > p/own; chmod +x p/own;'
            ' echo "##vso[task.prependpath]$PWD/p"',
            "script: own",
        )
    )
    answer = place.ran()
    assert answer["result"] == "succeededWithIssues"
    assert "x is <1 2> and <1 2>" in place.log(answer)
    assert "warning: take care" in json.dumps(answer)
    assert place.log(answer).endswith("mine\n")


def test_a_secret_stands_in_no_log_and_no_script_that_was_not_given_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", 'a "quoted" value\nand a second line')
    place.commit(
        pipeline=steps(
            'script: echo "given <$MINE>"\nenv: {MINE: $(TOKEN)}',
            'script: echo "not given <$TOKEN>"',
            'script: echo "##vso[task.setvariable variable=v;isOutput=true]$MINE"\nname: out\n'
            "env: {MINE: $(TOKEN)}",
            'script: echo "##vso[task.setvariable variable=later;issecret=true]hush-hush"',
            "script: echo hush-hush",
        )
    )
    result = place.run("--secret", "TOKEN", "--json", "--svg", place.home / "run.svg")
    answer = json.loads(result.stdout)
    log = place.log(answer)
    assert "given <***\n***>" in log
    assert "not given <>" in log
    assert log.endswith("***\n")
    everything = result.output + log + (place.home / "run.svg").read_text("utf-8")
    for word in ("quoted", "second line", "hush-hush"):
        assert word not in everything.replace("echo hush-hush", "")


def test_a_secret_that_is_not_there_is_asked_for(place: Place) -> None:
    place.commit(pipeline=steps("script: true"))
    result = place.run("--secret", "NO_SUCH_SECRET")
    assert result.exit_code == 2
    assert "NO_SUCH_SECRET=... lmops" in result.stderr


# Time limits and Ctrl-C


def alive(folder: Path) -> bool:
    """Whether the process whose number stands in `folder`/pid is there, and no zombie."""
    number = (folder / "pid").read_text().strip()
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_time_limit_ends_a_script_and_all_that_it_started(place: Place, tmp_path: Path) -> None:
    script = f"trap '' TERM; sleep 600 & echo $! > {tmp_path}/pid; wait; wait"
    place.commit(pipeline=steps(f'script: "{script}"\ntimeoutInMinutes: 1', "script: echo no"))
    # A minute is the least that the file can say.
    import lmops.pipeline.process as process

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "MINUTE", 0.5)
        patch.setattr(process, "GRACE", 0.2)
        answer = place.ran()
    assert step_results(answer)[1:] == ["failed", "skipped"]
    assert "it took longer than its 1 minutes" in json.dumps(answer)
    assert not alive(tmp_path)


def test_what_a_step_leaves_running_serves_later_steps_and_ends_with_the_job(
    place: Place, tmp_path: Path
) -> None:
    place.commit(
        pipeline=steps(
            f"script: sleep 600 & echo $! > {tmp_path}/pid",
            f"script: kill -0 $(cat {tmp_path}/pid)",
        )
    )
    assert place.ran()["result"] == "succeeded"
    assert not alive(tmp_path)


def test_a_script_that_writes_without_end_is_ended(place: Place) -> None:
    import lmops.pipeline.process as process

    place.commit(pipeline=steps("script: yes"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "MOST", 2**16)
        answer = place.ran()
    assert answer["result"] == "failed"
    assert "it wrote more than" in json.dumps(answer)
    assert Path(answer["log"]).stat().st_size < 2**24


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_cancels_and_what_always_runs_still_runs(
    place: Place, tmp_path: Path, sign: signal.Signals
) -> None:
    place.commit(
        pipeline=steps(
            f"script: touch {tmp_path}/begun; echo $$ > {tmp_path}/pid; exec sleep 600",
            "script: echo never-more",
            "script: echo cleaned-up\ncondition: always()",
        )
    )
    command = [
        sys.executable,
        "-m",
        "lmops.cli",
        "pipeline",
        "run",
        "azure-pipelines.yml",
        "--json",
    ]
    running = subprocess.Popen(
        [*command, "--home", str(place.home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (tmp_path / "begun").exists():
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    os.kill(running.pid, sign)
    out, err = running.communicate()
    answer = json.loads(out)
    assert running.returncode == 1
    assert answer["result"] == "canceled"
    assert step_results(answer)[1:] == ["canceled", "skipped", "succeeded"]
    assert "cleaned-up" in err
    assert "The run was canceled." in err
    assert not alive(tmp_path)


# Tasks


def test_a_cache_comes_back_for_the_same_files_alone_and_from_no_other_branch(
    place: Place,
) -> None:
    cached = steps(
        "checkout: self",
        "task: Cache@2\n"
        "inputs: {key: '\"a\" | lock.txt', path: kept, cacheHitVar: HIT, restoreKeys: '\"a\"'}",
        "script: cat kept/x; mkdir -p kept; echo made-$BUILD_BUILDID > kept/x; echo hit=$HIT",
    )
    place.commit(pipeline=cached, lock__txt="1")
    assert "hit=false" in place.log(place.ran())
    second = place.log(place.ran())
    assert "made-1\nhit=true" in second
    place.commit(lock__txt="2")
    assert "made-1\nhit=inexact" in place.log(place.ran())
    git(place.root, "checkout", "--quiet", "-b", "feature")
    place.commit(lock__txt="3")
    assert "hit=inexact" in place.log(place.ran())  # what main left
    assert "made-4\nhit=true" in place.log(place.ran())  # its own
    git(place.root, "checkout", "--quiet", "main")
    place.commit(lock__txt="3")
    assert "made-4" not in place.log(place.ran())  # main takes nothing of a branch's


def test_a_failed_job_keeps_no_cache(place: Place) -> None:
    cache = "task: Cache@2\ninputs: {key: k, path: kept, cacheHitVar: HIT}"
    place.commit(
        pipeline=steps("checkout: self", cache, "script: mkdir kept; echo hit=$HIT; exit 1")
    )
    assert "hit=false" in place.log(place.ran())
    assert "hit=false" in place.log(place.ran())


def test_reports_are_counted_and_kept(place: Place) -> None:
    tests = '<testsuites><testsuite tests="3" failures="1" errors="0"/></testsuites>'
    publish = (
        "task: PublishTestResults@2\ncondition: succeededOrFailed()\n"
        "inputs: {testResultsFiles: '*.xml', testRunTitle: Unit, failTaskOnFailedTests: true}"
    )
    cover = "task: PublishCodeCoverageResults@2\ninputs: {summaryFileLocation: cover.txt}"
    place.commit(
        pipeline=steps(cover, publish), tests__xml=tests, cover__txt='<coverage line-rate="0.925"/>'
    )
    answer = place.ran()
    assert "Lines covered: 92.5%" in place.log(answer)
    assert "Unit: 3 tests, 1 failed" in place.log(answer)
    assert "1 of 3 tests failed" in json.dumps(answer)
    assert (place.home / "pipelines/runs/1/results/__default.Job/tests.xml").read_text() == tests


def test_python_is_put_on_the_path(place: Place) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    use = "task: UsePythonVersion@0\ninputs: {{versionSpec: '{}'}}"
    show = "script: python -c 'import sys; print(\"it is\", *sys.version_info[:2])'"
    place.commit(pipeline=steps(use.format(version), show))
    assert f"it is {version.replace('.', ' ')}" in place.log(place.ran())
    place.commit(pipeline=steps(use.format("3.2"), show))
    answer = place.ran()
    assert answer["result"] == "failed"
    assert "there is no python3.2 on this machine" in json.dumps(answer)


def test_an_artifact_of_a_job_that_is_not_waited_for_is_not_fetched(place: Place) -> None:
    place.commit(
        pipeline="""
trigger: none
jobs:
  - job: A
    steps:
      - publish: azure-pipelines.yml
        artifact: a
  - job: B
    steps:
      - download: current
        artifact: a
"""
    )
    answer = place.ran()
    assert answer["result"] == "failed"
    assert "Name it in dependsOn" in json.dumps(answer)
    place.commit(pipeline=(place.root / "azure-pipelines.yml").read_text().replace(
        "job: B\n", "job: B\n    dependsOn: A\n"))  # fmt: skip
    assert place.ran()["result"] == "succeeded"


@pytest.mark.parametrize("name", ["../out", "a/b", "..", "$(nothing)"])
def test_an_artifact_stays_in_its_folder(place: Place, name: str) -> None:
    place.commit(pipeline=steps(f"publish: azure-pipelines.yml\nartifact: {name}"))
    answer = place.ran()
    inside = [path.name for path in (place.home / "pipelines/runs/1/artifacts").glob("*")]
    assert answer["result"] == ("succeeded" if inside else "failed")
    assert not (place.home / "pipelines/runs/1/out").exists()


# Environments


SHIP = """
trigger: none
stages:
  - stage: Ship
    jobs:
      - deployment: Go
        environment: production
        strategy: {runOnce: {deploy: {steps: [{script: echo shipped}]}}}
"""


def approve(place: Place, by: str, *options: str) -> Any:
    return lmops("pipeline", "approve", "production", "--by", by, "--home", place.home, *options)


def test_production_takes_what_somebody_else_has_approved(place: Place) -> None:
    place.commit(pipeline=SHIP)
    answer = place.ran()
    assert results(answer) == {"Ship": "skipped"}
    assert "no one approved" in json.dumps(answer)

    own = approve(place, "ada")
    assert own.exit_code == 1
    assert "somebody else has to approve it" in own.stderr
    assert approve(place, "ADA@example.org").exit_code == 1

    assert approve(place, "Bob").exit_code == 0
    answer = place.ran()
    assert results(answer) == {"Ship": "succeeded"}
    assert answer["stages"][0]["approvals"] == [
        {"environment": "production", "answer": "given", "by": "Bob"}
    ]
    assert "shipped\n" in place.log(answer)

    place.commit(other="a later change")
    assert results(place.ran()) == {"Ship": "skipped"}


def test_an_approval_written_past_the_command_does_not_count(place: Place) -> None:
    place.commit(pipeline=SHIP)
    commit = git(place.root, "rev-parse", "HEAD").strip()
    ledger = Ledger(place.home / "ledger.jsonl")
    ledger.append("approve environment", None, " ａｄａ ", environment="production", commit=commit)
    assert results(place.ran()) == {"Ship": "skipped"}


def test_who_asked_for_the_run_cannot_approve_it(place: Place) -> None:
    place.commit(pipeline=SHIP)
    assert approve(place, "Bob").exit_code == 0
    assert results(place.ran("--by", "bob")) == {"Ship": "skipped"}
    assert results(place.ran("--by", "carol")) == {"Ship": "succeeded"}


def test_a_rejection_holds_until_it_is_taken_back(place: Place) -> None:
    place.commit(pipeline=SHIP)
    approve(place, "Bob")
    assert approve(place, "Carol", "--reject").exit_code == 0
    assert results(place.ran()) == {"Ship": "failed"}
    approve(place, "Carol")
    assert results(place.ran()) == {"Ship": "succeeded"}


def test_once_roles_were_given_it_takes_a_reviewer(place: Place) -> None:
    place.commit(pipeline=SHIP)
    assert approve(place, "Bob").exit_code == 0
    ledger = Ledger(place.home / "ledger.jsonl")
    ledger.append("grant", None, "Root", person="Root", role="admin")
    ledger.append("grant", None, "Root", person="Carol", role="reviewer")
    assert results(place.ran()) == {"Ship": "skipped"}
    assert approve(place, "Bob").exit_code == 1
    assert approve(place, "Carol").exit_code == 0
    assert results(place.ran()) == {"Ship": "succeeded"}


def test_what_is_not_committed_is_approved_by_nobody(place: Place) -> None:
    place.commit(pipeline=SHIP)
    approve(place, "Bob")
    (place.root / "new.txt").write_text("not committed", "utf-8")
    answer = place.ran()
    assert results(answer) == {"Ship": "skipped"}
    assert "production takes commits alone" in place.log(answer)
    refused = approve(place, "Bob")
    assert refused.exit_code == 1
    assert "new.txt" in refused.stderr


def test_authors_of_what_a_merge_brings_in_cannot_approve_it(place: Place) -> None:
    place.commit(pipeline=SHIP)
    git(place.root, "checkout", "--quiet", "-b", "feature")
    place.commit(a="1")
    git(place.root, "checkout", "--quiet", "main")
    git(place.root, "-c", "user.name=Bob", "merge", "--quiet", "--no-ff", "-m", "Merge", "feature")
    assert approve(place, "Ada").exit_code == 1
    assert approve(place, "Bob").exit_code == 0


def test_a_run_waits_for_an_approval(place: Place) -> None:
    place.commit(pipeline=SHIP)
    command = [
        sys.executable,
        "-m",
        "lmops.cli",
        "pipeline",
        "run",
        "azure-pipelines.yml",
        "--json",
    ]
    waiting = subprocess.Popen(
        [*command, "--home", str(place.home), "--wait", "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    for line in waiting.stderr:
        if "lmops pipeline approve production --by NAME" in line:
            break
    assert approve(place, "Bob").exit_code == 0
    out, _ = waiting.communicate()
    assert results(json.loads(out)) == {"Ship": "succeeded"}


def test_only_the_last_runs_are_kept(place: Place) -> None:
    place.commit(pipeline=steps("script: true"))
    for _ in range(7):
        place.ran()
    kept = sorted(int(path.name) for path in (place.home / "pipelines/runs").iterdir())
    assert kept == [3, 4, 5, 6, 7]

"""Lesson 13: pipelines are graded on what they do, and nothing that knows the checks earns more."""

import time
from typing import Any

import numpy as np
import pytest
from course import COURSE

from grader.checks.registry import exercises
from grader.checks.run import PUBLIC_SEED, Outcome, run
from grader.checks.student import Host, Student
from grader.course.solved import solved_namespace
from lmcourse.checks.pipelines import dockerfile, manifests
from lmcourse.checks.pipelines.contents import contents, packages_seen
from lmcourse.checks.pipelines.situations import situations

LESSON = "13_pipelines"
PIPELINES = ("PIPELINE", "WORKFLOW")


@pytest.fixture(scope="module")
def solved() -> dict[str, Any]:
    return solved_namespace(COURSE.lesson(LESSON))


def graded(solved: dict[str, Any], name: str, answer: object, seed: int = PUBLIC_SEED) -> Outcome:
    exercise = exercises("lmcourse", LESSON)[name]
    theirs = Student(Host(solved | {name: answer}, exercise.probes).send)
    ours = Student(Host(solved, exercise.probes).send)
    return run(exercise, theirs, ours, seed=seed, hidden=True)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_is_tried_in_twenty_situations_or_more(
    solved: dict[str, Any], name: str
) -> None:
    outcome = graded(solved, name, solved[name])
    assert len(outcome.cases) == {"PIPELINE": 29, "WORKFLOW": 37}[name]  # as the contracts say
    assert outcome.share == 1.0


def test_situations_are_drawn() -> None:
    first, second = (situations(np.random.default_rng(seed)) for seed in (1, 2))
    assert [each.key for each in first] == [each.key for each in second]
    for one, other in zip(first, second, strict=True):
        assert one.start != other.start


@pytest.mark.parametrize("name", PIPELINES)
def test_a_file_alone_earns_nothing(solved: dict[str, Any], name: str) -> None:
    alone = {
        "PIPELINE": "steps:\n  - script: echo make test make train make gate make register\n",
        "WORKFLOW": "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - run: echo make test make train\n",
    }
    for answer in (alone[name], "", "make test", "[" * 5000, 7):
        assert graded(solved, name, answer).share == 0.0


def test_what_is_refused_is_told_with_line_and_sentence(solved: dict[str, Any]) -> None:
    wrong = solved["PIPELINE"].replace("  - stage: Staging\n", "  - stage: Staging\n    if: true\n")
    outcome = graded(solved, "PIPELINE", wrong)
    assert outcome.share == 0.0
    line = wrong.splitlines().index("    if: true") + 1
    assert f"azure-pipelines.yml:{line}: " in outcome.cases[0].message
    assert "condition" in outcome.cases[0].message  # what Azure has in its place


def test_a_pipeline_that_knows_the_situations_earns_nothing_by_it(solved: dict[str, Any]) -> None:
    """One that names the branches of the public situations in place of main loses what it must."""
    known = {
        each.start["branch"]
        for each in situations(np.random.default_rng(PUBLIC_SEED))
        if each.want == ("test",) and each.start["branch"] not in ("", "main")
    }
    shut = ", ".join(f"'refs/heads/{branch}'" for branch in sorted(known))
    answer = solved["PIPELINE"].replace(
        "eq(variables['Build.SourceBranch'], 'refs/heads/main')",
        f"not(in(variables['Build.SourceBranch'], {shut}, 'refs/tags/main')), "
        "ne(variables['Build.Reason'], 'PullRequest')",
    )
    answer = answer.replace("include: [main]\npr:", 'include: ["*"]\npr:')
    fresh = graded(solved, "PIPELINE", answer, seed=77)
    assert {"started by hand on another branch"} <= {
        each.name for each in fresh.cases if not each.passed
    }


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_that_runs_on_and_on_is_stopped_at_its_good_day(
    solved: dict[str, Any], name: str
) -> None:
    line = {"PIPELINE": "          - script: make test\n", "WORKFLOW": "      - run: make test\n"}[
        name
    ]
    assert solved[name].count(line) == 1
    outcome = graded(solved, name, solved[name].replace(line, line * 400))
    assert outcome.share == 0.0
    assert {"300 are plenty" in each.message for each in outcome.cases} == {True}


BOMB = "a: &a [x]\n" + "".join(f"{chr(98 + i)}: [*a, *a]\n" for i in range(9))


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 9000,
        "{" * 9000,
        "- " * 9000,
        "a: !!python/name:os.system x",
        "x" * 30_000,
        "&a *a",
    ],
)
def test_manifests_that_would_explode_are_refused_at_once(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(manifests.Odd):
        manifests.read(text)
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("FROM a:1.2\nADD x /x", 2, "ADD is not known"),
        ("RUN a", 1, "before the first FROM"),
        ("FROM $BASE", 1, "has no value"),
        ("FROM a:1.2\nCMD ['python']", 2, "JSON"),
        ("FROM a:1.2\nRUN a \\", 2, "backslash"),
        ("FROM a:1.2\nRUN <<END\nEND", 2, "not known here"),
        ("FROM a:1.2 AS x\nFROM b:1.2 AS x", 2, "two stages"),
        ("", 1, "no FROM"),
    ],
)
def test_a_dockerfile_is_refused_with_line_and_sentence(text: str, line: int, words: str) -> None:
    def all_words() -> list[list[str]]:
        return [each.words() for stage in dockerfile.read(text) for each in stage.instructions]

    with pytest.raises(dockerfile.Unreadable, match=f"Dockerfile:{line}: .*{words}"):
        all_words()


DEPS = "COPY requirements.txt .\nRUN pip install -t /deps -r requirements.txt && "
VENV = (
    "COPY requirements.txt .\nRUN python -m venv /v && /v/bin/pip install -r requirements.txt && "
)
SITE = "/usr/local/lib/python3.12/site-packages"


@pytest.mark.parametrize(
    ("lines", "program", "seen"),
    [
        (f"{VENV} mv /v /venv", "/venv/bin/python", True),
        (f"{VENV} mv /v /venv", "/v/bin/python", False),
        (f"{VENV} cp -a /v /venv", "/v/bin/python", True),
        (f"{VENV} cp -a /v /venv", "/venv/bin/python", True),
        (f"{VENV} mv /v /opt", "/opt/v/bin/python", True),  # into a folder that is there
        (f"{VENV} mv /v /opt", "/opt/bin/python", False),
        (f"{VENV} mkdir -p /a/b && mv /v /a/b", "/a/b/v/bin/python", True),
        (f"{VENV} mv /v /a/b", "/a/b/bin/python", True),  # under a new name
        (f"{VENV} mv /v/* /opt/", "/opt/bin/python", True),
        (f"{VENV} cp -r /v/. /opt", "/opt/bin/python", True),
        (f"{DEPS} cp -r /deps/* {SITE}/", "python", True),
        (f"{DEPS} cp -r /deps {SITE}", "python", False),  # site-packages/deps
        (f"{DEPS} cd / && mv deps/packages {SITE}", "python", True),
        (f"{VENV} mv /nothing /venv && mv /v", "/venv/bin/python", False),
    ],
)
def test_what_is_moved_or_copied_stands_elsewhere(lines: str, program: str, seen: bool) -> None:
    stages = dockerfile.read(f"FROM python:3.12-slim\n{lines}\n")
    there = contents(stages, ["requirements.txt"])
    assert (packages_seen(there, program) == "") is seen


def test_the_hasty_files_of_the_lesson_earn_little(solved: dict[str, Any]) -> None:
    for name, hasty, most in (
        ("WORKFLOW", "HASTY_JOBS", 0.5),
        ("DOCKERFILE", "HASTY_IMAGE", 0.25),
        ("MANIFESTS", "HASTY_PODS", 0.25),
    ):
        assert graded(solved, name, solved[hasty]).share <= most, name

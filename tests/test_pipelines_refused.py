"""What is no pipeline of the subset is refused: with file, line and a sentence, in bounded time."""

import contextlib
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmcourse.pipelines.azure.reading import read
from lmcourse.pipelines.azure.simulate import Scenario, simulate
from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.runs import Approval, Start

FILES = sorted((Path(__file__).parent / "pipelines" / "refused").glob("*.yml"))


def test_there_are_forty() -> None:
    assert len(FILES) >= 40


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file(path: Path) -> None:
    text = path.read_text("utf-8")
    told = re.match(r"# refused: (\d+): (.+)\n", text)
    assert told
    with pytest.raises(Refused) as refused:
        read(text, path.name)
    assert str(refused.value) == f"{path.name}:{told[1]}: {told[2]}"


def _nested(depth: int) -> str:
    lines = [f"{' ' * at}- ${{{{ if true }}}}:" for at in range(0, 2 * depth, 2)]
    return "steps:\n" + "\n".join(lines) + "\n" + " " * 2 * depth + "- script: x\n"


JOB = "jobs:\n  - job: A\n    steps:\n"
HUGE = "x" * 19_000
MANY = "\n".join(f"  v{number}: $(v{number + 1})$(v{number + 1})" for number in range(60))
HOSTILE = {
    "characters": "steps:\n  - script: " + "a" * 200_000,
    "brackets": "[" * 90_000,
    "braces": "{a: " * 20_000,
    "dashes": "- " * 45_000,
    "keys": "\n".join(f"k{number}: v" for number in range(9_000)),
    "items": "steps:\n" + "  - script: x\n" * 6_000,
    "jobs": "jobs:\n" + "".join(f"- {{job: J{n}, steps: [{{script: x}}]}}\n" for n in range(1_500)),
    "directives": _nested(200),
    "billion laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "a long expression": f"steps:\n  - script: x\n    condition: {'not(' * 400}true{')' * 400}",
    "a longer expression": f"steps:\n  - script: x\n    condition: {'a' * 50_000}",
    "variables in a circle": "variables:\n  a: $(b)\n  b: $(a)\nsteps:\n  - script: echo $(a)\n",
    "variables that double": f"variables:\n{MANY}\n  v60: x\nsteps:\n  - script: echo $(v0)\n",
    "a script that never ends": f"{JOB}      - script: while true; do echo x; done\n",
    "a loop of loops": f"{JOB}      - script: '{'for i in 1 2 3 4 5 6; do ' * 9}x{'; done' * 9}'",
    "a script of brackets": f"{JOB}      - script: '{'( ' * 20_000}'",
    "a script of signs": f"{JOB}      - script: '{'a && ' * 15_000} b'",
    "a script of dollars": f"{JOB}      - script: '{'$(' * 20_000}'",
    "a text that doubles": f"{JOB}      - script: 'x=a; for i in {'1 ' * 99}; do x=$x$x; done'",
    "steps of huge texts": f"{JOB}" + f"      - script: echo {HUGE}\n" * 5,
    "retries": f"{JOB}"
    + "      - {script: 'exit 1', retryCountOnTaskFailure: 10, continueOnError: true}\n" * 900,
    "legs": "jobs:\n- job: A\n  strategy: {matrix: {"
    + ", ".join(f"L{n}: {{a: b}}" for n in range(50))
    + "}}\n  steps:\n"
    + "  - script: echo $(a)\n    condition: always()\n" * 300,
    "endless scripts": f"{JOB}"
    + "      - {script: 'while true; do x; done', retryCountOnTaskFailure: 10, "
    "continueOnError: true, timeoutInMinutes: 1, condition: always()}\n" * 700,
    "a list asked for again and again": "parameters:\n- {name: p, type: object, default: ["
    + "a, " * 3_000
    + "]}\nsteps:\n- ${{ each x in parameters.p }}:\n"
    "  - ${{ if contains(join(',', parameters.p), 'b') }}:\n    - script: y\n- script: x\n",
    "stages of jobs": "stages:\n"
    + "".join(
        f"- {{stage: S{stage}, jobs: ["
        + ", ".join(f"{{job: J{job}, steps: [{{script: x}}]}}" for job in range(5))
        + "]}\n"
        for stage in range(200)
    ),
    "a pattern": "trigger: ['" + "*a" * 20_000 + "b']\nsteps:\n  - script: x\n",
    "a control character": "steps:\n  - script: a\x00b\n",
    "half of a pair": "steps:\n  - script: \ud800\n",
    "numbers": "jobs:\n  - job: A\n    timeoutInMinutes: "
    + "9" * 5_000
    + "\n    steps: [{script: x}]",
    "digits of another script": "jobs: [{job: A, timeoutInMinutes: ٣, steps: [{script: x}]}]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_or_refused_in_bounded_work(name: str) -> None:
    began = time.process_time()
    try:
        run = simulate(read(HOSTILE[name]), Scenario(Start(branch="a" * 20_000)))
        assert run.why
    except Refused as refused:
        assert refused.line >= 1  # noqa: PT017
        assert len(refused.sentence) < 600  # noqa: PT017
    assert time.process_time() - began < 60  # far from any limit: that it ends is what counts


WORDS = [
    "steps", "jobs", "stages", "job", "stage", "deployment", "script", "task", "publish",
    "download", "artifact", "condition", "dependsOn", "variables", "strategy", "matrix",
    "runOnce", "canary",
    "increments", "deploy", "on", "failure", "environment", "template", "parameters", "extends",
    "trigger", "pr", "schedules", "cron", "branches", "include", "name", "value", "env", "inputs",
    "continueOnError", "timeoutInMinutes", "retryCountOnTaskFailure", "pool", "resources",
    "${{ if true }}", "${{ else }}", "${{ each x in parameters }}", "${{ insert }}",
]  # fmt: skip
VALUES = [
    "A", "B", "make test", "always()", "failed()", "eq(variables.a, 1)", "$[ variables.a ]", "$(a)",
    "${{ parameters.a }}", "${{ variables['Build.Reason'] }}", "self", "none", "current", "true",
    "3", "production", "a.yml", "Cache@2", "echo '##vso[task.setvariable variable=a]b'", "",
    "exit 1", "not(", "$(", "${{", "'", "lmops gate || true", "for i in 1 2; do x; done",
]  # fmt: skip


def yaml(node: object, indent: int = 0) -> str:
    """Return a node as YAML, in the flow style below the first levels."""
    if isinstance(node, dict):
        return "{" + ", ".join(f'"{key}": {yaml(one)}' for key, one in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(yaml, node)) + "]"
    return '"' + str(node).replace('"', '\\"') + '"'


KEY = st.sampled_from(WORDS)
NODE = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=25,
)


@given(st.dictionaries(KEY, NODE, min_size=1, max_size=5), st.dictionaries(KEY, NODE, max_size=3))
@settings(max_examples=400, deadline=None)
def test_any_nodes_are_read_or_refused(
    root: dict[str, object], template: dict[str, object]
) -> None:
    scenario = Scenario(approvals={"production": Approval("missing")})
    with contextlib.suppress(Refused):
        simulate(read(yaml(root), files={"a.yml": yaml(template)}), scenario)


STEP = st.fixed_dictionaries(
    {"script": st.sampled_from(VALUES)},
    optional={
        "condition": st.sampled_from(VALUES),
        "name": st.sampled_from(["A", "B"]),
        "continueOnError": st.sampled_from(["true", "$(a)", "${{ true }}"]),
        "env": st.dictionaries(st.sampled_from(["a", "A"]), st.sampled_from(VALUES), max_size=2),
        "retryCountOnTaskFailure": st.just("2"),
    },
)
STEPS = st.lists(STEP, min_size=1, max_size=3)
HOOKS = st.fixed_dictionaries(
    {"deploy": st.fixed_dictionaries({"steps": STEPS})},
    optional={"on": st.fixed_dictionaries({"failure": st.fixed_dictionaries({"steps": STEPS})})},
)
JOBS = st.one_of(
    st.fixed_dictionaries(
        {"job": st.sampled_from("ABC"), "steps": STEPS},
        optional={
            "dependsOn": st.sampled_from(["A", "B", ["A", "B"], []]),
            "condition": st.sampled_from(VALUES),
            "variables": st.dictionaries(st.sampled_from("ab"), st.sampled_from(VALUES)),
            "strategy": st.just({"matrix": {"x": {"a": "1"}, "y": {"a": "2"}}}),
        },
    ),
    st.fixed_dictionaries(
        {
            "deployment": st.sampled_from("DE"),
            "environment": st.sampled_from(["production", "$(a)"]),
            "strategy": st.fixed_dictionaries({"runOnce": HOOKS}),
        }
    ),
)
STAGES = st.fixed_dictionaries(
    {"stage": st.sampled_from("ABC"), "jobs": st.lists(JOBS, min_size=1, max_size=2)},
    optional={
        "condition": st.sampled_from(VALUES),
        "dependsOn": st.sampled_from([[], "A", ["A", "B"]]),
        "variables": st.dictionaries(st.sampled_from("ab"), st.sampled_from(VALUES)),
    },
)


@given(st.lists(STAGES, min_size=1, max_size=3), st.lists(st.integers(0, 2), max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_pipeline_runs_or_is_refused(stages: list[object], statuses: list[int]) -> None:
    scenario = Scenario(outcomes={"make": statuses, "lmops": 1})
    try:
        pipeline = read(yaml({"stages": stages}))
        run = simulate(pipeline, scenario)
    except Refused:
        return
    assert len(run.stages) == len(pipeline.stages)
    assert simulate(pipeline, scenario) == run  # the same again
    for _, job in run.jobs():
        assert job.why
        assert (job.result == "skipped") <= (not job.steps)
    ran = {step.result for _, job in run.jobs() for step in job.steps if not step.attempts}
    assert ran <= {"skipped"}

"""What is done before a run starts: parameters, if, each, includes, extends."""

from collections.abc import Mapping

import pytest

from lmcourse.pipelines.azure.reading import read
from lmcourse.pipelines.azure.simulate import Scenario, simulate
from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.model import Pipeline
from lmcourse.pipelines.runs import Run, Start

MAIN = Start()
PR = Start(reason="PullRequest", branch="idea", target="main")


def called(text: str, start: Start = MAIN, files: Mapping[str, str] | None = None) -> list[str]:
    """Return the commands that a pipeline calls, in order of time."""
    return [call.command for call in ran(read(text, files=files), start).log]


def ran(pipeline: Pipeline, start: Start = MAIN) -> Run:
    """Return the run of a pipeline in which everything succeeds."""
    return simulate(pipeline, Scenario(start))


def test_parameters_have_types_and_defaults() -> None:
    text = """
parameters:
  - {name: size, type: string, default: small, values: [small, large]}
  - {name: slow, type: boolean, default: false}
  - {name: times, type: number, default: 3}
steps:
  - script: train ${{ parameters.size }} ${{ parameters.times }} ${{ parameters.slow }}
  - ${{ if parameters.slow }}:
      - script: more
"""
    assert called(text) == ["train small 3 False"]
    slow = read(text, parameters={"slow": "true", "size": "large"})
    assert [call.command for call in ran(slow).log] == ["train large 3 True", "more"]
    for given in ({"slow": "perhaps"}, {"size": "huge"}, {"times": "x"}, {"sise": "small"}):
        with pytest.raises(Refused):
            read(text, parameters=given)


def test_if_elseif_else_in_lists_and_mappings() -> None:
    text = """
parameters: [{name: where, type: string, default: here}]
variables:
  ${{ if eq(parameters.where, 'here') }}:
    color: green
  ${{ elseif eq(parameters.where, 'there') }}:
    color: blue
  ${{ else }}:
    color: grey
steps:
  - ${{ if eq(variables.color, 'green') }}:
      - script: one
      - script: two
  - ${{ elseif eq(variables.color, 'blue') }}:
      - script: three
  - ${{ else }}:
      - script: four
  - script: last $(color)
"""
    for where, expected in {
        "here": ["one", "two", "last green"],
        "there": ["three", "last blue"],
        "nowhere": ["four", "last grey"],
    }.items():
        run = ran(read(text, parameters={"where": where}))
        assert [call.command for call in run.log] == expected


def test_each_over_a_list_and_over_pairs() -> None:
    text = """
parameters:
  - name: sizes
    type: object
    default: [{name: small, layers: 2}, {name: large, layers: 4}]
  - name: legs
    type: object
    default: {a: 1, b: 2}
jobs:
  - ${{ each size in parameters.sizes }}:
      - job: Train_${{ size.name }}
        variables:
          ${{ each leg in parameters.legs }}:
            ${{ leg.key }}: x${{ leg.value }}
        steps:
          - script: train --layers ${{ size.layers }} $(a) $(b)
"""
    assert called(text) == ["train --layers 2 x1 x2", "train --layers 4 x1 x2"]


def test_a_template_of_steps_with_a_list_of_steps() -> None:
    files = {
        "ci/around.yml": """
parameters:
  - {name: inner, type: stepList}
  - {name: tool, type: string, default: lmops}
steps:
  - script: before
  - ${{ parameters.inner }}
  - ${{ each step in parameters.inner }}:
      - ${{ each pair in step }}:
          ${{ pair.key }}: ${{ pair.value }}
        displayName: again
  - template: after.yml
    parameters: {tool: '${{ parameters.tool }}'}
""",
        "ci/after.yml": "parameters: {tool: x}\nsteps: [{script: '${{ parameters.tool }} after'}]",
    }
    text = """
steps:
  - template: ci/around.yml
    parameters:
      inner:
        - script: first
        - script: second
"""
    expected = ["before", "first", "second", "first", "second", "lmops after"]
    assert called(text, files=files) == expected


def test_extends_and_templates_of_variables_jobs_and_stages() -> None:
    files = {
        "base.yml": """
parameters: [{name: stages, type: stageList, default: []}]
stages:
  - stage: Scan
    jobs: [{template: scan.yml}]
  - ${{ parameters.stages }}
""",
        "scan.yml": "jobs:\n  - job: Secrets\n    steps:\n      - script: scan $(level)\n",
        "vars.yml": "variables:\n  level: high\n",
    }
    text = """
trigger: [main]
variables:
  - template: vars.yml
  - {name: own, value: mine}
extends:
  template: base.yml
  parameters:
    stages:
      - stage: Build
        jobs:
          - job: Build
            steps:
              - script: build $(own)
"""
    assert called(text, files=files) == ["scan high", "build mine"]
    failing = Scenario(outcomes={"scan": 1})
    assert not simulate(read(text, files=files), failing).called("build")


def test_templates_know_why_a_run_starts() -> None:
    text = """
steps:
  - script: check
  - ${{ if ne(variables['Build.Reason'], 'PullRequest') }}:
      - script: deploy
"""
    assert called(text) == ["check", "deploy"]
    assert called(text, PR) == ["check"]


@pytest.mark.parametrize(
    ("text", "files", "line", "sentence"),
    [
        ("steps: [{template: a.yml}]", {"a.yml": "steps: [{template: a.yml}]"}, 1, "itself"),
        ("steps:\n  - template: b.yml", {"a.yml": "steps: []"}, 2, "there is no template `b.yml`"),
        ("steps:\n  - template: a.yml@other", {"a.yml": "steps: []"}, 2, "this repository"),
        ("steps:\n  - template: ../a.yml", {"a.yml": "steps: []"}, 2, "no template `../a.yml`"),
        ("steps:\n  - template: a.yml", {"a.yml": "jobs: []"}, 1, "`jobs`"),
        ("steps:\n  - ${{ else }}:\n      - script: a", {}, 2, "belongs to an if"),
        ("steps:\n  - ${{ each x of y }}:\n      - script: a", {}, 2, "each is written"),
        ("trigger: ['${{ variables.x }}']\nsteps: [{script: a}]", {}, 1, "no expression"),
        ("steps:\n  - script: ${{ parameters.x", {}, 2, "}}"),
        ("steps:\n  - script: ${{ succeeded() }}", {}, 2, "`condition:`"),
    ],
)
def test_refused(text: str, files: dict[str, str], line: int, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text, files=files)
    assert refused.value.line == line
    assert sentence in refused.value.sentence


BOMB = """
parameters:
  - {name: many, type: object, default: [1, 2, 3, 4, 5, 6, 7, 8, 9]}
steps:
"""


@pytest.mark.parametrize("inner", ["- script: x", "[]"])
def test_loops_within_loops_are_bounded(inner: str) -> None:
    text, indent = BOMB, "  "
    for name in "abcdefghi":
        text += f"{indent}- ${{{{ each {name} in parameters.many }}}}:\n"
        indent += "    "
    with pytest.raises(Refused, match="grows too large"):
        read(text + indent + inner)

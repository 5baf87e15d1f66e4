"""What a pipeline would do in a scenario: outcomes are given, and nothing is executed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lmcourse.pipelines.model import Pipeline
from lmcourse.pipelines.runs import Approval, Run, Start


@dataclass(frozen=True)
class Scenario:
    """A situation.

    `outcomes`: words from a command's beginning -> its exit status, or one for each time it is
    called (the last one holds on). The longest that fits counts. A command that none fits
    succeeds. `outputs`: the same words ->
    lines that the command writes, logging commands `##vso[...]` mostly. `minutes`: the same words
    -> how long it takes. `approvals`: environments that need one -> what comes; an environment
    that is not named needs none. `cancel`: the words of the command during which a person cancels
    the run.
    """

    start: Start = field(default_factory=Start)
    outcomes: Mapping[str, int | Sequence[int]] = field(default_factory=dict)
    outputs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    minutes: Mapping[str, float] = field(default_factory=dict)
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    cancel: str = ""
    name: str = ""


def simulate(pipeline: Pipeline, scenario: Scenario) -> Run:
    """Return what `pipeline` would do. Raises `Refused` for a script that it cannot follow."""
    raise NotImplementedError


def read_scenario(text: str, file: str) -> Scenario:
    """Return the scenario written as YAML. Raises `Refused`."""
    raise NotImplementedError

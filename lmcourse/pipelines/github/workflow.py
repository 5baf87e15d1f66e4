"""A GitHub workflow as it was read: events, and jobs of steps, each with the line it stands at.

Text is as written: expressions `${{ }}` are still in it. Durations are in minutes, as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lmcourse.pipelines.source import Node

SCOPES = (
    "actions",
    "artifact-metadata",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "id-token",
    "issues",
    "models",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "security-events",
    "statuses",
    "vulnerability-alerts",
)
"""What a workflow's token may be allowed to read or write ("Workflow syntax", `permissions`)."""
READ_ONLY = frozenset({"models", "vulnerability-alerts"})
"""Those of them that no one can be allowed to write."""
EVERYTHING: Mapping[str, str] = {one: "read" if one in READ_ONLY else "write" for one in SCOPES}
"""What `write-all` allows."""


@dataclass(frozen=True)
class Input:
    """What is asked of a person who starts a workflow by hand."""

    name: str
    kind: str
    line: int
    default: str = ""
    required: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Patterns:
    """Patterns of branches, tags or paths; `ignore`: a name that fits is left out."""

    patterns: tuple[str, ...]
    ignore: bool = False


@dataclass(frozen=True)
class Event:
    """One thing that starts a workflow; None stands for "no filter"."""

    name: str
    line: int
    branches: Patterns | None = None
    tags: Patterns | None = None
    paths: Patterns | None = None
    types: tuple[str, ...] = ()
    crons: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True)
class Concurrency:
    """Runs of one group wait for each other, or the newer one cancels the older."""

    group: str
    cancel: str
    line: int


@dataclass(frozen=True)
class WorkflowStep:
    """One step: `uses` is an action with its version, or `run` a script; the other is empty."""

    file: str
    line: int
    id: str = ""
    name: str = ""
    uses: str = ""
    run: str = ""
    shell: str = ""
    condition: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)  # below `with`
    env: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = ""
    continue_on_error: str = "false"
    timeout: str = "0"
    text_line: int = 0  # the line at which the script's first line stands

    @property
    def title(self) -> str:
        """What is displayed."""
        return self.name or self.id or self.uses or self.run.strip().partition("\n")[0]


@dataclass(frozen=True)
class WorkflowJob:
    """One job, by its key `name`; `permissions` is None where the job does not say."""

    name: str
    file: str
    line: int
    runs_on: str
    steps: tuple[WorkflowStep, ...]
    title: str = ""
    depends_on: tuple[str, ...] = ()  # needs
    condition: str | None = None
    permissions: Mapping[str, str] | None = None
    permissions_line: int = 0
    environment: str = ""
    concurrency: Concurrency | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    matrix: Node | None = None
    fail_fast: str = "true"
    continue_on_error: str = "false"
    timeout: str = "360"


@dataclass(frozen=True)
class Workflow:
    """The whole file; `permissions` is None where it does not say."""

    file: str
    name: str
    events: tuple[Event, ...]
    jobs: tuple[WorkflowJob, ...]
    permissions: Mapping[str, str] | None = None
    permissions_line: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    concurrency: Concurrency | None = None

    def job(self, name: str) -> WorkflowJob | None:
        """Return the job `name`; None where there is none."""
        return next((one for one in self.jobs if one.name == name), None)

    def event(self, name: str) -> Event | None:
        """Return the event `name`; None where it does not start this workflow."""
        return next((one for one in self.events if one.name == name), None)

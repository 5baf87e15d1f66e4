"""A pipeline as it was read: stages of jobs of steps, each with the line it stands at.

Text is as written, after templates: macros `$(name)` and runtime expressions `$[ ]` are still in
it, template expressions `${{ }}` are not. Whatever is left out has its default, so that no reader
of a `Pipeline` needs to know one. Durations are in minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["script", "task", "checkout", "publish", "download"]
HookName = Literal["preDeploy", "deploy", "routeTraffic", "postRouteTraffic", "failure", "success"]

ONE_STAGE = "__default"
"""The name of the stage that holds the jobs of a pipeline without stages."""
ONE_JOB = "Job"
"""The name of the job that holds the steps of a pipeline without jobs."""


@dataclass(frozen=True)
class Variable:
    """A variable's definition; `value` may hold macros, or be one runtime expression `$[ ]`."""

    name: str
    value: str
    file: str
    line: int
    readonly: bool = False


@dataclass(frozen=True)
class Step:
    """One step.

    `text` is the script (`kind` "script"), the task with its version such as "Cache@2" ("task"),
    "self" or "none" ("checkout"), the path to publish ("publish"), or whence to download: "current"
    or "none" ("download"). `inputs` are a task's; of "publish" and "download": `artifact`, and
    `path` where it is given.
    """

    kind: Kind
    text: str
    file: str
    line: int
    name: str = ""  # by which its outputs are asked for
    display_name: str = ""  # never empty once read
    condition: str | None = None  # None: succeeded()
    continue_on_error: str = "false"
    enabled: str = "true"
    timeout: str = "0"  # minutes; 0: none of its own
    retries: str = "0"
    env: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = ""
    text_line: int = 0  # the line at which the script's first line stands


@dataclass(frozen=True)
class Hook:
    """The steps of one phase of a deployment; "failure" and "success" are those below `on`."""

    name: HookName
    steps: tuple[Step, ...]
    file: str
    line: int


@dataclass(frozen=True)
class Deployment:
    """What makes a job a deployment: where to, and how."""

    environment: str
    strategy: Literal["runOnce", "rolling", "canary"]
    hooks: tuple[Hook, ...]  # in the order in which they run
    line: int
    increments: tuple[int, ...] = ()  # percent, of "canary"
    max_parallel: str = ""  # of "rolling"


@dataclass(frozen=True)
class Job:
    """One job; `deployment` holds the steps of one that deploys, `steps` of any other."""

    name: str
    file: str
    line: int
    steps: tuple[Step, ...] = ()
    display_name: str = ""
    depends_on: tuple[str, ...] = ()
    condition: str | None = None  # None: succeeded()
    variables: tuple[Variable, ...] = ()
    continue_on_error: str = "false"
    timeout: str = "60"  # minutes; 0: none
    matrix: Mapping[str, Mapping[str, str]] | str | None = None  # str: `$[ ]`, gives JSON
    pool: Mapping[str, str] = field(default_factory=dict)
    deployment: Deployment | None = None


@dataclass(frozen=True)
class Stage:
    """One stage; `depends_on` is the stage before it where the file says nothing."""

    name: str
    file: str
    line: int
    jobs: tuple[Job, ...]
    display_name: str = ""
    depends_on: tuple[str, ...] = ()
    condition: str | None = None  # None: succeeded()
    variables: tuple[Variable, ...] = ()


@dataclass(frozen=True)
class Filter:
    """Patterns of branches, paths or tags; an empty `include` stands for all."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trigger:
    """On which pushes, or pull requests, a pipeline starts by itself."""

    line: int
    branches: Filter = Filter()
    paths: Filter = Filter()
    tags: Filter | None = None
    drafts: bool = True  # of pull requests


@dataclass(frozen=True)
class Schedule:
    """When a pipeline starts by the clock (UTC), and for which branches."""

    cron: str
    line: int
    branches: Filter = Filter()
    display_name: str = ""
    always: bool = False  # also where nothing has changed since the last time


@dataclass(frozen=True)
class Source:
    """Another pipeline, `name` here and `source` there; `trigger`: its end starts this one."""

    name: str
    source: str
    line: int
    trigger: Filter | None = None  # the branches


@dataclass(frozen=True)
class Text:
    """What a pipeline is read from: a file's text, its templates by path, parameters as given."""

    text: str
    file: str
    files: Mapping[str, str]
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Pipeline:
    """The whole file. `trigger` and `pr` are None where the file says `none`."""

    file: str
    stages: tuple[Stage, ...]
    name: str = ""
    trigger: Trigger | None = Trigger(1)
    pr: Trigger | None = Trigger(1)
    schedules: tuple[Schedule, ...] = ()
    sources: tuple[Source, ...] = ()
    variables: tuple[Variable, ...] = ()
    pool: Mapping[str, str] = field(default_factory=dict)
    text: "Text | None" = None  # what it was read from

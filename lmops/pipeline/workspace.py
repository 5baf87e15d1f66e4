"""The folders of a run: one for the job at work, and what its jobs hand on and leave behind.

What stands where:

    RUN/1        the job at work, made anew for each: s (sources), a (to publish), b, and
                 TestResults, as Azure has them
    RUN/tmp      its scripts and other short-lived files
    RUN/artifacts, RUN/results, RUN/log.txt
    CACHE        what `Cache@2` keeps, for later runs as well
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

KEPT = 5
"""Runs whose folders are kept."""


@dataclass(frozen=True)
class Artifact:
    """What a job published under a name, and which one: "Stage.instance"."""

    folder: Path
    publisher: str


@dataclass
class Workspace:
    """The folders of one run, whose number is `Build.BuildId`."""

    folder: Path
    cache: Path
    number: int
    artifacts: dict[str, Artifact] = field(default_factory=dict)

    @property
    def job(self) -> Path:
        """`Pipeline.Workspace`: the same path for each job, as on Azure's own machines."""
        return self.folder / "1"

    @property
    def sources(self) -> Path:
        """`Build.SourcesDirectory`, in which scripts start."""
        return self.job / "s"

    @property
    def temporary(self) -> Path:
        """`Agent.TempDirectory`."""
        return self.folder / "tmp"

    @property
    def results(self) -> Path:
        """What tests reported."""
        return self.folder / "results"

    @property
    def log(self) -> Path:
        """What the scripts wrote, without secrets."""
        return self.folder / "log.txt"

    def variables(self) -> dict[str, str]:
        """Return the variables that name the folders."""
        return {
            "Agent.BuildDirectory": str(self.job),
            "Agent.TempDirectory": str(self.temporary),
            "Build.ArtifactStagingDirectory": str(self.job / "a"),
            "Build.BinariesDirectory": str(self.job / "b"),
            "Build.SourcesDirectory": str(self.sources),
            "Build.StagingDirectory": str(self.job / "a"),
            "Common.TestResultsDirectory": str(self.job / "TestResults"),
            "Pipeline.Workspace": str(self.job),
            "System.DefaultWorkingDirectory": str(self.sources),
        }

    def begin_job(self) -> None:
        """Make the folders of a job, empty."""
        self.end_job()
        for name in ("s", "a", "b", "TestResults"):
            (self.job / name).mkdir(parents=True)
        self.temporary.mkdir()

    def end_job(self) -> None:
        """Remove the folders of a job."""
        for folder in (self.job, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, name: str, source: Path, publisher: str) -> str:
        """Keep the file or folder `source` as the artifact `name`; return why not, if not."""
        if not name or name in (".", "..") or set(name) & set('\\/:*?"<>|\0'):
            return f"{name!r} is no name of an artifact; give one without / and other such signs"
        if name in self.artifacts:
            return f"{self.artifacts[name].publisher} has published an artifact {name!r} already"
        if not source.exists():
            return f"there is nothing to publish at {source}"
        folder = self.folder / "artifacts" / name
        folder.mkdir(parents=True)
        copy_into(source, folder)
        self.artifacts[name] = Artifact(folder, publisher)
        return ""


def make(home: Path) -> Workspace:
    """Return the folders of a new run, below `home`; of runs long past, remove theirs."""
    runs = home / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    numbers = sorted(int(each.name) for each in runs.iterdir() if each.name.isdigit())
    for old in numbers[: -KEPT + 1]:
        shutil.rmtree(runs / str(old), ignore_errors=True)
    number = max(numbers, default=0)
    while True:  # another run may begin at the same time
        number += 1
        try:
            (runs / str(number)).mkdir()
        except FileExistsError:
            continue
        return Workspace((runs / str(number)).resolve(), (home / "cache").resolve(), number)


def copy_into(source: Path, folder: Path, patterns: tuple[str, ...] = ()) -> None:
    """Copy a file, or what is in a folder, into `folder`; links stay links.

    With `patterns`, such as `**/*.json`, only files that one of them matches.
    """
    if patterns:
        chosen = {each for one in patterns for each in source.glob(one) if each.is_file()}
        for each in sorted(chosen):
            copy_into(each, (folder / each.relative_to(source)).parent)
    elif source.is_dir():
        shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, folder / source.name, follow_symlinks=False)

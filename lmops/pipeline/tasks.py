"""The tasks of Azure's that a pipeline may use here, each with the inputs that it knows.

A task returns nothing and may write logging commands; what goes wrong is a `Failed` with a sentence
that says what to do.
"""

import glob
import hashlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from lmops.pipeline.workspace import Workspace, copy_into


class Failed(Exception):
    """A task did not do what it is for; says why."""


@dataclass
class Job:
    """The job at work: its folders, who it is, and what its tasks leave for its later steps."""

    workspace: Workspace
    name: str  # "Stage.instance"
    waited_for: frozenset[str]
    ref: str  # Build.SourceBranch
    write: Callable[[str], None]  # a line of the log
    paths: list[Path] = field(default_factory=list)  # to be searched for programs, the last first
    caches: list[tuple[Path, Path]] = field(default_factory=list)  # (folder, where to keep it)
    groups: list[int] = field(default_factory=list)  # of processes, to be ended with the job
    good: bool = True  # no step has failed

    def path(self, text: str) -> Path:
        """Return the path that `text` names, from the sources if it is not absolute."""
        return self.workspace.sources / text


Inputs = Mapping[str, str]


@dataclass(frozen=True)
class Task:
    """What a task does, and which inputs it must have and may have."""

    do: Callable[[Job, Inputs], None]
    needed: frozenset[str]
    known: frozenset[str]


def problem(name: str, inputs: Inputs) -> str:
    """Return why a task cannot be run here; empty if it can."""
    task = TASKS.get(name)
    if task is None:
        return f"{name} cannot be run here; there are {', '.join(TASKS)}"
    if unknown := sorted(set(inputs) - task.needed - task.known):
        known = ", ".join(sorted(task.needed | task.known))
        return f"{name} has no input {unknown[0]!r} here; it has {known}"
    if missing := sorted(task.needed - set(inputs)):
        return f"{name} needs the input {missing[0]!r}"
    return ""


# --- Python -------------------------------------------------------------------------------------


def use_python(job: Job, inputs: Inputs) -> None:
    """Put a Python of the version first on the PATH, as `python` and `python3`."""
    wanted = inputs["versionSpec"].strip()
    if not re.fullmatch(r"3\.(\d+|x)|3", wanted):
        raise Failed(f"versionSpec is {wanted!r}; here it is a version such as 3.11, or 3.x")
    name = "python3" if wanted in ("3", "3.x") else f"python{wanted}"
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = sys.executable if name in (own, "python3") else shutil.which(name)
    if not found:
        raise Failed(f"there is no {name} on this machine. Install it, or take {own}")
    folder = job.workspace.temporary / name
    folder.mkdir(exist_ok=True)
    for alias in ("python", "python3", name):
        # No link: a Python finds its own folder by the name that it is called by.
        program = folder / alias
        program.write_text(f'#!/bin/sh\nexec "{found}" "$@"\n', "utf-8")
        program.chmod(0o755)
    job.paths.append(folder)
    job.write(f"{name} is {found}")


# --- Caches -------------------------------------------------------------------------------------


def cache(job: Job, inputs: Inputs) -> None:
    """Bring a folder back from an earlier run with the same key, or keep it after this job.

    What one branch keeps no other one reads, but for main's, which all read: so no pull request
    can leave anything in the cache of what is released.
    """
    key = "|".join(_segments(job, inputs["key"]))
    folder = job.path(inputs["path"])
    scopes = dict.fromkeys([job.ref, "refs/heads/main"])
    places = [job.workspace.cache / _digest(f"{scope}\n{key}".encode()) for scope in scopes]
    hit = next((place for place in places if place.is_dir()), None)
    if hit:
        copy_into(hit, folder)
        job.write(f"Restored {inputs['path']} from the cache.")
    else:
        job.caches.append((folder, places[0]))
        job.write("There is nothing in the cache for this key; it is kept if the job succeeds.")
    if name := inputs.get("cacheHitVar"):
        job.write(f"##vso[task.setvariable variable={name}]{str(bool(hit)).lower()}")


def _segments(job: Job, key: str) -> Iterator[str]:
    """Yield a key's parts: strings as they are, files by what is in them."""
    for part in (each.strip() for each in key.split("|")):
        if len(part) > 1 and part[0] == part[-1] == '"':
            yield part[1:-1]
        elif not set(part) & set("./*?"):
            yield part
        else:
            root = job.workspace.sources
            named = [each.strip() for each in part.split(",")]
            files = [f for each in named for f in glob.glob(each, root_dir=root, recursive=True)]
            if not files:
                raise Failed(
                    f"the key's part {part} looks like a file, and there is none. "
                    f'To take it as it is, quote it: "{part}"'
                )
            contents = ((root / each).read_bytes() for each in sorted(files))
            yield _digest(b"".join(hashlib.sha256(each).digest() for each in contents))


def keep_caches(job: Job) -> None:
    """Keep what the job's caches are to hold; a cache that is there already stays as it is."""
    for folder, place in job.caches:
        if folder.is_dir() and not place.exists():
            part = job.workspace.temporary / f"cache-{place.name}"
            copy_into(folder, part)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(part, place)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- Reports ------------------------------------------------------------------------------------


def test_results(job: Job, inputs: Inputs) -> None:
    """Count what the JUnit files report, and keep them."""
    if inputs.get("testResultsFormat", "JUnit") != "JUnit":
        raise Failed("testResultsFormat is JUnit here, which pytest writes with --junitxml")
    pattern = inputs.get("testResultsFiles", "**/TEST-*.xml")
    root = job.path(inputs.get("searchFolder", "."))
    files = sorted(glob.glob(pattern, root_dir=root, recursive=True))
    if not files:
        job.write(f"##vso[task.logissue type=warning]no file matches {pattern}")
        return
    tests = failed = 0
    for file in files:
        for suite in _xml(root / file).iter("testsuite"):
            tests += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        _keep_report(job, root / file)
    title = inputs.get("testRunTitle", "Tests")
    job.write(f"{title}: {tests} tests, {failed} failed")
    if failed and inputs.get("failTaskOnFailedTests", "false").lower() == "true":
        raise Failed(f"{failed} of {tests} tests failed")


def coverage_results(job: Job, inputs: Inputs) -> None:
    """Say how many lines the tests ran, by a Cobertura file, and keep it."""
    file = job.path(inputs["summaryFileLocation"])
    if not file.is_file():
        job.write(f"##vso[task.logissue type=warning]there is no {inputs['summaryFileLocation']}")
        return
    job.write(f"Lines covered: {float(_xml(file).get('line-rate', 'nan')):.1%}")
    _keep_report(job, file)


def _keep_report(job: Job, file: Path) -> None:
    copy_into(file, job.workspace.results / job.name)


def _xml(file: Path) -> ElementTree.Element:
    try:
        # The pipeline's own; and expat, since 2.4.1, stops what unfolds without end.
        return ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        raise Failed(f"{file.name} is no XML: {error}") from None


# --- Artifacts ----------------------------------------------------------------------------------


def publish(job: Job, inputs: Inputs) -> None:
    """Hand a file or a folder on to later jobs, under a name."""
    source = job.path(inputs.get("targetPath") or inputs.get("path") or str(job.workspace.job))
    name = inputs.get("artifact") or inputs.get("artifactName") or job.name
    if why := job.workspace.publish(name, source, job.name):
        raise Failed(why)
    job.write(f"Published {source.name} as the artifact {name}")


def download(job: Job, inputs: Inputs) -> None:
    """Fetch what earlier jobs of this run have published: one artifact, or all."""
    if inputs.get("source", "current") not in ("current", ""):
        raise Failed("here an artifact comes from this run alone; source is current")
    name = inputs.get("artifact") or inputs.get("artifactName") or ""
    folder = inputs.get("path") or inputs.get("targetPath") or str(job.workspace.job)
    have = job.workspace.artifacts
    if name and name not in have:
        known = ", ".join(have) or "none"
        raise Failed(f"there is no artifact {name!r}; published so far: {known}")
    if name and have[name].publisher not in job.waited_for:
        raise Failed(
            f"the artifact {name!r} comes from {have[name].publisher}, for which this job does not "
            "wait: it may come too early. Name it in dependsOn"
        )
    if name:  # straight into the folder
        copy_into(have[name].folder, job.path(folder))
        job.write(f"Downloaded the artifact {name}")
        return
    for each, artifact in have.items():  # each into a folder of its name
        if artifact.publisher in job.waited_for:
            copy_into(artifact.folder, job.path(folder) / each)
            job.write(f"Downloaded the artifact {each}")


TASKS = {
    "UsePythonVersion@0": Task(use_python, frozenset({"versionSpec"}), frozenset({"addToPath"})),
    "Cache@2": Task(cache, frozenset({"key", "path"}), frozenset({"cacheHitVar"})),
    "PublishTestResults@2": Task(
        test_results,
        frozenset(),
        frozenset(
            {
                "testResultsFormat",
                "testResultsFiles",
                "searchFolder",
                "testRunTitle",
                "failTaskOnFailedTests",
            }
        ),
    ),
    "PublishCodeCoverageResults@2": Task(
        coverage_results, frozenset({"summaryFileLocation"}), frozenset()
    ),
    "PublishPipelineArtifact@1": Task(
        publish, frozenset(), frozenset({"targetPath", "path", "artifact", "artifactName"})
    ),
    "DownloadPipelineArtifact@2": Task(
        download,
        frozenset(),
        frozenset({"source", "artifact", "artifactName", "path", "targetPath"}),
    ),
}

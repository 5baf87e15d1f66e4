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


def do(name: str, job: Job, inputs: Inputs) -> None:
    """Do the task `name`, such as "Cache@2", one of `lmcourse.pipelines.azure.tasks`."""
    if name not in TASKS:
        raise Failed(f"{name} cannot be run here; there are {', '.join(TASKS)}")
    TASKS[name](job, inputs)


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
    if _yes(inputs, "addToPath", "true"):
        job.paths.append(folder)
    job.write(f"{name} is {found}")


# --- Caches -------------------------------------------------------------------------------------


def cache(job: Job, inputs: Inputs) -> None:
    """Bring a folder back from an earlier run with the same key, or keep it after this job.

    What one branch keeps no other one reads, but for main's, which all read: so no pull request
    can leave anything in the cache of what is released.
    """
    key = list(_segments(job, inputs["key"]))
    folder = job.path(inputs["path"])
    own = job.workspace.cache / _digest(job.ref.encode())
    scopes = [own, job.workspace.cache / _digest(b"refs/heads/main")]
    hit = next((found for scope in scopes if (found := scope / _named(key)).is_dir()), None)
    near = None
    for line in inputs.get("restoreKeys", "").splitlines() if hit is None else []:
        begin = _named(list(_segments(job, line)))
        alike = [each for scope in scopes for each in scope.glob(f"{begin}*") if each.is_dir()]
        if line.strip() and alike:
            near = max(alike, key=lambda each: each.stat().st_mtime)
            break
    if have := hit or near:
        copy_into(have, folder)
        job.write(
            f"Restored {inputs['path']} from the cache{'' if hit else ', not quite the same'}."
        )
    else:
        job.write("The cache has nothing for this key.")
    if hit is None:
        job.caches.append((folder, own / _named(key)))
    if name := inputs.get("cacheHitVar"):
        word = "true" if hit else "inexact" if near else "false"
        job.write(f"##vso[task.setvariable variable={name}]{word}")


def _named(segments: list[str]) -> str:
    """Return a folder's name for a key: what begins alike is named alike."""
    return "-".join(_digest(each.encode())[:16] for each in segments)


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
    if inputs.get("testResultsFormat", "JUnit").lower() != "junit":
        raise Failed("testResultsFormat is JUnit here, which pytest writes with --junitxml")
    pattern = inputs["testResultsFiles"]
    root = job.path(inputs.get("searchFolder", "."))
    files = sorted(glob.glob(pattern, root_dir=root, recursive=True))
    if not files:
        if _yes(inputs, "failTaskOnMissingResultsFile"):
            raise Failed(f"no file matches {pattern}")
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
    if failed and _yes(inputs, "failTaskOnFailedTests"):
        raise Failed(f"{failed} of {tests} tests failed")


def coverage_results(job: Job, inputs: Inputs) -> None:
    """Say how many lines the tests ran, by a Cobertura file, and keep it."""
    file = job.path(inputs["summaryFileLocation"])
    if not file.is_file():
        if _yes(inputs, "failIfCoverageEmpty"):
            raise Failed(f"there is no {inputs['summaryFileLocation']}")
        job.write(f"##vso[task.logissue type=warning]there is no {inputs['summaryFileLocation']}")
        return
    job.write(f"Lines covered: {float(_xml(file).get('line-rate', 'nan')):.1%}")
    _keep_report(job, file)


def _keep_report(job: Job, file: Path) -> None:
    copy_into(file, job.workspace.results / job.name)


def _xml(file: Path) -> ElementTree.Element:
    try:
        # Of the pipeline's own tests; and expat, since 2.4.1, stops what unfolds without end.
        return ElementTree.parse(file).getroot()  # noqa: S314
    except ElementTree.ParseError as error:
        raise Failed(f"{file.name} is no XML: {error}") from None


# --- Artifacts ----------------------------------------------------------------------------------


def publish(job: Job, path: str, inputs: Inputs) -> None:
    """Hand a file or a folder on to later jobs, under a name."""
    name = inputs.get("artifact") or job.name
    if inputs.get("publishLocation", "pipeline").lower() != "pipeline":
        raise Failed("here an artifact is kept with the run; publishLocation is pipeline")
    if why := job.workspace.publish(name, job.path(path), job.name):
        raise Failed(why)
    job.write(f"Published {path} as the artifact {name}")


def download(job: Job, inputs: Inputs) -> None:
    """Fetch what earlier jobs of this run have published: one artifact, or all.

    One that is named goes into the folder `path`, or else into one of its name; of all, each goes
    into one of its name.
    """
    name = inputs.get("artifact", "")
    folder = job.path(inputs.get("path") or str(job.workspace.job / name))
    have = job.workspace.artifacts
    if not name:
        for each, artifact in have.items():
            if artifact.publisher in job.waited_for:
                copy_into(artifact.folder, folder / each, _patterns(inputs))
                job.write(f"Downloaded the artifact {each}")
    elif name not in have:
        known = ", ".join(have) or "none"
        raise Failed(f"there is no artifact {name!r}; published so far: {known}")
    elif have[name].publisher not in job.waited_for:
        raise Failed(
            f"the artifact {name!r} comes from {have[name].publisher}, for which this job does not "
            "wait: it may come too early. Name it in dependsOn"
        )
    else:
        copy_into(have[name].folder, folder, _patterns(inputs))
        job.write(f"Downloaded the artifact {name}")


def _patterns(inputs: Inputs) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, inputs.get("patterns", "").splitlines())))


def _yes(inputs: Inputs, name: str, default: str = "false") -> bool:
    return inputs.get(name, default).lower() == "true"


TASKS = {
    "UsePythonVersion@0": use_python,
    "Cache@2": cache,
    "PublishTestResults@2": test_results,
    "PublishCodeCoverageResults@2": coverage_results,
}

"""A sample class for the project: six repositories with their histories, from perfect to hostile.

They are made from one that has every part, and what becomes of it is the course's to say: the
`class_of` of its rubric's module `sample`.
"""

import importlib
import os
import subprocess
from pathlib import Path

from grader.course.configuration import NoCourse
from grader.course.lessons import Course
from grader.submissions.repository import read_repository


def main(course: Course, folder: Path, repository: str) -> int:
    """Write the sample class, made from `repository`, into `folder`, and say where it is.

    Raises
    ------
    FileNotFoundError, FileExistsError
        If there is no such repository, or one of the class is there already.
    ValueError
        If it cannot be read, or lacks a part.
    """
    project = course.configuration.project
    if not project:
        raise NoCourse(f"the course in {course.root} has no project")
    whole = read_repository(repository)
    if whole.problem is not None:
        raise ValueError(str(whole.problem))
    sample = importlib.import_module(f"{course.package}.checks.{project}.sample")
    try:
        made = sample.class_of(whole.files)
    except KeyError as missing:
        raise ValueError(
            f"{repository} has no {missing.args[0]}; name a project that has every part"
        ) from None
    for name, steps in made.items():
        _write(folder / name, steps)
    print(f"{len(made)} projects in {folder}")
    return 0


def _write(folder: Path, steps: list[tuple[str, dict[str, bytes]]]) -> None:
    """Write a repository, a commit for each message and its files; without files it is a merge."""
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    for message, files in steps:
        if not files:
            _git(folder, "switch", "--quiet", "--create", "idea")
            _git(folder, "switch", "--quiet", "main")
            _git(folder, "reset", "--quiet", "--hard", "HEAD~1")
            _git(folder, "merge", "--quiet", "--no-ff", "--message", message, "idea")
            continue
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _git(folder, "add", "--all", "--force")
        _git(folder, "commit", "--quiet", "--message", message)


def _git(folder: Path, *words: str) -> None:
    who = {"NAME": folder.name, "EMAIL": f"{folder.name}@example.org"}
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{
            f"GIT_{role}_{key}": said
            for role in ("AUTHOR", "COMMITTER")
            for key, said in who.items()
        },
        "GIT_AUTHOR_DATE": "2026-03-01T12:00:00+0000",
        "GIT_COMMITTER_DATE": "2026-03-01T12:00:00+0000",
    }
    subprocess.run(["git", *words], cwd=folder, env=environment, check=True)

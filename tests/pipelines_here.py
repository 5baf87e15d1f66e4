"""What the tests of running pipelines share: a repository with a pipeline, and the command."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from ops import lmops

QUIET = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}
"""Whoever runs the tests, their own settings of git play no part."""


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"} | QUIET
    command = ["git", *arguments]
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return ran.stdout


class Place:
    """A repository with one pipeline in it, and a home of lmops beside it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.root = folder / "repository"
        self.home = folder / "home"
        self.root.mkdir()
        git(self.root, "init", "--quiet", "--initial-branch", "main")
        git(self.root, "config", "user.name", "Ada")
        monkeypatch.chdir(self.root)

    def commit(self, **files: str) -> None:
        """Write files, and commit all; `__` in a name is a point, `pipeline` is the file's."""
        for name, text in files.items():
            path = "azure-pipelines.yml" if name == "pipeline" else name.replace("__", ".")
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, "utf-8")
        git(self.root, "add", ".")
        git(self.root, "commit", "--quiet", "--allow-empty", "-m", "A change")

    def run(self, *options: object) -> Result:
        """Type `lmops pipeline run azure-pipelines.yml`."""
        return lmops("pipeline", "run", "azure-pipelines.yml", "--home", self.home, *options)

    def ran(self, *options: object) -> dict[str, Any]:
        """Run it, and return its JSON."""
        result = self.run("--json", *options)
        assert result.stdout, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    def log(self, answer: dict[str, Any]) -> str:
        """Return what a run wrote."""
        return Path(answer["log"]).read_text("utf-8")

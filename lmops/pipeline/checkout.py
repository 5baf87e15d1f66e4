"""The repository that a pipeline is about: its commit, who made it, and a copy for each job."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


class NoRepository(Exception):
    """There is no commit to run; says what to type."""


@dataclass(frozen=True)
class Repository:
    """A git repository as it stands: a commit, and what has changed since and is not committed.

    `authors` are the names and addresses of those whose work the commit brings in: of a merge, all
    commits that it merged. Names are what people say they are; nothing proves them here.
    """

    root: Path
    commit: str
    branch: str  # empty where none is checked out
    authors: tuple[str, ...]
    changed: tuple[str, ...]  # paths: changed, new or deleted, and not committed

    def copy(self, folder: Path) -> None:
        """Check the commit out in the new folder `folder`, with what is not committed yet."""
        # With --shared it takes no room and no time: objects are read where they are.
        _git(self.root, "clone", "--quiet", "--shared", "--no-checkout", str(self.root), folder)
        _git(folder, "checkout", "--quiet", "--detach", self.commit)
        for path in self.changed:
            source, target = self.root / path, folder / path
            if source.is_symlink() or source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)
            elif not source.exists():
                target.unlink(missing_ok=True)

    def templates(self) -> dict[str, str]:
        """Return the YAML files, which a pipeline may include, by path from the root."""
        listed = _git(self.root, "ls-files", "-z", "--", "*.yml", "*.yaml").split("\0")
        paths = {*filter(None, listed), *(p for p in self.changed if p.endswith((".yml", ".yaml")))}
        found = {}
        for path in sorted(paths):
            file = self.root / path
            if file.is_file() and not file.is_symlink() and file.stat().st_size < 2**20:
                found[path] = file.read_text("utf-8", "replace")
        return found


def find(near: Path, without: Path) -> Repository:
    """Return the repository in which the file or folder `near` lies.

    What lies below `without` counts as no change: what `lmops` keeps is no part of the work.
    """
    folder = near if near.is_dir() else near.parent
    try:
        root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
        commit = _git(root, "rev-parse", "--verify", "HEAD").strip()
    except (subprocess.CalledProcessError, OSError):
        raise NoRepository(
            f"{folder} is in no git repository with a commit, and a pipeline runs a commit. "
            "Type: git init && git add . && git commit -m 'Begin'"
        ) from None
    try:
        merged = _git(root, "log", "--format=%an%x00%ae", "HEAD^1..HEAD^2")
    except subprocess.CalledProcessError:  # no merge
        merged = _git(root, "log", "-1", "--format=%an%x00%ae")
    authors = dict.fromkeys(part for part in merged.replace("\n", "\0").split("\0") if part)
    status = _git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    changed = [line[3:] for line in status.split("\0") if line]
    branch = _git(root, "branch", "--show-current").strip()
    kept = without.resolve()
    own = tuple(path for path in changed if not (root / path).resolve().is_relative_to(kept))
    return Repository(root, commit, branch, tuple(authors), own)


def person(root: Path) -> str:
    """Return who git says works here; empty where nobody has said so."""
    try:
        return _git(root, "config", "user.name").strip()
    except subprocess.CalledProcessError:
        return ""


def _git(folder: Path, *arguments: str | Path) -> str:
    # A hook of git's hands its own repository on in such variables.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    ran = subprocess.run(
        ["git", *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout

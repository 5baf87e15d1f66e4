"""A repository's history, read by git from what is in its database alone.

Git may be made to run programs by a repository's own settings, hooks, attributes and alternates.
So none of them is ever before it: objects and branches are copied, as data, into an empty
repository of our own, and git reads that with no settings but ours, within limits.
"""

import os
import re
import resource
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from grader.submissions.archives import Unusable

MAX_COMMITS = 2_000
MAX_OUTPUT = 64 * 2**20
"""Bytes that git may say."""
MAX_PATCHES = 4 * 2**20
"""Characters that all commits together may add."""
SECONDS = 20
MEMORY = 2 * 2**30

KEPT = re.compile(
    r"HEAD|packed-refs|refs/heads/[\w./-]{1,200}"
    r"|objects/[0-9a-f]{2}/[0-9a-f]{38}|objects/pack/pack-[0-9a-f]{40}\.(?:pack|idx)"
)
"""What of a git folder is data; the rest, such as config, hooks and info, is never looked at."""

_HASH = re.compile(rb"[0-9a-f]{40}\n?")
_REF = re.compile(rb"ref: refs/heads/[\w./-]{1,200}\n?")


@dataclass(frozen=True)
class Commit:
    """A commit on the way to HEAD, as its author tells it.

    `lines` are added and removed ones of all text files, of a merge none. `patch` is what it adds,
    a line each.
    """

    name: str
    parents: list[str]
    author: str
    message: str
    lines: int
    patch: str


def read_history(git: Mapping[str, bytes]) -> list[Commit]:
    """Return the commits that lead to HEAD, the latest first, from the files of a git folder.

    Raises
    ------
    Unusable
        If git cannot read them, or only in too much time or room.
    """
    # No message can know them, and so none looks like the end of its commit.
    begin, end = token_hex(16), token_hex(16)
    with _opened(git) as folder:
        told = _git(
            folder,
            *("log", f"--max-count={MAX_COMMITS}", "--no-color", "--encoding=UTF-8"),
            *("--no-renames", "--no-ext-diff", "--no-textconv", "--no-show-signature"),
            *("--no-notes", "--no-mailmap", "--unified=0", "--patch"),
            f"--format={begin}%H{end}%P{end}%an <%ae>{end}%B{end}",
            "HEAD",
        )
    text = told.decode(errors="replace")
    return [_commit(*part.split(end)) for part in text.split(begin)[1:]]


def read_head(git: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of HEAD, links and submodules left out; raises as `read_history` does."""
    with _opened(git) as folder:
        listed = _git(folder, "ls-tree", "-r", "-z", "--full-tree", "HEAD")
        entries = [entry.partition(b"\t") for entry in listed.split(b"\0") if entry]
        blobs = [
            (name.decode(errors="replace"), facts.split()[2])
            for facts, _, name in entries
            if facts.startswith(b"100")
        ]
        asked = b"".join(blob + b"\n" for _, blob in blobs)
        answers = _git(folder, "cat-file", "--batch", asked=asked)
    files = {}
    for name, _ in blobs:
        head, _, answers = answers.partition(b"\n")
        size = int(head.split()[2])
        files[name], answers = answers[:size], answers[size + 1 :]
    return files


def has_commits(git: Mapping[str, bytes]) -> bool:
    """Return whether a git folder has a branch, or is at a commit; an empty one has neither."""
    return (
        any(name.startswith("refs/heads/") or name == "packed-refs" for name in git)
        or _HASH.fullmatch(git.get("HEAD", b"")) is not None
        or any(name.startswith("objects/") for name in git)
    )


@contextmanager
def _opened(git: Mapping[str, bytes]) -> Iterator[Path]:
    """Give the folder of a bare repository with this data and settings of ours."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "repository"
        for name in ("objects", "refs/heads"):
            (folder / name).mkdir(parents=True)
        (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        try:
            for name, content in git.items():
                odd = not KEPT.fullmatch(name) or ".." in name or name.endswith((".lock", "/"))
                is_ref = name == "HEAD" or name.startswith("refs/")
                if odd or (is_ref and not (_HASH.fullmatch(content) or _REF.fullmatch(content))):
                    continue
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        except OSError:  # a branch within the name of another
            raise _broken() from None
        yield folder


def _git(folder: Path, *words: str, asked: bytes = b"") -> bytes:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_OUTPUT, MAX_OUTPUT))

    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "",
    }
    # Into a file of bounded size: who says too much is stopped by the system.
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as questions:
        questions.write(asked)
        questions.seek(0)
        try:
            ended = subprocess.run(
                ["git", "--no-pager", f"--git-dir={folder}", *words],
                stdin=questions,
                stdout=said,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=folder,
                timeout=SECONDS,
                preexec_fn=limited,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unusable(
                "too_large", "git takes too long to read this history; hand in a smaller one."
            ) from None
        if ended.returncode:
            raise _broken()
        said.seek(0)
        return said.read()


def _broken() -> Unusable:
    return Unusable(
        "not_a_repository",
        "git cannot read this history: is it empty, or damaged? Look at it with: git fsck",
    )


def _commit(name: str, parents: str, author: str, message: str, patch: str) -> Commit:
    changed = []
    heading = True  # of a file: its own lines begin behind @@, and may then look like anything
    for line in patch.split("\n"):  # no splitlines(): Python knows more ends of a line than git
        if line.startswith(("diff ", "@@")):
            heading = line.startswith("d")
        elif not heading and line.startswith(("+", "-")):
            changed.append(line)
    return Commit(
        name=name,
        parents=parents.split(),
        author=author,
        message=message.strip(),
        lines=len(changed),
        patch="\n".join(line[1:] for line in changed if line.startswith("+")),
    )

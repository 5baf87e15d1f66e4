"""A student's repository as data: its files, read within limits, and nothing of it run.

Links are not followed, and what is no file is passed over. Of `.git` only what is data is read: its
settings and hooks could make git run something.
"""

import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile

from grader.submissions.archives import Unusable, opened
from grader.submissions.history import KEPT, read_head
from grader.terminal.names import printable

MAX_FILES = 5_000
MAX_BYTES = 64 * 2**20
"""Of all files together."""
MAX_FILE = 32 * 2**20
"""Bytes of one file."""

_PASSED_OVER = frozenset({".lmops", ".venv", "__pycache__", "__MACOSX"})


@dataclass(frozen=True)
class Repository:
    """The files of a repository by their paths with `/`; or the `problem` that keeps it unread.

    `git` are the files of its git folder that are data, none if it has no history. `sha256` covers
    all names and contents.
    """

    files: dict[str, bytes]
    git: dict[str, bytes]
    sha256: str
    problem: Unusable | None = None


def place_of(place: str) -> Path:
    """Return where a repository is: a folder, a zip or a bare repository; `file://` may precede.

    Raises
    ------
    FileNotFoundError
        If there is nothing there.
    """
    path = Path(place.removeprefix("file://"))
    if not path.exists():
        raise FileNotFoundError(
            f"there is no {place}; name folders, zips or git repositories of this machine, one for "
            "each student: grader project REPO... --out DIR"
        )
    return path


def read_repository(place: str) -> Repository:
    """Return the repository in a place.

    What is wrong with it is its `problem`. A folder that holds a zip and nothing else, as a
    platform makes one for each student, is as good as what is in the zip.

    Raises
    ------
    FileNotFoundError
        If there is nothing there.
    """
    path = place_of(place)
    if path.is_dir():
        inside = list(path.iterdir())
        if len(inside) == 1 and inside[0].suffix.lower() == ".zip" and not inside[0].is_symlink():
            (path,) = inside
    files: dict[str, bytes] = {}
    git: dict[str, bytes] = {}
    try:
        total = 0
        for name, content in _in_folder(path) if path.is_dir() else _in_zip(path):
            total += len(content)
            if total > MAX_BYTES:
                raise _too_large(f"it has more than {MAX_BYTES // 2**20} MiB")
            if len(files) + len(git) >= MAX_FILES:
                raise _too_large(f"it has more than {MAX_FILES:,} files")
            if name.startswith(".git/"):
                git[name.removeprefix(".git/")] = content
            else:
                files[name] = content
        if not files and git:
            files = read_head(git)
        if not files:
            raise Unusable("empty", "There is no file in this repository.")
    except Unusable as problem:
        return Repository({}, {}, _sha256({}), problem)
    return Repository(files, git, _sha256(files | {f".git/{n}": c for n, c in git.items()}))


def _in_folder(root: Path) -> Iterator[tuple[str, bytes]]:
    bare = (root / "HEAD").is_file() and (root / "objects").is_dir()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        for name in sorted(names):
            way = (Path(folder) / name).relative_to(root).as_posix()
            way = f".git/{way}" if bare else way
            content = _content(Path(folder) / name) if _is_wanted(way) else None
            if content is not None:
                yield printable(way), content


def _is_wanted(way: str) -> bool:
    """Return whether a file is read: of a git folder only what is data."""
    return not way.startswith(".git/") or KEPT.fullmatch(way.removeprefix(".git/")) is not None


def _content(path: Path) -> bytes | None:
    """Return what is in a file; None for what is no file of its own, such as a link or a pipe."""
    try:
        # Not blocking, as a pipe would; and what was a file a moment ago may be a link by now.
        opened_file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(opened_file, "rb") as stream:
        if not stat.S_ISREG(os.fstat(opened_file).st_mode):
            return None
        content = stream.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise _too_large(f"{printable(path.name)} has more than {MAX_FILE // 2**20} MiB")
    return content


def _in_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with opened(path, is_students=True) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > MAX_FILES:
                raise _too_large(f"it has more than {MAX_FILES:,} files")
            ways = [PurePosixPath(info.filename.replace("\\", "/")).parts for info in infos]
            # A zip of a repository mostly has one folder around it.
            tops = {way[0] for way in ways if len(way) > 1}
            around = len(tops) == 1 and all(len(way) > 1 for way in ways)
            for info, way in zip(infos, ways, strict=True):
                inner = way[1:] if around else way
                is_link = stat.S_ISLNK(info.external_attr >> 16)
                odd = not inner or inner[0] == "/" or ".." in inner or info.flag_bits & 1
                if odd or is_link or _PASSED_OVER.intersection(inner):
                    continue
                if not _is_wanted("/".join(inner)):
                    continue
                with archive.open(info) as stream:
                    content = stream.read(MAX_FILE + 1)
                if len(content) > MAX_FILE:
                    raise _too_large(f"a file in it has more than {MAX_FILE // 2**20} MiB")
                yield printable("/".join(inner)), content
    except (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, zlib.error):
        raise Unusable("not_a_repository", "This zip is damaged; make it again.") from None
    except Unusable as problem:
        if problem.status == "too_large":
            raise
        raise Unusable("not_a_repository", "This is neither a folder nor a zip.") from None


def _too_large(why: str) -> Unusable:
    return Unusable(
        "too_large",
        f"This repository is too large: {why}. Take out what git need not keep, such as runs, "
        "caches and data, and hand it in again.",
    )


def _sha256(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        for part in (name.encode(errors="replace"), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()

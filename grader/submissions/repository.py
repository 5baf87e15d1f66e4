"""A student's repository as data: its files, read within limits, and nothing of it run.

Links are not followed, and what is no file is passed over. Of `.git` only what is data is read: its
settings and hooks could make git run something.
"""

import hashlib
import os
import stat
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile

from grader.submissions.archives import Unusable, opened
from grader.submissions.history import KEPT, has_commits, read_head
from grader.terminal.names import printable
from grader.terminal.words import listed

MAX_FILES = 5_000
MAX_BYTES = 64 * 2**20
"""Of all files together."""
MAX_FILE = 32 * 2**20
"""Bytes of one file."""
MOST_AROUND = 3
"""Folders that may lie around a repository."""

_PASSED_OVER = frozenset({".lmops", ".venv", "__pycache__", "__MACOSX"})


@dataclass(frozen=True)
class Repository:
    """The files of a repository by their paths with `/`; or the `problem` that keeps it unread.

    Where there is a history, they are those of HEAD: what is committed counts. `lying` are files
    that lie there otherwise than HEAD has them, with whether HEAD has them at all. `git` are the
    files of its git folder that are data, none if it has no history. `sha256` covers all names and
    contents. `links` and `notes` say what else was found, the notes in sentences for the student.
    """

    files: dict[str, bytes]
    git: dict[str, bytes]
    sha256: str
    problem: Unusable | None = None
    lying: dict[str, bool] = field(default_factory=dict)
    links: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


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


def read_repository(place: str, wanted: Collection[str] = ()) -> Repository:
    """Return the repository in a place.

    What is wrong with it is its `problem`. A folder that holds a zip and nothing else, as a
    platform makes one for each student, is as good as what is in the zip. By the files that are
    `wanted` the repository is found where a folder or two lie around it.

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
    found: dict[str, bytes] = {}
    links: set[str] = set()
    try:
        total = 0
        for name, content in _in_folder(path, links) if path.is_dir() else _in_zip(path, links):
            total += len(content)
            if total > MAX_BYTES:
                raise _too_large(f"it has more than {MAX_BYTES // 2**20} MiB", path)
            if len(found) >= MAX_FILES:
                raise _too_large(f"it has more than {MAX_FILES:,} files", path)
            found[name] = content
        return _sorted_out(found, frozenset(links), wanted)
    except Unusable as problem:
        return Repository({}, {}, _sha256({}), problem)


def projects_in(path: Path, wanted: Collection[str]) -> list[str]:
    """Return what looks like the projects of several students in one place; none if it does not."""
    if path.is_dir():
        if any((path / name).exists() for name in (*wanted, ".git")):
            return []
        inside = [one for one in sorted(path.iterdir()) if not one.is_symlink()]
        held = [
            one.name
            for one in inside
            if one.suffix.lower() == ".zip"
            or (one.is_dir() and any((one / name).exists() for name in (*wanted, ".git", "HEAD")))
        ]
    else:
        try:
            with opened(path, is_students=True) as archive:
                names = [info.filename for info in archive.infolist()]
        except Unusable:
            return []
        zips = [name for name in names if name.lower().endswith(".zip")]
        held = zips if len(zips) > 1 else _around(names, wanted)
    return held if len(held) > 1 else []


def _sorted_out(
    found: dict[str, bytes], links: frozenset[str], wanted: Collection[str]
) -> Repository:
    """Return the repository among the files that were found; raise if there is none."""
    around = _around([name for name in found if "/.git/" not in f"/{name}"], wanted)
    gits = sorted(n.removesuffix(".git/HEAD") for n in found if f"/{n}".endswith("/.git/HEAD"))
    top = "" if "" in (*around, *gits) else next(iter(around or gits), "")
    below = {n.removeprefix(top): content for n, content in found.items() if n.startswith(top)}
    files = {name: content for name, content in below.items() if "/.git/" not in f"/{name}"}
    git = {n.removeprefix(".git/"): c for n, c in below.items() if n.startswith(".git/")}
    lying: dict[str, bool] = {}
    notes = []
    if has_commits(git):
        try:
            head = read_head(git)
        except Unusable as problem:
            if not files:
                raise
            notes.append(f"{problem} So the files that lie there were graded.")
        else:
            lying = _lying(files, head)
            files = head
    elif git and not files:
        raise Unusable("empty", "Nothing was committed. Type: git add . && git commit")
    if not top:
        inner = _around(files, wanted)
        top = "" if "" in inner else next(iter(inner), "")
        if top:
            files = {n.removeprefix(top): c for n, c in files.items() if n.startswith(top)}
            lying = {n.removeprefix(top): is_in for n, is_in in lying.items() if n.startswith(top)}
            around = inner
    if not files:
        raise Unusable("empty", "There is no file in this repository.")
    if len(around) > 1 and "" not in around:
        raise Unusable(
            "not_a_repository",
            f"Several projects were handed in: {listed(around)}. Hand in one of them.",
        )
    if top and wanted:
        notes.append(f"The project lies in {printable(top)}; what is there was graded.")
    inside = frozenset(link.removeprefix(top) for link in links if link.startswith(top))
    if wanted and not around and (books := [n for n in files if n.lower().endswith(".ipynb")]):
        raise Unusable(
            "not_a_repository",
            f"There are notebooks here ({listed(books)}), and no file of the project, such as "
            f"{min(wanted)}. Hand in the repository that is made of them.",
        )
    sha256 = _sha256(files | {f".git/{n}": c for n, c in git.items()})
    return Repository(files, git, sha256, None, lying, inside, tuple(notes))


def _around(names: Iterable[str], wanted: Collection[str]) -> list[str]:
    """Return the folders, as `a/`, with the most files that are `wanted`; the top one wins."""
    hits = Counter(
        name.removesuffix(one)
        for name in names
        for one in wanted
        if f"/{name}".endswith(f"/{one}") and name.removesuffix(one).count("/") <= MOST_AROUND
    )
    if "" in hits:
        return [""]
    return sorted(folder for folder, count in hits.items() if count == max(hits.values()))


def _lying(files: Mapping[str, bytes], head: Mapping[str, bytes]) -> dict[str, bool]:
    """Return which files are not as HEAD has them, but for the ends of their lines."""
    return {
        name: name in head
        for name, content in sorted(files.items())
        if name not in head or (content != head[name] and _plain(content) != _plain(head[name]))
    }


def _plain(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _in_folder(root: Path, links: set[str]) -> Iterator[tuple[str, bytes]]:
    bare = (root / "HEAD").is_file() and (root / "objects").is_dir()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        for name in sorted(
            [*names, *(one for one in folders if (Path(folder) / one).is_symlink())]
        ):
            way = (Path(folder) / name).relative_to(root).as_posix()
            way = f".git/{way}" if bare else way
            if (Path(folder) / name).is_symlink():
                links.add(printable(way))
            content = _content(Path(folder) / name) if _is_wanted(way) else None
            if content is not None:
                yield printable(way), content


def _is_wanted(way: str) -> bool:
    """Return whether a file is read: of a git folder only what is data."""
    _, is_git, inner = f"/{way}".rpartition("/.git/")
    return not is_git or KEPT.fullmatch(inner) is not None


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
        raise _too_large(f"{printable(path.name)} has more than {MAX_FILE // 2**20} MiB", path)
    return content


def _in_zip(path: Path, links: set[str]) -> Iterator[tuple[str, bytes]]:
    if not is_zip(path):
        raise Unusable(
            "not_a_repository",
            f"{printable(path.name)} is neither a folder nor a zip. Hand in the folder, with its "
            ".git, or a zip of it.",
        )
    try:
        with opened(path, is_students=True) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > MAX_FILES:
                raise _too_large(f"it has more than {MAX_FILES:,} files", path)
            for info in infos:
                way = PurePosixPath(info.filename.replace("\\", "/")).parts
                odd = not way or way[0] == "/" or ".." in way or info.flag_bits & 1
                if odd or _PASSED_OVER.intersection(way):
                    continue
                name = "/".join(way)
                if stat.S_ISLNK(info.external_attr >> 16):
                    links.add(printable(name))
                    continue
                if not _is_wanted(name):
                    continue
                with archive.open(info) as stream:
                    content = stream.read(MAX_FILE + 1)
                if len(content) > MAX_FILE:
                    raise _too_large(
                        f"{printable(name)} has more than {MAX_FILE // 2**20} MiB", Path(name)
                    )
                yield printable(name), content
    except (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, zlib.error):
        raise Unusable("not_a_repository", "This zip is damaged; make it again.") from None
    except Unusable as problem:
        if problem.status == "too_large":
            raise
        raise Unusable("not_a_repository", "This zip is damaged; make it again.") from None


def is_zip(path: Path) -> bool:
    """Return whether a file is a zip by its name, or by how it begins."""
    if path.suffix.lower() == ".zip":
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def _too_large(why: str, path: Path) -> Unusable:
    message = (
        f"This repository is too large: {why}. Take out what git need not keep, such as runs, "
        "caches and data, and hand it in again."
    )
    if {"objects", ".git"}.intersection(path.parts):
        message += (
            " It is in the history, where it stays when the file is deleted: git log --stat names "
            "it, and git filter-repo --invert-paths --path FILE takes it out."
        )
    return Unusable("too_large", message)


def _sha256(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        for part in (name.encode(errors="replace"), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()

"""Files as students hand them in: folders and zips, listed and unpacked without trusting them.

A zip's files are unpacked under names of our own, and within limits, so nothing in it decides where
or how much is written. What cannot be used carries an `Unusable` that says why.
"""

import contextlib
import os
import re
import stat
import struct
import tempfile
import time
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import FileIO
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from grader.terminal.names import printable

MAX_FILE_BYTES = 20_000_000

_MOST_AT_ONCE = 2**20
_LONGEST_NAME = 1_000
_LONGEST_PART = 200  # bytes; file systems take 255
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
# What zipfile raises for the many ways in which a zip can be broken.
_BROKEN = (
    BadZipFile,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)


class Unusable(Exception):
    """Why a file cannot be graded: a status of `SubmissionResult`, a sentence for the student."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class File:
    """A file as its folder or zip names it; `parts` are the names on the way to it.

    `modified` is year, month, day, hour, minute, second. `info` is set for a file that is still in
    its zip, and has no usable `path` yet. `is_json` says that it begins as JSON does: it may be a
    notebook under another name. `is_folder` is set for a folder with nothing in it.
    """

    parts: tuple[str, ...]
    path: Path
    modified: tuple[int, ...]
    info: ZipInfo | None = None
    unusable: Unusable | None = None
    is_json: bool = False
    is_folder: bool = False

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.parts[-1]

    @property
    def is_notebook(self) -> bool:
        """Whether its name says that it is a notebook."""
        return not self.is_folder and self.name.lower().endswith(".ipynb")

    @property
    def is_zip(self) -> bool:
        """Whether its name says that it is a zip."""
        return not self.is_folder and self.name.lower().endswith(".zip")

    @property
    def is_wanted(self) -> bool:
        """Whether there may be work of a student's in it."""
        return self.is_notebook or self.is_zip or self.is_json or self.unusable is not None


@dataclass(frozen=True)
class ZipLimits:
    """How many files a zip may give, and how many bytes."""

    files: int
    bytes: int


def too_large(what: str) -> Unusable:
    """Return the answer to something that is larger than its limit."""
    return Unusable(
        "too_large",
        f"{what} is too large; a notebook may have {MAX_FILE_BYTES // 1_000_000} MB. Clear its "
        "outputs (in Jupyter: Edit > Clear Outputs of All Cells; in Colab: Edit > Clear all "
        "outputs), save it, and hand in the notebook itself.",
    )


def too_slow(what: str) -> Unusable:
    """Return the answer to something that takes too long to read."""
    return Unusable(
        "too_large",
        f"{what} takes the grader too long to read. Take out what was pasted in, clear the "
        "outputs, save it, and hand in the notebook itself, and no other files.",
    )


def in_folder(root: Path) -> list[File]:
    """List the files and empty folders below `root` but hidden ones.

    Links are unusable, and not followed.
    """
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_ignored((name,)))
        here = Path(folder)
        if here != root and not folders and all(_is_ignored((name,)) for name in names):
            modified = _local(here.stat().st_mtime)
            files.append(File(here.relative_to(root).parts, here, modified, is_folder=True))
        # A student's whole folder may be a link; links further down, to data say, do not matter.
        links = [name for name in folders if here == root and (here / name).is_symlink()]
        for name in sorted([*names, *links]):
            path = here / name
            status = path.lstat()
            file = File(path.relative_to(root).parts, path, _local(status.st_mtime))
            if _is_ignored(file.parts):
                continue
            if not stat.S_ISREG(status.st_mode) and (file.is_wanted or name in links):
                kind = "a link to another place" if stat.S_ISLNK(status.st_mode) else "not a file"
                message = f"{printable(name)} is {kind}. Hand in the notebook itself."
                file = replace(file, unusable=Unusable("not_a_notebook", message))
            if stat.S_ISREG(status.st_mode) and not file.is_wanted:
                file = replace(file, is_json=_begins_as_json(partial(open, path, "rb")))
            files.append(file)
    return files


def single(path: Path) -> File:
    """Return one file that stands for itself."""
    return File((path.name,), path, _local(path.stat().st_mtime))


class _Bounded(FileIO):
    """A zip of which no more than `_MOST_AT_ONCE` bytes are read at a time.

    The list of its files is read at once, however long, and takes 20 times the memory.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MOST_AT_ONCE:
            raise Unusable(
                "too_large", "This zip lists too many files. Hand in the notebook itself."
            )
        return super().read(size) or b""


@contextmanager
def opened(path: Path, *, is_students: bool = False) -> Iterator[ZipFile]:
    """Open a zip; a student's may not list more files than can be read in a second.

    Raises
    ------
    Unusable
        If it is none, damaged, or lists too many files.
    """
    damaged = Unusable(
        "not_a_notebook",
        f"{printable(path.name)} is damaged, or not a zip. Hand in the notebook itself, or "
        "make the zip again.",
    )
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(_Bounded(path) if is_students else path.open("rb"))
            archive = stack.enter_context(ZipFile(stream))
        except _BROKEN:
            raise damaged from None
        # Files that lie one within the other are read again and again, which takes minutes.
        if sum(info.compress_size for info in archive.infolist()) > path.stat().st_size:
            raise damaged
        yield archive


def entries(archive: ZipFile) -> list[File]:
    """List the files and empty folders in a zip but hidden ones."""
    files = []
    folders = {}
    for info in archive.infolist():
        name = _decoded(info).replace("\\", "/")
        parts = tuple(part for part in name.split("/") if part not in ("", ".", ".."))
        is_ignored = _is_ignored(parts)
        if is_ignored:  # who handed in nothing else handed in an empty folder
            parts = tuple(takewhile(lambda part: not _is_ignored((part,)), parts))
        if not parts:
            continue
        if is_ignored or name.endswith("/"):
            folders[parts] = File(parts, Path(parts[-1]), info.date_time, is_folder=True)
            continue
        file = File(parts, Path(parts[-1]), info.date_time, info)
        if file.is_wanted and (fault := _fault(info, name)):
            file = replace(file, unusable=Unusable("not_a_notebook", fault))
        files.append(file)
    filled = {one.parts[:n] for one in [*files, *folders.values()] for n in range(len(one.parts))}
    return files + [folder for parts, folder in folders.items() if parts not in filled]


def with_disguised(archive: ZipFile, files: list[File], most: int) -> list[File]:
    """Say of the first `most` files in a zip that are no notebooks by name which begin as JSON."""
    seen = []
    for file in files:
        if file.info is not None and not file.is_wanted and most > 0:
            most -= 1
            if not _fault(file.info, "/".join(file.parts)):
                reads = partial(archive.open, file.info)
                file = replace(file, is_json=_begins_as_json(reads))
        seen.append(file)
    return seen


def unpack(archive: ZipFile, files: list[File], scratch: Path, limits: ZipLimits) -> Iterator[File]:
    """Unpack the notebooks and zips among `files` into `scratch`; the others come as they are.

    Raises
    ------
    Unusable
        If there are too many.
    """
    count = sum(file.is_wanted for file in files)
    if count > limits.files:
        raise Unusable(
            "too_large",
            f"This zip holds {count:,} notebooks; at most {limits.files:,} are read. Hand in the "
            "notebook itself.",
        )
    left = limits.bytes
    for file in files:
        if file.unusable or file.info is None or not file.is_wanted:
            yield file
            continue
        path = Path(tempfile.mkdtemp(dir=scratch)) / _short(file.name)
        try:
            _copy(archive, file.info, path, left)
            file = replace(file, path=path, info=None)
        except Unusable as reason:
            file = replace(file, unusable=reason)
        left -= path.stat().st_size
        if file.unusable:
            path.unlink()
        yield file


def _begins_as_json(opened: Callable[[], Any]) -> bool:
    """Return whether what can be opened so begins with a brace, as every notebook does."""
    try:
        with opened() as stream:
            beginning: bytes = stream.read(64)
    except _BROKEN:
        return False
    return beginning.lstrip(b"\xef\xbb\xbf\xfe\xff\0 \t\r\n").startswith(b"{")


def _is_ignored(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _local(seconds: float) -> tuple[int, ...]:
    return tuple(time.localtime(seconds)[:6])


def _decoded(info: ZipInfo) -> str:
    """Return a zip entry's name; many programs write UTF-8 without saying so."""
    if not info.flag_bits & _UTF8_NAME:
        try:
            return info.orig_filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return info.orig_filename


def _fault(info: ZipInfo, name: str) -> str:
    """Return why a zip entry is refused, or ""."""
    again = "Hand in the notebook itself, or make the zip again."
    shown = printable(name[:80])
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        return f"A file in the zip is named to be put elsewhere: {shown}. {again}"
    if len(name) > _LONGEST_NAME or any(unicodedata.category(char) == "Cc" for char in name):
        return f"A file in the zip has a name that cannot be used: {shown}. {again}"
    if stat.S_ISLNK(info.external_attr >> 16):
        return f"{shown} in the zip is a link to another place. {again}"
    if info.flag_bits & _ENCRYPTED:
        return "The zip is locked with a password. Hand in the notebook itself."
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return f"The zip is packed in a way that is not read here. {again}"
    return ""


def _short(name: str) -> str:
    """Return the end of a name, short enough for a file system."""
    return name.encode()[-_LONGEST_PART:].decode(errors="ignore")


def _copy(archive: ZipFile, info: ZipInfo, path: Path, left: int) -> None:
    """Write one file of a zip to `path`; the size that the zip states is not to be trusted."""
    limit = min(left, MAX_FILE_BYTES)
    size = 0
    with path.open("wb") as target:
        for chunk in _chunks(archive, info):
            size += len(chunk)
            if size > limit:
                what = "A file in the zip" if limit == MAX_FILE_BYTES else "All that is in the zip"
                raise too_large(what)
            target.write(chunk)


def _chunks(archive: ZipFile, info: ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as source:
            while chunk := source.read(_MOST_AT_ONCE):
                yield chunk
    except _BROKEN:
        name = printable(PurePosixPath(_decoded(info)).name)
        raise Unusable(
            "not_a_notebook",
            f"{name} in the zip is damaged. Hand in the notebook itself, or make the zip again.",
        ) from None

"""Submissions: finding what a class handed in, and reading each notebook as plain data.

Everything here comes from students. Nothing of it is run or imported; zips are unpacked under names
of our own, within limits; and a bad file becomes a `Problem` with a sentence for its student, never
an exception that stops the class.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.files import (
    MAX_FILE_BYTES,
    File,
    Limits,
    Unusable,
    in_folder,
    listed,
    opened,
    printable,
    single,
    too_large,
    unpack,
)
from grader.places import lessons

MAX_CODE_CHARACTERS = 2_000_000
FORMAT = 4

_AGAIN = "Download it again with File > Download > .ipynb and hand in that file."


@dataclass(frozen=True)
class CodeCell:
    """A code cell as it stands in the file."""

    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notebook:
    """A notebook that can be graded, if it is of the right lesson.

    `lesson` is None when nothing says which it is. `note` is what its student should know about
    how the file was read; often empty.
    """

    cells: tuple[CodeCell, ...]
    lesson: str | None
    sha256: str
    note: str = ""


@dataclass(frozen=True)
class Problem:
    """Why a file cannot be graded.

    `status` is one of those of `grader.gradebook.SubmissionResult`; `message` says what happened
    and what to do, to the student. `lesson` is what the file's name says.
    """

    status: str
    message: str
    lesson: str | None
    sha256: str


@dataclass(frozen=True)
class Submission:
    """One file of one student.

    `problem` says why there is nothing to read at `path`; `note` what became of other files.
    """

    student: str
    path: Path
    problem: Problem | None = None
    note: str = ""

    def read(self) -> Notebook | Problem:
        """Return what was handed in."""
        found = self.problem or read(self.path)
        if isinstance(found, Problem):
            return replace(found, message=_sentences(found.message, self.note))
        return replace(found, note=_sentences(found.note, self.note))


# --- Reading one notebook ---------------------------------------------------------------------


def read(path: Path) -> Notebook | Problem:
    """Return the notebook in a file, or why it cannot be graded; never raises for a bad file.

    Its lesson is what a cell says with `check.lesson("...")`, else what the metadata says
    (`lmcourse.lesson`), else a lesson's name within the file's name.
    """
    data = b""
    try:
        data = _contents(path)
        return _parse(data, path.name)
    except Unusable as reason:
        return _problem(reason, path.name, data)


def _problem(reason: Unusable, name: str, data: bytes = b"") -> Problem:
    message = str(reason)
    digest = hashlib.sha256(data or message.encode()).hexdigest()
    return Problem(reason.status, message, _lesson_in(name), digest)


def _contents(path: Path) -> bytes:
    """Return the first bytes of a file, one more than a notebook may have."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise _not_a_notebook("there is no such file")
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _not_a_notebook(f"it cannot be opened ({error.strerror})") from None


def _not_a_notebook(reason: str) -> Unusable:
    return Unusable("not_a_notebook", f"This file is not a notebook: {reason}. {_AGAIN}")


def _parse(data: bytes, name: str) -> Notebook:
    if len(data) > MAX_FILE_BYTES:
        raise too_large("This file")
    raw = _json(data)
    version = raw.get("nbformat") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or type(version) is not int:
        raise _not_a_notebook("it is JSON, but of another kind")
    if version > FORMAT:
        raise _not_a_notebook(f"its format, {version}, is newer than any that can be read here")
    notes = []
    if version < FORMAT:
        notes.append(f"The file is in an old format ({version}); it was read as a new one.")
        raw = _upgraded(data)
    metadata = _dict(raw.get("metadata"))
    cells = tuple(_code_cells(raw.get("cells")))
    if not any(cell.source.strip() for cell in cells):
        raise Unusable(
            "empty",
            "This notebook has no code in it. Open it, see that your work is there, save it, and "
            "hand in that file.",
        )
    if sum(len(cell.source) for cell in cells) > MAX_CODE_CHARACTERS:
        raise Unusable(
            "too_large",
            f"The code in this notebook is longer than {MAX_CODE_CHARACTERS:,} characters. Take "
            "out what was pasted in, such as data, and hand it in again.",
        )
    language = _language(metadata)
    if language is None:
        notes.append("The file does not say which language it is in; it was run as Python.")
    elif language != "python":
        raise Unusable(
            "wrong_language",
            f"This notebook is set to run {language[:40]}, not Python. Open it, choose a Python 3 "
            "kernel (in Colab: Runtime > Change runtime type), run it, save it, and hand it in "
            "again.",
        )
    return Notebook(
        cells=cells,
        lesson=_lesson(cells, metadata, name),
        sha256=hashlib.sha256(data).hexdigest(),
        note=" ".join(notes),
    )


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except RecursionError:
        raise _not_a_notebook("its JSON is nested too deeply") from None
    except (ValueError, MemoryError):
        raise _not_a_notebook("it is not valid JSON") from None


def _upgraded(data: bytes) -> dict[str, Any]:
    import nbformat  # slow to import, and only old files need it

    try:
        old = nbformat.reader.reads(data)
        return dict(nbformat.convert(old, FORMAT))
    # nbformat raises whatever a broken old file makes it stumble over.
    except Exception:
        raise _not_a_notebook("it is in an old format, and broken") from None


def _code_cells(cells: Any) -> Iterator[CodeCell]:
    if not isinstance(cells, list):
        raise _not_a_notebook("it has no list of cells")
    for number, cell in enumerate(cells, 1):
        source = cell.get("source") if isinstance(cell, dict) else None
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise _not_a_notebook(f"its cell {number} is broken")
        if cell.get("cell_type") == "code":
            tags = _dict(cell.get("metadata")).get("tags")
            named = tags if isinstance(tags, list) else []
            yield CodeCell(_whole(source), tuple(tag for tag in named if isinstance(tag, str)))


def _language(metadata: dict[str, Any]) -> str | None:
    """Return the language in lower case, or None if nothing says."""
    kernel = _dict(metadata.get("kernelspec"))
    for said in (kernel.get("language"), _dict(metadata.get("language_info")).get("name")):
        if isinstance(said, str) and said:
            return _whole(said).lower()
    kernel_name = str(kernel.get("name", "")).lower()
    # Colab names the kernel alone.
    known = {"python": "python", "ir": "r", "julia": "julia"}
    return known.get(re.split(r"[\d.-]", kernel_name)[0])


_LESSON_CALL = re.compile(r"^[ \t]*check\.lesson\([ \t]*(['\"])(\w+)\1", re.MULTILINE)


def _lesson(cells: tuple[CodeCell, ...], metadata: dict[str, Any], name: str) -> str | None:
    known = lessons()
    said = [match[2] for cell in cells for match in _LESSON_CALL.finditer(cell.source)]
    said.append(_dict(metadata.get("lmcourse")).get("lesson"))
    return next((lesson for lesson in said if lesson in known), None) or _lesson_in(name)


def _lesson_in(name: str) -> str | None:
    return next((lesson for lesson in lessons() if lesson in name.lower()), None)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON may hold and UTF-8 may not."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)


# --- Finding a class's files ------------------------------------------------------------------

_CLASS = Limits(files=20_000, bytes=20_000_000_000)
_STUDENT = Limits(files=200, bytes=200_000_000)


# What says which of two files is newer: upload, number in the name, time, name.
_Rank = tuple[int, int, tuple[int, ...], tuple[str, ...]]


@dataclass(frozen=True)
class _Owner:
    """Whose a file is. `upload` is a learning platform's own count of uploads."""

    student: str
    upload: int = 0
    from_platform: bool = False


def collect(path: Path, scratch: Path, lesson: str | None = None) -> list[Submission]:
    """Find what each student handed in, by student.

    Parameters
    ----------
    path : one of
        - a folder of notebooks, `<student>.ipynb`
        - a folder of `<student>/<notebook>`
        - an nbgrader course folder, or its `submitted/<student>/<assignment>/<notebook>`
        - what Canvas gives: `<name>[_LATE]_<user>_<upload>_<file>`, or `anon_<id>_<upload>_<file>`
        - what Moodle gives: `<name>_<id>_assignsubmission_file[_]/<file>`, or the same without the
          folder
        - a zip of any of these, or a single notebook

        Where a student's notebook may stand, a zip with notebooks may stand too. A zip at the top
        of a folder is the whole class's if all its names are Canvas's or Moodle's, else one
        student's. One folder around everything in a zip is left out.
    scratch : a folder to unpack zips into
    lesson : grade this lesson alone

    Returns
    -------
    One submission for each student and lesson; with `lesson`, one for each student, of that
    lesson if there is one. Where a student has several files for a lesson, the newest counts, also
    if it cannot be read: that of the platform's latest upload; else that with the highest number
    at the end of its name, as `-2` or ` (2)`; else the file changed last.

    Students are named as the platform names them, with its number, so that equal names stay apart;
    else by folder or file. Hidden files, `.ipynb_checkpoints` and `__MACOSX` are left out. Links
    are not followed.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        If `path` is neither a folder, a zip that can be read, nor a notebook.
    """
    found: dict[str, list[tuple[_Owner, File]]] = {}
    for owner, file in _of_class(path, scratch):
        found.setdefault(printable(owner.student), []).append((owner, file))
    return [
        submission
        for student, files in sorted(found.items())
        for submission in _newest(student, files, lesson)
    ]


def _newest(
    student: str, files: list[tuple[_Owner, File]], wanted: str | None
) -> Iterator[Submission]:
    usable = [(owner, file) for owner, file in files if file.is_notebook or file.unusable]
    if not usable:
        yield _without_notebook(student, files[-1][1])
    groups: dict[str | None, list[tuple[_Rank, Submission]]] = {}
    for owner, file in usable:
        submission = _submission(student, file)
        # Reading takes time: only where there is a choice.
        lesson = submission.read().lesson if len(usable) > 1 else None
        rank = (owner.upload, _copy_number(file), file.modified, file.parts)
        groups.setdefault(lesson, []).append((rank, submission))
    if wanted is not None:
        every = [item for group in groups.values() for item in group]
        groups = {wanted: groups.get(wanted, every)}
    for group in groups.values():
        *older, (_, newest) = sorted(group, key=lambda item: item[0])
        if older:
            name = printable(newest.path.name)
            others = ", ".join(printable(submission.path.name) for _, submission in older)
            note = f"There are several files of yours; this is about {name}, not {others}."
            newest = replace(newest, note=note)
        yield newest


def _submission(student: str, file: File) -> Submission:
    if file.unusable is None:
        return Submission(student, file.path)
    return Submission(student, file.path, _problem(file.unusable, file.name))


def _without_notebook(student: str, file: File) -> Submission:
    reason = Unusable(
        "not_a_notebook",
        f"There is no notebook in {printable(file.name)}. Hand in the .ipynb file: File > Download "
        "> .ipynb.",
    )
    return _submission(student, replace(file, unusable=reason))


def _copy_number(file: File) -> int:
    """Return 2 for "name-2.ipynb" (Canvas, uploaded again) and "name (2).ipynb" (downloaded)."""
    match = re.search(r"(?:-(\d{1,4})| \((\d{1,4})\))$", Path(file.name).stem)
    return int(match[1] or match[2]) if match else 0


def _of_class(path: Path, scratch: Path) -> Iterator[tuple[_Owner, File]]:
    """Yield each file that may hold a student's work, and what a platform says is someone's."""
    if path.is_dir():
        for file in _handed_in(in_folder(path)):
            yield from _of_student(file, scratch)
    elif path.is_file() and path.suffix.lower() == ".zip":
        try:
            with opened(path) as archive:
                files = _handed_in(_without_one_folder(listed(archive)))
                for file in unpack(archive, files, scratch, _CLASS):
                    yield from _of_student(file, scratch)
        except Unusable as reason:
            raise ValueError(f"{path}: {reason}") from None
    elif path.is_file() and path.suffix.lower() == ".ipynb":
        yield _Owner(path.stem), single(path)
    elif path.exists():
        raise ValueError(f"{path} is not a folder, a .zip or an .ipynb file")
    else:
        raise FileNotFoundError(f"there is no {path}")


def _of_student(file: File, scratch: Path) -> Iterator[tuple[_Owner, File]]:
    """Yield a file of the class, or what is in it if it is a zip, each with its owner."""
    owner = _owner(file.parts)
    if file.unusable or not file.is_zip:
        if file.is_wanted or owner.from_platform:
            yield owner, file
        return
    may_be_class = len(file.parts) == 1 and not owner.from_platform
    try:
        if not may_be_class and file.path.stat().st_size > MAX_FILE_BYTES:
            raise too_large("This zip")
        with opened(file.path) as archive:
            files = _without_one_folder(listed(archive))
            if may_be_class and _all_from_platform(files):
                for inner in unpack(archive, files, scratch, _CLASS):
                    yield from _of_student(inner, scratch)
                return
            notebooks = [inner for inner in files if inner.is_notebook]
            for inner in unpack(archive, notebooks, scratch, _STUDENT):
                yield owner, inner
            if not notebooks:
                yield owner, file
    except Unusable as reason:
        yield owner, replace(file, unusable=reason)


def _without_one_folder(files: list[File]) -> list[File]:
    """Drop the one folder around everything that a zip made of a folder has."""
    outer = {file.parts[0] for file in files}
    if len(outer) > 1 or any(len(file.parts) == 1 for file in files) or _all_from_platform(files):
        return files
    return [replace(file, parts=file.parts[1:]) for file in files]


def _handed_in(files: list[File]) -> list[File]:
    """Return the files below `submitted/` if there are any, as in an nbgrader course; else all."""
    submitted = [file for file in files if file.parts[0] == "submitted" and len(file.parts) > 1]
    return [replace(file, parts=file.parts[1:]) for file in submitted] or files


_MOODLE = re.compile(r"(?P<student>.+?)_assignsubmission_(?:file|onlinetext)(?:_.*)?", re.DOTALL)
# An upload's number never starts with 0, but a lesson's does: a_1_02_bigrams.ipynb is not Canvas's.
_CANVAS = (
    re.compile(r"(?:LATE_)?(?P<student>anon_\w+?)_(?P<upload>[1-9]\d{0,17})_.+"),
    re.compile(r"(?P<name>\w+?)(?:_LATE)?_(?P<user>[1-9]\d{0,17})_(?P<upload>[1-9]\d{0,17})_.+"),
)


def _owner(parts: tuple[str, ...]) -> _Owner:
    # The outermost name alone: what is within it, the student has named.
    first = parts[0]
    if match := _MOODLE.fullmatch(first):
        return _Owner(match["student"], from_platform=True)
    if len(parts) > 1:
        return _Owner(first)
    for pattern in _CANVAS:
        if match := pattern.fullmatch(first):
            named = match.groupdict()
            student = named.get("student") or f"{named['name']}_{named['user']}"
            return _Owner(student, int(named["upload"]), from_platform=True)
    return _Owner(Path(first).stem)


def _all_from_platform(files: list[File]) -> bool:
    return bool(files) and all(_owner(file.parts).from_platform for file in files)

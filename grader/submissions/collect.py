"""Collecting: what each student of a class handed in, in whatever folder or zip it came.

Everything here comes from students, names included. Whose a file is, the outermost name alone says,
which the learning platform or the instructor gave; a student's own zip holds work of this student.
Zips are unpacked under names of our own, within limits. Whoever handed in anything is named, with
what was found; never does a bad file stop the class.
"""

import re
import shlex
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from grader.submissions.archives import (
    MAX_FILE_BYTES,
    File,
    Unusable,
    ZipLimits,
    entries,
    in_folder,
    opened,
    single,
    too_large,
    too_slow,
    unpack,
    with_disguised,
)
from grader.submissions.clock import Shares, TimeUp
from grader.submissions.notebook import Notebook, Submission, lesson_in, problem, read
from grader.terminal.names import apart, person, printable
from grader.terminal.words import SHOWN, listed

GRADEBOOK = "gradebook.sqlite"
"""The file by which a folder is known to be a gradebook's, and no student's."""

_CLASS = ZipLimits(files=20_000, bytes=20_000_000_000)
_STUDENT = ZipLimits(files=50, bytes=100_000_000)


_ALL_TOO_SLOW = too_slow("What you handed in")


@dataclass
class Collected:
    """What a class handed in, by student; and what the instructor should know of how it was read.

    `late` are the students whom the platform marked as late.
    """

    submissions: list[Submission]
    remarks: list[str] = field(default_factory=list)
    late: set[str] = field(default_factory=set)


# What says which of two files is newer: upload, number in the name, time, name.
_Rank = tuple[int, int, tuple[int, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Owner:
    """Whose a file is. `upload` is a learning platform's own count of uploads."""

    student: str
    upload: int = 0
    from_platform: bool = False
    is_late: bool = False


def collect(
    path: Path, scratch: Path, lessons: Collection[str], lesson: str | None = None
) -> Collected:
    """Find what each student handed in.

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
        - one student's folder or zip, which its name or those of its files give away: files called
          `02_bigrams.ipynb` or `hw1.ipynb` are no students. It is graded as one.

        Where a student's notebook may stand, a zip with notebooks may stand too; it is that
        student's, whatever the names in it. One folder around everything in a zip is left out.
    scratch : a folder to unpack zips into
    lessons : the names of the course's lessons
    lesson : grade this lesson alone

    Returns
    -------
    One submission for each student and lesson; with `lesson`, one for each student, of that
    lesson if there is one. Where a student has several files for a lesson, the newest counts, also
    if it cannot be read: that of the platform's latest upload; else that with the highest number
    at the end of its name, as `-2` or ` (2)`; else the file changed last. Where no file has a
    notebook's name, one that is a notebook all the same counts, as `hw.ipynb.txt`. Who handed in
    something else, or an empty folder, has a submission that says so.

    Students are named as the platform names them, with its number, so that equal names stay apart;
    else by folder or file. Names that look alike are told apart (`names.apart`). Hidden files,
    `.ipynb_checkpoints` and `__MACOSX` are left out, and so is what an instructor keeps
    beside the hand-ins, as a README or a table. Links are not followed.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        If `path` is neither a folder, a zip that can be read, nor a notebook; or if it looks sorted
        by lesson, not by student.
    """
    collected = Collected([])
    found: dict[str, list[tuple[Owner, File]]] = {}
    shares = Shares()
    for owner, file in _of_path(path, scratch, lessons, collected.remarks, shares):
        found.setdefault(owner.student, []).append((owner, file))
    names = apart(found)
    _remark_on_names(names, collected.remarks)
    for raw, student in sorted(names.items(), key=lambda item: item[1]):
        files = found[raw]
        _remark_on_many(path, student, files, lessons, collected.remarks)
        collected.submissions += _of_student(student, files, lessons, lesson, shares)
        if max(files, key=lambda item: item[0].upload)[0].is_late:
            collected.late.add(student)
    return collected


def _remark_on_names(names: dict[str, str], remarks: list[str]) -> None:
    for raw, student in names.items():
        if student != person(raw):
            remarks.append(
                f"{person(raw)} and {student} are one name in two spellings, and are kept apart"
            )


def _remark_on_many(
    path: Path,
    student: str,
    files: list[tuple[Owner, File]],
    lessons: Collection[str],
    remarks: list[str],
) -> None:
    """Remark on a folder that may hold a class and not a student."""
    inside = {
        file.parts[1] if len(file.parts) > 2 else _COPY.sub("", _stem(file.name))
        for owner, file in files
        if file.is_notebook and len(file.parts) > 1 and not owner.from_platform
    }
    strangers = [name for name in inside if not _is_work(name, lessons)]
    if len(strangers) > SHOWN:
        command = ["grader", "grade", str(path / files[0][0].student), "--out", "DIR"]
        remarks.append(
            f"{student} has {len(files)} files, of which one a lesson is graded; if that is a "
            f"folder of students, grade it itself: {shlex.join(command)}"
        )


# --- One student ------------------------------------------------------------------------------


def _of_student(
    student: str,
    files: list[tuple[Owner, File]],
    lessons: Collection[str],
    wanted: str | None,
    shares: Shares,
) -> Iterator[Submission]:
    usable = [(owner, file) for owner, file in files if file.is_notebook or file.unusable]
    if not usable:
        seen = [(owner, _undisguised(owner, file, shares)) for owner, file in files if file.is_json]
        usable = [(owner, file) for owner, file in seen if file is not None]
    if not usable:
        yield _without_notebook(student, [file for _, file in files])
        return
    groups: dict[str | None, list[tuple[_Rank, Submission]]] = {}
    for owner, file in usable:
        submission, lesson = _submission(student, file), None
        if len(usable) > 1:  # reading takes time: only where there is a choice
            try:
                lesson = shares.run(owner.student, partial(submission.read, lessons)).lesson
            except TimeUp:
                submission = _submission(student, replace(file, unusable=_ALL_TOO_SLOW))
                lesson = lesson_in(file.name, lessons)
        rank = (owner.upload, _copy_number(file), file.modified, file.parts)
        groups.setdefault(lesson, []).append((rank, submission))
    if wanted is not None:
        every = [item for group in groups.values() for item in group]
        groups = {wanted: groups.get(wanted, every)}
    for group in groups.values():
        *older, (_, newest) = sorted(group, key=lambda item: item[0])
        if older:
            name = printable(newest.path.name)
            others = listed(submission.path.name for _, submission in older)
            note = f"There are several files of yours; this is about {name}, not {others}."
            newest = replace(newest, note=f"{note} {newest.note}".strip())
        yield newest


def _undisguised(owner: Owner, file: File, shares: Shares) -> File | None:
    """Return a file if it is a notebook although its name does not end so, or if none can say."""
    if ".ipynb" in file.name.lower():
        return file
    try:
        found = shares.run(owner.student, partial(read, file.path, ()))
    except TimeUp:
        return replace(file, unusable=_ALL_TOO_SLOW)
    return file if isinstance(found, Notebook) else None


def _submission(student: str, file: File) -> Submission:
    if file.unusable is not None:
        return Submission(student, file.path, problem(file.unusable))
    if file.is_notebook:
        return Submission(student, file.path)
    note = (
        f"The file is called {printable(file.name)}; it was read as the notebook that it is. Next "
        "time, hand in a file whose name ends in .ipynb."
    )
    return Submission(student, file.path, note=note)


_KINDS = {
    ".pdf": "a PDF",
    ".py": "a Python script",
    **dict.fromkeys((".html", ".htm"), "a web page or an online text"),
    **dict.fromkeys((".txt", ".md", ".rtf"), "a text"),
    **dict.fromkeys((".doc", ".docx", ".odt", ".pages"), "a document"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".heic", ".gif"), "a picture"),
    **dict.fromkeys((".rar", ".7z", ".tar", ".gz", ".tgz"), "an archive that is not opened here"),
    ".zip": "a zip with no notebook in it",
}


def _without_notebook(student: str, files: list[File]) -> Submission:
    """Return the submission of a student who handed in none, and say what there is."""
    there = [file for file in files if not file.is_folder]
    if not there:
        reason = Unusable(
            "not_submitted", "Nothing was handed in: the folder is empty, or all in it is hidden."
        )
        return _submission(student, replace(files[-1], unusable=reason))
    shown = []
    for file in there[:SHOWN]:
        kind = _KINDS.get(Path(file.name).suffix.lower())
        shown.append(printable(file.name) + (f" ({kind})" if kind else ""))
    more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
    reason = Unusable(
        "not_a_notebook",
        f"There is no notebook in what was handed in: {', '.join(shown)}{more}. Hand in the .ipynb "
        "file itself: in Jupyter or Colab, File > Download > .ipynb.",
    )
    return _submission(student, replace(there[-1], unusable=reason))


# "name-2.ipynb" (Canvas, uploaded again) and "name (2).ipynb" (downloaded).
_COPY = re.compile(r"(?:-(\d{1,4})| \((\d{1,4})\))$")


def _copy_number(file: File) -> int:
    match = _COPY.search(_stem(file.name))
    return int(match[1] or match[2]) if match else 0


def _stem(name: str) -> str:
    """Return a file's name without what says its kind, also where that was said twice."""
    stem = Path(name).stem
    for ending in (".ipynb", ".tar"):
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            stem = stem[: -len(ending)]
    return stem


# --- A class ----------------------------------------------------------------------------------


def _of_path(
    path: Path, scratch: Path, lessons: Collection[str], remarks: list[str], shares: Shares
) -> Iterator[tuple[Owner, File]]:
    """Yield each file that may hold a student's work, and what a platform says is someone's."""
    if path.is_dir():
        files, student = _sorted_out(path, path.resolve().name, in_folder(path), lessons, remarks)
        yield from _owned(files, student, scratch, shares)
    elif path.is_file() and path.suffix.lower() == ".zip":
        try:
            with opened(path) as archive:
                outer, inner = _without_one_folder(entries(archive))
                files, student = _sorted_out(path, outer or path.stem, inner, lessons, remarks)
                limits = _STUDENT if student else _CLASS
                files = with_disguised(archive, files, limits.files)
                unpacked = unpack(archive, files, scratch, limits)
                yield from _owned(unpacked, student, scratch, shares)
        except Unusable as reason:
            raise ValueError(f"{path}: {reason}") from None
    elif path.is_file() and path.suffix.lower() == ".ipynb":
        yield _owner((path.name,)), single(path)
    elif path.exists():
        raise ValueError(f"{path} is not a folder, a .zip or an .ipynb file")
    else:
        raise FileNotFoundError(f"there is no {path}")


def _sorted_out(
    path: Path, name: str, files: list[File], lessons: Collection[str], remarks: list[str]
) -> tuple[list[File], str | None]:
    """Return the files that were handed in, and whose they are if they are one student's."""
    files = _handed_in(files)
    student, reason = _one_student(path, name, files, lessons)
    if student is not None:
        remarks.append(
            f"{path} looks like what one student handed in: {reason}. It is graded as that of "
            f"{printable(student)}; to grade a class, name the folder or zip that holds all of it"
        )
        return files, student
    books = sorted({file.parts[0] for file in files if file.parts[1:] == (GRADEBOOK,)})
    if books and path.is_dir():
        remarks.append(f"left out, as folders of gradebooks: {listed(books)}")
        files = [file for file in files if file.parts[0] not in books]
    ours = [file.name for file in files if len(file.parts) == 1 and _is_ours(file)]
    if ours:
        remarks.append(f"left out, as nobody's work: {listed(ours)}")
    return [file for file in files if len(file.parts) > 1 or not _is_ours(file)], None


def _owned(
    files: Iterable[File], student: str | None, scratch: Path, shares: Shares
) -> Iterator[tuple[Owner, File]]:
    """Yield whose each file is, and the file, or what is in it if it is a zip."""
    for file in files:
        owner = Owner(student) if student else _owner(file.parts, is_folder=file.is_folder)
        if file.unusable or not file.is_zip:
            yield owner, file
            continue
        try:
            found = shares.run(owner.student, partial(_unzipped, file, scratch))
        except TimeUp:
            found = [replace(file, unusable=_ALL_TOO_SLOW)]
        yield from ((owner, inner) for inner in found)


def _unzipped(file: File, scratch: Path) -> list[File]:
    """Return what is in a zip that a student handed in."""
    try:
        if file.path.stat().st_size > MAX_FILE_BYTES:
            raise too_large("This zip")
        with opened(file.path, is_students=True) as archive:
            _, files = _without_one_folder(entries(archive))
            if len(_students_of_platform(files)) > 1:
                raise Unusable(
                    "not_a_notebook",
                    f"{printable(file.name)} holds what Canvas or Moodle gives for a whole class. "
                    "A student hands in a notebook; a class is graded by the name of its own zip: "
                    "grader grade FILE.zip.",
                )
            found = [inner for inner in files if inner.is_notebook]
            if not found:
                files = with_disguised(archive, files, _STUDENT.files)
                found = [inner for inner in files if inner.is_json]
            return list(unpack(archive, found, scratch, _STUDENT)) or [file]
    except Unusable as reason:
        return [replace(file, unusable=reason)]


def _without_one_folder(files: list[File]) -> tuple[str, list[File]]:
    """Drop the one folder around everything that a zip made of a folder has; return its name."""
    outer = {file.parts[0] for file in files}
    if (
        len(outer) != 1
        or any(len(file.parts) == 1 for file in files)
        or _owner(files[0].parts).from_platform
    ):
        return "", files
    return outer.pop(), [replace(file, parts=file.parts[1:]) for file in files]


def _handed_in(files: list[File]) -> list[File]:
    """Return the files below `submitted/` if there are any, as in an nbgrader course; else all."""
    submitted = [file for file in files if file.parts[0] == "submitted" and len(file.parts) > 1]
    return [replace(file, parts=file.parts[1:]) for file in submitted] or files


_OURS = re.compile(
    r"(?:readme|licen[cs]e|makefile|timestamp)(?:\..*)?"
    r"|.*\.(?:csv|tsv|xlsx?|ods|sqlite|db|key|log|toml|ya?ml|ini|cfg|sh|bat|ps1)"
    r"|nbgrader_config\.py",
    re.IGNORECASE,
)


def _is_ours(file: File) -> bool:
    """Return whether a file beside the hand-ins is the instructor's, by its name."""
    return not (file.is_wanted or file.is_folder) and _OURS.fullmatch(file.name) is not None


# --- Whose a file is --------------------------------------------------------------------------

# Greedy: a mark within a name or a file's name never makes it another student's.
_MOODLE = re.compile(r"(?P<student>.+)_assignsubmission_(?:file|onlinetext)(?:_.*)?", re.DOTALL)
# An upload's number never starts with 0, but a lesson's does: a_1_02_bigrams.ipynb is not Canvas's.
_CANVAS = (
    re.compile(r"(?P<late>LATE_)?(?P<student>anon_\w+?)_(?P<upload>[1-9]\d{0,17})_.+"),
    re.compile(
        r"(?P<name>\w+?)(?P<late>_LATE)?_(?P<user>[1-9]\d{0,17})_(?P<upload>[1-9]\d{0,17})_.+"
    ),
    # A text or a link has no number of its own.
    re.compile(r"(?P<late>LATE_)?(?P<student>anon_\w+?)_(?:text|link)(?:-\d+)?\.html"),
    re.compile(
        r"(?P<name>\w+?)(?P<late>_LATE)?_(?P<user>[1-9]\d{0,17})_(?:text|link)(?:-\d+)?\.html"
    ),
)


def _owner(parts: tuple[str, ...], *, is_folder: bool = False) -> Owner:
    # The outermost name alone: what is within it, the student has named.
    first = parts[0]
    if match := _MOODLE.fullmatch(first):
        return Owner(match["student"], from_platform=True)
    if is_folder or len(parts) > 1:
        return Owner(first)
    # Canvas keeps accents, and those that are characters of their own are no \w.
    shape = "".join("x" if unicodedata.category(sign)[0] == "M" else sign for sign in first)
    for pattern in _CANVAS:
        if match := pattern.fullmatch(shape):
            named = {group: first[slice(*match.span(group))] for group in pattern.groupindex}
            student = named.get("student") or f"{named['name']}_{named['user']}"
            upload = int(named.get("upload") or 0)
            is_late = named["late"] != ""
            return Owner(student, upload, from_platform=True, is_late=is_late)
    return Owner(_stem(first))


def owner_of(path: Path) -> Owner:
    """Return whose a repository is, by the name of its folder, of its zip, or of git's folder."""
    path = path.resolve()
    if path.name == ".git":
        path = path.parent
    owner = _owner((path.name.removesuffix(".git"),), is_folder=path.is_dir())
    return replace(owner, student=person(owner.student) or "nobody")


def is_archive(path: Path) -> bool:
    """Return whether a file's name says that it is an archive, of a kind that is not opened too."""
    return _KINDS.get(path.suffix.lower(), "").startswith(("an archive", "a zip"))


def _students_of_platform(files: list[File]) -> set[str]:
    """Return whom the files of a class's zip are of; nobody if a name is not a platform's."""
    owners = [_owner(file.parts) for file in files]
    known = all(owner.from_platform for owner in owners)
    return {owner.student for owner in owners} if known else set()


_WORK = re.compile(r"(?:hw|homework|assignment|lab|untitled)[ _-]?\d*", re.IGNORECASE)
_AROUND = re.compile(r"(?:copy[ _]of|final|solved|solution|[\W\d_])*", re.IGNORECASE)


def _is_work(name: str, lessons: Collection[str]) -> bool:
    """Return whether a name is that of a piece of work and not of a person."""
    name = _COPY.sub("", name)
    lesson = lesson_in(name, lessons)
    if lesson is not None:
        return _AROUND.fullmatch(name.lower().replace(lesson, "")) is not None
    return _WORK.fullmatch(name) is not None


def _one_student(
    path: Path, name: str, files: list[File], lessons: Collection[str]
) -> tuple[str | None, str]:
    """Return whose all the files at `path` are if one student's, and what says so.

    `name` is that of the folder, or of the folder in the zip.

    Raises
    ------
    ValueError
        If it is sorted by lesson, and below that by student.
    """
    owner = _owner((path.name,), is_folder=path.is_dir())
    if owner.from_platform:
        return owner.student, "its name is a student's"
    parents = [parent.name for parent in path.resolve().parents[:2]]
    if "submitted" in parents and _is_nbgrader(path.resolve().parents[parents.index("submitted")]):
        return [name, *parents][parents.index("submitted")], "it is in nbgrader's folder submitted"
    work = [file for file in files if file.is_notebook or file.is_zip]
    tops: dict[str, set[str]] = {}
    for file in work:
        inner = _COPY.sub("", _stem(file.name)) if len(file.parts) > 1 else ""
        tops.setdefault(file.parts[0] if inner else _stem(file.name), set()).add(inner)
    if not tops or not all(_is_work(top, lessons) for top in tops):
        return None, ""
    for folder, inside in tops.items():
        if sum(not _is_work(stem, lessons) for stem in inside - {""}) > 1:
            names = listed(sorted(inside))
            command = shlex.join(["grader", "grade", str(path / folder), "--out", "DIR"])
            raise ValueError(
                f"{path} looks sorted by lesson, and not by student: {folder} holds {names}. Grade "
                f"each lesson's folder by itself: {command}"
            )
    first = printable(work[0].parts[0])
    return name, f"its files are named after work, as {first}, not after students"


def _is_nbgrader(submitted: Path) -> bool:
    return any(
        (submitted.parent / name).exists()
        for name in ("gradebook.db", "nbgrader_config.py", "source")
    )

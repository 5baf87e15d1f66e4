"""Submissions: reading each notebook as plain data.

Everything here comes from students. Nothing of it is run or imported; and a bad file becomes a
`Problem` with a sentence for its student, never an exception that stops the class.
"""

import contextlib
import hashlib
import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.submissions.archives import MAX_FILE_BYTES, Unusable, too_large, too_slow
from grader.submissions.cells import Cell
from grader.submissions.clock import Clock, TimeUp
from grader.submissions.notebook_file import FORMAT, Unreadable, parse

MAX_CODE_CHARACTERS = 500_000
MAX_CELL_CHARACTERS = 100_000
MAX_NAME = 100
"""Characters that are read of a language's or a kernel's name."""

_AGAIN = "Download it again with File > Download > .ipynb and hand in that file."


@dataclass(frozen=True)
class Notebook:
    """A notebook that can be graded, if it is of the right lesson.

    `lesson` is None when nothing says which it is. `note` is what its student should know about
    how the file was read; often empty.
    """

    cells: tuple[Cell, ...]
    lesson: str | None
    sha256: str
    note: str = ""


@dataclass(frozen=True)
class Problem:
    """Why a file cannot be graded.

    `status` is one of those that a submission may have; `message` says what happened and what to
    do, to the student. `lesson` is what the file's name says.
    """

    status: str
    message: str
    sha256: str
    lesson: str | None = None


@dataclass(frozen=True)
class Submission:
    """One file of one student.

    `problem` says why there is nothing to read at `path`; `note` what became of other files.
    """

    student: str
    path: Path
    problem: Problem | None = None
    note: str = ""

    def read(self, lessons: Collection[str]) -> Notebook | Problem:
        """Return what was handed in, for one of the course's `lessons`."""
        found = self.problem or read(self.path, lessons)
        if isinstance(found, Problem):
            message = _sentences(found.message, self.note)
            return replace(found, message=message, lesson=lesson_in(self.path.name, lessons))
        return replace(found, note=_sentences(found.note, self.note))


# --- Reading one notebook ---------------------------------------------------------------------


def read(path: Path, lessons: Collection[str]) -> Notebook | Problem:
    """Return the notebook in a file, or why it cannot be graded; never raises for a bad file.

    Its lesson is that of `lessons` which a cell names with `check.lesson("...")`, else the metadata
    (`grader.lesson`), else the file's name.
    """
    data = b""
    try:
        data = _contents(path)
        return Clock(time.monotonic()).run(lambda: _parse(data, path.name, lessons))
    except TimeUp:
        return problem(too_slow("This file"), data)
    except Unusable as reason:
        return replace(problem(reason, data), lesson=lesson_in(path.name, lessons))


def problem(reason: Unusable, data: bytes = b"") -> Problem:
    """Return why a file with these bytes cannot be graded."""
    message = str(reason)
    digest = hashlib.sha256(data or message.encode()).hexdigest()
    return Problem(reason.status, message, digest)


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


def _parse(data: bytes, name: str, lessons: Collection[str]) -> Notebook:
    if len(data) > MAX_FILE_BYTES:
        raise too_large("This file")
    try:
        raw, version = parse(data)
    except Unreadable as reason:
        raise _not_a_notebook(str(reason)) from None
    notes = []
    if version < FORMAT:
        notes.append(f"The file is in an old format ({version}); it was read as a new one.")
    metadata = _dict(raw.get("metadata"))
    cells = tuple(_code_cells(raw.get("cells")))
    if not any(cell.source.strip() for cell in cells):
        raise Unusable(
            "empty",
            "This notebook has no code in it. Open it, see that your work is there, save it, and "
            "hand in that file.",
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
        lesson=_lesson(cells, metadata, name, lessons),
        sha256=hashlib.sha256(data).hexdigest(),
        note=" ".join(notes),
    )


def _code_cells(cells: Any) -> Iterator[Cell]:
    if not isinstance(cells, list):
        raise _not_a_notebook("it has no list of cells")
    count = characters = 0
    for number, cell in enumerate(cells, 1):
        source = cell.get("source") if isinstance(cell, dict) else None
        if isinstance(source, list):
            with contextlib.suppress(TypeError):  # not all of them lines
                source = "".join(source)
        if not isinstance(source, str):
            raise _not_a_notebook(f"its cell {number} is broken")
        if cell.get("cell_type") == "code":
            characters += len(source)
            if len(source) > MAX_CELL_CHARACTERS:
                raise _too_much_code(f"in cell {number}", MAX_CELL_CHARACTERS)
            if characters > MAX_CODE_CHARACTERS:
                raise _too_much_code("in this notebook", MAX_CODE_CHARACTERS)
            tags = _dict(cell.get("metadata")).get("tags")
            named = tags if isinstance(tags, list) else []
            count += 1
            yield Cell(count, _whole(source), tuple(tag for tag in named if isinstance(tag, str)))


def _too_much_code(where: str, limit: int) -> Unusable:
    return Unusable(
        "too_large",
        f"The code {where} is longer than {limit:,} characters. Take out what was pasted in, such "
        "as data, and hand it in again.",
    )


def _language(metadata: dict[str, Any]) -> str | None:
    """Return the language in lower case, or None if nothing says."""
    kernel = _dict(metadata.get("kernelspec"))
    for said in (kernel.get("language"), _dict(metadata.get("language_info")).get("name")):
        if isinstance(said, str) and said:
            return _whole(said[:MAX_NAME]).lower()
    kernel_name = kernel.get("name")
    # Colab names the kernel alone.
    known = {"python": "python", "ir": "r", "julia": "julia"}
    plain = kernel_name[:MAX_NAME].lower() if isinstance(kernel_name, str) else ""
    return known.get(re.split(r"[\d.-]", plain)[0])


_LESSON_CALL = re.compile(r"^[ \t]*check\.lesson\([ \t]*(['\"])(\w+)\1", re.MULTILINE)


def _lesson(
    cells: tuple[Cell, ...], metadata: dict[str, Any], name: str, lessons: Collection[str]
) -> str | None:
    said = [match[2] for cell in cells for match in _LESSON_CALL.finditer(cell.source)]
    said.append(_dict(metadata.get("grader")).get("lesson"))
    return next((lesson for lesson in said if lesson in lessons), None) or lesson_in(name, lessons)


def lesson_in(name: str, lessons: Collection[str]) -> str | None:
    """Return which of `lessons` is within the name of a file, if one is."""
    return next((lesson for lesson in lessons if lesson in name.lower()), None)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON may hold and UTF-8 may not."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)

"""Copies of what was handed in, cut to what a feedback page may show.

A copy is a small notebook of source, plain text and PNG pictures: whatever else a file held, HTML
and scripts among it, never reaches the gradebook's folder.
"""

import base64
import contextlib
import hashlib
import json
import re
import struct
import unicodedata
from pathlib import Path
from typing import Any

from grader.formats.files import write_text
from grader.submissions.archives import MAX_FILE_BYTES
from grader.submissions.notebook_file import FORMAT, Unreadable, parse

FOLDER = "submissions"

MAX_CELLS = 500
MAX_OUTPUTS = 20
"""Outputs of one cell."""
MAX_SOURCE = 20_000
"""Characters of one cell."""
MAX_OUTPUT = 5_000
"""Characters of one output."""
MAX_READ = 20 * MAX_OUTPUT
"""Characters of one output that are looked at; some write the same line over and over."""
MAX_TEXT = 1_000_000
"""Characters of one notebook, outputs and all."""
MAX_PICTURE = 700_000
"""Characters of one picture, in base 64."""
MAX_PICTURES = 4_000_000
"""Characters of all pictures of one notebook."""
MAX_PIXELS = 16_000_000
"""Of one picture: a few bytes of PNG can fill a reader's memory."""

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # what colours a terminal's text
_PNG = b"\x89PNG\r\n\x1a\n"


def slug(student: str) -> str:
    """Return a file name for a student: safe anywhere, and another one for every name."""
    plain = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-")
    digest = hashlib.sha256(student.encode(errors="replace")).hexdigest()[:12]
    return f"{words}-{digest}" if words else digest


def copy_path(folder: Path, student: str, lesson: str) -> Path:
    """Return where the copy of a submission is, or would be, below the gradebook's `folder`."""
    return folder / FOLDER / slug(student) / f"{lesson or 'no-lesson'}.ipynb"


def keep_copy(folder: Path, student: str, lesson: str, submission: Path) -> None:
    """Keep a copy of `submission` below the gradebook's `folder`, in place of an earlier one.

    Of a file that is no notebook, none is kept.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    path = copy_path(folder, student, lesson)
    notebook = _read(submission)
    if notebook is None:
        path.unlink(missing_ok=True)
        return
    write_text(path, json.dumps(_cut(notebook)) + "\n")


def read_copy(folder: Path, student: str, lesson: str) -> list[dict[str, Any]]:
    """Return the cells of a submission's copy, or none if there is no copy.

    A cell has its `cell_type` and `source`, and one of code its `outputs`: of each the `text`, or
    the `image/png` in base 64 with its text alternative.
    """
    try:
        notebook = json.loads(copy_path(folder, student, lesson).read_text("utf-8"))
    except FileNotFoundError:
        return []
    return [
        {
            "cell_type": cell["cell_type"],
            "source": cell["source"],
            "outputs": [_shown(output) for output in cell.get("outputs", ())],
        }
        for cell in notebook["cells"]
    ]


def _shown(output: dict[str, Any]) -> dict[str, str]:
    if output["output_type"] == "stream":
        return {"text": output["text"]}
    data = output["data"]
    picture = {"image/png": data["image/png"]} if "image/png" in data else {}
    return {"text": data["text/plain"]} | picture


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError:
        return None
    if len(data) > MAX_FILE_BYTES:
        return None
    with contextlib.suppress(Unreadable):
        notebook, _ = parse(data)
        if isinstance(notebook.get("cells"), list):
            return notebook
    return None


class _Budget:
    """How many characters of a notebook may still be kept."""

    def __init__(self) -> None:
        self._text = MAX_TEXT
        self._pictures = MAX_PICTURES

    def text(self, text: str, limit: int) -> str:
        """Return the beginning of a text, and how much was cut off."""
        kept = text[: min(limit, self._text)]
        self._text -= len(kept)
        left_out = len(text) - len(kept)
        note = f"\n[{left_out:,} more characters are left out here]" if left_out else ""
        return kept.encode(errors="replace").decode() + note

    def picture(self, text: str) -> str:
        """Return a PNG in base 64 without line breaks, or "" if it may not be shown."""
        if len(text) > min(MAX_PICTURE, self._pictures):
            return ""
        try:
            data = base64.b64decode("".join(text.split()), validate=True)
        except ValueError:
            return ""
        if len(data) < 24 or not data.startswith(_PNG) or data[12:16] != b"IHDR":
            return ""
        width, height = struct.unpack(">II", data[16:24])
        if width * height > MAX_PIXELS:
            return ""
        self._pictures -= len(text)
        return base64.b64encode(data).decode()


def _cut(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a valid notebook with what may be shown of another."""
    budget = _Budget()
    cells = _dicts(notebook["cells"])
    kept = [_cell(cell, budget) for cell in cells[:MAX_CELLS]]
    if len(cells) > MAX_CELLS:
        note = f"{len(cells) - MAX_CELLS:,} more cells are left out here."
        kept.append({"cell_type": "markdown", "metadata": {}, "source": note})
    lesson = _dict(_dict(notebook.get("metadata")).get("grader")).get("lesson")
    said = {"grader": {"lesson": lesson}} if isinstance(lesson, str) else {}
    return {
        "cells": kept,
        "metadata": {"language_info": {"name": "python"}} | said,
        "nbformat": FORMAT,
        "nbformat_minor": 4,
    }


def _cell(cell: dict[str, Any], budget: _Budget) -> dict[str, Any]:
    source = budget.text(_joined(cell.get("source")), MAX_SOURCE)
    if cell.get("cell_type") != "code":
        return {"cell_type": "markdown", "metadata": {}, "source": source}
    outputs = _dicts(cell.get("outputs"))
    kept = [_output(output, budget) for output in outputs[:MAX_OUTPUTS]]
    if len(outputs) > MAX_OUTPUTS:
        kept.append(_printed(f"[{len(outputs) - MAX_OUTPUTS:,} more outputs are left out here]"))
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": kept,
        "source": source,
    }


def _output(output: dict[str, Any], budget: _Budget) -> dict[str, Any]:
    match output.get("output_type"):
        case "stream":
            return _printed(budget.text(_plain(_joined(output.get("text"))), MAX_OUTPUT))
        case "error":
            traceback = _plain(_joined(output.get("traceback"), "\n"))
            return _printed(budget.text(traceback, MAX_OUTPUT))
    data = _dict(output.get("data"))
    text = budget.text(_plain(_joined(data.get("text/plain"))), MAX_OUTPUT)
    if picture := budget.picture(_joined(data.get("image/png"))):
        shown = {"text/plain": text, "image/png": picture}
        return {"output_type": "display_data", "metadata": {}, "data": shown}
    return _printed(text if text.strip() else "[an output that cannot be shown here]")


def _printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def _plain(text: str) -> str:
    """Return text without colours, and of a line that was written over its last state alone.

    Only the beginning of a very long one is read.
    """
    lines = _ANSI.sub("", text[:MAX_READ]).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _joined(value: Any, between: str = "") -> str:
    """Return a text that a notebook may hold as a list of its lines; "" for anything else."""
    if isinstance(value, list):
        value = between.join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []

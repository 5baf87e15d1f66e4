"""A notebook's file as data: read in time and memory that its size bounds, in any of its formats.

nbformat copies an old notebook again and again while it brings it up to date, and checks far more
than grading needs.
"""

import json
import re
from typing import Any

FORMAT = 4
MAX_PARTS = 500_000
"""Texts, lists, dicts and items of them: each takes far more memory than the file says."""

_PART = re.compile(r'[\[{,"]')


class Unreadable(ValueError):
    """The bytes are not a notebook; the message says why, after "it"."""


def parse(data: bytes) -> tuple[dict[str, Any], int]:
    """Return the notebook in a file's bytes, as the format `FORMAT` has it, and its own format.

    Of an older one there is what grading and feedback need: the cells' source, tags and outputs.
    What is within a notebook may still be of any kind.

    Raises
    ------
    Unreadable
        If the bytes hold no notebook.
    """
    notebook = _json(data)
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if not isinstance(notebook, dict) or type(version) is not int:
        raise Unreadable("it is JSON, but of another kind")
    if version > FORMAT:
        number = str(version)[:20]
        raise Unreadable(f"its format, {number}, is newer than any that can be read here")
    if version == FORMAT:
        return notebook, version
    try:
        cells = [_upgraded(cell) for sheet in _sheets(notebook, version) for cell in sheet["cells"]]
    except (AttributeError, KeyError, TypeError):
        raise Unreadable("it is in an old format, and broken") from None
    return {"cells": cells, "metadata": notebook.get("metadata")}, version


def _sheets(notebook: dict[str, Any], version: int) -> list[dict[str, Any]]:
    """Return what holds the cells of an older notebook: two formats had several sheets."""
    sheets = [notebook] if version == 1 else notebook["worksheets"]
    if version < 1 or not isinstance(sheets, list):
        raise TypeError("no such format")
    return sheets


def _json(data: bytes) -> Any:
    if not data.strip():
        raise Unreadable("there is nothing in it")
    try:
        text = data.decode(json.detect_encoding(data), "surrogatepass")
        _require_few_parts(text)
        return json.loads(text)
    except RecursionError:
        raise Unreadable("its JSON is nested too deeply") from None
    except Unreadable:
        raise
    except (ValueError, MemoryError):
        raise Unreadable("it is not valid JSON") from None


def _require_few_parts(text: str) -> None:
    # Those within texts too, which is soon counted, and enough for all but few notebooks.
    if text.count("[") + text.count("{") + text.count(",") + text.count('"') / 2 <= MAX_PARTS:
        return
    decode = json.JSONDecoder().raw_decode
    count = position = 0
    while found := _PART.search(text, position):
        position = found.end()
        if found[0] == '"':
            _, position = decode(text, found.start())
        count += 1
        if count > MAX_PARTS:
            raise Unreadable(f"it has more than {MAX_PARTS:,} parts")


def _upgraded(cell: dict[str, Any]) -> dict[str, Any]:
    kind = cell["cell_type"]
    if kind != "code":
        source = cell["text"] if "text" in cell else cell["source"]
        return {"cell_type": "markdown", "metadata": cell.get("metadata"), "source": source}
    outputs = cell.get("outputs")
    return {
        "cell_type": "code",
        "metadata": cell.get("metadata"),
        "source": cell["input"] if "input" in cell else cell["code"],
        "outputs": [_upgraded_output(output) for output in outputs] if outputs else [],
    }


def _upgraded_output(output: dict[str, Any]) -> dict[str, Any]:
    match output["output_type"]:
        case "stream":
            return {"output_type": "stream", "text": output.get("text")}
        case "pyerr":
            return {"output_type": "error", "traceback": output.get("traceback")}
    data = {"text/plain": output.get("text"), "image/png": output.get("png")}
    return {"output_type": "display_data", "data": data}

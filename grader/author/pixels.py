"""Pictures in a notebook: one that shows what it showed before keeps its bytes.

How a PNG is packed, and what it says of the program that made it, differs between versions of
libraries; what it shows may not.
"""

import base64
import io
from typing import Any

import numpy as np
from matplotlib.image import imread
from nbformat import NotebookNode

_PNG = "image/png"


def keep_pictures(executed: NotebookNode, before: dict[str, Any]) -> None:
    """Write the pictures of `executed` as in `before`, an earlier notebook, if they show the same.

    Pictures are compared within a cell, in their order, with those of the cell of the same id.
    """
    earlier = {cell["id"]: _pictures(cell) for cell in before.get("cells", ()) if "id" in cell}
    for cell in executed.cells:
        for output, old in zip(_pictures(cell), earlier.get(cell.id, ()), strict=False):
            was, now = old["data"][_PNG], output["data"][_PNG]
            if was != now and _show_the_same(was, now):
                # Some outputs have the picture in their HTML too.
                for kind, text in output["data"].items():
                    if isinstance(text, str):
                        output["data"][kind] = text.replace(now.strip(), was.strip())
                output["data"][_PNG] = was


def _pictures(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        output
        for output in cell.get("outputs", ())
        if isinstance(output.get("data", {}).get(_PNG), str)
    ]


def _show_the_same(one: str, other: str) -> bool:
    """Return whether two PNGs, in base 64, have the same pixels."""
    try:
        first, second = (imread(io.BytesIO(base64.b64decode(text))) for text in (one, other))
    except (OSError, ValueError, SyntaxError):  # what Pillow raises for what is no PNG
        return False
    return np.array_equal(first, second)

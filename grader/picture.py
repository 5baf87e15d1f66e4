"""The README's picture: the ladder, as a solved notebook shows it."""

import base64
import json
from pathlib import Path

LESSON = "02_bigrams"
PICTURE = Path(".github/images/ladder.png")


def ladder(root: Path) -> bytes | None:
    """Return the PNG of the last ladder in the executed lesson, or None if there is none."""
    solved = root / "solutions" / f"{LESSON}.ipynb"
    if not solved.is_file():
        return None
    pictures = [
        "".join(output["data"]["image/png"])
        for cell in json.loads(solved.read_text("utf-8"))["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {}) and "plots.ladder(" in "".join(cell["source"])
    ]
    return base64.b64decode(pictures[-1]) if pictures else None


def is_current(root: Path) -> bool:
    """Return whether the README's picture is the lesson's."""
    file = root / PICTURE
    return ladder(root) == (file.read_bytes() if file.is_file() else None)


def write(root: Path) -> None:
    """Write the README's picture, if the lesson has one."""
    png = ladder(root)
    if png is not None:
        (root / PICTURE).parent.mkdir(parents=True, exist_ok=True)
        (root / PICTURE).write_bytes(png)

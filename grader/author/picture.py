"""The README's picture: the ladder, as the last lesson that has one shows it."""

import base64
import json
from pathlib import Path

PICTURE = Path(".github/images/ladder.png")


def ladder(root: Path) -> bytes | None:
    """Return the PNG of the last ladder in the executed lessons, or None if there is none."""
    for solved in sorted((root / "solutions").glob("[0-9][0-9]_*.ipynb"), reverse=True):
        pictures = [
            "".join(output["data"]["image/png"])
            for cell in json.loads(solved.read_text("utf-8"))["cells"]
            for output in cell.get("outputs", [])
            if "losses" in output.get("metadata", {})
        ]
        if pictures:
            return base64.b64decode(pictures[-1])
    return None


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

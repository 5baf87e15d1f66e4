"""The README's picture: the ladder, as the lesson that the configuration names shows it."""

import base64
import json
from pathlib import Path

from grader.course.lessons import Course

PICTURE = Path(".github/images/ladder.png")


def ladder(course: Course) -> bytes | None:
    """Return the PNG of the last ladder in the executed lesson, or None if there is none."""
    lesson = course.configuration.ladder
    if not lesson or not (solved := course.paths(lesson).solved).is_file():
        return None
    pictures = [
        "".join(output["data"]["image/png"])
        for cell in json.loads(solved.read_text("utf-8"))["cells"]
        for output in cell.get("outputs", [])
        if "losses" in output.get("metadata", {})
    ]
    return base64.b64decode(pictures[-1]) if pictures else None


def is_current(course: Course) -> bool:
    """Return whether the README's picture is the lesson's."""
    file = course.root / PICTURE
    return ladder(course) == (file.read_bytes() if file.is_file() else None)


def write(course: Course) -> None:
    """Write the README's picture, if the lesson has one."""
    png = ladder(course)
    if png is not None:
        file = course.root / PICTURE
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png)

"""What the built files were built from: `solutions/built.json`, the one place that says so.

    {"02_bigrams": {"source": "...", "solved": "...", "recording": "..."}}

`source` is the SHA-256 of all that the lesson's run was made of, the others are those of the files
that came of it. A change that alters none of these files thus alters a line here, and not them.
"""

import hashlib
import json
from pathlib import Path

from grader.course.lessons import Course
from grader.formats.files import write_text


def file_of(course: Course) -> Path:
    """Return where the course's lessons are said to be built from what."""
    return course.root / course.configuration.solutions / "built.json"


def read_built(course: Course) -> dict[str, dict[str, str]]:
    """Return what is said of each lesson; of none, where the file is not there or broken."""
    try:
        said = json.loads(file_of(course).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    entries = said.items() if isinstance(said, dict) else ()
    return {name: entry for name, entry in entries if isinstance(entry, dict)}


def write_built(course: Course, name: str, source: str) -> None:
    """Say that the files of lesson `name`, as they are now, were built from `source`."""
    files = course.paths(name)
    entry = {"source": source, "solved": sha256(files.solved), "recording": sha256(files.recording)}
    said = read_built(course) | {name: entry}
    kept = {lesson: said[lesson] for lesson in course.names if lesson in said}
    write_text(file_of(course), json.dumps(kept, indent=1) + "\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, or "" if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""

"""Courses made with `grader new-course`; each needs a name of its own, as its package has it."""

from pathlib import Path

from grader.cli import main
from grader.course.lessons import Course


def new_course(folder: Path, changes: dict[str, list[tuple[str, str]]] | None = None) -> Course:
    """Make a course in `folder`, with `changes` to its files: what stands there, and what then."""
    assert main(["new-course", str(folder)]) == 0
    for path, replacements in (changes or {}).items():
        text = (folder / path).read_text("utf-8")
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        (folder / path).write_text(text, "utf-8")
    return Course(folder)


def grader(course: Course, *arguments: object) -> int:
    """Run a command on `course`; return its exit status."""
    return main(["--course", str(course.root), *map(str, arguments)])

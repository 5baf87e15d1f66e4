"""The second course, `examples/numpy_basics`, and copies of it to change."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course import ROOT

from grader.checks import registry
from grader.course.lessons import Course

FOLDER = ROOT / "examples" / "numpy_basics"
PACKAGE = "numpy_basics"


def copy(to: Path) -> Path:
    """Copy the course, as built, to a new folder; return that."""
    return Path(shutil.copytree(FOLDER, to, ignore=shutil.ignore_patterns("__pycache__")))


@contextmanager
def example(root: Path = FOLDER) -> Iterator[Course]:
    """Give the course in `root`, the example or a copy of it.

    A process knows a course's package from one place alone, so what it knew of another copy is
    forgotten before, and what it knows of this one afterwards.
    """
    _forget()
    try:
        yield Course(root)
    finally:
        _forget()


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    registry._REGISTRY.pop(PACKAGE, None)
    for home in [home for home in registry._PROBES if home.startswith(f"{PACKAGE}.")]:
        del registry._PROBES[home]

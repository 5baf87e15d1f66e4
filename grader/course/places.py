"""Where things are in a checkout."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import lmcourse

ROOT = Path(lmcourse.__file__).parent.parent
"""The checkout."""


@dataclass(frozen=True)
class Paths:
    """Where a lesson's built files are."""

    student: Path
    solved: Path
    recording: Path


def paths(root: Path, name: str) -> Paths:
    """Return where the built files of lesson `name` are below `root`."""
    return Paths(
        root / "notebooks" / f"{name}.ipynb",
        root / "solutions" / f"{name}.ipynb",
        root / "lmcourse" / "recordings" / f"{name}.json",
    )


def checks_path(root: Path, name: str) -> Path:
    """Return where the checks of lesson `name` are: "02_bigrams" has checks/bigrams.py."""
    return root / "lmcourse" / "checks" / f"{name.partition('_')[2]}.py"


@cache
def lessons() -> list[str]:
    """Return the names of this checkout's lessons, in order."""
    return lesson_names(ROOT)


def lesson_names(root: Path) -> list[str]:
    """Return the names of the lessons below `root`, in order."""
    return sorted(path.stem for path in (root / "solutions").glob("[0-9][0-9]_*.py"))

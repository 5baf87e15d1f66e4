"""Files that are there whole or not at all, also when the machine stops while one is written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unfinished(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """Give the path of an empty file that becomes `path` at the end, unless something is raised.

    `mode` is who may use it, less what this user gives to nobody. The folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write the text to the file, in UTF-8 and with newlines as they are, or leave it as it is."""
    with unfinished(path) as part:
        part.write_text(text, "utf-8", newline="\n")

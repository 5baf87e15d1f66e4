"""Files that the site's other extensions write for Sphinx to read."""

from pathlib import Path

from grader.formats.files import write_text


def write(path: Path, text: str) -> None:
    """Write `text` to `path`, unless it stands there: Sphinx reads again what is newer."""
    if path.is_file() and path.read_text("utf-8") == text:
        return
    write_text(path, text)

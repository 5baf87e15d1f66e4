"""A class's secret, from which every submission's own inputs are made."""

import secrets
from pathlib import Path

from grader.formats.files import unfinished
from grader.gradebook.store import Gradebook
from grader.gradebook.tables import FILE_NAME as GRADEBOOK

FILE_NAME = "secret.key"
SECRET_BYTES = 32
SECRET_LOST = (
    "the inputs of what is in the gradebook there were made from it. Put it back from a copy. If "
    "there is none, grade the whole class into a new folder, with new inputs: "
    "grader grade SUBMISSIONS --out NEW; then merge what you gave with adjust again. "
    "{out} keeps its grades as they are."
)


def class_secret(out: Path) -> bytes:
    """Return the secret that makes this class's inputs, a new one on the first run.

    Raises
    ------
    OSError
        If it is damaged, or missing although something was graded with it.
    """
    file = out / FILE_NAME
    if not file.exists():
        if (out / GRADEBOOK).is_file() and Gradebook.open(out).fingerprints():
            raise OSError(f"{file} is missing, and {SECRET_LOST.format(out=out)}")
        with unfinished(file, 0o600) as part:
            part.write_bytes(secrets.token_bytes(SECRET_BYTES))
    secret = file.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise OSError(f"{file} is damaged, and {SECRET_LOST.format(out=out)}")
    return secret

"""A class's secret, from which every submission's own inputs are made."""

import os
import secrets
from pathlib import Path

from grader.gradebook.store import FILE_NAME as GRADEBOOK
from grader.gradebook.store import Gradebook

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
        unfinished = file.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(SECRET_BYTES))
        os.replace(unfinished, file)
    secret = file.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise OSError(f"{file} is damaged, and {SECRET_LOST.format(out=out)}")
    return secret

"""Tiny Shakespeare (Karpathy 2015): found on this machine, or fetched once and kept."""

import contextlib
import hashlib
import http.client
import os
import tempfile
import urllib.request
from pathlib import Path

URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
FILE_NAME = "tinyshakespeare.txt"
TIMEOUT = 5.0  # seconds
_MAX_BYTES = 2**21  # about twice the real size: a wrong answer need not be read to its end


class CorpusUnavailable(OSError):
    """A text that is not on this machine and could not be fetched."""


class CorpusDamaged(ValueError):
    """A text that is not the one its name promises."""


def shakespeare() -> str:
    """Return Tiny Shakespeare, 1.1 million characters of his plays.

    Looks in the folder named by the environment variable `LMCOURSE_DATA`, then in the user's
    cache, then fetches the text and caches it.

    Raises
    ------
    CorpusUnavailable
        If the text is neither here nor to be fetched.
    CorpusDamaged
        If the text found, or fetched, is not the one that the course was written with.
    """
    own = os.environ.get("LMCOURSE_DATA")
    if own and (Path(own) / FILE_NAME).is_file():
        return _read(Path(own) / FILE_NAME)
    cached = _cache_folder() / FILE_NAME
    if cached.is_file():
        return _read(cached)
    data = _verified(_fetch(), URL, "Try again later, or from another network.")
    with contextlib.suppress(OSError):  # a cache that cannot be written costs the next download
        _write(cached, data)
    return data.decode()


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lmcourse"


def _read(path: Path) -> str:
    return _verified(path.read_bytes(), str(path), f"Delete it and try again: rm '{path}'").decode()


def _verified(data: bytes, origin: str, remedy: str) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise CorpusDamaged(
            f"{origin} is not Tiny Shakespeare as the course knows it: its SHA-256 begins with "
            f"{found[:12]}, not {SHA256[:12]}. {remedy}"
        )
    return data


def _fetch() -> bytes:
    try:
        with urllib.request.urlopen(URL, timeout=TIMEOUT) as answer:
            data: bytes = answer.read(_MAX_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise CorpusUnavailable(
            f"Tiny Shakespeare is not on this machine and could not be fetched ({error}). "
            f"Download {URL} elsewhere, save it as {FILE_NAME}, and name its folder: "
            "export LMCOURSE_DATA=/that/folder"
        ) from error
    return data


def _write(path: Path, data: bytes) -> None:
    """Write a file all at once, so that no other process ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        temporary = Path(file.name)
        file.write(data)
    temporary.replace(path)

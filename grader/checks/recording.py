"""Recordings: a reference's answers, kept so that no solution needs to travel with the course.

A check asks its reference the same things in the same order whenever it runs with the same seed.
`Recorder` notes the replies of a solved notebook; `Replay` gives them again. Beside them stand the
names of the cases whose right answer does not depend on the seed, and the losses that the notebook
showed, for the lessons after it.
"""

import base64
import importlib
import json
import zlib
from pathlib import Path
from typing import Any

from grader.checks.compare import describe
from grader.checks.student import Send
from grader.checks.values import Frame, unpack

Entry = tuple[str, str]
"""What was asked, in words, and the reply frame, compressed, in base 64."""


class Recorder:
    """Passes requests on to `send` and keeps each reply in `entries`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.entries: list[Entry] = []

    def send(self, frame: bytes) -> Frame:
        """Return the reply to `frame`."""
        reply = self._send(frame)
        packed = base64.b64encode(zlib.compress(reply, 9)).decode()
        self.entries.append((_words(frame), packed))
        return reply


class Replay:
    """Answers requests from the `entries` of a recorder."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = iter(entries)

    def send(self, frame: bytes) -> bytes:
        """Return the recorded reply to `frame`.

        Raises
        ------
        RuntimeError
            If the recording holds the answer to another question.
        """
        asked, reply = next(self._entries, ("nothing more", ""))
        if asked != _words(frame):
            raise RuntimeError(
                f"the check asks its reference for {_words(frame)!r}, but the recording has "
                f"{asked!r}. The recording is of another version of the check: update the course's "
                "package, or run 'grader build' if you changed the check."
            )
        return zlib.decompress(base64.b64decode(reply))


def load(package: str, lesson: str) -> dict[str, list[Entry]]:
    """Return the recorded entries of each exercise of `lesson` of the course `package`.

    Raises
    ------
    FileNotFoundError
        If the lesson was never built.
    """
    recorded: dict[str, list[Entry]] = _read(package, lesson)["exercises"]
    return {name: [(asked, reply) for asked, reply in log] for name, log in recorded.items()}


def fixed(package: str, lesson: str) -> dict[str, list[str]]:
    """Return, for each exercise of `lesson`, the cases whose right answer the seed does not change.

    Raises
    ------
    FileNotFoundError
        If the lesson was never built.
    """
    names: dict[str, list[str]] = _read(package, lesson)["fixed"]
    return names


def losses(package: str, lesson: str) -> dict[str, float]:
    """Return the losses that the ladder of `lesson` showed when it was built."""
    shown: dict[str, float] = _read(package, lesson)["losses"]
    return shown


def recorded(package: str) -> list[str]:
    """Return the names of the lessons that were built, in order."""
    folder = _folder(package)
    files = folder.iterdir() if folder.is_dir() else ()
    return sorted(file.stem for file in files if file.suffix == ".json")


def _folder(package: str) -> Path:
    home = importlib.import_module(package).__file__
    assert home is not None
    return Path(home).parent / "recordings"


def _read(package: str, lesson: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_folder(package) / f"{lesson}.json").read_text("utf-8"))
    return content


def _words(frame: bytes) -> str:
    request: dict[str, Any] = unpack(frame, lambda item: f"#{item['number']}")
    if request["op"] == "seed":
        return "seed"
    if request["op"] == "get":
        return f"{request['of'] or 'notebook'}.{request['name']}"
    arguments = [describe(value) for value in request["args"]]
    arguments += [f"{name}={describe(value)}" for name, value in request.get("kwargs", {}).items()]
    return f"{request.get('of') or request.get('name')}({', '.join(arguments)})"

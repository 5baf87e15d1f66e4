"""Progress: a bar on a terminal; in a file or a CI log a line each ten per cent."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from tqdm import tqdm


class Progress(Protocol):
    """What has a `total`, and is told with `update` how much more is done."""

    total: int

    def update(self, n: int = 1) -> object:
        """Count `n` more as done."""

    def set_description(self, what: str) -> None:
        """Say what is being done."""


@contextmanager
def progress(what: str, total: int, unit: str, *, leave: bool = True) -> Iterator[Progress]:
    """Show on stderr how much of `total` is done; with `leave`, the last state of the bar stays."""
    if total and sys.stderr.isatty():
        with tqdm(total=total, desc=what, unit=f" {unit}", leave=leave) as bar:
            yield bar
    else:
        yield _Lines(what, total, unit)


class _Lines:
    def __init__(self, what: str, total: int, unit: str) -> None:
        self.total = total
        self._what = what
        self._unit = unit
        self._done = 0
        self._tenths = 0

    def set_description(self, what: str) -> None:
        self._what = what

    def update(self, n: int = 1) -> None:
        self._done += n
        tenths = 10 * self._done // max(self.total, 1)
        if tenths > self._tenths:
            self._tenths = tenths
            done = f"{self._done:,} of {self.total:,} {self._unit}"
            print(f"{self._what}: {10 * tenths} % ({done})", file=sys.stderr, flush=True)

"""Which versions were retired, and what to ask in their place: by the ledger, while it serves."""

import os
from pathlib import Path

from lmops.ledger import BrokenLedger, Ledger
from lmops.service.errors import ApiError
from lmops.service.schemas import NAME
from lmops.state import Retirement, fold


class Retired:
    """The retired versions by the ledger in the file `path`, read again when it has grown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._known: dict[str, Retirement] = {}

    def find(self, version: str) -> Retirement | None:
        """Return how a version ended; None if it is not retired, as far as can be told."""
        try:
            status = os.stat(self._path)
        except OSError:
            return self._known.get(version)
        seen = status.st_size, status.st_mtime_ns
        if seen != self._seen:
            try:
                state = fold(Ledger(self._path).entries())
            except (BrokenLedger, OSError):  # `lmops audit` says so; requests are still answered
                return self._known.get(version)
            self._known = {v: one.retired for v, one in state.versions.items() if one.retired}
            self._seen = seen
        return self._known.get(version)

    def refuse(self, version: str, param: str) -> None:
        """Raise 410 if a version is retired, with a pointer to what took its place."""
        ended = self.find(version)
        if ended is None:
            return
        after = f"ask for '{ended.successor}', or '{NAME}' for any version"
        raise ApiError(
            410,
            f"{version} was retired on {ended.at[:10]}; "
            + (after if ended.successor else "no version takes its place"),
            code="model_retired",
            param=param,
            headers={"x-model-successor": ended.successor} if ended.successor else None,
        )

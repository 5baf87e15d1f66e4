"""What a service must know of the ledger while it serves: who was erased, what was retired."""

import os
from pathlib import Path

from lmops.ledger import BrokenLedger, Ledger
from lmops.liked import erased_keys
from lmops.service.errors import ApiError
from lmops.service.schemas import NAME
from lmops.state import Retirement, fold


class Ended:
    """The retired versions and the erased keys, by the ledger in the file `path`.

    It is read again when it has grown. Where it cannot be read, `lmops audit` says so; requests are
    still answered by what was known.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._retired: dict[str, Retirement] = {}
        self._erased: set[str] = set()

    def retired(self, version: str) -> Retirement | None:
        """Return how a version ended; None if it is not retired."""
        self._read()
        return self._retired.get(version)

    def erased(self, key: str) -> bool:
        """Say whether this is the id of a key whose holder was erased."""
        self._read()
        return key in self._erased

    def _read(self) -> None:
        try:
            status = os.stat(self._path)
            seen = status.st_size, status.st_mtime_ns
            if seen == self._seen:
                return
            entries = Ledger(self._path).entries()
        except (BrokenLedger, OSError):
            return
        state = fold(entries)
        self._retired = {v: one.retired for v, one in state.versions.items() if one.retired}
        self._erased = erased_keys(entries)
        self._seen = seen

    def refuse(self, version: str, param: str) -> None:
        """Raise 410 if a version is retired, with a pointer to what took its place."""
        ended = self.retired(version)
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

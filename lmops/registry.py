"""MLflow's model registry, made from the ledger: the same truth, for tools that speak MLflow.

Nothing is decided here. `sync` brings MLflow to where the ledger is, so that a process which is
killed between the two is made good by the next one; and where MLflow's file is lost or was changed,
`rebuild` makes it anew. MLflow is heavy (seconds to import, and a database of many tables), so it
is imported when it is first asked.
"""

import fcntl
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lmops.home import Home
from lmops.ledger import Ledger
from lmops.state import State, Version, fold

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

NAME = "model"
"""What all versions are versions of, in MLflow."""


class OutOfStep(Exception):
    """MLflow has what the ledger does not say, or cannot be asked."""


def tags(known: Version) -> dict[str, str]:
    """Return what MLflow keeps about a version: its lineage, who answered for it, its line."""
    facts = {
        **known.lineage,
        "version": known.version,
        "registered_by": known.registered_by,
        "approved_by": known.approved_by,
        "gate": known.verdict,
        "retired_by": known.retired.by if known.retired else None,
        "ledger_line": str(known.line),
        "ledger_hash": known.hash,
    }
    return {name: value for name, value in facts.items() if value is not None}


def sync(home: Home) -> State:
    """Bring MLflow to where the ledger is, and return what holds there.

    Raises `OutOfStep` where MLflow has versions that the ledger does not know, or cannot be asked.
    """
    with _locked(home):
        state = fold(Ledger(home.ledger).entries())
        client = _client(home.registry, make=True)
        found = _versions(client)
        for number, known in enumerate(state.versions.values()):
            if number >= len(found):
                source = str((home.models / known.version).resolve())
                client.create_model_version(NAME, source, tags=tags(known))
            else:
                _set_tags(client, found[number], tags(known))
        if len(found) > len(state.versions):
            raise OutOfStep(f"MLflow has {len(found)} versions, the ledger {len(state.versions)}")
        numbers = {version: str(n) for n, version in enumerate(state.versions, 1)}
        wanted = {alias: numbers[version] for alias, version in state.aliases.items()}
        have = _aliases(client)
        for alias in have.keys() - wanted.keys():
            client.delete_registered_model_alias(NAME, alias)
        for alias in wanted:
            if have.get(alias) != wanted[alias]:
                client.set_registered_model_alias(NAME, alias, wanted[alias])
        return state


def rebuild(home: Home) -> State:
    """Throw MLflow's database away and make it anew from the ledger; return what holds there."""
    Ledger(home.ledger).entries()  # a broken one is no reason to throw away a witness
    with _locked(home):
        for path in (home.registry, *_beside(home.registry)):
            path.unlink(missing_ok=True)
    return sync(home)


def differences(home: Home, state: State) -> list[str]:
    """Return in what MLflow's database is not what `state` says; changes nothing."""
    if not home.registry.exists():
        return ["MLflow's database is not there"] if state.versions else []
    try:
        with _locked(home):
            client = _client(home.registry, make=False)
            found, aliases = _versions(client), _aliases(client)
    except OutOfStep as error:
        return [str(error)]
    problems = []
    for number, (have, known) in enumerate(zip(found, state.versions.values(), strict=False), 1):
        wanted = tags(known)
        for name in sorted(wanted.keys() | have.tags.keys()):
            if have.tags.get(name) != wanted.get(name):
                problems.append(
                    f"line {known.line} registers {known.version}; MLflow, for its version "
                    f"{number}, has {name} {have.tags.get(name)}, and not {wanted.get(name)}"
                )
    if len(found) != len(state.versions):
        problems.append(f"MLflow has {len(found)} versions, the ledger {len(state.versions)}")
    by_number = {str(n): version for n, version in enumerate(state.versions, 1)}
    named = {alias: by_number.get(number, number) for alias, number in aliases.items()}
    for alias in sorted(named.keys() | state.aliases.keys()):
        if named.get(alias) != state.aliases.get(alias):
            problems.append(
                f"{alias} is {named.get(alias)} in MLflow, and {state.aliases.get(alias)} by the "
                "ledger"
            )
    return problems


# --- MLflow ------------------------------------------------------------------------------------


def _client(database: Path, make: bool) -> "MlflowClient":
    """Return a client of the database in this file alone; made, whole or not at all, if asked."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # A connection that is kept open would go on with a file that `rebuild` has thrown away.
    os.environ["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] = "NullPool"
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.ERROR)  # it tells of each table that it makes
    database = database.resolve()
    if make and not database.exists():
        for left in database.parent.glob(f".{database.name}.*"):
            left.unlink()  # by one that was killed
        # MLflow remembers what it has made by its name, so this one must be new.
        part = database.with_name(f".{database.name}.{secrets.token_hex(8)}")
        new = MlflowClient(tracking_uri=f"sqlite:///{part}", registry_uri=f"sqlite:///{part}")
        new.create_registered_model(NAME)
        part.replace(database)
    uri = f"sqlite:///{database}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _beside(database: Path) -> list[Path]:
    """Return the files that SQLite keeps beside a database when it was left in a hurry."""
    return [database.with_name(database.name + end) for end in ("-journal", "-wal", "-shm")]


def _versions(client: "MlflowClient") -> list["ModelVersion"]:
    found = client.search_model_versions(f"name='{NAME}'", max_results=100_000)
    return sorted(found, key=lambda one: int(one.version))


def _aliases(client: "MlflowClient") -> dict[str, str]:
    aliases = client.get_registered_model(NAME).aliases
    return {alias: str(number) for alias, number in aliases.items()}


def _set_tags(client: "MlflowClient", have: "ModelVersion", wanted: dict[str, str]) -> None:
    if have.tags.get("ledger_hash") != wanted["ledger_hash"]:
        raise OutOfStep(
            f"MLflow's version {have.version} is {have.tags.get('version')}, which the ledger "
            f"has not in this place: there is {wanted['version']}"
        )
    for name in have.tags.keys() - wanted.keys():
        client.delete_model_version_tag(NAME, have.version, name)
    for name, value in wanted.items():
        if have.tags.get(name) != value:
            client.set_model_version_tag(NAME, have.version, name, value)


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Let one process at a time ask MLflow; raise `OutOfStep` for what goes wrong in there."""
    home.folder.mkdir(parents=True, exist_ok=True)
    with (home.folder / "registry.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        except ImportError as error:
            raise OutOfStep(f"MLflow is not there ({error})") from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("alembic", "mlflow", "sqlalchemy"):
                raise
            reason = str(error).partition("\n")[0]
            raise OutOfStep(f"MLflow cannot read its database ({reason})") from error

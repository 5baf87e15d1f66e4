"""`lmops keys`: who may ask the service."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lmops.commands.common import Wrong, answer, examples, home_option, json_option, say
from lmops.home import Home
from lmops.service.keys import SCOPES, Key, Keys


@click.group(
    epilog=examples(
        "lmops keys add anna --scope complete --scope feedback --days 30",
        "lmops keys list",
        "lmops keys revoke b3kq7x2m",
    )
)
def keys() -> None:
    """Hand out keys to the service, list them, and take them back."""


@keys.command(
    epilog=examples(
        "lmops keys add me",
        "lmops keys add anna --scope complete --scope feedback --days 30",
        "KEY=$(lmops keys add ci --days 1)",
    )
)
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("complete",),
    show_default=True,
    help="What it may do; can be given more than once.",
)
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True, max=3650),
    default=90,
    show_default=True,
    help="How long it is valid.",
)
@home_option
@json_option
def add(name: str, scopes: tuple[str, ...], days: float, home: Home, as_json: bool) -> None:
    """Make a key for NAME and print it, this one time. What is kept is its hash."""
    with _kept(home) as kept:
        key, token = kept.add(name, scopes, days)
    answer(as_json, _told(key) | {"key": token}, token)
    say.print(f"Keep it: it is not shown again. 'lmops keys revoke {key.id}' takes it back.")


@keys.command(name="list", epilog=examples("lmops keys list", "lmops keys list --json"))
@home_option
@json_option
def list_(home: Home, as_json: bool) -> None:
    """List all keys that were ever handed out."""
    with _kept(home) as kept:
        known = kept.all()
    if as_json:
        answer(True, {"keys": [_told(key) for key in known]})
        return
    table = Table("id", "name", "scopes", "expires", "state")
    for key in known:
        told = _told(key)
        table.add_row(key.id, key.name, ", ".join(told["scopes"]), told["expires"], told["state"])
    Console().print(table)


@keys.command(epilog=examples("lmops keys revoke b3kq7x2m"))
@click.argument("id")
@home_option
@json_option
def revoke(id: str, home: Home, as_json: bool) -> None:
    """Take the key ID back. It opens nothing from the next request on."""
    with _kept(home) as kept:
        found = kept.revoke(id)
    if not found:
        raise Wrong(f"there is no key {id}. 'lmops keys list' shows those there are")
    answer(as_json, {"id": id, "state": "revoked"}, f"Key {id} is revoked.")


@contextlib.contextmanager
def _kept(home: Home) -> Iterator[Keys]:
    """Open the keys for as long as it takes."""
    try:
        with contextlib.closing(Keys(home.keys)) as kept:
            yield kept
    except (sqlite3.Error, OSError) as error:
        raise Wrong(f"{home.keys}: {error}. Is another command at work? Type it again") from None


def _told(key: Key) -> dict[str, Any]:
    """Return what may be shown of a key."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "expires": time.strftime("%Y-%m-%d %H:%M", time.gmtime(key.expires)),
        "state": key.state(time.time()),
    }

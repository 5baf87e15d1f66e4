"""`lmops register`: keep a bundle under its version, and say in the ledger who brought it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lmops.commands.book import (
    open_ledger,
    person_option,
    refuse_without_right,
    sync_registry,
)
from lmops.commands.common import No, Wrong, answer, examples, home_option, json_option
from lmops.home import Home
from lmops.state import CHAMPION, Version, fold

if TYPE_CHECKING:
    from lmops.bundle import Bundle


@click.command(
    epilog=examples(
        "lmops register --by ann",
        "lmops register my_model --by ann --parent 3f2a9c01d4e5b678",
    )
)
@click.argument("bundle", type=click.Path(path_type=Path), required=False)
@person_option("Who brings it.")
@click.option("--parent", metavar="VERSION", help="What it was made from.  [default: the champion]")
@json_option
@home_option
def register(bundle: Path | None, by: str, parent: str | None, as_json: bool, home: Home) -> None:
    """Register BUNDLE (by default your own model): keep a copy under its version.

    Who brought it and what it was made of stands in the ledger from then on. Registering the same
    content again changes nothing.
    """
    from lmops.bundle import BrokenBundle, load, mine  # with torch

    try:
        found = load(bundle or mine())
    except BrokenBundle as error:
        raise No(f"{error}\nPack it again: lmops pack") from error
    known, new = enter(found, by, parent, home)
    answer(
        as_json,
        {"version": known.version, "new": new, "by": known.registered_by, "line": known.line},
        f"{known.version} registered by {known.registered_by} (line {known.line} of the ledger)"
        if new
        else f"{known.version} was registered by {known.registered_by} already (line {known.line})",
    )


def enter(found: Bundle, by: str, parent: str | None, home: Home) -> tuple[Version, bool]:
    """Register a bundle, whose parent is by default the champion; return whether it is new."""
    from lmops.bundle import BrokenBundle
    from lmops.store import keep

    with open_ledger(home) as ledger:
        state = fold(ledger.entries)
        refuse_without_right(state, by, "register")
        if (known := state.versions.get(found.version)) and known.retired:
            raise No(f"{found.version} was retired on {known.retired.at[:10]}: train another one")
        parent = parent or state.aliases.get(CHAMPION)
        if parent is not None and parent not in state.versions:
            raise Wrong(f"The parent {parent} is not registered. To see what is: lmops models")
        try:
            keep(found, home.models)
        except BrokenBundle as error:
            raise No(
                f"{error}\nDelete that folder, which is not the model it was, and register again."
            ) from error
        new = found.version not in state.versions
        if new:
            ledger.append("register", found.version, by, lineage=lineage(found, parent))
    return sync_registry(home).versions[found.version], new


def lineage(found: Bundle, parent: str | None) -> dict[str, str]:
    """Return what a version was made of, as far as it can be told: hashes, and its parent."""
    from lmops.bundle import MANIFEST
    from lmops.soundness import read_json

    manifest = read_json(MANIFEST, (found.folder / MANIFEST).read_bytes())
    files = {name: fact["sha256"] for name, fact in manifest["files"].items()}
    facts = {
        "weights": files["model.safetensors"],
        "code": files["model.py"],
        "metrics": files["metrics.json"],
        "data": data(found.metrics.get("corpus")),
        "liked": found.metrics.get("liked_sha256"),
        "seed": found.metrics.get("seed"),
        "parent": parent,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def data(name: object) -> str | None:
    """Return the name of a corpus of the course and the SHA-256 of its text."""
    if name != "fables":  # what is fetched from elsewhere is pinned by its own hash already
        return str(name) if isinstance(name, str) else None
    from lmcourse import corpus

    return f"fables sha256:{hashlib.sha256(corpus.load().encode()).hexdigest()}"

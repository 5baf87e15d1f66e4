"""The registered bundles: a folder for each version, whole and sound, or not there."""

import os
import shutil
from pathlib import Path

from lmops.bundle import FILES, MANIFEST, Bundle, load, verify
from lmops.files import sync_folder, write_whole


def keep(bundle: Bundle, models: Path) -> Path:
    """Copy a bundle to `models/VERSION`, unless it is there, and return that folder.

    Only the holder of the ledger's lock may call this: what a killed one left is swept away.

    Raises
    ------
    BrokenBundle
        If what is there, or what was copied, is not sound.
    """
    folder = models / bundle.version
    if not folder.exists():
        part = models / f".{bundle.version}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name in (*FILES, MANIFEST):
            write_whole(part / name, (bundle.folder / name).read_bytes())
        load(part)  # it may have changed since it was read
        os.replace(part, folder)
        sync_folder(models)
    load(folder)
    return folder


def problems(models: Path, versions: list[str], kept: list[str] | None = None) -> list[str]:
    """Return what is wrong with the kept bundles: those of these versions, and no others.

    `kept` are the ones that should be there, all if None.
    """
    found = []
    for version in versions if kept is None else kept:
        wrong = verify(models / version)
        if not wrong and load(models / version).version != version:
            wrong = ["is another version than its folder's name says"]
        found += [f"models/{version}: {problem}" for problem in wrong]
    there = {path.name for path in models.iterdir()} if models.is_dir() else set()
    found += [
        f"models/{name}: no line of the ledger registers it"
        for name in sorted(there - set(versions))
        if not name.startswith(".")
    ]
    return found

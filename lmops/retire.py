"""How a version ends: its card is closed, its weights go, and what it was can still be read.

What is kept is one file in the archive, named by the SHA-256 of its content: all of the bundle but
the weights, whose SHA-256 stands in the manifest. So nobody can ask the model any more; and of
weights that turn up somewhere it can be told whether they are this version's.
"""

import hashlib
import io
import shutil
import tarfile
from pathlib import Path

from lmops.bundle import FILES, MANIFEST, Bundle
from lmops.files import sync_folder, write_whole
from lmops.home import Home
from lmops.state import State

WEIGHTS = "model.safetensors"


def closed_card(card: str, by: str, on: str, reason: str, successor: str | None) -> str:
    """Return a version's card with its end: who retired it, on which day, why, and what follows."""
    after = f"Ask `{successor}` in its place." if successor else "No version takes its place."
    return (
        f"{card.rstrip()}\n\n## It is retired\n\n"
        f"{by} took it out of service on {on}: {reason.rstrip('.')}. {after} Its weights are gone; "
        "what they were, the manifest's SHA-256 says.\n"
    )


def archived(bundle: Bundle, card: str) -> bytes:
    """Return what is kept of a bundle, with this card, as a tar file: the same for the same."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted({*FILES, MANIFEST} - {WEIGHTS}):
            content = card.encode() if name == "CARD.md" else (bundle.folder / name).read_bytes()
            member = tarfile.TarInfo(f"{bundle.version}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def keep(content: bytes, archive: Path) -> str:
    """Keep what was archived under the SHA-256 of its content, and return that."""
    digest = hashlib.sha256(content).hexdigest()
    archive.mkdir(parents=True, exist_ok=True)
    write_whole(archive / f"{digest}.tar", content)
    return digest


def dispose(home: Home, version: str) -> None:
    """Delete a version's bundle, the weights first, and what else is kept to serve it."""
    folder = home.models / version
    (folder / WEIGHTS).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(home.models / f".{version}.part", ignore_errors=True)
    (home.drift / f"{version}.json").unlink(missing_ok=True)
    if home.models.is_dir():
        sync_folder(home.models)


def problems(home: Home, state: State) -> list[str]:
    """Return what is wrong with the retired versions: all of it gone but what was archived."""
    found = []
    for version, one in state.versions.items():
        if one.retired is None:
            continue
        if (home.models / version).exists():
            found.append(
                f"models/{version}: is retired, and its weights are still here. "
                f"Type again: lmops retire {version}"
            )
        path = home.archive / f"{one.retired.archive}.tar"
        if not path.is_file():
            found.append(f"archive/{path.name}: what is left of {version} is gone")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != one.retired.archive:
            found.append(f"archive/{path.name}: has another SHA-256 than its name says")
    return found

"""The checks of `verify_bundle`: the judge lays folders out, and keeps which of them are sound."""

import json
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.package_and_register.bundles import (
    FILES,
    LESSON,
    MANIFEST,
    Facts,
    Files,
    Sent,
    as_json,
    contents,
    manifest_of,
    sent,
    version_of,
    word,
    worthless_alone,
)

RAN = "a-pickle-ran"


@dataclass
class Folder:
    """A bundle as it lies there, and the files that are wrong with it."""

    files: Files
    wrong: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    """Files in whose place a link stands, to the same bytes outside."""
    outside: Files = field(default_factory=dict)
    """Files beside the bundle."""
    version: str | None = None
    """The version that it is asked to be."""


Laid = list[tuple[Sent, Sent, list[str], str | None]]


@probe
def problems_of(
    _: dict[str, Any], verify_bundle: Callable[..., Any], folders: Laid
) -> list[list[str]] | None:
    """Lay out each folder and return the problems that it has, as they are told."""
    told = []
    with tempfile.TemporaryDirectory() as scratch, chdir(scratch):
        for number, (files, outside, links, version) in enumerate(folders):
            folder = Path(scratch) / str(number) / "bundle"
            for base, contents in ((folder, files), (folder.parent, outside)):
                for name, data in contents.items():
                    path = base / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    if base == folder and name in links:
                        path.symlink_to(Path("..") / "elsewhere" / name)
                        path = folder.parent / "elsewhere" / name
                        path.parent.mkdir(exist_ok=True)
                    path.write_bytes(data.numpy().tobytes())
            asked = folder if number % 2 else str(folder)
            given = [asked] if version is None else [asked, version]
            problems = verify_bundle(*given)
            if problems is None:
                return None
            if os.path.exists(RAN):
                os.rmdir(RAN)
                problems = [*problems, f"{RAN}: code of the bundle ran"]
            told.append([str(problem) for problem in problems])
    return told


class _Runs:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (RAN,)


def _bundle(rng: Rng) -> Folder:
    """Return a sound bundle of another model, card and so on each time; the weights are few."""
    files = contents(
        Facts(
            {word(rng): normal(rng, 2, int(rng.integers(1, 9)))},
            {"layers": int(rng.integers(1, 99))},
            [word(rng, 1)],
            {"validation_loss": float(rng.uniform(0.4, 2))},
            f"# {word(rng)}\n",
            f"# {word(rng)}\n\n{word(rng)}\n",
        )
    )
    return Folder(files | {MANIFEST: as_json(manifest_of(files))})


def _listed(folder: Folder) -> Any:
    return json.loads(folder.files[MANIFEST])


def _relist(folder: Folder, files: Files) -> None:
    """Write the manifest anew, as it fits `files`."""
    folder.files[MANIFEST] = as_json(manifest_of(files))


def _without_manifest(folder: Folder) -> Files:
    return {name: data for name, data in folder.files.items() if name != MANIFEST}


# ------------------------------------------------------------------------------- ways to break one

Break = Callable[[Rng, Folder], None]


def _any(rng: Rng) -> str:
    return str(rng.choice(FILES))


def flip(rng: Rng, folder: Folder) -> None:
    """Turn one bit of one file."""
    name = _any(rng)
    data = bytearray(folder.files[name])
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    folder.files[name], folder.wrong = bytes(data), [name]


def lose(rng: Rng, folder: Folder) -> None:
    """Take a file away, from the folder alone or from the manifest too."""
    name = _any(rng)
    del folder.files[name]
    if rng.random() < 0.5:
        _relist(folder, _without_manifest(folder))
    folder.wrong = [name]


def add(form: str) -> Break:
    """Return what puts a file more into the folder, of a name of this form."""

    def way(rng: Rng, folder: Folder) -> None:
        name = form.format(word(rng))
        folder.files[name] = word(rng).encode()
        folder.wrong = [name.split("/")[0]]

    return way


def unlist(rng: Rng, folder: Folder) -> None:
    """Take a file out of the manifest, which fits the rest."""
    name = _any(rng)
    _relist(folder, {n: d for n, d in _without_manifest(folder).items() if n != name})
    folder.wrong = [name]


def climb(rng: Rng, folder: Folder) -> None:
    """List a file that is outside of the folder, with its right hash."""
    made = word(rng)
    name = str(rng.choice([f"../{made}.txt", f"../{made}/{made}.txt"]))
    data = word(rng).encode()
    folder.outside[name.removeprefix("../")] = data
    _relist(folder, _without_manifest(folder) | {name: data})
    folder.wrong = [name]


def link(rng: Rng, folder: Folder) -> None:
    """Put a link in the place of a file."""
    folder.links = folder.wrong = [_any(rng)]


def missize(rng: Rng, folder: Folder) -> None:
    """Say another size of a file, with its right hash."""
    name, manifest = _any(rng), _listed(folder)
    manifest["files"][name]["bytes"] += int(rng.integers(1, 9))
    folder.files[MANIFEST], folder.wrong = as_json(manifest), [name]


def unmanifest(change: Callable[[Rng, Any], Any]) -> Break:
    """Return what makes the manifest another one: bytes, JSON, or nothing at all."""

    def way(rng: Rng, folder: Folder) -> None:
        changed = change(rng, _listed(folder))
        folder.files[MANIFEST] = changed if isinstance(changed, bytes) else as_json(changed)
        if changed is None:
            del folder.files[MANIFEST]
        folder.wrong = [MANIFEST]

    return way


UNREADABLE = (
    unmanifest(lambda rng, manifest: None),
    unmanifest(lambda rng, manifest: as_json(manifest)[: int(rng.integers(5, 40))]),
    unmanifest(lambda rng, manifest: word(rng).encode()),
)
MISSHAPEN = (
    unmanifest(lambda rng, manifest: [manifest]),
    unmanifest(lambda rng, manifest: manifest | {"files": list(manifest["files"])}),
    unmanifest(lambda rng, manifest: {"format": 1, "version": manifest["version"]}),
    unmanifest(lambda rng, manifest: manifest | {"files": dict.fromkeys(FILES, word(rng))}),
)
OTHER_FORMAT = unmanifest(lambda rng, manifest: manifest | {"format": int(rng.integers(2, 9))})


def rename(rng: Rng, folder: Folder) -> None:
    """Say another version in the manifest."""
    version = f"{rng.integers(2**62):016x}"
    folder.files[MANIFEST] = as_json(_listed(folder) | {"version": version})
    folder.wrong = [MANIFEST]


def disguise(rng: Rng, folder: Folder) -> None:
    """Put a pickle in the weights' place, under their name and with its hash in the manifest."""
    archive = BytesIO()
    torch.save({word(rng): torch.ones(2)}, archive)
    numbers = pickle.dumps(_Runs(), protocol=int(rng.integers(2, 5)))
    name = "model.safetensors"
    folder.files[name] = archive.getvalue() if rng.random() < 0.4 else numbers
    _relist(folder, _without_manifest(folder))
    folder.wrong = [name]


def forge(rng: Rng, folder: Folder) -> None:
    """Change a file and the manifest with it; the version that was asked for is the old one."""
    folder.version = _listed(folder)["version"]
    name = str(rng.choice(["CARD.md", "model.py"]))
    folder.files[name] += f"\n# {word(rng)}\n".encode()
    _relist(folder, _without_manifest(folder))
    folder.wrong = [MANIFEST]


def leave(_: Rng, __: Folder) -> None:
    """Break nothing."""


def ask_for(_: Rng, folder: Folder) -> None:
    """Break nothing, and ask for the version that it is."""
    folder.version = version_of(_without_manifest(folder))


@exercise(LESSON, "verify_bundle", points=5)
def verify_bundle(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def about(
        name: str, *ways: Break, hint: str, sound: Break | None = None, points: float = 1.0
    ) -> Case:
        """Return the case that tells bundles broken in these ways from two sound ones."""
        folders = [_bundle(rng) for _ in range(len(ways) + 2)]
        for way, folder in zip((*ways, sound or leave), folders, strict=False):
            way(rng, folder)
        folders = [folders[int(i)] for i in rng.permutation(len(folders))]
        laid = [
            (sent(folder.files), sent(folder.outside), folder.links, folder.version)
            for folder in folders
        ]

        def named() -> list[list[str]]:
            told = student.probe(problems_of, student.verify_bundle, laid)
            files = [{problem.split(":")[0] for problem in problems} for problems in told]
            for names, folder in zip(files, folders, strict=True):
                if names > {MANIFEST} and MANIFEST not in folder.wrong:
                    names.discard(MANIFEST)  # where a file is wrong, so is the version
            return [sorted(names) for names in files]

        return case(
            name,
            named,
            [folder.wrong for folder in folders],
            hint="(One list for each folder: the files that its problems begin with.) " + hint,
            points=points,
        )

    yield worthless_alone(
        about(
            "sound bundles",
            ask_for,
            hint="For a sound bundle, return the empty list. For each problem, append a text that "
            'begins with the name of the file and a colon: f"{name}: ..."',
            points=0.5,
        )
    )

    def each() -> Iterator[Case]:
        yield about(
            "one bit is turned",
            flip,
            flip,
            hint="Read the bytes of each file, and compare their SHA-256 with the manifest's.",
        )
        yield about(
            "a file is missing",
            lose,
            lose,
            hint="All of FILES must be there, whether the manifest lists them or not. Look before "
            "you read: `path.is_file()`.",
        )
        yield about(
            "a file too many",
            add("{}.py"),
            add(".{}"),
            add("{}/__init__.py"),
            hint="Go through the folder as well, not through the manifest alone: "
            "`folder.iterdir()`. Whatever is there beside FILES and manifest.json is a problem, "
            "hidden files and folders too.",
        )
        yield about(
            "a file that the manifest does not list",
            unlist,
            hint="A file of FILES that is not in the manifest has no hash to compare with: a "
            "problem too.",
        )
        yield about(
            "a path that climbs out of the folder",
            climb,
            climb,
            hint="The manifest comes with the bundle, so do not believe it. Whatever name in it is "
            "not one of FILES is a problem, under that name, and is never opened.",
        )
        yield about(
            "a link in a file's place",
            link,
            link,
            hint="A link points out of the bundle, at bytes that may be others tomorrow. Ask "
            "`path.is_symlink()` first: `is_file()` follows links.",
        )
        yield about(
            "a size that is another",
            missize,
            hint='Each entry has two facts, "sha256" and "bytes": both must be those of the file.',
            points=0.5,
        )
        yield about(
            "a manifest that is not there, or no JSON",
            *UNREADABLE,
            hint="One problem, which begins with manifest.json, and no exception: reading it may "
            "raise OSError, and `json.loads` ValueError.",
        )
        yield about(
            "a manifest of another form",
            *MISSHAPEN,
            hint="One problem, which begins with manifest.json, and no exception: it may be a "
            "list, without an entry (`KeyError`), or with texts where dictionaries should be "
            "(`TypeError`, `AttributeError`).",
        )
        yield about(
            "a manifest of another format",
            OTHER_FORMAT,
            hint="You know what format 1 means. What another one means, you cannot say: one "
            "problem, which begins with manifest.json.",
            points=0.5,
        )
        yield about(
            "a manifest that says another version",
            rename,
            hint="Work the version out from the files, and compare it with that of the manifest.",
        )
        yield about(
            "a pickle under another name",
            disguise,
            disguise,
            hint="Its hash is right, since the manifest was written for it. Only who opens it "
            "sees that it is none: `safetensors.torch.load(data)` raises SafetensorError. Never "
            "open it with torch.load or pickle, which may run what is in it.",
        )
        yield about(
            "a forged bundle, whose manifest was written anew",
            forge,
            forge,
            sound=ask_for,
            hint="Who can change a file can change the manifest too. Such a bundle is sound in "
            "itself, and is another one: where `version` is given, compare it with what you worked "
            "out from the files.",
        )

    yield from public_and_hidden(each)

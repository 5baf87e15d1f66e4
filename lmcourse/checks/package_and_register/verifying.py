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
from lmcourse.checks.package_and_register.versions import builds_on_versions, naming_versions
from lmcourse.checks.package_and_register.watching import opened

RAN = "code-of-the-bundle-ran"
LEFT = "a-file-outside-was-opened"


@dataclass
class Folder:
    """A bundle as it lies there, and the files that are wrong with it."""

    files: Files
    wrong: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    """Files in whose place a link stands, and where to: to the same bytes, outside or inside."""
    outside: Files = field(default_factory=dict)
    """Files beside the bundle."""
    version: str | None = None
    """The version that it is asked to be."""


Laid = list[tuple[Sent, Sent, dict[str, str], str | None]]


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
                        path.symlink_to(links[name])
                    else:
                        path.write_bytes(data.numpy().tobytes())
            asked = folder if number % 2 else str(folder)
            with opened() as seen, naming_versions():
                problems = verify_bundle(*([asked] if version is None else [asked, version]))
            if problems is None:
                return None
            if not isinstance(problems, list):
                problems = [f"no list, but of type {type(problems).__name__}"]
            if os.path.exists(RAN):
                os.rmdir(RAN)
                problems = [*problems, f"{RAN}: code of the bundle ran"]
            if {path for path, _ in seen} & {os.path.abspath(folder.parent / n) for n in outside}:
                problems = [*problems, f"{LEFT}: what is beside it was opened"]
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
            f"# {word(rng)}\nimport os\n\nos.mkdir({RAN!r})\n",
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
    name = _any(rng)
    folder.outside["elsewhere"] = folder.files[name]
    folder.links, folder.wrong = {name: "../elsewhere"}, [name]


def link_inside(rng: Rng, folder: Folder) -> None:
    """Put a link to the card in the place of the source, which says the same."""
    folder.files["model.py"] = folder.files["CARD.md"]
    _relist(folder, _without_manifest(folder))
    folder.links, folder.wrong = {"model.py": "CARD.md"}, ["model.py"]


def link_manifest(rng: Rng, folder: Folder) -> None:
    """Put a link in the place of the manifest."""
    folder.outside["elsewhere"] = folder.files[MANIFEST]
    folder.links, folder.wrong = {MANIFEST: "../elsewhere"}, [MANIFEST]


def enfold(rng: Rng, folder: Folder) -> None:
    """Put a folder in the place of a file."""
    name = _any(rng)
    folder.files[f"{name}/{word(rng)}"] = folder.files.pop(name)
    folder.wrong = [name]


def several(rng: Rng, folder: Folder) -> None:
    """Turn a bit of one file, take another away, put one more in and list one outside."""
    flipped, lost, _ = (FILES[i] for i in rng.permutation(len(FILES))[:3])
    more, far = f"{word(rng)}.txt", f"../{word(rng)}.txt"
    manifest = _listed(folder)
    manifest["files"][far] = {"sha256": word(rng), "bytes": 1}
    folder.files[MANIFEST] = as_json(manifest)
    data = bytearray(folder.files[flipped])
    data[int(rng.integers(len(data)))] ^= 1
    folder.files |= {flipped: bytes(data), more: word(rng).encode()}
    del folder.files[lost]
    folder.wrong = sorted([flipped, lost, more, far])


def list_itself(rng: Rng, folder: Folder) -> None:
    """List the manifest in the manifest."""
    manifest = _listed(folder)
    manifest["files"][MANIFEST] = {"sha256": word(rng), "bytes": int(rng.integers(9))}
    folder.files[MANIFEST], folder.wrong = as_json(manifest), [MANIFEST]


def shorten(digits: int) -> Break:
    """Return what keeps that many digits of a hash in the manifest."""

    def way(rng: Rng, folder: Folder) -> None:
        name, manifest = _any(rng), _listed(folder)
        manifest["files"][name]["sha256"] = manifest["files"][name]["sha256"][:digits]
        folder.files[MANIFEST], folder.wrong = as_json(manifest), [name]

    return way


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
    unmanifest(lambda rng, manifest: b"\xff" + as_json(manifest)),
)


def nothing(_: Rng, folder: Folder) -> None:
    """Leave no folder at all."""
    folder.files, folder.wrong = {}, [MANIFEST]


def _without(manifest: Any, name: str) -> Any:
    return {part: value for part, value in manifest.items() if part != name}


def _less(part: str) -> Callable[[Rng, Any], Any]:
    """Return what takes this part out of one entry of a manifest."""

    def way(rng: Rng, manifest: Any) -> Any:
        del manifest["files"][_any(rng)][part]
        return manifest

    return way


MISSHAPEN = (
    unmanifest(lambda rng, manifest: [manifest]),
    unmanifest(lambda rng, manifest: manifest | {"files": list(manifest["files"])}),
    unmanifest(lambda rng, manifest: {"format": 1, "version": manifest["version"]}),
    unmanifest(lambda rng, manifest: manifest | {"files": dict.fromkeys(FILES, word(rng))}),
    unmanifest(lambda rng, manifest: _without(manifest, "version")),
    unmanifest(lambda rng, manifest: _without(manifest, "format")),
    unmanifest(_less("sha256")),
    unmanifest(_less("bytes")),
)
DEEP = unmanifest(lambda rng, manifest: b"[" * (50_000 + int(rng.integers(9999))))
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


def misshape(rng: Rng, folder: Folder) -> None:
    """Give a weight of no numbers a shape that torch does not know."""
    shape = [0, 2**63 + int(rng.integers(99_999))]
    entry = {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
    header = json.dumps({word(rng): entry}).encode()
    name = "model.safetensors"
    folder.files[name] = len(header).to_bytes(8, "little") + header
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
            return [sorted({problem.split(":")[0] for problem in problems}) for problems in told]

        return case(
            name,
            named,
            [folder.wrong for folder in folders],
            hint="(One list for each folder: the files that its problems begin with.) " + hint,
            points=points,
        )

    yield worthless_alone(builds_on_versions(student, rng))
    yield worthless_alone(
        about(
            "sound bundles",
            ask_for,
            hint="For a sound bundle, return the empty list. For each problem, append a text that "
            'begins with the name of the file and a colon: f"{name}: ...". (It is model.'
            "safetensors each time? `safetensors.torch.load` opens it, and nothing else does. No "
            "code in the folder is run, nor imported.)",
            points=0.5,
        )
    )

    def each() -> Iterator[Case]:
        yield about(
            "one bit is turned",
            flip,
            flip,
            hint="Read the bytes of each file, and compare their SHA-256 with the manifest's. The "
            "version is asked for only where nothing else is wrong.",
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
            "not one of FILES is a problem, under that name, and is never opened, not even to "
            "hash it.",
        )
        yield about(
            "a manifest that lists itself",
            list_itself,
            hint="Its own name is not one of FILES either, so in the manifest it is a problem like "
            "any other. Take it out of what is in the folder, and not out of what is listed.",
            points=0.5,
        )
        yield about(
            "a link in a file's place",
            link,
            link,
            link_inside,
            link_manifest,
            hint="A link points at bytes that may be others tomorrow, outside the bundle or in it. "
            "Ask `path.is_symlink()` first, of the manifest too: `is_file()` follows links.",
        )
        yield about(
            "a folder in a file's place",
            enfold,
            enfold,
            hint="`path.exists()` is true for a folder as well; `path.is_file()` is not.",
            points=0.5,
        )
        yield about(
            "several things wrong at once",
            several,
            several,
            hint="Tell all of them: `problems.append(...)` and go on with the next file "
            "(`continue`), and `return problems` once, at the end.",
        )
        yield about(
            "a size that is another",
            missize,
            hint='Each entry has two facts, "sha256" and "bytes": both must be those of the file.',
            points=0.5,
        )
        yield about(
            "a hash of which only the beginning is there",
            shorten(0),
            shorten(16),
            hint="Compare with `==`: every text begins with the empty text.",
            points=0.5,
        )
        yield about(
            "a manifest that is not there, or no JSON",
            *UNREADABLE,
            nothing,
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
            "a manifest of brackets that open and never close",
            DEEP,
            hint="`json.loads` gives up with RecursionError. Nobody can list all that a hostile "
            "file may raise: `except Exception` is right here, since the answer is the same.",
            points=0.5,
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
            "sees that it is another format: `safetensors.torch.load(data)` raises "
            "SafetensorError. Never open it with torch.load or pickle, which may run what is in "
            "it.",
        )
        yield about(
            "weights of a shape that cannot be",
            misshape,
            hint="The file has the right form, so safetensors begins to read, and then TypeError "
            "comes in place of SafetensorError: `except Exception` around this one line, since "
            "whatever is raised there, it cannot be read.",
            points=0.5,
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

"""A model as it travels: a folder with its weights, sizes, vocabulary, code, measures and card.

    model.safetensors   the weights, by the names of lesson 07's state dict; the head is tied to
                        `token_embedding.weight` and so left out
    config.json         the fields of lesson 07's `Config`
    tokenizer.json      {"type": "characters", "characters": [...]}
    model.py            `Config` and `GPT`, which stand alone
    metrics.json        what was measured
    CARD.md             what it is, for people
    manifest.json       {"format": 1, "version": V, "files": {name: {"sha256": ..., "bytes": ...}}}

The version is made from the content of all files but the manifest: who changes a byte has another
model. Nothing in it is a pickle, which would run whatever its writer liked when it is read.
"""

import errno
import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import safetensors.torch
import torch
from torch import nn

import lmcourse
from lmops import soundness
from lmops.card import card
from lmops.files import sync_folder, write_whole

FILES = (
    "CARD.md",
    "config.json",
    "metrics.json",
    "model.py",
    "model.safetensors",
    "tokenizer.json",
)
MANIFEST = "manifest.json"
FORMAT = 1
SHIPPED = Path(lmcourse.__path__[0]) / "small_model"
"""The bundle that comes with the course."""
MANIFEST_BYTES = 2**20
"""No manifest is larger."""


class BrokenBundle(Exception):
    """A bundle is not sound: `problems` says all that is wrong with it."""

    def __init__(self, folder: Path, problems: list[str]) -> None:
        super().__init__(f"{folder} is no sound bundle:\n" + "\n".join(f"- {p}" for p in problems))
        self.problems = problems


@dataclass(frozen=True)
class Bundle:
    """A sound bundle, read whole."""

    folder: Path
    version: str
    config: dict[str, Any]
    characters: list[str]
    metrics: dict[str, Any]
    weights: dict[str, torch.Tensor] = field(repr=False)
    source: str = field(repr=False)

    def model(self) -> nn.Module:
        """Return the model in evaluation mode. Runs `model.py`, so be sure whose it is."""
        module = run(self.source, self.version)
        return with_weights(module.GPT(module.Config(**self.config)), self.weights)

    def encode(self, text: str) -> list[int]:
        """Return the places of the characters of `text` in the vocabulary.

        Raises
        ------
        ValueError
            If the model does not know one of them.
        """
        place = {character: number for number, character in enumerate(self.characters)}
        for character in text:
            if character not in place:
                raise ValueError(
                    f"the model does not know the character {character!r}; "
                    f"it knows: {''.join(self.characters)!r}"
                )
        return [place[character] for character in text]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text whose characters have these places in the vocabulary."""
        return "".join(self.characters[number] for number in ids)


def run(source: str, name: str) -> Any:
    """Run the source of a `model.py` and return it as a module."""
    module = ModuleType(f"lmops_model_{name}")
    sys.modules[module.__name__] = module  # dataclasses look their module up there
    exec(compile(source, f"model.py of {name}", "exec"), vars(module))
    return module


def with_weights(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> nn.Module:
    """Return `model` with the weights of a bundle, in evaluation mode.

    A weight that the model has under several names, as its head, is there under one of them.

    Raises
    ------
    ValueError
        If the model has others.
    """
    missing, extra = model.load_state_dict(weights, strict=False)
    named = dict(model.named_parameters(remove_duplicate=False))
    loaded = {id(named[name]) for name in weights if name in named}
    odd = [name for name in missing if name not in named or id(named[name]) not in loaded]
    if odd or extra:
        raise ValueError(
            f"the weights do not fit the model: it also has {', '.join(odd[:3]) or 'none'}; "
            f"it does not have {', '.join(extra[:3]) or 'none'}"
        )
    return model.eval()


def content_version(digests: Mapping[str, str]) -> str:
    """Return the version of files with these SHA-256 digests, by name."""
    lines = sorted(f"{digest}  {name}\n" for name, digest in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def mine() -> Path:
    """Return the bundle in `my_model/` here, or else the small one that ships with the course."""
    own = Path("my_model")
    return own if (own / MANIFEST).is_file() else SHIPPED


def write(
    folder: Path,
    *,
    weights: Mapping[str, torch.Tensor],
    config: Mapping[str, Any],
    characters: Sequence[str],
    metrics: Mapping[str, Any],
    source: str,
) -> Bundle:
    """Write a bundle with its card and manifest, or nothing; one that is there is replaced.

    Raises
    ------
    BrokenBundle
        If what is to be written does not fit together.
    FileExistsError
        If `folder` holds something else than a bundle.
    """
    kept = {name: weights[name].detach().contiguous() for name in weights if name != "head.weight"}
    head, read = weights.get("head.weight"), weights.get("token_embedding.weight")
    if head is not None and (read is None or not torch.equal(head, read)):
        raise BrokenBundle(folder, ["head.weight is not token_embedding.weight: they must be tied"])
    parameters = sum(weight.numel() for weight in kept.values())
    text = card(
        config=config,
        characters=list(characters),
        metrics=metrics,
        parameters=parameters,
        source=source,
    )
    files = {
        "CARD.md": text.encode(),
        "config.json": as_json(config),
        "metrics.json": as_json(metrics),
        "model.py": source.encode(),
        "model.safetensors": safetensors.torch.save(kept),
        "tokenizer.json": as_json({"type": "characters", "characters": list(characters)}),
    }
    _, problems = soundness.parse(files)
    if problems:
        raise BrokenBundle(folder, problems)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    facts = {n: {"sha256": digests[n], "bytes": len(content)} for n, content in files.items()}
    manifest = {"format": FORMAT, "version": content_version(digests), "files": facts}
    put(folder, {**files, MANIFEST: as_json(manifest)})
    return load(folder)


def verify(folder: Path) -> list[str]:
    """Return all that is wrong with the bundle in `folder`; nothing, if it is sound."""
    return _open(folder)[1]


def load(folder: Path) -> Bundle:
    """Return the bundle in `folder`, read once and verified.

    Raises
    ------
    BrokenBundle
        If it is not sound.
    """
    bundle, problems = _open(folder)
    if bundle is None:
        raise BrokenBundle(folder, problems)
    return bundle


def _open(folder: Path) -> tuple[Bundle | None, list[str]]:
    """Return the bundle, or None and what is wrong; what is verified is what is returned."""
    files, version, problems = _read(Path(folder))
    if problems:
        return None, problems
    content, problems = soundness.parse(files)
    if content is None:
        return None, problems
    return Bundle(folder=Path(folder), version=version, **vars(content)), []


def _read(folder: Path) -> tuple[dict[str, bytes], str, list[str]]:
    """Return the files by name, the version, and in what folder and manifest differ."""
    if not folder.is_dir():
        return {}, "", [f"there is no folder {folder}"]
    names = sorted(set(os.listdir(folder)) - {*FILES, MANIFEST})
    problems = [f"{name}: does not belong to a bundle" for name in names]
    try:
        manifest = soundness.read_json(MANIFEST, _regular(folder / MANIFEST, MANIFEST_BYTES))
    except soundness.Unsound as odd:
        return {}, "", [*problems, str(odd)]
    listed = manifest.get("files")
    if manifest.get("format") != FORMAT or not isinstance(listed, dict):
        return {}, "", [*problems, f"{MANIFEST}: its format is not {FORMAT}, the one known here"]
    problems += [f"{MANIFEST}: {_out(name)}" for name in listed if name not in FILES]
    files: dict[str, bytes] = {}
    for name in FILES:
        try:
            files[name] = _as_listed(folder, name, listed.get(name))
        except soundness.Unsound as odd:
            problems.append(str(odd))
    version = content_version({n: hashlib.sha256(files[n]).hexdigest() for n in files})
    if not problems and manifest.get("version") != version:
        problems.append(f"{MANIFEST}: names another version than {version}, that of its files")
    return files, version, problems


def _as_listed(folder: Path, name: str, fact: Any) -> bytes:
    """Return what is in a file, which must be what the manifest's `fact` says of it."""
    if not isinstance(fact, dict) or type(fact.get("bytes")) is not int:
        raise soundness.Unsound(f"{MANIFEST}: does not say how many bytes {name} has")
    content = _regular(folder / name, fact["bytes"])
    if len(content) != fact["bytes"]:
        raise soundness.Unsound(f"{name}: has {len(content):,} bytes, not {fact['bytes']:,}")
    if hashlib.sha256(content).hexdigest() != fact.get("sha256"):
        raise soundness.Unsound(f"{name}: has another SHA-256 than the manifest says")
    return content


def _out(name: str) -> str:
    """Say what is odd about a name in a manifest."""
    climbs = "/" in name or "\\" in name or name in ("", ".", "..")
    return f"the name {name!r} " + ("leads out of the folder" if climbs else "is none of a bundle")


def _regular(path: Path, most: int) -> bytes:
    """Return what is in a plain file of at most so many bytes."""
    try:
        with open(path, "rb", opener=_without_links) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise soundness.Unsound(f"{path.name}: is no plain file")
            if status.st_size > most:
                raise soundness.Unsound(f"{path.name}: has {status.st_size:,} bytes, not {most:,}")
            return file.read(most + 1)
    except OSError as error:
        known = {errno.ELOOP: "is a link", errno.ENOENT: "is missing"}
        reason = known.get(error.errno or 0, f"cannot be read: {error.strerror}")
        raise soundness.Unsound(f"{path.name}: {reason}") from error


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe would wait for ever


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Have `folder` hold these files alone, or leave it as it was.

    Raises
    ------
    FileExistsError
        If it holds something else than a bundle.
    """
    if folder.exists() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is there and holds no bundle. Name another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        new, old = beside / "new", beside / "old"
        new.mkdir()
        for name, content in files.items():
            write_whole(new / name, content)
        if folder.exists():
            os.replace(folder, old)
        os.replace(new, folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def as_json(value: Mapping[str, Any]) -> bytes:
    """Return the content of a JSON file of a bundle."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()

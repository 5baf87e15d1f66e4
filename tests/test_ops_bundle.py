"""A bundle is read whole or not at all, and what is wrong with it is said."""

import hashlib
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from lmops import bundle
from lmops.soundness import weight_shapes

CONFIG = {
    "vocab_size": 5,
    "context": 8,
    "layers": 2,
    "heads": 2,
    "channels": 12,
    "dropout": 0.0,
}
SOURCE = (bundle.SHIPPED / "model.py").read_text("utf-8")


def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = weight_shapes(CONFIG)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def write(folder: Path, **other: Any) -> bundle.Bundle:
    facts: dict[str, Any] = {
        "weights": weights(),
        "config": CONFIG,
        "characters": list("abcde"),
        "metrics": {"validation_loss": 1.5},
        "source": SOURCE,
    }
    return bundle.write(folder, **facts | other)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "model").folder


def test_what_is_written_comes_back(folder: Path) -> None:
    assert bundle.verify(folder) == []
    found = bundle.load(folder)
    assert (found.config, found.characters) == (CONFIG, list("abcde"))
    assert found.metrics == {"validation_loss": 1.5}
    assert all(torch.equal(found.weights[name], weight) for name, weight in weights().items())
    assert found.decode(found.encode("badc")) == "badc"
    model = found.model()
    assert not model.training
    assert model(torch.zeros(2, 8, dtype=torch.int64)).shape == (2, 8, 5)


def test_the_version_is_the_content(folder: Path, tmp_path: Path) -> None:
    again = write(tmp_path / "again")
    other = write(tmp_path / "other", metrics={"validation_loss": 1.4})
    assert bundle.load(folder).version == again.version != other.version
    assert re.fullmatch("[0-9a-f]{16}", again.version)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    digests = {name: fact["sha256"] for name, fact in manifest["files"].items()}
    assert bundle.content_version(digests) == manifest["version"] == again.version


def test_a_tied_head_is_left_out_and_comes_back(tmp_path: Path) -> None:
    tied = {**weights(), "head.weight": weights()["token_embedding.weight"]}
    assert write(tmp_path / "tied", weights=tied).version == write(tmp_path / "plain").version
    tied["head.weight"] = tied["head.weight"] + 1
    with pytest.raises(bundle.BrokenBundle, match="must be tied"):
        write(tmp_path / "apart", weights=tied)


def test_characters_that_it_does_not_know_are_named(folder: Path) -> None:
    with pytest.raises(ValueError, match="does not know the character 'x'"):
        bundle.load(folder).encode("abx")


def test_nothing_but_a_bundle_is_replaced(folder: Path, tmp_path: Path) -> None:
    other = write(folder, metrics={"validation_loss": 1.4})
    assert bundle.load(folder).version == other.version
    assert os.listdir(folder.parent) == ["model"]
    work = tmp_path / "work"
    work.mkdir()
    (work / "thesis.txt").write_text("years of it")
    with pytest.raises(FileExistsError, match="holds no bundle"):
        write(work)
    assert os.listdir(work) == ["thesis.txt"]


def test_nothing_is_written_that_does_not_fit(folder: Path) -> None:
    before = bundle.load(folder).version
    with pytest.raises(bundle.BrokenBundle, match="vocab_size 5"):
        write(folder, characters=list("abcd"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(folder, metrics={"validation_loss": float("nan")})
    assert bundle.load(folder).version == before


def sealed(folder: Path) -> None:
    """Write the manifest anew, as somebody who changes files on purpose would."""
    files = {name: (folder / name).read_bytes() for name in bundle.FILES}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = {
        "format": 1,
        "version": bundle.content_version(digests),
        "files": {n: {"sha256": digests[n], "bytes": len(files[n])} for n in files},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def with_weights(folder: Path, changed: dict[str, torch.Tensor]) -> None:
    safetensors.torch.save_file(changed, folder / "model.safetensors")
    sealed(folder)


def flip(folder: Path, name: str, place: int = -1) -> None:
    content = bytearray((folder / name).read_bytes())
    content[place] ^= 1
    (folder / name).write_bytes(content)


def in_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def content(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    sealed(folder)


def link(folder: Path) -> None:
    outside = folder.parent / "outside.md"
    shutil.move(folder / "CARD.md", outside)
    (folder / "CARD.md").symlink_to(outside)


def pipe(folder: Path) -> None:
    (folder / "CARD.md").unlink()
    os.mkfifo(folder / "CARD.md")


def pickled(folder: Path, write_it: Callable[[Any, Any], object]) -> None:
    with (folder / "model.safetensors").open("wb") as file:
        write_it(weights(), file)
    sealed(folder)


def twice(folder: Path) -> None:
    text = (folder / "config.json").read_text().replace('"heads": 2', '"heads": 2, "heads": 3')
    content(folder, "config.json", text)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the weights": (lambda f: flip(f, "model.safetensors"), "another SHA-256"),
    "a byte of the card": (lambda f: flip(f, "CARD.md", 0), "CARD.md: has another SHA-256"),
    "a byte more": (
        lambda f: (f / "CARD.md").write_bytes((f / "CARD.md").read_bytes() + b"\n"),
        r"CARD.md: has [\d,]+ bytes, not",
    ),
    "a file is missing": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json: is missing"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "manifest.json: is missing"),
    "a file more": (lambda f: (f / "helper.py").write_text(""), "helper.py: does not belong"),
    "a folder more": (lambda f: (f / "__pycache__").mkdir(), "__pycache__: does not belong"),
    "a link": (link, "CARD.md: is a link"),
    "a pipe": (pipe, "CARD.md: is no plain file"),
    "a folder for a file": (
        lambda f: ((f / "CARD.md").unlink(), (f / "CARD.md").mkdir()),
        "CARD.md: cannot be read",
    ),
    "a path that climbs out": (
        lambda f: in_manifest(f, lambda m: m["files"].update({"../secret": {"bytes": 1}})),
        r"'\.\./secret' leads out of the folder",
    ),
    "a name that is none": (
        lambda f: in_manifest(f, lambda m: m["files"].update({"extra.bin": {"bytes": 1}})),
        "'extra.bin' is none of a bundle",
    ),
    "no size": (
        lambda f: in_manifest(f, lambda m: m["files"]["CARD.md"].pop("bytes")),
        "does not say how many bytes CARD.md has",
    ),
    "another version": (
        lambda f: in_manifest(f, lambda m: m.update(version="0" * 16)),
        "names another version",
    ),
    "another format": (lambda f: in_manifest(f, lambda m: m.update(format=2)), "format is not 1"),
    "a manifest of no JSON": (
        lambda f: (f / "manifest.json").write_text("{" * 100_000),
        "manifest.json: is no JSON",
    ),
    "a pickle by torch": (lambda f: pickled(f, torch.save), "is a pickle, as torch.save"),
    "a pickle": (lambda f: pickled(f, pickle.dump), "is a pickle, as pickle.dump"),
    "half of the weights": (
        lambda f: (
            (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:900]),
            sealed(f),
        ),
        "is no safetensors file",
    ),
    "a weight is missing": (
        lambda f: with_weights(f, {n: w for n, w in weights().items() if n != "norm.bias"}),
        "norm.bias is missing",
    ),
    "a weight more": (
        lambda f: with_weights(f, weights() | {"bias": torch.zeros(1)}),
        "bias is too many",
    ),
    "another shape": (
        lambda f: with_weights(f, weights() | {"norm.bias": torch.zeros(13)}),
        r"norm.bias is \[13\]; config.json makes it \[12\]",
    ),
    "sixteen bits": (
        lambda f: with_weights(f, weights() | {"norm.bias": torch.zeros(12).half()}),
        "norm.bias is torch.float16",
    ),
    "a NaN": (
        lambda f: with_weights(f, weights() | {"norm.bias": torch.full((12,), torch.nan)}),
        "norm.bias holds what is no number",
    ),
    "other sizes": (
        lambda f: content(f, "config.json", json.dumps(CONFIG | {"layers": 3})),
        "blocks.2.norm1.weight is missing",
    ),
    "sizes without end": (
        lambda f: content(f, "config.json", json.dumps(CONFIG | {"layers": 10**9})),
        "layers is 1000000000",
    ),
    "heads that do not fit": (
        lambda f: content(f, "config.json", json.dumps(CONFIG | {"heads": 5})),
        "5 heads cannot share 12 channels",
    ),
    "a size twice": (twice, "stands in it twice"),
    "another vocabulary": (
        lambda f: content(f, "tokenizer.json", '{"type": "characters", "characters": ["a"]}'),
        "has 1 characters",
    ),
    "measures that are no numbers": (
        lambda f: content(f, "metrics.json", '{"validation_loss": NaN}'),
        "NaN is no number",
    ),
    "code that is no Python": (lambda f: content(f, "model.py", "class GPT"), "is no Python"),
    "code without a model": (
        lambda f: content(f, "model.py", "class Config: ..."),
        "does not define GPT",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_said(folder: Path, name: str) -> None:
    damage, said = DAMAGES[name]
    damage(folder)
    problems = bundle.verify(folder)
    assert any(re.search(said, problem) for problem in problems), problems
    with pytest.raises(bundle.BrokenBundle, match=said):
        bundle.load(folder)


def test_any_flipped_bit_of_any_file_is_found(folder: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    for name in bundle.FILES:
        whole = (folder / name).read_bytes()
        for place in torch.randint(len(whole), (20,), generator=generator).tolist():
            flip(folder, name, place)
            assert bundle.verify(folder), (name, place)
            (folder / name).write_bytes(whole)
    assert bundle.verify(folder) == []


def test_no_bundle_at_all(tmp_path: Path) -> None:
    assert bundle.verify(tmp_path / "none") == [f"there is no folder {tmp_path / 'none'}"]


def test_reading_weights_runs_nothing(folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.write_text, (tmp_path / "ran", "yes"))

    (folder / "model.safetensors").write_bytes(pickle.dumps(Evil()))
    sealed(folder)
    assert bundle.verify(folder) == ["model.safetensors: is a pickle, as pickle.dump writes it"]
    assert not (tmp_path / "ran").exists()


def test_mine_is_the_own_model_or_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bundle.mine() == bundle.SHIPPED
    write(Path("my_model"))
    assert bundle.mine() == Path("my_model")
    assert bundle.verify(bundle.mine()) == []


def test_the_shipped_model_is_sound_small_and_good() -> None:
    shipped = bundle.load(bundle.SHIPPED)
    assert sum(file.stat().st_size for file in bundle.SHIPPED.iterdir()) < 2_000_000
    assert shipped.metrics["validation_loss"] < 0.53
    assert f"**{shipped.metrics['validation_loss']:.3f}**" in (
        bundle.SHIPPED / "CARD.md"
    ).read_text("utf-8")

"""The checks of `write_bundle`: the judge opens what was written."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.package_and_register.bundles import (
    FILES,
    LESSON,
    MANIFEST,
    TIED,
    Facts,
    Files,
    digest,
    facts,
    logits,
    parsed,
    received,
    sent,
    text_of,
    version_of,
    weights_in,
    word,
    worthless_alone,
)
from lmcourse.checks.package_and_register.versions import builds_on_versions, naming_versions
from lmcourse.checks.package_and_register.watching import opened

ENDLESS = {"NaN": (float("nan"),), "infinity": (float("inf"), -float("inf"))}
"""What JSON has no word for."""

Asked = list[Any]
"""What `write_bundle` is given, as it travels: weights and so on, without the folder."""


def as_asked(of: Facts) -> Asked:
    return [of.weights, of.config, of.characters, of.metrics, of.source, of.card]


def _tied(asked: Asked) -> Asked:
    """Return what was asked with the head in it, which is the token embedding itself."""
    weights, *rest = asked
    return [weights | {TIED: weights["token_embedding.weight"]}, *rest]


def _files_in(folder: Path) -> dict[str, torch.Tensor]:
    """Return the files of a folder as they travel, other things as the word for what they are."""
    return sent({p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()})


def _refused(write: Callable[[], Any]) -> str:
    try:
        with naming_versions():
            write()
    except (ValueError, FileExistsError) as error:
        return type(error).__name__
    return "nothing"


@probe
def bundle_written(
    _: dict[str, Any], write_bundle: Callable[..., Any], asked: Asked, name: str
) -> Any:
    """Let a bundle be written; return the version, the files, and what else is in the folder."""
    with tempfile.TemporaryDirectory() as scratch, chdir(scratch):
        folder = Path(scratch) / "models" / name
        with opened() as seen, naming_versions():
            version = write_bundle(folder, *_tied(asked))
        if version is None and not folder.exists():
            return None
        inside = [path for path, writes in seen if writes and Path(path).parent == folder]
        others = [p.name for p in folder.iterdir() if p.is_symlink() or not p.is_file()]
        beside = [p.name for p in Path(scratch).rglob("*") if folder not in p.parents]
        return {
            "version": version,
            "files": _files_in(folder),
            "others": [*others, *sorted(set(beside) - {"models", name})],
            "order": [Path(path).name for path in inside],
        }


@probe
def bundle_twice(
    _: dict[str, Any], write_bundle: Callable[..., Any], asked: Asked, names: list[str]
) -> Any:
    """Write the same bundle twice, with every dictionary the other way round; return all files."""
    other = [
        dict(reversed(part.items())) if isinstance(part, dict) else part for part in _tied(asked)
    ]
    with tempfile.TemporaryDirectory() as scratch, naming_versions():
        versions = []
        for name, given in zip(names, (_tied(asked), other), strict=True):
            versions.append(write_bundle(str(Path(scratch) / name), *given))
        if None in versions and not all((Path(scratch) / name).exists() for name in names):
            return None
        return [_files_in(Path(scratch) / name) for name in names]


@probe
def weights_afterwards(
    _: dict[str, Any], write_bundle: Callable[..., Any], asked: Asked
) -> list[str]:
    """Return what `write_bundle` changed in what it was given, in words."""
    given = _tied(asked)
    names = [list(part) for part in given[:4]]
    with tempfile.TemporaryDirectory() as scratch, naming_versions():
        write_bundle(Path(scratch) / "bundle", *given)
    words = "weights", "config", "characters", "metrics"
    return [
        f"{word} had {len(before)} entries, and has {len(part)}"
        for word, before, part in zip(words, names, given, strict=False)
        if list(part) != before
    ]


@probe
def bundle_refused(
    _: dict[str, Any], write_bundle: Callable[..., Any], asked: Asked, there: list[str]
) -> Any:
    """Write a bundle where a folder holds a file already, if `there` says name and text of one.

    Return what was raised, and what is in the folder then.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        if there:
            folder.mkdir()
            (folder / there[0]).write_text(there[1], encoding="utf-8")
        raised = _refused(lambda: write_bundle(folder, *_tied(asked)))
        return [raised, _files_in(folder) if folder.is_dir() else {}]


def odd_weights(files: Files, of: Facts) -> str:
    """Return how the weights in a bundle differ from those that were to be packed, or ""."""
    try:
        found = weights_in(files)
    except ValueError as problem:
        return str(problem)
    if missing := sorted(of.weights.keys() - found.keys()):
        return f"{missing[0]} is missing in model.safetensors"
    if extra := sorted(found.keys() - of.weights.keys()):
        return f"{extra[0]} is too many in model.safetensors"
    for name, weight in of.weights.items():
        if found[name].dtype != weight.dtype:
            return f"{name} is {found[name].dtype}, and was {weight.dtype}"
        if not torch.equal(found[name], weight):
            return f"{name} has other numbers"
    return ""


def odd_manifest(files: Files, version: Any) -> str:
    """Return what is wrong with the manifest of a bundle, or ""."""
    manifest = parsed(files, MANIFEST)
    if not isinstance(manifest, dict):
        return str(manifest)[:100] if isinstance(manifest, str) else "it is no dictionary"
    listed = manifest.get("files")
    if not isinstance(listed, dict):
        return "it has no dictionary of files"
    rest = {name: data for name, data in files.items() if name != MANIFEST}
    if odd := sorted(rest.keys() ^ listed.keys()):
        return f"{odd[0]} is {'not in it' if odd[0] in rest else 'in it, and not in the folder'}"
    for name, data in rest.items():
        if listed[name] != {"sha256": digest(data), "bytes": len(data)}:
            return f"the entry of {name} is not its sha256 and its number of bytes"
    if manifest.get("format") != 1 or manifest.get("format") is True:
        return "its format is not 1"
    if manifest.get("version") != version_of(rest):
        return "its version is not that of the files"
    if odd := sorted(manifest.keys() - {"format", "version", "files"}):
        return f"it has an entry {odd[0]!r} more"
    return "" if version == version_of(rest) else "write_bundle returned another version"


def odd_answers(files: Files, of: Facts, text: str) -> str:
    """Return how the model in a bundle answers otherwise than the one that was packed, or ""."""
    config, tokenizer = parsed(files, "config.json"), parsed(files, "tokenizer.json")
    try:
        ids = torch.tensor([tokenizer["characters"].index(char) for char in text])
        got = logits(weights_in(files), config, ids)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, StopIteration):
        return "the judge could build no model of what is in it"
    wanted = logits(of.weights, of.config, torch.tensor([of.characters.index(c) for c in text]))
    same = got.shape == wanted.shape and torch.allclose(got, wanted, atol=1e-4, rtol=1e-3)
    return "" if same else "its logits are others"


@exercise(LESSON, "write_bundle", points=4)
def write_bundle(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(of: Facts, name: str) -> Mapping[str, Any]:
        came = student.probe(bundle_written, student.write_bundle, as_asked(of), name)
        nothing: Mapping[str, Any] = {"version": None, "files": {}, "others": [], "order": []}
        return nothing if came is None else came

    def names() -> str:
        came = ask(first, name)
        found = {*came["files"], *came["others"]}
        wanted = {*FILES, MANIFEST}
        said = [f"{odd} is missing" for odd in sorted(wanted - found)]
        said += [f"{odd} is too many" for odd in sorted(found - wanted)]
        return "; ".join(said[:3])

    first, name = facts(rng), word(rng)
    yield worthless_alone(builds_on_versions(student, rng))
    yield worthless_alone(
        holds(
            "what is in the folder",
            "the seven files",
            names,
            hint="Six files and manifest.json, each under the name in the table, directly in the "
            "folder, and nothing beside it. `folder = Path(folder)`, `folder.mkdir(parents=True)`, "
            "then `(folder / name).write_bytes(data)` for each. (If safetensors refuses "
            "weights that "
            "share memory: leave head.weight out.)",
            points=0.5,
        )
    )

    def judged() -> Iterator[Case]:
        of, name = facts(rng), word(rng)
        text = text_of(rng, of)

        @cache
        def written() -> Mapping[str, Any]:
            return ask(of, name)

        def files() -> Files:
            return received(written()["files"])

        def said(file: str, key: str = "") -> Any:
            content = parsed(files(), file)
            return content.get(key) if key and isinstance(content, dict) else content

        yield holds(
            "the weights in it, opened by safetensors",
            "all of them, to the last bit",
            lambda: odd_weights(files(), of),
            hint="`safetensors.torch.save(weights)` gives the bytes of model.safetensors: no "
            "pickle, no torch.save. Leave out head.weight, which is the token embedding again "
            "(just this one name, with `!=`: another may end like it), and change nothing else.",
            points=2,
        )
        yield case(
            "config.json",
            lambda: said("config.json"),
            of.config,
            hint="The config as it is given, as JSON: `json.dumps(config)`, and `.encode()` for "
            "bytes.",
        )
        yield case(
            "tokenizer.json",
            lambda: said("tokenizer.json"),
            {"type": "characters", "characters": of.characters},
            hint='{"type": "characters", "characters": characters}, the characters in their order: '
            "a character's place in that list is its number.",
        )
        yield case(
            "metrics.json",
            lambda: said("metrics.json"),
            of.metrics,
            hint="The metrics as they are given, with all their digits, as JSON.",
        )
        yield case(
            "model.py and CARD.md",
            lambda: [files().get(name, b"").decode() for name in ("model.py", "CARD.md")],
            [of.source, of.card],
            hint="The texts as they are, in UTF-8: `source.encode()` and `card.encode()`.",
        )
        yield holds(
            "the manifest, and the version that is returned",
            "they fit the files",
            lambda: odd_weights(files(), of) or odd_manifest(files(), written()["version"]),
            hint='{"format": 1, "version": ..., "files": {name: {"sha256": ..., "bytes": ...}}}, '
            "with the other six files in it: of each the full hash of the bytes that are written, "
            "and their number. The version is `content_version` of these six, and write_bundle "
            "returns it.",
            points=2,
        )
        yield holds(
            "the model in it, asked by the judge",
            "it answers as the one that was packed",
            lambda: odd_answers(files(), of, text),
            hint="Weights, config and characters must all be those that were given.",
        )

    yield from public_and_hidden(judged)

    def too_early() -> str:
        order = list(ask(first, name)["order"])
        late = order[order.index(MANIFEST) + 1 :] if MANIFEST in order else []
        return f"{late[0]} was written after it" if late else ""

    yield worthless_alone(
        holds(
            "when the manifest is written",
            "as the last file of all",
            too_early,
            hint="If the power fails in the middle, what lies there must not look whole: so write "
            "the manifest when all other files are there.",
        )
    )
    again, folders = facts(rng), [word(rng), word(rng)]

    def versions() -> Any:
        both = student.probe(bundle_twice, student.write_bundle, as_asked(again), folders)
        files = [received(each) for each in both]
        kept = [{name: f[name] for name in f if name != MANIFEST} for f in files]
        odd = odd_weights(files[0], again)
        if odd or kept[0].keys() != set(FILES):
            return odd or "a file is missing"
        differ = [name for name in FILES if kept[0][name] != kept[1].get(name)]
        return f"{differ[0]} has other bytes" if differ else ""

    yield holds(
        "the same model, written twice, its dictionaries in another order",
        "the same bytes, and so the same version",
        versions,
        hint="`json.dumps(value, sort_keys=True)`: then the order of a dictionary leaves no trace. "
        "No time and no folder's name belongs into a file.",
    )
    yield worthless_alone(
        case(
            "what it changed in the dictionaries that it was given",
            lambda: student.probe(weights_afterwards, student.write_bundle, as_asked(first)),
            [],
            hint="`weights.pop(...)` or `del` takes the head out of the caller's own "
            "model. Make a new "
            "dictionary of what stays.",
            points=0.5,
        )
    )
    kept, note = [f"{word(rng)}.txt", word(rng)], facts(rng)

    def where_one_is() -> str:
        raised, files = student.probe(bundle_refused, student.write_bundle, as_asked(note), kept)
        left = received(files)
        if raised != FileExistsError.__name__:
            return f"it raised {raised}"
        return "" if left == {kept[0]: kept[1].encode()} else "it changed what was in the folder"

    yield worthless_alone(
        holds(
            "a folder that is there already",
            "FileExistsError, and it stays as it is",
            where_one_is,
            hint="A version that was given out never changes, so never write over one. "
            "`folder.mkdir(parents=True)` raises FileExistsError by itself; make the folder before "
            "you write into it.",
        )
    )
    for what, signs in ENDLESS.items():
        for file, place in (("metrics", 3), ("config", 1)):
            odd, bad = as_asked(facts(rng)), float(rng.choice(signs))
            inner = odd[3]["slices"] | {word(rng): bad}
            odd[place] = odd[place] | ({"slices": inner} if place == 3 else {"dropout": bad})
            yield worthless_alone(_without_end(student, what, file, odd))
    half = facts(rng)
    half.weights["norm.weight"] = half.weights["norm.weight"].half()
    yield holds(
        "a third model, with a weight of float16",
        "all of them, to the last bit",
        lambda: odd_weights(received(ask(half, name)["files"]), half),
        hint="Save each tensor as it is: no `.float()`, no rounding, no lists of numbers.",
        points=0.5,
    )


def _without_end(student: Student, what: str, file: str, asked: Asked) -> Case:
    """Return the case that NaN or infinity is refused, and no manifest left."""

    def odd() -> str:
        raised, files = student.probe(bundle_refused, student.write_bundle, asked, [])
        if raised != ValueError.__name__:
            return f"it raised {raised}"
        return f"it raised, and left {MANIFEST} behind" if MANIFEST in files else ""

    return holds(
        f"{what} in the {file}",
        "ValueError, and no manifest",
        odd,
        hint="JSON has no NaN and no infinity, but Python writes them all the same, and other "
        "programs then cannot read the file. `json.dumps(..., allow_nan=False)` raises ValueError; "
        "another value in their place would be a number that nobody measured. The manifest comes "
        "last: what is half written has none.",
        points=0.4,
    )

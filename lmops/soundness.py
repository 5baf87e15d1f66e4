"""Whether the files of a bundle are what they should be, and fit together."""

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import safetensors.torch
import torch
from safetensors import SafetensorError

SIZES = {"vocab_size": 2**20, "context": 2**20, "layers": 1000, "heads": 1000, "channels": 2**16}
"""The sizes in `config.json`, and the largest that each can be."""

PICKLES = {b"PK\x03\x04": "torch.save", b"\x80": "pickle.dump"}
"""How files begin that are no safetensors, and what writes them."""


Part = TypeVar("Part")


class Unsound(Exception):
    """A file is not what it should be. Says which, and in what."""


@dataclass(frozen=True)
class Content:
    """What is in the files of a sound bundle."""

    config: dict[str, Any]
    characters: list[str]
    metrics: dict[str, Any]
    weights: dict[str, torch.Tensor]
    source: str


def parse(files: Mapping[str, bytes]) -> tuple[Content | None, list[str]]:
    """Return what is in the files, or None and all that is wrong with them."""
    problems: list[str] = []

    def part(read: Callable[[bytes], Part], name: str) -> Part | None:
        try:
            return read(files[name])
        except Unsound as odd:
            problems.append(str(odd))
            return None

    config = part(_config, "config.json")
    characters = part(_characters, "tokenizer.json")
    metrics = part(lambda content: read_json("metrics.json", content), "metrics.json")
    source = part(_source, "model.py")
    weights = part(_weights, "model.safetensors")
    part(lambda content: _text("CARD.md", content), "CARD.md")
    if config and characters is not None and len(characters) != config["vocab_size"]:
        problems.append(
            f"tokenizer.json: has {len(characters)} characters, "
            f"but config.json says vocab_size {config['vocab_size']}"
        )
    if config and weights is not None:
        problems += _misfits(weights, weight_shapes(config))
    if problems:
        return None, problems
    return Content(config, characters, metrics, weights, source), []  # type: ignore[arg-type]


def weight_shapes(config: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the shape of each weight of a GPT of these sizes, by its name in the state dict."""
    V, C = config["vocab_size"], config["channels"]
    block = {
        **{f"{norm}.{part}": [C] for norm in ("norm1", "norm2") for part in ("weight", "bias")},
        **{f"attention.{part}.weight": [C, C] for part in ("query", "key", "value", "project")},
        "feed_forward.expand.weight": [4 * C, C],
        "feed_forward.expand.bias": [4 * C],
        "feed_forward.shrink.weight": [C, 4 * C],
        "feed_forward.shrink.bias": [C],
    }
    return {
        "token_embedding.weight": [V, C],
        "position_embedding.weight": [config["context"], C],
        **{f"blocks.{i}.{name}": block[name] for i in range(config["layers"]) for name in block},
        "norm.weight": [C],
        "norm.bias": [C],
    }


def read_json(name: str, content: bytes) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises
    ------
    Unsound
        If there is none, or one that two readers could read in two ways.
    """
    try:
        found = json.loads(content, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unsound(f"{name}: is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Unsound(f"{name}: is no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number in JSON")


def _config(content: bytes) -> dict[str, Any]:
    config = read_json("config.json", content)
    fields = (*SIZES, "dropout")
    if set(config) != set(fields):
        raise Unsound(f"config.json: has {', '.join(config)}; not {', '.join(fields)}")
    for name, most in SIZES.items():
        if type(config[name]) is not int or not 1 <= config[name] <= most:
            raise Unsound(f"config.json: {name} is {config[name]!r}, not from 1 to {most:,}")
    if type(config["dropout"]) not in (int, float) or not 0 <= config["dropout"] < 1:
        raise Unsound(f"config.json: dropout is {config['dropout']!r}, not from 0 to below 1")
    if config["channels"] % config["heads"]:
        shared = f"{config['heads']} heads cannot share {config['channels']} channels"
        raise Unsound(f"config.json: {shared}")
    return config


def _characters(content: bytes) -> list[str]:
    found = read_json("tokenizer.json", content)
    characters = found.get("characters")
    if found.get("type") != "characters" or not isinstance(characters, list):
        raise Unsound('tokenizer.json: is not {"type": "characters", "characters": [...]}')
    if not all(isinstance(one, str) and len(one) == 1 for one in characters):
        raise Unsound("tokenizer.json: not all of its characters are single characters")
    if len(set(characters)) < len(characters):
        raise Unsound("tokenizer.json: a character stands in it twice")
    return characters


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Unsound(f"{name}: is no text in UTF-8") from error


def _source(content: bytes) -> str:
    """Return the source of a `model.py`, which is read here and not run."""
    source = _text("model.py", content)
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unsound(f"model.py: is no Python: {error}") from error
    classes = {statement.name for statement in body if isinstance(statement, ast.ClassDef)}
    missing = [name for name in ("Config", "GPT") if name not in classes]
    if missing:
        raise Unsound(f"model.py: does not define {' and '.join(missing)}")
    return source


def _weights(content: bytes) -> dict[str, torch.Tensor]:
    for beginning, writer in PICKLES.items():
        if content.startswith(beginning):
            raise Unsound(f"model.safetensors: is a pickle, as {writer} writes it")
    try:
        return safetensors.torch.load(content)
    except (SafetensorError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise Unsound(f"model.safetensors: is no safetensors file: {error}") from error


def _misfits(weights: Mapping[str, torch.Tensor], shapes: Mapping[str, list[int]]) -> list[str]:
    """Say which weights are missing, too many, of another shape or kind, or no numbers."""
    problems = [f"{name} is missing" for name in shapes if name not in weights]
    for name, weight in weights.items():
        shape = list(weight.shape)
        if name not in shapes:
            problems.append(f"{name} is too many")
        elif shape != shapes[name]:
            problems.append(f"{name} is {shape}; config.json makes it {shapes[name]}")
        elif weight.dtype != torch.float32:
            problems.append(f"{name} is {weight.dtype}, not torch.float32")
        elif not weight.isfinite().all():
            problems.append(f"{name} holds what is no number: NaN or infinite")
    return [f"model.safetensors: {problem}" for problem in problems]

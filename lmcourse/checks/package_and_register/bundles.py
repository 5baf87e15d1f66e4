"""Small bundles that the judge made, and what it reads in one that a student wrote."""

import hashlib
import json
import math
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from grader.checks.case import Case, Rng, integers, normal

Weights = dict[str, torch.Tensor]
Files = dict[str, bytes]
Sent = dict[str, torch.Tensor]
"""Files as they travel between the judge and the student's code: as uint8 tensors."""

LESSON = "11_package_and_register"
FILES = (
    "CARD.md",
    "config.json",
    "metrics.json",
    "model.py",
    "model.safetensors",
    "tokenizer.json",
)
MANIFEST = "manifest.json"
TIED = "head.weight"
SIDE_HEAD = "blocks.0.head.weight"
"""A weight whose name ends as that of the tied head, and which is none."""

# ------------------------------------------------------------------------------- as they travel


def sent(files: Mapping[str, bytes]) -> Sent:
    return {
        name: torch.from_numpy(np.frombuffer(data, np.uint8).copy()) for name, data in files.items()
    }


def received(files: Any) -> Files:
    """Return files as bytes; what is no file of bytes is left out."""
    return {
        name: data.numpy().tobytes()
        for name, data in files.items()
        if isinstance(data, torch.Tensor) and data.dtype == torch.uint8
    }


# ------------------------------------------------------------------------ what one is made of


@dataclass(frozen=True)
class Facts:
    """What `write_bundle` is given."""

    weights: Weights
    """Without `head.weight`, which is tied, and with one more, `SIDE_HEAD`, which is not."""
    config: dict[str, Any]
    characters: list[str]
    metrics: dict[str, Any]
    source: str
    card: str


def facts(rng: Rng) -> Facts:
    """Return the facts of a small GPT of other sizes, characters and texts each time."""
    heads = int(rng.integers(1, 4))
    alphabet = list("\n\"'\\ é√" + string.ascii_letters)
    characters = [str(c) for c in rng.permutation(alphabet)[: int(rng.integers(9, 20))]]
    config = {
        "vocab_size": len(characters),
        "context": int(rng.integers(6, 14)),
        "layers": int(rng.integers(1, 3)),
        "heads": heads,
        "channels": 2 * heads * int(rng.integers(1, 3)),
        "dropout": round(float(rng.uniform(0, 0.4)), 3),
    }
    return Facts(
        {name: 0.4 * normal(rng, *size) for name, size in shapes(config).items()}
        | {SIDE_HEAD: normal(rng, 3)},
        config,
        characters,
        {
            "validation_loss": round(float(rng.uniform(0.4, 2)), 6),
            "slices": {word(rng): round(float(rng.uniform(0.4, 2)), 6) for _ in range(3)},
            "tokens": int(rng.integers(10**4, 10**7)),
        },
        f'"""{word(rng)}: é, √."""\n\nclass GPT:\n    name = "{word(rng)}"\n',
        f"# {word(rng)}\n\nWritten by {word(rng)} — for tests.\n",
    )


def shapes(config: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the shape of each weight of a GPT, by lesson 07's names, without the head."""
    C = config["channels"]
    block = {
        **{f"{norm}.{part}": [C] for norm in ("norm1", "norm2") for part in ("weight", "bias")},
        **{f"attention.{part}.weight": [C, C] for part in ("query", "key", "value", "project")},
        "feed_forward.expand.weight": [4 * C, C],
        "feed_forward.expand.bias": [4 * C],
        "feed_forward.shrink.weight": [C, 4 * C],
        "feed_forward.shrink.bias": [C],
    }
    return {
        "token_embedding.weight": [config["vocab_size"], C],
        "position_embedding.weight": [config["context"], C],
        **{f"blocks.{i}.{name}": block[name] for i in range(config["layers"]) for name in block},
        "norm.weight": [C],
        "norm.bias": [C],
    }


def worthless_alone(asked: Case) -> Case:
    """Return a case that code without any sense may pass: it counts beside what is right."""
    return replace(asked, form=True)


def word(rng: Rng, letters: int = 7) -> str:
    return "".join(rng.choice(list(string.ascii_lowercase), letters).tolist())


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def version_of(files: Mapping[str, bytes]) -> str:
    lines = sorted(f"{digest(data)}  {name}\n" for name, data in files.items())
    return digest("".join(lines).encode())[:16]


def manifest_of(files: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "format": 1,
        "version": version_of(files),
        "files": {
            name: {"sha256": digest(data), "bytes": len(data)} for name, data in files.items()
        },
    }


def as_json(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode()


def contents(of: Facts) -> Files:
    """Return the six files of a sound bundle, without its manifest."""
    # An extra of the course, which no other lesson needs.
    from safetensors.torch import save

    return {
        "CARD.md": of.card.encode(),
        "config.json": as_json(of.config),
        "metrics.json": as_json(of.metrics),
        "model.py": of.source.encode(),
        "model.safetensors": save(of.weights),
        "tokenizer.json": as_json({"type": "characters", "characters": of.characters}),
    }


# --------------------------------------------------------------------------------- what one says


def weights_in(files: Files) -> Weights:
    """Return the weights of a bundle, read by the library itself.

    Raises
    ------
    ValueError
        If there are none, or what is there is no safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    if "model.safetensors" not in files:
        raise ValueError("model.safetensors is missing")
    try:
        weights: Weights = load(files["model.safetensors"])
    except SafetensorError as error:
        raise ValueError(f"safetensors cannot open model.safetensors: {str(error)[:80]}") from None
    return weights


def parsed(files: Files, name: str) -> Any:
    """Return what the JSON file `name` says, or what is wrong with it, in words."""
    if name not in files:
        return f"{name} is missing"
    try:
        return json.loads(files[name].decode())
    except (ValueError, RecursionError):
        return f"{name} is no JSON in UTF-8"


def logits(weights: Weights, config: Mapping[str, Any], ids: torch.Tensor) -> torch.Tensor:
    """Return what a GPT with these weights answers to `ids` (T,): logits (T, V)."""
    T, heads = len(ids), config["heads"]

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"))

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])

    x = weights["token_embedding.weight"][ids] + weights["position_embedding.weight"][:T]
    hidden = torch.ones(T, T, dtype=torch.bool).triu(1)
    for i in range(config["layers"]):
        block = f"blocks.{i}"
        normed = norm(x, f"{block}.norm1")
        query, key, value = (
            linear(normed, f"{block}.attention.{part}").view(T, heads, -1).movedim(1, 0)
            for part in ("query", "key", "value")
        )
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        mixed = scores.masked_fill(hidden, -math.inf).softmax(-1) @ value
        x = x + linear(mixed.movedim(0, 1).flatten(1), f"{block}.attention.project")
        wide = F.gelu(linear(norm(x, f"{block}.norm2"), f"{block}.feed_forward.expand"))
        x = x + linear(wide, f"{block}.feed_forward.shrink")
    return norm(x, "norm") @ weights["token_embedding.weight"].T


def text_of(rng: Rng, of: Facts) -> str:
    """Return a text that fills the context, in the characters of the model."""
    picks = integers(rng, len(of.characters), of.config["context"])
    return "".join(of.characters[i] for i in picks.tolist())

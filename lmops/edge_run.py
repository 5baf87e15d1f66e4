"""Write with a GPT whose weights are int8, with NumPy alone: for machines that have no torch.

    python run.py "Once upon a time"
    python run.py "Once upon a time" --characters 400 --temperature 0.8 --seed 1

This file needs NumPy, safetensors and those that lie beside it. A matrix is kept as int8 with one
float32 scale a row; a row is their product. The matrices are multiplied out once, at the start:
int8 saves space on the way, not in memory.
"""

import argparse
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

FILES = ("config.json", "metrics.json", "model.safetensors", "run.py", "tokenizer.json")
SCALE = ".scale"


def read(folder: Path) -> dict[str, bytes]:
    """Return the files of an edge bundle, each as its manifest says.

    Raises
    ------
    ValueError, KeyError, TypeError
        If one has another SHA-256, or the manifest does not say which it should have.
    """
    listed = json.loads((folder / "manifest.json").read_bytes())["files"]
    files = {name: (folder / name).read_bytes() for name in FILES}
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != listed[name]["sha256"]:
            raise ValueError(f"{folder / name} has another SHA-256 than manifest.json says")
    return files


def weights_of(content: bytes) -> dict[str, Floats]:
    """Return the weights in a file, as float32: each int8 row times its scale."""
    kept = load(content)
    return {
        name: np.asarray(kept[name], np.float32) * kept.get(name + SCALE, np.float32(1))
        for name in kept
        if not name.endswith(SCALE)
    }


class Model:
    """A GPT (Radford and others, 2019) of these sizes with these weights."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Floats]) -> None:
        self.config = config
        self.weights = weights

    def __call__(self, ids: Ids) -> Floats:
        """Return the logits (B, T, V) of what follows each of the characters `ids` (B, T)."""
        w, (B, T) = self.weights, ids.shape
        C, H = self.config["channels"], self.config["heads"]
        hidden = np.triu(np.full((T, T), -np.inf, np.float32), 1)
        x = w["token_embedding.weight"][ids] + w["position_embedding.weight"][:T]  # (B, T, C)
        for i in range(self.config["layers"]):
            block = f"blocks.{i}"
            normed = self._norm(x, f"{block}.norm1")
            query, key, value = (
                self._linear(normed, f"{block}.attention.{part}")
                .reshape(B, T, H, -1)
                .transpose(0, 2, 1, 3)  # (B, H, T, C / H)
                for part in ("query", "key", "value")
            )
            scores = query @ key.transpose(0, 1, 3, 2) * np.float32((C // H) ** -0.5) + hidden
            seen = (softmax(scores) @ value).transpose(0, 2, 1, 3).reshape(B, T, C)
            x = x + self._linear(seen, f"{block}.attention.project")
            part = f"{block}.feed_forward"
            wide = gelu(self._linear(self._norm(x, f"{block}.norm2"), f"{part}.expand"))
            x = x + self._linear(wide, f"{part}.shrink")
        return self._norm(x, "norm") @ w["token_embedding.weight"].T

    def _linear(self, x: Floats, name: str) -> Floats:
        out: Floats = x @ self.weights[f"{name}.weight"].T
        bias = self.weights.get(f"{name}.bias")
        return out if bias is None else out + bias

    def _norm(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(1e-5))
        w = self.weights
        normed: Floats = centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"]
        return normed


def softmax(x: Floats) -> Floats:
    """Return e to the power of x, divided so that each row adds up to 1."""
    powers: Floats = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def gelu(x: Floats) -> Floats:
    """Return x times the share of a normal distribution that lies below x.

    Which is (1 + erf(x / sqrt 2)) / 2. NumPy has no erf: this is formula 7.1.26 of Abramowitz and
    Stegun (1964), at most 1.5e-7 away.
    """
    z = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    sum_ = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        sum_ = (sum_ + np.float32(factor)) * t
    erf = np.copysign(1 - sum_ * np.exp(-z * z), x)
    gated: Floats = x * (1 + erf) / 2
    return gated


def write(
    model: Model, ids: list[int], characters: int, temperature: float, seed: int | None
) -> Iterator[int]:
    """Yield the ids of so many characters behind `ids`; temperature 0 takes the likeliest."""
    random = np.random.default_rng(seed)
    ids = list(ids)
    for _ in range(characters):
        logits = model(np.array([ids[-model.config["context"] :]]))[0, -1].astype(np.float64)
        if temperature:
            odds = np.exp((logits - logits.max()) / temperature)
            ids.append(int(random.choice(len(odds), p=odds / odds.sum())))
        else:
            ids.append(int(logits.argmax()))
        yield ids[-1]


def main() -> None:
    """Write on from the text on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help="what to write on from")
    parser.add_argument("--characters", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=0.8, help="0: the likeliest")
    parser.add_argument("--seed", type=int, help="the same text comes again")
    asked = parser.parse_args()
    try:
        files = read(Path(__file__).parent)
    except (OSError, ValueError, KeyError, TypeError) as error:
        parser.exit(1, f"this bundle is not whole: {error}\nCopy it here again.\n")
    known = json.loads(files["tokenizer.json"])["characters"]
    if not asked.text or set(asked.text) - set(known):
        parser.error(f"the text must have one character at least, of these: {''.join(known)!r}")
    model = Model(json.loads(files["config.json"]), weights_of(files["model.safetensors"]))
    ids = [known.index(character) for character in asked.text]
    print(asked.text, end="")
    for id in write(model, ids, asked.characters, asked.temperature, asked.seed):
        print(known[id], end="", flush=True)
    print()


if __name__ == "__main__":
    main()

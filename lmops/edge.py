"""A model for the edge: int8 weights, and NumPy to run them.

    config.json, tokenizer.json, metrics.json   those of the bundle that it is made of
    model.safetensors   each matrix as int8 (rows, columns), and its scales (rows, 1)
    run.py              `lmops.edge_run`, which stands alone
    manifest.json       {"format": "edge-1", "version": V, "of": the version of that bundle,
                        "files": {name: {"sha256": ..., "bytes": ...}}}

Rows are scaled one by one, symmetrically, so that the largest number of each is 127
(Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference", 2018): weights
alone, after training, with no data to calibrate on. Norms and biases stay float32.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from lmops import edge_run
from lmops.bundle import MANIFEST, BrokenBundle, Bundle, as_json, content_version, put
from lmops.soundness import weight_shapes

FORMAT = "edge-1"


class _Edge(nn.Module):
    """The NumPy model, where a torch model is asked for."""

    def __init__(self, model: edge_run.Model) -> None:
        super().__init__()
        self._model = model

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the logits (B, T, V) behind each of `ids` (B, T)."""
        return torch.from_numpy(self._model(ids.numpy()))


@dataclass(frozen=True)
class EdgeBundle(Bundle):
    """An edge bundle, read whole. `weights` are float32 again, `source` is that of `run.py`."""

    of: str

    def model(self) -> nn.Module:
        """Return the model as it runs at the edge, in NumPy."""
        weights = {name: weight.numpy() for name, weight in self.weights.items()}
        return _Edge(edge_run.Model(self.config, weights)).eval()


def quantize(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return each matrix as int8 with its scales, by its name and its name with `.scale`."""
    kept: dict[str, torch.Tensor] = {}
    for name, weight in weights.items():
        if weight.dim() < 2:
            kept[name] = weight
            continue
        scale = weight.abs().amax(dim=1, keepdim=True) / 127
        scale = torch.where(scale > 0, scale, 1.0)  # a row of zeros
        kept[name] = (weight / scale).round().to(torch.int8)
        kept[name + edge_run.SCALE] = scale
    return kept


def write(folder: Path, bundle: Bundle) -> EdgeBundle:
    """Write the edge bundle of a bundle, or nothing; one that is there is replaced.

    Raises
    ------
    FileExistsError
        If `folder` holds something else than an edge bundle.
    """
    if (folder / "model.py").exists():
        raise FileExistsError(f"{folder} holds a full model. Name another folder.")
    files = {
        "config.json": as_json(bundle.config),
        "metrics.json": as_json(bundle.metrics),
        "model.safetensors": safetensors.torch.save(quantize(bundle.weights)),
        "run.py": Path(edge_run.__file__).read_bytes(),
        "tokenizer.json": as_json({"type": "characters", "characters": bundle.characters}),
    }
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = {
        "format": FORMAT,
        "version": content_version(digests),
        "of": bundle.version,
        "files": {n: {"sha256": digests[n], "bytes": len(files[n])} for n in files},
    }
    put(folder, {**files, MANIFEST: as_json(manifest)})
    return load(folder)


def load(folder: Path) -> EdgeBundle:
    """Return the edge bundle in `folder`, as its manifest says.

    Raises
    ------
    BrokenBundle
        If it is not whole.
    """
    try:
        files = edge_run.read(folder)
        manifest = json.loads((folder / MANIFEST).read_bytes())
        weights = edge_run.weights_of(files["model.safetensors"])
        version = content_version({n: hashlib.sha256(c).hexdigest() for n, c in files.items()})
        if (manifest["format"], manifest["version"]) != (FORMAT, version):
            raise ValueError(f"{MANIFEST} is not that of these files")
        config = json.loads(files["config.json"])
        if {name: list(one.shape) for name, one in weights.items()} != weight_shapes(config):
            raise ValueError("model.safetensors does not hold the weights of config.json's sizes")
        return EdgeBundle(
            folder=folder,
            version=version,
            config=config,
            characters=json.loads(files["tokenizer.json"])["characters"],
            metrics=json.loads(files["metrics.json"]),
            weights={name: torch.from_numpy(weight) for name, weight in weights.items()},
            source=files["run.py"].decode(),
            of=manifest["of"],
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise BrokenBundle(folder, [str(error)]) from error


def size(folder: Path) -> int:
    """Return how many bytes a bundle has, all of its files together."""
    return sum(path.stat().st_size for path in folder.iterdir())

"""Train a model on the fables as lesson 07 does, and go on after a kill.

What a training needs to go on lies in one safetensors file, put in its place in one move: weights,
AdamW's running means, the state of the random generator, and in its header the numbers as JSON. On
one machine, killed and gone on ends in the same weights as one run, bit for bit.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

from lmops import bundle
from lmops.files import write_whole
from lmops.soundness import weight_shapes
from lmops.text import Data, evaluate

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """How large the model is, how long it trains, and on how many stories (None: all)."""

    context: int
    layers: int
    heads: int
    channels: int
    steps: int
    batch: int
    peak: float
    warmup: int
    stories: int | None = None

    def config(self, vocab_size: int) -> dict[str, Any]:
        """Return the fields of lesson 07's `Config`."""
        shape = {name: getattr(self, name) for name in ("context", "layers", "heads", "channels")}
        return {"vocab_size": vocab_size, **shape, "dropout": 0.0}


RECIPES = {
    "smoke": Recipe(64, 2, 2, 32, steps=30, batch=4, peak=3e-3, warmup=5, stories=300),
    "laptop": Recipe(256, 2, 2, 96, steps=6500, batch=4, peak=8e-3, warmup=200),
}
"""Lesson 07's shapes and recipes, by its presets."""

JUDGED = 10
"""How often on its way a model is judged, and saved."""


class Diverged(Exception):
    """The loss is no number any more."""


@dataclass
class Progress:
    """How far a training is; all but the tensors."""

    step: int = 0
    seconds: float = 0.0
    best_step: int = 0
    best_loss: float = math.inf
    judged: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """One training: what it is made of decides how it ends, and in which file it is kept."""

    source: str
    config: dict[str, Any]
    recipe: Recipe
    data: Data
    seed: int
    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The file from which this very training goes on."""
        made_of = json.dumps([self.source, self.config, asdict(self.recipe), self.seed])
        return self.folder / f"{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.safetensors"

    def begun(self) -> int:
        """Return how many steps were done when it was last saved."""
        return _numbers(self.checkpoint).step if self.checkpoint.exists() else 0

    def run(
        self, on_step: Callable[[int, float], None], on_judged: Callable[[int, float], None]
    ) -> tuple[Weights, Progress]:
        """Train, from the last checkpoint if there is one; return the best weights.

        Best is the lowest loss on the validation text, which is judged ten times on the way.
        After each step `on_step` gets how many are done, and the loss of that one; `on_judged`
        gets the same, with the loss on the validation text.

        Raises
        ------
        Diverged
            If the loss is no number any more.
        """
        recipe, model = self.recipe, fresh(self.source, self.config, self.seed)
        optimizer = _optimizer(model, recipe.peak)
        best: Weights = {}
        now = Progress()
        if self.checkpoint.exists():
            now, best = _restore(self.checkpoint, model, optimizer)
        self.folder.mkdir(parents=True, exist_ok=True)
        every = max(1, recipe.steps // JUDGED)
        began = time.monotonic() - now.seconds
        model.train()
        for step in range(now.step, recipe.steps):
            loss = _step(model, optimizer, self.data.training, recipe, step)
            if not math.isfinite(loss):
                raise Diverged(f"the loss of step {step + 1} is {loss}")
            if (step + 1) % every == 0 or step + 1 == recipe.steps:
                judged = evaluate(model, self.data.validation, recipe.context)
                now.judged[str(step + 1)] = judged
                if judged < now.best_loss:
                    now.best_step, now.best_loss = step + 1, judged
                    best = {name: w.clone() for name, w in weights_of(model).items()}
                now.step, now.seconds = step + 1, time.monotonic() - began
                _save(self.checkpoint, model, optimizer, best, now)
                on_judged(step + 1, judged)
            on_step(step + 1, loss)
        return best, now


def fresh(source: str, config: dict[str, Any], seed: int) -> nn.Module:
    """Return a new model of a `model.py`, as it is before training."""
    torch.manual_seed(seed)
    module = bundle.run(source, "training")
    model: nn.Module = module.GPT(module.Config(**config))
    if not hasattr(model, "init_weights"):
        _draw(model, config["layers"])
    return model


def _draw(model: nn.Module, layers: int) -> None:
    """Draw the weights of a `model` that draws none itself, as wide as lesson 07 does."""
    length, channels = weights_of(model)["position_embedding.weight"].shape
    spread = channels**-0.5
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name == "position_embedding.weight":
                weight.copy_(2 * spread * _waves(length, channels))
            elif weight.dim() == 2:
                adds = name.endswith(("project.weight", "shrink.weight"))
                weight.normal_(std=spread / math.sqrt(2 * layers) if adds else spread)
            else:
                weight.fill_(1.0 if name.endswith("weight") else 0.0)


def _waves(length: int, channels: int) -> torch.Tensor:
    """Return sines and cosines in turn, each pair slower: (length, channels). Vaswani (2017)."""
    rates = 1e4 ** -(torch.arange(0, channels, 2) / channels)
    turns = torch.outer(torch.arange(length), rates)
    return torch.stack([turns.sin(), turns.cos()], dim=2).flatten(1)


def weights_of(model: nn.Module) -> Weights:
    """Return the weights of a GPT by lesson 07's names, whatever others it has for them."""
    named = dict(model.named_parameters(remove_duplicate=False))
    return {name: named[name].detach() for name in weight_shapes(vars(model.config))}


def _optimizer(model: nn.Module, lr: float) -> torch.optim.AdamW:
    """Return an AdamW in which matrices decay, and biases and norms do not."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.1},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


def _step(
    model: nn.Module, optimizer: torch.optim.AdamW, ids: torch.Tensor, recipe: Recipe, step: int
) -> float:
    """Do one step; return the loss of its batch."""
    starts = torch.randint(len(ids) - recipe.context, (recipe.batch,)).tolist()
    cuts = torch.stack([ids[at : at + recipe.context + 1] for at in starts])  # (B, T + 1)
    loss = F.cross_entropy(model(cuts[:, :-1]).flatten(0, 1), cuts[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    rising = (step + 1) / recipe.warmup
    falling = (recipe.steps - step) / (recipe.steps - recipe.warmup)
    for group in optimizer.param_groups:
        group["lr"] = recipe.peak * min(rising, falling)
    optimizer.step()
    return loss.item()


def _save(
    path: Path, model: nn.Module, optimizer: torch.optim.AdamW, best: Weights, now: Progress
) -> None:
    """Write all that is needed to go on to the file `path`, or nothing."""
    tensors = {"random": torch.get_rng_state()}
    tensors |= {f"best.{name}": weight for name, weight in best.items()}
    for name, parameter in model.named_parameters():
        tensors[f"weight.{name}"] = parameter.detach()
        for part, value in optimizer.state[parameter].items():
            tensors[f"{part}.{name}"] = value
    numbers = {"numbers": json.dumps(asdict(now))}
    write_whole(path, safetensors.torch.save(tensors, metadata=numbers))


def _restore(
    path: Path, model: nn.Module, optimizer: torch.optim.AdamW
) -> tuple[Progress, Weights]:
    """Put everything back as `_save` found it; return how far it was, and the best weights."""
    tensors = safetensors.torch.load_file(path)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"weight.{name}"])
            parts = ("step", "exp_avg", "exp_avg_sq")
            optimizer.state[parameter] = {part: tensors[f"{part}.{name}"] for part in parts}
    torch.set_rng_state(tensors["random"])
    best = {n.removeprefix("best."): w for n, w in tensors.items() if n.startswith("best.")}
    return _numbers(path), best


def _numbers(path: Path) -> Progress:
    with safetensors.safe_open(path, framework="pt") as file:
        return Progress(**json.loads(file.metadata()["numbers"]))

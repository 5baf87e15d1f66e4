"""The row of the model: the judge opens the bundle, as data; nothing of it runs here.

Weights are safetensors, a header in JSON and numbers behind it: reading them executes nothing.
"""

import ast
import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Raised, Student
from grader.checks.vocabulary import holds
from lmcourse.checks.package_and_register import bundles
from lmcourse.checks.package_and_register.bundles import FILES, MANIFEST, shapes
from lmcourse.corpus import fables, join

FOLDER = "model"
PATHS = tuple(f"{FOLDER}/{name}" for name in (MANIFEST, *FILES))
MOST = {"vocab_size": 2**16, "context": 2**14, "layers": 100, "heads": 100, "channels": 2**12}
"""The sizes that a bundle may say, and the largest of each."""

LOSS = 0.6
"""Nats a character: what `lmops gate` lets out by the objective that comes with the course."""
WORTH = 7.0
"""What a model that has learnt something weighs: as much as all that is about its files."""
STORIES = 20
READ = 3_000
"""Characters at most whose losses count."""
WINDOW = 256
"""Places at most that are read at once, whatever the context."""

Config = dict[str, Any]


class _Model:
    """The files of a bundle, each read once."""

    def __init__(self, repository: Student) -> None:
        self._repository = repository
        self._known: dict[str, bytes | Raised] = {}

    def bytes(self, name: str) -> bytes:
        """Return a file's content; raise `Raised` if there is none."""
        if name not in self._known:
            try:
                content = self._repository.content(f"{FOLDER}/{name}")
                self._known[name] = content.numpy().tobytes()
            except Raised as missing:
                self._known[name] = missing
        found = self._known[name]
        if isinstance(found, Raised):
            raise found
        return found

    def json(self, name: str) -> dict[str, Any]:
        """Return the JSON object in a file; raise `Raised` if there is none."""
        try:
            found = json.loads(self.bytes(name))
        except (ValueError, RecursionError):
            raise Raised("ValueError", f"{FOLDER}/{name} is no JSON") from None
        if not isinstance(found, dict):
            raise Raised("ValueError", f"{FOLDER}/{name} is no JSON object")
        return found

    def config(self) -> Config:
        """Return the sizes; raise `Raised` if one is missing or invalid."""
        found = self.json("config.json")
        for name, most in MOST.items():
            if type(found.get(name)) is not int or not 0 < found[name] <= most:
                raise Raised("ValueError", f"config.json: {name} is no size from 1 to {most:,}")
        return found

    def characters(self) -> list[str]:
        """Return the vocabulary; raise `Raised` if it is missing or invalid."""
        found = self.json("tokenizer.json").get("characters")
        if not isinstance(found, list) or not all(
            isinstance(one, str) and len(one) == 1 for one in found
        ):
            raise Raised("ValueError", "tokenizer.json has no list of characters")
        return found

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights; raise `Raised` if there are none."""
        import safetensors.torch  # which lessons without the platform do not need

        try:
            found: dict[str, torch.Tensor] = safetensors.torch.load(self.bytes("model.safetensors"))
        except Raised:
            raise
        except Exception as error:
            raise Raised("ValueError", f"model.safetensors cannot be read: {error}") from None
        return found


def losses(model: _Model, stories: list[str]) -> torch.Tensor:
    """Return the losses (N,) in nats of the characters of `stories`; raise `Raised` if none is.

    They are those of the second halves of windows that overlap by half, as in lesson 05. A
    character that the model does not know loses as much as a guess.
    """
    config, weights = model.config(), {name: w.float() for name, w in model.weights().items()}
    if config["channels"] % config["heads"]:
        raise Raised("ValueError", "config.json: the heads do not share the channels evenly")
    place = {character: number for number, character in enumerate(model.characters())}
    ids = torch.tensor([place.get(character, -1) for character in join(stories)])
    width = min(config["context"], WINDOW)
    half = max(width // 2, 1)
    found: list[torch.Tensor] = []
    for start in range(0, min(len(ids) - width - 1, READ), half):
        window = ids[start : start + width + 1]
        logits = bundles.logits(weights, config, window[:-1].clamp(min=0))[-half:]
        targets = window[-half:]
        nats = F.cross_entropy(logits, targets.clamp(min=0), reduction="none")
        found.append(torch.where(targets < 0, math.log(config["vocab_size"]), nats))
    return torch.cat(found)


@exercise("project", "bundle", points=6, names=("read", "content"))
def bundle(repository: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    model = _Model(repository)

    def listed() -> str:
        said = model.json(MANIFEST).get("files")
        if not isinstance(said, dict) or sorted(said) != sorted(FILES):
            return f"{MANIFEST} does not list {', '.join(FILES)}, and no more"
        for name in FILES:
            fact, content = said[name], model.bytes(name)
            if not isinstance(fact, dict) or fact.get("bytes") != len(content):
                return f"{name} has {len(content):,} bytes, and {MANIFEST} says otherwise"
            if fact.get("sha256") != hashlib.sha256(content).hexdigest():
                return f"{name} has another SHA-256 than {MANIFEST} says"
        return ""

    def fitting() -> str:
        wanted, weights = shapes(model.config()), model.weights()
        if odd := sorted(set(wanted) ^ set(weights)):
            return f"{odd[0]} is missing, or too much"
        for name, shape in wanted.items():
            if list(weights[name].shape) != shape:
                return f"{name} has the shape {list(weights[name].shape)}, not {shape}"
        return ""

    def finite() -> str:
        odd = [name for name, weight in model.weights().items() if not weight.isfinite().all()]
        return f"{odd[0]} has numbers that are none" if odd else ""

    def trained() -> str:
        metrics = model.json("metrics.json")
        loss = metrics.get("validation_loss")
        if not isinstance(loss, float) or not 0 < loss < 10:
            return "metrics.json names no validation_loss"
        return "" if metrics.get("steps") else "metrics.json says that it was trained for no steps"

    def vocabulary() -> str:
        characters = model.characters()
        if len(set(characters)) < len(characters):
            return "a character stands in tokenizer.json twice"
        size = model.config()["vocab_size"]
        return "" if len(characters) == size else f"{len(characters)} characters, and {size} sizes"

    def useful() -> str:
        if odd := fitting() or finite() or vocabulary():
            return odd
        nats = losses(model, fables(STORIES, seed=int(rng.integers(2**31))))
        mean, error = float(nats.mean()), float(nats.std()) / math.sqrt(len(nats))
        if mean - 3 * error <= LOSS:
            return ""
        return f"it loses {mean:.2f} nats a character on stories that it has never seen"

    def code() -> str:
        try:
            tree = ast.parse(model.bytes("model.py"))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return "model.py is no Python"
        classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        lost = {"Config", "GPT"} - classes
        return f"model.py defines no {sorted(lost)[0]}" if lost else ""

    looks: list[tuple[str, str, Callable[[], str], str]] = [
        ("the manifest", "each file is as it says", listed, "lmops pack writes it; change nothing"),
        ("the weights' names and shapes", "those of the sizes", fitting, "lmops pack my_notebooks"),
        ("the weights' numbers", "all are finite", finite, "the training diverged: train again"),
        ("the measures", "it was trained and judged", trained, "lmops train --preset laptop"),
        ("the vocabulary", "a character for each place", vocabulary, "lmops pack writes it"),
        ("the code, which is read and not run", "Config and GPT", code, "lmops pack writes it"),
    ]
    for name, want, look, hint in looks:
        yield holds(name, want, look, hint=hint)
    yield replace(
        holds(
            "what it has learnt",
            f"at most {LOSS:g} nats a character, as objective.yaml began",
            useful,
            hint="The judge has the weights read new stories: lmops train --preset laptop, and "
            "then make gate.",
        ),
        points=WORTH,
    )
    yield case(
        "the card",
        lambda: model.bytes("CARD.md").decode(errors="replace").lstrip()[:1],
        "#",
        hint="CARD.md says what the model is, for people; it begins with a heading.",
    )

"""The row of the model: the judge opens the bundle, as data; nothing of it runs here.

Weights are safetensors, a header in JSON and numbers behind it: reading them executes nothing.
"""

import ast
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Raised, Student
from grader.checks.vocabulary import holds
from lmcourse.checks.package_and_register.bundles import FILES, MANIFEST, shapes

FOLDER = "model"
MOST = {"vocab_size": 2**16, "context": 2**14, "layers": 100, "heads": 100, "channels": 2**12}
"""The sizes that a bundle may say, and the largest of each."""

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
        """Return the sizes; raise `Raised` if one is none."""
        found = self.json("config.json")
        for name, most in MOST.items():
            if type(found.get(name)) is not int or not 0 < found[name] <= most:
                raise Raised("ValueError", f"config.json: {name} is no size from 1 to {most:,}")
        return found

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights; raise `Raised` if there are none."""
        import safetensors.torch  # which lessons without the platform do not need

        try:
            found: dict[str, torch.Tensor] = safetensors.torch.load(self.bytes("model.safetensors"))
        except Raised:
            raise
        except Exception as error:
            raise Raised("ValueError", f"model.safetensors is none: {error}") from None
        return found


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
        characters = model.json("tokenizer.json").get("characters")
        if not isinstance(characters, list) or not all(
            isinstance(one, str) and len(one) == 1 for one in characters
        ):
            return "tokenizer.json has no list of characters"
        if len(set(characters)) < len(characters):
            return "a character stands in tokenizer.json twice"
        size = model.config()["vocab_size"]
        return "" if len(characters) == size else f"{len(characters)} characters, and {size} sizes"

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
    yield case(
        "the card",
        lambda: model.bytes("CARD.md").decode(errors="replace").lstrip()[:1],
        "#",
        hint="CARD.md says what the model is, for people; it begins with a heading.",
    )

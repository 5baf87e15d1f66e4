"""What the tests of the platform share: a small sound bundle, and the command."""

import json
from pathlib import Path
from typing import Any

import torch
from click.testing import CliRunner, Result

from lmcourse import corpus
from lmops import bundle
from lmops.cli import main
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.soundness import weight_shapes

CHARACTERS = sorted(set(corpus.load()))
CONFIG = {"vocab_size": 64, "context": 16, "layers": 1, "heads": 2, "channels": 8, "dropout": 0.0}


def tiny_bundle(folder: Path, seed: int = 0, **config: Any) -> bundle.Bundle:
    """Write a bundle with drawn weights."""
    sizes = CONFIG | config
    drawn = torch.Generator().manual_seed(seed)
    shapes = weight_shapes(sizes)
    return bundle.write(
        folder,
        weights={name: 0.1 * torch.randn(shape, generator=drawn) for name, shape in shapes.items()},
        config=sizes,
        characters=CHARACTERS,
        metrics={"corpus": "fables", "steps": 0, "seed": seed},
        source=(bundle.SHIPPED / "model.py").read_text("utf-8"),
    )


def lmops(*arguments: object) -> Result:
    """Run the command as it is typed, in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def asked(*arguments: object) -> dict[str, Any]:
    """Run a command that must be done, with `--json`, and return its answer."""
    result = lmops(*arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def promoted(made: bundle.Bundle, home: Path = Path(".lmops"), by: str = "ann") -> str:
    """Have a ledger say that a bundle is the champion, without MLflow; return its version."""
    from lmops.store import keep

    place = Home(home)
    keep(made, place.models)
    ledger = Ledger(place.ledger)
    ledger.append("gate", made.version, "lmops", passed=True, reasons=[])
    ledger.append("register", made.version, by, lineage={})
    ledger.append("approve", made.version, "bob")
    ledger.append("promote", made.version, "bob", alias="champion")
    return made.version

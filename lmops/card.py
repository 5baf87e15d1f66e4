"""A model card: what a model is, said from facts alone. Mitchell and others (2019)."""

import ast
import math
from collections.abc import Mapping
from typing import Any


def parts_of(source: str) -> dict[str, str]:
    """Return whose each part of a `model.py` is, which `PARTS` at its end says.

    It is read and not run; a file that does not say so has no parts.
    """
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="PARTS")], value=value):
                try:
                    found = ast.literal_eval(value)
                except ValueError:
                    return {}
                return {str(k): str(v) for k, v in found.items()} if type(found) is dict else {}
    return {}


def card(
    *,
    config: Mapping[str, Any],
    characters: list[str],
    metrics: Mapping[str, Any],
    parameters: int,
    source: str,
) -> str:
    """Return CARD.md for a model of these facts."""
    loss, floor = metrics.get("validation_loss"), metrics.get("floor")
    lines = [
        "# A small GPT that writes fables",
        "",
        f"A transformer that reads and writes single characters (it knows {len(characters)}). It "
        f"has {config['layers']} layers, {config['heads']} heads, {config['channels']} channels "
        f"and {parameters:,} parameters, and looks back {config['context']} characters at most.",
        "",
        "## What it learnt from",
        "",
        "The course's corpus `fables`: stories that a grammar with random choices wrote. They are "
        "about nobody, and contain no person's data.",
        "",
    ]
    if metrics.get("tokens"):
        lines.append(
            f"It trained on {metrics['tokens']:,} characters in {metrics['steps']:,} steps "
            f"({metrics['seconds']:.0f} seconds, seed {metrics['seed']}). The text it is judged by "
            "has no story that it trained on."
        )
    else:
        lines.append("How long it trained, this card does not know.")
    lines += ["", "## How good it is", ""]
    if isinstance(loss, float) and isinstance(floor, float):
        lines += [
            "| on the validation text | nats per character |",
            "|---|---|",
            f"| guessing blindly | {math.log(len(characters)):.3f} |",
            f"| **this model** | **{loss:.3f}** |",
            f"| the least that any model can have | {floor:.3f} |",
        ]
    else:
        lines.append("It was not measured.")
    lines += [
        "",
        "## What it is not for",
        "",
        "It writes what looks like its fables. What it says is made up, also where it names a "
        "person or a place. It knows no facts, follows no instructions, and cannot be asked about "
        "the world. Characters that it does not know it cannot read.",
        "",
        "## Whose code it is",
        "",
    ]
    parts = parts_of(source)
    lines += ["| part | whose |", "|---|---|", *(f"| `{k}` | {v} |" for k, v in parts.items())]
    if not parts:
        lines[-2:] = ["`model.py` does not say."]
    return "\n".join([*lines, ""])

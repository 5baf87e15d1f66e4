"""A model card: what a model is, said from facts alone. Mitchell and others (2019)."""

import ast
import math
from collections.abc import Mapping
from typing import Any

CORPORA = {
    "fables": "The course's corpus `fables`: stories that a grammar with random choices wrote. "
    "They are about nobody, and hold no person's data.",
    "shakespeare": "Tiny Shakespeare: a megabyte out of his plays, in the public domain.",
}


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
    text = metrics.get("corpus", "unknown")
    lines = [
        "# A small GPT that writes one character after the other",
        "",
        f"A transformer that reads and writes single characters; it knows {len(characters)}. It "
        f"has {config['layers']} layers, {config['heads']} heads, {config['channels']} channels "
        f"and {parameters:,} parameters, and looks back {config['context']} characters at most.",
        "",
        "## What it learnt from",
        "",
        CORPORA.get(text, "This card does not know from which text it learnt."),
        "",
        *_liked(metrics),
        _training(metrics),
    ]
    lines += ["", "## How good it is", ""]
    if isinstance(loss, float):
        lines += [
            "| on the validation text | nats per character |",
            "|---|---|",
            f"| guessing blindly | {math.log(len(characters)):.3f} |",
            f"| **this model** | **{loss:.3f}** |",
        ]
        if isinstance(floor, float):
            lines.append(f"| the least that any model can have | {floor:.3f} |")
    else:
        lines.append("It was not measured.")
    lines += [
        "",
        "## What it is not for",
        "",
        "It writes what looks like its text. What it says is made up, also where it names a "
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


def _liked(metrics: Mapping[str, Any]) -> list[str]:
    """Say how much of what it learnt from came from its users."""
    number = metrics.get("liked", 0)
    if not number:
        return []
    return [
        f"Beside it, it learnt from {number:,} answers that users of the service liked, with what "
        "they had asked. Names, addresses and numbers were taken out; what somebody says of "
        "themselves in other words was not.",
        "",
    ]


def _training(metrics: Mapping[str, Any]) -> str:
    """Say how long it trained, as far as that is known."""
    steps = metrics.get("steps")
    if steps == 0:
        return "It has not been trained yet: its weights are drawn at random."
    if steps is None:
        return "How long it trained, this card does not know."
    known = f"It trained for {steps:,} steps"
    if "tokens" in metrics:
        known += f" on {metrics['tokens']:,} characters"
    if "seed" in metrics:
        known += f", with the seed {metrics['seed']}"
    return f"{known}. The text it is judged by has no story that it trained on."

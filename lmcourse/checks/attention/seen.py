"""What is seen of an answer: what it left of the arguments, and how far it moved."""

from typing import Any

import torch

from grader.checks.registry import probe


@probe
def arguments_after(
    namespace: dict[str, Any], name: str, *arguments: torch.Tensor
) -> list[torch.Tensor]:
    """Return what is left of `arguments` after a call of the notebook's function `name`."""
    namespace[name](*arguments)
    return list(arguments)


def max_difference(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).abs().max())

"""A model as lesson 07's `save` keeps it."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch


class NoCheckpoint(Exception):
    """A file is no checkpoint of lesson 07. Says why."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint knows of its model: sizes, weights, and how many steps it trained."""

    config: dict[str, Any]
    weights: dict[str, torch.Tensor]
    step: int


def read(path: Path) -> Checkpoint:
    """Return what is in a checkpoint. None of its content is run.

    Raises
    ------
    NoCheckpoint
        If it is none, or holds more than tensors, numbers, strings, lists and dictionaries.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise NoCheckpoint(f"{path} cannot be read: {error.strerror}") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise NoCheckpoint(f"{path} is no checkpoint that torch reads safely: {reason}") from error
    match found:
        case {"config": dict(config), "model": dict(weights), "step": int(step)} if all(
            isinstance(weight, torch.Tensor) for weight in weights.values()
        ):
            # On a GPU, lesson 07 may have compiled the model.
            plain = {str(n).removeprefix("_orig_mod."): w.float() for n, w in weights.items()}
            return Checkpoint(config, plain, step)
    raise NoCheckpoint(f"{path} is not what lesson 07's save(...) writes: config, model, step")

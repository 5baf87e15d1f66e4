"""Checks of lesson 07: the whole model, its training, its checkpoints and its writing."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.gpt import (
    model,
    counting,
    sampling,
    optimizer,
    training,
    checkpoint,
    writing,
    quiz,
)

__all__ = [
    "checkpoint",
    "counting",
    "model",
    "optimizer",
    "quiz",
    "sampling",
    "training",
    "writing",
]

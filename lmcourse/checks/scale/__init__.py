"""Checks of lesson 09: byte-pair encoding, the parts of a newer model, scaling, a speed run."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.scale import (
    pieces,
    norm,
    rotary,
    orthogonal,
    law,
    speed,
    quiz,
)

__all__ = ["law", "norm", "orthogonal", "pieces", "quiz", "rotary", "speed"]

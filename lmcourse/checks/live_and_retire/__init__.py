"""Checks of lesson 15: drift, training again, feedback, roles, audit, erasure, the end."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.live_and_retire import (
    drifting,
    training,
    rating,
    rights,
    auditing,
    erasing,
    retiring,
    predicting,
    quiz,
)

__all__ = [
    "auditing",
    "drifting",
    "erasing",
    "predicting",
    "quiz",
    "rating",
    "retiring",
    "rights",
    "training",
]

"""Checks of lesson 12: who may ask, and how much; answers, streams, batches and a swap."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.serve import (
    keys,
    bucket,
    redaction,
    streaming,
    endpoint,
    batching,
    swapping,
    quiz,
)

__all__ = [
    "batching",
    "bucket",
    "endpoint",
    "keys",
    "quiz",
    "redaction",
    "streaming",
    "swapping",
]

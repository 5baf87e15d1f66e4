"""Checks of lesson 11: what a bundle holds, whether it is sound, and where it came from."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.package_and_register import (
    versions,
    writing,
    verifying,
    cards,
    ledgers,
    lineages,
    promoting,
    quiz,
)

__all__ = [
    "cards",
    "ledgers",
    "lineages",
    "promoting",
    "quiz",
    "verifying",
    "versions",
    "writing",
]

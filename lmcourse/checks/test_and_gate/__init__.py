"""Checks of lesson 10: tests of data and of models, evaluation with uncertainty, and the gate."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.test_and_gate import (
    data,
    suite,
    bootstrap,
    slices,
    gate,
    quiz,
)

__all__ = ["bootstrap", "data", "gate", "quiz", "slices", "suite"]

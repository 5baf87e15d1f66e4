"""Checks of lesson 05: weights over the past, attention, a head, and the test for leaks."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.attention import masks, scores, head, leaks, windows, quiz

__all__ = ["head", "leaks", "masks", "quiz", "scores", "windows"]

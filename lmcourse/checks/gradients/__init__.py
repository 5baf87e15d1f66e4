"""Checks of lesson 03: slopes by hand and by machine, and steps downhill."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.gradients import losses, graph, steps, quiz

__all__ = ["graph", "losses", "quiz", "steps"]

"""Checks of lesson 04: embeddings, a net with a hidden layer, and how to train and judge it."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.mlp import forward, weights, training, evaluation, schedule, quiz

__all__ = ["evaluation", "forward", "quiz", "schedule", "training", "weights"]

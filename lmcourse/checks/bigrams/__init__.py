"""Checks of lesson 02: counting pairs, and contexts of any length."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.bigrams import counting, sampling, loss, ngrams, quiz

__all__ = ["counting", "loss", "ngrams", "quiz", "sampling"]

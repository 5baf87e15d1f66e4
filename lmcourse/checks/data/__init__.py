"""Checks of lesson 01: cleaning, splitting, characters and numbers, entropy, batches."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.data import cleaning, splitting, letters, surprise, batches, card, quiz

__all__ = ["batches", "card", "cleaning", "letters", "quiz", "splitting", "surprise"]

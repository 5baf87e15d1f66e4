"""Checks of lesson 08: a model that sees both sides, a classifier on it, and how it is measured."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.bert_and_evaluation import (
    masking,
    loss,
    classifier,
    counting,
    ranking,
    calibration,
    slices,
    ensembles,
    quiz,
)

__all__ = [
    "calibration",
    "classifier",
    "counting",
    "ensembles",
    "loss",
    "masking",
    "quiz",
    "ranking",
    "slices",
]

"""Checks of lesson 14: a split, a canary, an A/B test, counters, histograms, alerts, replicas."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.release_and_watch import (
    split,
    canary,
    experiment,
    counters,
    histograms,
    alerts,
    replicas,
    quiz,
)

__all__ = [
    "alerts",
    "canary",
    "counters",
    "experiment",
    "histograms",
    "quiz",
    "replicas",
    "split",
]

"""Checks of lesson 13: an engine, pipelines that react, secrets, images, plans and manifests."""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.pipelines import (
    stages,
    azure,
    github,
    leaks,
    image,
    desired,
    cluster,
    quiz,
)

__all__ = [
    "azure",
    "cluster",
    "desired",
    "github",
    "image",
    "leaks",
    "quiz",
    "stages",
]

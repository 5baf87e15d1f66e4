"""Checks of lesson 06: the parts of a transformer's block, and the block.

The judge sends the weights, and works out with torch's own modules what has to come back.
"""

# In the order of the lesson, in which they register their exercises.
# isort: off
from lmcourse.checks.transformer import (
    attention,
    positions,
    norm,
    feed_forward,
    dropping,
    block,
    quiz,
)

__all__ = ["attention", "block", "dropping", "feed_forward", "norm", "positions", "quiz"]

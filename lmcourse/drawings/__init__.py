"""The course's drawings: how things work, where `lmcourse.plots` shows what came out.

    drawings.attention()

Each function returns a `Drawing`: leave it as the last value of a cell to see it.
"""

from lmcourse.drawings.attention import attention, heads
from lmcourse.drawings.learning import backpropagation
from lmcourse.drawings.models import block, gpt, mlp
from lmcourse.drawings.sketch import Drawing
from lmcourse.drawings.writing import cache, sampling

__all__ = [
    "Drawing",
    "attention",
    "backpropagation",
    "block",
    "cache",
    "gpt",
    "heads",
    "mlp",
    "sampling",
]

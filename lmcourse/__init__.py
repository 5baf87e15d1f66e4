"""What the course's notebooks import: corpora, checks, plots, and small helpers."""

from lmcourse import corpus, plots, rungs
from lmcourse.devices import device
from lmcourse.selfcheck import check
from lmcourse.sliders import play
from lmcourse.tables import table

__all__ = ["check", "corpus", "device", "play", "plots", "rungs", "table"]
__version__ = "0.1.0"

"""What the course's notebooks import: corpora, checks, plots, and the choice of a device."""

from lmcourse import corpus, plots
from lmcourse.devices import device
from lmcourse.selfcheck import check
from lmcourse.sliders import play

__all__ = ["check", "corpus", "device", "play", "plots"]
__version__ = "0.1.0"

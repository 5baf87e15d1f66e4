"""The course's pictures: losses, characters, where things came from, sizes.

Every function but `show` returns a `Picture`: leave it as the last value of a cell to see it, or
call `display(picture)`. `plt.show()` does not know it. Its text alternative is `picture.alt`. What
a lesson draws with pyplot itself, `plots.show()` shows alike.
"""

from lmcourse.pictures import Picture, show
from lmcourse.plots.characters import attention_map, bigram_heatmap, next_token_bars
from lmcourse.plots.figures import CURVES, FADING, GREY, HIGHLIGHT, INK, drawing
from lmcourse.plots.lineage import chain, made_from
from lmcourse.plots.losses import held_out, ladder, loss_curves
from lmcourse.plots.sizes import sizes

__all__ = [
    "CURVES",
    "FADING",
    "GREY",
    "HIGHLIGHT",
    "INK",
    "Picture",
    "attention_map",
    "bigram_heatmap",
    "chain",
    "drawing",
    "held_out",
    "ladder",
    "loss_curves",
    "made_from",
    "next_token_bars",
    "show",
    "sizes",
]

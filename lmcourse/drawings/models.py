"""Whole models and their parts: the MLP of lesson 04, a block, the GPT."""

from lmcourse.drawings.sketch import WIDTH, Drawing, Sketch


def mlp() -> Drawing:
    """Draw how a context becomes embeddings, one long row, a hidden layer and logits."""
    sketch = Sketch(WIDTH, 560)
    context = "fox "
    kinds = ("blue", "orange", "green", "plain")
    C, side = 3, 22
    left, gap = 30, 100
    for place, (char, kind) in enumerate(zip(context, kinds, strict=True)):
        x = left + gap * place
        sketch.box(x + 13, 16, 40, 36, char.replace(" ", "␣"), kind=kind)
        sketch.arrow((x + 33, 52), (x + 33, 100))
        sketch.cells(x, 100, side, [[kind] * C])
        end = 76 + side * C * place + side * C / 2
        sketch.arrow((x + 33, 122), (x + 33, 140), (end, 140), (end, 170))
    sketch.cells(76, 170, side, [[kind for kind in kinds for _ in range(C)]])
    middle = 76 + side * C * len(context) / 2
    sketch.arrow((middle, 192), (middle, 226))
    sketch.box(76, 226, 264, 36, "@ W1 + b1")
    sketch.arrow((middle, 262), (middle, 286))
    sketch.box(76, 286, 264, 36, "tanh")
    sketch.arrow((middle, 322), (middle, 350))
    sketch.cells(middle - 4 * side, 350, side, [["empty"] * 8])
    sketch.arrow((middle, 372), (middle, 400))
    sketch.box(76, 400, 264, 36, "@ W2 + b2")
    sketch.arrow((middle, 436), (middle, 464))
    sketch.cells(middle - 8 * side, 464, side, [["empty"] * 16])
    sketch.arrow((middle, 486), (middle, 512))
    sketch.box(76, 512, 264, 36, "softmax")
    for y, name, note in (
        (30, "contexts  (B, T)", "T = 4 characters"),
        (96, "look up each", "embedding (V, C)"),
        (178, "side by side", "(B, T * C)"),
        (355, "hidden  (B, H)", ""),
        (462, "logits  (B, V)", "one per character"),
        (535, "probabilities", ""),
    ):
        sketch.text(470, y, name, name=True)
        sketch.text(470, y + 20, note)
    return sketch.done(
        "Embeddings into an MLP",
        "Each of the T characters of a context, shape (B, T), is looked up in the embedding, a "
        "table of shape (V, C), and becomes C numbers. Side by side they are one row of T * C "
        "numbers. W1 and b1, then tanh, make H hidden numbers of it; W2 and b2 make V logits, one "
        "per character; softmax makes probabilities of them.",
    )


def block() -> Drawing:
    """Draw a block: two halves that each read the stream and add to it."""
    sketch = Sketch(WIDTH, 500)
    stream = 70
    sketch.text(20, 30, "x  (B, T, C)", name=True)
    sketch.line((stream, 42), (stream, 448), kind="wide")
    sketch.text(20, 486, "x  (B, T, C)", name=True)
    sketch.arrow((stream, 440), (stream, 468))
    for top, norm, part, kind, what in (
        (70, "norm1", "attention", "blue", ("positions look", "at each other")),
        (256, "norm2", "feed_forward", "green", ("each position", "by itself")),
    ):
        sketch.arrow((stream, top), (250, top), (250, top + 20))
        sketch.box(180, top + 20, 140, 36, norm)
        sketch.arrow((250, top + 56), (250, top + 82))
        sketch.box(180, top + 82, 140, 40, part, kind=kind)
        sketch.arrow((250, top + 122), (250, top + 150), (stream + 14, top + 150))
        sketch.plus(stream, top + 150)
        sketch.text(340, top + 43, "brings a copy to one size")
        for row, words in enumerate(what):
            sketch.text(340, top + 98 + 20 * row, words)
        sketch.text(340, top + 155, "adds what it found")
    return sketch.done(
        "A block",
        "The stream x, of shape (B, T, C), runs straight through from top to bottom. Twice a copy "
        "leaves it and comes back: first through norm1 and attention, where positions look at each "
        "other, then through norm2 and feed_forward, where each position works by itself. What "
        "each half found is added to the stream, whose shape stays the same.",
    )


def gpt() -> Drawing:
    """Draw the whole GPT, from ids to logits."""
    sketch = Sketch(WIDTH, 640)
    sketch.box(110, 16, 260, 36, "ids", kind="empty")
    sketch.arrow((150, 52), (150, 84))
    sketch.box(60, 84, 180, 40, "token_embedding", kind="blue")
    sketch.arrow((240, 104), (261, 104))
    sketch.plus(275, 104)
    sketch.box(310, 84, 190, 40, "position_embedding", kind="orange")
    sketch.arrow((310, 104), (289, 104))
    sketch.arrow((275, 118), (275, 172))
    sketch.box(100, 172, 350, 260, kind="empty")
    for top, name, kind in (
        (188, "blocks[0]", "plain"),
        (254, "blocks[1]", "plain"),
        (378, "blocks[layers - 1]", "plain"),
    ):
        sketch.box(170, top, 210, 40, name, kind=kind)
    sketch.arrow((275, 228), (275, 254))
    sketch.arrow((275, 294), (275, 318))
    sketch.text(275, 340, "…", "middle", name=True)
    sketch.arrow((275, 352), (275, 378))
    sketch.arrow((275, 432), (275, 462))
    sketch.box(170, 462, 210, 36, "norm")
    sketch.arrow((275, 498), (275, 524))
    sketch.box(170, 524, 210, 40, "head", kind="blue")
    sketch.arrow((275, 564), (275, 594))
    sketch.box(170, 594, 210, 36, "logits", kind="empty")
    sketch.line((60, 104), (36, 104), (36, 544), (170, 544), kind="dashed")
    sketch.text(46, 456, "tied: one")
    sketch.text(46, 476, "matrix, (V, C)")
    for y, words in (
        (39, "(B, T)"),
        (150, "the stream: (B, T, C)"),
        (304, "each block adds"),
        (324, "to the stream:"),
        (344, "(B, T, C)"),
        (485, "(B, T, C)"),
        (549, "C to V"),
        (617, "(B, T, V): what comes"),
    ):
        sketch.text(466 if 160 < y < 440 else 400, y, words)
    return sketch.done(
        "The whole GPT",
        "ids of shape (B, T) are looked up in token_embedding; position_embedding is added. That "
        "is the stream, of shape (B, T, C). It runs through the blocks, one after the other, and "
        "each adds to it. Then a last norm, and head, a linear layer from C to V, makes logits of "
        "shape (B, T, V): at each position, what comes next. The matrix of head, of shape (V, C), "
        "is that of token_embedding: the two are tied.",
    )

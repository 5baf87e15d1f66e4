"""Attention: one head from its input to its output, and several heads side by side."""

from lmcourse.drawings.sketch import WIDTH, Drawing, Sketch


def attention() -> Drawing:
    """Draw one head: queries meet keys, and values are mixed."""
    sketch = Sketch(WIDTH, 590)
    sketch.box(150, 16, 340, 56, "x  (T, C)", "one row for each position")
    for left, name, question, kind, weight in (
        (14, "query  (T, d)", "what do I look for?", "blue", "× Wq"),
        (223, "key  (T, d)", "what do I have?", "orange", "× Wk"),
        (432, "value  (T, d)", "what do I give?", "green", "× Wv"),
    ):
        middle = left + 97
        start = min(max(middle, 180), 460)
        sketch.arrow((start, 72), (start, 96), (middle, 96), (middle, 130))
        sketch.text(middle + 10, 120, weight)
        sketch.box(left, 130, 194, 60, name, question, kind=kind)
    sketch.arrow((111, 190), (111, 236))
    sketch.arrow((320, 190), (320, 236))
    sketch.box(80, 236, 300, 60, "scores  (T, T)", "each query · each key, / √d")
    sketch.arrow((230, 296), (230, 340))
    sketch.box(
        120, 340, 260, 80, "weights  (T, T)", "future hidden, softmax:", "each row sums to 1"
    )
    T = 5
    shown = [["blue" if key <= query else "empty" for key in range(T)] for query in range(T)]
    sketch.cells(20, 340, 16, shown)
    sketch.text(20, 442, "row: who looks")
    sketch.text(20, 462, "column: at whom")
    sketch.arrow((230, 420), (230, 510))
    sketch.arrow((529, 190), (529, 480), (410, 480), (410, 510))
    sketch.text(519, 450, "add up the values,", "end")
    sketch.text(519, 470, "each by its weight", "end")
    sketch.box(150, 510, 340, 60, "out  (T, d)", "at each position, a mix of values")
    return sketch.done(
        "One head of attention",
        "From x, with a row of C numbers for each of T positions, three matrices make a query "
        "(what do I look for?), a key (what do I have?) and a value (what do I give?) for each "
        "position, each of shape (T, d). Each query times each key, divided by the square root of "
        "d, gives scores of shape (T, T). The future is hidden, and softmax makes weights of each "
        "row, which sum to 1. With these weights values are added up: out is of shape (T, d).",
    )


def heads() -> Drawing:
    """Draw how channels are cut into heads and put side by side again: 8 channels, 2 heads."""
    sketch = Sketch(WIDTH, 660)
    T, d, side = 3, 4, 15
    grey, first, second = ["plain"] * d, ["blue"] * d, ["orange"] * d
    wide = 2 * d * side
    right = 446  # where the notes begin

    sketch.cells(157, 20, side, [grey + grey] * T)
    sketch.text(right, 36, "x", name=True)
    sketch.text(right, 56, "(B, T, C)")
    for left, name in ((14, "query"), (157, "key"), (300, "value")):
        sketch.arrow((217, 65), (217, 82), (left + wide / 2, 82), (left + wide / 2, 96))
        sketch.text(left + wide / 2, 112, name, "middle")
        sketch.cells(left, 120, side, [first + second] * T)
        sketch.line((left + wide / 2, 165), (left + wide / 2, 184))
    sketch.line((74, 184), (360, 184))
    sketch.text(right, 130, "three products", name=True)
    sketch.text(right, 150, "for all heads at once")
    sketch.text(right, 170, "(B, T, C)")
    for left, kind, number in ((14, first, 0), (227, second, 1)):
        middle = left + 96.5
        sketch.arrow((middle, 184), (middle, 206))
        sketch.box(left, 206, 193, 228, kind="empty")
        channels = f"channels {number * d} to {number * d + d - 1}"
        sketch.text(middle, 228, f"head {number}", "middle", name=True)
        sketch.text(middle, 248, channels, "middle")
        for part in range(3):
            sketch.cells(left + 4 + 62.5 * part, 258, side, [kind] * T)
        sketch.arrow((middle, 303), (middle, 324))
        sketch.box(left + 30, 324, 133, 34, "attention", kind="plain")
        sketch.arrow((middle, 358), (middle, 380))
        sketch.cells(middle - 2 * side, 380, side, [kind] * T)
        sketch.arrow((middle, 434), (middle, 452), (217, 452), (217, 476))
    sketch.text(right, 238, "cut the channels", name=True)
    sketch.text(right, 258, "(B, H, T, d)")
    sketch.text(right, 336, "each head by itself", name=True)
    sketch.text(right, 356, "its own weights,")
    sketch.text(right, 376, "(B, H, T, T)")
    sketch.cells(157, 476, side, [first + second] * T)
    sketch.text(right, 493, "side by side", name=True)
    sketch.text(right, 513, "(B, T, C)")
    sketch.arrow((217, 521), (217, 540))
    sketch.box(157, 540, 120, 34, "project")
    sketch.arrow((217, 574), (217, 596))
    sketch.cells(157, 596, side, [grey + grey] * T)
    sketch.text(right, 556, "mix what they found", name=True)
    sketch.text(right, 576, "(B, T, C)")
    return sketch.done(
        "Heads, split and joined",
        "x has the shape (B, T, C). Three products make the queries, keys and values of all heads "
        "at once, each of shape (B, T, C). The channels are cut into heads, shape (B, H, T, d): "
        "here head 0 gets channels 0 to 3 and head 1 channels 4 to 7. Each head attends by itself, "
        "with weights of its own. What they found is put side by side again, (B, T, C), and "
        "project mixes it.",
    )

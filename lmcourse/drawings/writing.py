"""How a model writes: which characters may be drawn, and what the cache keeps."""

from itertools import accumulate

from lmcourse.drawings.sketch import WIDTH, Drawing, Sketch

PROBABILITIES = (50, 30, 15, 5)
"""In percent, most likely first."""

TEXT = "The fox"
"""What is written in the drawing of the cache."""


def sampling() -> Drawing:
    """Draw what top-k and top-p leave of four probabilities, laid end to end."""
    sums = list(accumulate(PROBABILITIES))
    rows: list[tuple[str, int | None, int]] = [
        ("all of them", None, len(PROBABILITIES)),
        ("top_k = 3", None, 3),
    ]
    for percent in (60, 40):
        name = f"top_p = {percent / 100}"
        rows.append((name, percent, 1 + sum(each < percent for each in sums)))
    left, unit, high = 130, 4.9, 44
    sketch = Sketch(WIDTH, 420)
    for percent in range(0, 101, 20):
        sketch.text(left + unit * percent, 34, f"{percent / 100:g}", "middle")
    sketch.text(20, 34, "sum so far")
    for row, (name, p, kept) in enumerate(rows):
        top = 52 + 86 * row
        sketch.text(20, top + 28, name, name=True)
        for place, percent in enumerate(PROBABILITIES):
            kind = "blue" if place < kept else "empty"
            start = sums[place] - percent
            words = (f"{percent / 100:g}",) if percent > 5 else ()
            sketch.box(left + unit * start, top, unit * percent, high, *words, kind=kind)
        if p:
            x = left + unit * p
            sketch.line((x, top - 6), (x, top + high + 6), kind="dashed")
        said = f"{kept} stay" if kept > 1 else "1 stays"
        reason = f": as few as reach {p / 100}" if p else ""
        sketch.text(left, top + high + 20, said + reason)
    sketch.text(20, 404, "Blue ones may be drawn, scaled to a sum of 1.")
    return sketch.done(
        "Top-k and top-p",
        "Four characters have the probabilities 0.5, 0.3, 0.15 and 0.05. "
        + " ".join(f"With {name}, the first {kept} may be drawn." for name, _, kept in rows[1:])
        + " For top-p, the probabilities are laid end to end, most likely first: those stay that "
        "are needed to reach p. What stays is scaled to a sum of 1.",
    )


def cache(step: int = len(TEXT)) -> Drawing:
    """Draw which keys and values are computed at each step, without a cache and with one.

    Parameters
    ----------
    step : how many characters are written by now, from 1 to 7

    Raises
    ------
    ValueError
        If there is no such step.
    """
    if not 1 <= step <= len(TEXT):
        raise ValueError(f"step is {step}, but there are steps 1 to {len(TEXT)} to draw")
    side = 34
    sketch = Sketch(WIDTH, 400)
    for left, name in ((66, "without a cache"), (380, "with a cache")):
        sketch.text(left, 34, name, name=True)
        computed = 0
        for row in range(step):
            old = "orange" if name.startswith("without") else "blue"
            kinds = [old] * row + ["orange"]
            letters = [char.replace(" ", "␣") for char in TEXT[: row + 1]]
            sketch.cells(left, 50 + side * row, side, [kinds], letters)
            computed += kinds.count("orange")
        sketch.text(left, 318, f"computed so far: {computed}")
    for row in range(step):
        sketch.text(20, 50 + side * row + 22, f"{row + 1}")
    sketch.text(20, 34, "step")
    sketch.cells(20, 340, 18, [["orange"]])
    sketch.text(48, 355, "key and value are computed at this step")
    sketch.cells(20, 368, 18, [["blue"]])
    sketch.text(48, 383, "they are in the cache, and only looked at")
    plain = step * (step + 1) // 2
    return sketch.done(
        f"The key-value cache, step {step} of {len(TEXT)}",
        f"{TEXT[:step]!r} is read one character at a time. Without a cache each step computes the "
        f"keys and values of all characters so far, {plain} in all. With a cache it computes those "
        f"of the new character alone, {step} in all, and looks at the others where they are kept.",
    )

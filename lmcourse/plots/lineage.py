"""Where things came from: the lines of a ledger, each bound to the one before; what made what."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lmcourse.pictures import Picture
from lmcourse.plots.figures import CURVES, GREY, HIGHLIGHT, drawing

DOUBTFUL = CURVES[1]
SHOWN = 6  # digits of a hash


def chain(entries: Sequence[Mapping[str, Any]], bad: int = 0) -> Picture:
    """Draw a ledger's lines in a row, an arrow from each to the one whose hash it holds.

    Parameters
    ----------
    entries : the lines, each with its number, event, by, hash, and the previous one's hash
    bad : the number of the first line that does not hold, from which none is sure; 0 if all hold
    """
    with drawing(1.9 * len(entries), 1.7) as (picture, axes):
        for place, entry in enumerate(entries):
            doubtful = bad and place + 1 >= bad
            said = (
                f"{entry['number']}  {entry['event']}\nby {entry['by']}\n"
                f"previous {entry['previous'][:SHOWN]}\nhash {entry['hash'][:SHOWN]}"
            )
            box = {
                "boxstyle": "round,pad=0.5",
                "facecolor": "white",
                "edgecolor": DOUBTFUL if doubtful else HIGHLIGHT,
                "linewidth": 3 if place + 1 == bad else 1.5,
            }
            axes.text(place, 0, said, ha="center", va="center", family="monospace", bbox=box)
            if place:
                arrow = {"arrowstyle": "->"}
                axes.annotate("", (place - 0.6, 0), (place - 0.4, 0), arrowprops=arrow)
        axes.set(xlim=(-0.6, len(entries) - 0.4), ylim=(-1, 1))
        axes.set_axis_off()
    lines = (
        f"line {entry['number']}, {entry['event']}, previous {entry['previous'][:SHOWN]}, "
        f"hash {entry['hash'][:SHOWN]}"
        for entry in entries
    )
    picture.alt = "; ".join([*lines, f"line {bad} does not hold" if bad else "all hold"])
    return picture


def made_from(parents: Mapping[str, Sequence[str]], marked: Collection[str] = ()) -> Picture:
    """Draw what was made from what, from left to right.

    Parameters
    ----------
    parents : each thing to those that it was made from, directly; every one of them is a key
    marked : things of another colour
    """
    depth: dict[str, int] = {}
    while len(depth) < len(parents):
        for thing, parts in parents.items():
            if thing not in depth and all(part in depth for part in parts):
                depth[thing] = 1 + max((depth[part] for part in parts), default=-1)
    columns = [[t for t in parents if depth[t] == d] for d in range(max(depth.values()) + 1)]
    place = {
        thing: (column, row - (len(things) - 1) / 2 + 0.15 * (column % 2))
        for column, things in enumerate(columns)
        for row, thing in enumerate(things)
    }
    with drawing(9.0, 3.6) as (picture, axes):
        for thing, parts in parents.items():
            for part in parts:
                far = depth[thing] - depth[part] > 1  # round what stands between
                arrow = {"arrowstyle": "->", "color": GREY, "shrinkA": 28, "shrinkB": 30}
                arrow["connectionstyle"] = f"arc3,rad={-0.25 if far else 0}"
                axes.annotate("", place[thing], place[part], arrowprops=arrow)
        for thing, (x, y) in place.items():
            edge = DOUBTFUL if thing in marked else HIGHLIGHT
            box = {"boxstyle": "round", "facecolor": "white", "edgecolor": edge, "linewidth": 2}
            axes.text(x, y, thing.replace(" ", "\n", 1), ha="center", va="center", size=9, bbox=box)
        axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(-2.2, 2.2))
        axes.set_axis_off()
    said = [f"{thing} from {', '.join(parts)}" for thing, parts in parents.items() if parts]
    picture.alt = "; ".join([*said, *([f"marked: {', '.join(sorted(marked))}"] if marked else [])])
    return picture

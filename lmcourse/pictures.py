"""How the course shows pictures: sharp, in one style, and in words for who does not see them."""

import html
from base64 import b64encode
from collections.abc import Iterator, Mapping
from io import BytesIO
from types import MappingProxyType

import numpy as np
from IPython.core.pylabtools import print_figure
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

DPI = 80  # pixels of the page for an inch of a figure: 10 points are 11 pixels
DENSITY = 2  # pixels of a picture for each pixel of the page: letters stay sharp
LEAST = 0.8  # of its width: on a narrower page it is moved, so that letters have 9 pixels
LISTED = 12  # bars or words that are told one by one


class Picture(Figure):
    """A matplotlib figure outside pyplot, with a text alternative.

    Attributes
    ----------
    alt : one sentence that says what the picture shows
    losses : what a ladder shows, in nats per character; build keeps it for later lessons
    """

    alt: str = ""
    losses: Mapping[str, float] = MappingProxyType({})

    def _ipython_display_(self) -> None:
        _publish(self, self.alt, self.losses)


def show(alt: str = "") -> None:
    """Show the figures of pyplot, as `plt.show()` does, in the style of the course's pictures.

    Parameters
    ----------
    alt : what they show, for those who do not see it; else it is told from what was drawn
    """
    from matplotlib import pyplot  # which lessons that draw by themselves have imported

    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        for axes in figure.axes:
            if not axes.images:
                axes.spines[["right", "top"]].set_visible(False)
        _publish(figure, alt or told(figure))
        pyplot.close(figure)


def told(figure: Figure) -> str:
    """Return in words what stands in `figure`: names, and where lines begin, turn and end."""
    parts = []
    for axes in figure.axes:
        if axes.get_label() == "<colorbar>":
            continue
        title = axes.get_title() or axes.get_title("left")
        labels = " over ".join(filter(None, [axes.get_ylabel(), axes.get_xlabel()]))
        head = ", ".join(filter(None, [title, labels]))
        content = "; ".join(_content(axes))
        parts.append(": ".join(" ".join(part.split()) for part in (head, content) if part))
    return ". ".join(filter(None, parts)) + "."


def _content(axes: Axes) -> Iterator[str]:
    for line in axes.lines:
        yield from _line(line)
    for bars in axes.containers:
        if isinstance(bars, BarContainer):
            yield _bars(bars, axes)
    for image in axes.images:
        values = np.asarray(image.get_array(), dtype=float)
        sides = " by ".join(str(side) for side in values.shape[:2])
        yield f"{sides} fields from {np.nanmin(values):.3g} to {np.nanmax(values):.3g}"
    for points in axes.collections:
        if (count := len(np.asarray(points.get_offsets()))) > 1:
            yield f"{count} points"
    words = [text.get_text() for text in axes.texts]
    if words:
        more = ", …" if len(words) > LISTED else ""
        yield f"written there: {', '.join(words[:LISTED])}{more}"


def _line(line: Line2D) -> Iterator[str]:
    name = str(line.get_label())
    name = "a line" if name.startswith("_") else name
    x, y = (np.asarray(data, dtype=float).ravel() for data in line.get_data())
    known = np.isfinite(y)
    x, y = x[known] + 0.0, y[known] + 0.0  # no -0
    if len(y) > 2 or (len(y) == 2 and x[0] != x[1] and y[0] != y[1]):
        lowest, highest = int(y.argmin()), int(y.argmax())
        places = dict.fromkeys([0, lowest, highest, len(y) - 1])
        kinds = {lowest: "lowest ", highest: "highest "}
        stops = (f"{kinds.get(i, '')}{y[i]:.3g} at {x[i]:.3g}" for i in places)
        yield f"{name}: {', '.join(stops)}"
    elif len(y) == 2:
        yield f"{name} at {y[0] if y[0] == y[1] else x[0]:.3g}"


def _bars(bars: BarContainer, axes: Axes) -> str:
    if bars.orientation == "horizontal":
        lengths, ticks = [bar.get_width() for bar in bars], axes.get_yticklabels()
    else:
        lengths, ticks = [bar.get_height() for bar in bars], axes.get_xticklabels()
    names = [tick.get_text() for tick in ticks]
    labels = (str(each.get_label()) for each in (bars, bars[0]))  # a histogram's is its first bar's
    name = next((f"{label}: " for label in labels if label and label[0] != "_"), "")
    if len(names) == len(lengths) <= LISTED and all(names):
        listed = zip(names, lengths, strict=True)
        return name + ", ".join(f"{each} {length:.3g}" for each, length in listed)
    return f"{name}{len(lengths)} bars from {min(lengths):.3g} to {max(lengths):.3g}"


def _publish(figure: Figure, alt: str, losses: Mapping[str, float] = MappingProxyType({})) -> None:
    picture = Image.open(BytesIO(print_figure(figure, dpi=DENSITY * DPI)))
    width, height = (side // DENSITY for side in picture.size)
    # 256 colours are a quarter of the bytes, and more than a plot has but for smooth edges. Pillow
    # does not write which program drew it, so the same picture is the same bytes.
    packed = BytesIO()
    few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(packed, "png", optimize=True)
    png = b64encode(packed.getvalue()).decode()
    # Jupyter takes a text alternative from HTML only, nbconvert to LaTeX takes the PNG only.
    image = f'<img src="data:image/png;base64,{png}" alt="{html.escape(alt)}"'
    bundle = {
        "text/plain": alt,
        "text/html": f'<div style="overflow-x: auto">{image} width="{width}" '
        f'style="max-width: 100%; min-width: {LEAST * width:.0f}px"></div>',
        "image/png": png,
    }
    metadata: dict[str, object] = {"image/png": {"alt": alt, "width": width, "height": height}}
    if losses:
        metadata["losses"] = dict(losses)
    display(bundle, metadata=metadata, raw=True)

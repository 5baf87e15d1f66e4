"""What drawings are made of: boxes, texts, arrows and tables of cells, as one SVG.

Lengths are in CSS pixels, from the upper left. A drawing has a white ground of its own, so that it
reads on light and dark pages: an image cannot know the theme of a notebook around it.
"""

import base64
import html
from collections.abc import Mapping, Sequence

from IPython.display import display

INK = "#222222"
WIDTH = 640  # of most drawings
FILLS: Mapping[str, tuple[str, str]] = {
    # Fill and edge: tints and tones of a palette for the colour-blind (Okabe and Ito, 2008).
    "plain": ("#f2f2f2", "#6b6b6b"),
    "blue": ("#cfe4f2", "#0072b2"),
    "orange": ("#fbdcc5", "#d55e00"),
    "green": ("#cbeadf", "#009e73"),
    "empty": ("#ffffff", "#949494"),
}
FAMILY = "'DejaVu Sans', Verdana, Arial, sans-serif"
SIZE = 15  # of the smallest letters, so that a drawing can be shown at half its width
_STYLE = f"""
text {{ font: {SIZE}px {FAMILY}; fill: {INK}; }}
.name {{ font-weight: bold; }}
.line {{ fill: none; stroke: {INK}; stroke-width: 1.5; }}
.wide {{ fill: none; stroke: {INK}; stroke-width: 4; }}
.dashed {{ fill: none; stroke: {INK}; stroke-width: 1.5; stroke-dasharray: 5 4; }}
.head {{ fill: {INK}; }}
"""
_STYLE += "".join(f".{k} {{ fill: {f}; stroke: {e}; }}\n" for k, (f, e) in FILLS.items())


class Drawing:
    """An SVG with a text alternative: leave it as the last value of a cell to see it.

    Attributes
    ----------
    title : a few words on what is drawn
    alt : what the drawing says, for those who do not see it
    svg : the drawing, as the text of a file
    """

    def __init__(self, title: str, alt: str, width: int, height: int, parts: Sequence[str]) -> None:
        self.title = title
        self.alt = alt
        self._width = width
        body = "\n".join(parts)
        self.svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}">\n'
            f"<title>{html.escape(title)}</title>\n<desc>{html.escape(alt)}</desc>\n"
            f"<style>{_STYLE}</style>\n"
            f'<rect class="ground" width="{width}" height="{height}" rx="10" fill="#ffffff"/>\n'
            f"{body}\n</svg>\n"
        )

    def bundle(self) -> dict[str, str]:
        """Return what a cell shows, by its kind.

        It is HTML with an image in it, since that is what all front ends show, also before the
        notebook is trusted: they keep SVG itself back, or scripts in it may run.
        """
        data = base64.b64encode(self.svg.encode()).decode()
        image = f'<img src="data:image/svg+xml;base64,{data}" alt="{html.escape(self.alt)}"'
        return {
            "text/html": f'{image} width="{self._width}" style="max-width: 100%">',
            "text/plain": f"{self.title}. {self.alt}",
        }

    def _ipython_display_(self) -> None:
        display(self.bundle(), raw=True)


class Sketch:
    """A drawing in the making, `width` by `height`."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def done(self, title: str, alt: str) -> Drawing:
        """Return the drawing."""
        return Drawing(title, alt, self.width, self.height, self._parts)

    def text(
        self, x: float, y: float, words: str, anchor: str = "start", name: bool = False
    ) -> None:
        """Write `words` with their base line at `y`; `anchor` is start, middle or end."""
        self._parts.append(_text(x, y, words, anchor, name))

    def box(
        self, x: float, y: float, width: float, height: float, *lines: str, kind: str = "plain"
    ) -> None:
        """Draw a box with `lines` in its middle, the first of them in bold."""
        top = y + height / 2 - (len(lines) - 1) * 10 + 5
        words = [
            _text(x + width / 2, top + 20 * row, line, "middle", name=row == 0)
            for row, line in enumerate(lines)
        ]
        rect = f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self._parts += ["<g>", f'{rect} rx="6"/>', *words, "</g>"]

    def line(self, *points: tuple[float, float], kind: str = "line") -> None:
        """Draw a line through `points`; `kind` is line, wide or dashed."""
        way = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(f'<polyline class="{kind}" points="{way}"/>')

    def arrow(self, *points: tuple[float, float], kind: str = "line") -> None:
        """Draw a line through `points`, with a head at the end of its last, level or plumb part."""
        (x0, y0), (x1, y1) = points[-2:]
        length = max(abs(x1 - x0), abs(y1 - y0))
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        size = 9
        base_x, base_y = x1 - size * dx, y1 - size * dy
        self.line(*points[:-1], (base_x, base_y), kind=kind)
        wide = size / 2
        corners = [
            (x1, y1),
            (base_x - wide * dy, base_y + wide * dx),
            (base_x + wide * dy, base_y - wide * dx),
        ]
        head = " ".join(f"{x:g},{y:g}" for x, y in corners)
        self._parts.append(f'<polygon class="head" points="{head}"/>')

    def plus(self, x: float, y: float) -> None:
        """Draw a plus in a circle around `x`, `y`."""
        self._parts.append(f'<circle class="empty" cx="{x:g}" cy="{y:g}" r="14" stroke-width="2"/>')
        self.line((x - 7, y), (x + 7, y))
        self.line((x, y - 7), (x, y + 7))

    def cells(
        self,
        x: float,
        y: float,
        side: float,
        kinds: Sequence[Sequence[str]],
        letters: Sequence[str] = (),
    ) -> None:
        """Draw a table of cells, each of its kind; `letters` stand in the cells of its last row."""
        for row, line in enumerate(kinds):
            for column, kind in enumerate(line):
                left, top = x + side * column, y + side * row
                self._parts.append(
                    f'<rect class="{kind}" x="{left:g}" y="{top:g}" width="{side:g}"'
                    f' height="{side:g}"/>'
                )
        for column, letter in enumerate(letters):
            below = y + side * len(kinds)
            self.text(x + side * (column + 0.5), below - side / 2 + 5, letter, "middle")


def _text(x: float, y: float, words: str, anchor: str, name: bool) -> str:
    kind = ' class="name"' if name else ""
    where = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f"<text{kind} {where}>{html.escape(words, quote=False)}</text>"

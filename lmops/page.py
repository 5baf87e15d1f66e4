"""A page that stands alone: one HTML file, light and dark, readable without a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

_TEMPLATE = Path(__file__).with_name("page.html.jinja")


@dataclass(frozen=True)
class Table:
    """Rows of plain values below their headings; numbers stand to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str | int | float | Markup]]
    empty: str = "Nothing yet."
    """What stands there if there are no rows."""


@dataclass(frozen=True)
class Section:
    """A part of a page: a heading, a sentence on what it shows, and what it shows."""

    title: str
    text: str = ""
    parts: Sequence[Table | Markup] = ()


def page(title: str, lead: str, sections: Sequence[Section], made: datetime) -> str:
    """Return the page as HTML. What is no `Markup` is text, whatever stands in it."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.tests["table"] = lambda part: isinstance(part, Table)
    environment.tests["counted"] = lambda cell: isinstance(cell, int | float)
    template = environment.from_string(_TEMPLATE.read_text("utf-8"))
    return template.render(title=title, lead=lead, sections=sections, made=made)


def bars(values: Sequence[tuple[str, float]], *, alt: str, unit: str = "") -> Markup:
    """Return a bar for each labelled value, from the top down, as a drawing.

    A drawing's colours are the page's own, so that it is right in light and in dark.
    """
    most = max((value for _, value in values), default=0) or 1
    high = 24 * len(values)
    drawn = [
        Markup(
            '<text x="0" y="{y}" class="label">{label}</text>'
            '<rect x="180" y="{top}" width="{wide:.1f}" height="14" rx="2"/>'
            '<text x="{after:.1f}" y="{y}">{value}</text>'
        ).format(
            y=24 * row + 16,
            top=24 * row + 5,
            label=label,
            wide=380 * value / most,
            after=188 + 380 * value / most,
            value=f"{value:,.4g}{unit}",
        )
        for row, (label, value) in enumerate(values)
    ]
    return Markup(
        '<svg viewBox="0 0 680 {high}" role="img" aria-label="{alt}">{drawn}</svg>'
    ).format(high=high, alt=alt, drawn=Markup("").join(drawn))

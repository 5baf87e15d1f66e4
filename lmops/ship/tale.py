"""A day as a page."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from lmops.page import Section, Table, page
from lmops.ship.day import Told
from lmops.ship.pictures import clock, draw


def page_of(told: Sequence[Told], made: datetime) -> str:
    """Return the page as HTML: the day at a glance, then hour by hour."""
    sections = [Section("The day at a glance", "", [clock(told)])]
    sections += [_chapter(each) for each in told]
    lead = (
        "From the notebooks to its retirement: what was typed, what was measured, and who had a "
        "say. The hours are the story's; the seconds were measured."
    )
    return page("One model's whole life, in a day", lead, sections, made)


def _chapter(told: Told) -> Section:
    parts: list[Table | Markup] = []
    if told.missing:
        parts.append(Markup('<p class="soft">Told from a recording: {}</p>').format(told.missing))
    parts += [Markup("<p>{}</p>").format(line) for line in told.lines]
    if told.picture:
        parts.append(draw(told.picture, told.title))
    if told.commands:
        parts.append(
            Markup("<details><summary>What was typed</summary><pre>{}</pre></details>").format(
                "\n".join(told.commands)
            )
        )
    mark = "✓" if told.good else "!"
    return Section(f"{told.hour}  {told.title}", f"{mark} {told.outcome}", parts)

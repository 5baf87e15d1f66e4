"""The course as a graph: the lessons one below the other, with an arc for what each one needs.

It is an SVG within the page, so that its colours are the page's, light or dark. Lengths are in CSS
pixels on a phone; on a wider screen all of it is larger.
"""

import html
import re

from grader.course.lessons import Course

WIDTH, ROW = 358, 27
"""A phone of 390 pixels leaves so much room."""
ARCS = 96
"""How wide the arcs are, left of the lessons."""
_NEEDED = re.compile(r"^You need .*", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"lesson (\d\d)")


def needs(course: Course) -> dict[str, list[str]]:
    """Return of each lesson's number those of the lessons that its header says you need."""
    found = {}
    for name in course.names:
        needed = _NEEDED.search(course.lesson(name).cells[0].text)
        found[name[:2]] = sorted(set(_NUMBER.findall(needed[0]))) if needed else []
    return found


def graph(course: Course) -> str:
    """Return the drawing as HTML; its text alternative says the same."""
    needed = needs(course)
    rows = {number: ROW * (row + 0.5) for row, number in enumerate(needed)}
    longest = max(rows[to] - rows[one] for to in needed for one in needed[to])
    parts = []
    for name in course.names:
        number, title = name[:2], html.escape(course.lesson(name).title)
        part = 1 if name <= course.configuration.ladder else 2
        y = rows[number]
        parts.append(f'<g class="part-{part}">')
        for one in needed[number]:
            # A curve reaches three quarters of the way to its control points.
            out = ARCS - (ARCS - 8) * 4 / 3 * ((y - rows[one]) / longest) ** 0.7
            parts.append(
                f'<path d="M{ARCS} {rows[one]:g} C{out:.1f} {rows[one]:g} {out:.1f} {y:g} '
                f'{ARCS} {y:g}"/>'
            )
        parts.append(
            f'<circle cx="{ARCS}" cy="{y:g}" r="5"/>'
            f'<text x="{ARCS + 12}" y="{y + 5:g}"><tspan>{number}</tspan> {title}</text></g>'
        )
    told = "; ".join(f"{to} needs {', '.join(ones)}" for to, ones in needed.items() if ones)
    height = ROW * len(rows)
    return (
        f'<div class="graph"><svg role="img" viewBox="0 0 {WIDTH} {height}" '
        f'aria-label="What each lesson needs: {told}.">\n' + "\n".join(parts) + "\n</svg></div>\n"
    )

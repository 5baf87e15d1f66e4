"""What was told, as drawings. Their colours are the page's, in light and in dark."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from lmops.page import bars
from lmops.ship.day import Told, short

WIDE, HIGH = 680, 206
LEFT, TOP, BOTTOM = 40, 40, 24
STYLES = ("0.9", "0.4", "0.65", "0.2")
"""How opaque each version is, in the order in which they come."""
BAD = "#d1495b"
OTHERS = {"failed": BAD, "refused": "#8a94a0"}
"""Colours of what came from no version; they are told apart in light and in dark."""


def draw(picture: Mapping[str, Any], alt: str) -> Markup:
    """Return a chapter's picture."""
    if picture["kind"] == "bars":
        return bars(
            [(name, value) for name, value in picture["rows"]], alt=alt, unit=picture["unit"]
        )
    return traffic(picture["rows"], picture.get("marks", ()), alt)


def traffic(
    rows: Mapping[str, Sequence[int]], marks: Sequence[tuple[str, float]], alt: str
) -> Markup:
    """Return the answers of each second, a column each, by version; what failed stands on top."""
    names = sorted(rows, key=lambda name: (name in OTHERS, next(iter(_first(rows[name])), 0)))
    length = max((len(row) for row in rows.values()), default=1)
    most = max((sum(rows[n][i] for n in names) for i in range(length)), default=0) or 1
    step = (WIDE - LEFT) / length
    base = HIGH - BOTTOM
    scale = (base - TOP) / most
    drawn: list[Markup] = []
    for place in range(length):
        y = float(base)
        for number, name in enumerate(names):
            tall = rows[name][place] * scale
            y -= tall
            if tall:
                drawn.append(
                    Markup(
                        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" {}/>'
                    ).format(LEFT + place * step, y, max(step - 1, 0.5), tall, _style(name, number))
                )
    for text, second in marks:
        x = LEFT + second * step
        drawn.append(
            Markup(
                '<path class="line" style="stroke:var(--ink)" d="M{0:.1f} {1}V{2}"/>'
                '<text x="{3:.1f}" y="{5}">{4}</text>'
            ).format(x, TOP - 14, base, x + 4, text, TOP - 4)
        )
    x = LEFT
    for number, name in enumerate(names):
        label = name if name in OTHERS else short(name)
        drawn.append(
            Markup(
                '<rect x="{0}" y="2" width="12" height="12" rx="2" {2}/><text x="{1}" y="13">{3}'
                "</text>"
            ).format(x, x + 18, _style(name, number), label)
        )
        x += 40 + 8 * len(label)
    drawn.append(
        Markup(
            '<text x="0" y="{}">{}</text><text x="0" y="{}">0</text>'
            '<text x="{}" y="{}">seconds</text><text x="{}" y="{}" text-anchor="end">{}</text>'
        ).format(TOP + 10, most, base, LEFT, HIGH - 6, WIDE, HIGH - 6, length)
    )
    said = f"{alt}: answers in each second, by version"
    return _svg(HIGH, said, drawn)


def clock(told: Sequence[Told]) -> Markup:
    """Return the day from the top down: an hour, a dot, what happened and how it ended."""
    drawn = [Markup('<path class="line" d="M70 12V{}"/>').format(30 * len(told) - 12)]
    for place, each in enumerate(told):
        y = 30 * place + 15
        ink = "" if each.good else BAD
        drawn.append(
            Markup(
                '<text x="0" y="{0}">{1}</text><rect x="63" y="{2}" width="14" height="14" rx="7" '
                'style="fill:{3}"/><text x="92" y="{0}" font-weight="600">{4}</text>'
                '<text x="275" y="{0}">{5}</text>'
            ).format(y + 5, each.hour, y - 7, ink, each.title, each.outcome)
        )
    said = "The hours of the day, and how each ended"
    # Narrower than the others, so that a phone shows it whole.
    return _svg(30 * len(told), said, drawn, 480, Markup('style="min-width:0;max-width:36rem"'))


def _svg(high: int, alt: str, drawn: Sequence[Markup], wide: int = WIDE, style: str = "") -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}" {}>{}</svg>').format(
        wide, high, alt, style, Markup("").join(drawn)
    )


def _style(name: str, number: int) -> Markup:
    if name in OTHERS:
        return Markup('style="fill:{}"').format(OTHERS[name])
    return Markup('fill-opacity="{}"').format(STYLES[number % len(STYLES)])


def _first(row: Sequence[int]) -> list[int]:
    return [place for place, count in enumerate(row) if count]

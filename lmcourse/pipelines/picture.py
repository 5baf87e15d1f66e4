"""A run as a small graph of its stages, for a notebook: what ran, what did not, and why.

    picture.draw(run)

Leave it as the last value of a cell to see it. Marks and words say what colours say, and it has a
text alternative, `.alt`. It is SVG: `.svg` is a file's whole content.
"""

import html
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lmcourse.pipelines.model import ONE_STAGE
from lmcourse.pipelines.runs import GOOD, JobRun, Result, Run

MARKS: Mapping[Result, str] = {
    "succeeded": "✓",
    "succeededWithIssues": "!",
    "failed": "✗",
    "canceled": "■",
    "skipped": "–",
}
WORDS: Mapping[Result, str] = {
    "succeeded": "succeeded",
    "succeededWithIssues": "succeeded with issues",
    "failed": "failed",
    "canceled": "canceled",
    "skipped": "skipped",
}
"""What each result is called where people read it."""

# Fill, edge and ink of a box, for a light page and for a dark one; the hues are Okabe and Ito's
# (2008), which colour-blind readers tell apart.
COLOURS: Mapping[Result, tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    "succeeded": (("#dff3ec", "#007a59", "#12382c"), ("#10362b", "#35c79b", "#dff3ec")),
    "succeededWithIssues": (("#fdf1d6", "#b07a00", "#40300a"), ("#3a2f12", "#e69f00", "#fdf1d6")),
    "failed": (("#fbe3d8", "#b84f00", "#47210a"), ("#43230f", "#ff8a3d", "#fbe3d8")),
    "canceled": (("#ececec", "#6b6b6b", "#333333"), ("#333333", "#a8a8a8", "#eeeeee")),
    "skipped": (("#f6f6f6", "#8a8a8a", "#4a4a4a"), ("#262626", "#8a8a8a", "#cfcfcf")),
}

WIDE, NARROW = 420, 230  # pixels: a box that has its row for itself, and one that shares it
GAP, DROP = 20, 26  # pixels between two boxes of a row, and between two rows
LINE, PAD = 20, 10  # pixels: a line of text, and the space around all of them
LANE = 14  # pixels between two edges that go around boxes
LETTER = 7.6  # pixels, a wide guess; of bold letters fewer fit
LEAST, MOST = 0.8, 1.3  # how much smaller or larger a page may show it: letters of 12 to 20 pixels
NOT_STARTED = "not started"


@dataclass(frozen=True)
class Node:
    """A stage in the graph, or a job where all stands in one stage."""

    name: str
    result: Result
    why: str
    row: int  # the longest way to it from the beginning
    after: tuple[str, ...]  # what it directly waits for; what that waits for is left out
    jobs: tuple[JobRun, ...] = ()


def nodes(run: Run) -> tuple[Node, ...]:
    """Return the run's stages in rows from the first on; the jobs, if there is but one stage."""
    if len(run.stages) == 1:
        (stage,) = run.stages
        waits = {
            job.name: job.depends_on
            for one in (run.pipeline.stages if run.pipeline else ())
            if one.name == stage.name
            for job in one.jobs
        }
        if len(stage.jobs) > 1 or stage.name == ONE_STAGE:
            first = {job.name: job for job in reversed(stage.jobs)}
            by_name = {
                name: tuple(job for job in stage.jobs if job.name == name)
                for name in dict.fromkeys(job.name for job in stage.jobs)
            }
            made = [(n, _worst(jobs), first[n].why, jobs) for n, jobs in by_name.items()]
            return _placed(made, waits)
    waits = {one.name: one.depends_on for one in (run.pipeline.stages if run.pipeline else ())}
    return _placed([(s.name, s.result, s.why, s.jobs) for s in run.stages], waits)


def _worst(jobs: Sequence[JobRun]) -> Result:
    order: tuple[Result, ...] = ("failed", "canceled", "succeededWithIssues", "succeeded")
    results = {job.result for job in jobs}
    return next((each for each in order if each in results), "skipped")


def _placed(
    made: Iterable[tuple[str, Result, str, tuple[JobRun, ...]]],
    waits: Mapping[str, tuple[str, ...]],
) -> tuple[Node, ...]:
    """Give each its row, and the edges that the others do not imply."""
    made = list(made)
    names = {name.lower(): name for name, *_ in made}
    before = {
        name: [names[one.lower()] for one in waits.get(name, ()) if one.lower() in names]
        for name in names.values()
    }
    rows: dict[str, int] = {}
    far: dict[str, set[str]] = {}  # all that comes before

    def place(name: str) -> int:
        if name not in rows:
            rows[name] = 1 + max((place(one) for one in before[name]), default=-1)
            far[name] = set(before[name]).union(*(far[one] for one in before[name]))
        return rows[name]

    found = []
    for name, result, why, jobs in made:
        place(name)
        direct = tuple(
            one
            for one in before[name]
            if not any(one in far[other] for other in before[name] if other != one)
        )
        found.append(Node(name, result, why, rows[name], direct, jobs))
    return tuple(sorted(found, key=lambda node: node.row))


class Drawing:
    """A picture of a run: `svg` is its content, `width` in pixels, `alt` says the same in words."""

    def __init__(self, svg: str, width: float, alt: str):
        self.svg = svg
        self.width = width
        self.alt = alt

    @property
    def html(self) -> str:
        """The picture as wide as its page allows; on a narrow one it is moved, and can be read."""
        least, most = LEAST * self.width, MOST * self.width
        return (
            f'<div style="overflow-x:auto"><div class="lm-run-page" '
            f'style="min-width:{least:.0f}px;max-width:{most:.0f}px">{self.svg}</div></div>'
        )

    def _ipython_display_(self) -> None:
        from IPython.display import display  # in a notebook alone

        bundle = {"text/plain": self.alt, "text/html": self.html, "image/svg+xml": self.svg}
        display(bundle, metadata={"image/svg+xml": {"alt": self.alt}}, raw=True)


def draw(run: Run) -> Drawing:
    """Draw a run, of either kind: what it did, or in a simulation what it would do."""
    alt = told(run)
    if not run.started:
        box = _Box(Node(NOT_STARTED, "skipped", run.why, 0, ()), 0, 0, WIDE)
        return Drawing(_svg([box], [], WIDE, box.height, alt), WIDE, alt)
    placed = nodes(run)
    rows: dict[int, list[Node]] = {}
    for node in placed:
        rows.setdefault(node.row, []).append(node)
    most = max(map(len, rows.values()))
    width = WIDE if most == 1 else NARROW * most + GAP * (most - 1)
    boxes: dict[str, _Box] = {}
    top = 0.0
    for row in rows.values():
        each = min(WIDE, width) if len(row) == 1 else NARROW
        left = (width - each * len(row) - GAP * (len(row) - 1)) / 2
        for node in row:
            boxes[node.name] = _Box(node, left, top, each)
            left += each + GAP
        top += max(boxes[node.name].height for node in row) + DROP
    edges, lanes = _edges(placed, boxes, width)
    wide = width + lanes * LANE
    return Drawing(_svg(list(boxes.values()), edges, wide, top - DROP, alt), wide, alt)


def told(run: Run) -> str:
    """Return in words what a picture of the run shows."""
    if not run.started:
        return f"The pipeline does not start: {run.why}"
    parts = (
        f"{node.name} {WORDS[node.result]}"
        + (f" after {' and '.join(node.after)}" if node.after else "")
        + ("" if node.result == "succeeded" or not node.why else f" ({node.why.rstrip('.')})")
        for node in nodes(run)
    )
    return f"A pipeline's run ({WORDS[run.ended]}): {'; '.join(parts)}."


class _Box:
    """Where a node stands, and its lines of text: (text, its kind)."""

    def __init__(self, node: Node, left: float, top: float, width: float):
        self.node, self.left, self.top, self.width = node, left, top, width
        letters = int((width - 2 * PAD) / LETTER)
        title = f"{MARKS[node.result]} {node.name}"
        if node.name != NOT_STARTED:
            title += f": {WORDS[node.result]}"
        self.lines = [(line, "name") for line in textwrap.wrap(title, int(letters * 0.85))]
        for job in node.jobs:
            if len(node.jobs) > 1 or job.instance.lower() != node.name.lower():
                words = f"{MARKS[job.result]} {job.instance}"
                self.lines.append((textwrap.shorten(words, letters, placeholder=" …"), "job"))
            self.lines += [(line, "why") for line in _reasons(job, letters)]
        if node.result not in GOOD and not any(kind == "why" for _, kind in self.lines):
            wrapped = textwrap.wrap(node.why, letters, max_lines=4, placeholder=" …")
            self.lines += [(line, "why") for line in wrapped]

    @property
    def height(self) -> float:
        return 2 * PAD + LINE * len(self.lines)

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def _reasons(job: JobRun, letters: int) -> list[str]:
    """Return the step that made a job fail, if one did."""
    for step in job.steps:
        if step.result in ("failed", "canceled") and job.result not in GOOD:
            said = f"{step.name}: {step.why}"
            return textwrap.wrap(said, letters, max_lines=3, placeholder=" …")
    return []


def _edges(
    placed: Sequence[Node], boxes: Mapping[str, _Box], width: float
) -> tuple[list[str], int]:
    """Return the edges' paths, and how many go around boxes, to the right of them all."""
    paths, lanes = [], 0
    floor: dict[int, float] = {}  # where each row ends
    for box in boxes.values():
        floor[box.node.row] = max(floor.get(box.node.row, 0.0), box.top + box.height)
    for node in placed:
        to = boxes[node.name]
        for name in node.after:
            came = boxes[name]
            start, end = came.top + came.height, to.top - 6
            if node.row == came.node.row + 1:
                half = (floor[came.node.row] + end) / 2
                paths.append(
                    f"M{came.middle:g} {start:g} C{came.middle:g} {half:g} {to.middle:g} {half:g} "
                    f"{to.middle:g} {end:g}"
                )
                continue
            lanes += 1
            x = width + lanes * LANE - 4
            paths.append(
                f"M{came.middle:g} {start:g} V{floor[came.node.row] + 7:g} H{x:g} "
                f"V{to.top - DROP / 2:g} H{to.middle:g} V{end:g}"
            )
    return paths, lanes


STYLE = """
.lm-run{{max-width:100%;height:auto;font:15px system-ui,sans-serif}}
.lm-run-page .lm-run{{width:100%}}
.lm-run .name{{font-weight:600}}.lm-run .why{{font-style:italic;font-size:14px}}
.lm-run .edge{{fill:none;stroke:#8a8a8a;stroke-width:1.5;marker-end:url(#lm-run-arrow)}}
.lm-run .tip{{fill:#8a8a8a}}.lm-run .skipped rect,.lm-run .canceled rect{{stroke-dasharray:5 3}}
{light}
@media (prefers-color-scheme:dark){{{dark}}}
{jupyter_light}
{jupyter_dark}
"""


def _style() -> str:
    """Return the style: by what the reader's system prefers, and in Jupyter by its theme."""

    def palette(which: int, scope: str) -> str:
        return "".join(
            f"{scope}.lm-run .{result} rect{{fill:{fill};stroke:{edge}}}"
            f"{scope}.lm-run .{result} text{{fill:{ink}}}"
            for result, colours in COLOURS.items()
            for fill, edge, ink in [colours[which]]
        )

    return STYLE.format(
        light=palette(0, ""),
        dark=palette(1, ""),
        jupyter_light=palette(0, "[data-jp-theme-light=true] "),
        jupyter_dark=palette(1, "[data-jp-theme-light=false] ") + palette(1, "html[theme=dark] "),
    ).replace("\n", "")


def _svg(boxes: Sequence[_Box], edges: Sequence[str], width: float, height: float, alt: str) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lm-run" role="img" '
        f'aria-label="{html.escape(alt)}" width="{width + 4:g}" height="{height + 4:g}" '
        f'viewBox="-2 -2 {width + 4:g} {height + 4:g}">',
        f"<style>{_style()}</style>",
        '<defs><marker id="lm-run-arrow" viewBox="0 0 8 8" refX="5" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
        *(f'<path class="edge" d="{path}"/>' for path in edges),
    ]
    for box in boxes:
        parts.append(
            f'<g class="{box.node.result}"><rect x="{box.left:g}" y="{box.top:g}" '
            f'width="{box.width:g}" height="{box.height:g}" rx="6" stroke-width="1.5"/>'
        )
        for number, (text, kind) in enumerate(box.lines):
            y = box.top + PAD + LINE * (number + 0.75)
            x = box.left + PAD + (0 if kind == "name" else 14)
            parts.append(f'<text class="{kind}" x="{x:g}" y="{y:g}">{html.escape(text)}</text>')
        parts.append("</g>")
    return "".join([*parts, "</svg>"])

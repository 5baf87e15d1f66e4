"""A run in a terminal: a small graph of its stages, and what ran, what did not, and why."""

from collections.abc import Iterator
from typing import Any

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from lmcourse.pipelines.picture import MARKS, WORDS, Node, nodes
from lmcourse.pipelines.runs import Result, Run

STYLES: dict[Result, str] = {
    "succeeded": "green",
    "succeededWithIssues": "yellow",
    "failed": "red",
    "canceled": "magenta",
    "skipped": "bright_black",
}
ARROW = " → "


def graph(run: Run, width: int) -> RenderableType:
    """Return the graph of a run's stages, from left to right, in lines of `width` characters."""
    if not run.started:
        return Text(f"The pipeline does not start: {run.why}")
    columns: dict[int, list[Node]] = {}
    for node in nodes(run):
        columns.setdefault(node.row, []).append(node)
    lines: list[list[RenderableType]] = [[]]
    room = 0
    for row, column in columns.items():
        before = {node.name for node in columns.get(row - 1, [])}
        texts = [_text(node, before) for node in column]
        wide = 4 + max(len(line) for text in texts for line in text.plain.splitlines())
        if room and room + 2 * len(ARROW) + wide + 1 > width:
            lines[-1].append(Text(f"{ARROW}…"))
            lines.append([])
            room = 0
        if row:
            lines[-1].append(Text(ARROW))
            room += len(ARROW)
        styles = [STYLES[node.result] for node in column]
        panels = [
            Panel(text, box=ROUNDED, border_style=style, width=wide)
            for text, style in zip(texts, styles, strict=True)
        ]
        lines[-1].append(Group(*panels))
        room += wide
    return Group(*(_side_by_side(line) for line in lines))


def _side_by_side(parts: list[RenderableType]) -> Table:
    grid = Table.grid()
    for _ in parts:
        grid.add_column(vertical="middle", no_wrap=True)
    grid.add_row(*parts)
    return grid


def _text(node: Node, before: set[str]) -> Text:
    """Return what stands in a node's box; what it waits for, unless that is all before it."""
    text = Text(f"{MARKS[node.result]} {node.name}\n", style="bold")
    text.append(WORDS[node.result], style=f"not bold {STYLES[node.result]}")
    if node.after and set(node.after) != before:
        text.append(f"\nafter {', '.join(node.after)}", style="not bold")
    return text


def account(run: Run) -> Iterator[str]:
    """Yield what became of each stage and job, and of each step that is worth a word."""
    for stage in run.stages:
        yield _line("", stage.result, stage.name, stage.why)
        for environment, approval in stage.approvals:
            by = f" by {approval.by}" if approval.by else ""
            yield f"    approval for {environment}: {approval.answer}{by}"
        for job in stage.jobs:
            yield _line("  ", job.result, job.instance, job.why)
            for step in job.steps:
                if step.result != "succeeded" and job.result != "skipped":
                    yield _line("    ", step.result, step.name, step.why)
                for issue in step.issues:
                    yield f"      {issue}"


def _line(indent: str, result: Result, name: str, why: str) -> str:
    because = "" if result == "succeeded" or not why else f": {why}"
    return f"{indent}{MARKS[result]} {name} {WORDS[result]}{because}"


def data(run: Run) -> dict[str, Any]:
    """Return a run as plain data, for JSON."""
    return {
        "started": run.started,
        "result": run.ended,
        "why": run.why,
        "stages": [
            {
                "name": stage.name,
                "result": stage.result,
                "why": stage.why,
                "approvals": [
                    {"environment": name, "answer": one.answer, "by": one.by}
                    for name, one in stage.approvals
                ],
                "jobs": [
                    {
                        "name": job.instance,
                        "result": job.result,
                        "why": job.why,
                        "environment": job.environment,
                        "outputs": dict(job.outputs),
                        "steps": [
                            {
                                "name": step.name,
                                "hook": step.hook,
                                "result": step.result,
                                "why": step.why,
                                "attempts": step.attempts,
                                "issues": list(step.issues),
                                "line": step.step.line,
                            }
                            for step in job.steps
                        ],
                    }
                    for job in stage.jobs
                ],
            }
            for stage in run.stages
        ],
        "calls": [call.command for call in run.log],
    }

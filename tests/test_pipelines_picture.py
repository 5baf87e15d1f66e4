"""A run as a picture for notebooks, and as a graph for a terminal."""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from lmcourse.pipelines import picture
from lmcourse.pipelines.azure.reading import read
from lmcourse.pipelines.azure.simulate import Scenario, simulate
from lmcourse.pipelines.runs import Run, Start
from lmops.pipeline import graph

SVG = "{http://www.w3.org/2000/svg}"

DIAMOND = """
trigger: {branches: {include: [main]}}
stages:
  - stage: Test
    jobs:
      - job: Fast
        steps: [{script: make fast, displayName: Fast & <small>}]
      - job: Slow
        steps: [{script: make slow}]
  - stage: Train
    dependsOn: Test
    jobs: [{job: Train, steps: [{script: lmops train}]}]
  - stage: Scan
    dependsOn: Test
    jobs: [{job: Scan, steps: [{script: make scan}]}]
  - stage: Ship
    dependsOn: [Test, Train, Scan]
    jobs: [{job: Ship, steps: [{script: lmops rollout}]}]
  - stage: Tell
    dependsOn: Test
    condition: failed()
    jobs: [{job: Tell, steps: [{script: make tell}]}]
"""


def ran(outcomes: Mapping[str, int], pipeline: str = DIAMOND, start: Start | None = None) -> Run:
    return simulate(read(pipeline), Scenario(start or Start(), outcomes))


def texts(drawn: picture.Drawing) -> list[str]:
    """Return the lines of text in a drawing, in order."""
    return [one.text or "" for one in ElementTree.fromstring(drawn.svg).iter(f"{SVG}text")]


def test_a_stage_stands_below_what_it_waits_for() -> None:
    nodes = {node.name: node for node in picture.nodes(ran({}))}
    rows = {name: node.row for name, node in nodes.items()}
    assert rows == {"Test": 0, "Train": 1, "Scan": 1, "Tell": 1, "Ship": 2}
    # That Ship waits for Test, the edges from Train and Scan say already.
    assert nodes["Ship"].after == ("Train", "Scan")


def test_jobs_are_drawn_where_there_is_one_stage() -> None:
    jobs = """
jobs:
  - job: A
    strategy: {matrix: {one: {X: 1}, two: {X: 2}}}
    steps: [{script: make a}]
  - job: B
    dependsOn: A
    steps: [{script: make b}]
"""
    nodes = picture.nodes(ran({"make a": 1}, jobs))
    assert [(node.name, node.result, node.after) for node in nodes] == [
        ("A", "failed", ()),
        ("B", "skipped", ("A",)),
    ]
    assert [job.instance for job in nodes[0].jobs] == ["A.one", "A.two"]


def test_what_ran_and_what_did_not_and_why_is_written_beside_the_colours() -> None:
    run = ran({"make slow": 3})
    drawn = picture.draw(run)
    lines = texts(drawn)
    assert "✗ Test: failed" in lines
    assert "✓ Fast" in lines
    assert "– Ship: skipped" in lines
    assert "✓ Tell: succeeded" in lines
    told = " ".join(lines)
    assert "`make slow` ended with exit status 3" in told
    assert "it waits for Test, which failed" in told


def test_the_alternative_text_says_the_same() -> None:
    alt = picture.draw(ran({"make slow": 3})).alt
    assert alt.startswith("A pipeline's run (failed): Test failed")
    assert "Ship skipped after Train and Scan (it waits for Test, which failed)" in alt
    drawn = picture.draw(ran({}))
    assert drawn.alt.startswith("A pipeline's run (succeeded): Test succeeded; Train succeeded")
    root = ElementTree.fromstring(drawn.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == drawn.alt


def test_a_run_that_does_not_start_says_why() -> None:
    run = ran({}, start=Start("IndividualCI", branch="idea"))
    drawn = picture.draw(run)
    assert drawn.alt == "The pipeline does not start: line 2 does not name the branch idea"
    assert "does not name the branch idea" in " ".join(texts(drawn))


def test_names_cannot_become_markup() -> None:
    wild = DIAMOND.replace("make fast", "exit 1")
    drawn = picture.draw(ran({}, wild))
    assert "Fast & <small>" in " ".join(texts(drawn))  # parsed, so it was escaped
    assert "<small>" not in drawn.svg


def test_boxes_hold_their_text_and_do_not_overlap() -> None:
    root = ElementTree.fromstring(picture.draw(ran({"make slow": 3})).svg)
    boxes = []
    for group in root.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        x, y, width, height = (float(rect.get(k, "")) for k in ("x", "y", "width", "height"))
        boxes.append((x, y, x + width, y + height))
        for text in group.iter(f"{SVG}text"):
            assert y < float(text.get("y", "")) < y + height
            assert float(text.get("x", "")) + 6.9 * len(text.text or "") <= x + width + 10
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            apart = one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3]
            assert apart or other[1] >= one[3]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2.1 measures it."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("result", picture.COLOURS)
def test_text_can_be_read_on_light_and_on_dark_pages(result: Any) -> None:
    for (fill, edge, ink), page in zip(
        picture.COLOURS[result], ("#ffffff", "#111111"), strict=True
    ):
        assert contrast(fill, ink) >= 7
        assert contrast(page, edge) >= 3
    drawn = picture.draw(ran({})).svg
    assert "prefers-color-scheme:dark" in drawn
    assert "[data-jp-theme-light=false]" in drawn


def test_a_notebook_gets_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    drawn = picture.draw(ran({}))
    drawn._ipython_display_()
    (data,) = shown
    assert data["text/plain"] == drawn.alt
    assert data["image/svg+xml"] == drawn.svg
    assert data["text/html"] == drawn.html


@pytest.mark.parametrize("screen", [375, 768, 1600])
@pytest.mark.parametrize("outcomes", [{}, {"make slow": 3}])
def test_it_can_be_read_on_a_phone_and_on_a_wide_screen(
    chromium: str, screen: int, outcomes: dict[str, int]
) -> None:
    from playwright.sync_api import sync_playwright

    chain = "".join(
        f"  - stage: {name}\n    jobs: [{{job: {name}, steps: [{{script: make {name}}}]}}]\n"
        for name in ("Test", "slow", "Production")
    )
    drawn = [picture.draw(ran(outcomes)), picture.draw(ran(outcomes, f"stages:\n{chain}"))]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": screen, "height": 800})
        page.set_content("".join(f"<p>{each.html}</p>" for each in drawn))
        heights = page.eval_on_selector_all(
            ".lm-run text", "all => all.map(one => one.getBoundingClientRect().height)"
        )
        spills = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        browser.close()
    assert 12.5 <= min(heights) <= max(heights) <= 27  # of letters of 12 to 20 pixels
    assert not spills


# In a terminal


def terminal(run: Run, width: int) -> str:
    console = Console(width=width, file=None, record=True, color_system=None)
    with console.capture() as capture:
        console.print(graph.graph(run, width))
    return capture.get()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_graph_keeps_to_its_width_and_shows_each_stage_once(width: int) -> None:
    shown = terminal(ran({"make slow": 3}), width)
    assert max(map(len, shown.splitlines())) <= width
    for name in ("Test", "Train", "Scan", "Ship", "Tell"):
        assert len(re.findall(rf"[✓✗–] {name}\b", shown)) == 1
    assert "after Train, Scan" in shown  # and not Tell, which stands beside them


def test_the_account_names_each_job_and_the_steps_that_did_not_succeed() -> None:
    lines = list(graph.account(ran({"make slow": 3})))
    assert lines[0].startswith("✗ Test failed: ")
    assert "  ✓ Fast succeeded" in lines
    assert any(line.startswith("    ✗ CmdLine failed: `make slow` ended") for line in lines)
    assert "– Ship skipped: it waits for Test, which failed" in lines

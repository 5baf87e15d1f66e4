"""The drawings are well formed, legible, told in words, and there before a notebook has run."""

import base64
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from course import COURSE, ROOT
from IPython.core.formatters import DisplayFormatter
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from grader.author.render import render_solved, render_student
from grader.course.lessons import Course
from grader.course.source import LessonError, read
from lmcourse import drawings
from lmcourse.drawings import Drawing, sketch

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = [name for name in drawings.__all__ if name != "Drawing"]
ALL: list[Callable[[], Drawing]] = [
    *(getattr(drawings, name) for name in DRAWN),
    *(lambda step=step: drawings.cache(step) for step in (1, 2, 6)),
]
PARTS = {"03_gradients", "04_mlp", "05_attention", "06_transformer", "07_gpt"}


class Box(NamedTuple):
    """A rectangle on the page: its edges, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: "Box", margin: float = 0) -> bool:
        return (
            self.left + margin <= other.left
            and other.right <= self.right - margin
            and self.top <= other.top
            and other.bottom <= self.bottom
        )

    def meets(self, other: "Box") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@pytest.fixture(params=ALL, ids=[*DRAWN, "cache1", "cache2", "cache6"])
def drawing(request: pytest.FixtureRequest) -> Drawing:
    drawn: Drawing = request.param()
    return drawn


def tree(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.svg)


def area(element: ElementTree.Element) -> Box:
    """Return where a rectangle is, or a text as wide as DejaVu Sans draws it."""
    if element.tag == f"{SVG}rect":
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        return Box(x, y, x + float(element.attrib["width"]), y + float(element.attrib["height"]))
    weight = "bold" if element.get("class") == "name" else "normal"
    found = font_manager.findfont(
        font_manager.FontProperties(family="DejaVu Sans", weight=weight), fallback_to_default=False
    )
    font = FT2Font(found)
    font.set_size(sketch.SIZE, 72)
    font.set_text(element.text or "")
    width = font.get_width_height()[0] / 64
    x, y = float(element.attrib["x"]), float(element.attrib["y"])
    left = x - width * {"start": 0, "middle": 0.5, "end": 1}[element.attrib["text-anchor"]]
    return Box(left, y - 0.76 * sketch.SIZE, left + width, y + 0.24 * sketch.SIZE)


def bars(element: ElementTree.Element) -> list[Box]:
    """Return what the straight parts of a line cover."""
    points = [tuple(map(float, point.split(","))) for point in element.attrib["points"].split()]
    return [
        Box(min(x0, x1) - 1, min(y0, y1) - 1, max(x0, x1) + 1, max(y0, y1) + 1)
        for (x0, y0), (x1, y1) in pairwise(points)
    ]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as the Web Content Accessibility Guidelines reckon it."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((light(one), light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_a_drawing_is_a_picture_to_a_screen_reader(drawing: Drawing) -> None:
    root = tree(drawing)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert (root[0].text, root[1].text) == (drawing.title, drawing.alt)
    assert len(drawing.title) > 5
    assert len(drawing.alt) > 80


def test_a_drawing_asks_for_nothing_from_elsewhere(drawing: Drawing) -> None:
    assert not re.search(r"href|url\(|@import|<script|\bon\w+=", drawing.svg)
    assert set(re.findall(r"https?://[^\"\s]+", drawing.svg)) == {"http://www.w3.org/2000/svg"}


def test_every_text_is_inside_its_box(drawing: Drawing) -> None:
    for group in tree(drawing).iter(f"{SVG}g"):
        box, *texts = group
        for text in texts:
            assert area(box).holds(area(text), margin=4), text.text


def test_every_text_is_on_the_page_and_on_no_other_and_crossed_by_nothing(
    drawing: Drawing,
) -> None:
    root = tree(drawing)
    page = Box(*map(float, root.attrib["viewBox"].split()))
    texts = [(text.text, area(text)) for text in root.iter(f"{SVG}text")]
    for words, where in texts:
        assert page.holds(where, margin=4), words
    for (words, where), (others, there) in combinations(texts, 2):
        assert not where.meets(there), f"{words!r} is written over {others!r}"
    for edge in map(area, root.iter(f"{SVG}rect")):
        for words, where in texts:
            assert edge.holds(where) or not edge.meets(where), f"a box cuts {words!r}"
    for part in (part for line in root.iter(f"{SVG}polyline") for part in bars(line)):
        for words, where in texts:
            assert not where.meets(part), f"a line crosses {words!r}"


def test_no_box_lies_over_half_of_another(drawing: Drawing) -> None:
    rects = [area(rect) for rect in tree(drawing).iter(f"{SVG}rect")]
    for one, other in combinations(rects, 2):
        inside = one.holds(other) or other.holds(one)
        apart = not Box(one.left + 1, one.top + 1, one.right - 1, one.bottom - 1).meets(other)
        assert inside or apart, (one, other)


def test_letters_stand_out_and_are_large() -> None:
    for fill, edge in sketch.FILLS.values():
        assert contrast(sketch.INK, fill) >= 4.5
        assert contrast(edge, "#ffffff") >= 2.9  # an edge is more than its colour
    assert sketch.SIZE * 700 / sketch.WIDTH >= 11  # CSS pixels, where 700 are there


def test_a_cell_shows_an_image_with_its_words(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(sketch, "display", lambda data, **_: shown.append(data))
    assert DisplayFormatter().format(drawing) == ({}, {})
    (only,) = shown
    assert only == drawing.bundle()
    image = ElementTree.fromstring(only["text/html"].replace('%">', '%"/>'))
    assert image.attrib["alt"] == drawing.alt
    kind, _, data = image.attrib["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == drawing.svg
    assert drawing.alt in only["text/plain"]


@pytest.mark.parametrize("name", sorted(PARTS))
def test_students_see_the_drawings_before_anything_has_run(name: str) -> None:
    drawn = [cell.name for cell in COURSE.lesson(name).cells if cell.role == "drawing"]
    assert drawn
    notebook = render_student(COURSE, name)
    nbformat.validate(notebook)
    there = [cell for cell in notebook.cells if cell.get("outputs")]
    assert [cell.source.splitlines()[-1] for cell in there] == [f"drawings.{d}()" for d in drawn]
    for cell, each in zip(there, drawn, strict=True):
        (output,) = cell.outputs
        assert output.data == getattr(drawings, each)().bundle()
        assert cell.metadata.tags == ["demo"]  # skipped when grading
        assert cell.metadata.jupyter.source_hidden
    # Where the solved notebook runs, the same cells show the same.
    solved = [cell.source for cell in render_solved(COURSE, name).cells]
    assert [cell.source for cell in there] == [
        source for source in solved if source.startswith("#@title Drawing")
    ]


def test_every_drawing_is_in_a_lesson() -> None:
    shown = {
        c.name for name in COURSE.names for c in COURSE.lesson(name).cells if c.role == "drawing"
    }
    assert shown == set(DRAWN)


def lesson(folder: Path, cell: str) -> Path:
    """Write a source with one more cell."""
    source = folder / "05_attention.py"
    text = (ROOT / "solutions" / "05_attention.py").read_text("utf-8")
    source.write_text(text + f"\n{cell}\n", "utf-8")
    return source


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('# %% drawing="attention"\n1 + 1', "a drawing cell is empty"),
        ('# %% drawing="at tention"', "not a Python name"),
        ('# %% [markdown] drawing="attention"', "must be a code cell"),
        ('# %% drawing="attention" tags=["demo"]', "unknown key 'tags'"),
    ],
)
def test_a_wrong_marker_says_so(tmp_path: Path, cell: str, said: str) -> None:
    with pytest.raises(LessonError, match=said):
        read(lesson(tmp_path, cell))


def test_an_unknown_drawing_is_named_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "__all__", ["heads"])
    with pytest.raises(LessonError, match="no drawing 'attention'; there are: heads"):
        render_student(Course(ROOT), "05_attention")


@pytest.mark.parametrize("step", [0, 8])
def test_the_cache_has_seven_steps(step: int) -> None:
    with pytest.raises(ValueError, match="steps 1 to 7"):
        drawings.cache(step)


def test_the_cache_computes_each_character_once() -> None:
    for step in (1, 4, 7):
        written = [text.text for text in tree(drawings.cache(step)).iter(f"{SVG}text")]
        assert f"computed so far: {step * (step + 1) // 2}" in written
        assert f"computed so far: {step}" in written

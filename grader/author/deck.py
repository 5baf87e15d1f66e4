"""A lesson's deck as data: the slides that its source has, and what each must keep to.

    # %% [markdown] slide="The causal mask" picture="above"
    # Markdown, at most forty words of it.
    #
    # Notes: what the speaker says, to the end of the cell.

With `picture="above"` the slide shows the last picture that a code cell above it put out in the
solved notebook. In its place a slide may have one fenced block of code, whose lines students have;
a comment behind one may be left out.
"""

import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import nbformat
from nbformat import NotebookNode

from grader.author.render import render_student, secrets
from grader.course.lessons import Course
from grader.course.source import Lesson, LessonError, SourceCell

MAX_WORDS = 40
MAX_CODE_LINES = 8
SLIDES = range(8, 15)
"""So many a source has. With the first and the last one, which every deck has, 10 to 16."""
PICTURES = ("image/svg+xml", "image/png")

_NOTES = re.compile(r"^Notes:\s*", re.MULTILINE)
_FENCE = re.compile(r"^```\w*\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
_DRAWING = re.compile(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="([^"]*)"')
_WORD = re.compile(r"\S*\w\S*")


@dataclass(frozen=True)
class Picture:
    """A picture of a solved notebook: its kind, its data (base 64, but for SVG), and in words."""

    kind: str
    data: str
    alt: str

    @property
    def address(self) -> str:
        """The picture itself, as the address that shows it."""
        data = self.data if self.kind == "image/png" else b64encode(self.data.encode()).decode()
        return f"data:{self.kind};base64,{data}"

    @property
    def size(self) -> tuple[float, float]:
        """Its width and height, in pixels or a unit of its own."""
        if self.kind == "image/png":  # 16 bytes stand before them
            width, height = struct.unpack(">II", b64decode(self.data)[16:24])
            return width, height
        box = re.search(r'viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"', self.data)
        return (float(box[1]), float(box[2])) if box else (1, 1)

    @property
    def ratio(self) -> float:
        """Its width divided by its height."""
        width, height = self.size
        return width / height


def parts(slide: SourceCell) -> tuple[str, str]:
    """Return the Markdown of a slide, and that of its notes."""
    text, *notes = _NOTES.split(slide.text, maxsplit=1)
    return text.strip(), "".join(notes).strip()


def words(text: str) -> int:
    """Return how many words the Markdown of a slide has, less code blocks and formulas."""
    return len(_WORD.findall(_FORMULA.sub(" ", _FENCE.sub(" ", text))))


def code_lines(text: str) -> list[str]:
    """Return the lines of code that the Markdown of a slide shows, stripped."""
    lines = [line.strip() for block in _FENCE.findall(text) for line in block.splitlines()]
    return [line for line in lines if line]


def problems(course: Course, name: str) -> Iterator[LessonError]:
    """Yield what the slides of lesson `name` must not be; a lesson may have none."""
    lesson = course.lesson(name)
    if not lesson.slides:
        return
    if len(lesson.slides) not in SLIDES:
        least, most = SLIDES[0], SLIDES[-1]
        message = f"{least} to {most} slides make a deck, and there are {len(lesson.slides)}"
        yield lesson.error(lesson.slides[0].line, message)
    released = render_student(course, name)
    lines = [
        line.strip()
        for cell in released.cells
        if cell.cell_type == "code"
        for line in cell.source.splitlines()
    ]
    given = {*lines, *(line.partition("  # ")[0] for line in lines)}
    hidden = [line for kept in secrets(lesson, released).values() for line in kept]
    for slide in lesson.slides:
        for message in _problems(slide, given, hidden):
            yield lesson.error(slide.line, f"slide {slide.name!r}: {message}")


def _problems(slide: SourceCell, given: set[str], hidden: list[str]) -> Iterator[str]:
    text, notes = parts(slide)
    code = code_lines(text)
    if (number := words(text)) > MAX_WORDS:
        yield f"{number} words; say it in {MAX_WORDS}, and the rest in the notes"
    if len(code) > MAX_CODE_LINES:
        yield f"{len(code)} lines of code; show {MAX_CODE_LINES}"
    if len(_FENCE.findall(text)) + bool(slide.picture) > 1:
        yield "one picture or one block of code, not both or two"
    if not notes:
        yield "no notes; end the cell with a paragraph that begins Notes: and says what is said"
    for line in code:
        if line not in given:
            yield f"no code cell of the released notebook has the line {line!r}"
    for line in hidden:
        if line in slide.text:
            yield f"students would read {line!r}, a line of a solution"


def pictures(course: Course, lesson: Lesson) -> dict[int, Picture]:
    """Return the picture of each slide that shows one, by the slide's line.

    Raises
    ------
    LessonError
        If a slide has no picture above it, or the solved notebook is not that of this source.
    """
    wanted = [slide for slide in lesson.slides if slide.picture]
    if not wanted:
        return {}
    solved = course.paths(lesson.name).solved
    cells = nbformat.read(solved, as_version=4).cells if solved.is_file() else []
    if len(cells) != len(lesson.cells):
        message = f"the pictures are those of {solved.name}, which is not what this says"
        raise lesson.error(wanted[0].line, f"{message}; type: grader build {lesson.name}")
    found: dict[int, Picture] = {}
    for slide in wanted:
        above = [
            cell for cell, own in zip(cells, lesson.cells, strict=True) if own.line < slide.line
        ]
        shown = [picture for cell in above for picture in shown_by(cell, slide.name)]
        if not shown:
            message = 'picture="above", and no code cell above it shows one'
            raise lesson.error(slide.line, f"slide {slide.name!r}: {message}")
        found[slide.line] = shown[-1]
    return found


def shown_by(cell: NotebookNode, title: str) -> Iterator[Picture]:
    """Yield the pictures that a cell put out, the best kind of each; drawings are in their HTML."""
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        for kind in PICTURES:
            if kind in data:
                alt = output.get("metadata", {}).get(kind, {}).get("alt", f"A picture: {title}")
                yield Picture(kind, data[kind], alt)
                break
        else:
            if drawn := _DRAWING.search(data.get("text/html", "")):
                yield Picture(PICTURES[0], b64decode(drawn[1]).decode(), unescape(drawn[2]))

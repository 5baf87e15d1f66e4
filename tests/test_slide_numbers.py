"""A number that a slide shows stands in the solved notebook: measured there, or told there.

Notebooks are built again, and what is measured may come out another number. Then the slide has to
follow.
"""

import re
from collections.abc import Iterator

import nbformat
import pytest
from course import COURSE
from nbformat import NotebookNode

from grader.author.deck import parts

DECKS = [name for name in COURSE.names if COURSE.lesson(name).slides]

NUMBER = re.compile(r"\d[\d,]*\d\.\d+|\d\.\d+|\d[\d,]*\d|\d")
# With a decimal point, with thousands, or in bold: what was measured or worked out.
SHOWN = re.compile(r"\d[\d,]*\.\d+|\d{1,3}(?:,\d{3})+|(?<=\*\*)\d+(?=\*\*)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def told(notebook: NotebookNode) -> Iterator[str]:
    """Yield what a notebook says in words: its cells, what they print, and pictures in words."""
    for cell in notebook.cells:
        yield cell.source
        for output in cell.get("outputs", ()):
            yield output.get("text", "")
            yield output.get("data", {}).get("text/plain", "")
            for facts in output.get("metadata", {}).values():
                yield facts.get("alt", "") if isinstance(facts, dict) else ""


def known(text: str) -> set[str]:
    """Return the numbers of a text, each also with a decimal less, and without zeros at its end."""
    numbers = {number.replace(",", "") for number in NUMBER.findall(text)}
    exact = {number for number in numbers if "." in number}
    rounded = {f"{float(n):.{len(n.split('.')[1]) - 1}f}" for n in exact}
    return numbers | rounded | {number.rstrip("0") for number in exact}


def shown(text: str) -> list[str]:
    """Return the numbers that a slide's Markdown shows, less those of code."""
    return [number.replace(",", "") for number in SHOWN.findall(CODE.sub(" ", text))]


@pytest.mark.parametrize("name", DECKS)
def test_the_numbers_of_a_deck_are_those_of_its_notebook(name: str) -> None:
    solved = nbformat.read(COURSE.paths(name).solved, as_version=4)
    numbers = known("\n".join(told(solved)))
    missing = [
        f"{slide.name}: {number}"
        for slide in COURSE.lesson(name).slides
        for number in shown(f"{slide.name}\n{parts(slide)[0]}")
        if number not in numbers
    ]
    assert missing == []


def test_which_numbers_are_asked_for() -> None:
    text = "**8** of **27**, 9 of 12, 4.2 %, 1,600 users, **-9.126**, `x.1` and\n```\n3.14\n```\n"
    assert shown(text) == ["8", "27", "4.2", "1600", "9.126"]
    assert known("1,600.27 of 8") == {"1600.27", "1600.3", "8"}
    assert known("3.500") == {"3.500", "3.50", "3.5"}

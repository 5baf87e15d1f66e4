"""Where each topic of the second part stands: the README's table is whole, and true."""

import re
from collections.abc import Iterator

import pytest
from course import COURSE, ROOT

from lmops.cli import COMMANDS

TOPICS = (
    "continuous integration and testing",
    "code review and scans",
    "artifacts and versions of code, data, model and outputs",
    "deployment strategies",
    "infrastructure as code",
    "containers and Kubernetes",
    "serverless and edge",
    "monitoring and logging",
    "drift",
    "retraining",
    "feedback",
    "roles",
    "compliance",
    "privacy",
    "retirement",
    "process: branching, boards, CRISP-DM and TDSP",
    "the six parts of MLOps",
    "a pipeline that is itself watched by a model",
)
SECTION = "### Where each topic of the second part stands\n"
WITH_PLACES = re.compile(r"\d\d( [`*][^`*]+[`*],?)+(; \d\d( [`*][^`*]+[`*],?)+)*")
TEXT = (ROOT / "README.md").read_text("utf-8").partition(SECTION)[2].partition("\n## ")[0]
ROWS = [re.split(r" *\| *", line.strip("|").strip()) for line in TEXT.splitlines() if "|" in line]
TABLE = {row[0]: row[1:] for row in ROWS[2:]}


def lesson(number: str) -> str:
    (name,) = (name for name in COURSE.names if name.startswith(f"{number}_"))
    return name


def places(words: str) -> Iterator[tuple[str, str, str]]:
    """Yield the lesson, the mark and the name of each place in a cell of the table."""
    for part in words.split("; "):
        name = lesson(part[:2])
        yield from ((name, mark, place) for mark, place in re.findall(r"([`*])([^`*]+)[`*]", part))


def headings(name: str) -> set[str]:
    """Return the headings of a lesson's sections, as its students see them."""
    cells = COURSE.lesson(name).cells
    prose = "\n".join(cell.text for cell in cells if not cell.is_code)
    return {line.lstrip("#").strip() for line in prose.splitlines() if re.match(r"#{2,3} ", line)}


def test_no_topic_is_missing_and_none_stands_there_twice() -> None:
    assert [row[0] for row in ROWS[2:]] == list(TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_each_place_is_in_its_lesson(topic: str) -> None:
    words = TABLE[topic][0]
    assert WITH_PLACES.fullmatch(words), words
    for name, mark, place in places(words):
        known = headings(name) if mark == "*" else COURSE.lesson(name).exercises()
        assert place in known, f"{name} has no {place}"


@pytest.mark.parametrize("topic", TOPICS)
def test_each_command_is_one(topic: str) -> None:
    told = " ".join(TABLE[topic][1:])
    for command in filter(None, told.split(", ")):
        assert re.fullmatch(r"`lmops ([a-z-]+)`", command), command
        assert command.strip("`").removeprefix("lmops ") in COMMANDS


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("code review and scans", "pull request|dependencies|static analysis"),
        ("deployment strategies", r"\*\*blue-green\*\*|\*\*canary\*\*|\*\*A/B"),
        ("infrastructure as code", "Terraform"),
        ("containers and Kubernetes", "container image|Kubernetes"),
        ("serverless and edge", r"\*\*serverless\*\*|\*\*edge\*\*"),
        ("compliance", r"\*\*compliance\*\*|GDPR|AI Act"),
        ("process: branching, boards, CRISP-DM and TDSP", "Branches|Boards|CRISP-DM|TDSP"),
        ("the six parts of MLOps", "versions|integration|delivery|training|monitoring|governance"),
    ],
)
def test_the_lesson_says_the_words_of_its_topic(topic: str, words: str) -> None:
    names = {name for name, _, _ in places(TABLE[topic][0])}
    prose = "\n".join(
        cell.text for name in names for cell in COURSE.lesson(name).cells if not cell.is_code
    )
    for word in words.split("|"):
        assert re.search(word, prose), f"{', '.join(names)}: nothing about {word}"

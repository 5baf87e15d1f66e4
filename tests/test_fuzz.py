"""Two thousand broken notebooks: each gets a status and a sentence, none an exception."""

import copy
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from course import COURSE, LESSON, ROOT
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from grader.author.render import fill
from grader.grading import task
from grader.grading.run import make_task
from grader.grading.task import Rules, grade_submission
from grader.reports.pages import EXERCISE_STATUSES, SUBMISSION_STATUSES
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.submissions.cells import cells_to_run
from grader.submissions.notebook import Notebook, Submission

RULES = Rules(
    ROOT, "bwrap", Limits(cell_seconds=3, call_seconds=2, submission_seconds=8), b"secret"
)
FUZZ = settings(
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # shrinking two thousand notebooks would take minutes
    suppress_health_check=list(HealthCheck),
)


def solved() -> dict[str, Any]:
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    book = json.loads(nbformat.writes(fill(released, COURSE.lesson(LESSON))))
    # The text and the demos go: they would make each of the notebooks slow to write.
    book["cells"] = [
        cell
        for cell in book["cells"]
        if cell["cell_type"] == "code" and "demo" not in cell["metadata"].get("tags", [])
    ]
    return dict(book)


SOLVED = solved()

numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([4, 5, -1, 2**63, 10**400, 1e308]))
texts = st.one_of(
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(
        ["\ud800", "\x00", "﻿", "\u202e", "a" * 100_000, "é\r\n\x0c", "<script>", "=1+1"]
    ),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    leaves,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(texts, parts, max_size=3),
    max_leaves=6,
)
sources = st.one_of(
    texts,
    st.sampled_from(
        [
            "def (",
            "%%time",
            "%%bash\nrm -rf /",
            "!ls\n?x\nx??",
            "(" * 3_000 + ")" * 3_000,
            "-" * 50_000 + "1",
            "x = " + "[" * 150 + "]" * 150,
            "raise SystemExit",
            "del torch",
            'check.lesson("00_start")',
            'check.lesson("99_none")',
            "check = None",
            "def nll(table, ids):\n    raise ValueError(chr(0xD800))",
            "normalise = count_bigrams = 3",
            "await nothing",
            "import nothing",
        ]
    ),
    st.lists(texts, max_size=3),
    values,
)
KEYS = ("cells", "metadata", "nbformat", "nbformat_minor", "worksheets")
CELL_KEYS = ("cell_type", "source", "metadata", "outputs", "id", "execution_count", "input")
METADATA = ("kernelspec", "language_info", "grader", "colab", "tags", "nbgrader")
positions = st.integers(0, len(SOLVED["cells"]) - 1)


def change(draw: st.DrawFn, book: dict[str, Any]) -> None:
    """Change one thing of a notebook as an editor, a merge or a student might, or worse."""
    cells = book["cells"] if isinstance(book.get("cells"), list) else []
    place = draw(positions)
    cell = cells[place] if place < len(cells) and isinstance(cells[place], dict) else {}
    match draw(st.sampled_from(CHANGES)):
        case "top":
            book[draw(st.sampled_from(KEYS))] = draw(values)
        case "lost":
            book.pop(draw(st.sampled_from(KEYS)), None)
        case "cell":
            cell[draw(st.sampled_from(CELL_KEYS))] = draw(values)
        case "lost in cell":
            cell.pop(draw(st.sampled_from(CELL_KEYS)), None)
        case "source":
            cell["source"] = draw(sources)
        case "cut source":
            source = cell.get("source")
            if isinstance(source, (str, list)):
                cell["source"] = source[: draw(st.integers(0, len(source)))]
        case "metadata":
            said = {draw(st.sampled_from(METADATA)): draw(values)}
            draw(st.sampled_from([book, cell]))["metadata"] = said
        case "kernel":
            name = {"name": draw(texts), "language": draw(texts)}
            book["metadata"] = {"kernelspec": name, "language_info": name}
        case "order":
            cells.reverse()
        case "same ids":
            for each in cells:
                if isinstance(each, dict):
                    each["id"] = "same"
        case "twice":
            cells.append(copy.deepcopy(cell))
        case "no cells":
            del cells[: draw(positions)]
        case "not a cell":
            cells.insert(place, draw(values))
        case "outputs":
            output = {"output_type": "stream", "name": "stdout", "text": "x" * 200_000}
            cell["outputs"] = [output, draw(values)]
        case "deep":
            deep: Any = draw(leaves)
            for _ in range(draw(st.sampled_from([50, 900]))):
                deep = [deep]
            cell["metadata"] = deep
        case "old format":
            book["nbformat"] = draw(st.sampled_from([1, 2, 3]))
            book["worksheets"] = [{"cells": book.pop("cells", []), "metadata": {}}]


CHANGES = (
    *("top", "lost", "cell", "lost in cell", "source", "source", "cut source", "metadata"),
    *("kernel", "order", "same ids", "twice", "no cells", "not a cell", "outputs", "deep"),
    "old format",
)


def spoil(draw: st.DrawFn, data: bytes) -> bytes:
    """Damage a file's bytes as a full disk, an editor or a wrong upload might."""
    place = draw(st.integers(0, len(data)))
    match draw(st.sampled_from(["as it is"] * 6 + ["cut", "byte", "encoding", "mark", "deep"])):
        case "cut":
            return data[:place]
        case "byte":
            return data[:place] + draw(st.binary(min_size=1, max_size=3)) + data[place + 1 :]
        case "encoding":
            encoding = draw(st.sampled_from(["utf-16", "utf-8-sig", "utf-32-be", "cp037"]))
            return data.decode("utf-8", "replace").encode(encoding, "replace")
        case "mark":
            return data + draw(st.sampled_from([b"\x00", b"}", b"<<<<<<< HEAD\n"]))
        case "deep":
            return b"[" * 100_000 + data
    return data


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    book = copy.deepcopy(SOLVED)
    for _ in range(draw(st.integers(1, 4))):
        change(draw, book)
    return spoil(draw, json.dumps(book).encode())


names = st.sampled_from(
    [f"{LESSON}.ipynb", "x.ipynb", "00_start.ipynb", "\udcff.ipynb", "=1.ipynb"]
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # What thousands of tests left in this process takes the collector a second to look through,
    # and a reader has no more. The grader's own process holds a small part of that.
    gc.collect()
    gc.freeze()
    return tmp_path_factory.mktemp("fuzz") / "submission"


@given(data=mutants(), name=names, lesson=st.sampled_from([LESSON, None]))
@settings(FUZZ, max_examples=2_000)
def test_every_file_is_read_or_answered(
    file: Path, data: bytes, name: str, lesson: str | None
) -> None:
    path = file.with_name(name.encode("utf-8", "surrogateescape").decode("latin-1"))
    path.write_bytes(data)
    made = make_task(COURSE, Submission("ada", path), lesson, RULES)
    assert made.fingerprint == make_task(COURSE, Submission("ada", path), lesson, RULES).fingerprint
    status, message = task.verdict(made)
    assert status in SUBMISSION_STATUSES
    assert status == "graded" or message.endswith(".")
    message.encode()  # to a page, a table, a terminal
    if isinstance(made.notebook, Notebook):
        cells = task.cells_to_judge(made.notebook, COURSE.lesson(LESSON))
        assert all(cell.source.strip() for cell in cells)
        assert len(cells) <= len(cells_to_run(made.notebook.cells))


@pytest.fixture(scope="module")
def worker() -> Iterator[Sandbox]:
    made = task._sandbox(RULES.course, RULES.mode, RULES.limits)
    yield made
    made.close()
    task._sandbox.cache_clear()


@pytest.mark.sandbox
@given(data=mutants())
@settings(FUZZ, max_examples=40)
def test_what_can_be_read_is_graded_to_its_end(worker: Sandbox, file: Path, data: bytes) -> None:
    file.write_bytes(data)
    result, _ = grade_submission(make_task(COURSE, Submission("ada", file), LESSON, RULES), RULES)
    assert result.status in SUBMISSION_STATUSES
    assert [exercise.name for exercise in result.exercises] == list(COURSE.exercises(LESSON))
    for exercise in result.exercises:
        assert exercise.status in EXERCISE_STATUSES
        assert 0 <= exercise.points <= exercise.max_points

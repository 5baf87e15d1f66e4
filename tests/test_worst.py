"""What the judge, the collector and the report do with the worst inputs that were found.

Each input is tried at its full size and at an eighth of it. What is linear takes eight times as
long then, what is quadratic 64 times; and nothing may take 200 MB beside the input itself.
"""

import gc
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from course import COURSE

from grader.checks.compare import difference, summarise
from grader.checks.student import Lost, Raised, Student, last_call
from grader.checks.values import MAX_ALIKE, MAX_BYTES, MAX_HEADER, MAX_NODES, MAX_TENSORS
from grader.gradebook.copies import keep_copy
from grader.grading.task import cells_to_judge
from grader.reports import cell_html, feedback
from grader.submissions.archives import MAX_FILE_BYTES
from grader.submissions.notebook import MAX_CELL_CHARACTERS, MAX_CODE_CHARACTERS, Notebook, read
from grader.submissions.notebook_file import MAX_PARTS

LESSON = "02_bigrams"
SMALLER = 8
MOST_RATIO = 30
"""Between eight, for what is linear, and 64 for what is quadratic."""
MOST_TIMES = 1_000
"""What an honest notebook takes, which is milliseconds: some tens are a second."""
MOST_MB = 200
TRIES = 3
WANTED = (1.5, [1, 2], {"a": 1}, {1}, torch.zeros(3), "text", None)


# --- Answers ----------------------------------------------------------------------------------


def frame(header: str, rest: bytes = b"") -> bytes:
    text = f'{{"is":"dict","v":[["value",{header}]]}}'.encode()
    return len(text).to_bytes(4, "little") + text + rest


def listed(kind: str, parts: list[str]) -> str:
    return f'{{"is":"{kind}","v":[{",".join(parts)}]}}'


def tensors(share: float) -> bytes:
    count, each = int(MAX_TENSORS * share), MAX_BYTES // MAX_TENSORS - 80
    part = f'{{"is":"tensor","dtype":"uint8","shape":[{each}]}}'
    return frame(listed("tuple", [part] * count), bytes(count * each))


def tensor(share: float) -> bytes:
    size = int((MAX_BYTES - 1000) * share)
    return frame(f'{{"is":"tensor","dtype":"uint8","shape":[{size}]}}', bytes(size))


def numbers(share: float) -> bytes:
    return frame(json.dumps(list(range(int(MAX_NODES * share) - 10))))


def nested(share: float) -> bytes:
    inner = "[" * 28 + "0" + "]" * 28
    return frame(listed("tuple", [inner] * int(MAX_NODES * share / 30)))


def alike(share: float) -> bytes:
    """Return integers whose places in a hash table begin alike."""
    return frame(listed("set", [str(n << 43) for n in range(int(MAX_NODES * share) - 10)]))


def colliding(share: float) -> bytes:
    """Return integers of one hash."""
    return frame(listed("set", [str(n * (2**61 - 1)) for n in range(int(MAX_ALIKE * share))]))


def keys(share: float) -> bytes:
    pairs = [f"[{listed('tuple', [str(n)])},{n}]" for n in range(int(MAX_NODES * share / 3) - 10)]
    return frame(f'{{"is":"dict","v":[{",".join(pairs)}]}}')


def text(share: float) -> bytes:
    return frame(json.dumps("\U0001f600" + "'\"" * int((MAX_HEADER - 100) * share / 3)))


def long_integers(share: float) -> bytes:
    return frame(json.dumps([int("9" * 4_000)] * int(MAX_ALIKE * share)))


def empty_parts(share: float) -> bytes:
    return frame("[" + "{}," * int((MAX_HEADER - 100) * share / 3) + "{}]")


def unknown(share: float) -> bytes:
    return frame('{"is":' + json.dumps([0] * int(MAX_HEADER * share / 4)) + "}")


def error_of_tensors(share: float) -> bytes:
    """Return an error whose words are a tuple of tensors."""
    packed = tensors(share)
    size = int.from_bytes(packed[:4], "little")
    header, rest = packed[4 : 4 + size], packed[4 + size :]
    value = header[len(b'{"is":"dict","v":[["value",') : -len(b"]]}")]
    words = b",".join(b'["%s",%s]' % (key, value) for key in (b"kind", b"message", b"line"))
    text = b'{"is":"dict","v":[["raised",{"is":"dict","v":[%s]}]]}' % words
    return len(text).to_bytes(4, "little") + text + rest * 3


ANSWERS = {
    "a tuple of tensors": tensors,
    "an error of tensors": lambda share: error_of_tensors(share / 3),
    "one tensor": tensor,
    "integers": numbers,
    "nested lists": nested,
    "places alike": alike,
    "one hash": colliding,
    "keys": keys,
    "a text of four bytes each": text,
    "long integers": long_integers,
    "empty dicts": empty_parts,
    "an unknown kind": unknown,
}


def compare_answer(reply: bytes) -> None:
    """Do with an answer what a check does."""
    student = Student(lambda _: reply)
    try:
        got = student.answer
        summarise(got)
        for want in WANTED:
            difference(got, want, atol=1e-5, rtol=1e-4)
        student.probe(compare_answer, got)
    except (Lost, Raised):
        pass
    except TypeError:  # what is sent on is too large for a question
        pass
    assert isinstance(last_call(student).written()[0], str)


# --- Files ------------------------------------------------------------------------------------


def book(cells: list[Any], version: int = 4, **more: Any) -> bytes:
    return json.dumps({"nbformat": version, "metadata": {}, "cells": cells, **more}).encode()


def code(*sources: str, **more: Any) -> bytes:
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    return book([{**cell, **more} for cell in cells])


def sized(part: str, share: float, most: int) -> str:
    return part * int(most * share / len(part))


def filling(part: str) -> Callable[[float], bytes]:
    """Return what makes a notebook with one list of the parts."""
    return lambda share: (
        b'{"nbformat":4,"cells":[' + sized(part, share, MAX_FILE_BYTES - 100).encode() + b"0]}"
    )


def metadata(share: float) -> bytes:
    cell = {"cell_type": "code", "input": "x", "outputs": [], "metadata": {"a": {"b": [1]}}}
    return book([], 3, worksheets=[{"cells": [cell] * int(MAX_PARTS * share / 24)}])


def large_text(share: float) -> bytes:
    letters = "\U0001f600" + "x" * int(MAX_FILE_BYTES * share * 0.9)
    content = {"nbformat": 4, "cells": [], "metadata": {"t": letters}}
    return json.dumps(content, ensure_ascii=False).encode()


def kernel(share: float) -> bytes:
    name = sized("1.", share, MAX_FILE_BYTES - 1000)
    content = json.loads(code("x = 1")) | {"metadata": {"kernelspec": {"name": name}}}
    return json.dumps(content).encode()


def lines(share: float) -> bytes:
    output = {"output_type": "stream", "text": sized("\n", share, MAX_FILE_BYTES // 2 - 1000)}
    return code("x = 1", outputs=[output])


def wide(part: str) -> Callable[[float], bytes]:
    """Return what makes a notebook with as much of one kind of code as it may have."""
    cells = MAX_CODE_CHARACTERS // MAX_CELL_CHARACTERS
    return lambda share: code(*[sized(part, share, MAX_CELL_CHARACTERS)] * cells)


FILES = {
    "an old format with much metadata": metadata,
    "dicts": filling('{"":0},'),
    "texts": filling('"",'),
    "brackets": filling("["),
    "quotes": filling('"'),
    "escapes": filling('\\"'),
    "a text with one wide character": large_text,
    "a kernel's name": kernel,
    "an output of empty lines": lines,
    "assignments": wide("a="),
    "statements": wide("a=1;"),
    "lines of code": wide("a=\n"),
    "fields of an f-string": lambda share: code(
        "f'" + sized("{a}", share, MAX_CELL_CHARACTERS - 10) + "'"
    ),
    "lambdas": wide("lambda:"),
}


def read_file(path: Path) -> None:
    """Do with a file what collecting, grading and keeping it do."""
    notebook = read(path, COURSE.names)
    if isinstance(notebook, Notebook):
        cells_to_judge(notebook, COURSE.lesson(LESSON))
    keep_copy(path.parent, "ada", LESSON, path)


# --- Pages ------------------------------------------------------------------------------------

PAGES = {
    "empty lines": ("code", "\n"),
    "lines of spaces": ("code", "\n" + " " * 50),
    "dots": ("code", "."),
    "names of characters": ("code", "'\\N{"),
    "mathematics": ("markdown", "\\\\("),
    "a table": ("markdown", "|a|b|\n|-|-|\n"),
    "unclosed tags": ("markdown", "<p><b>"),
    "brackets of links": ("markdown", "["),
    "formulas": ("markdown", "$x$ "),
    "nested formulas": ("markdown", "$" + "{x^" * 150 + "$ "),
    "dollars": ("markdown", "$"),
}


def show_page(cells: list[dict[str, Any]]) -> None:
    budget = cell_html.Budget()
    for cell in cells:
        feedback.defined_names(cell["source"])
        budget.html(cell)


# --- Measuring --------------------------------------------------------------------------------


def measured(work: Callable[[Any], None], given: Any) -> tuple[float, float]:
    """Return the processor's seconds and the MB that `work` takes, in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=_measure, args=(theirs, work, given)
    )
    process.start()
    theirs.close()
    seconds, megabytes = ours.recv()
    process.join()
    return seconds, megabytes


def _measure(pipe: Any, work: Callable[[Any], None], given: Any) -> None:
    gc.freeze()  # what earlier tests left is not to be searched again and again
    before = _resident()
    started = time.process_time()
    work(given)
    seconds = time.process_time() - started
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send((seconds, most - before))
    os._exit(0)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


pytestmark = pytest.mark.skipif("sys.platform != 'linux'", reason="measures memory as Linux says")


@pytest.fixture(scope="module")
def least(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Return the seconds that an honest notebook takes here: less is not worth comparing."""
    path = tmp_path_factory.mktemp("honest") / "a.ipynb"
    path.write_bytes(code(*["def f(x):\n    return x\n" * 50] * 50))
    cells_to_judge(read(path, COURSE.names), COURSE.lesson(LESSON))  # reads the lesson, once
    return measured(read_file, path)[0]


def assert_linear(
    work: Callable[[Any], None], small: Any, large: Any, least: float, own_mb: float
) -> None:
    """Measure until one try is fair: another job may slow one down, none makes it faster."""
    for _ in range(TRIES):
        seconds, _ = measured(work, small)
        more_seconds, megabytes = measured(work, large)
        if more_seconds <= min(MOST_RATIO * max(seconds, least), MOST_TIMES * least):
            break
    assert more_seconds <= MOST_RATIO * max(seconds, least)
    assert more_seconds <= MOST_TIMES * least
    assert megabytes <= MOST_MB + own_mb


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_costs_the_judge_what_its_size_is(name: str, least: float) -> None:
    make = ANSWERS[name]
    assert_linear(compare_answer, make(1 / SMALLER), make(1), least, MAX_BYTES / 2**20)


@pytest.mark.parametrize("name", FILES)
def test_a_file_costs_what_its_size_is(name: str, tmp_path: Path, least: float) -> None:
    paths = tmp_path / "small.ipynb", tmp_path / "large.ipynb"
    for path, share in zip(paths, (1 / SMALLER, 1), strict=True):
        path.write_bytes(FILES[name](share))
    assert paths[1].stat().st_size <= MAX_FILE_BYTES
    assert_linear(read_file, *paths, least, MAX_FILE_BYTES / 2**20)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_costs_what_its_size_is(name: str, least: float) -> None:
    kind, part = PAGES[name]
    line = sized(part, 1, 1_000)
    small, large = (
        [{"cell_type": kind, "source": f"{n}{line}"} for n in range(count)]
        for count in (12, 12 * SMALLER)
    )
    assert_linear(show_page, small, large, least, 0)


@pytest.mark.parametrize("part", [part for kind, part in PAGES.values() if kind == "code"])
def test_a_cell_is_coloured_in_linear_time(part: str, least: float) -> None:
    line = sized(part, 1, 1_000)
    small, large = (
        [{"cell_type": "code", "source": "\n".join([line] * count)}] for count in (2, 16)
    )
    assert_linear(show_page, small, large, least, 0)


def test_there_are_twenty_of_the_worst() -> None:
    assert len(ANSWERS) + len(FILES) + len(PAGES) >= 20

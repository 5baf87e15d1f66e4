"""The clock on the grader's own work: without it, most of these tests would never end."""

import contextlib
import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from course import COURSE, SHOWN

from grader.checks.case import case
from grader.cli import main
from grader.grading import judge as judge_module
from grader.grading.judge import judge
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.submissions.cells import Cell
from grader.submissions.clock import Clock, TimeUp
from grader.submissions.notebook import Problem, Submission
from grader.submissions.notebook_file import parse

LIMITS = Limits(call_seconds=1, exercise_seconds=1, submission_seconds=20).for_exercise({})
SHORT = replace(LIMITS, fixed=frozenset({"exercise_seconds"}))


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.submissions.clock.GRACE_SECONDS", 0.1)
    monkeypatch.setattr("grader.submissions.clock._TICK_SECONDS", 0.01)


def forever() -> None:
    while True:
        pass


def swallowed() -> None:
    with contextlib.suppress(BaseException):
        forever()


def stubborn() -> None:
    """Catch everything twice, as a check or the solved notebook's host may."""
    for _ in range(2):
        swallowed()


@pytest.mark.parametrize("work", [forever, stubborn, swallowed])
def test_it_stops_what_never_ends_in_any_thread(work: Callable[[], None]) -> None:
    with pytest.raises(TimeUp):
        Clock(time.monotonic()).run(work)
    with ThreadPoolExecutor(1) as thread:
        assert isinstance(thread.submit(_stopped, work).result(), TimeUp)


def _stopped(work: Callable[[], None]) -> BaseException | None:
    try:
        Clock(time.monotonic()).run(work)
    except TimeUp as stopped:
        return stopped
    return None


def test_what_ends_in_time_returns_or_raises_as_it_is() -> None:
    assert Clock(time.monotonic() + 60).run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        Clock(time.monotonic() + 60).run(lambda: 1 // 0)


def test_what_a_busy_machine_keeps_waiting_is_not_stopped() -> None:
    assert Clock(time.monotonic()).run(lambda: time.sleep(0.3) or 7) == 7


def test_what_fails_in_its_own_way_when_it_is_stopped_took_too_long() -> None:
    def work() -> None:
        try:
            forever()
        except BaseException:
            raise SystemError from None

    with pytest.raises(TimeUp):
        Clock(time.monotonic()).run(work)


def test_time_outside_is_not_taken() -> None:
    clock = Clock(time.monotonic())

    def slow(frame: bytes) -> bytes:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass
        return frame

    assert clock.run(lambda: clock.outside(slow)(b"x")) == b"x"


def test_nothing_is_raised_once_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """End each run just when the clock rings: before, after, or in between."""
    monkeypatch.setattr("grader.submissions.clock.GRACE_SECONDS", 0.0)
    monkeypatch.setattr("grader.submissions.clock._TICK_SECONDS", 0.02)
    rang = 0
    for seconds in (*(0.0199 + 0.000002 * step for step in range(150)), 60.0):
        end = time.monotonic() + seconds

        def work(end: float = end) -> None:
            while time.monotonic() < end:
                pass

        try:
            Clock(time.monotonic()).run(work)
        except TimeUp:
            rang += 1
        for _ in range(1000):  # steps of Python between which a late one would come
            pass
    assert rang > 0
    time.sleep(0.01)
    assert not [t for t in threading.enumerate() if t.name.endswith("(_watch)")]


# --- In the judge -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox("none", SHORT, SHOWN)
    yield made
    made.close()


Judge = Callable[[Any], dict[str, Any]]


@pytest.fixture
def judged(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Judge:
    """Return a function that judges a solved lesson 02, with another check for `nll`."""

    def with_check(check: Any) -> dict[str, Any]:
        every = COURSE.exercises("02_bigrams")
        monkeypatch.setitem(every, "nll", replace(every["nll"], check=check))
        cells = [
            Cell(1, "import torch"),
            Cell(2, "def nll(table, ids):\n    return [0] * 1000"),
            Cell(3, "def normalise(counts):\n    return counts / counts.sum(1, keepdim=True)"),
        ]
        results = [
            judge(COURSE.exercises("02_bigrams"), cells, "x", {}, sandbox, b"secret", only=name)[0]
            for name in ("nll", "nll")
        ]
        return {"first": results[0], "again": results[1]}

    return with_check


def test_a_check_that_an_answer_keeps_busy_is_a_timeout(judged: Judge) -> None:
    def check(student: Any, reference: Any, rng: Any) -> Iterator[Any]:
        yield case("long", lambda: [student.nll(1, 2) for _ in iter(int, 1)], 1, hint="h")
        yield case("loop", lambda: [0 for _ in iter(int, 1) if student.nll], 1, hint="h")

    for result in judged(check).values():
        assert (result.status, result.points) == ("timeout", 0)


def test_a_check_that_loops_over_an_answer_is_a_timeout_with_a_sentence(judged: Judge) -> None:
    def check(student: Any, reference: Any, rng: Any) -> Iterator[Any]:
        def slow() -> Any:
            answer = student.nll(1, 2)
            while answer:
                answer = answer[1:] + answer[:1]

        yield case("slow", slow, None, hint="h")

    for result in judged(check).values():
        assert (result.status, result.points) == ("timeout", 0)
        assert result.message == judge_module.TOO_SLOW


@pytest.mark.skipif("sys.platform != 'linux'", reason="memory is bounded on Linux alone")
def test_a_check_that_an_answer_leads_to_take_much_memory_is_stopped(judged: Judge) -> None:
    def check(student: Any, reference: Any, rng: Any) -> Iterator[Any]:
        large = bytearray(judge_module.CHECK_BYTES * len(student.nll(1, 2)) // 500)
        yield case("large", lambda: large, 1, hint="h")

    for result in judged(check).values():
        assert (result.status, result.points) == ("out_of_memory", 0)
        assert result.message == judge_module.TOO_LARGE


def test_code_that_takes_too_long_to_search_is_a_timeout_for_what_is_searched(
    judged: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge_module, "forbidden_uses", lambda *_: forever())
    cells = [Cell(1, "x = 1")]
    found = judge_module._misuses(list(COURSE.exercises("00_start").values()), cells)
    assert set(found) == {e.name for e in COURSE.exercises("00_start").values() if e.forbidden}
    assert found
    for outcome in found.values():
        assert (outcome.status, outcome.share) == ("timeout", 0)
        assert outcome.message == judge_module.UNREADABLE


# --- What a cell defines ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(x=1):\n    y = 2\nasync  def g(): pass\nclass C: z = 1", {"f", "g", "C"}),
        ('answer_1 = "a"; answer_2 = "b = c"', {"answer_1", "answer_2"}),
        ("a = b = 1\nc: int = 2\n(d, *e) = 3, 4\n[f] = [5]", set("abcdef")),
        ("x == 1\nprint(end='')\ny += 1\nz[0] = 1\nif w: v = 1", set()),
        ("%time\ndef broken(:\n\tlater = ", {"broken"}),
        ("", set()),
    ],
)
def test_what_a_cell_defines_is_seen_by_its_lines(source: str, names: set[str]) -> None:
    assert judge_module.defined_names(source) == names


# --- Reading what was handed in ---------------------------------------------------------------

ADAS = json.dumps(
    {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"kernelspec": {"name": "python3", "language": "python"}},
        "cells": [{"cell_type": "code", "source": 'check.lesson("02_bigrams")', "metadata": {}}],
    }
)
EVES = ADAS.replace("check.", " check.")


def zip_of(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, EVES)
    return content.getvalue()


HANDED_IN = {
    "a notebook": {"eve.ipynb": EVES.encode()},
    "one of several notebooks": {f"eve/{n}.ipynb": EVES.encode() for n in range(100)},
    "a notebook under another name": {"eve/work.json": EVES.encode()},
    "a zip": {"eve/work.zip": zip_of("a.ipynb", "b.ipynb")},
    "many zips": {f"eve/{n}.zip": zip_of("a.ipynb") for n in range(100)},
}


@pytest.mark.parametrize("name", HANDED_IN)
def test_what_takes_too_long_to_read_is_a_problem_of_its_student_alone(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for file, content in {"ada.ipynb": ADAS.encode(), **HANDED_IN[name]}.items():
        path = tmp_path / "class" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    begun: list[Any] = []

    def read(data: bytes) -> Any:
        if data == ADAS.encode():
            return parse(data)
        begun.append(data)
        return forever()

    def listed(archive: zipfile.ZipFile) -> None:
        begun.append(archive)
        forever()

    monkeypatch.setattr("grader.submissions.notebook.parse", read)
    monkeypatch.setattr("grader.submissions.collect.entries", listed)
    command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out")]
    assert main([*command, "--sandbox", "none", "--dry-run"]) == 0
    plan = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[-1] for line in plan if line[0] == "ada"] == ["grade"]
    assert [line[-4:] for line in plan if line[0] == "eve"] == [
        ["cannot", "grade:", "too", "large"]
    ]
    assert 1 <= len(begun) <= 2  # once to choose, and once to grade


def test_a_student_is_told_what_took_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.submissions.notebook.parse", lambda _: forever())
    path = tmp_path / "eve.ipynb"
    path.write_text(ADAS)
    found = Submission("eve", path).read(COURSE.names)
    assert isinstance(found, Problem)
    assert found.message.startswith("This file takes the grader too long to read.")
    assert found.sha256 == hashlib.sha256(ADAS.encode()).hexdigest()

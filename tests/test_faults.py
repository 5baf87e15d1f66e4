"""What the grader does when a process, the disk or the clock fails it."""

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
import tqdm.std
from course import COURSE, LESSON, ROOT, SHOWN, AtOnce
from nbformat.v4 import new_code_cell

from grader.author.render import fill
from grader.checks.student import Student
from grader.gradebook.secret import FILE_NAME as SECRET_FILE
from grader.gradebook.store import Gradebook, SubmissionResult
from grader.gradebook.tables import FILE_NAME, GradebookError
from grader.grading import grade, task
from grader.grading.judge import judge
from grader.grading.task import Rules, Task, _reference, not_graded
from grader.reports.pages import EXERCISE_STATUSES
from grader.sandbox import session
from grader.sandbox.bubblewrap import Process, Sandbox, Stderr
from grader.sandbox.limits import Limits
from grader.sandbox.session import Session
from grader.submissions.cells import Cell, cells_to_run
from grader.submissions.notebook import Notebook, read

STUDENTS = [f"student-{number:02}" for number in range(40)]


def write_class(folder: Path) -> None:
    folder.mkdir()
    for student in STUDENTS:
        cells = [nbformat.v4.new_code_cell(f'check.lesson("{LESSON}")  # {student}')]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{student}.ipynb")


def at_once(task: Task, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
    """Stand in for grading; `seconds` tells one grading of the same submission from another."""
    time.sleep(0.02)
    stamp = time.perf_counter()
    result = replace(
        not_graded(COURSE, task), fingerprint=task.fingerprint, status="graded", seconds=stamp
    )
    return result, {"sandbox": rules.mode}


def grade_at_once(submissions: Path, out: Path, graded: Any = at_once) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.grading.run.grade_submission", graded)
        patch.setattr(grade, "executor", lambda *_: ThreadPoolExecutor(2))
        patch.setattr("grader.grading.run.keep_copy", lambda *_: None)
        return grade.main(COURSE, submissions, out, lesson=LESSON, mode="none")


def stamps(out: Path) -> dict[str, float]:
    """Return when each student was graded; nothing while there is no gradebook."""
    if not (out / FILE_NAME).is_file():
        return {}
    with (
        contextlib.closing(sqlite3.connect(out / FILE_NAME)) as connection,
        contextlib.suppress(sqlite3.OperationalError),  # no table yet
    ):
        rows = connection.execute("SELECT student, seconds FROM submission").fetchall()
        assert len(rows) == len(dict(rows))
        return dict(rows)
    return {}


def assert_sound(out: Path) -> None:
    with contextlib.closing(sqlite3.connect(out / FILE_NAME)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for result in Gradebook.open(out).results():
        assert [e.name for e in result.exercises] == list(COURSE.exercises(LESSON))


def has(out: Path, goal: int) -> bool:
    return len(stamps(out)) >= goal


def wait_until(condition: Callable[[], bool], alive: Callable[[], bool]) -> None:
    while not condition():
        assert alive(), "the run ended early"
        time.sleep(0.001)


# --- kill -9 and Ctrl-C -----------------------------------------------------------------------


def grade_six(submissions: Path, out: Path) -> None:
    """Grade six submissions, then wait for ever."""
    left = iter(range(6))

    def grade_or_wait(task: Task, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
        if next(left, None) is None:
            signal.pause()
        return at_once(task, rules)

    grade_at_once(submissions, out, grade_or_wait)


def test_kill_9_again_and_again_loses_nothing_that_was_graded(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_class(tmp_path / "class")
    fork = multiprocessing.get_context("fork")
    before: dict[str, float] = {}
    for kills in range(5):
        run = fork.Process(target=grade_six, args=(tmp_path / "class", out))
        run.start()
        wait_until(partial(has, out, len(before) + 1 + kills), run.is_alive)
        time.sleep(0.0013 * kills)  # at another point of the next write each time
        run.kill()
        run.join()
        assert_sound(out)
        after = stamps(out)
        assert before.items() <= after.items()
        before = after
    assert grade_at_once(tmp_path / "class", out) == 0
    assert_sound(out)
    after = stamps(out)
    assert before.items() <= after.items()
    assert sorted(after) == STUDENTS


@pytest.mark.sandbox
def test_a_real_run_is_killed_then_stopped_by_ctrl_c_then_finished(tmp_path: Path) -> None:
    lesson = COURSE.lesson(LESSON)
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    solved = fill(released, lesson)
    slow = "import time\ntime.sleep(1)"  # so that every stop finds work that is not done
    solved.cells.append(new_code_cell(slow, id="slow"))
    students = [f"student-{number}" for number in range(8)]
    for student in students:
        folder = tmp_path / "class" / student
        folder.mkdir(parents=True)
        nbformat.write(solved, folder / f"{LESSON}.ipynb")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "grader.cli", "grade", str(tmp_path / "class")]
    before: dict[str, float] = {}
    for stop in (signal.SIGKILL, signal.SIGINT, None):
        run = subprocess.Popen(
            [*command, "--out", str(out), "--jobs", "1"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Where the tests run in the background, a shell has made them deaf to Ctrl-C.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.default_int_handler),
        )
        if stop is not None:
            goal = len(before) + 1
            wait_until(partial(has, out, goal), lambda run=run: run.poll() is None)
            processes = psutil.Process(run.pid).children(recursive=True)
            os.killpg(run.pid, stop)  # as a terminal does
        printed, _ = run.communicate(timeout=300)
        if stop is not None:
            assert psutil.wait_procs(processes, timeout=60)[1] == []
        assert run.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130, None: 0}[stop], printed
        assert "Traceback" not in printed
        assert_sound(out)
        after = stamps(out)
        assert before.items() <= after.items()
        before = after
    assert sorted(after) == students
    total = sum(exercise.points for exercise in COURSE.exercises(LESSON).values())
    assert {result.points for result in Gradebook.open(out).results()} == {total}


def test_what_was_graded_when_ctrl_c_came_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_class(tmp_path / "class")

    class Interrupted(ThreadPoolExecutor):
        def submit(self, function, /, *arguments, **keywords):
            future = super().submit(function, *arguments, **keywords)
            future.result()
            if arguments[0].student == STUDENTS[9]:
                raise KeyboardInterrupt
            return future

    monkeypatch.setattr("grader.grading.run.grade_submission", at_once)
    monkeypatch.setattr(grade, "executor", lambda *_: Interrupted(1))
    with pytest.raises(KeyboardInterrupt):
        grade.main(COURSE, tmp_path / "class", tmp_path / "out", lesson=LESSON, mode="none")
    assert sorted(stamps(tmp_path / "out")) == STUDENTS[:9]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert len(manifest["submissions"]) == 9


# --- A worker that is killed ------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox("bwrap", Limits(cell_seconds=5, call_seconds=5), SHOWN)
    yield made
    made.close()


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    lesson = COURSE.lesson(LESSON)
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    solved = nbformat.writes(fill(released, lesson))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.submissions.notebook._contents", lambda _: solved.encode())
        notebook = read(Path("solved.ipynb"), COURSE.names)
    assert isinstance(notebook, Notebook)
    return cells_to_run(notebook.cells)


def judged_with_a_kill(
    sandbox: Sandbox, cells: list[Cell], patch: pytest.MonkeyPatch, at: int
) -> tuple[dict[str, str], int]:
    """Judge, and kill the worker when it waits for the `at`th time; return the number of waits."""
    steps = count(1)
    step = 0
    start, wait = Sandbox.start, session._Worker._wait

    def start_to_be_killed(self: Sandbox, lesson: str, limits: Limits) -> Process:
        process = start(self, lesson, limits)
        calls = iter([process.kill])  # a handle on a process can be used up once
        return replace(process, kill=lambda: next(calls, lambda: None)())

    def wait_and_kill(self, event: int, deadline: float) -> None:
        nonlocal step
        step = next(steps)
        if step == at:
            self._process.kill()
        wait(self, event, deadline)

    with patch.context() as inner:
        inner.setattr(Sandbox, "start", start_to_be_killed)
        inner.setattr(session._Worker, "_wait", wait_and_kill)
        reference = _reference(COURSE, LESSON)
        results = judge(COURSE.exercises(LESSON), cells, "0" * 64, reference, sandbox, b"secret")
    return {result.name: result.status for result in results}, step


@pytest.mark.sandbox
def test_a_worker_killed_at_any_step_costs_one_exercise_at_most(
    sandbox: Sandbox, cells: list[Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    untouched, steps = judged_with_a_kill(sandbox, cells, monkeypatch, at=0)
    assert set(untouched.values()) == {"passed"}
    first_question = 2 + 3 * len(cells)
    for at in range(first_question, steps + 1, max(1, (steps - first_question) // 9)):
        statuses, reached = judged_with_a_kill(sandbox, cells, monkeypatch, at)
        assert list(statuses) == list(COURSE.exercises(LESSON))
        lost = list(statuses.values()).count("crashed")
        assert sorted(statuses.values()) == ["crashed"] * lost + ["passed"] * (len(statuses) - lost)
        # A worker may have answered before it was killed; if it was the last answer, all is there.
        assert lost == 1 if reached > at else lost <= 1
    for at in range(3, first_question, 13):  # while cells run: what they define may be used later
        statuses, _ = judged_with_a_kill(sandbox, cells, monkeypatch, at)
        assert list(statuses) == list(COURSE.exercises(LESSON))
        assert set(statuses.values()) <= set(EXERCISE_STATUSES)


@pytest.mark.sandbox
def test_a_worker_that_does_not_start_is_no_students_fault(
    sandbox: Sandbox, cells: list[Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Sandbox.start

    def start_and_end(self: Sandbox, lesson: str, limits: Limits) -> Process:
        start(self, lesson, limits).end()
        ours, theirs = socket.socketpair()
        said, says = os.pipe()
        theirs.close()
        os.close(says)
        return Process(ours, Stderr(said), lambda: None, os.getpid())

    monkeypatch.setattr(Sandbox, "start", start_and_end)
    with pytest.raises(RuntimeError, match="did not start"):
        judge(
            COURSE.exercises(LESSON),
            cells,
            "0" * 64,
            _reference(COURSE, LESSON),
            sandbox,
            b"secret",
        )


@pytest.mark.sandbox
def test_a_warm_parent_that_is_killed_between_submissions_is_replaced(
    sandbox: Sandbox, cells: list[Cell]
) -> None:
    parent = sandbox.warm_parent
    assert parent is not None
    os.kill(parent, signal.SIGKILL)
    os.waitid(os.P_PID, parent, os.WEXITED | os.WNOWAIT)
    results = judge(
        COURSE.exercises(LESSON), cells, "0" * 64, _reference(COURSE, LESSON), sandbox, b"secret"
    )
    assert {result.status for result in results} == {"passed"}
    assert sandbox.warm_parent not in (None, parent)


@pytest.mark.sandbox
def test_a_sandbox_killed_within_a_submission_is_no_students_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_class(tmp_path / "class")
    for student in STUDENTS[1:]:
        (tmp_path / "class" / f"{student}.ipynb").unlink()

    def judge_and_kill(*arguments):
        results = judge(*arguments)
        parent = arguments[4].warm_parent
        os.kill(parent, signal.SIGKILL)
        os.waitid(os.P_PID, parent, os.WEXITED | os.WNOWAIT)
        return results

    monkeypatch.setattr("grader.grading.judge.judge", judge_and_kill)
    monkeypatch.setattr(grade, "executor", lambda *_: AtOnce())
    monkeypatch.setattr(task, "_sandbox", cache(task._sandbox.__wrapped__))
    again = (tmp_path / "class", tmp_path / "out")
    assert grade.main(COURSE, *again, lesson=LESSON, mode="bwrap") == 1
    assert "the sandbox was killed" in capsys.readouterr().out
    assert Gradebook.open(tmp_path / "out").results()[0].status == "not_graded"
    monkeypatch.setattr("grader.grading.judge.judge", judge)
    assert grade.main(COURSE, *again, lesson=LESSON, mode="bwrap") == 0
    assert Gradebook.open(tmp_path / "out").results()[0].status == "graded"


# --- The disk, the folder, the clock ----------------------------------------------------------

ON_BAD_DISKS = """
import json, sys
from pathlib import Path
sys.path.insert(0, "tests")
from test_faults import assert_sound, grade_at_once, stamps
from grader.reports import pages

submissions, full, fixed, absent = map(Path, sys.argv[1:])
told = {}
try:
    grade_at_once(submissions, full)
except OSError as error:
    told["full"] = str(error)
assert_sound(full)
before = stamps(full)
(full / "filler").unlink()
assert grade_at_once(submissions, full) == 0
assert_sound(full)
after = stamps(full)
told["kept"] = [len(before), before.items() <= after.items(), len(after)]
for name, folder in (("fixed", fixed), ("absent", absent)):
    try:
        grade_at_once(submissions, folder)
    except OSError as error:
        told[name] = str(error)
told["readable"] = len(stamps(fixed))
print(json.dumps(told))
"""


@pytest.mark.sandbox
def test_a_full_disk_and_a_read_only_folder_are_told_and_lose_nothing(tmp_path: Path) -> None:
    submissions, full, fixed = (tmp_path / name for name in ("class", "full", "fixed"))
    write_class(submissions)
    grade_at_once(submissions, fixed)
    full.mkdir()
    filler = tmp_path / "filler"
    filler.write_bytes(bytes(1_500_000 - 2**17))
    command = ["bwrap", "--dev-bind", "/", "/", "--size", str(1_500_000), "--tmpfs", str(full)]
    command += ["--file", "0", str(full / "filler"), "--ro-bind", str(fixed), str(fixed)]
    script = [sys.executable, "-c", ON_BAD_DISKS]
    places = [str(place) for place in (submissions, full, fixed, fixed / "absent")]
    with filler.open("rb") as stream:
        run = subprocess.run(
            [*command, *script, *places], stdin=stream, cwd=ROOT, capture_output=True, text=True
        )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    assert "full" in told["full"]
    assert "run the same command again" in told["full"]
    kept, is_subset, total = told["kept"]
    assert 0 < kept < len(STUDENTS)
    assert (is_subset, total) == (True, len(STUDENTS))
    assert "cannot be written to (Read-only file system)" in told["fixed"]
    assert "cannot be written to (Read-only file system)" in told["absent"]
    assert told["readable"] == len(STUDENTS)


def test_two_runs_into_one_folder_do_not_meet(tmp_path: Path) -> None:
    write_class(tmp_path / "class")
    with (
        Gradebook(tmp_path / "out").reserved(),
        pytest.raises(GradebookError, match="another run is grading into"),
    ):
        grade_at_once(tmp_path / "class", tmp_path / "out")
    assert stamps(tmp_path / "out") == {}
    assert grade_at_once(tmp_path / "class", tmp_path / "out") == 0


def test_a_file_that_is_no_gradebook_or_an_older_one_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a gradebook" * 100)
    with pytest.raises(GradebookError, match="not a database"):
        Gradebook(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute("CREATE TABLE submission (student TEXT)")
    with pytest.raises(GradebookError, match="another version of the grader"):
        Gradebook(tmp_path)


def test_a_damaged_secret_is_not_replaced_in_silence(tmp_path: Path) -> None:
    (tmp_path / SECRET_FILE).write_bytes(b"")
    with pytest.raises(OSError, match="is damaged"):
        grade.class_secret(tmp_path)


@pytest.mark.sandbox
def test_a_clock_that_jumps_changes_no_limit(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = count()

    def jumping() -> float:
        return 1e9 + (-1) ** next(jumps) * 1e6

    monkeypatch.setattr(time, "time", jumping)
    monkeypatch.setattr(tqdm.std, "time", jumping)
    session = Session(
        [Cell(1, "x = 1"), Cell(2, "while True: pass")], COURSE.exercises(LESSON), sandbox
    )
    session.start()
    assert Student(session.send).x == 1
    assert session.problems[2].status == "timeout"
    session.stop()
    write_class(tmp_path / "class")
    assert grade_at_once(tmp_path / "class", tmp_path / "out") == 0
    assert sorted(stamps(tmp_path / "out")) == STUDENTS

"""Where submissions are graded: processes that may die, and a Dask cluster."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import nbformat
import pytest
from course import COURSE, LESSON

from grader.author.render import fill
from grader.gradebook.secret import FILE_NAME as SECRET_FILE
from grader.gradebook.store import Gradebook
from grader.grading import grade
from grader.grading.pool import Processes, executor


@pytest.fixture
def pool() -> Iterator[Processes]:
    with Processes(2) as made:
        yield made


def once(file: Path) -> str:
    """End this process unless it did so before."""
    if not file.exists():
        file.touch()
        os._exit(1)
    return "done"


def test_what_a_process_was_at_when_it_died_is_done_once_more(
    pool: Processes, tmp_path: Path
) -> None:
    others = [pool.submit(abs, -number) for number in range(20)]
    unlucky = pool.submit(once, tmp_path / "was here")
    assert unlucky.result() == "done"
    assert [other.result() for other in others] == list(range(20))


def test_what_kills_every_process_costs_nothing_else(pool: Processes) -> None:
    deadly = [pool.submit(os._exit, 1) for _ in range(3)]
    others = [pool.submit(abs, -number) for number in range(20)]
    for future in deadly:
        with pytest.raises(Exception, match="was killed"):
            future.result()
    assert [other.result() for other in others] == list(range(20))


def test_an_error_in_a_process_comes_back_and_the_process_stays(pool: Processes) -> None:
    before = {pool.submit(os.getpid).result() for _ in range(4)}
    with pytest.raises(RuntimeError, match="ValueError: math domain error"):
        pool.submit(_root, -1).result()
    assert pool.submit(os.getpid).result() in before
    assert os.getpid() not in before


def _root(number: float) -> float:
    import math

    return math.sqrt(number)


def test_no_process_outlives_its_pool() -> None:
    with executor(2) as pool:
        busy = [pool.submit(signal.pause) for _ in range(2)]
        wait(busy, timeout=0.5)
        processes = [process._process for process in pool._processes]
    assert len(processes) == 2
    assert not any(process.is_alive() for process in processes)
    assert all(future.exception() for future in busy)


# --- Dask -------------------------------------------------------------------------------------


def test_where_no_scheduler_answers_it_is_said_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install lmcourse[scale]")
    monkeypatch.setattr("grader.grading.pool._CONNECT_SECONDS", 1)
    with pytest.raises(OSError, match="dask worker"), executor(1, "tcp://127.0.0.1:9"):
        pass


def test_where_dask_is_not_installed_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(OSError, match="pip install"), executor(1, "tcp://127.0.0.1:9"):
        pass


@pytest.mark.sandbox
def test_a_cluster_that_loses_a_worker_grades_each_submission_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip(
        "distributed", reason="Dask is not installed: pip install lmcourse[scale]"
    )
    lesson = COURSE.lesson(LESSON)
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    mistake = next(m for m in course_mistakes() if m.exercise == "count_bigrams")
    for number in range(10):
        replacements = {mistake.exercise: mistake.code} if number % 2 else {}
        folder = tmp_path / "class" / f"student-{number}"
        folder.mkdir(parents=True)
        nbformat.write(fill(released, lesson, replacements), folder / f"{LESSON}.ipynb")
    written: list[str] = []
    write = Gradebook.write

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None
    ) as cluster:

        def write_and_kill(gradebook: Gradebook, *results: Any) -> None:
            write(gradebook, *results)
            if not written:
                workers = cluster.scheduler.workers.values()
                busy = next(worker for worker in workers if worker.processing)
                os.kill(cluster.workers[busy.name].process.pid, signal.SIGKILL)
            written.extend(result.student for result in results)

        monkeypatch.setattr(Gradebook, "write", write_and_kill)
        grade.main(
            COURSE,
            tmp_path / "class",
            tmp_path / "out",
            lesson=LESSON,
            mode="bwrap",
            scheduler=cluster.scheduler_address,
        )
    monkeypatch.undo()
    assert sorted(written) == [f"student-{number}" for number in range(10)]
    on_dask = Gradebook.open(tmp_path / "out").results()
    assert {result.status for result in on_dask} == {"graded"}

    (tmp_path / "here").mkdir()
    shutil.copy(tmp_path / "out" / SECRET_FILE, tmp_path / "here")
    shutil.rmtree(tmp_path / "class" / "student-9")
    grade.main(COURSE, tmp_path / "class", tmp_path / "here", lesson=LESSON, mode="bwrap")
    assert Gradebook.open(tmp_path / "here").results() == on_dask[:9]


def course_mistakes() -> list[Any]:
    return list(COURSE.mistakes(LESSON))

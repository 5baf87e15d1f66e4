"""What the instructor finds in the log beside the gradebook, and nobody else anywhere."""

import math
from pathlib import Path

import nbformat
import pytest
from course import COURSE
from test_faults import STUDENTS, at_once, grade_at_once, write_class

from grader.cli import main
from grader.gradebook.store import SubmissionResult
from grader.grading.pool import Processes, executor
from grader.grading.task import Rules, Task
from grader.reports import pages
from grader.terminal import log
from grader.terminal.log import about, kept_in


def kept(folder: Path) -> str:
    return (folder / log.FILE_NAME).read_text("utf-8")


def faulty(task: Task, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
    if task.student == STUDENTS[3]:
        raise RuntimeError("an inner fault")
    return at_once(task, rules)


def test_a_fault_of_the_graders_own_is_kept_with_its_traceback_and_shown_to_no_student(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_class(tmp_path / "class")
    out = tmp_path / "out"
    assert grade_at_once(tmp_path / "class", out, faulty) == 1
    assert f"{STUDENTS[3]}, 02_bigrams: the grader failed" in kept(out)
    assert "in faulty" in kept(out)
    assert f"is in {out / log.FILE_NAME}" in capsys.readouterr().out
    pages.write_report(COURSE, out)
    shown = [path.read_text("utf-8") for path in (out / "report").rglob("*") if path.is_file()]
    assert len(shown) == len(STUDENTS) + 2
    assert not any("inner fault" in page for page in shown)


def test_where_nothing_goes_wrong_there_is_no_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_class(tmp_path / "class")
    assert grade_at_once(tmp_path / "class", tmp_path / "out") == 0
    assert not (tmp_path / "out" / log.FILE_NAME).exists()


WRITES_TO_STDERR = """\
import sys
from lmcourse import check
check.lesson("00_start")
print("ps" + "st", file=sys.stderr)
"""


@pytest.mark.sandbox
def test_what_a_worker_wrote_to_stderr_is_kept_and_shown_to_no_student(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell(WRITES_TO_STDERR)
    (tmp_path / "class").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "class" / "ada.ipynb")
    out = tmp_path / "out"
    assert main(["grade", str(tmp_path / "class"), "--out", str(out), "--jobs", "1"]) == 0
    assert "INFO ada, 00_start: the worker wrote to stderr:\n    psst\n" in kept(out)
    pages.write_report(COURSE, out)
    shown = [path.read_text("utf-8") for path in (out / "report").rglob("*.html")]
    assert shown
    assert not any("psst" in page for page in shown)


def root_and_log(number: float) -> float:
    with about("ada"):
        log.log.info("asked for the root of %s", number)
        return math.sqrt(number)


def test_what_another_process_logs_or_raises_is_kept_too(tmp_path: Path) -> None:
    with kept_in(tmp_path), Processes(1) as pool:
        assert pool.submit(root_and_log, 4).result() == 2
        with pytest.raises(RuntimeError, match="math domain error") as caught:
            pool.submit(root_and_log, -1).result()
        log.log.error("a fault", exc_info=caught.value)
    assert "INFO ada: asked for the root of 4\n" in kept(tmp_path)
    assert "in root_and_log" in kept(tmp_path)


def test_what_a_worker_of_a_cluster_logs_is_kept_too(tmp_path: Path) -> None:
    distributed = pytest.importorskip(
        "distributed", reason="Dask is not installed: pip install lmcourse[scale]"
    )
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None, processes=True
        ) as cluster,
        kept_in(tmp_path),
        executor(1, cluster.scheduler_address) as pool,
    ):
        assert pool.submit(root_and_log, 4).result() == 2
        with pytest.raises(ValueError, match="math domain error") as caught:
            pool.submit(root_and_log, -1).result()
        log.log.error("a fault", exc_info=caught.value)
    assert "INFO ada: asked for the root of 4\n" in kept(tmp_path)
    assert "in root_and_log" in kept(tmp_path)


def test_it_is_quiet_until_it_is_asked_for(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.log.error("a fault")
    assert capfd.readouterr().err == ""
    before = list(log.log.handlers)
    log.to_terminal()
    log.log.error("a fault")
    log.log.handlers = before
    assert "ERROR grader: a fault" in capfd.readouterr().err


def test_an_entry_is_bounded_and_cannot_look_like_another(tmp_path: Path) -> None:
    with kept_in(tmp_path):
        log.log.info("x\n2026-01-01 ERROR eve: it was ada\x1b[2J\r%s", "y" * 10**6)
    entry = kept(tmp_path)
    assert len(entry) < log.MAX_ENTRY + 100
    assert "\n    2026-01-01 ERROR eve: it was ada\\x1b[2J\\r" in entry


def test_the_file_is_bounded(tmp_path: Path) -> None:
    with kept_in(tmp_path):
        for _ in range(2 * log.MAX_BYTES // log.MAX_ENTRY + 10):
            log.log.info("y" * 10**6)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [log.FILE_NAME, f"{log.FILE_NAME}.1"]
    assert all(path.stat().st_size <= log.MAX_BYTES for path in tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_stops_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with kept_in(tmp_path / "absent"):
        log.log.error("a fault")
    assert capfd.readouterr().err == ""

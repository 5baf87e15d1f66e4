"""A released notebook in a real JupyterLab, in a real browser, and the file that it saves."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.build import ROOT
from grader.course import Course
from grader.execute import solved_namespace
from grader.judge import judge
from grader.regions import without_markers
from grader.sandbox import Limits, Sandbox
from grader.submissions import Notebook, cells_to_run, read

LESSON = "00_start"
EXERCISE = "softmax"

pytestmark = [pytest.mark.browser, pytest.mark.sandbox]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """Serve the released notebook from a JupyterLab; give its address."""
    shutil.copy(ROOT / "notebooks" / f"{LESSON}.ipynb", tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root"]
    command += [f"--ServerApp.root_dir={tmp_path}", "--IdentityProvider.token="]
    command += ["--ServerApp.ip=127.0.0.1", "--LabApp.expose_app_in_browser=True"]
    log = (tmp_path / "lab.log").open("w")
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status", seconds=60)
        yield f"http://127.0.0.1:{port}/lab/tree/{LESSON}.ipynb"
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _wait_for(address: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def _solve_in_browser(chromium: str, address: str, code: str) -> None:
    """Open the notebook, fill in the exercise, run all, see the green check, and save."""
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(address)
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
            "?.status === 'idle'"
        )
        page.evaluate(
            """name => {
                const notebook = jupyterapp.shell.currentWidget.content;
                const start = `def ${name}(`;
                notebook.activeCellIndex = notebook.widgets.findIndex(
                    cell => cell.model.type === 'code'
                        && cell.model.sharedModel.source.includes(start)
                        && cell.model.sharedModel.source.includes('NotImplementedError'));
                notebook.mode = 'edit';
            }""",
            EXERCISE,
        )
        page.wait_for_selector(".jp-Notebook .jp-mod-active .cm-content")
        page.locator(".jp-Notebook .jp-mod-active .cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(code)
        page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(
            """name => jupyterapp.shell.currentWidget.content.widgets.some(
                cell => JSON.stringify(cell.model.sharedModel.toJSON().outputs ?? [])
                    .includes(`✓ ${name}: right`))""",
            arg=EXERCISE,
        )
        page.evaluate(
            """name => {
                const notebook = jupyterapp.shell.currentWidget.content;
                const index = notebook.widgets.findIndex(
                    cell => cell.model.sharedModel.source === `check("${name}")`);
                notebook.activeCellIndex = index;
                return notebook.scrollToItem(index, 'center');
            }""",
            EXERCISE,
        )
        expect(page.get_by_text(f"✓ {EXERCISE}: right").first).to_be_visible()
        page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
        )
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        browser.close()


def test_a_notebook_solved_in_jupyterlab_is_graded(lab: str, chromium: str, tmp_path: Path) -> None:
    lesson = Course(ROOT).lesson(LESSON)
    solution = without_markers(lesson.exercises()[EXERCISE].text)
    _solve_in_browser(chromium, lab, solution)

    saved: Any = read(tmp_path / f"{LESSON}.ipynb")
    assert isinstance(saved, Notebook)
    assert any(EXERCISE in cell.source and solution in cell.source for cell in saved.cells)
    sandbox = Sandbox("bwrap", Limits())
    reference = solved_namespace(lesson)
    cells = cells_to_run(saved)
    results = judge(LESSON, cells, saved.sha256, reference, sandbox, b"secret")
    sandbox.close()
    statuses = {result.name: result.status for result in results}
    assert statuses.pop(EXERCISE) == "passed"
    assert set(statuses.values()) == {"missing"}

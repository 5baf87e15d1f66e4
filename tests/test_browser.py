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
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from course import COURSE, ROOT, SHOWN

from grader.author.execute import solved_namespace
from grader.author.render import render_student
from grader.course.regions import without_markers
from grader.grading.judge import judge
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.submissions.cells import cells_to_run
from grader.submissions.notebook import Notebook, read
from lmcourse import drawings
from lmcourse.drawings.sketch import WIDTH

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.sandbox]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all the released notebooks."""
    return Path(shutil.copytree(ROOT / "notebooks", tmp_path_factory.mktemp("lab") / "notebooks"))


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[str]:
    """Serve that folder from a JupyterLab; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root"]
    command += [f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="]
    command += ["--ServerApp.ip=127.0.0.1", "--LabApp.expose_app_in_browser=True"]
    # Else it opens what another JupyterLab of this user, such as that of a test beside, has open.
    command.append(f"--LabApp.workspaces_dir={folder.parent / 'workspaces'}")
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status", seconds=180)
        yield f"http://127.0.0.1:{port}/lab"
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


@pytest.fixture(scope="module")
def page(lab: str, chromium: str) -> "Iterator[Page]":
    """A page of a browser that shows JupyterLab."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(180_000)
        page.goto(lab)
        yield page
        browser.close()


def _open(page: "Page", lesson: str) -> None:
    """Open a notebook, in a tab of its own, and wait for its kernel."""
    page.wait_for_function("() => window.jupyterapp?.commands?.hasCommand('docmanager:open')")
    # While the layout of the last visit is restored, what was opened loses its place in front.
    page.evaluate("() => jupyterapp.restored.then(() => true)")
    page.evaluate(
        "path => { jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'}) }",
        f"{lesson}.ipynb",
    )
    page.wait_for_function(
        """path => {
            const context = jupyterapp.shell.currentWidget?.context;
            return context?.path === path
                && context.sessionContext.session?.kernel?.status === 'idle';
        }""",
        arg=f"{lesson}.ipynb",
    )


def _solve(page: "Page", exercise: str, code: str) -> None:
    """Fill in the exercise, run all, see the green check, and save."""
    from playwright.sync_api import expect

    page.evaluate(
        """name => {
            const notebook = jupyterapp.shell.currentWidget.content;
            const stub = `NotImplementedError("${name} is not started")`;
            notebook.activeCellIndex = notebook.widgets.findIndex(
                cell => cell.model.type === 'code'
                    && cell.model.sharedModel.source.includes(stub));
            notebook.mode = 'edit';
        }""",
        exercise,
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
        arg=exercise,
    )
    page.evaluate(
        """name => {
            const notebook = jupyterapp.shell.currentWidget.content;
            const index = notebook.widgets.findIndex(
                cell => cell.model.sharedModel.source === `check("${name}")`);
            notebook.activeCellIndex = index;
            return notebook.scrollToItem(index, 'center');
        }""",
        exercise,
    )
    card = page.locator(".jp-RenderedHTML", has_text=f"✓ right {exercise}")
    expect(card.first).to_be_visible()
    page.wait_for_function(
        "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")


def _close(page: "Page") -> None:
    """Close the notebook that is open, and end its kernel."""
    page.evaluate(
        """async () => {
            const widget = jupyterapp.shell.currentWidget;
            await widget.sessionContext.shutdown();
            widget.dispose();
        }"""
    )


def test_a_notebook_solved_in_jupyterlab_is_graded(page: "Page", folder: Path) -> None:
    lesson = COURSE.names[0]
    exercise, cell = next(iter(COURSE.lesson(lesson).exercises().items()))
    solution = without_markers(cell.text)
    _open(page, lesson)
    _solve(page, exercise, solution)
    _close(page)

    saved: Any = read(folder / f"{lesson}.ipynb", COURSE.names)
    assert isinstance(saved, Notebook)
    assert any(solution in cell.source for cell in saved.cells)
    sandbox = Sandbox("bwrap", Limits(), SHOWN)
    reference = solved_namespace(COURSE.lesson(lesson))
    cells = cells_to_run(saved.cells)
    results = judge(COURSE.exercises(lesson), cells, saved.sha256, reference, sandbox, b"secret")
    sandbox.close()
    statuses = {result.name: result.status for result in results}
    assert statuses.pop(exercise) == "passed"
    assert set(statuses.values()) == {"missing"}


@pytest.mark.parametrize("lesson", COURSE.names)
def test_a_released_notebook_opens_in_jupyterlab_and_is_saved_as_it_was(
    page: "Page", folder: Path, lesson: str
) -> None:
    released = ROOT / "notebooks" / f"{lesson}.ipynb"
    shutil.copy(released, folder)
    _open(page, lesson)
    shown = page.evaluate(
        "() => jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.toJSON())"
    )
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    _close(page)
    book = nbformat.read(released, as_version=4)
    assert [(each["id"], each["source"]) for each in shown] == [
        (cell.id, cell.source) for cell in book.cells
    ]
    saved = nbformat.read(folder / f"{lesson}.ipynb", as_version=4)
    nbformat.validate(saved)
    assert saved.cells == book.cells


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_drawing_shows_before_anything_has_run(page: "Page", folder: Path, theme: str) -> None:
    name = f"drawn_{theme.lower()}"
    notebook = render_student(COURSE, "05_attention")
    notebook.cells = [cell for cell in notebook.cells if cell.get("outputs")]  # nothing else
    (folder / f"{name}.ipynb").write_text(nbformat.writes(notebook), "utf-8")
    _open(page, name)
    page.evaluate(
        "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})",
        f"JupyterLab {theme}",
    )
    assert not page.evaluate(  # what nobody has trusted yet is made safe first
        "() => [...jupyterapp.shell.currentWidget.content.model.cells].some(cell => cell.trusted)"
    )
    image = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output img")
    image.wait_for()
    shown = image.evaluate("image => [image.alt, image.complete && image.naturalWidth]")
    assert shown == [drawings.attention().alt, WIDTH]
    assert (
        page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .cm-content").count() == 0
    )

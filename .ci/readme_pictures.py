"""Take the README's pictures: what a student sees, and what an instructor gets, light and dark.

Both are real: a released notebook with a known mistake in JupyterLab, and the class page on the
sample class, at double density. The site's are `site_pictures.py`'s. Needs Chromium and bubblewrap
(`make system`) and takes some minutes.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import nbformat
from browsing import chromium, write
from playwright.sync_api import Browser

from grader.author.render import fill
from grader.course.configuration import find_course
from grader.course.lessons import Course

PICTURES = Path(".github/images")
LESSON, EXERCISE, MISTAKE = "05_attention", "causal_mask", "off by one: the next one too"
CLASS = {"width": 920, "height": 824}
LAB = {"width": 826, "height": 760}  # what is left of it without its bars is as large
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def main() -> None:
    """Write the four pictures."""
    course = Course(find_course(Path.cwd()))
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        student(course, browser, Path(scratch) / "lab")
        instructor(browser, Path(scratch) / "class")


def student(course: Course, browser: Browser, folder: Path) -> None:
    """Take the picture of an exercise that is not right yet, in JupyterLab."""
    folder.mkdir()
    nbformat.write(wrong_notebook(course), folder / f"{LESSON}.ipynb")
    with lab(folder) as address:
        page = browser.new_page(viewport=LAB, device_scale_factor=2)
        page.set_default_timeout(300_000)
        page.goto(f"{address}/lab/tree/{LESSON}.ipynb")
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session"
            "?.kernel?.status === 'idle'"
        )
        page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(
            """name => jupyterapp.shell.currentWidget.content.widgets.some(
                cell => JSON.stringify(cell.model.sharedModel.toJSON().outputs ?? [])
                    .includes(`✗ ${name}: `))""",
            arg=EXERCISE,
        )
        page.evaluate(
            """() => {
                jupyterapp.shell.collapseLeft();
                jupyterapp.shell.mode = 'single-document';
            }"""
        )
        for name, theme in THEMES.items():
            page.evaluate(
                "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
            )
            page.wait_for_selector(f"[data-jp-theme-name='{theme}']", state="attached")
            page.evaluate(
                """name => {
                    const notebook = jupyterapp.shell.currentWidget.content;
                    notebook.activeCellIndex = notebook.widgets.findIndex(
                        cell => cell.model.sharedModel.source.startsWith(`def ${name}`));
                    return notebook.scrollToItem(notebook.activeCellIndex, 'start');
                }""",
                EXERCISE,
            )
            sleep(2)  # the theme's colours fade in
            write(page.locator(".jp-NotebookPanel").screenshot(), PICTURES / f"student-{name}.png")
        page.close()


def wrong_notebook(course: Course) -> nbformat.NotebookNode:
    """Return the lesson's notebook up to the exercise's check, with the mistake in the exercise."""
    released = nbformat.read(course.paths(LESSON).student, as_version=4)
    (mistake,) = (
        one for one in course.mistakes(LESSON) if (one.exercise, one.name) == (EXERCISE, MISTAKE)
    )
    book = fill(released, course.lesson(LESSON), {EXERCISE: mistake.code})
    sources = [cell.source for cell in book.cells]
    book.cells = book.cells[: sources.index(f'check("{EXERCISE}")') + 1]
    for cell in book.cells:
        cell.source = cell.source.replace('preset = "laptop"', 'preset = "smoke"')
    return book


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """Serve a folder from a JupyterLab as a student has it: without nbgrader's menus, or news."""
    settings = folder / "config" / "labconfig"
    settings.mkdir(parents=True)
    without = ("@jupyter/nbgrader", "@jupyterlab/apputils-extension:announcements")
    disabled = {"disabledExtensions": dict.fromkeys(without, True)}
    (settings / "page_config.json").write_text(json.dumps(disabled))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root"]
    command += [f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="]
    command += ["--ServerApp.ip=127.0.0.1", "--LabApp.expose_app_in_browser=True"]
    command += [f"--LabApp.workspaces_dir={folder}", f"--LabApp.user_settings_dir={folder}"]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder / "config")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port), 5).close()
                    break
                except OSError:
                    sleep(0.3)
            yield address
        finally:
            server.terminate()


def instructor(browser: Browser, folder: Path) -> None:
    """Take the picture of the class page on the sample class."""
    grader = [sys.executable, "-m", "grader.cli"]
    grades = str(folder / "grades")
    for command in (
        ["sample", str(folder / "submissions"), "--lesson", LESSON],
        ["grade", str(folder / "submissions"), "--out", grades],
        ["report", grades],
    ):
        subprocess.run([*grader, *command], check=True, stdout=subprocess.DEVNULL)
    for name in THEMES:
        page = browser.new_page(viewport=CLASS, device_scale_factor=2, color_scheme=name)
        page.goto((folder / "grades" / "report" / "index.html").as_uri())
        page.locator("#lesson-1-grades").evaluate("heading => heading.scrollIntoView()")
        write(page.screenshot(), PICTURES / f"instructor-{name}.png")
        page.close()


if __name__ == "__main__":
    main()

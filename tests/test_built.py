"""What built files are built from, and which bytes of them a change leaves as they are."""

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from course import COURSE, ROOT
from example import FOLDER, PACKAGE, copy, example
from matplotlib.image import imread, imsave
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from grader.author import build as building
from grader.author.build import build, check_built, fingerprint
from grader.author.pixels import keep_pictures
from grader.course.lessons import Course

FIRST, SECOND = "00_arrays", "01_line"
BUILT = Path("solutions/built.json")

DEMO = """

# %% tags=["demo"]
import matplotlib.pyplot as plt
from IPython.display import display

plt.plot([1, 2, 4])
plt.show()
display({"text/plain": "a ladder"}, metadata={"losses": {"uniform": 2.5}}, raw=True)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the example whose first lesson shows a picture and a loss."""
    root = copy(tmp_path_factory.mktemp("built") / "course")
    with (root / f"solutions/{FIRST}.py").open("a", encoding="utf-8") as source:
        source.write(DEMO)
    with example(root) as course:
        assert build(course) == [FIRST, SECOND]  # a ladder has a new loss
    return root


@pytest.fixture
def course(built: Path, tmp_path: Path) -> Iterator[Course]:
    with example(Path(shutil.copytree(built, tmp_path / "course"))) as found:
        yield found


def built_files(course: Course) -> dict[str, bytes]:
    files = [course.root / BUILT]
    for name in course.names:
        paths = course.paths(name)
        files += [paths.student, paths.solved, paths.recording]
    return {str(file.relative_to(course.root)): file.read_bytes() for file in files}


def pack_again(png: str) -> str:
    """Return the same picture as another library may write it, with its name in it."""
    pixels = imread(io.BytesIO(base64.b64decode(png)))
    again = io.BytesIO()
    imsave(again, pixels, metadata={"Software": "another"}, pil_kwargs={"compress_level": 1})
    return base64.b64encode(again.getvalue()).decode()


# --- What it is built from --------------------------------------------------------------------


def test_a_change_that_alters_no_built_file_leaves_their_bytes(course: Course) -> None:
    before = built_files(course)
    solved = course.paths(FIRST).solved
    with (course.root / PACKAGE / "__init__.py").open("a", encoding="utf-8") as module:
        module.write("# a line more\n")
    assert len(check_built(course)) == 4  # two lessons, each with a notebook and a recording
    assert build(course) == [FIRST, SECOND]
    after = built_files(course)
    assert {file for file in before if before[file] != after[file]} == {str(BUILT)}
    assert check_built(course) == []
    assert "sha256" not in solved.read_text("utf-8")


def test_a_module_concerns_the_lessons_that_import_it(course: Course) -> None:
    module = course.root / PACKAGE / "shapes.py"
    module.write_text("SIDES = 3\n", "utf-8")
    assert check_built(course) == []
    with course.paths(SECOND).source.open("a", encoding="utf-8") as source:
        source.write(f"\n# %% tags=['demo']\nfrom {PACKAGE} import shapes\n")
    with example(course.root) as again:
        assert build(again) == [SECOND]
        module.write_text("SIDES = 4\n", "utf-8")
        assert all(SECOND in problem for problem in check_built(again))
        assert len(check_built(again)) == 2


@pytest.mark.parametrize("kind", ["solved", "recording"])
def test_a_built_file_that_was_changed_by_hand_is_found(course: Course, kind: str) -> None:
    file = getattr(course.paths(FIRST), kind)
    file.write_text(file.read_text("utf-8") + "\n", "utf-8")
    (problem,) = check_built(course)
    assert problem.startswith(f"{file.relative_to(course.root)} is not what")


def test_without_the_manifest_all_is_to_be_built(course: Course) -> None:
    for text in (None, "[]", "{", json.dumps({FIRST: 1})):
        (course.root / BUILT).unlink()
        if text is not None:
            (course.root / BUILT).write_text(text, "utf-8")
        assert len(check_built(course)) == 4
        (course.root / BUILT).touch()


def test_a_lesson_that_is_gone_leaves_the_manifest(course: Course) -> None:
    paths = course.paths(SECOND)
    for file in (paths.source, paths.student, paths.solved, paths.recording):
        file.unlink()
    with course.paths(FIRST).source.open("a", encoding="utf-8") as source:
        source.write("\n# %% [markdown]\n# The end.\n")
    with example(course.root) as rest:
        assert build(rest) == [FIRST]
        assert list(json.loads((rest.root / BUILT).read_text("utf-8"))) == [FIRST]


# --- Two lessons at a time --------------------------------------------------------------------


def test_while_a_lesson_is_built_the_others_are_what_they_were(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(course, SECOND)
    files = built_files(course)
    during = []

    def execute(*_: object) -> NotebookNode:
        during.append(fingerprint(course, SECOND))
        raise InterruptedError

    monkeypatch.setattr(building, "execute", execute)
    with course.paths(FIRST).source.open("a", encoding="utf-8") as source:
        source.write('\n# %% tags=["demo"]\nprint("the end")\n')
    with example(course.root) as again, pytest.raises(InterruptedError):
        build(again)
    assert during == [before]
    assert built_files(course) == files


# --- Pictures ---------------------------------------------------------------------------------


def test_a_picture_that_shows_the_same_keeps_its_bytes(course: Course) -> None:
    solved = course.paths(FIRST).solved
    (old,) = (
        output["data"]["image/png"]
        for cell in nbformat.read(solved, as_version=4).cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    )
    other = pack_again(old)
    text = solved.read_text("utf-8")
    assert json.dumps(old) in text
    solved.write_text(text.replace(json.dumps(old), json.dumps(other)), "utf-8")
    assert build(course) == [FIRST]
    assert json.dumps(other) in solved.read_text("utf-8")


def notebook_of(png: str) -> NotebookNode:
    data = {"image/png": png, "text/html": f'<img src="data:image/png;base64,{png}">'}
    shown = new_output("display_data", data)
    return new_notebook(cells=[new_code_cell("plot()", id="plot", outputs=[shown])])


def png_of(pixels: np.ndarray) -> str:
    stream = io.BytesIO()
    imsave(stream, pixels)
    return base64.b64encode(stream.getvalue()).decode()


def test_a_picture_that_shows_something_else_is_new() -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    old = pack_again(png_of(pixels))
    same, wider = png_of(pixels), png_of(np.zeros((8, 9, 3), dtype=np.uint8))
    pixels[3, 4, 1] = 1
    other = png_of(pixels)
    for png, kept in ((same, old), (other, other), (wider, wider)):
        notebook = notebook_of(png)
        keep_pictures(notebook, notebook_of(old))
        (output,) = notebook.cells[0].outputs
        assert output.data["image/png"] == kept
        assert output.data["text/html"] == f'<img src="data:image/png;base64,{kept}">'


def test_what_was_no_picture_is_none_to_keep() -> None:
    for before in ({}, {"cells": [{}]}, notebook_of("no picture"), notebook_of("bm8=")):
        notebook = notebook_of(png_of(np.zeros((2, 2, 3), dtype=np.uint8)))
        expected = notebook_of(notebook.cells[0].outputs[0].data["image/png"])
        keep_pictures(notebook, before)
        assert notebook.cells == expected.cells


# --- Git --------------------------------------------------------------------------------------


def attributes(file: Path) -> dict[str, str]:
    names = ("diff", "merge", "linguist-generated", "eol")
    said = subprocess.run(
        ["git", "check-attr", *names, "--", str(file.relative_to(ROOT))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split(": ")[1:] for line in said.stdout.splitlines())


@pytest.mark.parametrize("course", [COURSE, FOLDER], ids=["lmcourse", PACKAGE])
def test_git_knows_what_is_built(course: Course | Path) -> None:
    course = course if isinstance(course, Course) else Course(course)
    paths = course.paths(course.names[0])
    for file in (paths.student, paths.solved, paths.recording):
        assert attributes(file) == {
            "diff": "unset",
            "merge": "binary",
            "linguist-generated": "set",
            "eol": "lf",
        }
    manifest = attributes(course.root / BUILT)
    assert (manifest["diff"], manifest["linguist-generated"]) == ("unspecified", "set")
    assert attributes(paths.source)["linguist-generated"] == "unspecified"

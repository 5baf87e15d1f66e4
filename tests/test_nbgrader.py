"""The built notebooks in nbgrader itself: released, validated and autograded."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from example import copy, example
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.validator import Validator
from traitlets.config import Config

from grader.author.render import fill

LESSON = "00_arrays"
NOTEBOOK = f"{LESSON}.ipynb"

pytestmark = pytest.mark.lesson


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The second course, whose package the notebooks' kernels can import, and one filled in."""
    root = copy(tmp_path_factory.mktemp("nbgrader") / "course")
    with example(root) as course, pytest.MonkeyPatch.context() as patch:
        filled = fill(nbformat.read(released(root), 4), course.lesson(LESSON))
        nbformat.write(filled, root / NOTEBOOK)
        patch.setenv("PYTHONPATH", str(root), prepend=os.pathsep)
        # nbgrader calls alembic by name, also from a venv that is not activated.
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield root


def released(root: Path) -> Path:
    return root / "notebooks" / NOTEBOOK


def nbgrader(course: Path) -> NbGraderAPI:
    return NbGraderAPI(config=Config({"CourseDirectory": {"root": str(course)}}))


def place(notebook: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copy(notebook, folder / NOTEBOOK)


def test_the_released_notebook_is_an_assignment(root: Path, tmp_path: Path) -> None:
    place(released(root), tmp_path / "source/arrays")
    result = nbgrader(tmp_path).generate_assignment("arrays")
    assert result["success"], result.get("error") or result["log"]


def test_validation_tells_a_filled_notebook_from_an_untouched_one(root: Path) -> None:
    assert Validator().validate(str(root / NOTEBOOK)) == {}
    untouched = Validator().validate(str(released(root)))
    assert [failure["source"] for failure in untouched["failed"]] == [
        f'check("{name}")' for name in ("fahrenheit", "quiz", "standardise", "distances")
    ]


def test_nbgrader_releases_and_autogrades_the_solved_notebook(root: Path, tmp_path: Path) -> None:
    place(root / "solutions" / NOTEBOOK, tmp_path / "source/arrays")
    assert nbgrader(tmp_path).generate_assignment("arrays")["success"]
    stub = next(
        "".join(cell["source"])
        for cell in json.loads((tmp_path / "release/arrays" / NOTEBOOK).read_text("utf-8"))["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "fahrenheit"
    )
    assert stub.startswith("def fahrenheit(celsius):\n")
    assert "    # YOUR CODE" in stub
    assert "9 / 5" not in stub

    place(root / NOTEBOOK, tmp_path / "submitted/filled/arrays")
    place(released(root), tmp_path / "submitted/untouched/arrays")
    for student in ("filled", "untouched"):
        result = nbgrader(tmp_path).autograde("arrays", student)
        assert result["success"], result.get("error") or result["log"]
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        scores = {
            student: (submission.score, submission.max_score)
            for student in ("filled", "untouched")
            for submission in [gradebook.find_submission("arrays", student)]
        }
    assert scores == {"filled": (7.0, 7.0), "untouched": (0.0, 7.0)}

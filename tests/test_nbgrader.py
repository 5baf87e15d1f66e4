"""The built notebooks in nbgrader itself: released, validated and autograded."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import toy
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.validator import Validator
from traitlets.config import Config

from grader.author.build import build
from grader.author.render import fill
from grader.course.lessons import Course

NOTEBOOK = f"{toy.NAME}.ipynb"

pytestmark = pytest.mark.lesson


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A built toy course whose notebooks' kernels import its own checks."""
    root = tmp_path_factory.mktemp("nbgrader")
    toy.write(root)
    with toy.registered(root), pytest.MonkeyPatch.context() as patch:
        build(root, [toy.NAME])
        filled = fill(nbformat.read(released(root), 4), Course(root).lesson(toy.NAME))
        nbformat.write(filled, root / NOTEBOOK)
        patch.setenv("PYTHONPATH", str(root))
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
    place(released(root), tmp_path / "source/toy")
    result = nbgrader(tmp_path).generate_assignment("toy")
    assert result["success"], result.get("error") or result["log"]


def test_validation_tells_a_filled_notebook_from_an_untouched_one(root: Path) -> None:
    assert Validator().validate(str(root / NOTEBOOK)) == {}
    untouched = Validator().validate(str(released(root)))
    assert [failure["source"] for failure in untouched["failed"]] == [
        'check("double")',
        'check("quiz")',
    ]


def test_nbgrader_releases_and_autogrades_the_solved_notebook(root: Path, tmp_path: Path) -> None:
    place(root / "solutions" / NOTEBOOK, tmp_path / "source/toy")
    assert nbgrader(tmp_path).generate_assignment("toy")["success"]
    stub = next(
        "".join(cell["source"])
        for cell in json.loads((tmp_path / "release/toy" / NOTEBOOK).read_text("utf-8"))["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "double"
    )
    assert stub.startswith('def double(x):\n    """Return x, twice as large."""\n    # YOUR CODE')
    assert "added" not in stub

    place(root / NOTEBOOK, tmp_path / "submitted/filled/toy")
    place(released(root), tmp_path / "submitted/untouched/toy")
    for student in ("filled", "untouched"):
        result = nbgrader(tmp_path).autograde("toy", student)
        assert result["success"], result.get("error") or result["log"]
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        scores = {
            student: (submission.score, submission.max_score)
            for student in ("filled", "untouched")
            for submission in [gradebook.find_submission("toy", student)]
        }
    assert scores == {"filled": (3.0, 3.0), "untouched": (0.0, 3.0)}

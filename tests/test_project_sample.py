"""The sample class for the project: six repositories, from perfect to hostile."""

from pathlib import Path

import pytest
from course import COURSE, ROOT, SHOWN
from ops import asked

from grader.cli import main
from grader.gradebook.store import Gradebook
from grader.grading.project import HELD, judge_repository
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.submissions.repository import read_repository
from lmops import bundle

NAMES = {"perfect", "deaf-gate", "cries-wolf", "one-commit", "just-begun", "hostile"}
ROWS = COURSE.exercises("project")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    solved = sorted((ROOT / "solutions").glob("1[0-3]_*.ipynb"))
    asked("new-project", folder / "whole", *solved, "--model", bundle.SHIPPED)
    words = ["sample", str(folder / "class"), "--project", str(folder / "whole")]
    assert main(["--course", str(ROOT), *words]) == 0
    return folder / "class"


def test_what_the_judge_reads_is_as_its_name_says(written: Path) -> None:
    assert {path.name for path in written.iterdir()} == NAMES
    held = {name: row for name, row in ROWS.items() if HELD.issuperset(row.names)}
    nowhere = Sandbox("none", Limits(), SHOWN)  # these rows ask nothing of it
    points = {}
    for name in NAMES:
        repository = read_repository(str(written / name))
        results = judge_repository(COURSE, held, repository, nowhere, b"secret")
        points[name] = {one.name: one.points for one in results}
    whole = {name: row.points for name, row in held.items()}
    assert points["perfect"] == whole
    assert points["deaf-gate"] == whole | {"azure": round(13 * 37 / 53, 4)}
    assert points["cries-wolf"] == whole
    assert points["one-commit"] == whole | {"history": 0.0}
    assert sum(points["just-begun"].values()) == 0
    assert points["hostile"]["azure"] == 0
    assert 0 < points["hostile"]["bundle"] < whole["bundle"]


@pytest.mark.sandbox
def test_the_hostile_one_is_graded_as_any_other(written: Path, tmp_path: Path) -> None:
    words = ["project", str(written / "hostile"), "--out", str(tmp_path)]
    assert main(["--course", str(ROOT), *words]) == 0
    (result,) = Gradebook.open(tmp_path).results()
    assert result.status == "graded"
    earned = {one.name: one.points for one in result.exercises}
    assert (earned["tests"], earned["service"]) == (0.0, 0.0)
    assert not Path("/tmp/owned").exists()


def test_a_project_that_lacks_a_part_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "README.md").write_text("half")
    words = ["sample", str(tmp_path / "class"), "--project", str(tmp_path / "half")]
    assert main(["--course", str(ROOT), *words]) == 2
    assert "name a project that has every part" in capsys.readouterr().err


def test_a_project_that_is_only_begun_is_no_perfect_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solved = next((ROOT / "solutions").glob("13_*.ipynb"))
    asked("new-project", tmp_path / "half", solved, "--model", bundle.SHIPPED)
    words = ["sample", str(tmp_path / "class"), "--project", str(tmp_path / "half")]
    assert main(["--course", str(ROOT), *words]) == 2
    assert "tests/model_tests.py still says TODO" in capsys.readouterr().err
    assert not (tmp_path / "class").exists()

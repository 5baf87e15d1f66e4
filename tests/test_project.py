"""`grader project`: repositories, row by row of the rubric, to gradebook, report and exports."""

import csv
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest
from course import ROOT
from ops import asked

from grader.cli import main
from grader.gradebook.store import Gradebook, SubmissionResult
from lmops import bundle


def wrote(lesson: str, name: str) -> str:
    """Return the text that the solved notebook of a lesson has by that name."""
    source = (ROOT / "solutions" / f"{lesson}.py").read_text("utf-8")
    return source.partition(f'\n{name} = """\n')[2].partition('\n"""')[0] + "\n"


PIPELINE = wrote("13_pipelines", "PIPELINE")


def repository(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def graded(out: Path, *repositories: Path, sandbox: str = "none") -> dict[str, SubmissionResult]:
    words = ["--course", ROOT, "project", *repositories, "--out", out, "--sandbox", sandbox]
    assert main([str(word) for word in words]) == 0
    return {result.student: result for result in Gradebook.open(out).results()}


def row(result: SubmissionResult, name: str) -> tuple[str, float]:
    (found,) = [one for one in result.exercises if one.name == name]
    return found.status, found.points


def test_a_row_goes_to_gradebook_report_and_exports(tmp_path: Path) -> None:
    ada = repository(tmp_path / "ada", {"azure-pipelines.yml": PIPELINE})
    # The gate's no is not heard: one reaction is wrong by day, and one by night.
    deaf = PIPELINE.replace("make gate", "make gate || true")
    bo = repository(tmp_path / "bo", {"azure-pipelines.yml": deaf})
    eve = repository(tmp_path / "eve", {"README.md": "There is no pipeline here."})
    out = tmp_path / "grades"
    results = graded(out, ada, bo, eve)
    assert row(results["ada"], "azure") == ("passed", 13.0)
    assert row(results["bo"], "azure") == ("partial", round(13 * 27 / 29, 4))
    status, points = row(results["eve"], "azure")
    assert (status, points) == ("error", 0.0)
    assert main(["--course", str(ROOT), "report", str(out)]) == 0
    with (out / "report" / "grades.csv").open() as stream:
        rows = {line["student"]: line for line in csv.DictReader(stream)}
    assert rows["bo"]["azure"] == "12.1"
    pages = {page.name[:2]: page.read_text() for page in (out / "report/students").glob("*.html")}
    assert "the gate says no" in pages["bo"]
    assert "there is no azure-pipelines.yml" in pages["ev"]
    due = tmp_path / "due.csv"
    due.write_text("student,lesson,exercise,points,comment\nbo,project,azure,12.5,seen\n")
    assert main(["--course", str(ROOT), "adjust", str(out), str(due)]) == 0
    export = tmp_path / "export.csv"
    assert main(["--course", str(ROOT), "export", "csv", str(out), "--out", str(export)]) == 0
    assert "project" in export.read_text()
    assert "12.5" in export.read_text()


def test_what_is_unchanged_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ada = repository(tmp_path / "ada", {"azure-pipelines.yml": PIPELINE})
    before = graded(tmp_path / "grades", ada)
    again = graded(tmp_path / "grades", ada)
    assert "unchanged" in capsys.readouterr().out
    assert again == before
    repository(ada, {"azure-pipelines.yml": "trigger: none\n"})
    assert graded(tmp_path / "grades", ada)["ada"].points < before["ada"].points


def test_a_zip_is_as_good_as_its_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
        archive.writestr("ada-main/azure-pipelines.yml", PIPELINE)
        archive.writestr("ada-main/.git/config", "[core]\n")
    results = graded(tmp_path / "grades", tmp_path / "ada.zip")
    assert row(results["ada"], "azure") == ("passed", 13.0)


def test_a_broken_zip_is_said_to_its_student(tmp_path: Path) -> None:
    (tmp_path / "bo.zip").write_bytes(b"PK but no zip")
    result = graded(tmp_path / "grades", tmp_path / "bo.zip")["bo"]
    assert (result.status, result.points) == ("not_a_repository", 0.0)
    assert main(["--course", str(ROOT), "report", str(tmp_path / "grades")]) == 0


def test_the_same_name_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [repository(tmp_path / at / "ada", {"a": "b"}) for at in ("one", "two")]
    words = ["--course", ROOT, "project", *folders, "--out", tmp_path / "grades"]
    assert main([str(word) for word in words]) == 2
    assert "two repositories are called ada" in capsys.readouterr().err


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository that gets every point."""
    folder = tmp_path_factory.mktemp("whole") / "ada"
    solved = sorted((ROOT / "solutions").glob("1[0-3]_*.ipynb"))
    asked("new-project", folder, *solved, "--model", bundle.SHIPPED)
    return folder


@pytest.mark.sandbox
def test_each_row_is_about_its_own_part(whole: Path, tmp_path: Path) -> None:
    bo = shutil.copytree(whole, tmp_path / "bo")
    (bo / "model" / "model.safetensors").write_bytes(pickle.dumps({"weights": 1}))
    wolf = "def model_problems(model, text):\n    return ['it may be broken']\n"
    (bo / "tests" / "model_tests.py").write_text(wolf)
    service = bo / "service.py"
    service.write_text(service.read_text().replace("wait > 0", "wait > 5"))
    result = graded(tmp_path / "grades", bo, sandbox="bwrap")["bo"]
    assert row(result, "azure") == ("passed", 13.0)
    wrong = {
        one.name: [case.name for case in one.cases if not case.passed] for one in result.exercises
    }
    assert wrong["bundle"] == [
        "the manifest",
        "the weights' names and shapes",
        "the weights' numbers",
    ]
    assert row(result, "tests")[1] == 0.0
    status, points = row(result, "service")
    assert status == "partial"
    assert 4 < points < 6

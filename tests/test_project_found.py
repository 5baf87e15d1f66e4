"""Where a project lies in what was handed in, and whose it is: folders, zips, histories."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from course import COURSE, ROOT

from grader.cli import main
from grader.gradebook.store import Gradebook, SubmissionResult
from grader.grading.project import files_of_rows
from grader.submissions.repository import read_repository

PIPELINE = "azure-pipelines.yml"
WANTED = frozenset(file for files in files_of_rows(COURSE).values() for file in files)


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "core.autocrlf=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def project(folder: Path, text: str = "trigger: none\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PIPELINE).write_text(text)
    return folder


def committed(folder: Path) -> Path:
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Begin with what there is")
    return folder


def zipped(folder: Path, path: Path, *, below: Path | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(below or folder))
    return path


def run(*words: object) -> int:
    return main([str(word) for word in ("--course", ROOT, *words)])


def graded(out: Path, *places: Path | str) -> dict[str, SubmissionResult]:
    assert run("project", *places, "--out", out, "--sandbox", "none") == 0
    return {result.student: result for result in Gradebook.open(out).results()}


def message(result: SubmissionResult, name: str) -> str:
    (found,) = [one for one in result.exercises if one.name == name]
    assert found.status == "missing"
    return found.message


def test_what_is_committed_counts_however_it_is_collected(tmp_path: Path) -> None:
    ada = project(tmp_path / "ada", "trigger: none\n")
    (ada / "service.py").write_text("one = 1\n")
    committed(ada)
    (ada / PIPELINE).write_text("trigger: nobody has committed this\n")
    (ada / "service.py").write_bytes(b"one = 1\r\n")  # the ends of lines are no change
    (ada / ".github/workflows").mkdir(parents=True)
    (ada / ".github/workflows/model.yml").write_text("name: not added\n")
    git(tmp_path, "clone", "--quiet", "--bare", "ada", "bare.git")
    git(tmp_path, "clone", "--quiet", "ada", "clone")
    ways = [ada, tmp_path / "bare.git", tmp_path / "clone", zipped(ada, tmp_path / "ada.zip")]
    read = [read_repository(str(way), WANTED) for way in ways]
    assert all(one.files == read[0].files for one in read)
    assert read[0].files == {PIPELINE: b"trigger: none\n", "service.py": b"one = 1\n"}
    result = graded(tmp_path / "grades", ada)["ada"]
    assert f"Not committed, or changed since: .github/workflows/model.yml, {PIPELINE}. " in (
        result.message
    )
    assert "model.yml is not committed" in message(result, "github")


def test_without_a_commit_the_files_that_lie_there_count(tmp_path: Path) -> None:
    ada = project(tmp_path / "ada")
    git(ada, "init", "--quiet")
    assert set(read_repository(str(ada), WANTED).files) == {PIPELINE}
    broken = committed(project(tmp_path / "bo"))
    (broken / ".git" / "HEAD").write_text("ref: refs/heads/gone\n")
    read = read_repository(str(broken), WANTED)
    assert set(read.files) == {PIPELINE}
    assert "the files that lie there were graded" in read.notes[0]


@pytest.mark.parametrize("has_history", [False, True])
def test_a_folder_around_it_is_left_out(tmp_path: Path, has_history: bool) -> None:
    inner = project(tmp_path / "sam" / "work" / "my_project")
    (tmp_path / "sam" / "README.txt").write_text("Here it is.")
    if has_history:
        committed(inner)
    zipped(tmp_path / "sam", tmp_path / "sam.zip", below=tmp_path)
    for place in (tmp_path / "sam", tmp_path / "sam.zip"):
        read = read_repository(str(place), WANTED)
        assert set(read.files) == {PIPELINE}
        assert bool(read.git) == has_history
        assert "work/my_project/" in read.notes[0]


def test_a_history_around_the_folder_is_its_history(tmp_path: Path) -> None:
    project(tmp_path / "sam" / "my_project")
    committed(tmp_path / "sam")
    read = read_repository(str(tmp_path / "sam"), WANTED)
    assert set(read.files) == {PIPELINE}
    assert read.git


def test_notebooks_are_no_project(tmp_path: Path) -> None:
    (tmp_path / "sam").mkdir()
    (tmp_path / "sam" / "13_pipelines.ipynb").write_text("{}")
    problem = read_repository(str(tmp_path / "sam"), WANTED).problem
    assert "notebooks here (13_pipelines.ipynb)" in str(problem)


def test_a_class_is_no_students_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ada", "bo"):
        project(tmp_path / "in" / name)
        zipped(tmp_path / "in" / name, tmp_path / f"{name}.zip")
    words = ("--out", tmp_path / "grades", "--sandbox", "none")
    assert run("project", tmp_path / "in", *words) == 2
    assert f"grader project {tmp_path}/in/* --out DIR" in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "canvas.zip", "w") as archive:
        for name in ("ada", "bo"):
            archive.write(tmp_path / f"{name}.zip", f"{name}_1_2_{name}.zip")
    assert run("project", tmp_path / "canvas.zip", *words) == 2
    assert f"unzip {tmp_path}/canvas.zip -d {tmp_path}/canvas" in capsys.readouterr().err
    assert not (tmp_path / "grades" / "gradebook.sqlite").exists()
    # Where others were named as well, it is one student's, and stops nobody.
    results = graded(tmp_path / "grades", tmp_path / "in", tmp_path / "ada.zip")
    assert results["in"].status == "not_a_repository"
    assert "Several projects" in results["in"].message
    assert results["ada"].status == "graded"


def test_names_are_those_that_grade_gives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path / "some")
    zips = [
        zipped(folder, tmp_path / f"{name}.zip")
        for name in ("lovelaceada_101_2002_zoe", "lovelaceada_101_1001_first", "bo_LATE_7_9_x")
    ]
    (tmp_path / "notes.txt").write_text("for myself")
    project(tmp_path / "eve")
    committed(tmp_path / "eve")
    results = graded(
        tmp_path / "grades", *zips, tmp_path / "notes.txt", f"file://{tmp_path}/eve/.git"
    )
    assert set(results) == {"lovelaceada_101", "bo_7", "eve"}
    assert results["lovelaceada_101"].file == "lovelaceada_101_2002_zoe.zip"
    assert "left out, as no folder or zip: notes.txt" in capsys.readouterr().out


def test_what_is_missing_is_said_by_its_file(tmp_path: Path) -> None:
    sam = project(tmp_path / "sam")
    (sam / PIPELINE).rename(sam / "azure-pipelines.yaml")
    (sam / "app.py").write_text("x = 1\n")
    (sam / "service.py").symlink_to("app.py")
    (sam / ".github/workflows").mkdir(parents=True)
    (sam / ".github/workflows/ci.yml").write_text("name: CI\n")
    (sam / "tests").mkdir()
    (sam / "tests/model_tests.py").write_text("def other():\n    pass\n")
    (sam / "my_model").mkdir()
    (sam / "my_model/manifest.json").write_text("{}")
    result = graded(tmp_path / "grades", sam)["sam"]
    said = {one.name: message(result, one.name) for one in result.exercises}
    assert "it has azure-pipelines.yaml" in said["azure"]
    assert "it has .github/workflows/ci.yml" in said["github"]
    assert "service.py is a link" in said["service"]
    assert said["tests"] == "no model_problems is defined in tests/model_tests.py"
    assert "my_model/manifest.json" in said["bundle"]
    assert "with its .git" in said["history"]
    assert run("report", tmp_path / "grades") == 0
    (page,) = (tmp_path / "grades/report/students").glob("*.html")
    assert "Nothing to grade was found" not in page.read_text()


def test_code_that_stops_is_named_by_its_file(tmp_path: Path) -> None:
    sam = project(tmp_path / "sam")
    (sam / "service.py").write_text("x = 1\ndef create_app(\n")
    (sam / PIPELINE).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    result = graded(tmp_path / "grades", sam)["sam"]
    (service,) = [one for one in result.exercises if one.name == "service"]
    assert "service.py" in service.message
    assert "ell 1" not in service.message
    assert "Git LFS pointer" in message(result, "azure")


def test_what_is_no_zip_and_what_is_damaged_are_told_apart(tmp_path: Path) -> None:
    whole = zipped(project(tmp_path / "some"), tmp_path / "cut.zip")
    whole.write_bytes(whole.read_bytes()[:-30])
    assert "damaged" in str(read_repository(str(whole)).problem)
    (tmp_path / "ada.tar.gz").write_bytes(os.urandom(50))
    results = graded(tmp_path / "grades", tmp_path / "ada.tar.gz")
    assert set(results) == {"ada"}
    assert "neither a folder nor a zip" in results["ada"].message


def test_students_check_it_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ada = project(tmp_path / "ada")
    (ada / "service.py").write_text("def create_app(model, who, allow):\n    return None\n")
    assert run("check", ada) == 1
    said = capsys.readouterr().out
    assert "a good day: a change on main" in said
    assert "create_app" in said or "service" in said
    (tmp_path / "none").mkdir()
    assert run("check", tmp_path / "none") == 2
    assert "no file in this repository" in capsys.readouterr().out

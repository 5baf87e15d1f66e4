"""`grader project`: repositories, row by row of the rubric, to gradebook, report and exports."""

import csv
import json
import pickle
import re
import shutil
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from course import ROOT
from ops import asked

from grader.cli import main
from grader.gradebook.scores import final_scores
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
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


def test_a_row_goes_to_gradebook_report_and_exports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = repository(tmp_path / "ada", {"azure-pipelines.yml": PIPELINE})
    # The gate's no is not heard: one reaction is wrong by day, and one by night.
    deaf = PIPELINE.replace("make gate", "make gate || true")
    bo = repository(tmp_path / "bo", {"azure-pipelines.yml": deaf})
    eve = repository(tmp_path / "eve", {"README.md": "There is no pipeline here."})
    out = tmp_path / "grades"
    results = graded(out, ada, bo, eve)
    assert row(results["ada"], "azure") == ("passed", 13.0)
    assert row(results["bo"], "azure") == ("partial", round(13 * 37 / 53, 4))
    status, points = row(results["eve"], "azure")
    assert (status, points) == ("missing", 0.0)
    assert main(["--course", str(ROOT), "report", str(out)]) == 0
    with (out / "report" / "grades.csv").open() as stream:
        rows = {line["student"]: line for line in csv.DictReader(stream)}
    assert rows["bo"]["azure"] == "9.08"
    pages = {page.name[:2]: page.read_text() for page in (out / "report/students").glob("*.html")}
    assert "the gate says no" in pages["bo"]
    assert "There is no azure-pipelines.yml" in pages["ev"]
    due = tmp_path / "due.csv"
    due.write_text("student,lesson,exercise,points,comment\nbo,project,azure,12.5,seen\n")
    assert main(["--course", str(ROOT), "adjust", str(out), str(due)]) == 0
    export = tmp_path / "export.csv"
    assert main(["--course", str(ROOT), "export", "csv", str(out), "--out", str(export)]) == 0
    assert "project" in export.read_text()
    assert "12.5" in export.read_text()
    assert main(["--course", str(ROOT), "report", str(out)]) == 0
    pages = [page.read_text() for page in (out / "report").rglob("*.html")]
    assert all("by hand" in page for page in pages if "12.5" in page)
    (words,) = [page for page in pages if "What the words mean" in page]
    assert "A person gave these points" in words.partition("What the words mean")[2]
    assert main(["--course", str(ROOT), "similar", str(out)]) == 0
    assert "3 projects not compared" in capsys.readouterr().out


def test_what_is_unchanged_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ada = repository(tmp_path / "ada", {"azure-pipelines.yml": PIPELINE})
    before = graded(tmp_path / "grades", ada)
    again = graded(tmp_path / "grades", ada)
    assert "unchanged" in capsys.readouterr().out
    assert again == before
    repository(ada, {"azure-pipelines.yml": "trigger: none\n"})
    assert graded(tmp_path / "grades", ada)["ada"].points < before["ada"].points


def test_one_command_shows_grades_one_and_says_who_handed_in_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `grader grade` does: nothing runs in a dry run, and a platform's names are students."""
    handed_in = tmp_path / "class"
    repository(handed_in / "lovelaceada_101_9001_project", {"azure-pipelines.yml": PIPELINE})
    with zipfile.ZipFile(handed_in / "babbagecharles_LATE_102_9002_work.zip", "w") as archive:
        archive.writestr("work/azure-pipelines.yml", PIPELINE)
    moodle = handed_in / "Grace Hopper_7_assignsubmission_file_"
    moodle.mkdir()
    with zipfile.ZipFile(moodle / "work.zip", "w") as archive:
        archive.writestr("work/README.md", "There is no pipeline here.")
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "student\nbabbagecharles_102\nGrace Hopper_7\nEve\nlovelaceada_101_9001_project\n"
    )
    out = tmp_path / "grades"
    words = ["--course", ROOT, "project", *sorted(handed_in.iterdir()), "--out", out]
    words += ["--sandbox", "none", "--roster", roster]

    def project(*more: str) -> str:
        assert main([str(word) for word in (*words, *more)]) == 0
        return capsys.readouterr().out

    said = project("--dry-run")
    assert not out.exists()
    assert "3 of 4 submissions to grade. Nothing was run or written." in said
    assert re.search(r"babbagecharles_102 +babbage.*\.zip +project +grade\n", said)
    assert re.search(r"Eve .* project +cannot grade: not submitted\n", said)
    said = project("--student", "Grace Hopper_7", "--jobs", "1")
    assert "1 submission: 1 graded" in said
    assert {one.student for one in Gradebook.open(out).results()} == {"Grace Hopper_7"}
    assert main([str(word) for word in (*words, "--student", "Grace")]) == 2
    assert "Grace" in capsys.readouterr().err
    assert re.search(r"Grace Hopper_7 .* nothing: unchanged\n", project("--dry-run"))


def in_gradebook(tmp_path: Path, *students: str) -> Path:
    """Return a gradebook with a project of each student, 12 of 20 points."""
    out = tmp_path / "grades"
    book = Gradebook(out)
    rows = [("azure", "partial", 9.0, 13.0), ("tests", "passed", 3.0, 7.0)]
    for student in students:
        results = [ExerciseResult(*each) for each in rows]
        book.write(SubmissionResult(student, "project", "work.zip", "", "graded", "", 1, results))
    return out


def run(*words: object) -> int:
    return main([str(word) for word in ("--course", ROOT, *words)])


def test_platforms_say_when_projects_came(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = in_gradebook(tmp_path, "babbagecharles_102", "Grace Hopper_7")
    canvas = tmp_path / "canvas.zip"
    with zipfile.ZipFile(canvas, "w") as archive:
        archive.writestr("babbagecharles_LATE_102_9002_work.zip", b"PK\x05\x06" + bytes(18))
    worksheet = tmp_path / "worksheet.csv"
    worksheet.write_text(
        "Identifier,Full name,Status,Grade,Last modified (submission),Last modified (grade)\n"
        'Participant 7,Grace Hopper,Submitted,,"Monday, 2 March 2026, 11:59 PM",-\n'
    )
    due = tmp_path / "due.csv"
    due.write_text(
        "lesson,due,percent_a_day,at_most_percent,grace_minutes\n"
        "project,2026-03-01T12:00+01:00,10,50,0\n"
    )
    assert run("adjust", out, due, canvas, "--lesson", "project") == 0
    named = ("--lesson", "project", "--timezone", "Europe/Berlin")
    assert run("adjust", out, worksheet, *named) == 0
    late = {score.result.student: score.penalty for score in final_scores(out)}
    assert late == {"babbagecharles_102": 1.2, "Grace Hopper_7": 2.4}
    assert run("adjust", out, worksheet, "--lesson", "projects") == 2
    assert "projects" in capsys.readouterr().err


def test_a_page_speaks_of_what_was_handed_in(tmp_path: Path) -> None:
    out = in_gradebook(tmp_path, "ada")
    assert run("report", out) == 0
    pages = [*(out / "report").rglob("*.html")]
    assert len(pages) == 2
    assert not any("notebook was" in page.read_text() for page in pages)
    (student,) = (out / "report" / "students").glob("*.html")
    assert "Your notebook" not in student.read_text()
    assert "9 of 13" in student.read_text()


def test_each_format_has_the_project_by_its_own_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = in_gradebook(tmp_path, "lovelaceada_101")

    def export(kind: str, name: str, *more: object, status: int = 0) -> Path:
        path = tmp_path / name
        words = ("export", kind, out, "--out", path, "--lesson", "project", *more)
        assert run(*words) == status, capsys.readouterr()
        return path

    (line,) = csv.DictReader(export("csv", "all.csv").open())
    assert (line["student"], line["lesson"], line["points"]) == ("lovelaceada_101", "project", "12")
    suites = ElementTree.parse(export("junit", "all.xml")).getroot()
    cases = {case.get("name"): case for case in suites.iter("testcase")}
    assert set(cases) == {"azure", "tests"}
    assert (cases["azure"].find("failure") is not None, cases["tests"].find("failure")) == (1, None)
    roster = tmp_path / "canvas.csv"
    roster.write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Project (12)\n"
        '    Points Possible,,,,,40\n"Lovelace, Ada",101,s1,ada,One,\n'
    )
    *_, line = csv.DictReader(export("canvas", "up.csv", "--roster", roster).open())
    assert line["Project (12)"] == "24"
    roster.write_text(
        "Identifier,Full name,Status,Grade,Maximum Grade,Grade can be changed,"
        "Last modified (grade),Feedback comments\n"
        "Participant 101,Ada Lovelace,Submitted,,100.00,Yes,-,\n"
    )
    (line,) = csv.DictReader(export("moodle", "up2.csv", "--roster", roster).open())
    assert line["Grade"] == "60"
    assert line["Feedback comments"] == (
        "project: 12 of 20 points. azure 9 of 13 (partly right); tests 3 of 7 (passed)."
    )
    told = json.loads(export("gradescope", "results.json").read_text())
    assert [(one["name"], one["score"], one["max_score"]) for one in told["tests"]] == [
        ("azure", 9, 13),
        ("tests", 3, 7),
    ]
    (told,) = (json.loads(f.read_text()) for f in export("github", "gh").rglob("results.json"))
    assert (told["max_score"], sum(one["score"] for one in told["tests"])) == (20, 12)
    export("gradescope-autograder", "auto.zip", status=2)
    assert "grader project REPO..." in capsys.readouterr().err
    export("nbgrader", "course", status=2)
    assert "there is no gradebook.db" in capsys.readouterr().err


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
    said = capsys.readouterr().err
    assert "two repositories are called ada" in said
    assert all(str(folder) in said for folder in folders)


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
        "what it has learnt",
    ]
    assert row(result, "tests")[1] == 0.0
    status, points = row(result, "service")
    assert status == "partial"
    assert 4 < points < 6

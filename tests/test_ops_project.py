"""`lmops new-project`: a repository of the student's own, which the grader takes as it is."""

import json
import subprocess
import sys
from pathlib import Path

from course import ROOT
from ops import asked, lmops

from grader.cli import main as grader
from grader.gradebook.store import Gradebook
from lmops import bundle

SOLVED = [*sorted((ROOT / "solutions").glob("1[0-3]_*.ipynb"))]


def made(folder: Path, *notebooks: Path) -> dict[str, object]:
    return asked("new-project", folder, *notebooks, "--model", bundle.SHIPPED)


def test_what_was_written_in_the_lessons_is_in_its_place(tmp_path: Path) -> None:
    told = made(tmp_path / "ada", *SOLVED)
    assert told["own"] == [
        "tests/model_tests.py",
        "service.py",
        "azure-pipelines.yml",
        ".github/workflows/model.yml",
    ]
    assert list(told["todo"]) == ["Makefile"]
    for file in ("tests/model_tests.py", "service.py"):
        compile((tmp_path / "ada" / file).read_text("utf-8"), file, "exec")
    readme = (tmp_path / "ada" / "README.md").read_text("utf-8")
    assert "- [ ] `Makefile`" in readme
    assert "service.py`: " not in readme


def test_the_decision_and_the_detector_are_asked(tmp_path: Path) -> None:
    ada = tmp_path / "ada"
    told = made(ada, *sorted((ROOT / "solutions").glob("1[45]_*.ipynb")))
    assert told["own"] == ["canary_decision.ipynb", "drift_detector.ipynb"]
    for target, words in (
        ("canary", "--strategy canary .* --with canary_decision.ipynb"),
        ("drift", "lmops drift --with drift_detector.ipynb"),
    ):
        make = ["make", "--dry-run", target, f"CHALLENGER={'0' * 16}", "BY=ada"]
        ran = subprocess.run(make, cwd=ada, capture_output=True, text=True, check=True)
        assert re.search(words, ran.stdout)
    hears = own(read(ada / "drift_detector.ipynb"), "drift_detector")
    reference = [[20.0 + place % 7, 10] for place in range(60)]
    assert hears(reference, [[40.0, 10]] * 40, 0.01) is True
    decides = own(read(ada / "canary_decision.ipynb"), "canary_decision")
    errors = {"errors": [0, 0], "latency": [0, 0.0, 0.0], "loss": [0, 0.0, 0.0]}
    with contextlib.suppress(NoAnswer):  # what it is handed is the lesson's to say
        assert decides(errors, errors, {}) in ("continue", "promote", "rollback")
    nothing = made(tmp_path / "bo", ROOT / "notebooks" / "14_release_and_watch.ipynb")
    assert nothing["own"] == []
    assert not (tmp_path / "bo" / "canary_decision.ipynb").exists()


def test_it_passes_its_own_tests_and_the_grader(tmp_path: Path) -> None:
    made(tmp_path / "ada", *SOLVED)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(words, cwd=tmp_path / "ada", capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    words = ["project", str(tmp_path / "ada"), "--out", str(tmp_path / "grades")]
    assert grader(["--course", str(ROOT), *words, "--sandbox", "none"]) == 0
    (result,) = Gradebook.open(tmp_path / "grades").results()
    statuses = {one.name: one.status for one in result.exercises}
    assert statuses.pop("history") == "error"  # there is none yet
    assert set(statuses.values()) == {"passed"}


def test_what_is_not_written_yet_is_left_to_do_and_listed(tmp_path: Path) -> None:
    released = ROOT / "notebooks" / "13_pipelines.ipynb"
    told = made(tmp_path / "bo", released)
    assert told["own"] == []
    todo = told["todo"]
    assert isinstance(todo, dict)
    assert set(todo) == {
        "Makefile",
        "tests/model_tests.py",
        "service.py",
        "azure-pipelines.yml",
        ".github/workflows/model.yml",
    }
    readme = (tmp_path / "bo" / "README.md").read_text("utf-8")
    assert all(f"- [ ] `{name}`" in readme for name in todo)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    ran = lmops("new-project", tmp_path / "ada", "--model", bundle.SHIPPED)
    assert ran.exit_code == 2
    assert "Name a new folder" in ran.stderr
    assert list((tmp_path / "ada").iterdir()) == []


def test_its_pipeline_can_be_simulated(tmp_path: Path) -> None:
    made(tmp_path / "ada", *SOLVED)
    scenario = tmp_path / "no.yml"
    scenario.write_text("reason: IndividualCI\nbranch: main\noutcomes: {make gate: 1}\n")
    ran = lmops(
        *("pipeline", "simulate", tmp_path / "ada" / "azure-pipelines.yml"),
        *("--scenario", scenario, "--json"),
    )
    assert ran.exit_code == 1
    assert json.loads(ran.stdout)["result"] == "failed"

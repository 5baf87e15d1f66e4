"""`lmops new-project`: a repository of the student's own, which the grader takes as it is."""

import json
import re
import subprocess
import sys
from pathlib import Path

from course import COURSE, ROOT
from ops import asked, lmops

from grader.cli import main as grader
from grader.gradebook.store import Gradebook
from grader.grading.project import files_of_rows
from grader.submissions.repository import MAX_BYTES, MAX_FILE, MAX_FILES
from lmcourse.checks.project.history import FEWEST, SUBJECT
from lmops import bundle
from lmops.notebooks import read
from lmops.own import own

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
    assert told["todo"] == {}
    for file in ("tests/model_tests.py", "service.py"):
        compile((tmp_path / "ada" / file).read_text("utf-8"), file, "exec")
    readme = (tmp_path / "ada" / "README.md").read_text("utf-8")
    assert "- [ ]" not in readme
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
    rules = {"alpha": 0.05, "at_least": 20, "limits": {"errors": 0.02}}
    few, many = ({"errors": [400, bad, bad]} for bad in (4, 200))
    assert (decides(few, many, rules), decides(few, few, rules)) == ("rollback", "continue")
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
    assert statuses.pop("history") == "missing"  # there is none yet
    assert set(statuses.values()) == {"passed"}


def test_what_is_not_written_yet_is_left_to_do_and_listed(tmp_path: Path) -> None:
    released = ROOT / "notebooks" / "13_pipelines.ipynb"
    told = made(tmp_path / "bo", released)
    assert told["own"] == []
    todo = told["todo"]
    assert isinstance(todo, dict)
    assert set(todo) == {
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


def test_the_readme_says_what_each_row_is_worth(tmp_path: Path) -> None:
    made(tmp_path / "ada")
    readme = (tmp_path / "ada" / "README.md").read_text("utf-8")
    rows = COURSE.exercises("project")
    files = files_of_rows(COURSE)
    told = re.findall(r"^\| (\w+) \| (\d+) \| `(.+?)`", readme, re.MULTILINE)
    assert {name: float(points) for name, points, _ in told} == {
        name: row.points for name, row in rows.items()
    }
    for name, _, file in told:
        assert all(path.startswith(file) for path in files[name])
    assert f"{MAX_FILE // 2**20} MiB" in readme
    assert f"{MAX_BYTES // 2**20} MiB and {MAX_FILES:,} files" in readme
    assert f"- {FEWEST} commits at least" in readme
    assert "of {} to {} characters".format(*SUBJECT) in readme


def test_update_fills_what_says_todo_and_leaves_all_else(tmp_path: Path) -> None:
    ada = tmp_path / "my ada"
    made(ada)
    (ada / "service.py").write_text("mine = 1\n")
    told = asked("new-project", ada, *SOLVED, "--model", bundle.SHIPPED, "--update")
    assert "azure-pipelines.yml" in told["own"]
    assert "service.py" not in told["own"]
    assert told["todo"] == {}
    assert (ada / "service.py").read_text() == "mine = 1\n"
    readme = (ada / "README.md").read_text("utf-8")
    assert re.findall(r"- \[ \] `(.+?)`", readme) == ["service.py"]
    ran = lmops("new-project", ada, "--model", bundle.SHIPPED)
    assert ran.exit_code == 2
    assert "--update" in ran.stderr
    ran = lmops("new-project", tmp_path / "none", "--model", bundle.SHIPPED, "--update")
    assert ran.exit_code == 2


def test_the_next_command_can_be_copied(tmp_path: Path) -> None:
    ran = lmops("new-project", tmp_path / "my proj", "--model", bundle.SHIPPED)
    assert f"cd '{tmp_path}/my proj' && git init" in " ".join(ran.output.split())


def test_windows_leaves_the_model_as_it_is(tmp_path: Path) -> None:
    ada = tmp_path / "ada"
    made(ada)
    git = ["git", "-c", "core.autocrlf=true", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin with what there is"]):
        subprocess.run([*git, *words], cwd=ada, check=True, capture_output=True)
    subprocess.run([*git, "clone", "-q", "ada", "bo"], cwd=tmp_path, check=True)
    for path in (ada / "model").iterdir():
        assert (tmp_path / "bo" / "model" / path.name).read_bytes() == path.read_bytes()


def test_a_good_day_needs_no_scenario_and_others_lie_beside_it(tmp_path: Path) -> None:
    ada = tmp_path / "ada"
    made(ada, *SOLVED)
    for file in ("azure-pipelines.yml", ".github/workflows/model.yml"):
        assert lmops("pipeline", "simulate", ada / file).exit_code == 0
        for scenario in sorted((ada / "scenarios").iterdir()):
            ran = lmops("pipeline", "simulate", ada / file, "--scenario", scenario)
            # On Azure a run that waits in vain for an approval has not failed.
            if scenario.name == "nobody-approves.yml":
                assert "approval for production: missing" in ran.output
            else:
                assert ran.exit_code == 1


def test_a_new_machine_gets_lmops_first(tmp_path: Path) -> None:
    ada = tmp_path / "ada"
    made(ada)
    stubs = tmp_path / "bin"
    stubs.mkdir()
    (stubs / "python3").write_text(
        "#!/bin/sh\nmkdir -p .venv/bin\n"
        'printf "#!/bin/sh\\necho venv \\"\\$@\\"\\n" > .venv/bin/python\n'
        "chmod +x .venv/bin/python\n"
    )
    (stubs / "python3").chmod(0o755)
    ran = subprocess.run(
        ["make", "test"],
        cwd=ada,
        env={"PATH": f"{stubs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    installed, tested = [line for line in ran.stdout.splitlines() if line.startswith("venv")]
    assert "pip install --quiet --requirement requirements.txt" in installed
    assert "-m pytest -q tests" in tested

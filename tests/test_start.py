"""What a command imports before it does anything: torch only where something is judged."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from course import COURSE, LESSON

from grader.cli import main
from grader.gradebook.store import ExerciseResult, SubmissionResult
from grader.grading import grade, run
from grader.grading.task import Rules, Task, not_graded, verdict

GRADE = ["grade", "{root}/class", "--out", "{root}/out", "--sandbox", "none"]
COMMANDS = {
    "grade on a class that did not change": GRADE,
    "the same for one lesson": [*GRADE, "--lesson", "02"],
    "report": ["report", "{root}/out"],
    "stats": ["stats", "{root}/out"],
    "export csv": ["export", "csv", "{root}/out", "--out", "{root}/grades.csv"],
    "export junit": ["export", "junit", "{root}/out", "--out", "{root}/grades.xml"],
    "export moodle": ["export", "moodle", "{root}/out", "--roster", "{root}/moodle.csv"],
    "export gradescope": ["export", "gradescope", "{root}/out"],
    "--help": ["grade", "--help"],
}
MOODLE = "Identifier,Full name,Grade,Last modified (grade)\nParticipant 1,ada,,-\n"
HEAVY = ("torch", "numpy", "matplotlib", "jupytext", "nbconvert", "nbformat", "jsonschema")
SAID = f"""
import atexit, sys
atexit.register(lambda: print("loaded:", *[name for name in {HEAVY} if name in sys.modules]))
from grader.cli import main
sys.exit(main(sys.argv[1:]))
"""


def judged(task: Task, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
    status, message = verdict(task)
    found = [
        ExerciseResult(e.name, "passed", e.points, e.points)
        for e in COURSE.exercises(LESSON).values()
    ]
    made = {"status": status, "message": message, "fingerprint": task.fingerprint}
    return SubmissionResult(**vars(not_graded(COURSE, task)) | made | {"exercises": found}), {
        "a": "fact"
    }


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a class and its gradebook."""
    root = tmp_path_factory.mktemp("start")
    (root / "class").mkdir()
    (root / "moodle.csv").write_text(MOODLE, "utf-8")
    cell = nbformat.v4.new_code_cell(f'check.lesson("{LESSON}")')
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), root / "class" / "ada.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "executor", lambda *_: ThreadPoolExecutor(1))
        patch.setattr(run, "grade_submission", judged)
        assert main([word.format(root=root) for word in GRADE]) == 0
    return root


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_judges_nothing_imports_nothing_that_judges(name: str, graded: Path) -> None:
    command = [word.format(root=graded) for word in COMMANDS[name]]
    if command[0] == "export" and "--out" not in command:
        command += ["--out", str(graded / name)]
    ran = subprocess.run(
        [sys.executable, "-c", SAID, *command], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "loaded:", ran.stdout
    assert command[0] != "grade" or "--help" in command or "1 unchanged" in ran.stdout

"""`grader leaderboard`: a class in its race, measured by the judge, best first."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import example
import nbformat
import numpy as np
import pytest
import torch
from course import COURSE, AtOnce, graded_here

from grader.checks import registry
from grader.checks.registry import leaderboard
from grader.checks.student import Host, Student
from grader.cli import main
from grader.course.solved import solved_namespace
from grader.gradebook.secret import FILE_NAME as SECRET
from grader.gradebook.secret import SECRET_BYTES
from grader.grading import leaderboard as measuring
from grader.reports.leaderboard import Row, duration, ranked

SECONDS = 0.5
RACE = f"""

from grader.checks.registry import Timed, leaderboard


@leaderboard(LESSON, "fit", seconds={SECONDS}, unit="mean squared error")
def race(student: Student, rng: Rng, seconds: float, timed: Timed) -> float:
    x, y = _points(rng)
    w, b = timed(lambda: student.fit(x, y, steps=10), seconds)
    return float(((w * x + b - y) ** 2).mean())
"""
"""What makes a race of the second course's last exercise."""

NAMES = "import numpy as np\nfrom numpy_basics import check\ncheck.lesson('01_line')"
ENTRIES = {
    "best": "return tuple(np.polyfit(x, y, 1))",
    "slow": "w, b = np.polyfit(x, y, 1); return 0.5 * w, b",
    "flat": "return 0.0, float(y.mean())",
    # All of these want to be first.
    "forged": "print('mean squared error: 0.0'); return {'loss': 0.0}",
    "nothing": "return float('nan'), 0.0",
    "crash": "import os; os._exit(0)",
    "error": "raise RuntimeError('<b>oh</b>')",
    "clock": (
        "import time; clock = time.process_time; time.process_time = lambda: 0.0\n"
        f"    begun = clock()\n    while clock() < begun + {2 * SECONDS}: pass\n"
        "    return tuple(np.polyfit(x, y, 1))"
    ),
}


@pytest.fixture
def here() -> Iterator[None]:
    with graded_here(), mock.patch.object(measuring, "executor", return_value=AtOnce()):
        yield


class Class:
    """A copy of the second course with a race in it, and a class that was graded."""

    def __init__(self, folder: Path) -> None:
        self.root = example.copy(folder / "course")
        checks = self.root / "numpy_basics" / "checks" / "line.py"
        checks.write_text(checks.read_text("utf-8") + RACE, "utf-8")
        self.submissions, self.out = folder / "class", folder / "grades"
        self.submissions.mkdir()
        self.out.mkdir()
        (self.out / SECRET).write_bytes(bytes(SECRET_BYTES))  # draws the same at each run

    def hand_in(self, student: str, body: str) -> None:
        fit = f"def fit(x, y, steps=100, rate=0.1):\n    {body}"
        cells = [nbformat.v4.new_code_cell(text, id=f"c{i}") for i, text in enumerate((NAMES, fit))]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), self.submissions / f"{student}.ipynb")

    def grader(self, *arguments: object) -> int:
        return main(["--course", str(self.root), *map(str, arguments)])

    def grade(self) -> None:
        assert self.grader("grade", self.submissions, "--out", self.out, "--lesson", "01") == 0

    def rows(self) -> list[dict[str, str]]:
        path = self.out / "leaderboard" / "01_line-fit.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture
def toys(tmp_path: Path, here: None) -> Iterator[Class]:
    made = Class(tmp_path)
    with example.example(made.root):
        yield made


@pytest.mark.sandbox
def test_a_class_is_ranked_by_what_the_judge_measures(
    toys: Class, capsys: pytest.CaptureFixture[str]
) -> None:
    for student, body in ENTRIES.items():
        toys.hand_in(student, body)
    (toys.submissions / "broken.ipynb").write_text("{")
    toys.grade()
    capsys.readouterr()
    assert toys.grader("leaderboard", toys.out) == 0
    told = capsys.readouterr()
    rows = toys.rows()
    assert [(row["place"], row["student"]) for row in rows[:4]] == [
        ("1", "best"),
        ("", "baseline: the solution"),  # after ten steps
        ("2", "slow"),
        ("3", "flat"),
    ]
    for row in rows[:4]:
        values = [float(row[f"seed_{n}"]) for n in (1, 2, 3)]
        assert len(set(values)) == 3  # other points with each seed
        assert float(row["mean"]) == pytest.approx(np.mean(values), abs=1e-4)
        assert float(row["standard_deviation"]) == pytest.approx(np.std(values, ddof=1), abs=2e-4)
        assert 0 < values[0] < 40
    statuses = {row["student"]: (row["status"], row["message"]) for row in rows[4:]}
    assert {student: status for student, (status, _) in statuses.items()} == {
        "broken": "not_a_notebook",
        "clock": "timeout",
        "crash": "crashed",
        "error": "error",
        "forged": "failed",
        "nothing": "failed",
    }
    assert "it is nan" in statuses["nothing"][1]
    told_of_time = r"it took ([\d.]+) s of processor time, and may take 0.5 s"
    spent = re.search(told_of_time, statuses["clock"][1])
    assert spent
    assert float(spent[1]) > SECONDS  # although its own clock stood still
    assert all(row["place"] == row["mean"] == "" for row in rows[4:])
    page = (toys.out / "leaderboard" / "01_line-fit.html").read_text("utf-8")
    assert "mean squared error" in page
    assert "<b>oh" not in page
    assert re.search(r"<bdi>best</bdi></th>\s*<td class=\"number\">1</td>", page)
    lines = told.out.splitlines()
    assert lines[0].startswith("fit of 01_line: 8 students and the baseline, 27 runs of 0.5 s")
    assert re.fullmatch(r" +1  best +0\.\d{4} ± 0\.\d{4}", lines[2])
    assert "measuring: 100 % (27 of 27 runs)" in told.err


@pytest.mark.sandbox
def test_what_was_measured_is_measured_once(
    toys: Class, capsys: pytest.CaptureFixture[str]
) -> None:
    toys.hand_in("ada", ENTRIES["slow"])
    toys.grade()
    assert toys.grader("leaderboard", toys.out) == 0
    first = toys.rows()
    with mock.patch.object(measuring, "measure", side_effect=AssertionError):
        assert toys.grader("leaderboard", toys.out) == 0
        assert toys.rows() == first
    toys.hand_in("ada", ENTRIES["best"])
    toys.hand_in("bo", ENTRIES["flat"])
    toys.grade()
    capsys.readouterr()
    assert toys.grader("leaderboard", toys.out) == 0
    assert "(6 of 6 runs)" in capsys.readouterr().err  # the baseline is known
    assert [row["student"] for row in toys.rows()] == ["ada", "baseline: the solution", "bo"]
    kept = toys.out / "leaderboard" / "measured.json"
    assert len(json.loads(kept.read_text())) == 12
    kept.write_text("{")  # broken: all is measured again
    assert toys.grader("leaderboard", toys.out, "--seconds", 2) == 0
    assert "2 s of processor time" in kept.with_name("01_line-fit.html").read_text("utf-8")


@pytest.mark.sandbox
def test_a_fault_of_the_graders_own_is_said_and_not_kept(toys: Class) -> None:
    toys.hand_in("ada", ENTRIES["slow"])
    toys.grade()
    with mock.patch.object(measuring, "measure", side_effect=RuntimeError("a fault")):
        assert toys.grader("leaderboard", toys.out) == 1
    assert {row["status"] for row in toys.rows()} == {"not_graded"}
    assert toys.grader("leaderboard", toys.out) == 0
    assert [row["place"] for row in toys.rows()] == ["", "1"]


def test_without_a_race_it_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with example.example():
        assert main(["--course", str(example.FOLDER), "leaderboard", str(tmp_path)]) == 2
    assert "no gradebook" in capsys.readouterr().err


@pytest.mark.sandbox
def test_without_entries_it_says_what_to_type(
    toys: Class, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = nbformat.read(toys.root / "solutions" / "00_arrays.ipynb", as_version=4)
    nbformat.write(notebook, toys.submissions / "ada.ipynb")
    assert toys.grader("grade", toys.submissions, "--out", toys.out) == 0
    assert toys.grader("leaderboard", toys.out) == 2
    told = capsys.readouterr().err
    assert "nobody's 01_line" in told
    assert "grader grade SUBMISSIONS --out" in told
    lessons = registry._REGISTRY["numpy_basics"]
    plain = {name: replace(each, leaderboard=None) for name, each in lessons["01_line"].items()}
    with mock.patch.dict(lessons, {"01_line": plain}):
        assert toys.grader("leaderboard", toys.out) == 2
    assert "no exercise with a leaderboard" in capsys.readouterr().err


def test_a_race_needs_its_exercise_and_time() -> None:
    with pytest.raises(ValueError, match=r'put it below @exercise\("09_scale", "sprint"'):
        leaderboard("09_scale", "sprint", seconds=1, unit="m")(lambda *_: 0.0)
    with pytest.raises(ValueError, match="more than 0 seconds"):
        leaderboard("09_scale", "speedrun", seconds=0, unit="m")


def test_equal_means_share_a_place_and_the_baseline_has_none() -> None:
    rows = ranked(
        [
            Row("cy", (2.0, 4.0, 3.0)),
            Row("", (1.0, 1.0, 1.0)),
            Row("zoe", status="error"),
            Row("bo", (3.0, 3.0, 3.0)),
            Row("ada", (9.0, 9.0, 9.0)),
            Row("abe", status="crashed"),
        ]
    )
    places = [(row.student, row.place) for row in rows]
    assert places[:4] == [("", None), ("bo", 1), ("cy", 1), ("ada", 3)]
    assert places[4:] == [("abe", None), ("zoe", None)]
    assert (rows[1].spread, rows[2].spread) == (0.0, 1.0)


def test_durations_are_said_in_words() -> None:
    said = {0.4: "0 s", 59: "59 s", 60: "1 min", 3540: "59 min", 3600: "1 h", 9000: "2 h 30 min"}
    assert {seconds: duration(seconds) for seconds in said} == said


# --- Lesson 09's own race ----------------------------------------------------------------------

SPEEDRUNS = {
    "pairs": (
        "place = {char: i for i, char in enumerate(vocab)}\n"
        "    counts = torch.ones(len(vocab), len(vocab))\n"
        "    for a, b in zip(text, text[1:]): counts[place[a], place[b]] += 1\n"
        "    table = counts / counts.sum(dim=1, keepdim=True)\n"
        "    return lambda begun: table[[place[('\\n' + each)[-1]] for each in begun]]"
    ),
    "uniform": "return lambda begun: torch.full((len(begun), len(vocab)), 1 / len(vocab))",
    "ones": "return lambda begun: torch.ones(len(begun), len(vocab))",
    "logits": "return lambda begun: torch.zeros(len(begun), len(vocab)) - 1",
    "shape": "return lambda begun: torch.full((len(vocab),), 1 / len(vocab))",
    "loss": "print('loss: 0.000'); return 0.0",
    "infinite": "return lambda begun: torch.full((len(begun), len(vocab)), float('inf'))",
}


def test_lesson_09_ranks_speed_runs_by_the_loss_that_the_judge_finds() -> None:
    speedrun = COURSE.exercises("09_scale")["speedrun"]
    board = speedrun.leaderboard
    assert board is not None
    assert (board.seconds, board.unit) == (120, "nats per character")
    reached, refused = {}, {}
    for name, body in SPEEDRUNS.items():
        namespace: dict[str, object] = {"torch": torch}
        exec(f"def speedrun(text, vocab, seconds):\n    {body}", namespace)
        student = Student(Host(namespace, speedrun.probes).send)
        try:
            reached[name] = board.measure(
                student, np.random.default_rng(1), 3.0, lambda ask, at_most: ask()
            )
        except ValueError as odd:
            refused[name] = str(odd)
    assert list(reached) == ["pairs", "uniform"]
    assert 1 < reached["pairs"] < reached["uniform"] < 4
    assert list(refused) == ["ones", "logits", "shape", "loss", "infinite"]
    assert "returned a float" in refused["loss"]


@pytest.mark.lesson
def test_lesson_09s_own_solution_is_ahead_of_counted_pairs() -> None:
    board = COURSE.exercises("09_scale")["speedrun"].leaderboard
    assert board is not None
    solved = solved_namespace(COURSE.lesson("09_scale"))
    limits: list[float] = []

    def timed(ask, at_most):  # type: ignore[no-untyped-def]
        limits.append(at_most)
        return ask()

    student = Student(Host(solved, {}).send)
    reached = board.measure(student, np.random.default_rng(1), 1.0, timed)
    assert limits == [3.0, 10.0]
    assert reached < 1.5

"""`make bench`, grading: seconds per submission here, in nbgrader and in otter, on this machine.

    python bench/grading.py            all parts below
    python bench/grading.py peers      a small lesson, in all three
    python bench/grading.py class      1,000 submissions of lesson 05, here
    python bench/grading.py worst      files made to keep the judge busy, here

The small lesson, 01 of `examples/numpy_basics`, has two exercises, one plot and 100 training steps;
all three run all of it. nbgrader and otter live in an environment of their own, `build/peers`.
"""

import argparse
import ast
import contextlib
import copy
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import nbformat
import psutil
from nbformat import NotebookNode

from grader.author.render import fill
from grader.course.lessons import Course
from grader.gradebook.store import Gradebook
from grader.gradebook.tables import FILE_NAME

BENCH = Path(__file__).parent
ROOT = BENCH.parent
EXAMPLE = ROOT / "examples" / "numpy_basics"
WORK = ROOT / "build" / "bench"
PEERS = ROOT / "build" / "peers"

SMALL, LARGE = "01_line", "05_attention"
OURS, THEIRS, CLASS = 200, 6, 1_000
AT_LEAST = {"nbgrader autograde": 25, "otter run": 50}  # times their throughput
SECONDS = 60  # at most, for the class
UNCHANGED = 2  # seconds at most, for the same class again
CALL = 5  # seconds that a call may take of a student's code that keeps the judge busy
OVER = 2  # seconds at most, of the judge's own on top of that
GROWTH = 1.02  # at most, of memory, from the first hundred submissions to the last

CORES = 2
GRADER = [sys.executable, "-m", "grader.cli"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}

# The cases of the small lesson's checks, as the other graders want them.
POINTS = {"gradients": 2, "fit": 3}
TESTS = {
    "gradients": """\
assert np.allclose(gradients(0.0, 0.0, np.array([2.0]), np.array([3.0])), (-12.0, -6.0))
assert np.allclose(gradients(1.0, 0.0, np.array([1.0, 2.0]), np.array([0.0, 0.0])), (5.0, 3.0))
for size in (40, 1000):
    draw = np.random.default_rng(size)
    px, py = draw.normal(0, 1, size), draw.normal(0, 1, size)
    slope, start = draw.uniform(-3, 3, 2)
    apart = slope * px + start - py
    assert np.allclose(gradients(slope, start, px, py), (2 * np.mean(apart * px), 2 * apart.mean()))
""",
    "fit": """\
draw = np.random.default_rng(0)
px = draw.normal(0, 1, 50)
px = (px - px.mean()) / px.std()
py = 2 * px + 1 + draw.normal(0, 0.5, 50)
assert np.allclose(fit(px, py, steps=0), (0, 0))
for rate in (0.1, 0.03):
    want = 2 * rate * np.mean(px * py), 2 * rate * py.mean()
    assert np.allclose(fit(px, py, steps=1, rate=rate), want)
for shift in (0.0, 1.5):
    where, both = np.stack([px + shift, np.ones(50)]), np.zeros(2)
    for _ in range(5):
        both = both - 0.06 * where @ (both @ where - py) / 50
    assert np.allclose(fit(px + shift, py, steps=5, rate=0.03), both)
assert np.allclose(fit(px, 2 * px + 1), (2, 1))
""",
}


def main() -> int:
    """Run the parts that were asked for, and return 1 if a target was missed."""
    parts = {"peers": compare_with_peers, "class": grade_a_class, "worst": grade_the_worst}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help="peers, class or worst; else all")
    wanted = parser.parse_args().parts or list(parts)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start\n")
    return int(not all([parts[part]() for part in wanted]))


# --- The same small lesson in all three -------------------------------------------------------


def compare_with_peers() -> bool:
    """Print seconds per submission in all three; return whether the targets are met."""
    shutil.rmtree(WORK / "small", ignore_errors=True)
    course = Course(EXAMPLE)
    submissions = make_submissions(course, SMALL)
    make_peers()
    seconds = {
        f"grader grade, {CORES} at a time": time_grader(submissions),
        "nbgrader autograde": time_nbgrader(WORK / "small" / "nbgrader", submissions),
        "otter run": time_otter(WORK / "small" / "otter", submissions),
    }
    ours = next(iter(seconds.values()))
    print(f"{SMALL}: seconds per submission, from the start of the command to its end")
    for name, each in seconds.items():
        target = f"   at least {AT_LEAST[name]}" if name in AT_LEAST else ""
        print(f"  {name:28} {each:8.3f}   {each / ours:6.1f} times as long{target}")
    print()
    return all(seconds[name] / ours >= factor for name, factor in AT_LEAST.items())


def make_submissions(course: Course, lesson: str) -> list[NotebookNode]:
    """Return the solved notebook, and one for each known mistake."""
    released = nbformat.read(course.paths(lesson).student, as_version=4)
    wrong = [{mistake.exercise: mistake.code} for mistake in course.mistakes(lesson)]
    replacements: list[Mapping[str, str]] = [{}, *wrong]
    return [fill(released, course.lesson(lesson), each) for each in replacements]


def make_peers() -> None:
    """Make the other graders' environment, unless it is there."""
    ready, wanted = PEERS / "ready", (BENCH / "peers.txt").read_text("utf-8")
    if ready.is_file() and ready.read_text("utf-8") == wanted:
        return
    print(f"making {PEERS.relative_to(ROOT)} from bench/peers.txt", flush=True)
    run([sys.executable, "-m", "venv", str(PEERS)], ROOT)
    run([PEERS / "bin" / "pip", "install", "-q", "-r", str(BENCH / "peers.txt")], ROOT)
    ready.write_text(wanted, "utf-8")


def time_grader(submissions: list[NotebookNode]) -> float:
    """Return the seconds that `grader grade` takes per submission."""
    folder, out = WORK / "small" / "submissions", WORK / "small" / "grades"
    write_class(submissions, folder, OURS)
    command = [*GRADER, "--course", EXAMPLE, "grade", folder, "--out", out]
    seconds = run([*command, "--jobs", str(CORES)], ROOT)
    expect([result.points for result in Gradebook.open(out).results()], submissions)
    return seconds / OURS


def time_nbgrader(folder: Path, submissions: list[NotebookNode]) -> float:
    """Return the seconds that `nbgrader autograde` takes per submission."""
    for place in ("source", *(f"submitted/student-{number}" for number in range(THEIRS))):
        (folder / place / "line").mkdir(parents=True)
    books = [for_peers(book, TESTS) for book in submissions]
    nbformat.write(books[0], folder / "source" / "line" / f"{SMALL}.ipynb")
    for number in range(THEIRS):
        path = folder / "submitted" / f"student-{number}" / "line" / f"{SMALL}.ipynb"
        nbformat.write(books[number % len(books)], path)
    nbgrader = str(PEERS / "bin" / "nbgrader")
    run([nbgrader, "generate_assignment", "line"], folder)
    seconds = run([nbgrader, "autograde", "line"], folder)
    with contextlib.closing(sqlite3.connect(folder / "gradebook.db")) as connection:
        query = """
            SELECT sum(grade.auto_score) FROM grade
            JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
            JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
            GROUP BY submitted_assignment.student_id ORDER BY submitted_assignment.student_id
        """
        expect([score for (score,) in connection.execute(query)], submissions)
    return seconds / THEIRS


def time_otter(folder: Path, submissions: list[NotebookNode]) -> float:
    """Return the seconds that `otter run` takes per submission."""
    (folder / "tests").mkdir(parents=True)
    for name, code in TESTS.items():
        starts = {statement.lineno for statement in ast.parse(code).body}
        doctest = "\n".join(
            f"{'>>>' if number in starts else '...'} {line}"
            for number, line in enumerate(code.splitlines(), 1)
        )
        suite = {"cases": [{"code": doctest, "hidden": False, "locked": False}], "scored": True}
        suite |= {"setup": "", "teardown": "", "type": "doctest"}
        test = {"name": name, "points": POINTS[name], "suites": [suite]}
        (folder / "tests" / f"{name}.py").write_text(f"OK_FORMAT = True\n\ntest = {test!r}\n")
    otter = str(PEERS / "bin" / "otter")
    plain = ["--no-config", "--no-requirements", "--no-environment"]
    run([otter, "generate", "-t", "tests", "-o", "autograder.zip", *plain], folder)
    seconds, points = 0.0, []
    for number in range(THEIRS):
        book = for_peers(submissions[number % len(submissions)], {})
        (folder / str(number)).mkdir()
        nbformat.write(book, folder / f"{number}.ipynb")
        command = [otter, "run", "-a", "autograder.zip", "-o", str(number), f"{number}.ipynb"]
        seconds += run(command, folder)
        results = json.loads((folder / str(number) / "results.json").read_text("utf-8"))
        points.append(sum(test.get("score", 0) for test in results["tests"]))
    expect(points, submissions)
    return seconds / THEIRS


def for_peers(notebook: NotebookNode, tests: Mapping[str, str]) -> NotebookNode:
    """Return the notebook without this course's own package, and with `tests` for its checks.

    What is skipped here when grading is left out there.
    """
    book = copy.deepcopy(notebook)
    cells = []
    for cell in book.cells:
        name = cell.source.removeprefix('check("').removesuffix('")')
        if "demo" in cell.metadata.get("tags", ()) or cell.source == "check.summary()":
            continue
        if "check.lesson(" in cell.source:
            cell.source = "import matplotlib.pyplot as plt\nimport numpy as np"
        elif name in TESTS:
            if name not in tests:
                continue
            cell.source = tests[name]
        cells.append(cell)
    book.cells = cells
    return book


def expect(points: list[float], submissions: list[NotebookNode]) -> None:
    """Fail unless all right submissions got all points and all wrong ones got fewer."""
    most = sum(POINTS.values())
    for number, each in enumerate(points):
        is_right = number % len(submissions) == 0
        if (each == most) != is_right:
            raise SystemExit(f"submission {number} got {each} of {most} points")


# --- A class ----------------------------------------------------------------------------------


def grade_a_class() -> bool:
    """Grade a thousand submissions of lesson 05; return whether time and memory are as promised."""
    shutil.rmtree(WORK / "class", ignore_errors=True)
    folder, out = WORK / "class" / "submissions", WORK / "class" / "grades"
    solved, *wrong = make_submissions(Course(ROOT), LARGE)
    mixture = [book for mistaken in wrong for book in (solved, mistaken)]
    write_class(mixture, folder, CLASS)
    command = [*GRADER, "grade", str(folder), "--out", str(out)]
    memory = Memory(out)
    started = time.monotonic()
    process = subprocess.Popen([*command, "--jobs", str(CORES)], cwd=ROOT, env=ENVIRONMENT)
    memory.watch(process)
    if process.wait():
        raise SystemExit(f"grading ended with {process.returncode}")
    seconds = time.monotonic() - started
    again = run([*command, "--jobs", str(CORES)], ROOT)
    first, last = memory.of(1, 100), memory.of(CLASS - 100, CLASS - 1)
    print(f"\n{LARGE}: {CLASS:,} submissions, {CORES} at a time")
    print(f"  {seconds:.0f} s, {seconds / CLASS:.3f} s each   at most {SECONDS} s")
    print(f"  {again:.1f} s to grade the unchanged class again   at most {UNCHANGED} s")
    print(
        f"  memory of all processes, median: {first:,.0f} MiB in the first hundred, "
        f"{last:,.0f} MiB in the last\n"
    )
    return seconds <= SECONDS and again <= UNCHANGED and last <= GROWTH * first


class Memory:
    """Samples what all processes of a run hold: their resident sets, what they share as often."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._samples: list[tuple[int, float]] = []

    def watch(self, process: "subprocess.Popen[bytes]") -> None:
        """Sample, in the background, until the process ends."""
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()

    def of(self, first: int, last: int) -> float:
        """Return the median, in MiB, while that many submissions were in the gradebook."""
        return median(size for done, size in self._samples if first <= done <= last)

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            with contextlib.suppress(psutil.Error, sqlite3.Error):
                tree = [root, *root.children(recursive=True)]
                size = 0.0
                for each in tree:
                    with contextlib.suppress(psutil.Error):
                        size += each.memory_info().rss / 2**20
                self._samples.append((self._done(), size))
            time.sleep(0.2)

    def _done(self) -> int:
        if not (self._out / FILE_NAME).is_file():
            return 0
        with contextlib.closing(sqlite3.connect(self._out / FILE_NAME)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM submission").fetchone()
            return int(count)


# --- The worst --------------------------------------------------------------------------------

# Code after the solution of lesson 05: what comes back is large, or is itself slow to read.
WORST = {
    "an answer of many tensors": "def windows(ids, T):\n    return (torch.zeros(1),) * 19_000",
    "an answer of many numbers": "def windows(ids, T):\n    return list(range(190_000))",
    "an answer in many layers": (
        "def windows(ids, T):\n    x = []\n    for _ in range(900):\n        x = [x]\n    return x"
    ),
    "30 kB of nested lambdas": "masked_mean = "
    + "(lambda: " * 90
    + "1"
    + ")" * 90
    + "\n"
    + "x = 1\n" * 5_000,
    "2 MB of code": "x = [[[[1]]]]\n" * 140_000,
    "5,000 empty lines": "\n" * 5_000,
}


def grade_the_worst() -> bool:
    """Grade and report files made to keep the judge busy; return whether it keeps its own time."""
    shutil.rmtree(WORK / "worst", ignore_errors=True)
    solved, *_ = make_submissions(Course(ROOT), LARGE)
    plain = min(grade_alone(solved, "plain") for _ in range(2))
    print(
        f"\n{LARGE}: seconds to grade and report one file, beyond the {plain:.1f} s of a plain one"
    )
    over = []
    for name, code in WORST.items():
        book = copy.deepcopy(solved)
        book.cells.append(nbformat.v4.new_code_cell(code))
        over.append(grade_alone(book, name) - plain)
        print(f"  {name:28} {over[-1]:6.1f}   at most {CALL + OVER}", flush=True)
    book = copy.deepcopy(solved)
    book.metadata["much"] = [{"a": []}] * 300_000
    over.append(grade_alone(book, "much metadata") - plain)
    print(f"  {'much metadata':28} {over[-1]:6.1f}   at most {CALL + OVER}\n")
    return max(over) <= CALL + OVER


def grade_alone(book: NotebookNode, name: str) -> float:
    """Return the seconds that it takes to grade one notebook and to write the report on it."""
    folder = WORK / "worst" / name.replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    write_class([book], folder / "submissions", 1)
    out, limit = str(folder / "grades"), ["--call-seconds", str(CALL)]
    seconds = run([*GRADER, "grade", str(folder / "submissions"), "--out", out, *limit], ROOT)
    return seconds + run([*GRADER, "report", out], ROOT)


# --- All --------------------------------------------------------------------------------------


def write_class(submissions: list[NotebookNode], folder: Path, size: int) -> None:
    """Write `size` students' folders; no two files are the same."""
    name = "notebook.ipynb"
    for number in range(size):
        book = submissions[number % len(submissions)]
        last = book.cells[-1]
        source = last.source
        last.source += f"\n# {number}"
        path = folder / f"student-{number:04}" / name
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(book), "utf-8")
        last.source = source


def run(command: Sequence[str | Path], folder: Path) -> float:
    """Run a command to its end and return its seconds."""
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])
    started = time.monotonic()
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**ENVIRONMENT, "PATH": path},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())

"""What decides a grade: which change has a submission graded again, and which does not."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from course import COURSE, ROOT

from grader.checks.registry import home
from grader.cli import main
from grader.course import imports, lessons
from grader.course.source import split
from grader.gradebook.secret import FILE_NAME as SECRET_FILE
from grader.gradebook.secret import SECRET_BYTES
from grader.gradebook.store import SubmissionResult
from grader.grading import decides, grade, run, task
from grader.grading.decides import DECIDE_NOTHING, GRADES, code_alone, followed
from grader.grading.task import Rules, Task, not_graded, verdict

LESSON = "05_attention"
SOURCE = f"solutions/{LESSON}.py"

SAME = ""
"""Stands for the end of a file: what follows is added there."""

DECIDE: dict[str, tuple[str, str, str]] = {
    "the judge": ("grader/grading/judge.py", SAME, "x = 1"),
    "what compares": ("grader/checks/compare.py", SAME, "x = 1"),
    "what values may cross": ("grader/checks/values.py", SAME, "x = 1"),
    "what checks are written with": ("grader/checks/registry.py", SAME, "x = 1"),
    "what refuses library calls": ("grader/grading/forbidden.py", SAME, "x = 1"),
    "the limits": ("grader/sandbox/limits.py", SAME, "x = 1"),
    "the sandbox": ("grader/sandbox/bubblewrap.py", SAME, "x = 1"),
    "the warm parent": ("grader/sandbox/forkserver.py", SAME, "x = 1"),
    "the worker": ("grader/sandbox/worker.py", SAME, "x = 1"),
    "the system-call filter": ("grader/sandbox/lockdown.py", SAME, "x = 1"),
    "which cells run": ("grader/submissions/cells.py", SAME, "x = 1"),
    "how the solved lesson runs": ("grader/course/solved.py", SAME, "x = 1"),
    "the lesson's checks": ("lmcourse/checks/attention/masks.py", "points=1)", "points=3)"),
    "solved code": (SOURCE, "return torch.ones(T, T", "return +torch.ones(T, T"),
    "given code in an exercise's cell": (SOURCE, "def causal_mask(T):", "def causal_mask(T, *_):"),
    "a given cell": (SOURCE, "def push(head, C):", "def push(head, C, *_):"),
    "an import of the lesson's": (SOURCE, "import torch\n", "import torch, random\n"),
    "carried code": ("solutions/04_mlp.py", "def kaiming_init(", "def kaiming_init(*_, "),
    "the corpus that given cells read": ("lmcourse/corpus/grammar.py", SAME, "x = 1"),
}
DO_NOT: dict[str, tuple[str, str, str]] = {
    "prose": (SOURCE, "# Read a fable", "# Do read a fable"),
    "a comment in solved code": (
        SOURCE,
        "    ### END SOLUTION",
        "    # done\n    ### END SOLUTION",
    ),
    "a docstring": (SOURCE, '    """Return a (T, T)', '    """Give a (T, T)'),
    "a demo": (SOURCE, "def words_of(text):", "def words_of(text, *_):"),
    "an exercise's minutes": (
        SOURCE,
        'exercise="causal_mask" minutes=4',
        'exercise="causal_mask" minutes=9',
    ),
    "a known mistake": (f"solutions/mistakes/{LESSON}.md", SAME, "<!-- more -->"),
    "another lesson": ("solutions/00_start.py", "def ", "def other_"),
    "code of an earlier lesson that is not carried": ("solutions/04_mlp.py", SAME, "x = 1"),
    "another lesson's checks": ("lmcourse/checks/bigrams/loss.py", SAME, "x = 1"),
    "plots": ("lmcourse/plots/losses.py", SAME, "x = 1"),
    "the self-check": ("grader/checks/selfcheck.py", SAME, "x = 1"),
    "the package's version": ("lmcourse/__init__.py", '__version__ = "', '__version__ = "1'),
    "reports": ("grader/reports/pages.py", SAME, "x = 1"),
    "a report's page": ("grader/reports/templates/class.html.jinja", SAME, "<p>"),
    "exports": ("grader/reports/exports/canvas.py", SAME, "x = 1"),
    "doctor": ("grader/doctor.py", SAME, "x = 1"),
    "the command line": ("grader/cli.py", SAME, "x = 1"),
    "the gradebook": ("grader/gradebook/store.py", SAME, "x = 1"),
    "how a class is collected": ("grader/submissions/notebook.py", SAME, "x = 1"),
    "build": ("grader/author/build.py", SAME, "x = 1"),
}


class Checkout:
    """A copy of this checkout with a class of one, graded without running anything."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root / "checkout"
        self.graded: list[str] = []
        self.command = [
            "--course",
            str(self.root),
            "grade",
            str(root / "class"),
            "--out",
            str(root / "out"),
            "--sandbox",
        ]
        left_out = shutil.ignore_patterns("__pycache__", "*.ipynb", "recordings")
        for folder in ("grader", "lmcourse", "solutions"):
            shutil.copytree(ROOT / folder, self.root / folder, ignore=left_out)
        shutil.copy(ROOT / "pyproject.toml", self.root)
        (root / "class").mkdir()
        cell = nbformat.v4.new_code_cell(f'check.lesson("{LESSON}")', id="only")
        self.book = nbformat.v4.new_notebook(cells=[cell])
        self.notebook = root / "class" / "ada.ipynb"
        nbformat.write(self.book, self.notebook)
        patch.setattr(decides, "_GRADER", self.root)
        patch.setattr(lessons, "_import_from", lambda *_: None)  # its files are read, and not run
        patch.setattr(run, "grade_submission", self._grade)
        patch.setattr(grade, "executor", lambda *_: ThreadPoolExecutor(1))

    @contextmanager
    def changed(self, file: str, old: str, new: str) -> Iterator[None]:
        path = self.root / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else f"{text}\n{new}\n", "utf-8")
        yield
        path.write_text(text, "utf-8")

    def grade(self, mode: str = "none", *more: str) -> list[str]:
        """Grade the class as a new process would, and return who was graded."""
        for kept in (task.facts, task._course, decides.judge_version, imports._tree):
            kept.cache_clear()
        self.graded.clear()
        assert main([*self.command, mode, *more]) == 0
        return self.graded

    def _grade(self, task: Task, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
        self.graded.append(task.student)
        status, message = verdict(task)
        made = vars(not_graded(COURSE, task)) | {"status": status, "message": message}
        return SubmissionResult(**made | {"fingerprint": task.fingerprint}), {"made": "here"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    with pytest.MonkeyPatch.context() as patch:
        made = Checkout(tmp_path_factory.mktemp("decides"), patch)
        assert made.grade() == ["ada"]
        yield made


@pytest.mark.parametrize("kind", DECIDE)
def test_a_change_of_what_decides_has_the_class_graded_again(checkout: Checkout, kind: str) -> None:
    with checkout.changed(*DECIDE[kind]):
        assert checkout.grade() == ["ada"]
    assert checkout.grade() == ["ada"]  # and once more when it is as it was


@pytest.mark.parametrize("kind", DO_NOT)
def test_a_change_of_anything_else_leaves_the_class_as_it_is(checkout: Checkout, kind: str) -> None:
    with checkout.changed(*DO_NOT[kind]):
        assert checkout.grade() == []


def test_other_limits_another_secret_and_another_file_are_graded_again(checkout: Checkout) -> None:
    assert checkout.grade("none", "--memory-mb", "512") == ["ada"]
    assert checkout.grade() == ["ada"]
    secret = checkout.notebook.parents[1] / "out" / SECRET_FILE
    secret.write_bytes(bytes(SECRET_BYTES))
    assert checkout.grade() == ["ada"]
    checkout.book.cells[0].source += "  # more"
    nbformat.write(checkout.book, checkout.notebook)
    assert checkout.grade() == ["ada"]
    assert checkout.grade() == []


def test_what_is_read_of_a_file_decides_whatever_reads_it(checkout: Checkout) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.submissions.notebook._whole", lambda text: f"{text}\nx = 1")
        assert checkout.grade() == ["ada"]
    assert checkout.grade() == ["ada"]


# --- Which modules those are ------------------------------------------------------------------


LOADED = """
import json, sys
import grader.grading.task, grader.grading.judge, grader.course.solved
import grader.sandbox.forkserver, grader.sandbox.worker
print(json.dumps([name for name in sys.modules if name.split(".")[0] == "grader"]))
"""


def test_every_module_that_is_imported_to_grade_is_followed_or_named_with_a_reason() -> None:
    printed = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, check=True)
    loaded = set(json.loads(printed.stdout))
    assert loaded <= set(followed(GRADES, cut=False))
    decide = set(followed(GRADES))
    assert {
        "grader.grading.judge",
        "grader.sandbox.bubblewrap",
        "grader.sandbox.lockdown",
        "grader.checks.compare",
    } <= decide
    # What neither decides nor is named is imported by what is named alone.
    named = followed(set(DECIDE_NOTHING) & loaded, cut=False)
    assert loaded <= decide | set(named)
    assert [name for name in DECIDE_NOTHING if name not in followed([name], cut=False)] == []


@pytest.mark.parametrize("lesson", COURSE.names)
def test_a_lessons_checks_are_where_they_are_looked_for(lesson: str) -> None:
    path = COURSE.paths(lesson).checks.relative_to(ROOT).with_suffix("")
    assert home(COURSE.exercises(lesson)) == ".".join(path.parts)


def test_code_is_read_without_comments_and_docstrings_but_with_all_else() -> None:
    code = 'def f(x):\n    """Say."""\n    # so\n    return x  # it\n\nclass A:\n    """Say."""\n'
    assert code_alone(code) == "def f(x):\n    return x\n\nclass A:\n    pass"
    assert code_alone("x = '''a\n# b'''") == code_alone("x = 'a\\n# b'")


# --- Reading lessons and classes without what is slow to import --------------------------------


SOURCES = sorted((ROOT / "solutions").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_is_read_as_jupytext_reads_it(path: Path) -> None:
    percent = {"extension": ".py", "format_name": "percent", "comment_magics": False}
    theirs: list[Any] = []
    for cell in jupytext.reads(path.read_text("utf-8"), fmt=percent).cells:
        keys = {key: value for key, value in cell.metadata.items() if key != "lines_to_next_cell"}
        theirs.append((cell.cell_type, keys, cell.source))
    assert [cell[1:] for cell in split(path)] == theirs

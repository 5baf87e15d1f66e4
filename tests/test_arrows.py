"""Who may import whom: what `make lint` holds, and that it fails where an arrow is broken."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from course import ROOT

import grader
import lmops
from lmcourse import pipelines
from lmcourse.pipelines import azure, expressions, github, shell

NUMPY = "examples/numpy_basics/numpy_basics"
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all modules and the contracts that they keep."""
    root = tmp_path_factory.mktemp("arrows")
    shutil.copy(ROOT / "pyproject.toml", root)
    for package in ("grader", "lmcourse", "lmops", "examples"):
        for path in (ROOT / package).rglob("*.py"):
            target = root / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return root


def lint(root: Path) -> list[str]:
    """Return the contracts of the folder `root` that the linter of imports says are broken."""
    make = ["make", "--dry-run", "--no-print-directory", "lint"]
    lines = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in lines.splitlines() if "lint-imports" in line)
    path, _, *options = line.split()  # after PYTHONPATH=..., the program
    name, _, folder = path.partition("=")
    checked = subprocess.run(
        [sys.executable, "-c", LINT, *options],
        cwd=root,
        env=os.environ | {name: os.pathsep.join([str(root), folder, *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = [line for line in checked.stdout.splitlines() if " BROKEN" in line]
    assert "Contracts: " in checked.stdout, checked.stderr
    assert checked.returncode == int(bool(broken))
    return broken


@pytest.mark.parametrize(
    "package",
    [grader, lmops, pipelines, azure, github, expressions, shell],
    ids=lambda one: one.__name__,
)
def test_a_packages_map_is_what_is_held(package: ModuleType) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (layers,) = (
        one["layers"]
        for one in contracts["contracts"]
        if one["type"] == "layers" and one["containers"] == [package.__name__]
    )
    rows = re.findall(r"^    ([a-z_]+(?:, [a-z_]+)*)  ", package.__doc__ or "", re.MULTILINE)
    drawn = [name for row in rows for name in row.split(", ")]
    assert drawn == [name for layer in layers for name in layer.split(" | ")]


def test_every_arrow_runs_down(copy: Path) -> None:
    assert lint(copy) == []


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("grader/submissions/cells.py", "import grader.gradebook.store", "the rooms below"),
        ("grader/checks/case.py", "from grader.course import source", "the rooms below"),
        ("grader/terminal/words.py", "import grader.submissions.archives", "the rooms below"),
        ("grader/attic.py", "import math", "the rooms below"),
        ("grader/sandbox/limits.py", "from lmcourse import corpus", "knows no course"),
        ("lmcourse/rungs.py", "from grader.course import lessons", "its checks' words alone"),
        ("lmcourse/plots/losses.py", "import grader.grading.judge", "its checks' words alone"),
        (f"{NUMPY}/checks/line.py", "import grader.author.build", "its checks' words alone"),
        (f"{NUMPY}/__init__.py", "import lmcourse", "no course knows another"),
        ("lmcourse/tables.py", "import lmops.gate", "no course knows the platform"),
        ("lmops/gate.py", "import grader.checks.case", "needs no grader"),
        ("lmops/ledger.py", "import lmops.store", "the parts below"),
        ("lmcourse/pipelines/runs.py", "import lmcourse.pipelines.azure.schedule", "of pipelines"),
        ("lmcourse/pipelines/azure/jobs.py", "import lmcourse.pipelines.azure.reading", "Azure's"),
    ],
)
def test_a_broken_arrow_fails_the_lint(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / module
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", "utf-8")
    try:
        broken = lint(copy)
    finally:
        path.unlink() if before is None else path.write_text(before, "utf-8")
    assert any(contract in line for line in broken)

"""What every test starts from: one thread, fixed seeds, and the tools that its marks ask for."""

import os
import random
import shutil
from collections.abc import Iterator

# Before torch is imported, here and in every process that a test starts: two workers with two
# threads each would fight over two cores.
os.environ["OMP_NUM_THREADS"] = "1"

import course
import matplotlib
import numpy as np
import pytest

matplotlib.use("agg")

# A make that a test runs is no part of the one that runs the tests.
for name in ("MAKEFLAGS", "MAKELEVEL"):
    os.environ.pop(name, None)

# mark: (any of these commands, what to type where none is there)
TOOLS = {
    "sandbox": (("bwrap",), "bubblewrap is not installed; type: make setup"),
    "browser": (
        ("chromium", "chromium-browser", "google-chrome"),
        "Chromium is not installed; type: make system",
    ),
    "haproxy": (("haproxy",), "HAProxy is not installed; type: make system"),
    "prometheus": (
        ("prometheus-alertmanager",),
        "Prometheus and its Alertmanager are not installed; type: make system",
    ),
    "image": (("buildah",), "buildah is not installed; type: make image"),
}


def _found(command: str) -> str | None:
    """Return where a command is; Debian keeps some where an ordinary user's shell does not look."""
    return shutil.which(command, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine lacks the tools for. CI must have them: there it is a failure."""
    for mark, (commands, explanation) in TOOLS.items():
        if item.get_closest_marker(mark) and not any(map(_found, commands)):
            if os.environ.get("CI"):
                pytest.fail(explanation, pytrace=False)
            pytest.skip(explanation)


@pytest.fixture
def graded_here() -> Iterator[None]:
    """Have `grader grade` grade in this process."""
    with course.graded_here():
        yield


@pytest.fixture(autouse=True)
def _seed() -> None:
    import torch

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium; for tests marked `browser`."""
    return next(filter(None, map(shutil.which, TOOLS["browser"][0])))

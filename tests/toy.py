"""A course of two tiny lessons, with checks of its own, to build and grade in seconds."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import grader.checks.registry

NAME = "01_toy"

PYPROJECT = """\
[project.urls]
Repository = "https://github.com/owner/course"
"""

FIRST = '''\
# %% [markdown] lesson="00_first" title="First" minutes=5 laptop_minutes=1 gpu_minutes=1
# You will be able to shift.

# %% tags=["setup"]
from lmcourse import check

check.lesson("00_first")

# %% tags=["parameters"]
preset = "laptop"

# %% [markdown] contract="shift"
# One more.

# %% exercise="shift" minutes=1 level=1
STEP = 1


def shift(x):
    """Return x plus the step."""
    ### BEGIN SOLUTION
    moved = x + STEP
    return moved
    ### END SOLUTION


# %% check="shift"
check("shift")

# %%
def shift_back(x):
    """Return x less the step: given, not asked for."""
    return x - STEP


# %% tags=["demo"]
from lmcourse import plots

plots.ladder({"uniform": 2.5000001})
'''

SOURCE = '''\
# %% [markdown] lesson="01_toy" title="Twice as much" minutes=20 laptop_minutes=1 gpu_minutes=0.5
# You will be able to **double** numbers.

# %% tags=["setup"]
import torch
from lmcourse import check, rungs

check.lesson("01_toy")

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="shift STEP"
# %% [markdown]
# ## What is twice three?
#
# Nobody knows yet.

# %%
three = torch.tensor(3.0)
# copy the tensor: a comment, not a shell command

# %% [markdown] contract="double"
# `double(x: (N,)) -> (N,)`; `double([1.5])` is `[3.0]`.

# %% exercise="double" minutes=5 level=2
def double(x):
    """Return x, twice as large."""
    ### BEGIN SOLUTION
    added = x + x  # a sum
    return added
    ### END SOLUTION


# %% check="double" tags=["nbval-check-output"]
check("double")

# %% [markdown] fold="Hint 1: <which> sign?"
# Look for a sign with *two* strokes.

# %% tags=["demo"]
if check.ready("double"):
    print("twice three is", double(three).item(), "and one more is", shift(double(three)).item())
rungs.before("01_toy")

# %% [markdown] contract="quiz"
# What is right?

# %% exercise="quiz" minutes=1 level=1
# 1. Twice two is (a) four (b) five?
### BEGIN SOLUTION
answer_1 = "a"
answer_2 = "none"
### END SOLUTION

# %% check="quiz"
check("quiz")
'''

MISTAKES = """\
# Answers that the checks must tell apart

## double

### squares
> two strokes
```python
def double(x):
    return x * x
```

### forgets one
> two strokes
```diff
-    added = x + x  # a sum
+    added = x
```

### Right: a product
```diff
-    added = x + x  # a sum
-    return added
+    return 2 * x
```
"""

FIRST_CHECKS = """\
from grader.checks.case import case
from grader.checks.registry import exercise


@exercise("00_first", "shift", points=1)
def shift(student, reference, rng):
    yield case("one and one", lambda: student.shift(1), 2, hint="add the step")
    x = int(rng.integers(10, 1000))
    yield case("any number", lambda: student.shift(x), x + 1, hint="add the step")
"""

CHECKS = """\
from grader.checks.case import case, normal
from grader.checks.registry import exercise


@exercise("01_toy", "double", points=2)
def double(student, reference, rng):
    for size in (1, 5):
        x = normal(rng, size)
        yield case(
            f"{size} numbers",
            lambda: student.double(x),
            reference.double(x),
            hint="a sign with two strokes",
        )
    yield case("nothing", lambda: student.double(x[:0]), x[:0], hint="no numbers", hidden=True)


@exercise("01_toy", "quiz", points=1, names=("answer_1", "answer_2"), constant=True)
def quiz(student, reference, rng):
    yield case("1", lambda: student.answer_1, reference.answer_1, hint="count", reveal=False)
"""


def write(root: Path) -> None:
    """Write the toy course's checkout to `root`: sources, checks, and the real `lmcourse`."""
    package = Path(grader.checks.registry.__file__).parent.parent
    own = shutil.ignore_patterns("__pycache__", "recordings", "checks")
    shutil.copytree(package, root / "lmcourse", ignore=own)
    (root / "lmcourse/checks").mkdir()
    shutil.copy(package / "checks/__init__.py", root / "lmcourse/checks")
    (root / "solutions/mistakes").mkdir(parents=True)
    for path, text in {
        "pyproject.toml": PYPROJECT,
        "lmcourse/checks/first.py": FIRST_CHECKS,
        "lmcourse/checks/toy.py": CHECKS,
        "solutions/00_first.py": FIRST,
        "solutions/01_toy.py": SOURCE,
        "solutions/mistakes/01_toy.md": MISTAKES,
    }.items():
        (root / path).write_text(text, "utf-8")


@contextmanager
def registered(root: Path) -> Iterator[None]:
    """Have the toy's checks below `root`, and no others, in the registry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grader.checks.registry, "_REGISTRY", {})
        patch.setattr(grader.checks.registry, "_PROBES", {})
        patch.setattr(grader.checks.registry, "__path__", [str(root / "lmcourse/checks")])
        try:
            yield
        finally:
            for module in ("toy", "first"):
                sys.modules.pop(f"lmcourse.checks.{module}", None)

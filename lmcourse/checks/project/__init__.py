"""The rubric of the project: what a repository that ships a model is worth, row by row.

What judges a row asks either the repository, which is data and of which nothing runs, or the code
in it, which runs in the sandbox. `RUNS` says which files that is; the repository's own answers are
`read(path)`, `content(path)` and `history()`.
"""

# In the order of the rubric, in which they register their rows.
# isort: off
from lmcourse.checks.project import (
    azure,
    github,
    model_tests,
    bundle,
    service,
    history,
)

RUNS = (model_tests.FILE, service.FILE)
"""The files whose code is asked, in this order; they run one after the other, like cells."""

__all__ = ["RUNS", "azure", "bundle", "github", "history", "model_tests", "service"]

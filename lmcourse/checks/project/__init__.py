"""The rubric of the project: what a repository that ships a model is worth, row by row.

What judges a row asks either the repository, which is data and of which nothing runs, or the code
in it, which runs in the sandbox. `FILES` says which files a row is about; the repository's own
answers are `read(path)`, `content(path)` and `history()`.
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

FILES = {
    "azure": (azure.FILE,),
    "github": (github.FILE,),
    "tests": (model_tests.FILE,),
    "bundle": bundle.PATHS,
    "service": (service.FILE,),
    "history": (),
}
"""The files of each row; none is the git history. Code runs in this order, like cells."""

__all__ = ["FILES", "azure", "bundle", "github", "history", "model_tests", "service"]

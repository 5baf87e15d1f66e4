"""What the course's notebooks import: corpora, checks, plots, and small helpers.

Each is imported when it is first asked for: the grader imports parts of this package where torch
would only cost time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lmcourse import corpus, drawings, plots, rungs, timeline, zoo
    from lmcourse.checks import check
    from lmcourse.devices import device
    from lmcourse.sliders import play
    from lmcourse.tables import table

__all__ = [
    "check",
    "corpus",
    "device",
    "drawings",
    "play",
    "plots",
    "rungs",
    "table",
    "timeline",
    "zoo",
]
__version__ = "0.1.0"

MODULES = {"check": "checks", "device": "devices", "play": "sliders", "table": "tables"}
"""The modules of what is not a module itself."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{MODULES.get(name, name)}")
    globals()[name] = found = getattr(module, name) if name in MODULES else module
    return found

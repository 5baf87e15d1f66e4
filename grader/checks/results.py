"""How a check went, as plain data: what a notebook, a report and a gradebook share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CaseResult:
    """How one case went, as feedback may show it: a hidden case keeps its name and outcome alone.

    `call` is the last call that was made, in dots if the case works on its result; `expected` and
    `came` describe the two values, `message` their first difference, and `line` says where in the
    notebook the code raised.
    """

    name: str
    passed: bool
    points: float
    hidden: bool = False
    call: str = ""
    expected: str = ""
    came: str = ""
    message: str = ""
    line: str = ""
    hint: str = ""
    explain: str = ""

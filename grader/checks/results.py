"""How a check went, as plain data: what a notebook, a report and a gradebook share."""

from dataclasses import dataclass

NOT_THIS = "not this one"
"""Is said of a wrong answer where the right one is not to be told."""


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


def details(fix: CaseResult) -> list[tuple[str, str]]:
    """Return what is known of a case that failed, as pairs of a title and a text."""
    # What was raised is all that came; and a difference of two short texts is seen.
    raised = bool(fix.came) and fix.message.startswith(fix.came)
    seen = fix.message == f"expected {fix.expected}, got {fix.came}"
    if fix.message == NOT_THIS:  # of a quiz, where the right answer is not told
        return [("your answer", f"{fix.came}, {fix.message}"), ("hint", fix.hint)]
    pairs = [
        ("call", fix.call),
        ("expected", fix.expected),
        ("got", fix.message if raised else fix.came),
        ("difference", "" if raised or seen else fix.message),
        ("where", fix.line),
        ("hint", fix.hint),
    ]
    return [(name, text) for name, text in pairs if text]

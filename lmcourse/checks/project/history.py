"""The row of the history: small commits that say why, nothing secret, and a second pair of eyes.

Whoever has the repository can write any history, so the row is worth few points.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import holds

FEWEST = 5
LARGEST = 400
"""Lines that a commit may change, but the first one, which `lmops new-project` wrote."""
SUBJECT = (10, 72)
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a key of AWS": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
    "a key of the service": re.compile(r"\blm_[A-Za-z0-9]{16,}"),
    "a connection string of Azure": re.compile(r"AccountKey=[A-Za-z0-9+/]{40,}"),
    "a password": re.compile(r"(?i)\bpassword\s*[:=]\s*['\"][^'\"\s$]{6,}['\"]"),
}
_REVIEWED = re.compile(r"^Reviewed-by: *(.+?) *(?:<.*)?$", re.MULTILINE)

History = list[dict[str, Any]]


def enough(commits: History) -> str:
    own = [one for one in commits if one["parents"] < 2]
    return "" if len(own) >= FEWEST else f"{len(own)} commits"


def small(commits: History) -> str:
    for one in commits:
        if one["parents"] == 1 and one["lines"] > LARGEST:
            return f"{one['name'][:8]} changes {one['lines']:,} lines"
    return ""


def telling(commits: History) -> str:
    own = [one for one in commits if one["parents"] < 2]
    subjects = [one["message"].partition("\n")[0] for one in own]
    for one, subject in zip(own, subjects, strict=True):
        if not SUBJECT[0] <= len(subject) <= SUBJECT[1]:
            return f"{one['name'][:8]} says {subject[:80]!r}"
        if subjects.count(subject) > 1:
            return f"several commits say {subject!r}"
    return ""


def nothing_secret(commits: History) -> str:
    for one in commits:
        for what, pattern in SECRETS.items():
            if pattern.search(one["patch"]):
                return f"{one['name'][:8]} adds {what}"
    return ""


def reviewed(commits: History) -> str:
    merges = [one for one in commits if one["parents"] > 1]
    if not merges:
        return "no change came by a merge"
    for one in merges:
        author = one["author"].partition(" <")[0]
        found = _REVIEWED.findall(one["message"])
        if not any(name.casefold() != author.casefold() for name in found):
            return f"{one['name'][:8]} names nobody else who has reviewed it"
    return ""


LOOKS: tuple[tuple[str, str, Callable[[History], str], str], ...] = (
    ("the commits", f"at least {FEWEST}", enough, "A commit for each idea."),
    (
        "the commits' size",
        f"after the first one at most {LARGEST} lines each",
        small,
        "A small change is one that a person can review.",
    ),
    (
        "the commits' first lines",
        f"{SUBJECT[0]} to {SUBJECT[1]} characters, each another",
        telling,
        "Say what the change is for: 'Stop the release when the gate says no'.",
    ),
    (
        "what the commits add",
        "no secret, in none of them",
        nothing_secret,
        "What was committed once stays in the history: withdraw the key, then rewrite the commit.",
    ),
    (
        "the merges",
        "each reviewed by somebody else",
        reviewed,
        "Bring a change to main by a pull request. Its merge commit says Reviewed-by: NAME.",
    ),
)


@exercise("project", "history", points=5, names=("history",))
def history(repository: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    known: list[History] = []

    def commits() -> History:
        if not known:
            known.append(repository.history())
        return known[0]

    for name, want, look, hint in LOOKS:
        asked = holds(name, want, lambda look=look: look(commits()), hint=hint)  # type: ignore[misc]
        yield replace(asked, form=look not in (enough, reviewed))  # one commit has no faults either

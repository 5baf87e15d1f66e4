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
_ALONE = re.compile(r"^Self-review: *\S.{19,}$", re.MULTILINE)
"""What was looked at, in 20 characters or more."""

History = list[dict[str, Any]]


def own_commits(commits: History) -> History:
    """Return the commits that change something: no merges, and no empty ones."""
    return [one for one in commits if len(one["parents"]) < 2 and one["lines"]]


def enough(commits: History) -> str:
    own = len(own_commits(commits))
    return "" if own >= FEWEST else f"{own} {'commit' if own == 1 else 'commits'} with changes"


def small(commits: History) -> str:
    for one in commits:
        if len(one["parents"]) == 1 and one["lines"] > LARGEST:
            return f"{one['name'][:8]} changes {one['lines']:,} lines"
    return ""


def telling(commits: History) -> str:
    own = own_commits(commits)
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
    """Return which merge nobody has reviewed.

    Somebody else has, if a Reviewed-by names another than its author, or if who merged has written
    none of what came, as where a colleague presses GitHub's button. Who works alone says with
    Self-review what they looked at.
    """
    merges = [one for one in commits if len(one["parents"]) > 1]
    if not merges:
        return "no change came by a merge"
    known = {one["name"]: one for one in commits}
    for one in merges:
        author = _name(one)
        named = any(name.casefold() != author for name in _REVIEWED.findall(one["message"]))
        writers = {_name(each) for each in _brought(one, known)}
        if not (named or _ALONE.search(one["message"]) or (writers and author not in writers)):
            return f"{one['name'][:8]} names nobody else who has reviewed it"
    return ""


def _name(commit: dict[str, Any]) -> str:
    author: str = commit["author"]
    return author.partition(" <")[0].casefold()


def _brought(merge: dict[str, Any], known: dict[str, dict[str, Any]]) -> History:
    """Return the commits that a merge brought: behind its other parents, not behind its first."""

    def behind(names: list[str]) -> set[str]:
        seen: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in known and name not in seen:
                seen.add(name)
                waiting += known[name]["parents"]
        return seen

    first, *others = merge["parents"]
    return [known[name] for name in behind(others) - behind([first])]


LOOKS: tuple[tuple[str, str, Callable[[History], str], str], ...] = (
    (
        "the commits",
        f"at least {FEWEST}",
        enough,
        "A commit for each idea; one that changes nothing does not count.",
    ),
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
        "Bring a change to main by a merge that somebody else makes, or that says Reviewed-by: "
        "NAME. Who works alone writes Self-review: and what they looked at.",
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

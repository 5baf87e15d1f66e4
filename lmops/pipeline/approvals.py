"""Whether a commit may go into an environment: what the ledger says.

An approval is a line of the ledger for one commit and one environment. Whoever's change it is, or
who asked for the run, cannot be who approves it: the rule stands here, is asked before a line is
written and again of each line that is read. The last line that counts holds.
"""

from collections.abc import Iterable, Sequence

from lmcourse.pipelines.runs import Approval
from lmops.ledger import Entry
from lmops.roles import same_person
from lmops.state import State, fold, no_right

APPROVE = "approve environment"
REJECT = "reject environment"


def no_approval(state: State, by: str, authors: Iterable[str]) -> str | None:
    """Return why `by` may not say whether a change of `authors` goes on; None if they may.

    Once roles were given, it takes that of a reviewer, as it does to approve a version.
    """
    if problem := no_right(state, by, "approve"):
        return problem
    if any(same_person(by, each) or same_person(by, each.partition("@")[0]) for each in authors):
        return f"{by} made this change, and somebody else has to approve it"
    return None


def answer(
    entries: Sequence[Entry], environment: str, commit: str, authors: Iterable[str]
) -> Approval:
    """Return what the ledger says of `commit` and `environment`."""
    authors, state = tuple(authors), fold(entries)
    found = Approval("missing")
    for entry in entries:
        if entry.event not in (APPROVE, REJECT) or no_approval(state, entry.by, authors):
            continue
        named = str(entry.details.get("environment", ""))
        if named.lower() == environment.lower() and entry.details.get("commit") == commit:
            found = Approval("given" if entry.event == APPROVE else "rejected", entry.by)
    return found

"""Whether a commit may go into an environment: what the ledger says.

An approval is a line of the ledger for one commit and one environment. Whoever's change it is, or
who asked for the run, cannot be who approves it: the rule stands here, is asked before a line is
written and again of each line that is read. The last line that counts holds.
"""

from collections.abc import Iterable

from lmcourse.pipelines.runs import Approval
from lmops.ledger import Entry
from lmops.roles import same_person

APPROVE = "approve environment"
REJECT = "reject environment"


def no_approval(by: str, authors: Iterable[str]) -> str | None:
    """Return why `by` may not say whether a change of `authors` goes on; None if they may."""
    if any(same_person(by, each) or same_person(by, each.partition("@")[0]) for each in authors):
        return f"{by} made this change, and somebody else has to approve it"
    return None


def answer(
    entries: Iterable[Entry], environment: str, commit: str, authors: Iterable[str]
) -> Approval:
    """Return what the ledger says of `commit` and `environment`."""
    authors = tuple(authors)
    found = Approval("missing")
    for entry in entries:
        if entry.event not in (APPROVE, REJECT) or no_approval(entry.by, authors):
            continue
        named = str(entry.details.get("environment", ""))
        if named.lower() == environment.lower() and entry.details.get("commit") == commit:
            found = Approval("given" if entry.event == APPROVE else "rejected", entry.by)
    return found

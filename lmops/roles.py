"""Who may do what: a small table, and whose name is whose.

Roles are held by the ledger (`lmops.state`): as long as nobody was granted one, everybody may do
everything, and only four eyes are asked for. From the first grant on the table holds.
"""

import unicodedata

ROLES: dict[str, frozenset[str]] = {
    "admin": frozenset({"grant", "withdraw"}),
    "developer": frozenset({"register", "retrain"}),
    "reviewer": frozenset({"approve"}),
    "operator": frozenset({"promote", "rollout", "rollback", "retire"}),
    "steward": frozenset({"erase"}),
}
"""What each role may do, by the events of the ledger. A steward answers for people's data."""

PLATFORM = "lmops"
"""The name in the lines that no person answers for, such as what a gate said."""

PERSONS = frozenset({"approve", "erase", "grant", "withdraw"})
"""What the platform never does by itself."""


def roles_for(event: str) -> list[str]:
    """Return the roles that may do this; none if everybody may."""
    return [role for role, events in ROLES.items() if event in events]


def plain(name: str) -> str:
    """Return the name without what does not make another person: case, spaces, forms of letters."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def same_person(one: str, other: str) -> bool:
    """Say whether these are one name."""
    return plain(one) == plain(other)

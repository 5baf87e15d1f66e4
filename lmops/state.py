"""Which versions there are, and what holds for each: a fold over the ledger, and nothing else.

The rules stand here too, once: a command asks them before it writes, and the fold asks them again
of each line that it reads. So a line that somebody wrote past the commands changes nothing, and is
named.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from lmops.ledger import Entry

CHAMPION = "champion"
CHALLENGER = "challenger"
ALIASES = (CHAMPION, CHALLENGER)
"""The version that is served, and the one that is to take its place."""


@dataclass(frozen=True)
class Version:
    """A registered model, by what the ledger says of it."""

    version: str
    registered_by: str
    registered_at: str
    lineage: dict[str, str]
    line: int
    hash: str
    """The number and the hash of the ledger's line that registered it."""
    gate: dict[str, Any] | None = None
    """What the last gate said: `passed`, `reasons` and more; None where none was asked."""
    approved_by: str | None = None

    @property
    def verdict(self) -> str | None:
        """What the last gate said, in a word; None where none was asked."""
        return None if self.gate is None else "passed" if self.passed else "blocked"

    @property
    def passed(self) -> bool:
        """Whether the last gate let it through."""
        return self.gate is not None and self.gate.get("passed") is True


@dataclass
class State:
    """What holds after some lines of a ledger."""

    versions: dict[str, Version] = field(default_factory=dict)
    """By version, in the order in which they were registered."""
    aliases: dict[str, str] = field(default_factory=dict)
    irregular: list[str] = field(default_factory=list)
    """The lines that break a rule, and so count for nothing."""
    _gates: dict[str, dict[str, Any]] = field(default_factory=dict)

    def names(self, version: str) -> list[str]:
        """Return the aliases of a version."""
        return [alias for alias in ALIASES if self.aliases.get(alias) == version]


def fold(entries: Iterable[Entry]) -> State:
    """Return what holds after these lines."""
    state = State()
    for entry in entries:
        if problem := _apply(state, entry):
            state.irregular.append(f"line {entry.number}: {entry.event} {entry.version}: {problem}")
    return state


def _apply(state: State, entry: Entry) -> str | None:
    """Have one line change the state, unless a rule is against it: return what it says."""
    version, details = entry.version, entry.details
    if entry.event not in ("gate", "register", "approve", "promote"):
        return None  # told, and of no effect on versions
    if version is None:
        return "names no version"
    known = state.versions.get(version)
    if entry.event == "gate":
        state._gates[version] = details
        if known:
            state.versions[version] = replace(known, gate=details)
    elif entry.event == "register":
        if known:
            return "it is registered already"
        lineage = details.get("lineage")
        if not isinstance(lineage, dict):
            return "does not say what it was made of"
        lineage = {name: str(value) for name, value in lineage.items()}
        state.versions[version] = Version(
            version,
            entry.by,
            entry.time,
            lineage,
            entry.number,
            entry.hash,
            gate=state._gates.get(version),
        )
    elif entry.event == "approve":
        if problem := no_approval(state, version, entry.by):
            return problem
        state.versions[version] = replace(state.versions[version], approved_by=entry.by)
    else:
        alias = details.get("alias")
        if problem := no_promotion(state, version, alias):
            return problem
        # One that rises to champion is not at the same time the one to take its place.
        state.aliases = {a: v for a, v in state.aliases.items() if v != version}
        state.aliases[str(alias)] = version
    return None


# --- The rules ---------------------------------------------------------------------------------


def no_approval(state: State, version: str, by: str) -> str | None:
    """Return why `by` may not approve a version, and what to type; None if they may.

    Four eyes: whoever registered a version cannot be the one who approves it. Names are what
    people say they are; nothing proves them here.
    """
    known = state.versions.get(version)
    if known is None:
        return f"it is not registered. Type: lmops register BUNDLE --by NAME{_these(state)}"
    if not known.passed:
        return _not_passed(known)
    if same_person(known.registered_by, by):
        return (
            f"{known.registered_by} registered it, so somebody else has to approve it. "
            f"Type: lmops approve {version} --by SOMEBODY-ELSE"
        )
    return None


def no_promotion(state: State, version: str, alias: object) -> str | None:
    """Return why a version may not be given an alias, and what to type; None if it may.

    Both champion and challenger answer people, so both need a gate that passed; and whatever is to
    be the champion somebody must have approved.
    """
    known = state.versions.get(version)
    if alias not in ALIASES:
        return f"there is no alias {alias!r}; there are {' and '.join(ALIASES)}"
    if known is None:
        return f"it is not registered. Type: lmops register BUNDLE --by NAME{_these(state)}"
    if not known.passed:
        return _not_passed(known)
    if alias == CHAMPION and known.approved_by is None:
        return f"nobody has approved it. Type: lmops approve {version} --by NAME"
    if alias == CHALLENGER and state.aliases.get(CHAMPION) == version:
        return "it is the champion already"
    return None


def _not_passed(known: Version) -> str:
    if known.gate is None:
        return f"no gate was asked. Type: lmops gate {known.version} --objective objective.yaml"
    reasons = "; ".join(map(str, known.gate.get("reasons", []))) or "no reason was given"
    return f"the gate said no: {reasons}"


def _these(state: State) -> str:
    versions = ", ".join(state.versions)
    return f" (registered are: {versions})" if versions else ""


def same_person(one: str, other: str) -> bool:
    """Are these one name? Case, spaces and other forms of a letter do not make another person."""

    def plain(name: str) -> str:
        return "".join(unicodedata.normalize("NFKC", name).casefold().split())

    return plain(one) == plain(other)

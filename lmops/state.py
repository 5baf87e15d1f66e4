"""Which versions there are, and what holds for each: a fold over the ledger, and nothing else.

The rules stand here too, once: a command asks them before it writes, and the fold asks them again
of each line that it reads. So a line that somebody wrote past the commands changes nothing, and is
named.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from lmops.ledger import Entry
from lmops.roles import PERSONS, PLATFORM, ROLES, plain, roles_for, same_person

CHAMPION = "champion"
CHALLENGER = "challenger"
ALIASES = (CHAMPION, CHALLENGER)
"""The version that is served, and the one that is to take its place."""


@dataclass(frozen=True)
class Retirement:
    """How a version ended: who took it out of service, when, and what is left of it."""

    by: str
    at: str
    reason: str
    successor: str | None
    """The version to ask in its place; None if there is none."""
    archive: str
    """The SHA-256 of the file in which all but its weights is kept."""


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
    served: bool = False
    """Whether it was ever the champion."""
    retired: Retirement | None = None

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
    roles: dict[str, dict[str, str]] = field(default_factory=dict)
    """For each role who has it: as they are spelt, by their plain name. Empty before any grant."""
    irregular: list[str] = field(default_factory=list)
    """The lines that break a rule, and so count for nothing."""
    _gates: dict[str, dict[str, Any]] = field(default_factory=dict)

    def names(self, version: str) -> list[str]:
        """Return the aliases of a version."""
        return [alias for alias in ALIASES if self.aliases.get(alias) == version]

    def has_role(self, person: str, role: str) -> bool:
        """Say whether somebody has a role."""
        return plain(person) in self.roles.get(role, {})

    @property
    def kept(self) -> list[str]:
        """The versions whose bundles are kept: those that are not retired."""
        return [name for name, one in self.versions.items() if one.retired is None]


def fold(entries: Iterable[Entry]) -> State:
    """Return what holds after these lines."""
    state = State()
    for entry in entries:
        if problem := _apply(state, entry):
            state.irregular.append(f"line {entry.number}: {entry.event} {entry.version}: {problem}")
    return state


def _apply(state: State, entry: Entry) -> str | None:
    """Have one line change the state, unless a rule is against it: return what it says."""
    if entry.event in ("grant", "withdraw"):
        return _apply_role(state, entry)
    if problem := no_right(state, entry.by, entry.event):
        return problem
    if entry.event not in _APPLY:
        return None  # told, and of no effect on versions
    if entry.version is None:
        return "names no version"
    return _APPLY[entry.event](state, entry, entry.version)


def _apply_gate(state: State, entry: Entry, version: str) -> str | None:
    state._gates[version] = entry.details
    if known := state.versions.get(version):
        state.versions[version] = replace(known, gate=entry.details)
    return None


def _apply_register(state: State, entry: Entry, version: str) -> str | None:
    if version in state.versions:
        return "it is registered already"
    lineage = entry.details.get("lineage")
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
    return None


def _apply_approve(state: State, entry: Entry, version: str) -> str | None:
    if problem := no_approval(state, version, entry.by):
        return problem
    state.versions[version] = replace(state.versions[version], approved_by=entry.by)
    return None


def _apply_promote(state: State, entry: Entry, version: str) -> str | None:
    alias = entry.details.get("alias")
    if problem := no_promotion(state, version, alias):
        return problem
    # One that rises to champion is not at the same time the one to take its place.
    state.aliases = {a: v for a, v in state.aliases.items() if v != version}
    state.aliases[str(alias)] = version
    if alias == CHAMPION:
        state.versions[version] = replace(state.versions[version], served=True)
    return None


def _apply_retire(state: State, entry: Entry, version: str) -> str | None:
    successor, archive, reason = (
        entry.details.get(name) for name in ("successor", "archive", "reason")
    )
    if not isinstance(archive, str) or not isinstance(reason, str):
        return "does not say why, or what is kept of it"
    if problem := no_retirement(state, version, successor):
        return problem
    state.aliases = {a: v for a, v in state.aliases.items() if v != version}
    ended = Retirement(entry.by, entry.time, reason, successor, archive)
    state.versions[version] = replace(state.versions[version], retired=ended)
    return None


_APPLY = {
    "gate": _apply_gate,
    "register": _apply_register,
    "approve": _apply_approve,
    "promote": _apply_promote,
    "retire": _apply_retire,
}


def _apply_role(state: State, entry: Entry) -> str | None:
    person, role = entry.details.get("person"), entry.details.get("role")
    if not isinstance(person, str) or not isinstance(role, str):
        return "does not say who, or which role"
    if problem := no_change_of_role(state, entry.event, person, role, entry.by):
        return problem
    if entry.event == "grant":
        state.roles.setdefault(role, {})[plain(person)] = person
        return None
    del state.roles[role][plain(person)]
    if role in roles_for("approve"):
        # What they approved and nobody has used yet, somebody who may has to approve again.
        for name, one in state.versions.items():
            if one.approved_by and same_person(one.approved_by, person) and not one.served:
                state.versions[name] = replace(one, approved_by=None)
    return None


# --- The rules ---------------------------------------------------------------------------------


def no_right(state: State, by: str, event: str) -> str | None:
    """Return why `by` may not do this, and what to type; None if they may."""
    roles = roles_for(event)
    if not state.roles or not roles:
        return None
    if by == PLATFORM:
        return "the platform does not do this by itself" if event in PERSONS else None
    if any(state.has_role(by, role) for role in roles):
        return None
    who = ", ".join(name for role in roles for name in state.roles.get(role, {}).values())
    return (
        f"{by} may not {event}: that takes the role {' or '.join(roles)}, which "
        f"{who or 'nobody'} has. Type: lmops roles grant {by!r} {roles[0]} --by ADMIN"
    )


def no_change_of_role(state: State, event: str, person: str, role: str, by: str) -> str | None:
    """Return why `by` may not grant a role to a person, or withdraw it; None if they may.

    The first grant makes somebody admin, and is anybody's. From then on admins alone may, for
    others than themselves; and there is always one.
    """
    if role not in ROLES:
        return f"there is no role {role!r}; there are {', '.join(ROLES)}"
    if not state.roles:
        if (event, role) == ("grant", "admin"):
            return None
        return f"there must be an admin first. Type: lmops roles grant NAME admin --by {by!r}"
    if problem := no_right(state, by, event):
        return problem
    if event == "grant":
        if same_person(person, by):
            return f"nobody grants themselves a role: another admin than {by} has to do it"
    elif not state.has_role(person, role):
        return f"{person} has not the role {role}"
    elif role == "admin" and len(state.roles["admin"]) == 1:
        return f"{person} is the last admin: grant the role to somebody else first"
    return None


def no_approval(state: State, version: str, by: str) -> str | None:
    """Return why `by` may not approve a version, and what to type; None if they may.

    Four eyes: whoever registered a version cannot be the one who approves it, whatever roles they
    have. Names are what people say they are; nothing proves them here.
    """
    if problem := no_right(state, by, "approve"):
        return problem
    known = state.versions.get(version)
    if known is None:
        return f"it is not registered. Type: lmops register BUNDLE --by NAME{_these(state)}"
    if known.retired:
        return _retired(known)
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
    if known.retired:
        return _retired(known)
    if not known.passed:
        return _not_passed(known)
    if alias == CHAMPION and known.approved_by is None:
        return f"nobody has approved it. Type: lmops approve {version} --by NAME"
    if alias == CHALLENGER and state.aliases.get(CHAMPION) == version:
        return "it is the champion already"
    return None


def no_retirement(state: State, version: str, successor: object) -> str | None:
    """Return why a version may not be retired for a `successor`, and what to type.

    The champion answers people, so another one must take its place first; and a pointer must lead
    to a version that is there.
    """
    known = state.versions.get(version)
    if known is None:
        return f"it is not registered{_these(state)}. To see what is: lmops models"
    if known.retired:
        return f"{known.retired.by} retired it already"
    if state.aliases.get(CHAMPION) == version:
        return "it is the champion. Type first: lmops promote ANOTHER-VERSION --by NAME"
    if successor is not None and (successor == version or successor not in state.kept):
        return f"its successor {successor} is not there. To see what is: lmops models"
    return None


def _retired(known: Version) -> str:
    assert known.retired
    return f"{known.retired.by} retired it on {known.retired.at[:10]}"


def _not_passed(known: Version) -> str:
    if known.gate is None:
        return f"no gate was asked. Type: lmops gate {known.version} --objective objective.yaml"
    reasons = "; ".join(map(str, known.gate.get("reasons", []))) or "no reason was given"
    return f"the gate said no: {reasons}"


def _these(state: State) -> str:
    versions = ", ".join(state.versions)
    return f" (registered are: {versions})" if versions else ""

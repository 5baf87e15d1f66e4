"""The checks of `promote`."""

from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, public_and_hidden
from lmcourse.checks.package_and_register.bundles import LESSON, word

Entry = dict[str, Any]


@probe
def promotions(_: dict[str, Any], promote: Callable[..., Any], asked: list[Any]) -> Any:
    """Return for each of the entries, version and person what `promote` returns, or why not."""
    given = []
    for entries, version, by in asked:
        try:
            given.append(promote(entries, version, by))
        except PermissionError as error:
            given.append(f"PermissionError: {error}")
    return None if all(part is None for part in given) else given


def _entry(event: str, version: str, by: str, **details: Any) -> Entry:
    return {"event": event, "version": version, "by": by, "details": details}


class _Life:
    """What happens to versions, in names that are drawn."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self.version, self.other, self.champion = (f"{rng.integers(2**62):016x}" for _ in range(3))
        self.author, self.second, self.boss = (word(rng) for _ in range(3))

    def registered(self, version: str = "") -> Entry:
        return _entry("registered", version or self.version, self.author)

    def gated(self, passed: Any = True, version: str = "") -> Entry:
        return _entry("gated", version or self.version, word(self.rng), passed=passed)

    def approved(self, by: str = "", version: str = "") -> Entry:
        return _entry("approved", version or self.version, by or self.second)

    def promoted(self, version: str) -> Entry:
        return _entry("promoted", version, self.boss, replaces=None)

    def others(self) -> list[Entry]:
        """Return the whole way of another version, up to its promotion."""
        version = self.champion
        steps = self.registered(version), self.gated(True, version), self.approved("", version)
        return [*steps, self.promoted(version)]


Draw = Callable[[_Life], list[Entry]]


def _fresh(life: _Life) -> list[Entry]:
    return [life.registered(), life.gated(), life.approved()]


def _after_others(life: _Life) -> list[Entry]:
    return [life.registered(life.other), *life.others(), *_fresh(life)]


def _gated_as(said: Any) -> Draw:
    return lambda life: [life.registered(), life.gated(said), life.approved()]


def _registered_twice(place: int) -> Draw:
    """Return the fate of a version that two registered, of whom one approves."""

    def draw(life: _Life) -> list[Entry]:
        again = _entry("registered", life.version, life.second)
        judge = (life.author, life.second)[place]
        return [life.registered(), again, life.gated(), life.approved(judge)]

    return draw


def _approved_twice(order: int) -> Draw:
    """Return the fate of a version that who made it and another approve, one before the other."""

    def draw(life: _Life) -> list[Entry]:
        both = [life.approved(life.author), life.approved()]
        return [life.registered(), life.gated(), *both[::order]]

    return draw


def _told(entry: Entry) -> str:
    passed = f" {entry['details'].get('passed')!r}" if entry["event"] == "gated" else ""
    return f"{entry['event']}{passed} by {entry['by']}"


def _said(answer: Any) -> str:
    """Return what `promote` answered, in a few words."""
    if isinstance(answer, str):
        return repr(answer.removeprefix("PermissionError: "))
    match answer:
        case {"details": {"replaces": champion}}:
            return f"a promotion that replaces {champion}"
    return repr(answer)[:40]


@exercise(LESSON, "promote", points=3)
def promote(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def about(name: str, *befell: Draw, hint: str, beside: Draw = _fresh) -> Iterator[Case]:
        """Yield the case of five versions or more, in any order, each with a fate of `befell`.

        At least two of them have that of `beside` in its place.
        """
        fates = list(befell) * (int(rng.integers(1, 4)) if len(befell) == 1 else 1)
        fates += [beside] * max(2, 5 - len(fates))
        asked = []
        for place in rng.permutation(len(fates)).tolist():
            life = _Life(rng)
            asked.append([fates[place](life), life.version, life.boss])
        wanted = reference.probe(promotions, reference.promote, asked)

        def odd() -> str:
            given = student.probe(promotions, student.promote, asked)
            if given is None:
                return "None"
            for (entries, version, _), one, want in zip(asked, given, wanted, strict=True):
                if one != want:
                    way = ", ".join(
                        _told(entry) for entry in entries if entry["version"] == version
                    )
                    return f"{_said(one)} in place of {_said(want)} after: {way}"
            return ""

        yield holds(
            name,
            "the right answer for each of these versions",
            odd,
            hint=f"({len(fates)} versions were asked about; you see the first that went wrong.) "
            + hint,
        )

    def each() -> Iterator[Case]:
        yield from about(
            "all is there, and there is no champion yet",
            _fresh,
            hint='Return the entry that is to be written: {"event": "promoted", "version": '
            'version, "by": by, "details": {"replaces": ...}}, with None where nothing was '
            "promoted yet.",
        )
        yield from about(
            "there is a champion, or there were several, one after the other",
            lambda life: [life.registered(life.other), *life.others(), *_fresh(life)],
            lambda life: [*life.others(), life.promoted(life.other), *_fresh(life)],
            hint='The champion is the version of the *last* entry that says "promoted", of '
            "whatever version: look at all entries, and not at those of this version alone.",
        )
        yield from about(
            "it was in service once, and comes back",
            lambda life: [*_fresh(life), life.promoted(life.version), life.promoted(life.other)],
            lambda life: [*_fresh(life), life.promoted(life.version)],
            hint="To go back is to move the alias back: what was promoted before may be promoted "
            "again, under the same three rules and no other.",
        )
        yield from about(
            "nobody registered it",
            lambda life: [*life.others(), life.gated(), life.approved()],
            hint='No entry "registered" of this version: '
            '`raise PermissionError("not registered")`.',
        )
        yield from about(
            "nobody registered it, and the gate was not asked",
            lambda life: [*life.others(), life.approved()],
            lambda life: [life.gated(False), life.approved()],
            lambda life: life.others(),
            hint="Of the three messages it is the *first* that is true: whether it was registered "
            "comes before the gate.",
        )
        yield from about(
            "it was never gated",
            lambda life: [*life.others(), life.registered(), life.approved()],
            hint='No entry "gated" of this version: `raise PermissionError("not gated")`. What '
            "other versions have passed says nothing of this one.",
        )
        yield from about(
            "the gate blocked it",
            lambda life: [life.registered(), life.gated(False), life.approved()],
            hint="A gate that was asked is not a gate that let through: look at "
            '["details"]["passed"], and else `raise PermissionError("not gated")`.',
        )
        yield from about(
            "it passed, and was blocked later",
            lambda life: [
                life.registered(),
                life.gated(),
                life.approved(),
                life.gated(False),
                life.approved(),
            ],
            hint="The last gate counts, not the best one.",
        )
        yield from about(
            "it was blocked, and passed later",
            lambda life: [life.registered(), life.gated(False), life.gated(), life.approved()],
            hint="The last gate counts, not the worst one.",
            beside=lambda life: [life.registered(), life.gated(False), life.approved()],
        )
        yield from about(
            "a gate that says 1",
            lambda life: [life.registered(), life.gated(1), life.approved()],
            hint="Only `is True` is a pass. For Python 1 == True; and who wrote a 1 there may have "
            "counted something.",
        )
        yield from about(
            "a gate that says something else than True or False",
            *(_gated_as(said) for said in (None, "no", 2, "True")),
            hint='Only `is True` is a pass. "no" is a text that is not empty, and Python takes it '
            'for true; and "True" in quotes is a text as well.',
        )
        yield from about(
            "a gate that says nothing",
            lambda life: [
                life.registered(),
                life.gated() | {"details": {word(rng): True}},
                life.approved(),
            ],
            hint='"passed" may be missing in the details: `.get("passed")` is None then, and '
            '["passed"] raises KeyError.',
        )
        yield from about(
            "nobody approved it",
            lambda life: [*life.others(), life.registered(), life.gated()],
            hint='No entry "approved" of this version: `raise PermissionError("not approved")`. '
            "What other versions have says nothing of this one.",
        )
        yield from about(
            "it was approved by who registered it",
            lambda life: [life.registered(), life.gated(), life.approved(life.author)],
            hint="Four eyes see more than two: an approval by the one who registered it does not "
            'count. `raise PermissionError("not approved")`.',
        )
        yield from about(
            "two people registered it, and one of them approved it",
            *(_registered_twice(place) for place in (0, 1)),
            hint="Whoever registered this version cannot approve it, however many they are: keep "
            'the set of all who stand in its entries "registered".',
        )
        yield from about(
            "it was approved by who registered it, and by another",
            *(_approved_twice(order) for order in (1, -1)),
            hint="One approval that counts is enough, whatever else is there: look at all of them.",
            beside=lambda life: [life.registered(), life.gated(), life.approved(life.author)],
        )
        yield from about(
            "it was approved first, and gated afterwards",
            lambda life: [life.registered(), life.approved(), life.gated()],
            hint="Who approved had not seen the gate's answer: only approvals after the last gate "
            "count.",
        )
        yield from about(
            "who asks is who registered it, or who approved it",
            lambda life: [
                _entry("registered", life.version, life.boss),
                life.gated(),
                life.approved(),
            ],
            lambda life: [life.registered(), life.gated(), life.approved(life.boss)],
            hint="Who carries it out may be anyone; `by` only goes into the entry.",
        )

    yield from public_and_hidden(each)
    life = _Life(rng)
    entries = _after_others(life)
    yield arguments_stay(
        "the entries stay as they were",
        student,
        "promote",
        entries,
        life.version,
        life.boss,
        answer=reference.promote(entries, life.version, life.boss),
        hint="Return the new entry; whoever called you writes it. `entries.append` changes the "
        "caller's list.",
        points=0.5,
    )

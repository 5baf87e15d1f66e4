"""The checks of `promote`."""

from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, public_and_hidden
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

    def both_ways(self, entries: list[Entry]) -> list[Entry]:
        """Return the entries in any order."""
        return [entries[int(place)] for place in self.rng.permutation(len(entries))]

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


@exercise(LESSON, "promote", points=3)
def promote(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def about(name: str, draw: Draw, hint: str, beside: Draw = _after_others) -> Iterator[Case]:
        """Yield the case of five versions, in any order, of which this befell some."""
        count = int(rng.integers(1, 4))
        asked = []
        for place in rng.permutation(5).tolist():
            life = _Life(rng)
            asked.append([(draw if place < count else beside)(life), life.version, life.boss])
        yield case(
            name,
            lambda: student.probe(promotions, student.promote, asked),
            reference.probe(promotions, reference.promote, asked),
            hint=f"(Five versions were asked about, and this befell some of them.) {hint}",
        )

    def each() -> Iterator[Case]:
        yield from about(
            "all is there, and there is no champion yet",
            _fresh,
            'Return the entry that is to be written: {"event": "promoted", "version": version, '
            '"by": by, "details": {"replaces": ...}}, with None where nothing was promoted yet.',
        )
        yield from about(
            "several champions, one after the other",
            lambda life: [*life.others(), life.promoted(life.other), *_fresh(life)],
            'The champion is the version of the *last* entry that says "promoted", of whatever '
            "version: so one can go back.",
        )
        yield from about(
            "nobody registered it",
            lambda life: [*life.others(), life.gated(), life.approved()],
            'No entry "registered" of this version: `raise PermissionError("not registered")`.',
        )
        yield from about(
            "it was never gated",
            lambda life: [*life.others(), life.registered(), life.approved()],
            'No entry "gated" of this version: `raise PermissionError("not gated")`. What other '
            "versions have passed says nothing of this one.",
        )
        yield from about(
            "the gate blocked it",
            lambda life: [life.registered(), life.gated(False), life.approved()],
            'A gate that was asked is not a gate that let through: look at ["details"]["passed"], '
            'and else `raise PermissionError("not gated")`.',
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
            "The last gate counts, not the best one.",
        )
        yield from about(
            "it was blocked, and passed later",
            lambda life: [life.registered(), life.gated(False), life.gated(), life.approved()],
            "The last gate counts, not the worst one.",
            lambda life: [life.registered(), life.gated(False), life.approved()],
        )
        yield from about(
            "a gate that says 1",
            lambda life: [life.registered(), life.gated(1), life.approved()],
            "Only `is True` is a pass. For Python 1 == True; and who wrote a 1 there may have "
            "counted something.",
        )
        yield from about(
            "a gate that says something else than True or False",
            lambda life: [
                life.registered(),
                life.gated([None, "no", 2, "True"][int(rng.integers(4))]),
                life.approved(),
            ],
            'Only `is True` is a pass. "no" is a text that is not empty, and Python takes it for '
            "true.",
        )
        yield from about(
            "a gate that says nothing",
            lambda life: [
                life.registered(),
                life.gated() | {"details": {word(rng): True}},
                life.approved(),
            ],
            '"passed" may be missing in the details: `.get("passed")` is None then, and '
            '["passed"] raises KeyError.',
        )
        yield from about(
            "nobody approved it",
            lambda life: [*life.others(), life.registered(), life.gated()],
            'No entry "approved" of this version: `raise PermissionError("not approved")`. What '
            "other versions have says nothing of this one.",
        )
        yield from about(
            "it was approved by who registered it",
            lambda life: [life.registered(), life.gated(), life.approved(life.author)],
            "Four eyes see more than two: an approval by the one who registered it does not "
            'count. `raise PermissionError("not approved")`.',
        )
        yield from about(
            "it was approved by who registered it, and by another",
            lambda life: [
                life.registered(),
                life.gated(),
                *life.both_ways([life.approved(life.author), life.approved()]),
            ],
            "One approval that counts is enough, whatever else is there: look at all of them.",
            lambda life: [life.registered(), life.gated(), life.approved(life.author)],
        )
        yield from about(
            "it was approved first, and gated afterwards",
            lambda life: [life.registered(), life.approved(), life.gated()],
            "Who approved had not seen the gate's answer: only approvals after the last gate "
            "count.",
        )
        yield from about(
            "who asks is who registered it, and another approved it",
            lambda life: [
                _entry("registered", life.version, life.boss),
                life.gated(),
                life.approved(),
            ],
            "Who carries it out may be anyone; `by` only goes into the entry.",
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

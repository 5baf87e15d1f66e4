"""The checks of `promote`."""

from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.package_and_register.bundles import LESSON, word

Entry = dict[str, Any]


@probe
def promotion(
    _: dict[str, Any], promote: Callable[..., Any], entries: list[Entry], version: str, by: str
) -> Any:
    """Return what `promote` returns, or why it refuses."""
    try:
        return promote(entries, version, by)
    except PermissionError as error:
        return f"PermissionError: {error}"


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


@exercise(LESSON, "promote", points=3)
def promote(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def about(name: str, draw: Callable[[_Life], list[Entry]], hint: str) -> Iterator[Case]:
        life = _Life(rng)
        asked = draw(life), life.version, life.boss
        yield case(
            name,
            lambda: student.probe(promotion, student.promote, *asked),
            reference.probe(promotion, reference.promote, *asked),
            hint=hint,
        )

    def each() -> Iterator[Case]:
        yield from about(
            "all is there, and there is no champion yet",
            lambda life: [life.registered(), life.gated(), life.approved()],
            'Return the entry that is to be written: {"event": "promoted", "version": version, '
            '"by": by, "details": {"replaces": None}}.',
        )
        yield from about(
            "all is there, and another version is the champion",
            lambda life: [*life.others(), life.registered(), life.gated(), life.approved()],
            '"replaces" is the version of the last entry that says "promoted": so one can go back.',
        )
        yield from about(
            "several champions, one after the other",
            lambda life: [
                *life.others(),
                life.promoted(life.other),
                life.registered(),
                life.gated(),
                life.approved(),
            ],
            'The champion is the version of the *last* entry that says "promoted".',
        )
        yield from about(
            "a version that nobody registered",
            lambda life: [*life.others(), life.gated(), life.approved()],
            'No entry "registered" of this version: `raise PermissionError("not registered")`.',
        )
        yield from about(
            "a version that was never gated",
            lambda life: [*life.others(), life.registered(), life.approved()],
            'No entry "gated" of this version: `raise PermissionError("not gated")`. What other '
            "versions have passed says nothing of this one.",
        )
        yield from about(
            "a version that the gate blocked",
            lambda life: [life.registered(), life.gated(False), life.approved()],
            'A gate that was asked is not a gate that let through: look at ["details"]["passed"], '
            'and else `raise PermissionError("not gated")`.',
        )
        yield from about(
            "a version that passed, and was blocked later",
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
            "a version that was blocked, and passed later",
            lambda life: [life.registered(), life.gated(False), life.gated(), life.approved()],
            "The last gate counts, not the worst one.",
        )
        for odd in ("no", 1, None):
            yield from about(
                f"a gate that says {odd!r}",
                lambda life, odd=odd: [life.registered(), life.gated(odd), life.approved()],  # type: ignore[misc]
                'Only `is True` is a pass. "no" is a text that is not empty, and Python takes it '
                "for true.",
            )
        yield from about(
            "a version that nobody approved",
            lambda life: [*life.others(), life.registered(), life.gated()],
            'No entry "approved" of this version: `raise PermissionError("not approved")`.',
        )
        yield from about(
            "a version that was approved by who registered it",
            lambda life: [life.registered(), life.gated(), life.approved(life.author)],
            "Four eyes see more than two: an approval by the one who registered it does not count. "
            '`raise PermissionError("not approved")`.',
        )
        yield from about(
            "approved by who registered it, and then by another",
            lambda life: [
                life.registered(),
                life.gated(),
                life.approved(life.author),
                life.approved(),
            ],
            "One approval that counts is enough, whatever else is there: look at all of them.",
        )
        yield from about(
            "approved first, gated afterwards",
            lambda life: [life.registered(), life.approved(), life.gated()],
            "Who approved had not seen the gate's answer: only approvals after the last gate count.",
        )

    yield from public_and_hidden(each)

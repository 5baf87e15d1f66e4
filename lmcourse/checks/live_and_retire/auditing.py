"""The checks of `audit`: which lines of a ledger break which rule."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.live_and_retire.drawing import LESSON, PEOPLE, all_stays, asked, codes, some

Line = dict[str, Any]


def did(event: str, version: str, by: str, **more: Any) -> Line:
    return {"event": event, "version": version, "by": by, **more}


@exercise(LESSON, "audit", points=3)
def audit(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def tried(name: str, *ledgers: list[Line], hint: str) -> Case:
        questions = [([*quiet(), *ledger],) for ledger in ledgers]
        return asked(name, student, reference, rng, "audit", *questions, hint=hint)

    def quiet() -> list[Line]:
        """Return lines that break no rule, so that no line has the same number twice."""
        (version,) = codes(rng, 1)
        return [did("serve", version, "service") for _ in range(int(rng.integers(0, 40)))]

    def cases() -> Iterator[Case]:
        dev, rev, ops = some(rng, PEOPLE, 3)
        version, second = codes(rng, 2)
        passed = did("gate", version, "gate", passed=True)
        failed = did("gate", version, "gate", passed=False)
        made = did("register", version, dev)
        approved = did("approve", version, rev)
        alone = did("approve", version, dev)
        promoted = did("promote", version, ops)
        retired = did("retire", version, ops)
        served = did("serve", version, "service")
        good = [passed, made, approved, promoted, served, retired]
        yield tried(
            "nothing is wrong, and one line is",
            good,
            [],
            [made, alone],
            [passed, made, alone, approved, promoted],
            hint='Return a list of pairs (line, rule), such as [(3, "self-approval")]; the first '
            "line is line 1. Nothing wrong is [].",
        )
        yield tried(
            "self-approval, under another spelling",
            [made, did("approve", version, f"{dev.upper()} ")],
            [made, approved, did("approve", version, dev.title()), alone],
            hint="Names that differ only in case, or in spaces around them, are one person: "
            "compare name.strip().casefold().",
        )
        yield tried(
            "a self-approval approves nothing",
            [passed, made, alone, promoted],
            [passed, made, alone, approved, promoted],
            [passed, made, approved, alone, promoted],
            hint="A line that breaks a rule counts for nothing: after a self-approval alone a "
            'promotion is "not approved".',
        )
        yield tried(
            "promoted without a gate",
            [made, approved, promoted],
            [failed, made, approved, promoted],
            [made, approved, did("gate", second, "gate", passed=True), promoted],
            hint='"not gated" is a promotion before which that version\'s gate did not pass: it '
            "failed, or was never asked.",
        )
        yield tried(
            "the last gate before it counts",
            [passed, failed, made, approved, promoted],
            [failed, passed, made, approved, promoted],
            [made, approved, promoted, passed],
            hint="The last gate before the promotion counts. One that comes after it heals "
            "nothing.",
        )
        yield tried(
            "two rules in one line",
            [made, promoted, promoted],
            [made, alone, did("promote", second, ops), promoted],
            hint="A line may break several rules: name each, in the order of the table.",
        )
        yield tried(
            "retired, yet serving",
            [*good, served, served],
            [*good, promoted],
            [*good, did("serve", second, "service"), did("promote", second, ops)],
            hint='After its "retire" line a version may neither serve nor be promoted.',
        )
        yield tried(
            "who registered it later",
            [alone, made],
            [passed, made, did("register", second, rev), approved, promoted],
            [passed, made, did("register", version, rev), alone, promoted, approved],
            hint="All who registered a version above a line are its authors, and only what stands "
            "above counts: whoever approves before it is registered "
            "is not yet approving their own.",
        )
        yield tried(
            "a year",
            *(history(rng) for _ in range(4)),
            hint="Go through the lines once, and keep: who registered which version, whether its "
            "last gate passed, whether it is approved, whether it is retired.",
        )

    yield from public_and_hidden(cases)
    (version,) = codes(rng, 1)
    dev, rev = some(rng, PEOPLE, 2)
    made = did("register", version, dev)
    yield all_stays(
        "the ledger, afterwards",
        student,
        rng,
        "audit",
        ([[made, did("approve", version, dev)]], [[2, "self-approval"]]),
        ([[made, did("approve", version, rev)]], []),
        hint="An audit that changes what it audits is none.",
    )


def history(rng: Rng) -> list[Line]:
    """Return a ledger of three versions in which about one line in three breaks a rule."""
    people, versions = some(rng, PEOPLE, 3), codes(rng, 3)
    lines = [did("register", version, str(rng.choice(people))) for version in versions]
    events = ("gate", "gate", "approve", "approve", "promote", "serve", "serve", "retire")
    for _ in range(30):
        event, version = str(rng.choice(events)), str(rng.choice(versions))
        if event == "gate":
            lines.append(did(event, version, "gate", passed=bool(rng.random() < 0.6)))
        elif event != "retire" or rng.random() < 0.5:
            lines.append(did(event, version, str(rng.choice(people))))
    return lines

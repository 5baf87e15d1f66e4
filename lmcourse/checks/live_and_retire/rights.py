"""The checks of `may`: roles that are granted and taken away, and four eyes."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.live_and_retire.drawing import LESSON, PEOPLE, all_stays, asked, codes, some

Line = dict[str, Any]

ROLES = ("admin", "developer", "reviewer", "operator")
ACTIONS = ("grant", "withdraw", "register", "approve", "promote", "retire")


def grant(by: str, person: str, role: str) -> Line:
    return {"by": by, "event": "grant", "person": person, "role": role}


def withdraw(by: str, person: str, role: str) -> Line:
    return {"by": by, "event": "withdraw", "person": person, "role": role}


def did(by: str, event: str, version: str) -> Line:
    return {"by": by, "event": event, "version": version}


@exercise(LESSON, "may", points=3)
def may(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def cases() -> Iterator[Case]:
        boss, dev, rev, ops, new = some(rng, PEOPLE, 5)
        version, second = codes(rng, 2)
        staff = [
            grant(boss, dev, "developer"),
            grant(boss, rev, "reviewer"),
            grant(boss, ops, "operator"),
        ]
        staff = [grant(boss, boss, "admin"), *(staff[place] for place in rng.permutation(3))]
        made = [*staff, did(dev, "register", version)]
        plain = [
            (made, who, what, version)
            for who in (boss, dev, rev, ops)
            for what in ("grant", "withdraw", "register", "approve", "retire")
        ]

        def tried(name: str, *questions: tuple[list[Line], str, str, str], hint: str) -> Case:
            """Return the case that these are answered, and some plain ones: guesses fail."""
            also = [plain[place] for place in rng.permutation(len(plain))[:8]]
            return asked(name, student, reference, rng, "may", *questions, *also, hint=hint)

        yield tried(
            "each role, and what it may do",
            *plain,
            hint="Look the action up in RIGHTS: somebody may do it if one of the roles that they "
            "have now has that right. An admin hands out roles, and has no other right.",
        )
        yield tried(
            "somebody without a role, and nobody at all",
            *((made, new, what, version) for what in ACTIONS),
            ([], new, "register", version),
            (made, dev, "register", second),
            (made, rev, "approve", version),
            hint="Who was granted nothing may do nothing.",
        )
        double = [*made, grant(boss, dev, "reviewer")]
        yield tried(
            "who registered it wants to approve it",
            (double, dev, "approve", version),
            (double, rev, "approve", version),
            ([*double, did(rev, "register", second)], dev, "approve", second),
            (
                [*staff, grant(boss, rev, "developer"), did(rev, "register", second)],
                rev,
                "approve",
                second,
            ),
            hint="Four eyes: nobody approves what they registered themselves, whatever roles they "
            "have.",
        )
        spelt = f" {dev.upper()}"
        yield tried(
            "the same name, spelt in another way",
            (double, spelt, "approve", version),
            (double, dev.title(), "approve", version),
            (made, rev.upper(), "approve", version),
            (made, f"{ops} ", "retire", version),
            hint="Names that differ only in case, or in spaces around them, are one person: "
            "compare name.strip().casefold(), in roles as well as for the four eyes.",
        )
        yield tried(
            "a version that is not registered",
            (made, rev, "approve", second),
            (made, rev, "approve", version),
            (made, ops, "retire", second),
            ([*made, did(rev, "approve", version)], ops, "promote", second),
            hint="What nobody registered can be neither approved nor promoted; all else asks for "
            "the right alone.",
        )
        approved = [*made, did(rev, "approve", version)]
        yield tried(
            "promoted only once it is approved",
            (made, ops, "promote", version),
            (approved, ops, "promote", version),
            (approved, rev, "promote", version),
            ([*approved, grant(boss, dev, "operator")], dev, "promote", version),
            (approved, ops, "promote", second),
            ([*approved, did(dev, "register", second)], ops, "promote", second),
            hint="To promote takes the right AND an approval of that very version. Four eyes are "
            "for approving: who registered it may promote it, once somebody else approved.",
        )
        gone = withdraw(boss, rev, "reviewer")
        yield tried(
            "a role taken away",
            ([*made, gone], rev, "approve", version),
            ([*made, withdraw(boss, ops, "operator")], ops, "retire", version),
            ([*made, withdraw(boss, ops, "reviewer")], ops, "retire", version),
            ([*made, gone, grant(boss, rev, "reviewer")], rev, "approve", version),
            hint="Go through the ledger from the top: grant adds a role to somebody, withdraw "
            "takes that one away, and may be followed by another grant.",
        )
        yield tried(
            "a role taken away in between",
            ([*approved, gone], ops, "promote", version),
            ([*approved, gone, grant(boss, rev, "reviewer")], ops, "promote", version),
            (
                [
                    *approved,
                    gone,
                    grant(boss, rev, "reviewer"),
                    did(rev, "approve", version),
                ],
                ops,
                "promote",
                version,
            ),
            ([*approved, withdraw(boss, dev, "developer")], ops, "promote", version),
            (
                [*approved, grant(boss, new, "reviewer"), withdraw(boss, new, "reviewer")],
                ops,
                "promote",
                version,
            ),
            (
                [
                    *approved,
                    grant(boss, new, "reviewer"),
                    did(new, "approve", version),
                    gone,
                ],
                ops,
                "promote",
                version,
            ),
            hint="When somebody loses the role of reviewer, what they approved is approved by "
            "them no more, also when they get the role back: until they approve it again. What "
            "another reviewer approved stays so.",
        )
        yield tried(
            "a year of a team",
            *history(rng),
            hint="Fold the ledger, line by line, into who has which role, who registered what, "
            "and who approved it. Then answer from that.",
        )

    yield from public_and_hidden(cases)
    boss, dev = some(rng, PEOPLE, 2)
    (version,) = codes(rng, 1)
    staff = [grant(boss, boss, "admin"), grant(boss, dev, "developer")]
    allowed = {(boss, "grant"), (boss, "withdraw"), (dev, "register")}
    yield all_stays(
        "the ledger, afterwards",
        student,
        rng,
        "may",
        *(
            ([staff, who, what, version], (who, what) in allowed)
            for who in (boss, dev)
            for what in ACTIONS
        ),
        hint="may looks, and writes nothing.",
    )


def history(rng: Rng) -> list[tuple[list[Line], str, str, str]]:
    """Return a ledger whose lines were all allowed, and questions about it."""
    people, versions = some(rng, PEOPLE, 5), codes(rng, 4)
    boss = people[0]
    lines = [grant(boss, boss, "admin")]
    roles: dict[str, set[str]] = {person: set() for person in people}
    roles[boss].add("admin")
    owner: dict[str, str] = {}
    while len(lines) < 40:
        person, role = str(rng.choice(people)), str(rng.choice(ROLES[1:]))
        luck = rng.random()
        if luck < 0.35:
            lines.append(grant(boss, person, role))
            roles[person].add(role)
        elif luck < 0.5 and role in roles[person]:
            lines.append(withdraw(boss, person, role))
            roles[person].remove(role)
        elif luck < 0.7 and "developer" in roles[person] and len(owner) < 3:
            owner[versions[len(owner)]] = person
            lines.append(did(person, "register", versions[len(owner) - 1]))
        elif "reviewer" in roles[person] and owner:
            version = str(rng.choice(list(owner)))
            if owner[version] != person:
                lines.append(did(person, "approve", version))
    questions = [
        (lines[:end], person, what, version)
        for end in (25, 40)
        for person in people
        for what in ("approve", "promote", "register")
        for version in versions
    ]
    return [questions[place] for place in rng.permutation(len(questions))[:30]]

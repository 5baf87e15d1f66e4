"""The checks of `assign`: stable, of the right share, nested, and anew for each experiment."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.release_and_watch.asking import LESSON, word

Asked = list[tuple[str, str, float]]
"""User, experiment, share."""

SIGMAS = 4.5


@probe
def assigned(
    namespace: dict[str, Any], assign: Callable[..., Any], asked: list[Any], elsewhere: int
) -> Any:
    """Return what `assign` says to each question.

    With `elsewhere` above 0 it is as in another process: hash() is salted anew, and dice fall
    otherwise.
    """
    if elsewhere:
        random.seed(elsewhere)
        np.random.seed(elsewhere)
    salted = bool(elsewhere) and "hash" not in namespace
    if salted:
        namespace["hash"] = lambda value: hash((elsewhere, value))
    try:
        said = [assign(*question) for question in asked]
    finally:
        if salted:
            del namespace["hash"]
    if all(each is None for each in said):
        return None
    return [bool(each) if isinstance(each, bool | np.bool_) else repr(each)[:40] for each in said]


def people(rng: Rng, count: int) -> list[str]:
    """Return so many users, as services know them: by number, by name, by address."""
    begin, stem = int(rng.integers(1000, 10**6)), word(rng, 4)
    forms = (
        lambda number: f"user-{number:07}",
        lambda number: f"{stem}{number}@mill.example",
        lambda number: f"Ünal {stem} {number}",
    )
    return [forms[number % 3](begin + number) for number in range(count)]


def shuffled(rng: Rng, asked: Asked) -> Asked:
    return [asked[place] for place in rng.permutation(len(asked))]


@exercise(LESSON, "assign", points=3)
def assign(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def told(asked: Asked, elsewhere: int = 0) -> dict[tuple[str, str, float], bool]:
        """Return the answers by question; one that is answered in two ways is refused."""
        said = student.probe(assigned, student.assign, [list(each) for each in asked], elsewhere)
        found: dict[tuple[str, str, float], bool] = {}
        for question, answer in zip(asked, said, strict=True):
            if type(answer) is not bool:
                raise ValueError(f"assign{question} is {answer}, and not True or False")
            if found.setdefault(question, answer) != answer:
                raise ValueError(f"assign{question} is once {answer}, and once {not answer}")
        return found

    def properly(seen: Callable[[], str]) -> Callable[[], str]:
        def looked() -> str:
            try:
                return seen()
            except ValueError as odd:
                return str(odd)

        return looked

    def far(found: list[bool], share: float) -> bool:
        spread = math.sqrt(len(found) * share * (1 - share)) + 0.5
        return abs(sum(found) - len(found) * share) > SIGMAS * spread

    def cases() -> Iterator[Case]:
        yield case(
            "True or False",
            lambda: [
                type(each).__name__
                for each in student.probe(
                    assigned, student.assign, [[word(rng), "a", 0.0], [word(rng), "a", 1.0]], 0
                )
            ],
            ["bool", "bool"],
            hint="A comparison is True or False: return it.",
            form=True,
        )
        users, name = people(rng, 3000), f"{word(rng)}-{rng.integers(100)}"
        share = float(rng.uniform(0.35, 0.65))
        again = shuffled(rng, [(users[place], name, share) for place in rng.integers(0, 60, 400)])

        def stays() -> str:
            found = list(told(again).values())
            return "" if len(set(found)) == 2 else f"all of them get {found[0]}"

        yield holds(
            "whoever asks again",
            "the same answer for the same user, and not one for all",
            properly(stays),
            hint="Dice forget. Work the answer out from the user's name alone: a hash of it.",
        )

        def elsewhere() -> str:
            here = told(again)
            there = told(again[::-1], int(rng.integers(1, 2**31)))
            odd = [user for (user, *rest), answer in here.items() if there[user, *rest] != answer]
            return f"{len(odd)} of {len(here)} users get another answer there" if odd else ""

        yield holds(
            "another process",
            "the same answers in another process",
            properly(elsewhere),
            hint="hash() of a text is another number in each process, and seeds are not shared. "
            "hashlib.sha256 is the same everywhere.",
        )
        some = [float(each) for each in rng.uniform(0.02, 0.98, 4)]
        wide = shuffled(rng, [(user, name, share) for user in users for share in some])

        def right_share() -> str:
            found = told(wide)
            for share in some:
                part = [found[user, name, share] for user in users]
                if far(part, share):
                    return f"{sum(part)} of {len(users)} users with a share of {share:.3f}"
            return ""

        yield holds(
            "the share",
            "as many of 3,000 users as the share says, but for chance",
            properly(right_share),
            hint="The place of a user should lie anywhere between 0 and its largest value with the "
            "same probability: bytes of a good hash do, sums of letters do not.",
        )
        crowd = people(rng, 12000)
        tiny = float(rng.uniform(0.003, 0.007))
        rare = shuffled(rng, [(user, name, tiny) for user in crowd])

        def small_share() -> str:
            found = list(told(rare).values())
            odd = f"{sum(found)} of {len(found)} users with a share of {tiny:.4f}"
            return odd if far(found, tiny) else ""

        yield holds(
            "a small share",
            "as many of 12,000 users as the share says, but for chance",
            properly(small_share),
            hint="A hundred places are too few: a share of half a per cent is then nobody or one "
            "per cent. Take at least some thousands.",
        )
        ends = shuffled(rng, [(user, name, end) for user in users[:500] for end in (0.0, 1.0)])

        def nobody_and_all() -> str:
            found = told(ends)
            wrong = [question for question, answer in found.items() if answer != bool(question[2])]
            return f"assign{wrong[0]} is {found[wrong[0]]}" if wrong else ""

        yield holds(
            "nobody and everybody",
            "False for a share of 0, and True for a share of 1",
            properly(nobody_and_all),
            hint="The place lies from 0 up to, and not with, the number of places; `<`, not `<=`.",
        )
        steps = sorted(float(each) for each in rng.uniform(0.01, 0.9, 5))
        growing = shuffled(rng, [(user, name, step) for user in users[:800] for step in steps])

        def nested() -> str:
            found = told(growing)
            for user in users[:800]:
                inside = [found[user, name, step] for step in steps]
                if inside != sorted(inside):
                    return f"{user} is in with {steps[inside.index(True)]:.3f}, and out with more"
            everybody = sum(found[user, name, steps[-1]] for user in users[:800])
            return (
                ""
                if everybody > sum(found[user, name, steps[0]] for user in users[:800])
                else ("nobody comes in when it grows")
            )

        yield holds(
            "the share grows",
            "whoever is in stays in",
            properly(nested),
            hint="Only the limit may move. If the share is hashed too, everybody draws anew.",
        )
        one, other = (f"{word(rng)}-{end}" for end in ("1", "2"))
        first, second = (float(each) for each in rng.uniform(0.25, 0.6, 2))
        two = shuffled(
            rng,
            [(user, one, first) for user in users] + [(user, other, second) for user in users],
        )

        def unrelated() -> str:
            found = told(two)
            inside = [found[user, other, second] for user in users if found[user, one, first]]
            if not inside or far(inside, second):
                return (
                    f"of those in the first, {sum(inside)} of {len(inside)} are in the second, "
                    f"whose share is {second:.2f}"
                )
            return ""

        yield holds(
            "two experiments",
            "among the users of one, the other's share is what it is among all",
            properly(unrelated),
            hint="Hash the experiment together with the user, in one text. Otherwise the same "
            "people are tried on each time, and both experiments mix.",
            points=2,
        )

    yield from public_and_hidden(cases)

"""The checks of `assign`: stable, of the right share, nested, and anew for each experiment."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.release_and_watch.asking import LESSON, word
from lmcourse.checks.release_and_watch.elsewhere import as_elsewhere

SIGMAS = 5.0


@dataclass(frozen=True)
class Asked:
    """Questions, as they cross in one piece: users by their numbers, the rest by its place."""

    stem: str
    experiments: list[str]
    shares: list[float]
    picks: torch.Tensor
    """(questions, 3): the user's number, the experiment's and the share's place."""

    def shuffled(self, rng: Rng) -> "Asked":
        """Return the same questions in an order that is drawn."""
        return replace(self, picks=self.picks[torch.from_numpy(rng.permutation(len(self.picks)))])

    def words(self, question: tuple[int, int, int]) -> str:
        """Return a question as one would type it."""
        user, experiment, share = question
        name = user_name(self.stem, user)
        return f"assign({name!r}, {self.experiments[experiment]!r}, {self.shares[share]:.4g})"


def user_name(stem: str, number: int) -> str:
    """Return a user as services know them: by number, by address, by name."""
    forms = (f"user-{number:07}", f"{stem}{number}@mill.example", f"Ünal {stem} {number}")
    return forms[number % 3]


@probe
def assigned(
    namespace: dict[str, Any],
    assign: Callable[..., Any],
    stem: str,
    experiments: list[str],
    shares: list[float],
    picks: torch.Tensor,
    elsewhere: int,
) -> Any:
    """Return what `assign` says to each question: 1, 0, or 2 for what is no True and no False.

    With `elsewhere` above 0 it is as in another process.
    """
    questions = [
        (user_name(stem, user), experiments[experiment], shares[share])
        for user, experiment, share in picks.tolist()
    ]
    if elsewhere:
        said = as_elsewhere(namespace, assign, questions, elsewhere)
    else:
        said = [assign(*question) for question in questions]
    if all(each is None for each in said):
        return None
    return torch.tensor([int(each) if type(each) in (bool, np.bool_) else 2 for each in said])


def every(*parts: Sequence[int]) -> torch.Tensor:
    """Return all combinations, (combinations, parts)."""
    return torch.cartesian_prod(*(torch.tensor(list(part)) for part in parts))


@exercise(LESSON, "assign", points=3)
def assign(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def told(asked: Asked, elsewhere: int = 0) -> dict[tuple[int, int, int], bool]:
        """Return the answers by question; one that is answered in two ways is refused."""
        said = student.probe(
            assigned,
            student.assign,
            asked.stem,
            asked.experiments,
            asked.shares,
            asked.picks,
            elsewhere,
        )
        if said is None:
            raise ValueError("it answers None: is there a return?")
        found: dict[tuple[int, int, int], bool] = {}
        for (user, name, share), answer in zip(asked.picks.tolist(), said.tolist(), strict=True):
            question = (user, name, share)
            if answer not in (0, 1):
                raise ValueError(f"{asked.words(question)} is neither True nor False")
            if found.setdefault(question, bool(answer)) != answer:
                raise ValueError(f"{asked.words(question)} is once True, and once False")
        return found

    def properly(name: str, want: str, seen: Callable[[], str], *, hint: str) -> Case:
        def looked() -> str:
            try:
                return seen()
            except ValueError as odd:
                return str(odd)

        return holds(name, want, looked, hint=hint)

    def far(found: list[bool], share: float) -> bool:
        spread = math.sqrt(len(found) * share * (1 - share)) + 0.5
        return abs(sum(found) - len(found) * share) > SIGMAS * spread

    def cases() -> Iterator[Case]:
        stem, name = word(rng, 4), f"{word(rng)}-{rng.integers(100)}"
        begin = int(rng.integers(1000, 10**6))
        users = range(begin, begin + 2000)
        again = Asked(
            stem,
            [name],
            [float(rng.uniform(0.35, 0.65))],
            torch.from_numpy(
                np.stack([rng.integers(begin, begin + 60, 400), *np.zeros((2, 400), int)], 1)
            ),
        )

        def stays() -> str:
            found = list(told(again).values())
            return "" if len(set(found)) == 2 else f"all of them get {found[0]}"

        yield properly(
            "whoever asks again",
            "True or False, the same for the same user, and not one for all",
            stays,
            hint="Dice forget. Work the answer out from the user's name alone: a hash of it. A "
            "comparison is True or False: return it.",
        )

        def elsewhere() -> str:
            here = told(again)
            there = told(again.shuffled(rng), int(rng.integers(1, 2**31)))
            odd = [question for question, answer in here.items() if there[question] != answer]
            if len(set(here.values())) < 2:
                return "all of them get the same"
            return f"{len(odd)} of {len(here)} users get another answer there" if odd else ""

        yield properly(
            "another process",
            "the same answers in another process",
            elsewhere,
            hint="hash() of a text is another number in each process, and seeds are not shared. "
            "hashlib.sha256 is the same everywhere.",
        )
        some = [float(each) for each in rng.uniform(0.02, 0.98, 4)]
        wide = Asked(stem, [name], some, every(users, [0], range(4))).shuffled(rng)

        def right_share() -> str:
            found = told(wide)
            for place, share in enumerate(some):
                part = [found[user, 0, place] for user in users]
                if far(part, share):
                    return f"{sum(part)} of {len(users)} users with a share of {share:.3f}"
            return ""

        yield properly(
            "the share",
            "as many of 2,000 users as the share says, but for chance",
            right_share,
            hint="The place of a user should lie anywhere between 0 and its largest value with the "
            "same probability: bytes of a good hash do, sums of letters do not.",
        )
        tiny = float(rng.uniform(0.003, 0.006))
        rare, rarest = (
            Asked(stem, [name], [small], every(range(begin, begin + count), [0], [0])).shuffled(rng)
            for small, count in ((tiny, 12000), (0.001, 20000))
        )

        def small_share() -> str:
            for asked in (rare, rarest):
                found = list(told(asked).values())
                if far(found, asked.shares[0]):
                    return (
                        f"{sum(found)} of {len(found)} users with a share of {asked.shares[0]:.4f}"
                    )
            return ""

        yield properly(
            "a small share",
            "as many of 12,000 users as the share says, and of 20,000, but for chance",
            small_share,
            hint="A hundred places are too few, and so are the 256 of one byte: a share of half a "
            "per cent is then nobody or one per cent. Take at least some thousands.",
        )
        some_share = float(rng.uniform(0.3, 0.7))
        ends = Asked(
            stem, [name], [0.0, 1.0, some_share], every(users[:500], [0], range(3))
        ).shuffled(rng)

        def nobody_and_all() -> str:
            found = told(ends)
            wrong = [
                question
                for question, answer in found.items()
                if question[2] < 2 and answer != bool(question[2])
            ]
            if wrong:
                return f"{ends.words(wrong[0])} is {found[wrong[0]]}"
            some = [found[user, 0, 2] for user in users[:500]]
            return (
                f"{sum(some)} of 500 with a share of {some_share:.3f}"
                if far(some, some_share)
                else ""
            )

        yield properly(
            "nobody and everybody",
            "False for a share of 0, and True for a share of 1",
            nobody_and_all,
            hint="The place lies from 0 up to, and not with, the number of places; `<`, not `<=`.",
        )
        steps = sorted(float(each) for each in rng.uniform(0.01, 0.9, 5))
        growing = Asked(stem, [name], steps, every(users[:600], [0], range(5))).shuffled(rng)

        def nested() -> str:
            found = told(growing)
            for user in users[:600]:
                inside = [found[user, 0, place] for place in range(5)]
                if inside != sorted(inside):
                    lost = steps[inside.index(True)]
                    return f"{user_name(stem, user)} is in with {lost:.3f}, and out with more"
            for place, share in enumerate(steps):
                part = [found[user, 0, place] for user in users[:600]]
                if far(part, share):
                    return f"{sum(part)} of {len(part)} users with a share of {share:.3f}"
            return ""

        yield properly(
            "the share grows",
            "whoever is in stays in, and others come in",
            nested,
            hint="Only the limit may move. If the share is hashed too, everybody draws anew.",
        )
        pair = [f"{word(rng)}-{end}" for end in ("1", "2")]
        rates = [float(each) for each in rng.uniform(0.25, 0.6, 2)]
        picks = torch.cat([every(users, [place], [place]) for place in (0, 1)])
        two = Asked(stem, pair, rates, picks).shuffled(rng)

        def unrelated() -> str:
            found = told(two)
            inside = [found[user, 1, 1] for user in users if found[user, 0, 0]]
            if not inside or far(inside, rates[1]):
                return (
                    f"of those in the first, {sum(inside)} of {len(inside)} are in the second, "
                    f"whose share is {rates[1]:.2f}"
                )
            return ""

        yield properly(
            "two experiments",
            "among the users of one, the other's share is what it is among all",
            unrelated,
            hint="Hash the experiment together with the user, in one text. Otherwise the same "
            "people are tried on each time, and both experiments mix.",
        )

    yield from public_and_hidden(cases)

"""The checks of `ab_test`: effect and bounds by users, a broken split, null tests."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.release_and_watch.asking import LESSON, answer_and_left, answers, mixed

Ratings = list[list[int]]

NUMBERS = ("effect", "low", "high")
KEYS = (*NUMBERS, "verdict")


def users(rng: Rng, count: int, likes: float = 0.5, most: int = 6) -> Ratings:
    """Return the ratings of so many users; each has a taste, and some rate a great deal."""
    tastes = rng.beta(4 * likes, 4 * (1 - likes), count)
    return [rng.binomial(1, taste, int(rng.integers(1, most + 1))).tolist() for taste in tastes]


def taken(rng: Rng, count: int, likes: float) -> npt.NDArray[np.int64]:
    """Return ups and ratings of users some of whom rate dozens of times, (count, 2)."""
    tastes = rng.beta(2 * likes, 2 * (1 - likes), count)
    much = 1 + rng.geometric(0.45, count) ** 2
    return np.stack([rng.binomial(much, tastes), much], axis=1)


def heavy(rng: Rng, count: int, likes: float) -> Ratings:
    """Return the ratings of such users."""
    return listed(taken(rng, count, likes).tolist())


def listed(users: list[list[int]]) -> Ratings:
    return [[1] * ups + [0] * (ratings - ups) for ups, ratings in users]


@probe
def verdicts(
    _: dict[str, Any], ab_test: Callable[..., Any], tests: torch.Tensor, plan: dict[str, Any]
) -> Any:
    """Return the verdict of each of `tests`, (tests, 2 arms, users, ups and ratings)."""
    said = [ab_test(listed(a), listed(b), plan) for a, b in tests.tolist()]
    return [str(each.get("verdict")) if isinstance(each, dict) else "none" for each in said]


def only(answer: Any, keys: tuple[str, ...]) -> Any:
    """Return of an answer what stands under `keys`: it may have others besides."""
    if not isinstance(answer, dict):
        return answer
    return {key: answer[key] for key in keys if key in answer}


@exercise(LESSON, "ab_test", points=4)
def ab_test(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def compared(name: str, *questions: list[Any], keys: tuple[str, ...], hint: str) -> Case:
        order = mixed(rng, questions)
        wanted = reference.probe(answers, reference.ab_test, order)

        def got() -> Any:
            return [only(each, keys) for each in student.probe(answers, student.ab_test, order)]

        return case(name, got, [only(each, keys) for each in wanted], hint=hint)

    def plan(count: int, share: float = 0.5, alpha: float = 0.05) -> dict[str, Any]:
        return {"share": share, "users": count, "alpha": alpha}

    def cases() -> Iterator[Case]:
        once = [
            [users(rng, 40, most=1), users(rng, 44, 0.6, most=1), plan(84)],
            [users(rng, 300, 0.3, most=1), users(rng, 310, 0.6, most=1), plan(600)],
        ]
        yield compared(
            "everybody rates once: the effect",
            *once,
            keys=("effect",),
            hint="The mean of B's users less the mean of A's. Return a dictionary with the keys "
            '"effect", "low", "high" and "verdict", and do not round.',
        )
        yield compared(
            "everybody rates once: the bounds",
            *once,
            keys=NUMBERS,
            hint="The standard error is the root of variance/n of both arms, added up; "
            "statistics.variance divides by n - 1. z is NormalDist().inv_cdf(1 - alpha / 2).",
        )
        yield compared(
            "some rate more often",
            [users(rng, 60), users(rng, 55), plan(100)],
            [heavy(rng, 90, 0.4), heavy(rng, 80, 0.6), plan(170)],
            keys=NUMBERS,
            hint="A user is one number: first the mean of each user, then the means of those. Who "
            "rates a hundred times has one taste, and counts once.",
        )
        yield compared(
            "other alphas",
            *(
                [users(rng, 50), users(rng, 52), plan(90, alpha=float(rng.uniform(0.001, 0.3)))]
                for _ in range(3)
            ),
            keys=NUMBERS,
            hint="z depends on alpha, with half of it on either side: inv_cdf(1 - alpha / 2).",
        )
        a, b = users(rng, 200, 0.3), users(rng, 210, 0.75)
        yield compared(
            "better, worse, and no difference",
            [a, b, plan(400)],
            [b, a, plan(400)],
            [a, [*users(rng, 190, 0.3), [1], [0]], plan(100)],
            [[*users(rng, 4), [0], [1]], [*users(rng, 3), [0], [1]], plan(10)],
            keys=("verdict",),
            hint='"b" if low is above 0, "a" if high is below 0, and otherwise "no difference". '
            "There are as many users as planned: the users of both arms together, not of each.",
        )
        yield compared(
            "fewer users than planned",
            [a, b, plan(411)],
            [b, a, plan(1000)],
            [a, b, plan(410)],
            keys=("verdict",),
            hint='Wait for as many users, of both arms together, as were planned: "wait", however '
            "good it looks.",
        )

        def split(share: float, *sigmas: float, total: int = 900) -> list[list[Any]]:
            """Return tests whose arm B is off by so many standard deviations, or nearly so."""
            one = math.sqrt(total * share * (1 - share))
            counts = [round(total * share + one * sigma) for sigma in sigmas]
            return [
                [users(rng, total - n, 0.3, 2), users(rng, n, 0.8, 2), plan(total - 100, share)]
                for n in counts
            ]

        yield compared(
            "a split that is off",
            *split(float(rng.uniform(0.08, 0.3)), 3.4, 4.7, -4.7),
            *split(0.5, 3.5, -3.5),
            keys=("verdict",),
            hint="Of n users, those of both arms, B should get n * share. More than four standard "
            'deviations off, to either side, is "broken".',
        )
        yield compared(
            "a split that is off, and the share is a half or more",
            *split(0.5, 4.6, -4.6),
            *split(float(rng.uniform(0.75, 0.85)), 3.4, 4.6, -4.6),
            keys=("verdict",),
            hint="The standard deviation is sqrt(n * share * (1 - share)): with 1 - share in it.",
        )
        edges = split(0.5, *(2 * [4.0, -4.0, 4.1, -4.1]), total=400)  # exact in floats: 40 of 400
        yield compared(
            "a split that is off by just four standard deviations",
            *(edges[position] for position in rng.permutation(len(edges))),
            keys=("verdict",),
            hint='"broken" is what is off by more than four: with just four it is not.',
        )
        yield compared(
            "a split that is off, with fewer users than planned",
            [users(rng, 60, 0.5), users(rng, 8, 0.5), plan(500)],
            [users(rng, 8, 0.5), users(rng, 60, 0.5), plan(500)],
            [users(rng, 30, 0.5), users(rng, 34, 0.5), plan(500)],
            keys=("verdict",),
            hint='"broken" goes before all else: more users would not mend it.',
        )
        yield compared(
            "effect and bounds, whatever the verdict",
            [users(rng, 60, 0.5), users(rng, 8, 0.5), plan(50)],
            [users(rng, 50, 0.5), users(rng, 55, 0.5), plan(500)],
            keys=KEYS,
            hint="All four keys are there in each answer: also when it is broken, or has to wait.",
        )
        better, arms = [], []
        for number in range(110):
            likes = float(rng.uniform(0.3, 0.7))
            better.append(number >= 80)
            more = 0.0 if number < 80 else (0.25 if likes < 0.5 else -0.25)
            arms.append([taken(rng, 100, likes), taken(rng, 100, likes + more)])
        order = rng.permutation(len(arms))
        ratings = torch.from_numpy(np.array(arms)[order])
        real = [better[place] for place in order]

        def null_tests() -> str:
            said = student.probe(verdicts, student.ab_test, ratings, plan(200))
            found = [each in ("a", "b") for each in said]
            alarms = sum(f for f, is_real in zip(found, real, strict=True) if not is_real)
            if alarms > 13:
                return f"in {alarms} of 80 tests of equal versions it finds a difference"
            seen = sum(f for f, is_real in zip(found, real, strict=True) if is_real)
            return f"it finds {seen} of 30 real differences" if seen < 20 else ""

        yield holds(
            "eighty tests of equal versions, and thirty of others",
            "a difference in about 4 of the equal ones, and in most of the others",
            null_tests,
            hint="The ratings of one user resemble each other: they are no independent witnesses. "
            "Compare users.",
        )

    yield from public_and_hidden(cases)
    a, b = users(rng, 20), users(rng, 20)
    asked = [a, b, plan(40)]
    (want,) = reference.probe(answers, reference.ab_test, [asked])

    def afterwards() -> Any:
        said = student.probe(answer_and_left, student.ab_test, asked)
        return said if said is None else [only(said[0], KEYS), said[1]]

    yield case(
        "ratings and plan, afterwards",
        afterwards,
        [want, asked],
        hint="Whoever hands over ratings wants to have them back as they were.",
    )

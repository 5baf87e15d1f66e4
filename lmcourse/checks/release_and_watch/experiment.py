"""The checks of `ab_test`: effect and bounds by users, a broken split, null tests."""

import math
from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.release_and_watch.asking import LESSON, answer_and_left, answers

Ratings = list[list[int]]

KEYS = ("effect", "low", "high")


def users(rng: Rng, count: int, likes: float = 0.5, most: int = 6) -> Ratings:
    """Return the ratings of so many users; each has a taste, and some rate a great deal."""
    tastes = rng.beta(4 * likes, 4 * (1 - likes), count)
    return [rng.binomial(1, taste, int(rng.integers(1, most + 1))).tolist() for taste in tastes]


def heavy(rng: Rng, count: int, likes: float) -> Ratings:
    """Return the ratings of users some of whom rate dozens of times."""
    tastes = rng.beta(2 * likes, 2 * (1 - likes), count)
    much = 1 + rng.geometric(0.45, count) ** 2
    return [rng.binomial(1, taste, many).tolist() for taste, many in zip(tastes, much, strict=True)]


@exercise(LESSON, "ab_test", points=4)
def ab_test(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def compared(name: str, *questions: list[Any], keys: tuple[str, ...], hint: str) -> Case:
        wanted = reference.probe(answers, reference.ab_test, list(questions))

        def got() -> Any:
            said = student.probe(answers, student.ab_test, list(questions))
            return [
                {key: each[key] for key in keys if key in each} if isinstance(each, dict) else each
                for each in said
            ]

        return case(name, got, [{key: each[key] for key in keys} for each in wanted], hint=hint)

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
            '"effect", "low", "high" and "verdict".',
        )
        yield compared(
            "everybody rates once: the bounds",
            *once,
            keys=KEYS,
            hint="The standard error is the root of variance/n of both arms, added up; "
            "statistics.variance divides by n - 1. z is NormalDist().inv_cdf(1 - alpha / 2).",
        )
        yield compared(
            "some rate more often",
            [users(rng, 60), users(rng, 55), plan(100)],
            [heavy(rng, 90, 0.4), heavy(rng, 80, 0.6), plan(170)],
            keys=KEYS,
            hint="A user is one number: first the mean of each user, then the means of those. Who "
            "rates a hundred times has one taste, and counts once.",
        )
        yield compared(
            "other alphas",
            *(
                [users(rng, 50), users(rng, 52), plan(90, alpha=float(rng.uniform(0.001, 0.3)))]
                for _ in range(3)
            ),
            keys=KEYS,
            hint="z depends on alpha, with half of it on either side: inv_cdf(1 - alpha / 2).",
        )
        a, b = users(rng, 200, 0.3), users(rng, 210, 0.75)
        yield compared(
            "better, worse, and no difference",
            [a, b, plan(400)],
            [b, a, plan(410)],
            [a, users(rng, 190, 0.3) + [[1], [0]], plan(100)],
            [users(rng, 4, 0.5) + [[0], [1]], users(rng, 3, 0.5) + [[0], [1]], plan(10)],
            keys=("verdict",),
            hint='"b" if low is above 0, "a" if high is below 0, and otherwise "no difference".',
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
        share = float(rng.uniform(0.08, 0.3))
        total = 900
        sigma = math.sqrt(total * share * (1 - share))
        near, far = round(total * share + 3.4 * sigma), round(total * share + 4.7 * sigma)
        low = round(total * share - 4.7 * sigma)
        sized = [
            [users(rng, total - count, 0.3, 2), users(rng, count, 0.8, 2), plan(800, share)]
            for count in (near, far, low)
        ]
        sized += [
            [users(rng, 60, 0.5), users(rng, 8, 0.5), plan(500)],
            [users(rng, 8, 0.5), users(rng, 60, 0.5), plan(500)],
        ]
        yield compared(
            "a split that is off",
            *(sized[place] for place in rng.permutation(len(sized))),
            keys=("verdict",),
            hint="Of n users B should get n * share, with the standard deviation "
            "sqrt(n * share * (1 - share)). More than four of those off, to either side, is "
            '"broken", and that goes before all else.',
        )
        same = []
        for number in range(130):
            likes = float(rng.uniform(0.3, 0.7))
            better = 0.0 if number < 100 else (0.25 if likes < 0.5 else -0.25)
            same.append([heavy(rng, 100, likes), heavy(rng, 100, likes + better), plan(200)])
        order = [int(place) for place in rng.permutation(len(same))]
        asked = [same[place] for place in order]

        def null_tests() -> str:
            said = student.probe(answers, student.ab_test, asked)
            found = {
                place: isinstance(each, dict) and each.get("verdict") in ("a", "b")
                for place, each in zip(order, said, strict=True)
            }
            alarms = sum(found[place] for place in range(100))
            if alarms > 16:
                return f"in {alarms} of 100 tests of equal versions it finds a difference"
            seen = sum(found[place] for place in range(100, 130))
            return f"it finds {seen} of 30 real differences" if seen < 20 else ""

        yield holds(
            "a hundred tests of equal versions, and thirty of others",
            "a difference in about 5 of the equal ones, and in most of the others",
            null_tests,
            hint="The ratings of one user resemble each other: they are no independent witnesses. "
            "Compare users.",
        )

    yield from public_and_hidden(cases)
    a, b = users(rng, 20), users(rng, 20)
    asked = [a, b, plan(40)]
    (want,) = reference.probe(answers, reference.ab_test, [asked])
    yield case(
        "ratings and plan, afterwards",
        lambda: student.probe(answer_and_left, student.ab_test, asked),
        [want, asked],
        hint="Whoever hands over ratings wants to have them back as they were.",
    )

"""The checks of `should_fire`: two windows, `for`, and what keeps an alert firing."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.release_and_watch.asking import LESSON, answer_and_left, answers, mixed, pairs

Minutes = list[list[int]]


def told(rng: Rng, pattern: str) -> Minutes:
    """Return minutes: `x` burns, `.` is quiet, `-` has no request."""
    minutes = []
    for sign in pattern:
        requests = int(rng.integers(50, 200))
        errors = round(requests * float(rng.uniform(0.5, 0.9))) if sign == "x" else 0
        minutes.append([0, 0] if sign == "-" else [requests, errors])
    return minutes


def rule(**other: float) -> dict[str, Any]:
    return {
        "objective": 0.99,
        "burn": 14.4,
        "long": 1,
        "short": 1,
        "for": 0,
        "keep": 0,
        **other,
    }


@exercise(LESSON, "should_fire", points=4)
def should_fire(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def asked(name: str, *questions: tuple[Minutes, dict[str, Any]], hint: str) -> Case:
        order = [[pairs(minutes), rule] for minutes, rule in mixed(rng, questions)]
        wanted = reference.probe(answers, reference.should_fire, order)
        return case(
            name, lambda: student.probe(answers, student.should_fire, order), wanted, hint=hint
        )

    def signs(count: int, burning: float = 0.5) -> str:
        """Return a pattern that is drawn: stretches of burning and quiet minutes."""
        pattern = ""
        while len(pattern) < count:
            sign = "x" if rng.random() < burning else "."
            pattern += sign * int(rng.integers(1, 6))
        return pattern[:count]

    def cases() -> Iterator[Case]:
        yield asked(
            "one minute alone, and at once",
            (told(rng, "..xx.x"), rule()),
            (told(rng, signs(30)), rule()),
            hint="With windows of one minute, `for` 0 and `keep` 0, it fires in just the minutes "
            "in which errors / requests / (1 - objective) is above burn. A window of 1 is this "
            "minute alone; `for` 0 fires at once, and `keep` 0 ends at once.",
        )
        edge = rule(objective=0.9, burn=float(rng.integers(2, 6)))
        share = edge["burn"] * 0.1
        near = [[1000, round(1000 * share) + int(more)] for more in rng.integers(-60, 60, 24)]
        near = [each for each in near if abs(each[1] - 1000 * share) > 2]
        yield asked(
            "another objective, another burn",
            (near, edge),
            hint="The burn rate is the share of errors divided by 1 - objective.",
        )
        # Exact in floats: half of the requests fail, and the objective is a half.
        half = [[2 * int(n), int(n) + place % 2] for place, n in enumerate(rng.integers(9, 99, 10))]
        yield asked(
            "just as fast as the limit",
            (mixed(rng, half), rule(objective=0.5, burn=1.0)),
            hint="It burns if the burn rates lie above burn: just burn is not above.",
        )
        length = int(rng.integers(40, 70))
        # As many requests in each: here the mean of the shares is the share of all.
        fresh = [[101, errors // 2] for _, errors in told(rng, "xx" + signs(20))]
        yield asked(
            "the first minutes, with fewer than the window has",
            (fresh, rule(long=length, short=length)),
            (fresh, rule(long=4, short=4)),
            hint="At the beginning the window has all minutes that there are so far: those alone "
            "are summed, and it burns from the first minute on. A slice that begins below 0 counts "
            "from the end.",
        )
        yield asked(
            "minutes without a request",
            (told(rng, "--xx--x-."), rule(long=3, short=3)),
            (told(rng, "----"), rule()),
            (told(rng, signs(20).replace("...", ".-.")), rule()),
            hint="Without a request in the window the burn rate is 0. Otherwise it is the sum of "
            "the window's errors over the sum of its requests.",
        )
        uneven = [
            [int(n), int(n * float(p))]
            for n, p in zip(
                rng.choice([5, 40, 900], 40), rng.choice([0.0, 0.05, 0.3, 0.8], 40), strict=True
            )
        ]
        window = int(rng.integers(3, 8))
        yield asked(
            "a window of several minutes",
            (uneven, rule(long=window, short=window)),
            hint="Sum the errors of the last minutes, and divide by the sum of their requests: the "
            "mean of the minutes' shares is something else. This minute belongs to the window; at "
            "the beginning it is shorter.",
        )
        yield asked(
            "two windows",
            (told(rng, "." * 20 + "x" * 8 + "." * 20), rule(long=15, short=3)),
            (uneven, rule(long=12, short=2)),
            hint="Both must burn in the same minute: the long one to be sure, the short one to "
            "end soon.",
        )
        hold = int(rng.integers(2, 5))
        yield asked(
            "for",
            (told(rng, "..x.xx.xxxxxxx.xx..xxx"), rule(**{"for": hold})),
            (told(rng, signs(40, 0.8)), rule(**{"for": hold})),
            hint='"pending" from the first burning minute, "firing" once `for` minutes have passed '
            "since that one: with 2 in the third burning minute. A break begins it anew.",
        )
        keep = int(rng.integers(2, 5))
        yield asked(
            "keep",
            (told(rng, "xx......x..x......"), rule(keep=keep)),
            (told(rng, signs(50, 0.4)), rule(keep=keep)),
            hint="It still fires in the first quiet minute and goes on for `keep` minutes: now - "
            "first quiet minute < keep. If it burns again meanwhile, the quiet time begins anew.",
        )
        yield asked(
            "for and keep",
            (told(rng, "xxxx..x..xx.....x.x.xxxx...."), rule(**{"for": 2, "keep": 3})),
            (told(rng, signs(60)), rule(**{"for": hold, "keep": keep})),
            hint="What still fires goes on firing when it burns again: it need not hold `for` "
            "minutes anew. Once inactive it must.",
        )
        yield asked(
            "pending is not kept",
            (told(rng, "x.x.x..xx.x..."), rule(**{"for": 3, "keep": 5})),
            (told(rng, signs(40)), rule(**{"for": hold + 1, "keep": keep})),
            hint="`keep` is for what fires. What is pending and does not burn is inactive at once.",
        )
        long = [
            [int(n), int(rng.binomial(n, p))]
            for n, p in zip(
                rng.poisson(30, 150),
                np_blocks(rng, 150),
                strict=True,
            )
        ]
        yield asked(
            "two hours and a half",
            (long, rule(long=30, short=4, keep=3, burn=6.0, **{"for": 2})),
            ([], rule()),
            hint="Take one minute at a time: burn rates of both windows first, then the state.",
        )

    yield from public_and_hidden(cases)
    own = [pairs(told(rng, f"x..{signs(10)}")), rule(keep=1)]
    (want,) = reference.probe(answers, reference.should_fire, [own])
    yield case(
        "minutes and rule, afterwards",
        lambda: student.probe(answer_and_left, student.should_fire, own),
        [want, own],
        hint="The minutes are wanted for other alerts too: leave them as they are.",
    )


def np_blocks(rng: Rng, count: int) -> list[float]:
    """Return a share of errors for each minute: long quiet stretches, and faults."""
    shares: list[float] = []
    while len(shares) < count:
        share = float(rng.choice([0.0, 0.01, 0.1, 0.5]))
        shares += [share] * int(rng.integers(3, 20))
    return shares[:count]

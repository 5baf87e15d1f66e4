"""The checks of how much somebody may ask: a bucket of tokens, and a clock that is handed in."""

from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden

Taken = list[list[float]]
"""What is asked of a bucket: each a cost and a time."""


@probe
def takes(
    _: dict[str, Any], bucket: Callable[..., Any], made: list[list[float]], asked: list[list[float]]
) -> Any:
    """Make a bucket of each of `made`; return what they say to `asked`: which, cost, time."""
    buckets = [bucket(*sizes) for sizes in made]
    said = [buckets[int(which)].take(cost, now) for which, cost, now in asked]
    return None if all(answer is None for answer in said) else said


@exercise("12_serve", "TokenBucket", points=2)
def token_bucket(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def one(of: Student, size: list[float], asked: Taken) -> Any:
        return of.probe(takes, of.TokenBucket, [size], [[0, *each] for each in asked])

    def cases() -> Iterator[Case]:
        capacity = float(rng.integers(5, 400))
        rate = float(rng.integers(3, 200)) / 8
        start = float(rng.integers(1000, 9000))
        size = [capacity, rate, start]

        def said(name: str, asked: Taken, hint: str, size: list[float] = size) -> Case:
            return case(
                name,
                lambda: one(student, size, asked),
                one(reference, size, asked),
                hint=hint,
            )

        part = float(rng.integers(1, 4))
        yield said(
            "a burst: all that is in it, and then one more",
            [[part, start], [capacity - part, start], [1.0, start]],
            "It begins full. take gives 0.0 where there is enough, and takes it out; exactly "
            "enough is enough: cost <= tokens. Otherwise it gives how many seconds it will take "
            "until there is: what is missing / per_second. Fractions count: no int(...).",
        )
        yield said(
            "a part of it, and then more than is left",
            [[part, start], [capacity, start]],
            "The wait is for what is missing, not for all: (cost - tokens) / per_second.",
        )
        yield said(
            "more than there is, and then what there is",
            [[2.0, start], [capacity, start], [capacity - 2, start]],
            "Who is refused has got nothing: take nothing out of the bucket then.",
        )
        pause = float(rng.integers(1, 9)) / 8
        yield said(
            "empty, and a pause, and another",
            [[capacity, start], [capacity, start + pause], [capacity, start + 2 * pause]],
            "Each time, add what came in since the LAST look: (now - latest) * per_second, with "
            "its fractions. Also after a refusal `latest` moves on to now.",
        )
        wait = (capacity + 2) / rate
        yield said(
            "nothing for long: a burst after it",
            [[2.0, start], [capacity, start + 50 * wait], [1.0, start + 50 * wait]],
            "There is never more in it than `capacity`: min(capacity, ...).",
        )
        first, second = (float(wait) / 8 for wait in rng.integers(1, 80, 2))
        all_of_it = (first + second) * rate  # no rounding: few binary digits
        yield said(
            "coming again when it said",
            [
                [all_of_it, start],
                [first * rate, start],
                [first * rate, start + first],
                [second * rate, start + first],
                [second * rate, start + first + second],
            ],
            "After as many seconds as it said, there must be enough: cost <= tokens, not <.",
            [all_of_it, rate, start],
        )
        yield said(
            "more than there ever can be",
            [[capacity + part, start], [capacity, start], [part, start]],
            "What costs more than `capacity` never comes: return math.inf, and take nothing.",
        )
        back = float(rng.integers(8, 80)) / 8
        yield said(
            "a clock that goes back",
            [[capacity, start + 100], [part, start + 100 - back], [part, start + 100]],
            "now - latest may be negative, and would take tokens away: nothing comes in then. And "
            "`latest` stays at the latest time of all, or the same seconds would count twice.",
        )
        yield said(
            "a clock that goes back before it was made",
            [[capacity - 1, start - back], [part + 1, start - back], [part, start]],
            "Nothing comes in while `now` is before the time that the bucket was made.",
        )
        free = [[capacity, start], [0.0, start], [part, start]]
        yield said("what costs nothing", free, "A cost of 0 is always there: 0.0.")

        other = [capacity + 3, rate, start]
        both = [[0, capacity, start], [1, capacity + 3, start], [0, 1.0, start], [1, 1.0, start]]
        yield case(
            "two buckets",
            lambda: student.probe(takes, student.TokenBucket, [size, other], both),
            reference.probe(takes, reference.TokenBucket, [size, other], both),
            hint="Each bucket has its own tokens: they belong to self, and are set in __init__.",
        )
        now, asked = start, []
        for _ in range(60):
            now += float(rng.choice([0, 0, 1, 2, 4, 12, -6])) / 8
            asked.append([float(rng.integers(1, 1 + int(capacity) // 2)), now])
        yield said(
            "sixty at random times",
            asked,
            "One of: add what came in, at most up to `capacity`; move `latest` on, never back; "
            "then take the cost or say how long it will be.",
        )

    yield from public_and_hidden(cases)

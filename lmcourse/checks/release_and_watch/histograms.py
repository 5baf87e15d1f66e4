"""The checks of `histogram_quantile`: percentiles from buckets, as Prometheus reckons them."""

import math
from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.release_and_watch.asking import LESSON, answer_and_left, answers, mixed, pairs
from lmcourse.checks.release_and_watch.recorded import QUANTILES

Buckets = list[list[float]]


def buckets(rng: Rng, count: int, beyond: int = 0) -> Buckets:
    """Return `count` finite buckets and the one up to infinity, with `beyond` in that alone."""
    bounds = rng.uniform(0.05, 0.9, count).cumsum()
    counts = rng.integers(5, 90, count).cumsum()
    finite = [[round(float(b), 4), float(c)] for b, c in zip(bounds, counts, strict=True)]
    return [*finite, [math.inf, float(counts[-1] + beyond)]]


@exercise(LESSON, "histogram_quantile", points=3)
def histogram_quantile(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def asked(name: str, *questions: list[Any], hint: str) -> Case:
        order = mixed(rng, [[q, pairs(some)] for q, some in questions])
        wanted = reference.probe(answers, reference.histogram_quantile, order)
        return case(
            name,
            lambda: student.probe(answers, student.histogram_quantile, order),
            wanted,
            hint=hint,
        )

    def within(some: Buckets, place: int) -> float:
        """Return a share whose rank lies well within the bucket at `place`."""
        low = some[place - 1][1] if place else 0.0
        return float((low + rng.uniform(0.2, 0.8) * (some[place][1] - low)) / some[-1][1])

    def cases() -> Iterator[Case]:
        some = buckets(rng, 6)
        yield asked(
            "within a bucket",
            *([within(some, place), some] for place in (2, 4, 5)),
            hint="rank = q * all. Of the observations in the bucket, the rank is number rank less "
            "the count before; that share of the way from its lower to its upper bound.",
        )
        yield asked(
            "in the lowest bucket",
            [within(some, 0), some],
            hint="The lowest bucket begins at 0.",
        )
        yield asked(
            "just at a bucket's count",
            *([some[place][1] / some[-1][1], some] for place in (0, 1, 3)),
            [1.0, some],
            hint="The bucket is the first whose count is the rank or MORE: with just the rank, the "
            "answer is its upper bound.",
        )
        tail = buckets(rng, 4, beyond=int(rng.integers(40, 90)))
        yield asked(
            "beyond the highest finite bound",
            [within(tail, 4), tail],
            [1.0, tail],
            [within(tail, 1), tail],
            hint="Above the highest finite bound nothing more is known: that bound is the answer.",
        )
        mixed = buckets(rng, 5, beyond=3)
        order = [mixed[place] for place in rng.permutation(6)]
        yield asked(
            "in any order",
            [within(mixed, 3), order],
            [within(mixed, 1), order[::-1]],
            hint="Sort the buckets by their bounds first.",
        )
        below = -float(rng.uniform(1, 5))
        cold = [[below, 20.0], [below / 2, 50.0], [1.0, 90.0], [math.inf, 90.0]]
        yield asked(
            "bounds below 0",
            [0.1, cold],
            [0.4, cold],
            [0.8, cold],
            [0.3, [[0.0, 60.0], [2.0 - below, 100.0], [math.inf, 100.0]]],
            hint="If the lowest bucket's bound is 0 or below, the answer is that bound: where it "
            "begins nobody knows. All others go from the bound before.",
        )
        empty = [list(each) for each in buckets(rng, 5)]
        empty[2][1] = empty[1][1]
        empty[4][1] = empty[5][1] = 512.0  # by which q * all is exact
        yield asked(
            "an empty bucket in between",
            [within(empty, 3), empty],
            [empty[1][1] / empty[-1][1], empty],
            hint="An empty bucket has the count of the one before, and is never the first that is "
            "large enough.",
        )
        torn = [list(each) for each in buckets(rng, 5)]
        torn[3][1] = torn[2][1] - float(rng.integers(2, 5))
        low, high = (float(each) for each in rng.integers([5, 50], [20, 90]))
        counts = [high, low, 2 * low, 2 * high, 2 * high]
        twice = list(zip([1.0, 2.0, 3.0, 4.0, math.inf], counts, strict=True))
        yield asked(
            "counts that fall",
            [within(torn, 2), torn],
            [float((torn[2][1] + 0.3 * (torn[4][1] - torn[2][1])) / torn[-1][1]), torn],
            [0.999, [*torn[:-1], [math.inf, torn[-1][1] - 1]]],
            [float(rng.uniform(0.65, 0.9)), twice],
            hint="Raise each count to the one before it, from the lowest bound on: the last one "
            "too, before you take the rank of it. Where two fall one after the other, both become "
            "the one before them, that was itself raised.",
        )
        bound = float(rng.uniform(1, 9))
        yield asked(
            "none, too few, or no end",
            [0.5, [[bound, 0.0], [math.inf, 0.0]]],
            [0.5, [[math.inf, 7.0]]],
            [0.5, []],
            [0.5, [[1.0, 3.0], [1.0 + bound, 5.0]]],
            [0.5, [[bound, 4.0], [math.inf, 4.0]]],
            hint="math.nan where there are fewer than two buckets, where none goes up to infinity, "
            "and where nothing was observed. The last of these questions has an answer.",
        )

    yield from public_and_hidden(cases)
    drawn = buckets(rng, 5)
    (unknown,) = reference.probe(answers, reference.histogram_quantile, [[0.6, pairs(drawn)]])
    known = [([q, pairs(some)], answer) for some, told in QUANTILES for q, answer in told.items()]
    real = mixed(rng, [*known, ([0.6, pairs(drawn)], unknown)])
    yield case(
        "what the real Prometheus answered",
        lambda: student.probe(answers, student.histogram_quantile, [each for each, _ in real]),
        [answer for _, answer in real],
        hint="Prometheus 2.42 reckoned these. Follow the five steps once more, by hand.",
    )
    own = pairs(buckets(rng, 4)[::-1])
    (want,) = reference.probe(answers, reference.histogram_quantile, [[0.6, own]])
    yield case(
        "buckets, afterwards",
        lambda: student.probe(answer_and_left, student.histogram_quantile, [0.6, own]),
        [want, [0.6, own]],
        hint="sorted(buckets) makes a new list; buckets.sort() changes the one you were handed.",
    )

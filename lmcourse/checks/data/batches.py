"""Checks of `get_batch`."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import holds

LESSON = "01_data"


@exercise(LESSON, "get_batch", points=3)
def get_batch(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # Every id occurs once, so that a window shows where it was cut. No id is its own place, and
    # what follows an id cannot be had by counting on from it.
    ids = torch.from_numpy(rng.choice(1_000_000, 10_000, replace=False) + 20_000)
    place = {number: at for at, number in enumerate(ids.tolist())}
    seed = int(rng.integers(0, 2**31))
    rows, length = (int(size) for size in 3 + rng.permutation(20)[:2])

    def ask(batch: int, context: int, count: int = 10_000) -> Any:
        student.seed(seed)
        return student.get_batch(ids[:count], batch, context)

    def starts(batch: Any) -> list[int]:
        return [place[number] for number in batch[0][:, 0].tolist()]

    def other_than_follows(left: Any, right: Any) -> str:
        """Say which entry of `right` is not what comes in `ids` after that of `left`."""
        for before, after in zip(left.flatten().tolist(), right.flatten().tolist(), strict=True):
            at = place[before] + 1
            if place.get(after, -1) != at:
                truth = ids[at].item() if at < len(ids) else "nothing"
                return f"after {before} comes {truth} in ids, you have {after}"
        return ""

    def torn(x: Any) -> str:
        return other_than_follows(x[:, :-1], x[:, 1:])

    def not_from_ids(x: Any) -> str:
        strange = x[~torch.isin(x, ids)]
        return f"{strange[0]} is not in ids" if len(strange) else ""

    for name, batch, context in (
        ("two tensors of shape (batch, context)", rows, length),
        ("a single row", 1, length),
        ("a context of one", rows, 1),
    ):
        yield case(
            name,
            lambda: [tuple(part.shape) for part in ask(batch, context)],
            [(batch, context)] * 2,
            hint="x and y have one row for each window, and keep their two dims: torch.stack puts "
            "windows under each other",
            points=0.5,
        )
    yield case(
        "the numbers are int64",
        lambda: [str(part.dtype).removeprefix("torch.") for part in ask(rows, length)],
        ["int64", "int64"],
        hint="x and y hold ids, which are int64 in the whole course",
        points=0.5,
    )
    yield holds(
        "numbers from the text",
        "all are in ids",
        lambda: not_from_ids(ask(rows, length)[0]),
        hint="a window holds ids, ids[start : start + context], not their places",
    )
    yield holds(
        "each row is one stretch of text",
        "what follows in ids",
        lambda: torn(ask(rows, length)[0]),
        hint="a row is a stretch of neighbours: draw one start for each row, not one for each "
        "character",
    )
    yield holds(
        "y is one ahead of x",
        "what follows in ids",
        lambda: other_than_follows(*ask(rows, length)),
        hint="y is the same stretch of ids, begun one character later, from start + 1 on; the ids "
        "themselves do not count up, so x + 1 is something else",
    )

    def alike() -> str:
        places = len(set(starts(ask(64, 8))))
        return "" if places > 16 else f"64 rows start at {places} places"

    yield holds(
        "rows start at different places",
        "at many places",
        alike,
        hint="draw a new random start for each of the batch rows",
    )

    # 9,992 places, 700 rows: a right solution draws no place twice with p < 1e-10.
    def never_again() -> str:
        again = len(set(starts(ask(700, 8)))) < 700
        return "" if again else "700 rows start at 700 different places"

    yield holds(
        "two rows may start at the same place",
        "of 700 rows some do",
        never_again,
        hint="draw each row's start on its own, with torch.randint: in a shuffled list of places "
        "none comes twice, and it runs out",
    )

    # 64 rows: in a right solution 31.5 rows on average, give or take 2.3, start later than the
    # row before them.
    def in_order() -> str:
        later = sum(first < second for first, second in pairwise(starts(ask(64, 8))))
        return "" if 12 < later < 51 else f"{later} of 63 rows start later than the row before"

    yield holds(
        "the rows stand in no order",
        "about half of the rows start later than the row before",
        in_order,
        hint="leave the starts in the order in which they were drawn: once they are sorted, the "
        "first row is always from near the start of the text",
    )

    def two_calls() -> list[list[int]]:
        return [starts(student.get_batch(ids, 16, 4)) for _ in range(2)]

    yield case(
        "two calls differ",
        lambda: len({str(drawn) for drawn in two_calls()}),
        2,
        hint="a second call should draw new windows: set no seed inside get_batch",
    )
    # Eight places to start: a right solution misses one of them in 1,000 draws with p < 1e-56. In
    # 3,000 draws, one that comes half as often as it should is off by nine standard errors.
    yield case(
        "every start, from the first to the last",
        lambda: sorted(set(starts(ask(1_000, 4, count=12)))),
        list(range(8)),
        hint="the last y must end with the last id, so starts run from 0 to N - context - 1; "
        "torch.randint leaves its upper end out: torch.randint(N - context, (batch,))",
    )
    yield holds(
        "all starts equally likely",
        "each of 8 places about 375 times in 3,000",
        lambda: _uneven(starts(ask(3_000, 4, count=12)), places=8),
        hint="some start comes too often or too seldom: draw from the N - context starts directly, "
        "with torch.randint, without rounding and without pushing the last ones back",
    )
    for count, hidden in ((length + 1, False), (length + 4, True)):
        short = ids[:count].tolist()
        yield case(
            "a text just long enough" if count == length + 1 else "another short text",
            lambda: [part.tolist() for part in ask(3, count - 1, count=count)],
            [[short[:-1]] * 3, [short[1:]] * 3],
            hint="context + 1 characters hold exactly one window",
            hidden=hidden,
        )


def _uneven(draws: list[int], places: int) -> str:
    """Say which of `places` was drawn too often or too seldom, by six standard errors or more."""
    mean = len(draws) / places
    error = math.sqrt(mean * (1 - 1 / places))
    counts = [draws.count(place) for place in range(places)]
    worst = max(range(places), key=lambda place: abs(counts[place] - mean))
    odd = abs(counts[worst] - mean) >= 6 * error
    return f"place {worst} {counts[worst]} times" if odd else ""

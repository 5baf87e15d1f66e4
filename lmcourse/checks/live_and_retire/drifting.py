"""The checks of `drift_detector`: the same source again, others, and one that shifts slowly."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.live_and_retire.drawing import LESSON

Sample = list[list[float]]
Pair = tuple[Sample, Sample]

USUAL = 150
"""Of stories with so many characters the rates have the source's spread."""

FINE, ROUGH = 0.006, 0.2
"""Spreads of sources. What is far apart in a fine one is less than chance makes in a rough one: no
difference that is fixed beforehand tells the two apart."""


@probe
def alarms(_: dict[str, Any], detector: Callable[..., Any], pairs: list[Pair], rate: float) -> Any:
    """Return what `detector` says of each reference and window, or None if it says nothing.

    What is neither True nor False, of Python or of numpy, comes as the name of its type.
    """
    given = [detector(reference, window, rate) for reference, window in pairs]
    if all(each is None for each in given):
        return None
    return [bool(x) if isinstance(x, bool | np.bool_) else type(x).__name__ for x in given]


class Source:
    """Where stories come from: how long they are, and how hard for the model."""

    def __init__(self, rng: Rng, spread: float) -> None:
        self.rng = rng
        self.hard = rng.uniform(0.8, 1.4)  # nats per character
        self.spread = spread  # of the stories about that

    def sample(self, stories: int, shift: float = 0.0) -> Sample:
        """Return [nats, characters] of so many stories, whose rates shift by so many spreads."""
        characters = self.rng.integers(20, 400, stories)
        spread = self.spread * np.sqrt(USUAL / characters)  # a short one says less
        rates = self.rng.normal(self.hard + shift * self.spread, spread)
        return [[round(float(r * n), 4), int(n)] for r, n in zip(rates, characters, strict=True)]

    def pair(self, shift: float = 0.0, sizes: tuple[int, int] = (25, 25)) -> Pair:
        """Return a reference and a window, of which the second one is shifted."""
        return self.sample(sizes[0]), self.sample(sizes[1], shift)

    def apart(self, errors: float, sizes: tuple[int, int] = (25, 25)) -> Pair:
        """Return a reference and a window that differ by just so many standard errors.

        The standard error is that of the source: the samples' own is near it.
        """
        reference, window = self.pair(sizes=sizes)
        told = sum(USUAL / sum(n for _, n in sample) for sample in (reference, window))
        old, new = (
            sum(r for r, _ in some) / sum(n for _, n in some) for some in (reference, window)
        )
        more = errors * self.spread * math.sqrt(told) - (new - old)
        return reference, [[round(nats + more * n, 4), n] for nats, n in window]


def mixed(rng: Rng, same: list[Pair], shifted: list[Pair]) -> tuple[list[Pair], list[bool]]:
    """Return all of them in an order that is drawn, and which of them are shifted."""
    pairs, moved = [*same, *shifted], [False] * len(same) + [True] * len(shifted)
    order = rng.permutation(len(pairs))
    return [pairs[place] for place in order], [moved[place] for place in order]


def tied(rng: Rng, sizes: tuple[int, int], odd: int, room: int = 100) -> Pair:
    """Return a pair of which all stories cost the same, but for `odd` ones of the window.

    Of all ways to deal them, only those that have all the odd ones in the smaller part, which must
    be the window, differ as much: the share of these is known exactly. All numbers are whole, so
    that equal losses are equal.
    """
    size, nats = (int(each) for each in rng.integers(20, 60, 2))
    more = int(rng.integers(5, room))
    reference: Sample = [[nats, size] for _ in range(sizes[0])]
    window: Sample = [[nats + more * (place < odd), size] for place in range(sizes[1])]
    order = rng.permutation(len(window))
    return reference, [window[place] for place in order]


@exercise(LESSON, "drift_detector", points=4, exercise_seconds=40)
def drift_detector(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def said(pairs: list[Pair], rate: float) -> Any:
        return student.probe(alarms, student.drift_detector, pairs, rate)

    def tried(
        name: str,
        same: list[Pair],
        shifted: list[Pair],
        rate: float,
        allowed: int,
        needed: int,
        hint: str,
        points: float = 1.0,
    ) -> Case:
        """Return the case that few of the same alarm, and many of those that are shifted.

        `allowed` is so large that one in 100,000 detectors that keep their rate goes beyond it.
        """
        pairs, moved = mixed(rng, same, shifted)

        def seen() -> str:
            given = said(pairs, rate)
            if given is None:
                raise ValueError("your function gives None: is a return missing?")
            odd = [each for each in given if not isinstance(each, bool)]
            if odd or len(given) != len(pairs):
                return f"it answers with a {odd[0] if odd else 'list of another length'}"
            false = sum(each for each, drift in zip(given, moved, strict=True) if not drift)
            found = sum(each for each, drift in zip(given, moved, strict=True) if drift)
            if false > allowed:
                return f"{false} false alarms in {len(same)} windows of the same source"
            if found < needed:
                return f"{found} of {len(shifted)} shifted windows are seen"
            return ""

        want = (
            f"at rate {rate:g}, at most {allowed} alarms in {len(same)} windows of the same "
            f"source, and {needed} or more in {len(shifted)} that are shifted"
        )
        return holds(name, want, seen, hint=hint, points=points)

    def same(count: int, sizes: tuple[int, int] = (25, 25)) -> list[Pair]:
        """Return pairs of the same source: so many of a fine one, and some that differ usually."""
        errors = rng.uniform(0.6, 0.85, 9) * rng.choice([-1, 1], 9)
        return [
            *(fine.pair(sizes=sizes) for _ in range(count)),
            *(rough.apart(float(each), sizes) for each in errors),
        ]

    def shifted(count: int, shift: float, sizes: tuple[int, int] = (25, 25)) -> list[Pair]:
        """Return pairs that are shifted, by turns of a fine and of a rough source."""
        return [(fine, rough)[place % 2].pair(shift, sizes) for place in range(count)]

    fine, rough = Source(rng, FINE), Source(rng, ROUGH)
    yield case(
        "True or False",
        lambda: said([rough.pair(3), rough.pair(3)], 0.05),
        [True, True],
        hint="Return a plain True or False: bool(...) makes one of numpy's. What these windows "
        "cost the model more than the references is many times what chance makes, so it is True.",
        form=True,
    )

    def known() -> Iterator[Case]:
        """Yield the case of samples whose stories are all alike."""

        def sizes(low: int) -> tuple[int, int]:
            return int(rng.integers(low, 31)), int(rng.integers(low, 31))

        equal = [tied(rng, sizes(20), 0) for _ in range(4)]
        other = []
        for _ in range(4):
            (a, _), (_, b) = tied(rng, sizes(20), 0), tied(rng, sizes(20), 0)
            more = int(rng.integers(5, 30))
            other.append((a, [[a[0][0] + more, a[0][1]] for _ in b]))
        pairs, moved = mixed(rng, equal, other)
        yield case(
            "all stories cost the same, or all of the window cost more",
            lambda: said(pairs, 0.01),
            moved,
            hint="Where all stories cost the same, every split differs by as much as what you saw: "
            "by nothing. Count the splits that differ as much as what you saw, or more (>=, and "
            "not >): their share is 1 here, and that is no alarm.",
            points=0.5,
            form=True,  # a ranking by the differences alone gets it right
        )

    def one_odd() -> Iterator[Case]:
        """Yield the case whose share is known, and some 22 of 100."""
        ties = []
        for _ in range(4):
            small = int(rng.integers(20, 23))
            ties.append(tied(rng, (round(small * 3.5), small), 1))
        far = [rough.pair(5, (70, 20)) for _ in range(4)]
        both, which = mixed(rng, ties, far)
        yield case(
            "one story of the window is another one",
            lambda: [said(both, rate) for rate in (0.15, 0.3)],
            [which, [True] * len(both)],
            hint="One story in 4 or 5 stands in the window. So a deal has the odd story in the "
            "window's part in some 22 of 100, and differs as much: no alarm at 0.15, one at 0.3. "
            "The parts of a deal are of exactly len(reference) and len(window) stories. And deal "
            "the stories themselves, each once: a bootstrap, which draws some twice, or a formula "
            "for the normal distribution, is about right with many stories alone.",
        )

    def plain() -> Iterator[Case]:
        yield tried(
            "the same source again, and another one",
            same(6),
            shifted(8, 3),
            0.05,
            4,
            8,
            hint="Put both samples together, split them by chance again and again, and count how "
            "often the two parts differ as much as the window does from the reference. Alarm if "
            "that share is at most `rate`. How large a difference is says nothing: chance makes "
            "more of it where stories differ more.",
        )
        yield tried(
            "a window that is easier",
            same(4),
            shifted(6, -3),
            0.05,
            3,
            6,
            hint="A loss that falls is a change as well: a thousand times the same prompt is easy. "
            "Compare absolute differences, abs(...).",
        )
        sizes = (50, 22)
        yield tried(
            "windows and references of other sizes",
            same(4, sizes),
            shifted(6, 3, sizes),
            0.05,
            3,
            6,
            hint="The two need not have the same number of stories: split the pool into parts of "
            "exactly len(reference) and len(window).",
        )
        yield tried(
            "at a small rate",
            same(4),
            shifted(6, 4),
            0.0025,
            2,
            6,
            hint="With N splits the smallest share that you can count is 1 in N + 1: at a rate of "
            "0.0025 take some 1,000 splits, or nothing is ever seen.",
        )
        yield tried(
            "at a small rate, what chance does in 1 of 100 deals",
            [tied(rng, (70, 20), 3) for _ in range(24)],
            shifted(4, 5),
            0.0025,
            2,
            4,
            hint="Here three odd stories stand in the window, which chance does in 1 of 100 deals: "
            "that is no alarm at a rate of 0.0025. With 200 splits there are often none of these. "
            "Count what you saw as a split, which it is: then the share is never 0. Take 1,000 "
            "splits, into parts of exactly len(reference) and len(window) stories.",
        )
        first = fine.sample(40)
        slow: list[Pair] = [
            (first, fine.sample(25, float(shift))) for shift in np.linspace(2, 4, 6)
        ]
        quick = [(fine.sample(25, 4), fine.sample(25, 4)) for _ in range(4)]
        yield tried(
            "a source that shifts slowly",
            [*quick, *same(0)],
            slow,
            0.05,
            3,
            6,
            hint="Each window is held against the first reference. So what went up by a little "
            "every day is seen in the end.",
        )

    def demanding() -> Iterator[Case]:
        sizes = (20, 80)
        yield tried(
            "a small reference: false alarms counted",
            [source.pair(sizes=sizes) for source in (fine, rough) for _ in range(30)],
            shifted(5, 3, sizes),
            0.05,
            13,
            5,
            hint="Too many false alarms. The reference is a sample, too, and not the truth: 20 "
            "other stories of the same source would have given another number. So both have to "
            "be drawn anew: pool them, and split the pool. Whole stories are drawn, never single "
            "characters.",
            points=2,
        )
        pairs, want = borderline(16)
        yield holds(
            "stories of very different lengths, and two rates",
            "alarms where chance does it more rarely than the rate, and there alone",
            lambda: compared([said(pairs, 0.3), said(pairs, 0.02)], want),
            hint="Here chance alone makes as large a difference in about 20 of 100 splits: alarm "
            "at rate 0.3, none at rate 0.02. Is the difference one of nats per character, all "
            "nats of a part divided by all its characters (a mean of the stories' own rates "
            "counts a short one as much as a long one)? Is `rate` the one that was handed in, and "
            "not halved for two sides?",
            points=2,
        )

    def borderline(count: int) -> tuple[list[Pair], list[list[bool]]]:
        """Return pairs that alarm at a rate of 0.3 and not at 0.02, and some that alarm at none.

        Of the first kind chance makes as much in 19 to 22 of 100 splits, by the solved notebook.
        """
        near: list[Pair] = []
        while len(near) < count:
            sources = [(fine, rough)[place % 2] for place in range(3 * count)]
            drawn = [source.apart(float(rng.choice([-1.28, 1.28]))) for source in sources]
            below, above = (
                reference.probe(alarms, reference.drift_detector, drawn, rate)
                for rate in (0.19, 0.22)
            )
            near += [drawn[place] for place in range(len(drawn)) if above[place] > below[place]]
        none = [
            source.apart(float(rng.uniform(-0.25, 0.25)))
            for source in (fine, rough)
            for _ in range(count // 4)
        ]
        pairs, moved = mixed(rng, none, near[:count])
        return pairs, [moved, [False] * len(pairs)]

    def compared(given: list[Any], want: list[list[bool]]) -> str:
        if any(each is None for each in given):
            raise ValueError("your function gives None: is a return missing?")
        for rate, came, right in zip((0.3, 0.02), given, want, strict=True):
            wrong = sum(one != other for one, other in zip(came, right, strict=True))
            if wrong > 2:
                return f"at rate {rate}, {wrong} of {len(right)} answers are not right"
        return ""

    yield from known()
    yield from plain()
    yield from public_and_hidden(demanding)
    yield from one_odd()

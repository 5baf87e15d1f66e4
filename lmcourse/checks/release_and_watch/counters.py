"""The checks of `rate`: a counter's growth, as Prometheus reckons it."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.release_and_watch.asking import LESSON, answer_and_left, answers, mixed, pairs
from lmcourse.checks.release_and_watch.recorded import RATES

Samples = list[list[float]]


def growing(rng: Rng, begin: float, count: int, step: float, value: float) -> Samples:
    """Return samples of a counter that never falls, `step` seconds apart or nearly so."""
    when = begin + step * (rng.uniform(-0.03, 0.03, count).cumsum() + range(count))
    values = value + rng.integers(1, 60, count).cumsum()
    return [[round(float(t), 3), float(v)] for t, v in zip(when, values, strict=True)]


@exercise(LESSON, "rate", points=4)
def rate(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def asked(name: str, *questions: list[Any], hint: str) -> Case:
        order = mixed(rng, [[pairs(samples), *window] for samples, *window in questions])
        wanted = reference.probe(answers, reference.rate, order)
        return case(
            name,
            lambda: student.probe(answers, student.rate, order),
            wanted,
            hint=hint,
        )

    def cases() -> Iterator[Case]:
        step = float(rng.integers(5, 30))
        begin = float(rng.integers(1000, 9000))
        much = float(rng.integers(10**5, 10**6))
        full = growing(rng, begin, 8, step, much)
        first, last = full[0][0], full[-1][0]
        edge = [full, first - 1e-6, last]
        yield asked(
            "samples from edge to edge",
            edge,
            hint="The rise from the first sample to the last, divided by the seconds. A sample at "
            "`end` counts, and one at `start` does not.",
        )
        yield asked(
            "samples that end before the edges do",
            [full, first - 0.3 * step, last + 0.2 * step],
            [full, first - 0.9 * step, last + 0.7 * step],
            hint="Both ends are near: the rise goes on to the edges. It grows by (before + seconds "
            "+ after) / seconds, and is divided by end - start.",
        )
        yield asked(
            "edges that are far off",
            [full, first - 5 * step, last + 0.2 * step],
            [full, first - 0.5 * step, last + 4 * step],
            [full, first - 2 * step, last + 3 * step],
            hint="1.1 steps or more are far: there it goes on for half a step. The step is the "
            "seconds from first to last, divided by the number of steps (one fewer than samples).",
        )
        yield asked(
            "edges that are just near, or just far",
            [full, first - 1.06 * step, last + 0.1 * step],
            [full, first - 1.25 * step, last + 0.1 * step],
            [full, first - 0.1 * step, last + 1.06 * step],
            [full, first - 0.1 * step, last + 1.25 * step],
            hint="Below 1.1 steps in time an edge is near.",
        )
        # Exact in floats: the step is 5, and the gap 1.1 steps.
        even = [[begin + 5.0 * k, value] for k, (_, value) in enumerate(full)]
        yield asked(
            "an edge that is just 1.1 steps off",
            [even, begin - 5.5, begin + 36.0],
            [even, begin - 1.0, begin + 35.0 + 5.5],
            hint="With 1.1 steps in time or more an edge is far: near is what is below.",
        )
        yield asked(
            "only what lies after the start, and up to the end",
            [full, full[2][0], full[6][0]],
            [full, full[1][0] + 0.4 * step, full[5][0] + 0.3 * step],
            hint="start < when <= end: a sample at the start belongs to the time before.",
        )
        broken = [list(each) for each in full]
        place = int(rng.integers(3, 6))
        for each in broken[place:]:
            each[1] = float(each[1] - full[place][1] + int(rng.integers(1, 9)))
        wide = [first - 0.4 * step, last + 0.4 * step]
        for each, after in zip(broken[place:], broken[place + 1 :], strict=False):
            after[1] = max(after[1], each[1])
        yield asked(
            "a counter that begins anew",
            [broken, *wide],
            hint="Where the value falls, the counter began at 0: the step is the new value, and "
            "the value before is not lost.",
        )
        twice = [list(each) for each in full]
        values = [much, much + 9, 4.0, 50.0, 0.0, 7.0, 7.0, float(rng.integers(8, 500))]
        for each, value in zip(twice, values, strict=True):
            each[1] = value
        yield asked(
            "a counter that begins anew twice, and stands still",
            [twice, *wide],
            hint="Each fall is looked at by itself, from one sample to the next: the sum of all "
            "steps. A value that stays is no fall.",
        )
        young = growing(rng, begin, 6, step, 0.0)
        start, end = young[0][0], young[-1][0]
        young[0][1] = float(rng.integers(0, 3))
        yield asked(
            "a counter that was at 0 shortly before",
            [young, start - 0.9 * step, end + 0.3 * step],
            [young, start - 8 * step, end + 0.3 * step],
            [[[t, v - young[0][1]] for t, v in young], start - 0.5 * step, end],
            hint="Before the first sample it goes no further back than to 0: "
            "seconds * first value / rise.",
        )
        # Down to 0 it takes longer than half a step, and less than a whole one.
        low = float(rng.uniform(6, 9.5))
        slow = [[begin + 10.0 * k, low + 10.0 * k] for k in range(4)]
        yield asked(
            "far from the start, and at 0 soon after it",
            [slow, begin - float(rng.integers(30, 60)), begin + 35.0],
            hint="First whether the edge is near or far: the gap, or half a step. The way down to "
            "0 limits what comes out of that.",
        )
        reborn = [list(each) for each in young]
        about = rng.uniform([5, 38, 2, 18, 28, 42], [7, 42, 4, 22, 32, 46])
        for each, value in zip(reborn, about.round(2).tolist(), strict=True):
            each[1] = value
        yield asked(
            "little at first, and anew after that",
            [reborn, start - 0.9 * step, end + 0.3 * step],
            hint="The rise that says how far back 0 is, is the one with all steps in it.",
        )
        still = [[t, much] for t, _ in full]
        yield asked(
            "nothing happens, and a counter that stays 0",
            [still, *wide],
            [[[t, 0.0] for t, _ in full], *wide],
            [full, *wide],
            hint="Without a rise there is nothing to divide by, and the rate is 0.0.",
        )
        yield asked(
            "too few samples",
            [full[:1], first - 1, last],
            [[], first, last],
            [full, last + step, last + 2 * step],
            [full[:2], first - 0.5 * step, full[1][0]],
            hint="Of fewer than two samples within the window there is no rate: None. Two are "
            "enough.",
        )

    yield from public_and_hidden(cases)
    drawn = growing(rng, 50.0, 9, 10.0, 300.0)
    (unknown,) = reference.probe(answers, reference.rate, [[pairs(drawn), 64.0, 118.0]])
    recorded = mixed(rng, [*RATES, (drawn, 64.0, 118.0, unknown)])
    told = [[pairs(samples), start, end] for samples, start, end, _ in recorded]
    yield case(
        "what the real Prometheus answered",
        lambda: student.probe(answers, student.rate, told),
        [answer for *_, answer in recorded],
        hint="Prometheus 2.42 reckoned these. Follow the five steps once more, by hand.",
    )
    # Some of them lie before the start, and some after the end.
    own = [pairs(growing(rng, 50.0, 8, 10.0, 900.0)), 65.0, 105.0]
    (want,) = reference.probe(answers, reference.rate, [own])
    yield case(
        "samples, afterwards",
        lambda: student.probe(answer_and_left, student.rate, own),
        [want, own],
        hint="The samples are read again for the next rate, those outside the window too: leave "
        "them as they are.",
    )

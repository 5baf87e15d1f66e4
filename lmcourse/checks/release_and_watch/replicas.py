"""The checks of `desired_replicas`: the autoscaler's formula, its limits, its window."""

from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import kinds_in, public_and_hidden
from lmcourse.checks.release_and_watch.asking import (
    LESSON,
    answer_and_left,
    answers,
    mixed,
    pairs,
    plain,
)


@probe
def a_day(
    _: dict[str, Any],
    desired_replicas: Callable[..., Any],
    queue: list[float],
    every: int,
    rule: dict[str, Any],
) -> Any:
    """Return what is said every `every` seconds, while the replicas follow and share the queue."""
    replicas, said = int(rule["least"]), list[Any]()
    for now, waiting in enumerate(queue):
        earlier = [(every * (now - then), wanted) for then, (_, wanted) in enumerate(said)]
        answer = desired_replicas(replicas, waiting / replicas, earlier[-40:], rule)
        if answer is None:
            return None
        replicas, wanted = answer
        said.append((replicas, wanted))
    return plain(said)


@exercise(LESSON, "desired_replicas", points=3)
def desired_replicas(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def asked(name: str, *questions: list[Any], hint: str) -> Case:
        order = [
            [replicas, load, pairs(earlier), rule]
            for replicas, load, earlier, rule in mixed(rng, questions)
        ]
        wanted = reference.probe(answers, reference.desired_replicas, order)
        return case(
            name,
            lambda: student.probe(answers, student.desired_replicas, order),
            wanted,
            hint=hint,
        )

    def rule(**other: Any) -> dict[str, Any]:
        return {
            "target": float(rng.integers(15, 60)),
            "tolerance": 0.1,
            "least": 1,
            "most": 500,
            "window": 300,
            **other,
        }

    def load(replicas: int, wanted: float, rule: dict[str, Any]) -> float:
        """Return a load for which so many are wanted, rounded up: never just at an edge."""
        return float(rule["target"] * (wanted - rng.uniform(0.2, 0.8)) / replicas)

    def cases() -> Iterator[Case]:
        some, other = rule(), rule()
        n, m = (int(each) for each in rng.integers(5, 40, 2))
        yield asked(
            "more",
            [n, load(n, 2 * n, some), [], some],
            [m, load(m, 3 * m + 1, other), [], other],
            hint="replicas * load / target, rounded up. Return a pair: how many there should be, "
            "and what was wanted.",
        )
        yield case(
            "whole numbers",
            lambda: student.probe(
                kinds_in, student.desired_replicas, n, load(n, 2 * n, some), [], some
            ),
            ["int"],
            hint="math.ceil gives a whole number, np.ceil a float: there are no 6.0 replicas.",
            form=True,
        )
        yield asked(
            "fewer",
            [n + 20, load(n + 20, 7, some), [], some],
            [m + 9, load(m + 9, 3, other), [], other],
            hint="The same formula; with nothing earlier there is nothing to wait for. Rounded up "
            "means that 6.2 are 7.",
        )
        yield asked(
            "whole without rounding",
            [n, 2 * some["target"], [], some],
            [2 * m, other["target"] / 2, [], other],
            [n, 3 * other["target"], [], other],
            hint="Rounded up is math.ceil: what is whole already stays, 6 and not 7.",
        )
        wide = rule(tolerance=float(rng.uniform(0.15, 0.3)))
        yield asked(
            "within the tolerance, and outside",
            [n + 20, some["target"] * float(rng.uniform(1.03, 1.09)), [], some],
            [n + 20, some["target"] * float(rng.uniform(0.91, 0.97)), [], some],
            [n + 20, load(n + 20, 1.2 * n + 26, some), [], some],
            [m + 20, wide["target"] * (1 + 0.9 * wide["tolerance"]), [], wide],
            [m + 20, wide["target"] * (1 - 0.9 * wide["tolerance"]), [], wide],
            [m + 20, wide["target"] * (1 + 1.3 * wide["tolerance"]), [], wide],
            hint="If abs(load / target - 1) is tolerance or less, wanted is what there is.",
        )
        just = rule(target=24.0, tolerance=0.25)  # exact in floats
        yield asked(
            "off by just the tolerance",
            [n + 4, 30.0, [], just],
            [n + 4, 18.0, [], just],
            [m + 4, 31.0, [], just],
            hint="The tolerance or less changes nothing; more does.",
        )
        yield asked(
            "nothing was measured",
            [n, None, [], some],
            [m, None, [[20, m]], other],
            [n, 0.0, [], some],
            hint="None is no load of 0: who sees nothing leaves things as they are. A load of 0 "
            "wants 0, and gets `least`: the second number is before window and limits.",
        )
        big = n + 40
        yield asked(
            "down, but not below what was wanted lately",
            [big, load(big, 6, some), [[30, 9], [200, 12 + n], [290, 4]], some],
            [big, load(big, 20, some), [[30, 9], [200, 11]], some],
            hint="The largest of what is wanted now and what was wanted within the window: so far "
            "down, and no further.",
        )
        short = rule(window=int(rng.integers(60, 120)))
        yield asked(
            "what is older than the window",
            [big, load(big, 6, short), [[40, 9], [short["window"] + 5, 30]], short],
            [big, load(big, 6, short), [[short["window"], 30], [50, 8]], short],
            [big, load(big, 6, short), [[short["window"] - 1, 30], [50, 8]], short],
            hint="Only what was wanted less than `window` seconds ago counts; just `window` "
            "seconds are too old.",
        )
        yield asked(
            "up at once, and no higher",
            [n, load(n, 2 * n, some), [[30, 9 * n]], some],
            [n, load(n, 2 * n, some), [[30, 1], [60, 2]], some],
            [n + 20, some["target"], [[30, 9 * n + 90]], some],
            [n + 20, load(n + 20, 6, some), [[30, 9 * n + 90]], some],
            hint="The window holds back who wants to go down, and lifts nobody: never above what "
            "there is, unless that is wanted now.",
        )
        tight = rule(least=int(rng.integers(3, 6)), most=int(rng.integers(9, 14)))
        yield asked(
            "the limits",
            [7, load(7, 40, tight), [], tight],
            [8, load(8, 1, tight), [], tight],
            [8, load(8, 1, tight), [[30, 7]], tight],
            [8, load(8, 1, tight), [[30, 60]], tight],
            [7, load(7, 50, tight), [[30, 60]], tight],
            [1, None, [], tight],
            hint="least and most hold for the first number, at the very end. The second is what "
            "was wanted by the load alone.",
        )
        queue = (300 + 250 * (rng.standard_normal(90).cumsum() / 6)).clip(5, 900)
        day = rule(most=40, window=int(rng.integers(120, 400)))
        want = reference.probe(a_day, reference.desired_replicas, queue.tolist(), 30, day)
        yield case(
            "three quarters of an hour, in which the replicas follow",
            lambda: student.probe(a_day, student.desired_replicas, queue.tolist(), 30, day),
            want,
            hint="The second number is remembered, and comes back in `earlier`: it must be what "
            "the load alone wants, before window and limits.",
        )

    yield from public_and_hidden(cases)
    some = rule()
    earlier = [(30, 5), (90, 9), (10, 7)]
    question = [12, load(12, 3, some), earlier, some]
    (want,) = reference.probe(answers, reference.desired_replicas, [question])
    yield case(
        "what was wanted earlier, afterwards",
        lambda: student.probe(answer_and_left, student.desired_replicas, question),
        [want, question],
        hint="Whoever asks keeps the list: leave it as it is.",
    )

"""The checks of which stages may run: graphs, conditions, results, circles."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.paste import each_of, shown_as
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.pipelines.drawing import LESSON, STAGES, all_stays, some

Stages = dict[str, dict[str, Any]]
Results = dict[str, str]

ENDS = ("succeeded", "failed", "canceled")


@probe
@shown_as(each_of)
def decisions(_: dict[str, Any], ready: Callable[..., Any], asked: list[Any]) -> Any:
    """Return what `ready` says of each pair of stages and results, or why it refuses them."""
    said: list[Any] = []
    for stages, results in asked:
        try:
            answer = ready(stages, results)
        except ValueError as error:
            said.append(f"ValueError: {error}")
        else:
            said.append(None if answer is None else [list(part) for part in answer])
    return None if all(part is None for part in said) else said


def chain(*names: str, **conditions: str) -> Stages:
    """Return stages of which each needs the one before it."""
    before = [[], *([name] for name in names)]
    return {
        name: {"needs": needs, "when": conditions.get(name, "succeeded")}
        for name, needs in zip(names, before, strict=False)
    }


def graph(rng: Rng, size: int) -> Stages:
    """Return stages without a circle, written down in an order that is drawn."""
    names = some(rng, STAGES, size)
    stages: Stages = {}
    for place, name in enumerate(names):
        needs = some(rng, tuple(names[:place]), int(rng.integers(0, 3))) if place else []
        when = str(rng.choice(["succeeded", "succeeded", "succeeded", "failed", "always"]))
        stages[name] = {"needs": needs, "when": when}
    return {name: stages[name] for name in some(rng, tuple(names), size)}


def whole_run(reference: Student, rng: Rng, stages: Stages) -> list[tuple[Results, Any]]:
    """Return the results and what is right to do then, from the first moment to the last."""
    results: Results = {}
    moments = []
    for _ in range(3 * len(stages)):
        (answer,) = reference.probe(decisions, reference.ready, [[stages, results]])
        moments.append((dict(results), answer))
        start, skip = answer
        results |= dict.fromkeys(skip, "skipped") | dict.fromkeys(start, "running")
        running = [name for name in stages if results.get(name) == "running"]
        if not running and not skip:
            break
        for name in running:
            if rng.random() < 0.6:
                results[name] = str(rng.choice(ENDS, p=[0.65, 0.25, 0.1]))
    return moments


@exercise(LESSON, "ready", points=4, forbidden=("pipelines", "schedule", "simulate"))
def ready(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def asked(name: str, *questions: tuple[Stages, Results, Any], hint: str) -> Case:
        pairs = [[stages, results] for stages, results, _ in questions]
        wanted = [want for *_, want in questions]
        return case(name, lambda: student.probe(decisions, student.ready, pairs), wanted, hint=hint)

    def cases() -> Iterator[Case]:
        a, b, c, d, e = some(rng, STAGES, 5)
        line = chain(a, b, c)
        yield asked(
            "three in a row: at the start, and when the first is done",
            (line, {}, [[a], []]),
            (line, {a: "succeeded"}, [[b], []]),
            (line, {a: "succeeded", b: "succeeded"}, [[c], []]),
            hint="A stage may start when each of its needs has ended, and it has no result "
            "itself. Return a pair of lists: (start, skip), in the order of `stages`.",
        )
        yield asked(
            "what runs, and what is over",
            (line, {a: "running"}, [[], []]),
            (line, {a: "succeeded"}, [[b], []]),
            (line, {a: "succeeded", b: "running"}, [[], []]),
            (line, dict.fromkeys((a, b, c), "succeeded"), [[], []]),
            hint='"running" is no end: whoever needs it waits. A stage that has a result is '
            "decided, and is not named again.",
        )
        fan: Stages = {
            d: {"needs": [a, b], "when": "succeeded"},
            b: {"needs": [], "when": "succeeded"},
            a: {"needs": [], "when": "succeeded"},
            c: {"needs": [a], "when": "succeeded"},
        }
        yield asked(
            "side by side, in the order of `stages`",
            (fan, {}, [[b, a], []]),
            (fan, {a: "succeeded"}, [[b, c], []]),
            (fan, {a: "succeeded", b: "succeeded"}, [[d, c], []]),
            hint="All that may start now start together. Go through `stages` in its own order: "
            "what is needed may stand below what needs it.",
        )
        yield asked(
            "one of two needs has failed, the other one still runs",
            (fan, {a: "failed", b: "running"}, [[], [c]]),
            (fan, {a: "failed", b: "succeeded"}, [[], [d, c]]),
            hint="Decide when ALL needs are over, not when the first of them has failed.",
        )
        yield asked(
            "a need that failed, was skipped, or was canceled",
            *((line, {a: end}, [[], [b]]) for end in ("failed", "skipped", "canceled")),
            hint='"succeeded" wants all before it to be "succeeded": skipped and canceled are '
            "not. What may not run is skipped, and so whoever needs it is decided next time.",
        )
        late = chain(a, b, c, **{c: "failed"})
        yield asked(
            "a rollback two steps behind",
            (late, {a: "failed", b: "skipped"}, [[c], []]),
            (late, {a: "succeeded", b: "failed"}, [[c], []]),
            (late, {a: "succeeded", b: "succeeded"}, [[], [c]]),
            hint='"failed" looks all the way back: at its needs, their needs and so on. Here the '
            "need itself was only skipped.",
        )
        beside: Stages = {
            a: {"needs": [], "when": "succeeded"},
            b: {"needs": [], "when": "succeeded"},
            c: {"needs": [b], "when": "failed"},
            d: {"needs": [b], "when": "always"},
        }
        yield asked(
            "a failure that is no need of its own",
            (beside, {a: "failed", b: "succeeded"}, [[d], [c]]),
            (beside, {a: "succeeded", b: "failed"}, [[c, d], []]),
            (beside, {a: "failed", b: "canceled"}, [[d], [c]]),
            hint='"failed" looks at what stands before the stage, not at the whole run; and '
            '"canceled" is no failure.',
        )
        sweep = chain(a, b, e, **{e: "always"})
        yield asked(
            "always",
            (sweep, {a: "failed"}, [[], [b]]),
            (sweep, {a: "failed", b: "skipped"}, [[e], []]),
            (sweep, {a: "succeeded", b: "canceled"}, [[e], []]),
            (sweep, {a: "succeeded", b: "running"}, [[], []]),
            hint='"always" waits for its needs as well, and then runs whatever they came to.',
        )
        after = chain(a, b, c, **{b: "always"})
        yield asked(
            "behind a stage that always runs",
            (after, {a: "failed", b: "succeeded"}, [[], [c]]),
            (after, {a: "skipped", b: "succeeded"}, [[], [c]]),
            (after, {a: "succeeded", b: "succeeded"}, [[c], []]),
            hint='"succeeded" looks all the way back too: its needs, their needs and so on, and '
            'each of them must be "succeeded".',
        )
        stages = graph(rng, int(rng.integers(7, 11)))
        moments = whole_run(reference, rng, stages)
        yield asked(
            "a whole run, moment by moment",
            *((stages, results, want) for results, want in moments),
            hint="Try one moment by hand: for each stage without a result, are all its needs "
            "over? Then its condition says start or skip.",
        )

        size = int(rng.integers(2, 5))
        ring = some(rng, STAGES, size + 2)
        straight = chain(*ring)
        circle = copy.deepcopy(straight)
        circle[ring[0]]["needs"] = [ring[size - 1]]

        def refused(
            stages: Stages, sound: Stages, results: Results, *names: str
        ) -> Callable[[], str]:
            """Return what sees whether `stages` are refused, and `sound` ones are not."""

            def seen() -> str:
                asked = [[stages, results], [sound, results]]
                said = student.probe(decisions, student.ready, asked) or [None, None]
                told, beside = (str(each) for each in said)
                if not told.startswith("ValueError"):
                    return f"it answers {told}"
                if beside.startswith("ValueError"):
                    return f"it refuses stages in which nothing is wrong as well: {sound}"
                missing = [name for name in names if name not in told]
                return f"{told!r} does not name {missing[0]}" if missing else ""

            return seen

        want = "a ValueError that names the stages of the circle"
        yield holds(
            "a circle",
            want,
            refused(circle, straight, {}, *ring[:size]),
            hint="Stages that wait for each other never start, and nobody is told. Look for a "
            "circle first: tuple(TopologicalSorter(...).static_order()) raises a CycleError, "
            "which is a ValueError and names them.",
        )
        two = chain(a, b)
        alone = copy.deepcopy(two)
        alone[b]["needs"] = [a, b]
        yield holds(
            "a stage that needs itself",
            want,
            refused(alone, two, {a: "succeeded"}, b),
            hint="That is a circle too, of one.",
        )
        done = dict.fromkeys(ring[:size], "succeeded")
        yield holds(
            "a circle, though all have results",
            want,
            refused(circle, straight, done, *ring[:size]),
            hint="A circle is a mistake in the file, whatever the results: look for it first.",
        )
        unknown = copy.deepcopy(two)
        unknown[b]["needs"] = [e]
        begun = chain(a, b, c)
        begun[b]["needs"] = [a, e]
        yield holds(
            "a need that is no stage, of a stage that has a result",
            "a ValueError that names it",
            refused(begun, chain(a, b, c), {a: "succeeded", b: "succeeded"}, e),
            hint="A need that is no stage is a mistake in the file, whatever the results: look for "
            "it in all stages, first of all, and raise a ValueError with its name.",
        )
        yield holds(
            "a need that is no stage",
            "a ValueError that names it",
            refused(unknown, two, {}, e),
            hint="A need that is not among the stages would be waited for forever: raise a "
            "ValueError with its name.",
        )

    yield from public_and_hidden(cases)
    one, two, three = sorted(some(rng, STAGES, 3))
    stages = chain(one, two, three)
    stages[three]["needs"] = [two, one]  # in an order that sorting would change
    yield all_stays(
        "stages and results, afterwards",
        student,
        "ready",
        stages,
        {one: "failed"},
        answer=[[], [two]],
        hint="ready looks, and changes nothing: whoever runs the stages writes the results down.",
    )

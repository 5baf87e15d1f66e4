"""The checks of `lineage` and `descendants`."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, public_and_hidden
from lmcourse.checks.package_and_register.bundles import LESSON, word, worthless_alone

Graph = dict[str, list[str]]
"""For each thing the things that it was made from, directly."""


@probe
def lineage_refused(_: dict[str, Any], lineage: Callable[..., Any], graph: Graph, of: str) -> str:
    """Return what `lineage` raises, where it should refuse."""
    try:
        found = lineage(graph, of)
    except ValueError:
        return "ValueError"
    except RecursionError:
        return "RecursionError"
    return f"it returned {len(found)} things"


@probe
def sorted_descendants(_: dict[str, Any], descendants: Callable[..., Any], *asked: Any) -> Any:
    """Return what came of a thing as a sorted list, or what it is if it is no set."""
    found = descendants(*asked)
    if found is None:
        return None
    kind = type(found).__name__
    return sorted(found) if isinstance(found, AbstractSet) else f"no set, but of type {kind}"


@exercise(LESSON, "lineage", points=3, names=("lineage", "descendants"))
def lineage(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def trial(title: str, draw: Callable[[], tuple[Graph, str]], hint: str) -> Iterator[Case]:
        """Yield the cases that the lineage is complete, and in an order that can be rebuilt."""
        drawn, of = draw()

        def odd_in(graph: Graph) -> str:
            found = student.lineage(graph, of)
            if not isinstance(found, list):
                return f"it is of type {type(found).__name__}"
            wanted = _all_behind(graph, of)
            if missing := sorted(wanted - set(found)):
                return f"{missing[0]} is missing"
            if extra := sorted(set(map(str, found)) - wanted):
                return f"{extra[0]} is too many"
            if len(found) != len(wanted):
                return "something stands there twice"
            early = [
                (made, part)
                for place, made in enumerate(found)
                for part in graph.get(made, ())
                if part in found[place:]
            ]
            return (
                f"{early[0][0]} comes before {early[0][1]}, of which it was made" if early else ""
            )

        def odd() -> str:
            turned = {made: parts[::-1] for made, parts in drawn.items()}
            return odd_in(drawn) or odd_in(turned)

        wanted = "each thing once, after all that it was made from"
        yield holds(title, wanted, odd, hint=hint)

    a, b, c = (word(rng) for _ in range(3))
    for single in trial(
        "a thing that was made of nothing",
        lambda: ({a: [], b: [a]}, a),
        "The list ends with the thing itself; here it is all there is.",
    ):
        yield worthless_alone(single)
    yield case(
        "three things in a row",
        lambda: student.lineage({c: [b], a: [], b: [a]}, c),
        [a, b, c],
        hint="c was made from b, and b from a: first a, then b, then c itself. The order of the "
        "dictionary says nothing.",
    )

    yield case(
        "a part of a part, which is used directly as well",
        lambda: [student.lineage({c: parts, a: [], b: [a]}, c) for parts in ([a, b], [b, a])],
        [[a, b, c], [a, b, c]],
        hint="c was made from a and b, and b from a: so a comes before b, and once, in whatever "
        "order the list names them. To go level by level and turn the list round at the end does "
        "not give that: before you put a thing at the end, put all its parts there.",
    )

    def drawn() -> Iterator[Case]:
        graph, of = _graph(rng)
        yield from trial(
            "a graph in which things were used several times",
            lambda: (graph, of),
            "First all that comes behind the parts, then the thing itself, and nothing that is "
            "there already: a thing that two others were made from comes once, before both.",
        )
        root = _root(graph, of)
        yield case(
            "all that came of one thing",
            lambda: student.probe(sorted_descendants, student.descendants, graph, root),
            sorted(_all_after(graph, root)),
            hint="Whatever was made from it, directly or through others, and not the thing itself. "
            "One way: those things in whose lineage it stands. `set(...)` makes a set of a list.",
            points=2,
        )
        unlisted = {name: parts for name, parts in graph.items() if name != root}
        yield from trial(
            "a thing that only others mention",
            lambda: (unlisted, of),
            "What has no entry of its own was made from nothing that we know of: "
            "`made_from.get(thing, [])`.",
        )
        yield worthless_alone(
            case(
                "records that go in circles: through the thing, behind it, from itself to itself",
                lambda: [
                    student.probe(lineage_refused, student.lineage, _circle(graph, *ends), of)
                    for ends in ((root, of), (root, graph[of][0]), (root, root))
                ],
                ["ValueError"] * 3,
                hint="Nothing can be made from itself, so such records are wrong: raise "
                "ValueError, wherever the circle is. Keep the things whose parts you are just "
                "looking at, all of them: who meets one of these again is in a circle.",
            )
        )

    yield from public_and_hidden(drawn)
    graph, of = _graph(rng)
    del graph[_root(graph, of)]  # it is only mentioned now
    yield worthless_alone(
        arguments_stay(
            "the records stay as they were",
            student,
            "lineage",
            graph,
            of,
            hint="Make lists of your own; `made_from` belongs to the caller, and so does each list "
            "in it. `.setdefault` writes into it, `.get` does not.",
            points=0.5,
        )
    )


def _circle(graph: Graph, made: str, part: str) -> Graph:
    """Return the records with one more: that `made` was made from `part`."""
    return graph | {made: [*graph[made], part]}


def _graph(rng: Rng) -> tuple[Graph, str]:
    """Return a graph of some fifteen things, in random order, and one that has much behind it."""
    names = list(dict.fromkeys(word(rng) for _ in range(int(rng.integers(12, 18)))))
    graph: Graph = {}
    for place, name in enumerate(names):
        earlier = [int(i) for i in rng.permutation(place)[: int(rng.integers(0, 4))]]
        if place == len(names) - 3:  # a diamond, whatever else was drawn
            earlier = [place - 1, place - 2]
        if place in (len(names) - 4, len(names) - 5):
            earlier = [0]
        graph[name] = [names[i] for i in earlier]
    mixed = [names[int(i)] for i in rng.permutation(len(names))]
    return {name: graph[name] for name in mixed}, names[-3]


def _root(graph: Graph, of: str) -> str:
    """Return the thing at the bottom of the diamond."""
    return graph[graph[of][0]][0]


def _all_behind(graph: Graph, of: str) -> set[str]:
    found, waiting = set(), [of]
    while waiting:
        thing = waiting.pop()
        if thing not in found:
            found.add(thing)
            waiting += graph.get(thing, [])
    return found


def _all_after(graph: Graph, root: str) -> set[str]:
    return {thing for thing in graph if thing != root and root in _all_behind(graph, thing)}

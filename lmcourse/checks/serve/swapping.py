"""The checks of a swap: who uses which model, and when each is closed."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.serve.keys import word

Script = list[list[Any]]
"""What happens, in order: ["open", k], ["shut", k, how], ["swap", name or None].

A block is shut "well", or by one of `ENDS`. ["use", k] calls `use()` some time before "open".
"""


class Model:
    """Something with a name that can be closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = 0

    def close(self) -> None:
        """Count how often it is closed."""
        self.closed += 1


class Broken(Exception):
    """What a request, or the loading of a model, may raise."""


ENDS = {
    "badly": Broken,
    "left": GeneratorExit,  # what Python raises in a generator that is closed
    "cancelled": asyncio.CancelledError,
}


@probe
def acted(_: dict[str, Any], hot_swap: Callable[..., Any], first: str, script: Script) -> Any:
    """Go through `script` with a service whose model is called `first`; return what was seen.

    After each action: the name that a request got, or what came of a swap, and how often each
    model has been closed so far. A swap also tells how often `load` was called, and how many
    models had been closed then. A swap to None fails to load; one to a name that is there gives
    that very model again.
    """
    models = {first: Model(first)}
    service = hot_swap(models[first])
    uses: dict[int, Any] = {}
    seen = []
    for action, what, *how in script:
        told: Any = None
        if action == "use":
            uses[what] = service.use()
        elif action == "open":
            if what not in uses:
                uses[what] = service.use()
            told = uses[what].__enter__().name
        elif action == "shut":
            told = _shut(uses.pop(what), ENDS.get(how[0]))
        else:
            told = _swap(service, models, what)
        seen.append([action, told, {name: model.closed for name, model in models.items()}])
    return seen


def _shut(use: Any, kind: type[BaseException] | None) -> str:
    if kind is None:
        use.__exit__(None, None, None)
        return "well"
    error = kind("the client left")
    try:
        kept = use.__exit__(kind, error, error.__traceback__)
    except kind as raised:
        return "raised" if raised is error else "another error"
    return "swallowed" if kept else "raised"


def _swap(service: Any, models: dict[str, Model], name: str | None) -> list[Any]:
    loads = []

    def load() -> Model:
        loads.append(sum(model.closed for model in models.values()))
        if name is None:
            raise Broken("no such file")
        return models.setdefault(name, Model(name))

    try:
        service.swap(load)
    except Broken:
        return ["raised", loads]
    return ["done", loads]


@exercise("12_serve", "HotSwap", points=3)
def hot_swap(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def cases() -> Iterator[Case]:
        one, two, three = (f"gpt-{word(rng, '0123456789abcdef', 6)}" for _ in range(3))

        def acts(name: str, script: Script, hint: str) -> Case:
            def seen(of: Student) -> Any:
                return of.probe(acted, of.HotSwap, one, script)

            return case(name, lambda: seen(student), seen(reference), hint=hint)

        yield acts(
            "two requests, and no swap",
            [["open", 0], ["open", 1], ["shut", 0, "well"], ["shut", 1, "well"]],
            "`with service.use() as model:` gives the model that is there now, and does not close "
            "it: it is needed for the next request.",
        )
        yield acts(
            "a swap with nobody there, and a request",
            [["swap", two], ["open", 0], ["shut", 0, "well"]],
            "Call load() once, while the old model is still open, and make what it returns the "
            "current one. If nobody uses the old one, it is closed there and then, once.",
        )
        yield acts(
            "a request under way at a swap, and one after it",
            [["open", 0], ["swap", two], ["open", 1], ["shut", 1, "well"], ["shut", 0, "well"]],
            "Who has begun keeps the old model, who comes later gets the new one. The old one is "
            "closed when its LAST request ends, neither before nor never.",
        )
        yield acts(
            "three requests under way at a swap",
            [
                *(["open", k] for k in range(3)),
                ["swap", two],
                *(["shut", int(k), "well"] for k in rng.permutation(3)),
            ],
            "Count how many use each model: close the old one when that is 0.",
        )
        yield acts(
            "a request that fails at a swap",
            [["open", 0], ["open", 1], ["swap", two], ["shut", 1, "badly"], ["shut", 0, "badly"]],
            "A request may end with an error, as when its client leaves: count down in `finally`. "
            "And the error goes on: do not swallow it.",
        )
        yield acts(
            "requests that are closed half-way, or cancelled",
            [
                *(["open", k] for k in range(3)),
                ["swap", two],
                *(["shut", int(k), ("left", "cancelled", "left")[k]] for k in rng.permutation(3)),
            ],
            "A client that leaves ends the block by a GeneratorExit or a CancelledError, which "
            "`except Exception` does not see: count down in `finally`.",
        )
        yield acts(
            "`use()` called before a swap, and the block begun after it",
            [["use", 0], ["swap", two], ["open", 0], ["shut", 0, "well"]],
            "The model is the one that is current when the block begins, not when use() is called: "
            "look in __enter__, or after the `def` of a contextmanager.",
        )
        yield acts(
            "a new model that does not load, with nobody there, and a request",
            [["swap", None], ["open", 0], ["shut", 0, "well"]],
            "Call load() first. If it raises, nothing has changed: the old model stays open, "
            "whether somebody uses it or not, and the error goes on to who asked for the swap.",
        )
        yield acts(
            "a new model that does not load",
            [["open", 0], ["swap", None], ["open", 1], ["shut", 0, "well"], ["shut", 1, "well"]],
            "Call load() first. If it raises, nothing has changed: the old model stays, open, and "
            "the error goes on to who asked for the swap.",
        )
        yield acts(
            "two swaps while a request is under way",
            [
                *(["open", 0], ["swap", two], ["open", 1], ["swap", three], ["open", 2]),
                *(["shut", int(k), "well"] for k in rng.permutation(3)),
            ],
            "There may be several old models: each has a count of its own, and is closed when its "
            "own last request ends.",
        )
        yield acts(
            "a swap to the model that is there",
            [["swap", one], ["open", 0], ["swap", one], ["shut", 0, "well"], ["open", 1]],
            "load() may give the very model that is in use: it is not old then, and stays open.",
        )
        yield acts(
            "a swap, and back again, while a request is under way",
            [["open", 0], ["swap", two], ["swap", one], ["shut", 0, "well"], ["open", 1]],
            "When its last request ends, close a model only if it is not the current one again.",
        )
        thirty: Script = [["open", k] for k in range(30)]
        order = [int(k) for k in rng.permutation(30)]
        ends = [str(end) for end in rng.choice(["well", "well", *ENDS], 30)]
        shut: Script = [["shut", k, ends[k]] for k in order]
        middle = int(rng.integers(8, 22))
        yield acts(
            "a swap in the middle of thirty requests",
            [*thirty[:middle], ["swap", two], *thirty[middle:], *shut],
            "Each ends on the model that it began with; each model is closed once at most.",
        )
        events: Script = []
        under_way: list[int] = []
        for number in range(90):
            pick = rng.random()
            if pick < 0.45 or not under_way:
                events.append(["open", number])
                under_way.append(number)
            elif pick < 0.88:
                chosen = under_way.pop(int(rng.integers(len(under_way))))
                events.append(["shut", chosen, "badly" if rng.random() < 0.3 else "well"])
            elif pick < 0.93:
                events.append(["swap", None])
            else:
                events.append(["swap", f"gpt-{number}-{word(rng, '0123456789', 3)}"])
        yield acts(
            "ninety events at random",
            events,
            "Count up in use(), down in its `finally`; close whatever is no longer current and has "
            "nobody left.",
        )

    yield from public_and_hidden(cases)

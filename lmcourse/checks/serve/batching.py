"""The checks of a batcher: the judge itself is the model, and counts how often it is asked."""

import hashlib
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden

Plan = list[tuple[int, str, list[int], int]]
"""What happens: before which step, "add" with ids and how many more, or "leave" of the n-th."""
MAX_ROWS, MAX_IDS, VOCABULARY = 64, 200, 64
"""What goes beyond is no answer, and would only take the judge's time."""
MAX_STEPS = 150


@probe
def begun(_: dict[str, Any], batcher: Any, added: list[Any], left: list[Any]) -> Any:
    """Let requests in and others go; return the tickets of the new ones, and the next rows."""
    tickets = [batcher.add(ids, length) for ids, length in added]
    for ticket in left:
        batcher.leave(ticket)
    rows = batcher.rows()
    return None if rows is None else [tickets, [list(row) for row in rows]]


@probe
def gone_on(_: dict[str, Any], batcher: Any, chosen: list[int]) -> Any:
    """Hand the batcher what came for each row; return what it tells of it."""
    told = batcher.take(chosen)
    return None if told is None else [list(part) for part in told]


@probe
def twice(_: dict[str, Any], batcher: Any, ids: list[int], new: list[int]) -> Any:
    """Let the same list in twice, and go one step.

    Return how many tickets that gave, and as they are after the step the list and the rows.
    """
    tickets = {batcher.add(ids, 2) for _ in range(2)}
    rows = batcher.rows()
    if rows is None:
        return None
    batcher.take(new)
    return [len(tickets), list(ids), [list(row) for row in rows]]


class Model:
    """The judge's own: what comes after a text is a secret until it is asked."""

    def __init__(self, rng: Rng) -> None:
        self._secret = rng.integers(0, 2**31)

    def next(self, row: list[int]) -> int:
        """Return what comes after the ids of `row`."""
        digest = hashlib.sha256(f"{self._secret} {row}".encode()).digest()
        return int.from_bytes(digest[:2], "big") % VOCABULARY

    def answer(self, ids: list[int], length: int) -> list[int]:
        """Return what it writes after `ids` when it is asked alone."""
        row = list(ids)
        for _ in range(length):
            row.append(self.next(row))
        return row[len(ids) :]


class Odd(Exception):
    """What came from the batcher cannot be used."""


def drive(of: Student, model: Model, slots: int, plan: Plan) -> dict[str, Any]:
    """Go through `plan` with a batcher of `of`; return what each request got, and each step's rows.

    Also for each request the step after which it was told to be done.
    """
    *_, last = driven(of, model, slots, plan)
    return last


def driven(of: Student, model: Model, slots: int, plan: Plan) -> Iterator[dict[str, Any]]:
    """Do what `drive` does, and stop after each step; the last that comes is what it returns."""
    batcher = of.Batcher(slots)
    waiting = sorted(plan, key=lambda item: item[0])
    tickets: dict[int, int | str] = {}
    answers: dict[int | str, list[int]] = {}
    ended: dict[int | str, int] = {}
    batches: list[list[list[int]]] = []
    step = number = 0
    while step < MAX_STEPS:
        now = [item for item in waiting if item[0] <= step]
        waiting = waiting[len(now) :]
        added = [[ids, length] for _, what, ids, length in now if what == "add"]
        left = [tickets[ids[0]] for _, what, ids, _ in now if what == "leave"]
        came = of.probe(begun, batcher, added, left)
        if came is None:
            raise Odd("rows() returned None")
        for ticket in came[0]:
            if ticket in answers or not isinstance(ticket, int | str):
                raise Odd(f"add gave the ticket {ticket!r}: each request needs another one")
            tickets[number], answers[ticket] = ticket, []
            number += 1
        rows = came[1]
        if len(rows) > MAX_ROWS or any(
            len(row) > MAX_IDS
            or not all(type(token) is int and 0 <= token < VOCABULARY for token in row)
            for row in rows
        ):
            raise Odd("the rows are not lists of ids, or there are too many")
        if not rows and not waiting:
            break
        batches.append(rows)
        step += 1
        if not rows:
            continue
        told = of.probe(gone_on, batcher, [model.next(row) for row in rows])
        if told is None:
            raise Odd("take(...) returned None")
        for ticket, token, done in told:
            answers[ticket].append(token)
            if done:
                ended[ticket] = step
        yield {}
    else:
        raise Odd(f"it is still busy after {MAX_STEPS} steps")
    yield {
        "answers": [answers[tickets[i]] for i in range(number)],
        "batches": batches,
        "ended": [ended.get(tickets[i]) for i in range(number)],
        "steps": step,
    }


@exercise("12_serve", "Batcher", points=4)
def batcher(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def cases() -> Iterator[Case]:
        model = Model(rng)

        def ids(least: int = 1) -> list[int]:
            return [int(i) for i in rng.integers(0, 64, int(rng.integers(least, 9)))]

        def add(step: int, length: int) -> tuple[int, str, list[int], int]:
            return step, "add", ids(), length

        few = [add(0, int(rng.integers(3, 7)))]
        same = [add(0, 4) for _ in range(3)]
        uneven = [add(0, length) for length in (2, 9, 4)]
        queue = [add(0, int(length)) for length in rng.permutation([2, 3, 4, 5, 6, 7, 8, 9, 9])]
        alike = [add(0, 3) for _ in range(5)]
        late = [add(0, 12), add(0, 3), add(int(rng.integers(2, 5)), 4), add(9, 6)]
        pause = [add(0, 3), add(7, 2)]
        ones = [add(0, 1) for _ in range(5)]
        leaving: Plan = [add(0, 10) for _ in range(4)]
        leaving += [(3, "leave", [0], 0), (5, "leave", [2], 0)]
        queued: Plan = [add(0, 6) for _ in range(4)]
        queued += [(2, "leave", [3], 0), (2, "leave", [2], 0), add(2, 4)]
        gone: Plan = [add(0, 2), add(0, 5), (4, "leave", [0], 0), add(4, 3)]
        crowd: Plan = [
            add(int(step), int(length))
            for step, length in zip(rng.integers(0, 40, 24), rng.integers(1, 20, 24), strict=True)
        ]
        crowd.sort(key=lambda item: item[0])
        for place in rng.choice(24, 5, replace=False):
            crowd.append((crowd[place][0] + int(rng.integers(1, 9)), "leave", [int(place)], 0))
        plans: dict[str, tuple[int, Plan]] = {
            "one request": (3, few),
            "three at once, as many as there are slots": (3, same),
            "three of other lengths": (3, uneven),
            "five of one length for two slots": (2, alike),
            "nine for two slots": (2, queue),
            "some that come later": (4, late),
            "a pause with nothing to do": (2, pause),
            "answers of one character": (2, ones),
            "two that leave while they are answered": (2, leaving),
            "two that leave while they wait": (2, queued),
            "one that leaves when it is done": (2, gone),
            "twenty-four that come and go": (5, crowd),
        }
        right = {name: drive(reference, model, *plan) for name, plan in plans.items()}

        @cache
        def went(name: str) -> dict[str, Any]:
            return drive(student, model, *plans[name])

        def answers(name: str, hint: str) -> Case:
            return case(
                f"{name}: the answers",
                lambda: went(name)["answers"],
                right[name]["answers"],
                hint=hint,
            )

        def steps(name: str, hint: str) -> Case:
            return case(
                f"{name}: how many rows each step has",
                lambda: [len(rows) for rows in went(name)["batches"]],
                [len(rows) for rows in right[name]["batches"]],
                hint=hint,
            )

        def rows(name: str, hint: str) -> Case:
            return case(
                f"{name}: the rows of each step, in any order",
                lambda: [sorted(rows) for rows in went(name)["batches"]],
                [sorted(rows) for rows in right[name]["batches"]],
                hint=hint,
            )

        name = "one request"
        yield answers(
            name,
            "rows() gives one list for each running request: its ids, and behind them what was "
            "written so far. take(new) has one id for each row, in the same order, and returns "
            "(ticket, id, done) for each; done with the last of its max_tokens.",
        )
        yield case(
            "one request: after which step it is done",
            lambda: went(name)["ended"],
            right[name]["ended"],
            hint="done is True with the last of its max_tokens ids, and False before.",
        )
        name = "three at once, as many as there are slots"
        yield rows(
            name,
            "All three run side by side: rows() gives three lists in each step, until all are "
            "done. (Who is done is taken out after the loop over the running ones, not in it.)",
        )
        yield answers(name, "The id at place i of take(new) belongs to row i of the last rows().")
        own, new = ids(), [int(i) for i in rng.integers(0, 64, 2)]
        yield case(
            "the same list twice: how many tickets, and the lists after a step",
            lambda: student.probe(twice, student.Batcher(2), own, new),
            [2, own, [own, own]],
            hint="Each request gets a ticket that no other has, whatever its ids are: count them "
            "(not id(ids)). And lists that were handed in or out stay as they are: keep a copy, "
            "list(ids), and give copies.",
        )
        name = "three of other lengths"
        yield steps(name, "Who is done leaves its slot at once, and is in no later row.")
        yield answers(name, "When one is done, the others must keep their own ids.")
        name = "five of one length for two slots"
        yield case(
            f"{name}: after which step each is done",
            lambda: [*went(name)["ended"], went(name)["answers"]],
            [*right[name]["ended"], right[name]["answers"]],
            hint="At most two run at a time, and the others come in as soon as a slot is free, in "
            "the order in which they came: take from the front of the queue.",
        )
        name = "nine for two slots"
        yield steps(
            name,
            "At most `slots` rows; and as soon as a slot is free, the first of the queue comes in "
            "with the very next step, however much it wants. Who waits until all of a batch are "
            "done computes for nobody.",
        )
        yield rows(name, "First come, first served: take from the front of the queue.")
        yield answers(name, "Who waits is not forgotten, and begins with their own ids.")
        name = "some that come later"
        yield steps(
            name,
            "Who comes later joins those who run, with the next step, and has a ticket that nobody "
            "has had.",
        )
        yield answers(name, "Each keeps its own ids, whoever joins.")
        name = "a pause with nothing to do"
        yield steps(name, "With nobody there, rows() is an empty list; later it goes on.")
        name = "answers of one character"
        yield steps(name, "One id may be all: done with the first.")
        name = "two that leave while they are answered"
        yield steps(
            name,
            "leave(ticket) takes a running request out at once: it is not in the next rows, and "
            "who waits has its slot.",
        )
        yield answers(name, "When somebody leaves, the others keep their own ids.")
        name = "two that leave while they wait"
        yield steps(name, "Who leaves while waiting is taken out of the queue.")
        yield rows(name, "The others in the queue keep their order.")
        name = "one that leaves when it is done"
        yield steps(name, "Leaving twice, or when all is done, changes nothing and is no error.")
        name = "twenty-four that come and go"
        yield steps(name, "Fill every free slot in each step, from the front of the queue.")
        yield rows(name, "First come, first served, also when many come and go.")
        yield answers(name, "Each gets what it would get alone.")
        yield holds(
            "twenty-four that come and go: each answer beside the one that it would get alone",
            "the same, or the beginning of it where somebody left",
            lambda: _other(went(name)["answers"], plans[name][1], model),
            hint="Whoever else is in the batch must not change an answer.",
        )
        pairs = [same, few]

        def side_by_side() -> list[Any]:
            """Drive two batchers, a step of the one and a step of the other in turn."""
            both = [driven(student, model, 2, plan) for plan in pairs]
            last: list[dict[str, Any]] = [{}, {}]
            for steps in zip_longest(*both):
                last = [now or before for now, before in zip(steps, last, strict=True)]
            return [end["answers"] for end in last]

        yield case(
            "two batchers, side by side",
            side_by_side,
            [[model.answer(ids, n) for _, _, ids, n in plan] for plan in pairs],
            hint="Each batcher has its own queue: it belongs to self, and is made in __init__.",
        )

    yield from public_and_hidden(cases)


def _other(answers: list[list[int]], plan: Plan, model: Model) -> str:
    """Return in words which answer is not what the model writes when it is asked alone."""
    asked = [(ids, length) for _, what, ids, length in plan if what == "add"]
    left = {ids[0] for _, what, ids, _ in plan if what == "leave"}
    for number, ((ids, length), answer) in enumerate(zip(asked, answers, strict=True)):
        alone = model.answer(ids, length)
        if answer != alone and not (number in left and answer == alone[: len(answer)]):
            return f"request {number} got {answer[:5]}..., and alone {alone[:5]}..."
    return ""

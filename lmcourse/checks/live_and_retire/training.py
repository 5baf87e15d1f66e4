"""The checks of `should_retrain`: cadence, a trigger, and what holds both back."""

from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.live_and_retire.drawing import LESSON, all_stays, asked

Event = dict[str, Any]
Policy = dict[str, int]


@probe
def trainings(
    _: dict[str, Any],
    should_retrain: Callable[..., Any],
    looks: list[Event],
    days: int,
    policy: Policy,
) -> Any:
    """Return what is said on each day, where a training begins whenever it says so."""
    events: list[Event] = [{"day": 0, "event": "champion"}]
    said = []
    for day in range(1, days):
        events += [dict(look) for look in looks if look["day"] == day]
        said.append(should_retrain([dict(event) for event in events], day, dict(policy)))
        if said[-1] == "train":
            events.append({"day": day, "event": "retrain"})
    return None if all(each is None for each in said) else said


def champion(day: int) -> Event:
    return {"day": day, "event": "champion"}


def retrain(day: int) -> Event:
    return {"day": day, "event": "retrain"}


def look(day: int, drifted: bool) -> Event:
    return {"day": day, "event": "drift", "drifted": drifted}


@exercise(LESSON, "should_retrain", points=3)
def should_retrain(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def number(low: int, high: int) -> int:
        return int(rng.integers(low, high))

    def tried(name: str, policy: Policy, *questions: tuple[list[Event], int], hint: str) -> Case:
        all_of_it = [(*question, policy) for question in questions]
        return asked(name, student, reference, rng, "should_retrain", *all_of_it, hint=hint)

    def about(edge: int, low: int = -9, high: int = 9) -> list[int]:
        """Return some days about the one on which an answer changes, both sides of it."""
        return [edge - 1, edge, *(edge + number(low, high) for _ in range(6))]

    def drawn() -> tuple[Policy, int]:
        """Return a policy, and the day on which a champion came."""
        policy = {
            "every": number(40, 60),
            "cooldown": number(4, 9),
            "budget": number(2, 5),
            "within": number(80, 100),
        }
        return policy, number(1, 50)

    def seen_or_not() -> list[tuple[bool, int]]:
        """Return what six looks saw, both at least once, and how many days ago that was."""
        seen = [True, False, *(bool(rng.random() < 0.5) for _ in range(4))]
        return [(each, number(0, 5)) for each in seen]

    def cases() -> Iterator[Case]:
        policy, came = drawn()
        every, cooldown = policy["every"], policy["cooldown"]
        quiet = [[champion(came)], [champion(came), look(came + 3, False)]]
        due = came + every
        yield tried(
            "a quiet month",
            policy,
            *((events, now) for events in quiet for now in about(due)),
            hint='No training yet, so cadence counts from the day of the "champion": due from the '
            'day on that is `every` days later, that day included. Before it, "nothing".',
        )
        day = came + number(8, 12)
        yield tried(
            "a look that saw drift",
            policy,
            *(([champion(came), look(day, seen)], day + later) for seen, later in seen_or_not()),
            ([champion(came), look(day - 1, False), look(day, True)], day + 2),
            hint='Drift makes it due at once: "train", if nothing holds it back.',
        )
        yield tried(
            "the last look counts",
            policy,
            *(
                ([champion(came), look(day - 1, not seen), look(day, seen)], day + later)
                for seen, later in seen_or_not()
            ),
            ([champion(came), look(day - 1, True), look(day, False)], day + 1),
            hint="What a look saw, a later one may take back: only the last look counts.",
        )
        then = day + cooldown
        yield tried(
            "drift from before the last training",
            policy,
            *(
                ([champion(came), look(day, not seen), retrain(day), look(then, seen)], then + late)
                for seen, late in seen_or_not()
            ),
            ([champion(came), look(day, True), retrain(day)], then + 3),
            ([champion(came), look(day, True), retrain(day)], then + 1),
            hint="A look from before the last training is about the model of that time: look "
            "only at what stands behind the last training in `events`.",
        )
        began = [champion(came), look(day, True), retrain(day)]
        yield tried(
            "the cooldown",
            policy,
            *(([*began, look(day + 1, True)], now) for now in about(day + cooldown, -2, 9)),
            hint='Due, but the last training began less than `cooldown` days ago: "wait". After '
            "exactly that many days it may train.",
        )
        yield tried(
            "nothing is the matter, soon after a training",
            policy,
            (began, day + 1),
            *(([*began, look(day + 1, seen)], day + 1 + late % 2) for seen, late in seen_or_not()),
            hint='"wait" is for what is due and held back. What is not due is "nothing".',
        )
        yield tried(
            "cadence counts from the last training",
            policy,
            *((began, now) for now in about(day + every)),
            *(([*began, retrain(then)], now) for now in about(then + every)),
            ([champion(came), retrain(day), champion(day + 5)], day + every),
            hint="Where there was a training, cadence counts from the last one, not from the day "
            "of the champion, also if a new champion came after it.",
        )
        gap, count = cooldown + 2, policy["budget"]
        used = [champion(came), *(retrain(came + 1 + gap * place) for place in range(count))]
        last = came + 1 + gap * (count - 1)
        busy = [*used, look(last + 1, True)]
        free = came + 1 + policy["within"]
        yield tried(
            "the budget is used up",
            policy,
            (busy, last + cooldown),
            *((busy, now) for now in about(free)),
            hint="At most `budget` trainings within the last `within` days: those whose day is "
            "above now - within. What is exactly that old counts no more.",
        )
        looks = [look(d, bool(rng.random() < 0.7)) for d in sorted(some_days(rng, 120, 70))]
        want = reference.probe(trainings, reference.should_retrain, looks, 130, policy)
        yield case(
            "four months, day by day, with a trigger that hardly stops",
            lambda: student.probe(trainings, student.should_retrain, looks, 130, policy),
            want,
            hint="Your answer of each day was carried out, and is in the events of the next. Look "
            "at the first day on which the two differ.",
        )

    yield from public_and_hidden(cases)
    policy, came = drawn()
    yield all_stays(
        "what it was handed, afterwards",
        student,
        rng,
        "should_retrain",
        ([[champion(came), look(came + 9, True)], came + 10, policy], "train"),
        ([[champion(came), look(came + 9, False)], came + 10, policy], "nothing"),
        hint="should_retrain decides. Who trains writes it down.",
    )


def some_days(rng: Rng, days: int, count: int) -> list[int]:
    return [int(day) for day in rng.permutation(days)[:count] + 1]

"""How much of an exercise can be learnt by heart.

The solved notebook's answers to one seed are replayed under others. What still passes there does
not depend on the seed: who has learnt it once need never solve it.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from lmcourse.checks import (
    FIXED_SHARE,
    PUBLIC_SEED,
    Case,
    Exercise,
    Outcome,
    Rng,
    run,
)
from lmcourse.student import Host, Send, Student
from lmcourse.values import Frame, pack

SEEDS = (1, 2, 3)
"""The seeds under which the answers to the public one are replayed."""


def fixed_cases(exercise: Exercise, namespace: dict[str, Any]) -> list[str]:
    """Return the names of the cases of `exercise` whose right answer is the same for every seed.

    `namespace` is that of the solved notebook.

    Raises
    ------
    ValueError
        If these cases carry more of the exercise than `FIXED_SHARE`, and it is not `constant`.
    """
    outcomes = _replayed(exercise, namespace)
    failed = {case.name for outcome in outcomes for case in outcome.cases if not case.passed}
    always = set.intersection(*({case.name for case in outcome.cases} for outcome in outcomes))
    fixed = sorted(always - failed)
    share = max(outcome.share for outcome in _replayed(exercise, namespace, fixed))
    if share > FIXED_SHARE + 1e-9 and not exercise.constant:
        passed = dict.fromkeys(c.name for outcome in outcomes for c in outcome.cases if c.passed)
        raise ValueError(
            f"{share:.0%} of {exercise.name} can be learnt by heart, more than {FIXED_SHARE:.0%}: "
            f"the right answer to these cases is the same for every seed: {', '.join(passed)}. Add "
            "cases whose answer depends on what rng draws, from wide ranges, or register it with "
            "constant=True."
        )
    return fixed


def _replayed(
    exercise: Exercise, namespace: dict[str, Any], fixed: Collection[str] = ()
) -> list[Outcome]:
    """Return what the answers to the public seed are worth under each of `SEEDS`."""
    memory = _Memory(Host(namespace, exercise.probes).send)
    followed = replace(exercise, check=memory.follow(exercise))

    def outcome(send: Send, seed: int) -> Outcome:
        reference = Student(Host(namespace, exercise.probes).send)
        return run(followed, Student(send), reference, seed=seed, hidden=True, fixed=fixed)

    outcome(memory.learn, PUBLIC_SEED)
    return [outcome(memory.recite, seed) for seed in SEEDS]


class _Memory:
    """Learns the replies to each case of a check, and recites them whatever is asked."""

    def __init__(self, solved: Send) -> None:
        self._solved = solved
        self._replies: dict[int, list[Frame]] = {}
        self._case = 0
        self._recited = 0

    def follow(self, exercise: Exercise) -> Any:
        """Return the check of `exercise`, which then says here which case it is at."""

        def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
            for position, item in enumerate(exercise.check(student, reference, rng), 1):
                self._case, self._recited = position, 0
                yield item
            self._case, self._recited = 0, 0

        return check

    def learn(self, frame: bytes) -> Frame:
        reply = self._solved(frame)
        self._replies.setdefault(self._case, []).append(reply)
        return reply

    def recite(self, frame: bytes) -> Frame:
        replies = self._replies.get(self._case, [])[self._recited :]
        self._recited += 1
        return replies[0] if replies else _FORGOTTEN


_FORGOTTEN = pack({"raised": {"kind": "Forgotten", "message": "", "line": ""}}, lambda _: {})

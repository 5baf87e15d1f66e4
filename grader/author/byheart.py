"""How much of an exercise can be learnt by heart.

The solved notebook's answers to one seed are replayed under others, as they were or fitted to the
question. What still passes there does not depend on the seed: who has learnt it once need never
solve it.
"""

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from grader.checks.case import Case, Rng
from grader.checks.compare import difference
from grader.checks.recording import Entry, Recorder, Replay
from grader.checks.registry import Exercise
from grader.checks.run import FIXED_SHARE, PUBLIC_SEED, Outcome, run
from grader.checks.student import Host, Send, Student
from grader.checks.values import Frame, pack, unpack

SEEDS = (1, 2, 3)
"""The seeds under which the answers to the public one are replayed."""


def fixed_cases(exercise: Exercise, namespace: dict[str, Any]) -> list[str]:
    """Return the names of the cases of `exercise` that can be answered without solving it.

    Their right answer is the same for every seed, but for what the question itself says: a tensor
    that should be left as it was, say, or a shape. `namespace` is that of the solved notebook.

    Raises
    ------
    ValueError
        If these cases carry more of the exercise than `FIXED_SHARE`, and it is not `constant`.
    """
    learnt = _Learnt(exercise, namespace)
    outcomes = [learnt.recited(way) for way in _WAYS]
    every = [outcome for way in outcomes for outcome in way]
    always = set.intersection(*({case.name for case in outcome.cases} for outcome in every))
    fixed = sorted({name for way in outcomes for name in always - _failed(way)})
    share = max(outcome.share for outcome in learnt.recited(_as_learnt, fixed))
    if always <= set(fixed):
        share = 1.0
    if share > FIXED_SHARE + 1e-9 and not exercise.constant:
        passed = dict.fromkeys(c.name for outcome in every for c in outcome.cases if c.passed)
        raise ValueError(
            f"{share:.0%} of {exercise.name} can be learnt by heart, more than {FIXED_SHARE:.0%}: "
            f"the right answer to these cases is the same for every seed: {', '.join(passed)}. Add "
            "cases whose answer depends on what rng draws, from wide ranges, or register it with "
            "constant=True."
        )
    return fixed


def _failed(outcomes: list[Outcome]) -> set[str]:
    return {case.name for outcome in outcomes for case in outcome.cases if not case.passed}


# --- Ways to answer without solving -----------------------------------------------------------

_Way = Callable[[Any, list[Any], list[Any]], Any]
"""From an answer that was learnt, what was asked then, and what is asked now, to an answer."""


@dataclass(frozen=True)
class _Thing:
    """An object behind a handle."""

    item: dict[str, Any]


def _as_learnt(answer: Any, _then: list[Any], _now: list[Any]) -> Any:
    return answer


def _fitted(answer: Any, then: list[Any], now: list[Any]) -> Any:
    """Return `answer` with what it took from the question taken from the new one, and its shape."""
    return _with_parts(answer, list(_parts(then, now)))


def _given_back(_answer: Any, _then: list[Any], now: list[Any]) -> Any:
    return next((value for value in now if not isinstance(value, _Thing)), None)


_WAYS: tuple[_Way, ...] = (_as_learnt, _fitted, _given_back)


def _parts(then: Any, now: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each part of a question with its like in another: values, and sizes of arrays."""
    if type(then) is not type(now):
        return
    if isinstance(then, dict):
        for key in then.keys() & now.keys():
            yield from _parts(then[key], now[key])
    elif isinstance(then, (list, tuple)):
        for pair in zip(then, now, strict=False):
            yield from _parts(*pair)
    elif isinstance(then, (torch.Tensor, np.ndarray)):
        yield from zip(then.shape, now.shape, strict=False)
    if isinstance(then, (list, tuple, set, dict, str)):
        yield len(then), len(now)
    if not isinstance(then, bool):
        yield then, now


def _with_parts(answer: Any, parts: list[tuple[Any, Any]]) -> Any:
    for then, now in parts:
        if type(then) is type(answer) and not difference(answer, then, atol=0, rtol=0):
            return now
    if isinstance(answer, dict):
        return {key: _with_parts(value, parts) for key, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return type(answer)(_with_parts(value, parts) for value in answer)
    if isinstance(answer, np.ndarray) and answer.size:
        return np.resize(answer, [_with_parts(size, parts) for size in answer.shape])
    if isinstance(answer, torch.Tensor) and answer.numel():
        shape = [_with_parts(size, parts) for size in answer.shape]
        numbers = answer.reshape(-1).repeat(math.prod(shape) // answer.numel() + 1)
        return numbers[: math.prod(shape)].reshape(shape)
    return answer


# --- Replays ----------------------------------------------------------------------------------


class _Learnt:
    """The solved notebook's replies to each case of a check, with the public seed."""

    def __init__(self, exercise: Exercise, namespace: dict[str, Any]) -> None:
        self._exercise = replace(exercise, check=self._followed(exercise))
        self._replies: dict[int, list[tuple[bytes, Frame]]] = {}
        self._case = 0
        self._recited = 0

        def solved() -> Send:
            return Host(namespace, exercise.probes).send

        self._run(self._learning(solved()), solved(), PUBLIC_SEED)
        self._references: dict[int, list[Entry]] = {}
        for seed in SEEDS:  # asked once, whatever is compared with it
            recorder = Recorder(solved())
            self._run(solved(), recorder.send, seed)
            self._references[seed] = recorder.entries

    def recited(self, way: _Way, fixed: Collection[str] = ()) -> list[Outcome]:
        """Return what these replies are worth, given in a `way`, under each of `SEEDS`."""
        return [
            self._run(self._reciting(way), Replay(entries).send, seed, fixed)
            for seed, entries in self._references.items()
        ]

    def _run(
        self, student: Send, reference: Send, seed: int, fixed: Collection[str] = ()
    ) -> Outcome:
        asked = Student(student), Student(reference)
        return run(self._exercise, *asked, seed=seed, hidden=True, fixed=fixed)

    def _followed(self, exercise: Exercise) -> Any:
        """Return the check of `exercise`, which then says here which case it is at."""

        def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
            for position, item in enumerate(exercise.check(student, reference, rng), 1):
                self._case, self._recited = position, 0
                yield item
            self._case, self._recited = 0, 0

        return check

    def _learning(self, solved: Send) -> Send:
        def learn(frame: bytes) -> Frame:
            reply = solved(frame)
            self._replies.setdefault(self._case, []).append((frame, reply))
            return reply

        return learn

    def _reciting(self, way: _Way) -> Send:
        def recite(frame: bytes) -> Frame:
            replies = self._replies.get(self._case, [])[self._recited :]
            self._recited += 1
            if not replies:
                return _FORGOTTEN
            (asked, reply), question = replies[0], _values(frame)
            then, answer = _values(asked), _values(reply)
            if "args" not in question or "args" not in then or "value" not in answer:
                return reply
            made = way(answer["value"], then["args"], question["args"])
            return pack({"value": made}, lambda thing: thing.item)

        return recite


def _values(frame: Frame) -> dict[str, Any]:
    values: dict[str, Any] = unpack(frame, _Thing)
    return values


_FORGOTTEN = pack({"raised": {"kind": "Forgotten", "message": "", "line": ""}}, lambda _: {})

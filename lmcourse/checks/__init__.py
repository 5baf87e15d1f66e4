"""Checks: written once, run in a student's notebook and by the grader.

A check is a generator of cases, registered for one exercise of one lesson:

    @exercise("02_bigrams", "normalise", points=2)
    def normalise(student, reference, rng):
        counts = torch.tensor([[1.0, 3.0], [2.0, 2.0]])
        yield case(
            "a table by hand",
            lambda: student.normalise(counts),
            torch.tensor([[0.25, 0.75], [0.5, 0.5]]),
            hint="divide each row by its own sum",
        )

`student` and `reference` are the student's and the solved notebook (`lmcourse.student.Student`).
Whatever asks the student stands inside the case's function, so that an error there fails this one
case; whatever asks the reference stands outside, because in a notebook the reference is a recording
that answers in a fixed order. `rng` makes every input.

Write the cases from the plain to the demanding: kind and shape, a tiny case worked by hand, a
property, then equality with the reference on random inputs.
"""

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np
import torch

from lmcourse.byhand import Forbidden
from lmcourse.compare import difference, summarise
from lmcourse.results import CaseResult as CaseResult
from lmcourse.student import Lost, Probe, Raised, Student, last_call
from lmcourse.values import MAX_REASON

PUBLIC_SEED = 1948  # the year of Shannon's paper

FIXED_SHARE = 0.4
"""At most this part of an exercise is for cases whose right answer is the same for every seed."""

NO_RETURN = "it returned None: is a `return` missing?"

Rng = np.random.Generator


@dataclass(frozen=True)
class Case:
    """One thing asked of an exercise: `got()` should give `want`. Made by `case`."""

    name: str
    got: Callable[[], Any]
    want: Any
    hint: str
    points: float = 1.0
    explain: str = ""
    hidden: bool = False
    reveal: bool = True
    atol: float = 1e-5
    rtol: float = 1e-4


Check = Callable[[Student, Student, Rng], Iterator[Case]]


def case(
    name: str,
    got: Callable[[], Any],
    want: Any,
    *,
    hint: str,
    points: float = 1.0,
    explain: str = "",
    hidden: bool = False,
    reveal: bool = True,
    atol: float = 1e-5,
    rtol: float = 1e-4,
) -> Case:
    """Return a case of a check.

    Parameters
    ----------
    name : what is asked, in a few words, as the student reads it
    got : a function of no arguments that asks the student
    want : what it should return, within `atol + rtol * abs(want)`
    hint : what to look at when it does not
    points : the case's weight within its exercise
    explain : what to add once it is right
    hidden : run only when grading; feedback then shows the name and the outcome alone
    reveal : whether feedback may say what was expected; false for a quiz
    """
    return Case(name, got, want, hint, points, explain, hidden, reveal, atol, rtol)


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson, and the check that grades it."""

    lesson: str
    name: str
    points: float
    check: Check
    names: tuple[str, ...]
    """The notebook names that the exercise asks for."""
    probes: dict[str, Probe]
    """The functions of its check module that may run beside the student's code."""
    forbidden: tuple[str, ...] = ()
    """The library's functions that the exercise asks to be written by hand."""
    limits: dict[str, float] = field(default_factory=dict)
    """What it may use when it is graded, where that is not the default."""
    constant: bool = False
    """Whether its right answer is the same for everybody, as a quiz's is."""


@dataclass(frozen=True)
class Outcome:
    """How one exercise went.

    `status` is one of passed, partial, failed, error, timeout, out_of_memory, crashed, missing,
    forbidden.
    `share` is the part of the points that was earned, from 0 to 1.
    """

    status: str
    share: float
    cases: list[CaseResult] = field(default_factory=list)
    message: str = ""

    @property
    def first_failure(self) -> CaseResult | None:
        """The first thing worth fixing."""
        return next((result for result in self.cases if not result.passed), None)


_REGISTRY: dict[str, dict[str, Exercise]] = {}
_PROBES: dict[str, dict[str, Probe]] = {}


def exercise(
    lesson: str,
    name: str,
    *,
    points: float,
    names: tuple[str, ...] | None = None,
    forbidden: tuple[str, ...] = (),
    call_seconds: float | None = None,
    exercise_seconds: float | None = None,
    memory_mb: int | None = None,
    constant: bool = False,
) -> Callable[[Check], Check]:
    """Register the decorated check for exercise `name` of `lesson`.

    Parameters
    ----------
    lesson, name : such as "02_bigrams" and "normalise"
    points : what it is worth
    names : the notebook names that it needs; `(name,)` if not given
    forbidden : functions or methods of torch or numpy, such as "softmax", that would be the answer:
        the exercise's text must say that they are to be written by hand
    call_seconds, exercise_seconds, memory_mb : what grading allows it instead of the defaults of
        `grader grade`: seconds of wall time for one call, and for all of the exercise, on the
        slowest machine; MiB of memory
    constant : its right answer is by nature the same for everybody, as a quiz's is; of any other
        exercise `grader build` wants cases whose answers cannot be learnt by heart
    """
    own = {
        "call_seconds": call_seconds,
        "exercise_seconds": exercise_seconds,
        "memory_mb": memory_mb,
    }
    limits = {limit: value for limit, value in own.items() if value is not None}
    if not all(value > 0 for value in limits.values()):
        raise ValueError(f"the limits of {lesson}/{name} must be above 0: {limits}")

    def register(check: Check) -> Check:
        lessons_exercises = _REGISTRY.setdefault(lesson, {})
        if name in lessons_exercises:
            raise ValueError(f"lesson {lesson} has two exercises named {name}")
        probes = _PROBES.setdefault(check.__module__, {})
        lessons_exercises[name] = Exercise(
            lesson, name, points, check, names or (name,), probes, forbidden, limits, constant
        )
        return check

    return register


def probe(function: Probe) -> Probe:
    """Let the checks of this module run `function(namespace, *args)` beside the student's code."""
    _PROBES.setdefault(function.__module__, {})[function.__name__] = function
    return function


def lessons() -> list[str]:
    """Return the names of all lessons that have checks, in order."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return sorted(_REGISTRY)


def exercises(lesson: str) -> dict[str, Exercise]:
    """Return the exercises of `lesson` ("02_bigrams") by name, in the order of the lesson.

    Raises
    ------
    KeyError
        If there is no such lesson; the message lists those that there are.
    """
    if lesson not in lessons():
        raise KeyError(f"there is no lesson {lesson!r}; there are: {', '.join(lessons())}")
    return _REGISTRY[lesson]


def check_module(lesson: str) -> ModuleType:
    """Return the module that holds the checks of `lesson`."""
    first = next(iter(exercises(lesson).values()))
    return importlib.import_module(first.check.__module__)


def run(
    exercise: Exercise,
    student: Student,
    reference: Student,
    *,
    seed: int,
    hidden: bool,
    fixed: Collection[str] = (),
) -> Outcome:
    """Run the check of `exercise` and return how it went; never raises for what a student did.

    Hidden cases run only when `hidden` is true. Every case runs even after one has failed, until
    the student's process is lost. The cases named in `fixed`, whose right answer does not depend on
    the seed, together weigh at most `FIXED_SHARE` of the exercise: they can be learnt by heart.
    """
    results: list[CaseResult] = []
    raised: list[Raised] = []
    returned: list[bool] = []  # for each call that came to its end, whether it gave anything
    lost: Lost | None = None
    try:
        beside = notebook_seed(seed)
        student.begin(beside, exercise.forbidden)
        reference.seed(beside)
        for item in exercise.check(student, reference, np.random.default_rng(seed)):
            if item.hidden and not hidden:
                continue
            came = message = line = ""
            got, ended = None, False
            last_call(student)
            if lost is not None:
                message = "not reached"
            else:
                try:
                    got = item.got()
                    ended = True
                    came = summarise(got)
                    message = difference(got, item.want, atol=item.atol, rtol=item.rtol)
                except Raised as error:
                    raised.append(error)
                    came, message, line = error.kind, str(error), error.line
                    if _is_unstarted(error):
                        came, message = "nothing", "not written yet"
                except Lost as gone:
                    lost, message = gone, str(gone)
                except Exception as odd:  # the check stumbled over a value of the wrong kind
                    message = f"what came back cannot be used here ({str(odd)[:MAX_REASON]})"
                    ended = True
            call, result = last_call(student)
            if ended and call:
                returned.append(result is not None)
            if got is not result:  # the case looks at something worked out from the result
                call = f"… {call} …" if call else ""
            results.append(_result(item, call, came, message, line))
    except Raised as error:
        return Outcome("missing" if _is_unstarted(error) else "error", 0.0, results, str(error))
    except Lost as gone:
        return Outcome(gone.status, 0.0, results, str(gone))
    if not results:
        raise RuntimeError(f"the check of {exercise.name} has no cases")
    if refused := [error for error in raised if error.kind == Forbidden.__name__]:
        return Outcome("forbidden", 0.0, message=refused[0].message)
    results = _weighed(results, fixed)
    if returned and not any(returned):
        results = [replace(r, hint=r.hint and NO_RETURN) for r in results]
    share = sum(r.points for r in results if r.passed) / sum(r.points for r in results)
    if lost is not None:
        status = lost.status
    elif all(result.passed for result in results):
        status = "passed"
    elif any(error.kind == "MemoryError" for error in raised):
        status = "out_of_memory"
    elif share > 0:
        status = "partial"
    elif raised and _is_unstarted(raised[0]):
        status = "missing"
    else:
        status = "error" if len(raised) == len(results) else "failed"
    return Outcome(status, share, results, str(lost or ""))


def _weighed(results: list[CaseResult], fixed: Collection[str]) -> list[CaseResult]:
    """Return `results` with less weight for the `fixed` ones, where they have too much."""
    by_heart = sum(result.points for result in results if result.name in fixed)
    fresh = sum(result.points for result in results) - by_heart
    allowed = fresh * FIXED_SHARE / (1 - FIXED_SHARE)
    if not fresh or by_heart <= allowed:
        return results
    factor = allowed / by_heart
    return [
        replace(result, points=result.points * factor) if result.name in fixed else result
        for result in results
    ]


def notebook_seed(seed: int) -> int:
    """Return what seeds the generators beside a notebook's code when inputs come from `seed`.

    The code there can read it, so it must not tell which inputs come next: it is a hash of `seed`.
    Student and reference get the same, and so draw the same.
    """
    digest = hashlib.sha256(f"beside the notebook's code: {seed}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def _is_unstarted(error: Raised) -> bool:
    # Torch raises NotImplementedError too, such as for a loss of two tensors in the wrong order.
    ours = error.message.endswith((" is not started", " is still ...")) or not error.message
    return error.kind == "NotDefined" or (error.kind == "NotImplementedError" and ours)


def _result(item: Case, call: str, came: str, message: str, line: str) -> CaseResult:
    passed = message == ""
    if item.hidden:
        return CaseResult(item.name, passed, item.points, hidden=True)
    if not item.reveal and message.startswith("expected"):
        message = "not this one"
    return CaseResult(
        name=item.name,
        passed=passed,
        points=item.points,
        call=call,
        expected=summarise(item.want) if item.reveal else "",
        came=came,
        message=message,
        line=line,
        hint="" if passed else item.hint,
        explain=item.explain if passed else "",
    )


def normal(rng: Rng, *shape: int) -> torch.Tensor:
    """Return a float32 tensor of `shape` with standard normal entries."""
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


def integers(rng: Rng, high: int, *shape: int) -> torch.Tensor:
    """Return an int64 tensor of `shape` with entries 0 to `high - 1`."""
    return torch.from_numpy(rng.integers(0, high, shape))

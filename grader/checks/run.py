"""Running a check: an exercise's cases, one after the other, to an outcome."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from grader.checks.case import Case
from grader.checks.compare import difference, summarise
from grader.checks.refusal import Forbidden
from grader.checks.registry import Exercise
from grader.checks.results import NOT_THIS, CaseResult
from grader.checks.student import Lost, Raised, Student, last_call
from grader.checks.values import MAX_REASON

PUBLIC_SEED = 1948  # the year of Shannon's paper

FIXED_SHARE = 0.4
"""At most this part of an exercise is for cases whose right answer is the same for every seed."""

LOOKS_FURTHER = "# the check works on what this returns"

NO_RETURN = "it returned None: is a `return` missing?"


@dataclass(frozen=True)
class Outcome:
    """How one exercise went.

    `status` is one of passed, partial, failed, error, timeout, out_of_memory, crashed, missing,
    forbidden.
    `share` is the part of the points that was earned, from 0 to 1. `given` is what the call of the
    first failure names `given[0]`, `given[1]` and so on.
    """

    status: str
    share: float
    cases: list[CaseResult] = field(default_factory=list)
    message: str = ""
    given: list[Any] = field(default_factory=list, compare=False, repr=False)

    @property
    def first_failure(self) -> CaseResult | None:
        """The first thing worth fixing."""
        return next((result for result in self.cases if not result.passed), None)


def run(
    exercise: Exercise,
    student: Student,
    reference: Student,
    *,
    seed: int,
    hidden: bool,
    fixed: Collection[str] = (),
    until_wrong: bool = False,
) -> Outcome:
    """Run the check of `exercise` and return how it went; never raises for what a student did.

    Hidden cases run only when `hidden` is true. Every case runs even after one has failed, until
    the student's process is lost; with `until_wrong` the first that fails is the last. The cases
    named in `fixed`, whose right answer does not depend on the seed, together weigh at most
    `FIXED_SHARE` of the exercise: they can be learnt by heart. Those about kind and shape earn
    something only beside one about values that is right.
    """
    results: list[CaseResult] = []
    values: list[bool] = []  # for each case that asks for more than kind and shape, whether right
    raised: list[Raised] = []
    asked: list[str] = []  # for each case, what it called last
    first_given: list[Any] | None = None  # what the call of the first case that failed names
    gave: dict[str, bool] = {}  # for what was called to its end, whether it ever gave anything
    lost: Lost | None = None
    try:
        beside = notebook_seed(seed)
        student.begin(beside, exercise.forbidden)
        reference.seed(beside)
        for item in exercise.check(student, reference, np.random.default_rng(seed)):
            if until_wrong and results and not results[-1].passed:
                break
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
                    came = "" if item.hidden else summarise(got)
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
            last = last_call(student)
            asked.append(last.name)
            if ended:
                gave[last.name] = gave.get(last.name, False) or last.result is not None
            call, given = ("", []) if item.hidden else last.written()
            if call and ended and got is not last.result:  # the case works something out from it
                call += f"\n{LOOKS_FURTHER}"
            results.append(_result(item, call, came, message, line))
            if first_given is None and not results[-1].passed:
                first_given = given
            if not item.form:
                values.append(results[-1].passed)
    except Raised as error:
        return Outcome("missing" if _is_unstarted(error) else "error", 0.0, results, str(error))
    except Lost as gone:
        return Outcome(gone.status, 0.0, results, str(gone))
    if not results:
        raise RuntimeError(f"the check of {exercise.name} has no cases")
    if refused := [error for error in raised if error.kind == Forbidden.__name__]:
        return Outcome("forbidden", 0.0, message=refused[0].message)
    results = _weighed(results, fixed)
    for position, name in enumerate(asked):
        if name and not gave.get(name, True):
            result = results[position]
            results[position] = replace(result, hint=result.hint and NO_RETURN)
    share = sum(r.points for r in results if r.passed) / sum(r.points for r in results)
    if values and not any(values):
        share = 0.0  # what is of the right kind, and wrong
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
    return Outcome(status, share, results, str(lost or ""), first_given or [])


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
        message = NOT_THIS
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

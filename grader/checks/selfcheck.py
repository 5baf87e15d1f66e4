"""`check("name")` in a notebook: run an exercise's check and show what it found."""

import html
import inspect
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Timer
from typing import Any

import numpy as np
import torch
from IPython.core.getipython import get_ipython
from IPython.display import display

from grader.checks import recording
from grader.checks.audience import a_person_watches
from grader.checks.cards import outcome_html, outcome_text, summary_html, summary_text
from grader.checks.ran import Cells
from grader.checks.registry import Exercise, exercises
from grader.checks.run import PUBLIC_SEED, Outcome, run
from grader.checks.student import Host, Student

PATIENCE = 10.0
"""Seconds after which a check that still runs says so."""


class CheckFailed(AssertionError):
    """An exercise is not right yet; raised where a machine runs the notebook."""


class SelfCheck:
    """Checks the exercises of the lesson that `check.lesson(...)` named.

    `package` is that of the course.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._lesson = ""
        self._outcomes: dict[str, Outcome] = {}
        self._cells = Cells()
        self.given: list[Any] = []
        """The values that the call shown last names `given[0]`, `given[1]` and so on."""

    def lesson(self, name: str) -> None:
        """Say which lesson this notebook is, such as "02_bigrams"."""
        exercises(self._package, name)
        self._lesson = name
        self._outcomes = {}
        self._cells.watch(get_ipython())

    def __call__(self, name: str) -> None:
        """Check exercise `name` with the notebook's own definitions and show the result.

        Raises
        ------
        CheckFailed
            If something is wrong and no person is watching (papermill, nbgrader, a script). An
            exercise that was not started raises only in nbgrader, which would count it as right.
        """
        if _in_worker():
            return
        exercise = self._find(name)
        namespace = sys._getframe(1).f_globals
        outcome = self._not_run(exercise)
        if outcome is None:
            with _random_state_kept(), _patience():
                outcome = self_check(exercise, namespace)
        self.given = outcome.given
        self._outcomes[name] = outcome
        _show(outcome_text(exercise, outcome), outcome_html(exercise, outcome))
        if outcome.status == "passed" or a_person_watches():
            return
        if outcome.status == "missing" and "NBGRADER_EXECUTION" not in os.environ:
            return
        failure = outcome.first_failure
        reason = f"{failure.name}: {failure.message}" if failure else outcome.message
        raise CheckFailed(f"{name}: {reason}")

    def ready(self, *names: str) -> bool:
        """Return whether the notebook has all of `names`, written out; if not, say what is missing.

        For cells that show what an exercise makes possible: `if check.ready("generate"): ...`
        """
        if _in_worker():
            return False
        namespace = sys._getframe(1).f_globals
        waiting = [name for name in names if _is_stub(namespace.get(name, ...))]
        for name in names:
            outcome = self._outcomes.get(name)
            if name not in waiting and outcome and outcome.status not in ("passed", "missing"):
                text = f"({name} is not right yet, so what follows may be wrong.)"
                _show(text, f"<p>{html.escape(text)}</p>")
        if waiting:
            text = f"This cell waits for {', '.join(waiting)}: fill it in, or run the cells above."
            _show(text, f"<p>○ {html.escape(text)}</p>")
        return not waiting

    def summary(self) -> None:
        """Show the points so far and what is left."""
        if _in_worker():
            return
        every = exercises(self._package, self._require_lesson())
        rows = [
            (exercise, self._outcomes.get(name, Outcome("missing", 0.0)))
            for name, exercise in every.items()
        ]
        _show(summary_text(rows), summary_html(rows))

    def _not_run(self, exercise: Exercise) -> Outcome | None:
        """Return what to say if a cell with the exercise's names failed: they have older values."""
        failed = self._cells.failed
        names = [name for name in exercise.names if name in failed]
        if not names:
            return None
        first = failed[names[0]]
        older = ", which still has its older value," * any(failed[name].is_older for name in names)
        return Outcome(
            "error",
            0.0,
            message=f"Nothing was checked: the cell that defines {names[0]}{older} stopped with "
            f"{first.error}. Mend that cell, run it, and check again.",
        )

    def _require_lesson(self) -> str:
        if not self._lesson:
            raise RuntimeError(
                "check does not know which lesson this is. Run the set-up cell at the top of the "
                'notebook; it says check.lesson("...").'
            )
        return self._lesson

    def _find(self, name: str) -> Exercise:
        every = exercises(self._package, self._require_lesson())
        if name not in every:
            raise ValueError(
                f"lesson {self._lesson} has no exercise {name!r}; it has: {', '.join(every)}"
            )
        return every[name]


def self_check(exercise: Exercise, namespace: dict[str, Any]) -> Outcome:
    """Check `exercise` in `namespace` with the public seed, against the recorded reference."""
    if not any(name in namespace for name in exercise.names):
        return Outcome("missing", 0.0)
    host = Host(namespace, exercise.probes)
    outcome = check_against_recording(exercise, Student(host.send))
    return _to_paste(outcome, [host.behind(value) for value in outcome.given], namespace)


def check_against_recording(exercise: Exercise, student: Student) -> Outcome:
    """Check `exercise` of any student with the public seed, against the recorded reference."""
    entries = recording.load(exercise.package, exercise.lesson)[exercise.name]
    reference = Student(recording.Replay(entries).send)
    fixed = recording.fixed(exercise.package, exercise.lesson)[exercise.name]
    return run(exercise, student, reference, seed=PUBLIC_SEED, hidden=False, fixed=fixed)


def _to_paste(outcome: Outcome, given: list[Any], namespace: dict[str, Any]) -> Outcome:
    """Return `outcome` with what has to stand before its first failure's call in the notebook."""
    fix = outcome.first_failure
    if fix is None or not fix.call:
        return outcome
    before = "import torch\n" * ("torch." in fix.call and "torch" not in namespace)
    before += "given = check.given\n" * bool(given)
    cases = [
        replace(case, call=before + case.call) if case is fix else case for case in outcome.cases
    ]
    return replace(outcome, cases=cases, given=given)


def _show(text: str, page: str) -> None:
    if get_ipython() is None:
        print(text)
    else:
        display({"text/plain": text, "text/html": page}, raw=True)


def _in_worker() -> bool:
    """Whether the grader runs this notebook: it asks its own questions."""
    return "GRADER_WORKER" in os.environ


def _is_stub(value: Any) -> bool:
    if value is ...:
        return True
    members = vars(value).values() if isinstance(value, type) else [value]
    codes = (getattr(inspect.unwrap(member), "__code__", None) for member in members)
    return any("NotImplementedError" in code.co_names for code in codes if code is not None)


@contextmanager
def _patience() -> Iterator[None]:
    """Say what to do if a check takes long: a loop that never ends gives no error."""
    advice = "Still checking. If a loop never ends, stop it: the ■ button, or Kernel > Interrupt."
    timer = Timer(PATIENCE, print, [advice])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _random_state_kept() -> Iterator[None]:
    """A check seeds the generators; the notebook's own numbers must not change for it."""
    states = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.random.set_rng_state(states[2])

"""`check("name")` in a notebook: run an exercise's check and show what it found."""

import html
import inspect
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import numpy as np
import torch
from IPython.core.getipython import get_ipython
from IPython.display import display

from grader.checks import recording
from grader.checks.audience import a_person_watches
from grader.checks.registry import Exercise, exercises
from grader.checks.results import CaseResult
from grader.checks.run import PUBLIC_SEED, Outcome, run
from grader.checks.student import Host, Student

PATIENCE = 10.0
"""Seconds after which a check that still runs says so."""

MARKS = {True: "✓", False: "✗"}
START = (
    "Put your code in place of `raise NotImplementedError(...)`, or of the dots, "
    "run that cell, and check again."
)


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

    def lesson(self, name: str) -> None:
        """Say which lesson this notebook is, such as "02_bigrams"."""
        exercises(self._package, name)
        self._lesson = name
        self._outcomes = {}

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
        with _random_state_kept(), _patience():
            outcome = self_check(exercise, sys._getframe(1).f_globals)
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
    student = Student(Host(namespace, exercise.probes).send)
    return check_against_recording(exercise, student)


def check_against_recording(exercise: Exercise, student: Student) -> Outcome:
    """Check `exercise` of any student with the public seed, against the recorded reference."""
    entries = recording.load(exercise.package, exercise.lesson)[exercise.name]
    reference = Student(recording.Replay(entries).send)
    fixed = recording.fixed(exercise.package, exercise.lesson)[exercise.name]
    return run(exercise, student, reference, seed=PUBLIC_SEED, hidden=False, fixed=fixed)


def outcome_text(exercise: Exercise, outcome: Outcome) -> str:
    """Return the outcome as plain text for a terminal."""
    lines = [_headline(exercise, outcome)]
    if outcome.status == "missing":
        return f"{lines[0]}\n  {START}"
    failure = outcome.first_failure
    for result in outcome.cases:
        lines.append(f"  {MARKS[result.passed]} {result.name}")
        if result is failure:
            lines += [f"      {name}: {text}" for name, text in _details(result)]
        elif result.explain:
            lines.append(f"      {result.explain}")
    if outcome.message:
        lines.append(f"  {outcome.message}")
    return "\n".join(lines)


def outcome_html(exercise: Exercise, outcome: Outcome) -> str:
    """Return the outcome as a small table; marks and words carry what colour repeats."""
    head = f"<p><b>{html.escape(_headline(exercise, outcome))}</b></p>"
    if outcome.status == "missing":
        return f"{head}<p>{html.escape(START)}</p>"
    failure = outcome.first_failure
    rows = []
    for result in outcome.cases:
        first = result is failure
        note = result.explain
        if first:
            note = "<br>".join(
                f"<i>{name}</i> {html.escape(text)}"
                for name, text in _details(result)
                if name in ("call", "difference", "where", "hint")
            )
        else:
            note = html.escape(note)
        colour = "#2e7d32" if result.passed else "#c62828"
        cells = (
            f'<span style="color:{colour};font-weight:bold">{MARKS[result.passed]}</span> '
            + html.escape(result.name),
            html.escape(result.expected) if first or result.passed else "",
            html.escape(result.came) if first or result.passed else "",
            note,
        )
        style = "text-align:left;white-space:pre-wrap"
        rows.append("".join(f'<td style="{style}">{cell}</td>' for cell in cells))
    titles = ("case", "expected", "what came", "note")
    header = "".join(f'<th style="text-align:left">{title}</th>' for title in titles)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    tail = f"<p>{html.escape(outcome.message)}</p>" if outcome.message else ""
    return f"{head}<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>{tail}"


def summary_text(rows: list[tuple[Exercise, Outcome]]) -> str:
    """Return the points per exercise, the total as a bar, and what is left, as plain text."""
    earned, total, left = _totals(rows)
    filled = round(20 * earned / total)
    lines = [f"[{'█' * filled}{'░' * (20 - filled)}] {_points(earned)} of {total:g} points"]
    width = max(len(exercise.name) for exercise, _ in rows)
    for exercise, outcome in rows:
        points = f"{_points(outcome.share * exercise.points)}/{exercise.points:g}"
        lines.append(f"  {_mark(outcome)} {exercise.name:<{width}}  {points:>5}  {_word(outcome)}")
    lines.append(f"Left to do: {', '.join(left)}." if left else "All done.")
    return "\n".join(lines)


def summary_html(rows: list[tuple[Exercise, Outcome]]) -> str:
    """Return what `summary_text` says, as HTML."""
    earned, total, left = _totals(rows)
    label = f"{_points(earned)} of {total:g} points"
    bar = f'<progress max="{total:g}" value="{earned:g}" aria-label="{label}"></progress>'
    body = "".join(
        f'<tr><td style="text-align:left">{_mark(outcome)} {html.escape(exercise.name)}</td>'
        f"<td>{_points(outcome.share * exercise.points)} / {exercise.points:g}</td>"
        f'<td style="text-align:left">{_word(outcome)}</td></tr>'
        for exercise, outcome in rows
    )
    tail = f"Left to do: {html.escape(', '.join(left))}." if left else "All done."
    return f"<p>{bar} <b>{label}</b></p><table><tbody>{body}</tbody></table><p>{tail}</p>"


def _totals(rows: list[tuple[Exercise, Outcome]]) -> tuple[float, float, list[str]]:
    earned = sum(outcome.share * exercise.points for exercise, outcome in rows)
    total = sum(exercise.points for exercise, _ in rows)
    left = [exercise.name for exercise, outcome in rows if outcome.status != "passed"]
    return earned, total, left


def _points(number: float) -> str:
    return f"{round(number, 2):g}"


def _headline(exercise: Exercise, outcome: Outcome) -> str:
    points = f"{_points(outcome.share * exercise.points)} of {exercise.points:g} points"
    if outcome.status == "missing":
        return f"{_mark(outcome)} {exercise.name}: not started"
    return f"{_mark(outcome)} {exercise.name}: {_word(outcome)} ({points})"


def _mark(outcome: Outcome) -> str:
    return "○" if outcome.status == "missing" else MARKS[outcome.status == "passed"]


def _word(outcome: Outcome) -> str:
    words = {"passed": "right", "missing": "not started", "partial": "partly right"}
    words |= {"forbidden": "not written by hand"}
    return words.get(outcome.status, "not right yet")


def _details(result: CaseResult) -> Iterator[tuple[str, str]]:
    for name, text in (
        ("call", result.call),
        ("expected", result.expected),
        ("what came", result.came),
        ("difference", result.message),
        ("where", result.line),
        ("hint", result.hint),
    ):
        if text:
            yield name, text


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

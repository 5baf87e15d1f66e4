"""`grader try`: which rules a lesson keeps, and what to do about each that it does not.

It writes nothing. The exercises, and the notebook filled in and untouched, are tried side by side
in processes of their own.
"""

import os
import signal
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from textwrap import indent
from typing import Any

import torch

from grader.author.byheart import fixed_cases
from grader.author.rules import (
    Broken,
    Rule,
    Trial,
    problem_of_notebook,
    problems_of_source,
    recorded,
)
from grader.course.answers import Mistake, Right
from grader.course.lessons import Course
from grader.course.solved import solved_namespace
from grader.course.source import LessonError
from grader.terminal.progress import progress

_AFTER = {
    Rule.SOURCE: set(Rule) - {Rule.SOURCE},
    Rule.CHECKS: {
        *(Rule.LEAK, Rule.SLIDES, Rule.SOLUTION, Rule.STUB, Rule.HEART),
        *(Rule.MISTAKE, Rule.RIGHT, Rule.FILLED_IN, Rule.UNTOUCHED),
    },
    Rule.LEAK: {Rule.SLIDES},
    Rule.READABLE: {Rule.ANSWERS, Rule.MISTAKE, Rule.RIGHT},
}
"""What cannot be tried where one of these is not kept."""

_NOTEBOOKS = {Rule.FILLED_IN: True, Rule.UNTOUCHED: False}


def main(course: Course, lesson: str) -> int:
    """Say of each rule whether `lesson` keeps it; return 0 if it keeps all, else 1."""
    name = course.name_of(lesson)
    started = time.monotonic()
    broken = list(problems_of_source(course, name))
    untried = set().union(*(_AFTER.get(rule, set()) for rule, _ in broken))
    if Rule.SOLUTION not in untried:
        broken += _tried(course, name, with_answers=Rule.MISTAKE not in untried)
    problems = {rule: [problem for of, problem in broken if of is rule] for rule in Rule}
    for rule in Rule:
        if rule in untried:
            print(f"○ {rule.value}: not tried")
            continue
        print(f"{'✗' if problems[rule] else '✓'} {rule.value}")
        for problem in problems[rule]:
            print(indent(problem, "    "))
    kept = sum(not problems[rule] for rule in set(Rule) - untried)
    seconds = f"{time.monotonic() - started:.0f} s"
    print(f"{name} keeps {kept} of {len(Rule)} rules ({seconds}).")
    if kept == len(Rule):
        print(f"Next: grader build {name}")
    return int(kept < len(Rule))


def _tried(course: Course, name: str, *, with_answers: bool) -> list[Broken]:
    """Try lesson `name`, whose source and checks agree, and return what is wrong."""
    answers = course.answers(name) if with_answers else []
    by_exercise: dict[str, list[Mistake | Right]] = {each: [] for each in course.exercises(name)}
    for answer in answers:
        by_exercise[answer.exercise].append(answer)
    # Those that take longest begin first.
    exercises = sorted(by_exercise, key=lambda each: -len(by_exercise[each]))
    count = len(exercises) + len(_NOTEBOOKS)
    workers = ProcessPoolExecutor(
        min(os.cpu_count() or 1, count), mp_context=get_context("spawn"), initializer=_begin
    )
    found: dict[str, list[Broken]] = {}
    with workers, progress(f"trying {name}", count, "parts") as bar:
        parts = {
            workers.submit(_try_notebook, course.root, name, rule): rule.value
            for rule in _NOTEBOOKS
        }
        for exercise in exercises:
            known = by_exercise[exercise]
            parts[workers.submit(_try_exercise, course.root, name, exercise, known)] = exercise
        for part in as_completed(parts):
            found[parts[part]] = part.result()
            bar.update()
    # In the order of the lesson, whatever ended first.
    return [
        broken
        for each in (*by_exercise, *(rule.value for rule in _NOTEBOOKS))
        for broken in found[each]
    ]


# --------------------------------------------------------------------------- in their own processes


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends at a Ctrl-C without a word
    warnings.simplefilter("ignore")  # a mistake's own are of no interest
    torch.set_num_threads(1)


@cache
def _solved(root: Path, name: str) -> tuple[Course, dict[str, Any]]:
    course = Course(root)
    return course, solved_namespace(course.lesson(name))


def _try_exercise(
    root: Path, name: str, known: str, answers: list[Mistake | Right]
) -> list[Broken]:
    """Try one exercise of lesson `name`, with the solution, nothing, and its known `answers`."""
    try:
        course, solved = _solved(root, name)
    except LessonError as problem:
        return [(Rule.SOLUTION, str(problem))]
    exercise = course.exercises(name)[known]
    recordings, problems = recorded({known: exercise}, solved)
    if problems:
        return [(Rule.SOLUTION, f"{problems[known]}. Nothing else of {known} was tried")]
    heart = ""
    fixed: list[str] = []
    try:
        fixed = fixed_cases(exercise, solved)
    except ValueError as problem:
        heart = str(problem)
    trial = Trial(course.lesson(name), solved, recordings, {known: fixed})
    found = [
        (Rule.HEART, "", heart),
        (Rule.SOLUTION, "", trial.problem_of_solution(exercise)),
        (Rule.STUB, "", trial.problem_of_stub(exercise)),
    ]
    for answer in answers:
        if isinstance(answer, Mistake):
            found.append((Rule.MISTAKE, answer.name, trial.problem_of_mistake(exercise, answer)))
        else:
            found.append((Rule.RIGHT, answer.name, trial.problem_of_right(exercise, answer)))
    return [
        (rule, f"{known}{f', {answer!r}' if answer else ''}: {problem}")
        for rule, answer, problem in found
        if problem
    ]


def _try_notebook(root: Path, name: str, rule: Rule) -> list[Broken]:
    """Run the notebook of lesson `name`, filled in or untouched."""
    try:
        course, solved = _solved(root, name)
    except LessonError:
        return [(rule, "not run: a cell of the source raises")]
    recordings, problems = recorded(course.exercises(name), solved)
    if problems:
        return [(rule, f"not run: the solution of {', '.join(problems)} does not pass")]
    problem = problem_of_notebook(course, name, recordings, filled_in=_NOTEBOOKS[rule])
    return [(rule, problem)] if problem else []

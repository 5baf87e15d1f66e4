"""Count how often the solution of an exercise loses a point, with the inputs of many secrets.

    python bench/fairness.py                    every lesson, 200 secrets
    python bench/fairness.py 14 15 --seeds 1000

A check may count (false alarms, wins, losses) and allow what chance does; here one sees whether it
allows enough. Ends with 1 if any solution lost a point.
"""

import argparse
import contextlib
import io
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from grader.checks.run import run
from grader.checks.student import Host, Student
from grader.course.lessons import Course
from grader.course.solved import solved_namespace

ROOT = Path(__file__).parents[1]
FIRST = 1000
"""The first seed, beyond those that the tests use."""
AT_ONCE = 20
"""So many seeds are one process's turn."""


@cache
def solved(lesson: str) -> tuple[Course, dict[str, Any]]:
    """Return the course, and the namespace of a lesson's solved notebook."""
    course = Course(ROOT)
    return course, solved_namespace(course.lesson(lesson))


def losses(lesson: str, exercise: str, seeds: range) -> list[str]:
    """Return for each seed with which the solution loses points what the first lost case says."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    course, names = solved(lesson)
    asked = course.exercises(lesson)[exercise]
    found = []
    for seed in seeds:
        student, reference = (Student(Host(dict(names), asked.probes).send) for _ in range(2))
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            outcome = run(asked, student, reference, seed=seed, hidden=True)
        if outcome.status != "passed":
            case = outcome.first_failure
            said = f"{case.name}: {case.message}" if case else outcome.message
            found.append(f"{lesson} {exercise}, seed {seed}: {said}")
    return found


def main() -> int:
    """Ask every solution again and again, and print what was lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lessons", nargs="*", help="such as 14  [default: all]")
    parser.add_argument("--seeds", type=int, default=200, help="so many times each")
    given = parser.parse_args()
    course = Course(ROOT)
    turns = [
        (lesson, exercise, range(first, min(first + AT_ONCE, FIRST + given.seeds)))
        for lesson in map(course.name_of, given.lessons or course.names)
        for exercise in course.exercises(lesson)
        for first in range(FIRST, FIRST + given.seeds, AT_ONCE)
    ]
    found = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as workers:
        for lost in tqdm(
            workers.map(losses, *zip(*turns, strict=True)), total=len(turns), disable=None
        ):
            found += lost
    for line in found:
        print(line)
    asked = sum(len(seeds) for _, _, seeds in turns)
    print(f"{len(found)} of {asked:,} solutions lost a point")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())

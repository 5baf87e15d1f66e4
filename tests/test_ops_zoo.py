"""The platform and lesson 10 agree: on what a model answers, and on what a gate lets out."""

import math
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from course import COURSE

from grader.author.render import render_solved
from grader.checks.run import PUBLIC_SEED, run
from grader.checks.student import Host, Student
from grader.course.solved import solved_namespace
from lmcourse import zoo
from lmops.evaluate import Unmeasurable
from lmops.evaluate import run as answers
from lmops.gate import gate
from lmops.notebooks import read
from lmops.own_gate import own_gate

LESSON = "10_test_and_gate"
UNREADABLE = (
    "crashes on the longest text",
    "has another number of logits",
    "answers for the last place alone",
    "drops the batch where there is one text",
    "answers infinity at the last place",
)
"""What nothing can be measured of, when it reads one text as long as its context."""


@pytest.mark.parametrize("kind", [*zoo.SOUND, *UNREADABLE])
def test_what_cannot_be_measured_is_told_and_all_else_is_measured(kind: str) -> None:
    rng = np.random.default_rng(0)
    specimen = zoo.sound(kind, rng) if kind in zoo.SOUND else zoo.broken(kind, rng)
    model: Any = specimen.model
    ids = specimen.text[None, : model.context]
    if kind in zoo.SOUND:
        assert torch.equal(answers(model, ids, model.vocab_size), model(ids))
    else:
        with pytest.raises(Unmeasurable):
            answers(model, ids, model.vocab_size)


@pytest.mark.parametrize("seed", [PUBLIC_SEED, 1, 2])
def test_the_platforms_gate_solves_the_lessons_exercise(seed: int) -> None:
    exercise = COURSE.exercises(LESSON)["gate"]
    solved = solved_namespace(COURSE.lesson(LESSON))
    student, reference = (
        Student(Host(namespace, exercise.probes).send)
        for namespace in (solved | {"gate": gate}, solved)
    )
    outcome = run(exercise, student, reference, seed=seed, hidden=True)
    assert (outcome.status, outcome.first_failure) == ("passed", None)


def test_the_lessons_gate_takes_the_platforms_place(tmp_path: Path) -> None:
    path = tmp_path / f"{LESSON}.ipynb"
    nbformat.write(render_solved(COURSE, LESSON), path)
    mine = own_gate(read(path))
    objective = {"loss": {"at_most": 0.8}, "slices": {"at_most": 0.1}, "stories": {"at_least": 9}}
    good = {"loss": 0.8, "slices": {"fox": 0.1}, "stories": 9}
    for metrics in (
        good,
        good | {"loss": 0.9},
        good | {"loss": math.nan},
        good | {"slices": {}},
        good | {"slices": {"fox": 0.0, "owl": 0.2}},
        good | {"stories": None},
        {"loss": 0.1},
        {},
    ):
        assert len(mine(metrics, objective)) == len(gate(metrics, objective))
    assert len(mine(good, {})) == len(gate(good, {})) == 1

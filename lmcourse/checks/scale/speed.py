"""The check of the speed run: the judge draws a language, and asks what comes next in its stories.

What is to be predicted is never sent: each beginning is that of another story, cut anywhere. And
since the judge knows the language, it takes the mean over all that may come next, in place of what
came: so the loss hangs on the student's function alone, and little on chance.
"""

from collections.abc import Callable, Iterator
from functools import cache
from time import process_time  # ours, whatever the notebook puts in its place later
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import Timed, exercise, leaderboard, probe
from grader.checks.student import Raised, Student
from grader.checks.vocabulary import described, holds
from lmcourse.checks.scale.counting import counted
from lmcourse.checks.scale.grammar import draw, loss, prefix_of

SECONDS = 3.0
FORGIVEN = 2.0
PREDICTING = 10.0
RACE = 120.0
TOLERANCE = 0.04
STORIES, ASKED = 900, 300


@probe
def trained(
    _: dict[str, Any],
    speedrun: Callable[..., Any],
    text: str,
    vocab: list[str],
    seconds: float,
) -> dict[str, Any] | None:
    """Return what `speedrun` gives, and the processor time it took; None if it gives nothing.

    Also how much the process had spent by then.
    """
    begun = process_time()
    predict = speedrun(text, vocab, seconds)
    ended = process_time()
    return None if predict is None else {"predict": predict, "spent": ended - begun, "ended": ended}


@probe
def predicted(
    _: dict[str, Any], predict: Callable[..., Any], beginnings: list[str], ended: float
) -> dict[str, Any]:
    """Return what `predict` gives, and the processor time since `speedrun` ended.

    That counts threads, too, which went on learning in between.
    """
    probs = predict(beginnings)
    return {"probs": probs, "spent": process_time() - ended}


def _drawn(rng: Rng) -> tuple[str, list[str], list[str], torch.Tensor]:
    """Return a language's text and characters, beginnings of other stories, and what follows."""
    grammar = draw(rng)
    text = "".join(grammar.story(rng) for _ in range(STORIES))
    characters = grammar.characters()
    beginnings = ["", *(prefix_of(grammar.story(rng), rng) for _ in range(ASKED - 1))]
    characters = [str(each) for each in rng.permutation(characters)]  # in no order to rely on
    truth = torch.stack([grammar.next_probs(each, characters) for each in beginnings])
    return text, characters, beginnings, truth


def _odd_row(answer: torch.Tensor) -> str:
    """Return why the rows of an answer are no probabilities, or nothing."""
    probs = answer.double()
    if not bool(torch.isfinite(probs).all()):
        return "some are not finite"
    if bool((probs < 0).any()):
        return f"the smallest is {float(probs.min()):.3g}"
    sums = probs.sum(dim=1)
    worst = int((sums - 1).abs().argmax())
    return f"row {worst} sums to {float(sums[worst]):.4g}" if abs(sums[worst] - 1) > 1e-3 else ""


@exercise("09_scale", "speedrun", points=6, call_seconds=60, exercise_seconds=120)
def speedrun(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    text, characters, beginnings, truth = _drawn(rng)

    @cache
    def entry() -> dict[str, Any] | Raised:
        try:
            found = student.probe(trained, student.speedrun, text, characters, SECONDS)
        except Raised as error:  # it is not run again for each case
            return error
        return found if isinstance(found, dict) else {}

    @cache
    def asked() -> dict[str, Any]:
        found = entry()
        if isinstance(found, Raised):
            raise found
        if not found:
            return {"probs": None, "spent": 0.0}
        given = student.probe(predicted, found["predict"], beginnings, found["ended"])
        return dict(given)

    def answer() -> Any:
        return asked()["probs"]

    yield case(
        "the shape of what it expects after some hundred beginnings",
        lambda: list(answer().shape) if isinstance(answer(), torch.Tensor) else described(answer()),
        list(truth.shape),
        hint="speedrun returns a function, which takes a list of N beginnings, some of them empty, "
        "and returns a tensor (N, V), no array: one row for each beginning, for the one character "
        "after it.",
        form=True,
    )

    yield holds(
        "its rows",
        "probabilities, with a sum of 1 in each row",
        lambda: _odd_row(answer()),
        hint="Return probabilities, not logits and not their logarithms: softmax over the last "
        "axis.",
    )

    def too_long() -> str:
        found = entry()
        if isinstance(found, Raised):
            raise found
        spent = float(found["spent"])
        if spent > SECONDS + FORGIVEN:
            return f"it took {spent:.1f} s"
        spent = float(asked()["spent"])
        return f"its function took {spent:.1f} s" if spent > PREDICTING else ""

    yield holds(
        "its processor time, and that of its function",
        f"at most {SECONDS:g} s, and {FORGIVEN:g} s forgiven; the function {PREDICTING:g} s",
        too_long,
        hint="time.process_time() - begun tells what is spent, from the first line of speedrun on, "
        "counting and all. Look at it before each step, and stop in time. All learning is done in "
        "there: the function that comes back has ten seconds, and needs them to predict.",
    )

    def reached() -> float:
        # A single column, or row, would be stretched over all that may come.
        if getattr(answer(), "shape", None) != truth.shape:
            raise ValueError(f"it is no tensor of the shape {tuple(truth.shape)}")
        if problem := _odd_row(answer()):
            raise ValueError(problem)
        return loss(truth, answer())

    goals = (
        (
            2,
            "pairs",
            "Is the row for the character after the end of each beginning? The order of the "
            "columns is that of vocab, and the last characters of the beginning matter most. "
            "Probabilities need no softmax: it makes them nearly equal.",
            1.0,
        ),
        (
            3,
            "triples",
            "Look at more than the last character: a net needs many steps to get so far, "
            "and counting is done in no time. Join both.",
            1.0,
        ),
        (
            5,
            "five",
            "What the lesson's NGrams count in a second is hard to beat: begin with their "
            "logarithms, and let a net add to them. And what was never seen may come: leave "
            "something for every character, or its loss has no end.",
            2.0,
        ),
    )
    for n, words, hint, points in goals:
        limit = loss(truth, counted(text, n, beginnings, characters)) + TOLERANCE

        def above(limit: float = limit) -> str:
            mine = reached()
            if mine <= limit:
                return ""
            impossible = float((truth * (answer() == 0)).sum(dim=1).mean())
            zeros = f"; {impossible:.1%} of what comes has the probability 0" if impossible else ""
            return f"it is {mine:.3f}, and has to be at most {limit:.3f}{zeros}"

        yield holds(
            f"its loss, compared with counted n-grams of {words}",
            "as low as theirs",
            above,
            hint=hint,
            points=points,
        )


@leaderboard("09_scale", "speedrun", seconds=RACE, unit="nats per character")
def race(student: Student, rng: Rng, seconds: float, timed: Timed) -> float:
    """Return the loss of what `speedrun` learnt of a language in `seconds`."""
    text, characters, beginnings, truth = _drawn(rng)
    predict = timed(lambda: student.speedrun(text, characters, seconds), seconds + FORGIVEN)
    if not callable(predict):
        raise ValueError(f"speedrun returned a {type(predict).__name__}, and no function")
    answer = timed(lambda: predict(beginnings), PREDICTING)
    if not isinstance(answer, torch.Tensor) or answer.shape != truth.shape:
        raise ValueError(f"its function returned no tensor of the shape {tuple(truth.shape)}")
    if problem := _odd_row(answer):
        raise ValueError(f"its rows are no probabilities: {problem}")
    return loss(truth, answer)

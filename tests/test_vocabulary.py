"""The statements that checks are written in, as a course uses them and a student reads them."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from course import COURSE

from grader.checks import registry
from grader.checks.registry import Exercise
from grader.checks.run import NO_RETURN, Outcome, run
from grader.checks.student import Host, Student
from grader.checks.vocabulary import QUIZ_POINTS, kind
from grader.grading.decides import followed

FIRST = """
from collections.abc import Iterator

import torch

from grader.checks.case import case, normal
from grader.checks.registry import exercise
from grader.checks.vocabulary import (
    Question,
    arguments_stay,
    holds,
    kind_of,
    quiz,
    repeat,
    same_as_reference,
)

LESSON = "00_first"


@exercise(LESSON, "shares", points=2)
def shares(student, reference, rng):
    x = normal(rng, 3).abs()

    def odd():
        total = float(student.shares(x).sum())
        return "" if abs(total - 1) < 1e-3 else f"they sum to {total:.4g}"

    yield holds("the sum", "they sum to 1", odd, hint="divide by the sum")
    yield from same_as_reference(
        student,
        reference,
        "random numbers",
        lambda notebook, x: notebook.shares(x),
        lambda: [normal(rng, 5).abs()],
        hint="x / x.sum()",
    )
    yield arguments_stay("x stays", student, "shares", x, hint="x / y, not x /= y")


@exercise(LESSON, "draw", points=1)
def draw(student, reference, rng):
    yield case("what", lambda: student.probe(kind_of, student.draw, 3), "int", hint="int(...)")
    yield case("five", lambda: student.probe(repeat, student.draw, 5, 3), [3] * 5, hint="the 3")
    yield arguments_stay("3 stays", student, "draw", 3, answer=3, hint="3")


quiz(
    LESSON,
    Question("which letter", hint="reread A", explain="it is the first"),
    Question("which number", hint="Reread B.", explain="it comes second", wrong={"c": "C is 3."}),
)
"""


IMPORTS = """
from collections.abc import Callable, Iterator
from typing import Any
import torch
from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, same_as_reference, slopes_of
"""


def solved_shares(x: Any) -> Any:
    return x / x.sum()


SOLVED = {"shares": solved_shares, "draw": lambda x: x, "answer_1": "a", "answer_2": "b"}


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of the checks of the course `shelf`, which can be imported: `FIRST`."""
    folder = tmp_path / "shelf" / "checks"
    folder.mkdir(parents=True)
    for package in (folder.parent, folder):
        (package / "__init__.py").touch()
    (folder / "first.py").write_text(FIRST)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for kept in (registry._REGISTRY, registry._PROBES, sys.modules):
        for name in [name for name in kept if name.partition(".")[0] == "shelf"]:
            del kept[name]


def outcome(
    exercise: Exercise,
    own: Mapping[str, Any] | None = None,
    solved: Mapping[str, Any] = SOLVED,
    *,
    hidden: bool = True,
) -> Outcome:
    student = Student(Host({**solved, **(own or {})}, exercise.probes).send)
    reference = Student(Host(dict(solved), exercise.probes).send)
    return run(exercise, student, reference, seed=7, hidden=hidden)


def test_a_quiz_is_worth_as_much_as_any_and_forgives_how_a_letter_is_written(
    checks: Path,
) -> None:
    quiz = registry.exercises("shelf", "00_first")["quiz"]
    assert (quiz.points, quiz.names, quiz.constant) == (QUIZ_POINTS, ("answer_1", "answer_2"), True)
    assert registry.home({"quiz": quiz}) == "shelf.checks.first"
    right = outcome(quiz, {"answer_1": " (A). "})
    assert right.status == "passed"
    assert [case.explain for case in right.cases] == ["it is the first", "it comes second"]
    wrong = outcome(quiz, {"answer_2": "c"}).cases
    assert [case.passed for case in wrong] == [True, False]
    told = wrong[1].name, wrong[1].hint, wrong[1].message, wrong[1].expected
    assert told == ("which number", "C is 3. Reread B.", "not this one", "")
    assert outcome(quiz, {"answer_2": "a"}).cases[1].hint == "Reread B."


def test_a_quiz_that_is_not_answered_gives_the_hint_alone(
    checks: Path,
) -> None:
    quiz = registry.exercises("shelf", "00_first")["quiz"]
    came = outcome(quiz, {"answer_1": ...})
    assert [case.passed for case in came.cases] == [False, True]
    assert came.cases[0].hint == "reread A"


def test_what_holds_is_a_sentence_and_what_does_not_says_what_was_seen(checks: Path) -> None:
    exercise = registry.exercises("shelf", "00_first")["shares"]
    held = outcome(exercise).cases[0]
    assert (held.passed, held.expected, held.came) == (True, "'they sum to 1'", "'they sum to 1'")
    broken = outcome(exercise, {"shares": lambda x: x / x.sum() / 2}).cases[0]
    assert (broken.passed, broken.came) == (False, "'they sum to 0.5'")
    assert broken.message == "expected 'they sum to 1', got 'they sum to 0.5'"


def test_the_reference_is_followed_in_public_and_once_more_hidden(checks: Path) -> None:
    exercise = registry.exercises("shelf", "00_first")["shares"]
    names = ["the sum", "random numbers", "random numbers, again", "x stays"]
    cases = outcome(exercise).cases
    assert [(case.name, case.hidden) for case in cases] == [
        (name, name.endswith("again")) for name in names
    ]
    assert "random numbers, again" not in [
        case.name for case in outcome(exercise, hidden=False).cases
    ]
    inputs = []

    def noted(x: torch.Tensor) -> torch.Tensor:
        inputs.append(x)
        return solved_shares(x)  # type: ignore[no-any-return]

    assert outcome(exercise, {"shares": noted}).status == "passed"
    assert not torch.equal(inputs[1], inputs[2])
    other = outcome(exercise, {"shares": lambda x: x / x.abs().max()}).cases
    assert [case.passed for case in other] == [False, False, False, True]


def test_an_argument_that_was_changed_is_told_from_one_that_stays(checks: Path) -> None:
    exercise = registry.exercises("shelf", "00_first")["shares"]

    def in_place(x: torch.Tensor) -> torch.Tensor:
        x /= x.sum()
        return x

    cases = {case.name: case.passed for case in outcome(exercise, {"shares": in_place}).cases}
    assert cases == dict.fromkeys(cases, True) | {"x stays": False}


def test_arguments_that_stay_need_the_answer_where_one_is_given(checks: Path) -> None:
    exercise = registry.exercises("shelf", "00_first")["draw"]
    assert outcome(exercise).status == "passed"
    assert outcome(exercise, {"draw": lambda x: 4}).cases[2].message == (
        "at position 0: expected 3, got 4"
    )


def test_common_probes_give_nothing_where_the_function_gives_nothing(checks: Path) -> None:
    for exercise in ("shares", "draw"):
        nothing = outcome(
            registry.exercises("shelf", "00_first")[exercise], {exercise: lambda x: None}
        )
        hints = {case.hint for case in nothing.cases if not (case.hidden or case.passed)}
        assert hints == {NO_RETURN}


def test_a_lessons_checks_may_be_a_folder_whose_modules_share_their_probes(checks: Path) -> None:
    folder = checks / "second"
    folder.mkdir()
    (folder / "__init__.py").write_text("from shelf.checks.second import one, other\n")
    body = """
from grader.checks.case import case
from grader.checks.registry import exercise, probe

@probe
def {name}_probe(namespace):
    return "{name}"

@exercise("01_second", "{name}", points=1)
def {name}(student, reference, rng):
    yield case("any", lambda: student.probe(one_probe), "one", hint="")
"""
    (folder / "one.py").write_text(body.format(name="one"))
    (folder / "other.py").write_text(
        "from shelf.checks.second.one import one_probe" + body.format(name="other")
    )
    exercises = registry.exercises("shelf", "01_second")
    assert list(exercises) == ["one", "other"]
    assert registry.home(exercises) == "shelf.checks.second"
    assert outcome(exercises["other"]).status == "passed"


@pytest.mark.parametrize("name", ["repeat", "twin"])
def test_two_probes_of_one_name_are_refused(checks: Path, name: str) -> None:
    twin = f"@probe\ndef {name}(namespace):\n    return 1\n"
    (checks / "third.py").write_text(f"from grader.checks.registry import probe\n{twin * 2}")
    with pytest.raises(ValueError, match=f"shelf.checks.third has a probe {name}, and so has"):
        registry.lessons("shelf")


def test_the_guide_to_checks_runs_as_it_stands(checks: Path) -> None:
    guide = Path(__file__).parents[1].joinpath("CONTRIBUTING.md").read_text("utf-8")
    about = guide.partition("## Write a check")[2].partition("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", about, re.DOTALL)
    (checks / "bigrams.py").write_text("\n\n".join([IMPORTS, *blocks]))

    normalise = registry.exercises("shelf", "02_bigrams")["normalise"]

    def by_rows(counts: torch.Tensor) -> torch.Tensor:
        return counts / counts.sum(dim=1, keepdim=True)

    solved = {"normalise": by_rows}
    assert outcome(normalise, solved, solved).status == "passed"
    wrong = outcome(normalise, {"normalise": lambda counts: counts / counts.sum()}, solved)
    came = {case.name: case.came for case in wrong.cases}
    assert re.fullmatch(r"'row 0 sums to 0\.\d+'", came["sums"])

    loss = registry.exercises("shelf", "03_gradients")["loss"]
    solved = {"loss": lambda x: (x**2).sum()}
    assert outcome(loss, solved, solved).status == "passed"
    wrong = outcome(loss, {"loss": lambda x: (x.detach() ** 2).sum()}, solved)
    assert wrong.status == "failed"


def test_the_vocabulary_decides_where_a_module_of_a_lessons_checks_uses_it() -> None:
    decide = followed(["lmcourse.checks.data"], COURSE)
    assert {"lmcourse.checks.data.card", "grader.checks.vocabulary"} <= set(decide)


def test_kinds_are_named_alike_in_python_and_in_numpy() -> None:
    values = [True, 3, np.int64(3), 0.5, np.float32(0.5), Counter("aa"), torch.tensor(3), None]
    kinds = ["bool", "int", "int", "float", "float", "Counter", "Tensor", None]
    assert [kind(value) for value in values] == kinds

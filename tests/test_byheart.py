"""What can be learnt by heart: which cases these are, what they weigh, and when build refuses."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from grader.author.byheart import fixed_cases
from grader.checks.case import Case, Check, Rng, case, normal
from grader.checks.registry import Exercise
from grader.checks.run import Outcome, run
from grader.checks.student import Host, Student

SOLVED = {"double": lambda value: 2 * value, "make": lambda size: lambda: size}


def check(*, fresh: int) -> Check:
    """Return a check with three cases by hand and so many that depend on the seed."""

    def double(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        for number in (1, 2, 3):
            yield case(f"{number} by hand", lambda: student.double(number), 2 * number, hint="")
        for position in range(fresh):
            drawn = int(rng.integers(10, 1000))
            yield case(f"drawn {position}", lambda: student.double(drawn), 2 * drawn, hint="")

    return double


def exercise(check: Check, *, constant: bool = False) -> Exercise:
    return Exercise("lmcourse", "99_toy", "double", 4.0, check, ("double",), {}, constant=constant)


def graded(every: Exercise, double: Callable[[int], Any]) -> Outcome:
    student, reference = (Student(Host({"double": d}, {}).send) for d in (double, SOLVED["double"]))
    return run(every, student, reference, seed=7, hidden=True, fixed=fixed_cases(every, SOLVED))


def test_the_cases_that_the_seed_does_not_change_are_found() -> None:
    assert fixed_cases(exercise(check(fresh=1)), SOLVED) == ["1 by hand", "2 by hand", "3 by hand"]


@pytest.mark.parametrize("fresh", [1, 2, 10])
def test_who_knows_them_by_heart_earns_their_share_and_no_more(fresh: int) -> None:
    outcome = graded(exercise(check(fresh=fresh)), {1: 2, 2: 4, 3: 6}.get)
    assert outcome.share == pytest.approx(min(0.4, 3 / (3 + fresh)))
    weights = [result.points for result in outcome.cases]
    assert sum(weights[:3]) / sum(weights) == pytest.approx(outcome.share)


def test_who_solves_it_earns_all() -> None:
    assert graded(exercise(check(fresh=1)), lambda value: 2 * value).share == 1.0


def test_an_exercise_of_nothing_else_is_refused_unless_that_is_its_nature() -> None:
    with pytest.raises(ValueError, match=r"100% of double can be learnt by heart.*: 1 by hand, "):
        fixed_cases(exercise(check(fresh=0)), SOLVED)
    assert len(fixed_cases(exercise(check(fresh=0), constant=True), SOLVED)) == 3


def test_a_case_that_only_happens_to_pass_under_one_seed_is_not_fixed() -> None:
    def double(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        for number in rng.integers(0, 2, 12).tolist():  # some of the twelve agree by chance
            yield case("a coin", lambda: student.double(number), 2 * number, hint="")
        yield case("by hand", lambda: student.double(1), 2, hint="", points=3)

    assert fixed_cases(exercise(double, constant=True), SOLVED) == ["by hand"]


def test_objects_behind_handles_are_replayed_too() -> None:
    def make(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        yield case("a thing", lambda: student.make(3)(), 3, hint="")
        size = int(rng.integers(10, 1000))
        yield case("a fresh thing", lambda: student.make(size)(), size, hint="", points=2)

    assert fixed_cases(exercise(make), SOLVED) == ["a thing"]


def pick(choose: Callable[[torch.Tensor], Any]) -> tuple[dict[str, Any], Exercise]:
    """Return a notebook whose `pick` is `choose`, and an exercise with a case that is fresh."""

    def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        drawn = normal(rng, int(rng.integers(2, 90)), int(rng.integers(2, 90)))
        yield case("it", lambda: student.pick(drawn), reference.pick(drawn), hint="")
        yield case("sum", lambda: student.pick(drawn.sum()), drawn.sum() ** 2, hint="", points=2)

    def solved(drawn: torch.Tensor) -> Any:
        return choose(drawn) if drawn.ndim else drawn**2

    return {"pick": solved}, Exercise("lmcourse", "99_toy", "pick", 1.0, check, ("pick",), {})


@pytest.mark.parametrize(
    "choose",
    [
        lambda drawn: [drawn, "as it was"],
        lambda drawn: list(drawn.shape),
        lambda drawn: len(drawn),
        lambda drawn: torch.zeros(drawn.shape[1], 3),
        lambda drawn: {"rows": torch.full((drawn.shape[0], 1), 7)},
    ],
    ids=["a part", "sizes", "a length", "a shape", "a shape within"],
)
def test_an_answer_that_stands_in_the_question_is_no_fresh_one(
    choose: Callable[[torch.Tensor], Any],
) -> None:
    notebook, every = pick(choose)
    assert fixed_cases(every, notebook) == ["it"]


@pytest.mark.parametrize(
    "choose",
    [lambda drawn: [drawn, "as it was"], lambda drawn: np.full((drawn.shape[1], 3), 7.0)],
    ids=["a part", "a shape"],
)
def test_an_answer_that_stands_in_an_array_is_no_fresh_one(
    choose: Callable[[np.ndarray], Any],
) -> None:
    def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        drawn = rng.normal(0, 1, rng.integers(2, 90, 2).tolist())
        yield case("it", lambda: student.pick(drawn), reference.pick(drawn), hint="")
        want = drawn @ drawn.T
        yield case("product", lambda: student.square(drawn), want, hint="", points=2)

    notebook = {"pick": choose, "square": lambda drawn: drawn @ drawn.T}
    every = Exercise("lmcourse", "99_toy", "pick", 1.0, check, ("pick",), {})
    assert fixed_cases(every, notebook) == ["it"]


def test_a_property_that_the_question_itself_has_is_no_fresh_one() -> None:
    notebook, every = pick(lambda drawn: torch.cumsum(drawn, dim=0))

    def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        drawn = normal(rng, 5, 5)
        yield case("the first row", lambda: student.pick(drawn)[0], drawn[0], hint="")
        yield from every.check(student, reference, rng)

    assert fixed_cases(replace(every, check=check), notebook) == ["the first row"]


def test_what_must_be_worked_out_of_the_question_is_fresh() -> None:
    notebook, every = pick(lambda drawn: drawn.T @ drawn)
    assert fixed_cases(every, notebook) == []

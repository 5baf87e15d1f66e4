"""The zoo's sound models are sound, its broken ones are broken, and a suite can only ask them."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from course import COURSE

from grader.checks.run import run
from grader.checks.student import Host, Raised, Student
from grader.course.solved import solved_namespace
from lmcourse import zoo
from lmcourse.checks.test_and_gate import interview
from lmcourse.zoo import Model, Specimen

LESSON = "10_test_and_gate"
SEEDS = range(8)
KINDS = [*zoo.SOUND, *zoo.BROKEN]


@functools.cache
def suite() -> Callable[[Model, torch.Tensor], list[str]]:
    """Return the tests that lesson 10 ends up with."""
    found: Callable[[Model, torch.Tensor], list[str]]
    found = solved_namespace(COURSE.lesson(LESSON))["model_problems"]
    return found


def drawn(kind: str, seed: int) -> Specimen:
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    return zoo.sound(kind, rng) if kind in zoo.SOUND else zoo.broken(kind, rng)


@pytest.mark.parametrize("kind", KINDS)
def test_a_suite_finds_what_is_broken_and_nothing_else(kind: str) -> None:
    specimens = [drawn(kind, seed) for seed in SEEDS]
    found = [bool(suite()(specimen.model, specimen.text)) for specimen in specimens]
    assert found == [kind in zoo.BROKEN] * len(found)


@pytest.mark.parametrize("kind", zoo.SOUND)
def test_each_character_counts_far_beyond_rounding(kind: str) -> None:
    for seed in SEEDS:
        model = drawn(kind, seed).model
        ids = torch.randint(model.vocab_size, (1, model.context))
        for place in range(model.context):
            other = ids.clone()
            other[0, place] = (other[0, place] + 1) % model.vocab_size
            moved = (model(ids) - model(other)).abs()
            assert moved[0, -1].max() > 1e-3
            assert not moved[0, :place].any()


def test_no_size_tells_a_broken_model_from_a_sound_one() -> None:
    sizes = {kind: {(m.vocab_size, m.context) for m in models(kind)} for kind in KINDS}
    for kind, seen in sizes.items():
        assert {V for V, _ in seen} <= set(range(6, 13))
        assert {T for _, T in seen} <= ({1} if kind == "pairs" else set(range(6, 12)))
        assert len(seen) > 3


def models(kind: str) -> list[Model]:
    return [drawn(kind, seed).model for seed in SEEDS]


@pytest.mark.parametrize("kind", ["attention", "adds noise", "keeps a state from call to call"])
def test_the_same_seed_draws_the_same_model(kind: str) -> None:
    one, other = drawn(kind, 3), drawn(kind, 3)
    assert torch.equal(one.text, other.text)
    ids = one.text[None, : one.model.context]
    for _ in range(3):
        assert torch.equal(one.model(ids), other.model(ids))


@pytest.mark.parametrize(
    ("ids", "error"),
    [
        (torch.zeros(3, dtype=torch.int64), ValueError),
        (torch.zeros(1, 0, dtype=torch.int64), ValueError),
        (torch.zeros(1, 3), ValueError),
        (torch.zeros(1, 99, dtype=torch.int64), ValueError),
        (torch.full((1, 3), 99), IndexError),
        (torch.full((1, 3), -1), IndexError),
    ],
)
def test_a_model_refuses_what_is_no_text_of_its_language(
    ids: torch.Tensor, error: type[Exception]
) -> None:
    with pytest.raises(error):
        drawn("attention", 0).model(ids)


# --- Asked from afar --------------------------------------------------------------------------


def asked(model_problems: Callable[..., Any], specimen: Specimen) -> Any:
    """Return what comes of asking `model_problems` as the grader does."""
    exercise = COURSE.exercises(LESSON)["model_problems"]
    host = Host({"model_problems": model_problems}, exercise.probes)
    return interview.problems(Student(host.send), specimen)


@pytest.mark.parametrize("kind", KINDS)
def test_asked_from_afar_a_model_answers_as_it_does_beside_its_tests(kind: str) -> None:
    beside = suite()(*model_and_text(drawn(kind, 1)))
    torch.manual_seed(1)
    specimen = drawn(kind, 1)
    assert asked(suite(), specimen) == beside


def model_and_text(specimen: Specimen) -> tuple[Model, torch.Tensor]:
    return specimen.model, specimen.text


def test_beside_the_tests_there_is_no_model() -> None:
    seen: list[Any] = []

    def curious(model: Any, text: torch.Tensor) -> list[str]:
        import sys

        frame: Any = sys._getframe()
        while frame:
            seen.extend(frame.f_locals.values())
            frame = frame.f_back
        seen.extend(vars(model).values())
        return []

    assert asked(curious, drawn("adds noise", 0)) == []
    assert not any(isinstance(each, Model | Specimen) for each in seen)
    assert "adds noise" not in repr(seen)


def test_what_a_model_does_to_its_ids_is_seen_from_afar() -> None:
    def careful(model: Any, text: torch.Tensor) -> list[str]:
        ids = text[None, : model.context].clone()
        model(ids)
        return [] if torch.equal(ids[0], text[: model.context]) else ["changed"]

    assert asked(careful, drawn("changes the ids", 0)) == ["changed"]
    assert asked(careful, drawn("attention", 0)) == []


def test_an_error_of_the_model_is_one_beside_the_tests_and_an_error_of_theirs_is_told() -> None:
    def catches(model: Any, text: torch.Tensor) -> list[str]:
        try:
            model(text[None])
        except ValueError as error:
            return [str(error)]
        return []

    def raises(model: Any, text: torch.Tensor) -> list[str]:
        raise KeyError("mine")

    (told,) = asked(catches, drawn("attention", 0))
    assert "are more than the context" in told
    with pytest.raises(Raised, match="KeyError"):
        asked(raises, drawn("attention", 0))


def test_a_suite_that_never_ends_is_not_asked_for_ever() -> None:
    def endless(model: Any, text: torch.Tensor) -> list[str]:
        while True:
            model(text[None, :1])

    with pytest.raises(ValueError, match="more than 2,000 times"):
        asked(endless, drawn("attention", 0))


@pytest.mark.parametrize("said", ["a text", 3, {"a": "dict"}, True])
def test_what_is_no_list_is_no_verdict(said: Any) -> None:
    with pytest.raises(ValueError, match="not a list"):
        asked(lambda model, text: said, drawn("attention", 0))


# --- Liars ------------------------------------------------------------------------------------


def finds_nothing(model: Any, text: torch.Tensor) -> list[str]:
    return []


def finds_always(model: Any, text: torch.Tensor) -> list[str]:
    return ["broken"]


def tosses_a_coin(model: Any, text: torch.Tensor) -> list[str]:
    return ["broken"] if torch.rand(1) < 0.3 else []


def goes_by_size(model: Any, text: torch.Tensor) -> list[str]:
    return ["broken"] if (model.vocab_size + model.context) % 2 and model.context > 1 else []


def spares_short_contexts(model: Any, text: torch.Tensor) -> list[str]:
    return ["broken"] if model.context > 1 else []


COUNT: list[int] = []


def goes_by_turn(model: Any, text: torch.Tensor) -> list[str]:
    """Call the first ones sound, as if they came first, and all others broken."""
    COUNT.append(1)
    return ["broken"] if len(COUNT) > 14 else []


LIARS = [
    finds_nothing,
    finds_always,
    tosses_a_coin,
    goes_by_size,
    spares_short_contexts,
    goes_by_turn,
]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("liar", LIARS, ids=[liar.__name__ for liar in LIARS])
def test_who_does_not_test_earns_nothing(liar: Callable[..., Any], seed: int) -> None:
    COUNT.clear()
    exercise = COURSE.exercises(LESSON)["model_problems"]
    student = Student(Host({"model_problems": liar}, exercise.probes).send)
    outcome = run(exercise, student, student, seed=seed, hidden=True)
    assert (outcome.status, outcome.share) == ("failed", 0.0)

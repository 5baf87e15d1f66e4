"""A student's tests ask a model that is not there: it lives with the judge.

Beside the student's code stands `_Asked`, which looks like a model and passes each question on. So
nothing there tells a sound model from a broken one: no class, no attribute, no number, no frame.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import torch

from grader.checks.registry import probe
from grader.checks.student import Student
from lmcourse.zoo import Model, Specimen

MOST_QUESTIONS = 2_000
"""A suite may ask a model so often,"""
MOST_PLACES = 20_000
"""and for so many characters at a time."""

ERRORS: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (IndexError, RuntimeError, TypeError, ValueError)
}


class _Enough(BaseException):
    """Nobody answers any more."""


class _Asked:
    """A model as a student's tests see it: its sizes, and what it answers."""

    def __init__(self, vocab_size: int, context: int, ask: Callable[[Any], Any]) -> None:
        self.vocab_size = vocab_size
        self.context = context
        self._ask = ask

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        if not isinstance(ids, torch.Tensor):
            raise TypeError(f"a model takes a tensor of ids, not a {type(ids).__name__}")
        answer = self._ask(ids.detach().clone())
        if answer is None:
            raise _Enough
        if answer[0] == "raises":
            raise ERRORS[answer[1]](answer[2])
        logits, afterwards = answer[1:]
        if not torch.equal(afterwards, ids):
            ids.copy_(afterwards)
        assert isinstance(logits, torch.Tensor)
        return logits


class _Interview:
    """A student's suite in a thread of its own, which waits whenever it has asked something."""

    def __init__(self, suite: Callable[..., Any], vocab_size: int, context: int, text: Any) -> None:
        self._told: SimpleQueue[Any] = SimpleQueue()  # by the suite
        self._answers: SimpleQueue[Any] = SimpleQueue()
        model = _Asked(vocab_size, context, self._ask)
        threading.Thread(target=self._run, args=(suite, model, text), daemon=True).start()

    def next(self) -> Any:
        """Return what the suite asks or says next; None if it says nothing."""
        kind, told = self._told.get()
        if kind == "raised":
            raise told
        return None if told is None else [kind, told]

    def answer(self, answer: Any) -> Any:
        """Give the suite the model's answer; return what it asks or says next."""
        self._answers.put(answer)
        return ["stopped", None] if answer is None else self.next()

    def _ask(self, ids: torch.Tensor) -> Any:
        self._told.put(("asks", ids))
        return self._answers.get()

    def _run(self, suite: Callable[..., Any], model: _Asked, text: Any) -> None:
        try:
            self._told.put(("says", suite(model, text)))
        except _Enough:
            pass
        except BaseException as error:
            self._told.put(("raised", error))


@probe
def what_it_asks(
    _: dict[str, Any], suite: Callable[..., Any], vocab_size: int, context: int, text: torch.Tensor
) -> Any:
    """Begin to ask `suite` about a model; return how to answer it, and what it asks or says."""
    interview = _Interview(suite, vocab_size, context, text)
    first = interview.next()
    return None if first is None else [interview.answer, first]


def problems(student: Student, specimen: Specimen) -> list[Any] | None:
    """Return what the student's `model_problems` says of a model, or None if it says nothing.

    Raises
    ------
    ValueError
        If it asks too much, or says something else than a list.
    """
    model = specimen.model
    begun = student.probe(
        what_it_asks, student.model_problems, model.vocab_size, model.context, specimen.text
    )
    if begun is None:
        return None
    answer, told = begun
    for _ in range(MOST_QUESTIONS):
        if told is None:
            return None
        kind, value = told
        if kind == "says":
            if not isinstance(value, list):
                raise ValueError(f"it returns a {type(value).__name__}, not a list")
            return value
        told = answer(_answered(model, value))
    answer(None)
    raise ValueError(f"it asked the model more than {MOST_QUESTIONS:,} times")


def _answered(model: Model, ids: Any) -> list[Any]:
    """Return what crosses to the student when the suite asks `model` for `ids`."""
    try:
        if not isinstance(ids, torch.Tensor):
            raise TypeError("a model takes a tensor of ids")
        if ids.numel() > MOST_PLACES:
            raise ValueError(f"at most {MOST_PLACES:,} characters at a time")
        logits = model(ids)
    except tuple(ERRORS.values()) as error:
        kind = next(name for name, known in ERRORS.items() if isinstance(error, known))
        return ["raises", kind, str(error)]
    return ["answers", logits, ids]

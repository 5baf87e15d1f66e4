"""How a check runs: statuses, shares, hidden cases, and what a student's code may do to it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from grader.checks import recording, registry
from grader.checks import run as running
from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import Exercise
from grader.checks.run import Outcome, run
from grader.checks.student import Host, Lost, Student


def double_and_length(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case("by hand", lambda: student.double(2), 4, hint="twice the number")
    number = int(rng.integers(10, 100))
    want = reference.double(number)
    yield case("random", lambda: student.double(number), want, hint="any number")
    yield case("negative", lambda: student.double(-1), -2, hint="", hidden=True, points=2)


EXERCISE = Exercise("lmcourse", "99_toy", "double", 4.0, double_and_length, ("double",), {})


def solved(value: Any) -> Any:
    return 2 * value


def outcome(namespace: dict[str, Any], *, hidden: bool = False, seed: int = 1) -> Outcome:
    student = Student(Host(namespace, {}).send)
    reference = Student(Host({"double": solved}, {}).send)
    return run(EXERCISE, student, reference, seed=seed, hidden=hidden)


def raises(error: BaseException) -> Any:
    def double(value: Any) -> Any:
        raise error

    return double


def test_right() -> None:
    found = outcome({"double": solved}, hidden=True)
    assert (found.status, found.share) == ("passed", 1.0)


def test_partial_credit_counts_the_cases_points() -> None:
    found = outcome({"double": lambda value: 2 * abs(value)}, hidden=True)
    assert (found.status, found.share) == ("partial", 0.5)


@pytest.mark.parametrize(
    ("answer", "status", "share"),
    [
        (lambda value: -1, "failed", 0.0),
        (lambda value: 2 * abs(value), "partial", 0.75),
        (lambda value: float(2 * value), "partial", 0.75),
        (solved, "passed", 1.0),
    ],
)
def test_what_is_of_the_right_kind_is_worth_something_beside_a_right_value_alone(
    answer: Any, status: str, share: float
) -> None:
    def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        yield case("the kind", lambda: type(student.double(2)).__name__, "int", hint="", form=True)
        yield case("above 0", lambda: student.double(3), 6, hint="", points=2)
        yield case("below 0", lambda: student.double(-3), -6, hint="")

    exercise = replace(EXERCISE, check=check)
    student, reference = (Student(Host({"double": f}, {}).send) for f in (answer, solved))
    found = run(exercise, student, reference, seed=1, hidden=False)
    assert (found.status, found.share) == (status, share)


def test_a_hidden_case_runs_only_when_asked_and_shows_no_more_than_its_outcome() -> None:
    assert outcome({"double": lambda value: 2 * abs(value)}).status == "passed"
    failure = outcome({"double": lambda value: 2 * abs(value)}, hidden=True).first_failure
    assert failure is not None
    assert failure.name == "negative"
    shown = (failure.call, failure.expected, failure.came, failure.message, failure.line)
    assert (*shown, failure.hint) == ("",) * 6


@pytest.mark.parametrize(
    ("namespace", "status"),
    [
        ({}, "missing"),
        ({"double": ...}, "missing"),
        ({"double": raises(NotImplementedError("double is not started"))}, "missing"),
        ({"double": raises(NotImplementedError("\"nll\" not implemented for 'Long'"))}, "error"),
        ({"double": raises(ValueError("no"))}, "error"),
        ({"double": raises(SystemExit(0))}, "error"),
        ({"double": raises(MemoryError())}, "out_of_memory"),
        ({"double": raises(RuntimeError("CPU: can't allocate memory"))}, "out_of_memory"),
        ({"double": lambda value: 0}, "failed"),
        ({"double": lambda value: (n for n in [4])}, "failed"),
        ({"double": 4}, "failed"),
        ({"double": lambda value: [value] * 10**6}, "error"),
    ],
)
def test_wrong(namespace: dict[str, Any], status: str) -> None:
    found = outcome(namespace, hidden=True)
    assert (found.status, found.share) == (status, 0.0)


def test_a_failure_shows_the_call_and_whether_its_result_is_what_is_compared() -> None:
    def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        yield case("direct", lambda: student.double(torch.ones(2)), 4, hint="")
        yield case("derived", lambda: student.double(2) + 1, 6, hint="")
        yield case("long", lambda: student.double(torch.ones(100)), 4, hint="")

    exercise = Exercise("lmcourse", "99_toy", "double", 1.0, check, ("double",), {})
    student = Student(Host({"double": solved}, {}).send)
    cases = run(exercise, student, student, seed=1, hidden=False).cases
    assert [result.call for result in cases] == [
        "double(torch.tensor([1.0, 1.0]))",
        f"double(2)\n{running.LOOKS_FURTHER}",
        "# given[0]: float32 tensor (100,)\ndouble(given[0])",
    ]


def test_the_error_names_the_students_exception() -> None:
    failure = outcome({"double": raises(ValueError("no such luck"))}).first_failure
    assert failure is not None
    assert "ValueError: no such luck" in failure.message
    assert failure.hint == "twice the number"


def test_an_exception_that_cannot_be_printed_is_an_error() -> None:
    class Rude(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert outcome({"double": raises(Rude())}).status == "error"


def test_a_value_whose_class_says_that_it_equals_everything_does_not() -> None:
    class Equal(int):
        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 0

    class EqualTensor(torch.Tensor):
        @classmethod
        def __torch_function__(cls, *_: Any, **__: Any) -> Any:
            return True

    assert outcome({"double": lambda value: Equal(-7)}).status == "failed"
    tensor = torch.zeros(()).as_subclass(EqualTensor)
    assert outcome({"double": lambda value: tensor}).share == 0.0


def test_when_the_process_is_lost_the_rest_is_not_reached() -> None:
    asked = 0
    host = Host({"double": solved}, {})

    def send(frame: bytes) -> bytes:
        nonlocal asked
        asked += 1
        if asked > 3:  # the seed, then the name and the call of the first case
            raise Lost("timeout", "too slow")
        return host.send(frame)

    reference = Student(Host({"double": solved}, {}).send)
    found = run(EXERCISE, Student(send), reference, seed=1, hidden=True)
    assert (found.status, found.share) == ("timeout", 0.25)
    assert [result.message for result in found.cases[1:2]] == ["too slow"]


@pytest.mark.parametrize("reply", [b"", b"junk", b"\x04\x00\x00\x00null", b"\x02\x00\x00\x00[]"])
def test_a_forged_reply_is_a_crash(reply: bytes) -> None:
    reference = Student(Host({"double": solved}, {}).send)
    found = run(EXERCISE, Student(lambda frame: reply), reference, seed=1, hidden=True)
    assert (found.status, found.share) == ("crashed", 0.0)


def test_the_code_sees_no_seed_that_tells_the_inputs() -> None:
    seen: list[int] = []

    def double(value: Any) -> Any:
        seen.append(torch.initial_seed())
        return 2 * value

    reference = Student(Host({"double": double}, {}).send)
    for seed in (1, 2):
        seen.clear()
        student = Student(Host({"double": double}, {}).send)
        assert run(EXERCISE, student, reference, seed=seed, hidden=True).status == "passed"
        assert set(seen) == {
            running.notebook_seed(seed)
        }  # the reference draws what the student does
    assert len({1, 2, running.notebook_seed(1), running.notebook_seed(2)}) == 4


def test_inputs_follow_the_seed() -> None:
    def inputs(seed: int) -> list[Any]:
        seen: list[Any] = []
        outcome({"double": lambda value: seen.append(value)}, seed=seed)
        return seen

    assert inputs(5) == inputs(5)
    assert inputs(5) != inputs(6)


def test_arguments_and_results_cross_by_value() -> None:
    kept = torch.zeros(2)

    def grab(tensor: torch.Tensor) -> torch.Tensor:
        tensor += 1
        return kept

    student = Student(Host({"grab": grab}, {}).send)
    mine = torch.zeros(2)
    came = student.grab(mine)
    kept += 5
    assert torch.equal(mine, torch.zeros(2))
    assert torch.equal(came, torch.zeros(2))


def test_objects_stay_behind_handles_that_can_be_called_and_passed_back() -> None:
    namespace = {"Layer": torch.nn.Linear, "apply": lambda layer, x: layer(x)}
    student = Student(Host(namespace, {}).send)
    layer = student.Layer(3, 2, bias=False)
    x = torch.ones(1, 3)
    assert torch.allclose(student.apply(layer, x), x @ layer.weight.T)
    assert layer.in_features == 3


@pytest.mark.parametrize("answer", [b"junk", None])
def test_handles_do_not_outlive_the_process_that_gave_them(answer: bytes | None) -> None:
    hosts = [Host({"one": lambda: 1, "two": lambda: 2}, {}) for _ in range(2)]
    is_lost = False

    def send(frame: bytes) -> bytes:
        if not is_lost:
            return hosts[0].send(frame)
        if answer is None:
            raise Lost("crashed", "gone")
        return answer

    student = Student(send)
    assert (student.one(), student.two()) == (1, 2)
    is_lost = True
    with pytest.raises(Lost):
        student.one()
    is_lost = False
    del hosts[0]  # in the other process, nothing was asked for yet
    assert (student.two(), student.one()) == (2, 1)


def test_a_probe_runs_beside_the_students_code() -> None:
    def gradient(namespace: dict[str, Any], x: torch.Tensor) -> torch.Tensor:
        x.requires_grad_()
        namespace["square"](x).backward()
        assert x.grad is not None
        return x.grad

    student = Student(Host({"square": lambda x: x * x}, {"gradient": gradient}).send)
    assert student.probe(gradient, torch.tensor(3.0)).item() == 6.0


def test_a_recording_answers_as_the_reference_did() -> None:
    recorder = recording.Recorder(Host({"double": solved}, {}).send)
    student = Student(Host({"double": solved}, {}).send)
    assert run(EXERCISE, student, Student(recorder.send), seed=1, hidden=True).status == "passed"

    replay = Student(recording.Replay(recorder.entries).send)
    assert run(EXERCISE, student, replay, seed=1, hidden=True).status == "passed"
    wrong = Student(Host({"double": lambda value: value}, {}).send)
    replay = Student(recording.Replay(recorder.entries).send)
    assert run(EXERCISE, wrong, replay, seed=1, hidden=False).status == "failed"


def test_a_recording_of_another_check_is_refused() -> None:
    replay = Student(recording.Replay([("notebook.other", "")]).send)
    with pytest.raises(RuntimeError, match="another version of the check"):
        replay.seed(1)


def test_a_lesson_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(KeyError, match="there is no lesson '77_none'"):
        registry.exercises("lmcourse", "77_none")


def test_input_helpers_give_what_they_say() -> None:
    rng = np.random.default_rng(0)
    assert normal(rng, 2, 3).dtype == torch.float32
    whole = integers(rng, 5, 100)
    assert whole.dtype == torch.int64
    assert set(whole.tolist()) == set(range(5))


@pytest.mark.parametrize(
    ("double", "hints"),
    [
        (lambda value: None, [running.NO_RETURN, running.NO_RETURN, ""]),
        (
            lambda value: value or None,
            ["twice the number", "the same", ""],
        ),  # None is an answer too
    ],
)
def test_who_returns_nothing_at_all_reads_of_nothing_else(double: Any, hints: list[str]) -> None:
    def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        yield case("direct", lambda: student.double(2), 4, hint="twice the number")
        yield case("derived", lambda: student.double(2) + 1, 5, hint="the same")
        yield case("nothing is due", lambda: student.double(0), None, hint="twice the number")

    exercise = Exercise("lmcourse", "99_toy", "double", 1.0, check, ("double",), {})
    student = Student(Host({"double": double}, {}).send)
    cases = run(exercise, student, student, seed=1, hidden=False).cases
    assert [result.hint for result in cases] == hints


def test_what_is_made_by_a_call_that_gives_something_may_still_return_nothing() -> None:
    class Net:
        def __init__(self, width: int) -> None:
            self.width = width

        def __call__(self, value: int) -> None:
            self.width * value

        def names(self) -> list[str]:
            return ["width"]

    def check(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
        yield case("made", lambda: bool(student.Net(3)), True, hint="takes a width")
        yield case("names", lambda: student.Net(3).names(), ["width"], hint="one name")
        yield case("output", lambda: [student.Net(3)(2)][0] + 1, 7, hint="width times value")
        yield case("again", lambda: student.Net(4)(5), 20, hint="width times value", hidden=True)

    exercise = Exercise("lmcourse", "99_toy", "Net", 1.0, check, ("Net",), {})
    student = Student(Host({"Net": Net}, {}).send)
    cases = run(exercise, student, student, seed=1, hidden=True).cases
    assert [(result.passed, result.hint) for result in cases] == [
        (True, ""),
        (True, ""),
        (False, running.NO_RETURN),
        (False, ""),
    ]
    assert [result.call for result in cases[:3]] == [
        f"Net(3)\n{running.LOOKS_FURTHER}",
        "# given[0]: Net(...).names\ngiven[0]()",
        "# given[0]: Net(...)\ngiven[0](2)",
    ]


def test_a_forbidden_call_is_all_that_is_said() -> None:
    exercise = Exercise(
        "lmcourse", "99_toy", "double", 1.0, double_and_length, ("double",), {}, ("relu",)
    )
    student = Student(Host({"double": lambda value: torch.ones(1).relu()}, {}).send)
    reference = Student(Host({"double": solved}, {}).send)
    found = run(exercise, student, reference, seed=1, hidden=False)
    assert (found.status, found.cases) == ("forbidden", [])
    assert found.message == "this exercise asks you to write relu yourself: use smaller steps"


def test_code_that_switches_gradients_off_for_good_spoils_nothing_else() -> None:
    namespace = {"off": lambda: torch.set_grad_enabled(False), "on": torch.is_grad_enabled}
    student = Student(Host(namespace, {}).send)
    student.off()
    assert torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        assert student.on() is True
    finally:
        torch.set_grad_enabled(True)

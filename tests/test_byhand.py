"""What an exercise asks to be written by hand, the library may not do."""

import multiprocessing
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from course import COURSE, SHOWN

from grader.checks import refusal
from grader.checks.refusal import Everywhere, Forbidden
from grader.checks.registry import Exercise
from grader.checks.run import Outcome, run
from grader.checks.selfcheck import outcome_html, outcome_text
from grader.checks.student import Host, Student
from grader.grading.forbidden import forbidden_uses
from grader.grading.judge import judge
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.submissions.cells import Cell

EXERCISE = replace(COURSE.exercises("00_start")["softmax"], forbidden=("softmax", "log_softmax"))

BY_HAND = """\
import torch
def softmax(logits):
    positive = (logits - logits.max(dim=-1, keepdim=True).values).exp()
    return positive / positive.sum(dim=-1, keepdim=True)
"""

# In the syntax tree, or only when it runs.
SEEN = {
    "by its module": "import torch\ndef softmax(x): return torch.softmax(x, -1)",
    "by another module": (
        "import torch.nn.functional as F\ndef softmax(x): return F.log_softmax(x, -1).exp()"
    ),
    "as a method": "def softmax(x): return x.softmax(-1)",
    "under another name": "from torch import softmax as s\ndef softmax(x): return s(x, -1)",
    "imported within": "def softmax(x):\n    from torch import softmax as s\n    return s(x, -1)",
    "kept under another name": "import torch\ns = torch.softmax\ndef softmax(x): return s(x, -1)",
    "in a lambda": "import torch\nsoftmax = lambda x: torch.softmax(x, -1)",
    "filled in": (
        "import torch\nfrom functools import partial\nsoftmax = partial(torch.softmax, dim=-1)"
    ),
    "in a helper": (
        "import torch\ndef helper(x): return torch.softmax(x, -1)\ndef softmax(x): return helper(x)"
    ),
    "in a class": (
        "import torch\nclass Net:\n    def __call__(self, x): return torch.softmax(x, -1)\n"
        "net = Net()\ndef softmax(x): return net(x)"
    ),
    "by all names": (
        "from torch.nn.functional import *\ndef helper(x): return softmax(x, -1)\n"
        "answer = helper\nanswer_1 = helper"
    ),
    "by its name as a text": (
        "import torch\ndef softmax(x): return getattr(torch, 'softmax')(x, -1)"
    ),
    "beneath a magic": "%%time\nimport torch\ndef softmax(x): return torch.softmax(x, -1)",
    "if something": (
        "import torch\nif True:\n    def softmax(x): return torch.softmax(x, -1)\n"
        "else:\n    def softmax(x): return x"
    ),
}
HIDDEN = {
    "put together": "import torch\ndef softmax(x): return getattr(torch, 'soft' + 'max')(x, -1)",
    "put together before": (
        "import torch\ns = getattr(torch, 'soft' + 'max')\ndef softmax(x): return s(x, -1)"
    ),
    "as a layer": "import torch\ndef softmax(x): return torch.nn.Softmax(-1)(x)",
    "by what is below": "import torch\ndef softmax(x): return torch.ops.aten.softmax(x, -1)",
    "as code in a text": "def softmax(x): return eval('x.soft' + 'max(-1)')",
}
# Past what watches torch's functions: that is a thread's own, and torch has switches for it.
EVASIVE = {
    "in another thread": (
        "import threading, torch\ndef softmax(x):\n    made = []\n"
        "    work = lambda: made.append(getattr(torch, 'soft' + 'max')(x, -1))\n"
        "    thread = threading.Thread(target=work)\n    thread.start()\n    thread.join()\n"
        "    return made[0]"
    ),
    "in a thread that was there before": (
        "import torch\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(1)\npool.submit(print).result()\n"
        "def softmax(x): return pool.submit(getattr(torch, 'soft' + 'max'), x, -1).result()"
    ),
    "behind torch's switch": (
        "import torch\ndef softmax(x):\n    with torch._C.DisableTorchFunction():\n"
        "        return getattr(x, 'soft' + 'max')(-1)"
    ),
    "with the watch taken off": (
        "import torch\ndef softmax(x):\n    watch = torch._C._pop_torch_function_stack()\n"
        "    try: return getattr(x, 'soft' + 'max')(-1)\n"
        "    finally: torch._C._push_on_torch_function_stack(watch)"
    ),
    "in TorchScript": (
        "import torch\nunit = torch.jit.CompilationUnit('def f(x): return x.soft' 'max(-1)\\n')\n"
        "def softmax(x): return unit.f(x)"
    ),
}
FINE = {
    "by hand": BY_HAND,
    "compared in the same cell": BY_HAND + "x = torch.ones(3)\ntorch.softmax(x, -1) == softmax(x)",
    "used elsewhere": BY_HAND + "def other(x): return torch.softmax(x, -1)",
    "numbers made with it": (
        BY_HAND + "scale = torch.softmax(torch.zeros(1), -1)\n"
        "by_hand = softmax\ndef softmax(x): return by_hand(x) * scale"
    ),
    "a variable of the same name as such numbers": (
        BY_HAND.replace("positive", "probs") + "probs = torch.softmax(torch.ones(3), -1)\n"
    ),
    "a word in a text": BY_HAND.replace("):", "):\n    'as torch.softmax(x, -1) does'"),
}


def cells(*sources: str) -> list[Cell]:
    return [Cell(number, source) for number, source in enumerate(sources, 1)]


def checked(
    source: str,
    exercise: Exercise = EXERCISE,
    everywhere: bool = False,
    solution: str = BY_HAND,
) -> Outcome:
    """Check `source` as a notebook does, or, if `everywhere`, as a worker."""
    student: dict[str, Any] = {}
    reference: dict[str, Any] = {}
    exec(source, student)
    exec(solution, reference)
    refuser = Everywhere()
    forbid = [refuser.refuse] if everywhere else []
    host = Host(student, exercise.probes, *forbid)
    solved = Student(Host(reference, exercise.probes).send)
    try:
        return run(exercise, Student(host.send), solved, seed=1, hidden=True)
    finally:
        refuser.refuse(())


def forbidden_use(exercise: Exercise, cells: list[Cell]) -> str:
    return forbidden_uses([exercise], cells).get(exercise.name, "")


@pytest.mark.parametrize("source", SEEN.values(), ids=SEEN)
def test_a_forbidden_call_is_found_in_the_code(source: str) -> None:
    exercise = replace(EXERCISE, names=("softmax", "answer_1"))
    found = forbidden_use(exercise, cells("x = 1", source))
    assert found.startswith("cell 2, line ")
    assert "asks you to write" in found


@pytest.mark.parametrize(
    "source",
    [
        "softmax = 1\n" * 50_000,
        "(\n" + " " * 1_900_000 + "x",
        "softmax = a\n" + ("a = " + "lambda: " * 1_500 + "1\n") * 20,
        "softmax = " + (names := ", ".join(f"a{n}" for n in range(40_000))) + "\n" + names + " = x",
    ],
    ids=["lines", "spaces", "lambdas", "names"],
)
def test_no_code_keeps_the_search_busy_for_minutes(source: str) -> None:
    fork = multiprocessing.get_context("fork")
    search = fork.Process(target=forbidden_use, args=(EXERCISE, cells(source)))
    search.start()
    search.join(100)  # what should take seconds
    search.kill()
    search.join()
    assert search.exitcode == 0


@pytest.mark.parametrize(
    "source",
    [
        source
        for name, source in (SEEN | HIDDEN).items()
        if name not in ("by all names", "beneath a magic")
    ],
)
def test_a_forbidden_call_is_refused_when_it_is_made(source: str) -> None:
    outcome = checked(source)
    assert (outcome.status, outcome.share) == ("forbidden", 0.0)
    assert "this exercise asks you to write" in outcome.message


@pytest.mark.parametrize("source", (HIDDEN | EVASIVE).values(), ids=HIDDEN | EVASIVE)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_refuses_it_in_all_threads_and_below_python(source: str) -> None:
    assert checked(source, everywhere=True).share == 0
    assert torch.zeros(2).softmax(-1).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("everywhere", [False, True], ids=["notebook", "worker"])
@pytest.mark.parametrize("source", FINE.values(), ids=FINE)
def test_honest_code_is_left_in_peace(source: str, everywhere: bool) -> None:
    assert forbidden_use(EXERCISE, cells("import torch", source)) == ""
    assert checked(source, everywhere=everywhere).status == "passed"


def test_autograd_can_be_refused_in_all_threads() -> None:
    found: list[str] = []

    def differentiate() -> None:
        x = torch.ones(2, requires_grad=True)
        for way in (lambda: x.sum().backward(), lambda: torch.autograd.grad(x.sum(), x)):
            try:
                way()
                found.append("done")
            except Forbidden:
                found.append("refused")

    refuser = Everywhere()
    for names in (("backward", "grad"), ()):
        refuser.refuse(names)
        thread = threading.Thread(target=differentiate)
        thread.start()
        thread.join()
    assert found == ["refused", "refused", "done", "done"]


@pytest.mark.parametrize("everywhere", [False, True], ids=["notebook", "worker"])
@pytest.mark.parametrize(
    "way",
    [
        "torch.func.jacfwd(loss)(logits)",
        "torch.func.linearize(loss, logits)[1](logits)",
        "torch.autograd.functional.jacobian(loss, logits, vectorize=True, strategy='forward-mode')",
    ],
)
def test_forward_slopes_are_no_more_by_hand_than_backward_ones(way: str, everywhere: bool) -> None:
    exercise = COURSE.exercises("03_gradients")["grad_logits"]
    source = (
        "import torch\ndef grad_logits(logits, targets):\n"
        "    loss = lambda at: torch.nn.functional.cross_entropy(at, targets)\n"
        f"    return {way}"
    )
    solved = (
        "import torch\ndef grad_logits(logits, targets):\n"
        "    one_hot = torch.nn.functional.one_hot(targets, logits.shape[1])\n"
        "    return (logits.softmax(-1) - one_hot) / len(logits)"
    )
    assert checked(solved, exercise, everywhere, solved).status == "passed"
    outcome = checked(source, exercise, everywhere, solved)
    assert (outcome.status, outcome.share) == ("forbidden", 0.0)


@pytest.mark.parametrize(
    "way",
    [
        "torch.nn.functional.group_norm(rows, 1)",
        "torch.nn.GroupNorm(1, rows.shape[-1], affine=False)(rows)",
        "torch.nn.functional.batch_norm(rows.T, None, None, training=True).T",
        "torch.nn.functional.instance_norm(rows[None])[0]",
        "torch.nn.functional.rms_norm(rows - rows.mean(-1, keepdim=True), rows.shape[-1:])",
    ],
)
def test_no_norm_of_torch_does_for_a_norm_by_hand(way: str) -> None:
    rows = torch.arange(6.0).reshape(2, 3)
    with (
        refusal.refused(COURSE.exercises("06_transformer")["LayerNorm"].forbidden),
        pytest.raises(Forbidden, match=r"asks you to write .*_norm yourself"),
    ):
        eval(way, {"torch": torch, "rows": rows})


def test_what_is_refused_next_takes_the_place_of_what_was_before() -> None:
    refuser = Everywhere()
    refuser.refuse(("softmax",))
    refuser.refuse(("cumsum",))
    assert torch.zeros(2).softmax(-1).tolist() == [0.5, 0.5]
    with pytest.raises(Forbidden, match="cumsum"):
        torch.ones(2).cumsum(0)
    refuser.refuse(())
    assert torch.ones(2).cumsum(0).tolist() == [1, 2]


def test_a_number_too_long_to_write_is_no_name() -> None:
    source = f"def softmax(x): return getattr(x, 0x{'f' * 9999})"
    assert forbidden_use(EXERCISE, cells(source)) == ""


def test_the_last_definition_counts() -> None:
    first = "def softmax(x): return x.softmax(-1)"
    assert forbidden_use(EXERCISE, cells(first, BY_HAND)) == ""
    assert forbidden_use(EXERCISE, cells(BY_HAND, first)).startswith("cell 2, line 1")


def test_code_that_cannot_be_read_is_no_reason_to_stop() -> None:
    odd = ["def softmax(x) return", "x = " + "(" * 5000, "x = 1\0", "-" * 100_000 + "1", "x?\n!ls"]
    assert forbidden_use(EXERCISE, cells(*odd, BY_HAND)) == ""


def test_an_exercise_that_forbids_nothing_may_call_anything() -> None:
    plain = replace(EXERCISE, forbidden=())
    assert checked("def softmax(x): return x.softmax(-1)", plain).status == "passed"
    assert forbidden_use(plain, cells("def softmax(x): return x.softmax(-1)")) == ""


def test_functions_that_torch_does_not_watch_are_refused_too() -> None:
    with refusal.refused(("broadcast_shapes",)):
        with pytest.raises(Forbidden):
            torch.broadcast_shapes((2, 1), (3,))
        with pytest.raises(Forbidden):
            np.broadcast_shapes((2, 1), (3,))
    assert torch.broadcast_shapes((2, 1), (3,)) == np.broadcast_shapes((2, 1), (3,))


def test_nothing_is_refused_after_a_check() -> None:
    outcome = checked("def softmax(x): return x.softmax(-1)")
    assert outcome.status == "forbidden"
    assert torch.zeros(2).softmax(-1).tolist() == [0.5, 0.5]


def test_a_notebook_is_told_in_plain_words() -> None:
    outcome = checked("def softmax(x): return x.softmax(-1)")
    for told in (outcome_text(EXERCISE, outcome), outcome_html(EXERCISE, outcome)):
        assert "not written by hand" in told
        assert "(0 of 3 points)" in told
        assert "this exercise asks you to write softmax yourself" in told


@pytest.mark.sandbox
def test_the_grader_gives_no_points_for_it() -> None:
    reference: dict[str, Any] = {}
    exec(BY_HAND, reference)
    sandbox = Sandbox("bwrap", Limits(memory_mb=512), SHOWN)
    outcomes = {
        name: judge({"softmax": EXERCISE}, cells(source), "file", reference, sandbox, b"secret")[0]
        for name, source in {
            "by hand": BY_HAND,
            "seen": SEEN["as a method"],
            "hidden": HIDDEN["put together before"],
            "in another thread": EVASIVE["in another thread"],
            "behind torch's switch": EVASIVE["behind torch's switch"],
        }.items()
    }
    sandbox.close()
    assert {name: (found.status, found.points) for name, found in outcomes.items()} == {
        "by hand": ("passed", EXERCISE.points),
        "seen": ("forbidden", 0.0),
        "hidden": ("forbidden", 0.0),
        "in another thread": ("error", 0.0),
        "behind torch's switch": ("forbidden", 0.0),
    }
    assert outcomes["seen"].message.startswith("cell 1, line 1: this exercise asks you to write")

"""The worker computes what the judge computes, to the last bit, however it is kept apart."""

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from course import COURSE, SHOWN

from grader.checks.student import Student
from grader.grading.pool import Processes
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.sandbox.session import Session
from grader.submissions.cells import Cell

LESSON = "02_bigrams"

# Operations of several libraries, at sizes where vectors, blocks and threads set in.
SOURCE = """
import numpy as np
import torch
import torch.nn.functional as F

def normal(*shape):
    return torch.randn(*shape, generator=GENERATOR)

def elementwise():
    x = normal(64, 257).abs() + 0.1
    names = "exp log1p tanh sigmoid erf sin sqrt rsqrt lgamma".split()
    return [getattr(torch, name)(x) for name in names] + [x**2.7, F.gelu(x), F.silu(x)]

def reductions():
    x = normal(64, 257)
    names = "softmax log_softmax logsumexp sum mean var norm cumsum".split()
    return [getattr(x, name)(dim=axis) for name in names for axis in (0, 1)]

def products():
    made = [normal(64, 257) @ normal(257, 129), torch.bmm(normal(8, 33, 17), normal(8, 17, 65))]
    return [*made, F.conv2d(normal(2, 3, 16, 16), normal(8, 3, 3, 3)), torch.linalg.svd(made[0])[1]]

def halves():
    x, w = normal(64, 257), normal(129, 257)
    kinds = torch.float64, torch.bfloat16, torch.float16
    return [f.double() for k in kinds for f in (x.to(k).exp(), F.linear(x.to(k), w.to(k)))]

def draws():
    torch.manual_seed(1)
    return [torch.randn(1000), torch.rand(9), F.dropout(torch.ones(1000), 0.3), torch.randperm(99)]

def attention():
    q, k, v = normal(3, 2, 4, 33, 16)
    return [F.scaled_dot_product_attention(q, k, v, is_causal=True)]

def training():
    torch.manual_seed(2)
    net = torch.nn.Sequential(torch.nn.Linear(257, 64), torch.nn.GELU(), torch.nn.LayerNorm(64))
    optimiser, x = torch.optim.AdamW(net.parameters(), lr=0.01), normal(64, 257)
    for _ in range(5):
        optimiser.zero_grad()
        F.cross_entropy(net(x), torch.arange(64)).backward()
        optimiser.step()
    return [weight.detach() for weight in net.parameters()]

def arrays():
    a = np.random.default_rng(1).standard_normal((300, 300))
    b = a.astype(np.float32)
    return [*map(torch.from_numpy, (a @ a, b @ b, np.exp(a), np.exp(b), np.linalg.svd(a)[1]))]

def numbers():
    global GENERATOR
    GENERATOR = torch.Generator().manual_seed(1)
    kinds = elementwise, reductions, products, halves, draws, attention, training, arrays
    return {kind.__name__: kind() for kind in kinds}
"""


def computed() -> dict[str, list[torch.Tensor]]:
    """Run `SOURCE` here, as a process that judges does."""
    torch.set_num_threads(1)
    namespace: dict[str, Any] = {}
    exec(SOURCE, namespace)
    numbers: dict[str, list[torch.Tensor]] = namespace["numbers"]()
    return numbers


@pytest.fixture(scope="module")
def judges() -> Iterator[dict[str, list[torch.Tensor]]]:
    """What a process computes in which `grader grade` judges."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OMP_NUM_THREADS")  # set for tests, not for who grades
        pool = Processes(1)
        future: Future[dict[str, list[torch.Tensor]]] = pool.submit(computed)
        yield future.result()
    pool.shutdown()


@pytest.mark.sandbox
@pytest.mark.parametrize("isolation", ["warm", "cold", "none"])
def test_a_worker_computes_what_the_judge_computes(
    isolation: str, judges: dict[str, list[torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if isolation == "cold":
        monkeypatch.setattr("grader.sandbox.bubblewrap._ForkServer", Mock(side_effect=OSError))
    sandbox = Sandbox("none" if isolation == "none" else "bwrap", Limits(), SHOWN)
    assert sandbox.isolation == isolation
    session = Session([Cell(1, SOURCE)], COURSE.exercises(LESSON), sandbox)
    session.start()
    workers = Student(session.send).numbers()
    session.stop()
    sandbox.close()
    for kind, values in judges.items():
        same = [
            torch.equal(ours, theirs) for ours, theirs in zip(values, workers[kind], strict=True)
        ]
        assert all(same), (kind, same)

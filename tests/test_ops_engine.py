"""The engine writes what lesson 07's plain loop writes, whoever else is being served."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from grader.course.lessons import Course
from grader.course.solved import solved_namespace
from lmops.service.engine import Draining, Engine, GenerationRequest, StepFailed

ROOT = Path(__file__).parents[1]
CONTEXT = 32  # short, so that windows are cut


@dataclass
class Model:
    """What the engine needs of a bundle."""

    lesson: dict[str, Any]
    seed: int = 0
    version: str = "first"
    config: dict[str, Any] = field(init=False)
    weights: dict[str, torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        torch.manual_seed(self.seed)
        config = self.lesson["Config"](19, context=CONTEXT, layers=2, heads=2, channels=16)
        self.gpt = self.lesson["GPT"](config).eval()
        with torch.no_grad():
            for parameter in self.gpt.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))  # biases too; and not too unsure
        self.config = asdict(config)
        self.weights = {k: v for k, v in self.gpt.state_dict().items() if k != "head.weight"}

    def plain(self, request: GenerationRequest) -> list[int]:
        """Write with the lesson's own loop, which has no cache and one text."""
        if request.temperature == 0:
            how: dict[str, Any] = {"top_k": 1}
        else:
            top_p = None if request.top_p == 1 else request.top_p
            how = {"temperature": request.temperature, "top_k": request.top_k, "top_p": top_p}
        if request.seed is not None:
            torch.manual_seed(request.seed)
        written = self.lesson["generate"](self.gpt, request.ids, request.max_tokens, **how)
        return written[len(request.ids) :]


@pytest.fixture(scope="module")
def lesson() -> dict[str, Any]:
    return solved_namespace(Course(ROOT).lesson("07_gpt"))


@pytest.fixture(scope="module")
def model(lesson: dict[str, Any]) -> Model:
    return Model(lesson)


async def collect(engine: Engine, request: GenerationRequest) -> list[int]:
    return [token async for token in engine.stream(request)]


def requests(n: int, **how: Any) -> Iterator[GenerationRequest]:
    draw = random.Random(0)
    for _ in range(n):
        ids = [draw.randrange(19) for _ in range(draw.randint(1, 2 * CONTEXT))]
        yield GenerationRequest(ids, draw.randint(1, 2 * CONTEXT), **how)


WAYS = {
    "greedy": {"temperature": 0.0},
    "seeded": {"seed": 5},
    "daring": {"seed": 1, "temperature": 1.7},
    "top-k": {"seed": 2, "top_k": 4},
    "top-p": {"seed": 3, "top_p": 0.7},
    "all": {"seed": 4, "top_k": 7, "top_p": 0.9, "temperature": 0.8},
}


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_it_writes_what_the_plain_loop_writes(model: Model, how: dict[str, Any]) -> None:
    asked = list(requests(20, **how))

    async def main() -> list[list[int]]:
        async with Engine(model, slots=8) as engine:
            return await asyncio.gather(*(collect(engine, each) for each in asked))

    assert asyncio.run(main()) == [model.plain(each) for each in asked]

"""The engine writes what lesson 07's plain loop writes, whoever else is being served."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from grader.course.lessons import Course
from grader.course.solved import solved_namespace
from lmops.service.batch import READ_AT_ONCE, Batch
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


@pytest.mark.parametrize("how", [WAYS["greedy"], WAYS["all"]], ids=["greedy", "seeded"])
def test_it_does_not_matter_when_one_joins(model: Model, how: dict[str, Any]) -> None:
    asked = list(requests(12, **how))

    async def main() -> list[list[int]]:
        async def later(number: int, request: GenerationRequest) -> list[int]:
            for _ in range(5 * number):
                await asyncio.sleep(0)
            return await collect(engine, request)

        async with Engine(model, slots=5) as engine:
            return await asyncio.gather(*(later(*each) for each in enumerate(asked)))

    assert asyncio.run(main()) == [model.plain(each) for each in asked]


def test_unseeded_texts_differ_and_leave_seeded_ones_alone(model: Model) -> None:
    free = GenerationRequest([1, 2], 40)
    seeded = GenerationRequest([1, 2], 40, seed=8)

    async def main() -> list[list[int]]:
        async with Engine(model, slots=3) as engine:
            return await asyncio.gather(*(collect(engine, each) for each in (free, seeded, free)))

    first, second, third = asyncio.run(main())
    assert len({tuple(first), tuple(second), tuple(third)}) == 3
    assert second == model.plain(seeded)


class Steps:
    """Counts the steps, or has one fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done = 0
        self.fail_at: int | None = None
        step = Batch.step

        def counted(batch: Batch) -> None:
            self.done += 1
            step(batch)
            if self.done == self.fail_at:
                raise MemoryError("no more")

        monkeypatch.setattr(Batch, "step", counted)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


async def leave_by_closing(stream: Any) -> None:
    await stream.aclose()


async def leave_by_cancelling(stream: Any) -> None:
    async def consume() -> None:
        async for _ in stream:
            pass

    task = asyncio.create_task(consume())
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("leave", [leave_by_closing, leave_by_cancelling])
def test_one_who_leaves_frees_the_slot_within_a_step(
    model: Model, steps: Steps, leave: Any
) -> None:
    async def main() -> None:
        async with Engine(model, slots=1) as engine:
            first = engine.stream(GenerationRequest([1], 100_000))
            second = engine.stream(GenerationRequest([2], 5))
            for _ in range(3):
                await anext(first)
            assert (engine.running, engine.waiting) == (1, 1)
            await leave(first)
            before = steps.done
            await anext(second)
            assert steps.done - before <= 1
            assert len([token async for token in second]) == 4
            assert (engine.running, engine.waiting) == (0, 0)
            with pytest.raises(StopAsyncIteration):
                await anext(first)

    asyncio.run(main())


def test_a_stream_that_is_dropped_frees_its_slot(model: Model) -> None:
    async def main() -> None:
        async with Engine(model, slots=1) as engine:
            running, waiting = (engine.stream(GenerationRequest([1], 100_000)) for _ in range(2))
            await anext(running)
            del running
            await asyncio.sleep(0)
            del waiting
            assert (engine.running, engine.waiting) == (0, 0)

    asyncio.run(main())


def test_nobody_steps_for_nobody(model: Model, steps: Steps) -> None:
    async def main() -> None:
        async with Engine(model, slots=2) as engine:
            stream = engine.stream(GenerationRequest([1], 100_000))
            await anext(stream)
            await stream.aclose()
            before = steps.done
            for _ in range(20):
                await asyncio.sleep(0)
            assert steps.done == before

    asyncio.run(main())


def test_swap_in_the_middle_of_thirty_streams(model: Model, lesson: dict[str, Any]) -> None:
    other = Model(lesson, seed=1, version="second")
    asked = [
        GenerationRequest(
            [number % 19], 30, seed=number if number % 2 else None, temperature=number % 2
        )
        for number in range(30)
    ]

    async def main() -> list[tuple[str, list[int]]]:
        async def ask(request: GenerationRequest) -> tuple[str, list[int]]:
            stream = engine.stream(request)
            return stream.version, [token async for token in stream]

        async with Engine(model, slots=20) as engine:  # ten of them still wait
            old = [asyncio.create_task(ask(each)) for each in asked]
            for _ in range(10):
                await asyncio.sleep(0)
            assert (engine.running, engine.waiting) == (20, 10)
            await engine.swap(other)
            assert engine.version == "second"
            new = [asyncio.create_task(ask(each)) for each in asked]
            answers = await asyncio.gather(*old, *new)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert len(engine._batches) == 1  # the old model is gone
            return answers

    answers = asyncio.run(main())
    assert answers[:30] == [("first", model.plain(each)) for each in asked]
    assert answers[30:] == [("second", other.plain(each)) for each in asked]
    assert [text for _, text in answers[:30]] != [text for _, text in answers[30:]]


def test_drain_ends_what_was_begun_and_refuses_what_is_new(model: Model) -> None:
    async def main() -> None:
        async with Engine(model, slots=2) as engine:
            tasks = [
                asyncio.create_task(collect(engine, GenerationRequest([1], 20))) for _ in range(5)
            ]
            await asyncio.sleep(0)
            drained = asyncio.create_task(engine.drain())
            await asyncio.sleep(0)
            with pytest.raises(Draining, match="takes nothing new"):
                engine.stream(GenerationRequest([1], 1))
            await drained
            assert (engine.running, engine.waiting) == (0, 0)
            assert [len(await task) for task in tasks] == [20] * 5

        async with Engine(model) as engine:
            await asyncio.wait_for(engine.drain(), 5)  # with nothing to do

    asyncio.run(main())


def test_a_thousand_tiny_requests_leave_no_slot_taken(model: Model) -> None:
    draw = random.Random(1)

    async def main() -> None:
        async def ask() -> int:
            stream = engine.stream(GenerationRequest([draw.randrange(19)], draw.randint(0, 3)))
            if draw.random() < 0.3:
                await stream.aclose()
            return len([token async for token in stream])

        async with Engine(model, slots=7) as engine:
            await asyncio.gather(*(ask() for _ in range(1000)))
            assert (engine.running, engine.waiting) == (0, 0)
            assert sorted(engine._batches[0].free) == list(range(7))
            assert not engine._batches[0].sampler.generators

    asyncio.run(main())


def test_a_step_that_fails_ends_its_requests_and_not_the_engine(
    model: Model, steps: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    steps.fail_at = 5
    asked = list(requests(6, **WAYS["all"]))

    async def main() -> list[Any]:
        async with Engine(model, slots=4) as engine:
            answers = await asyncio.gather(
                *(collect(engine, each) for each in asked), return_exceptions=True
            )
            return [*answers, await collect(engine, asked[0])]

    answers = asyncio.run(main())
    failed = [each for each in answers if isinstance(each, StepFailed)]
    assert 1 <= len(failed) <= 4
    assert "no more" in str(failed[0])
    assert "a step of model first failed" in caplog.text
    want = [model.plain(each) for each in [*asked, asked[0]]]
    sound = [(a, b) for a, b in zip(answers, want, strict=True) if not isinstance(a, StepFailed)]
    assert len(sound) >= 3
    assert all(a == b for a, b in sound)


def test_stopping_the_engine_ends_all_streams(model: Model) -> None:
    async def main() -> None:
        async with Engine(model, slots=1) as engine:
            streams = [engine.stream(GenerationRequest([1], 100_000)) for _ in range(2)]
            await anext(streams[0])
        for stream in streams:
            stream._mail.tokens.clear()
            with pytest.raises(StepFailed, match="stopped"):
                await anext(stream)
        with pytest.raises(RuntimeError, match="async with engine"):
            engine.stream(GenerationRequest([1], 1))

    asyncio.run(main())


def test_long_texts_are_read_a_few_at_a_step(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is writing goes on while fifty others come with a full window each."""
    read: list[int] = []

    async def main() -> None:
        async with Engine(model, slots=60) as engine:
            decoder = engine._batches[0].decoder
            whole = decoder.read

            def watched(slots: list[int], texts: list[list[int]]) -> torch.Tensor:
                read.append(sum(map(len, texts)))
                return whole(slots, texts)

            monkeypatch.setattr(decoder, "read", watched)
            first = engine.stream(GenerationRequest([1], 1000, temperature=0))
            await anext(first)
            others = [
                asyncio.create_task(collect(engine, GenerationRequest([1] * CONTEXT, 2)))
                for _ in range(50)
            ]
            await asyncio.gather(*others)
            await first.aclose()

    asyncio.run(main())
    assert sum(read) >= 50 * CONTEXT
    assert max(read) <= READ_AT_ONCE


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (GenerationRequest([], 1), "at least one character"),
        (GenerationRequest([19], 1), "from 0 to 18"),
        (GenerationRequest([-1], 1), "from 0 to 18"),
        (GenerationRequest([1], -1), "max_tokens is -1"),
        (GenerationRequest([1], 1, temperature=-0.1), "temperature is -0.1"),
        (GenerationRequest([1], 1, temperature=float("nan")), "temperature is nan"),
        (GenerationRequest([1], 1, top_k=0), "top_k is 0"),
        (GenerationRequest([1], 1, top_p=0.0), "top_p is 0.0"),
        (GenerationRequest([1], 1, top_p=1.5), "top_p is 1.5"),
    ],
)
def test_what_no_model_can_do_is_refused(model: Model, request_: Any, why: str) -> None:
    async def main() -> None:
        async with Engine(model) as engine:
            with pytest.raises(ValueError, match=why):
                engine.stream(request_)

    asyncio.run(main())


def test_nothing_to_write_ends_at_once(model: Model) -> None:
    async def main() -> list[int]:
        async with Engine(model) as engine:
            return await collect(engine, GenerationRequest([1], 0))

    assert asyncio.run(main()) == []

"""`make bench`, serving: requests per CPU-second of the service, and how long its clients wait.

    python bench/serving.py            both parts below
    python bench/serving.py engine     characters per CPU-second, in one process, and CTranslate2's
    python bench/serving.py service    over HTTP: `lmops serve`, with four ways to write

Over HTTP, 32 clients ask for 64 characters each, again and again, in one process; the service is
another. The four ways take turns, so that what else the machine does meets all of them.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from lmcourse import corpus
from lmops import bundle as bundles
from lmops.bundle import Bundle
from lmops.home import Home
from lmops.service.batch import Batch, Row
from lmops.service.ended import Ended
from lmops.service.engine import Engine, GenerationRequest
from lmops.service.keys import Keys
from lmops.service.limits import Limits
from lmops.service.log import Log
from lmops.service.sampling import Sampling
from lmops.service.server import Server, bind
from lmops.service.service import Service

CLIENTS, CHARACTERS = 32, 64
BATCHES = 8  # of 32 texts in the engine's part, for each of the two
ROUNDS = 3  # in which each way has a turn
WARM_UP = 64  # requests
CONTINUOUS, ALONE, NAIVE, PEER = "continuous batching", "one at a time", "naive loop", "CTranslate2"
REQUESTS = {CONTINUOUS: 640, ALONE: 160, NAIVE: 64, PEER: 640}  # in a round
AT_LEAST = {ALONE: 6.0, NAIVE: 13.0}  # times their requests per CPU-second
SHARE = 0.5  # of CTranslate2's characters per CPU-second, at least


def main() -> int:
    """Run the parts that were asked for, and return 1 if a target was missed."""
    parts = {"engine": compare_engines, "service": compare_services}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help="engine or service; else both")
    parser.add_argument("--serve", help=argparse.SUPPRESS)  # how the bench starts its services
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.serve:
        serve(arguments.serve)
        return 0
    model = bundles.load(bundles.SHIPPED)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    print(f"model {model.version}: {model.config}\n")
    return int(not all([parts[part](model) for part in arguments.parts or parts]))


# --- The engines alone ------------------------------------------------------------------------


def compare_engines(model: Bundle) -> bool:
    """Print characters per CPU-second of both; return whether the target is met."""
    prompts = list(itertools.islice(openings(model), CLIENTS))
    with peer(model) as write:
        ways: dict[str, Callable[[float], list[list[int]]]] = {
            "lmops": lambda temperature: write_here(model, prompts, temperature),
            PEER: lambda temperature: write(prompts, temperature),
        }
        same = sum(a == b for a, b in zip(*(way(0.0) for way in ways.values()), strict=True))
        print(f"{CLIENTS} texts at once, {CHARACTERS} characters each, one thread")
        print(f"  {same} of {CLIENTS} greedy texts are the same in both")
        speeds: dict[tuple[str, float], list[float]] = {}
        for _ in range(BATCHES):
            for name, way in ways.items():
                for temperature in (0.0, 1.0):
                    started = time.process_time()
                    way(temperature)
                    speed = CLIENTS * CHARACTERS / (time.process_time() - started)
                    speeds.setdefault((name, temperature), []).append(speed)
    met = True
    for temperature, how in ((0.0, "greedy"), (1.0, "drawn")):
        ours, theirs = (statistics.median(speeds[name, temperature]) for name in ways)
        met &= ours / theirs >= SHARE
        print(
            f"  {how:6} {ours:8,.0f} characters per CPU-second, {PEER} {theirs:8,.0f}: "
            f"{ours / theirs:.2f} of it   at least {SHARE}"
        )
    print()
    return met


def write_here(model: Bundle, prompts: list[list[int]], temperature: float) -> list[list[int]]:
    """Return what the engine's batch writes behind the prompts."""
    batch = Batch(model, CLIENTS)
    texts: list[list[int]] = [[] for _ in prompts]
    for prompt, text in zip(prompts, texts, strict=True):
        sampling = Sampling(temperature)
        batch.join(Row(list(prompt), CHARACTERS, sampling, text.append, lambda error: None))
    while batch.busy:
        batch.step()
    return texts


@contextlib.contextmanager
def peer(model: Bundle) -> Iterator[Callable[[list[list[int]], float], list[list[int]]]]:
    """Give a function that has CTranslate2 write `CHARACTERS` behind the prompts."""
    ctranslate2 = import_peer()
    with tempfile.TemporaryDirectory() as folder:
        convert(ctranslate2, model, folder)
        generator = ctranslate2.Generator(folder, inter_threads=1, intra_threads=1)

        def write(prompts: list[list[int]], temperature: float) -> list[list[int]]:
            answers = generator.generate_batch(
                [[str(number) for number in prompt] for prompt in prompts],
                max_length=CHARACTERS,
                min_length=CHARACTERS,
                sampling_topk=0 if temperature else 1,
                sampling_temperature=temperature or 1.0,
                include_prompt_in_result=False,
                end_token=[],
            )
            return [[int(token) for token in answer.sequences[0]] for answer in answers]

        yield write


def import_peer() -> ModuleType:
    """Return CTranslate2, from here or from the peers' environment."""
    try:
        import ctranslate2
    except ImportError:
        from grading import PEERS, make_peers

        make_peers()
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        sys.path.append(str(PEERS / "lib" / version / "site-packages"))
        import ctranslate2
    return ctranslate2


def convert(ctranslate2: ModuleType, model: Bundle, folder: str) -> None:
    """Write the model in CTranslate2's format."""
    config, specs = model.config, ctranslate2.specs

    def numbers(name: str) -> Any:
        return model.weights[name].float().numpy()

    def fill(part: Any, name: str, *, norm: bool = False) -> None:
        names = ("gamma", "beta") if norm else ("weight", "bias")
        setattr(part, names[0], numbers(f"{name}.weight"))
        setattr(part, names[1], numbers(f"{name}.bias"))

    spec = specs.TransformerDecoderModelSpec.from_config(
        config["layers"], config["heads"], pre_norm=True, activation=specs.Activation.GELU
    )
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = decoder.projection.weight = numbers("token_embedding.weight")
    decoder.position_encodings.encodings = numbers("position_embedding.weight")
    fill(decoder.layer_norm, "norm", norm=True)
    for number, layer in enumerate(decoder.layer):
        block, attention = f"blocks.{number}", layer.self_attention
        heads = [numbers(f"{block}.attention.{part}.weight") for part in ("query", "key", "value")]
        for linear, weight in zip(
            attention.linear,
            (np.concatenate(heads), numbers(f"{block}.attention.project.weight")),
            strict=True,
        ):
            linear.weight, linear.bias = weight, np.zeros(len(weight), np.float32)
        fill(attention.layer_norm, f"{block}.norm1", norm=True)
        fill(layer.ffn.layer_norm, f"{block}.norm2", norm=True)
        fill(layer.ffn.linear_0, f"{block}.feed_forward.expand")
        fill(layer.ffn.linear_1, f"{block}.feed_forward.shrink")
    spec.register_vocabulary([str(number) for number in range(config["vocab_size"])])
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = "0"
    spec.validate()
    spec.optimize()
    spec.save(folder)


# --- Over HTTP ----------------------------------------------------------------------------------


def compare_services(model: Bundle) -> bool:
    """Print requests per CPU-second and latencies of all four; return whether targets are met."""
    per_second: dict[str, list[float]] = {way: [] for way in REQUESTS}
    waits: dict[str, list[float]] = {way: [] for way in REQUESTS}
    with contextlib.ExitStack() as stack:
        services = {way: stack.enter_context(started_service(way)) for way in REQUESTS}
        bodies = requests(model)
        for port, token, _ in services.values():
            asyncio.run(load(port, token, itertools.islice(bodies, WARM_UP)))
        for _ in range(ROUNDS):
            for way, (port, token, pid) in services.items():
                before = cpu_seconds(pid)
                waits[way] += asyncio.run(
                    load(port, token, itertools.islice(bodies, REQUESTS[way]))
                )
                per_second[way].append(REQUESTS[way] / (cpu_seconds(pid) - before))
    print(f"{CLIENTS} clients over HTTP, {CHARACTERS} characters a request; none failed")
    print(f"  {'':20} {'requests per':>13} {'latency in ms':>22}")
    print(f"  {'':20} {'CPU-second':>13} {'p50':>8} {'p95':>6} {'p99':>6}")
    ours, met = statistics.median(per_second[CONTINUOUS]), True
    for way in REQUESTS:
        speed = statistics.median(per_second[way])
        cuts = [1000 * quantile(waits[way], q) for q in (0.5, 0.95, 0.99)]
        line = f"  {way:20} {speed:13.1f} {cuts[0]:8.0f} {cuts[1]:6.0f} {cuts[2]:6.0f}"
        if way in AT_LEAST:
            met &= ours / speed >= AT_LEAST[way]
            line += f"   {ours / speed:5.1f} times as many   at least {AT_LEAST[way]:g}"
        elif way == PEER:
            line += f"   {ours / speed:5.2f} of it"
        print(line)
    print()
    return met


def requests(model: Bundle) -> Iterator[bytes]:
    """Yield bodies of requests without end."""
    for ids in openings(model):
        asked = {"model": "lm", "prompt": model.decode(ids), "max_tokens": CHARACTERS}
        yield json.dumps(asked).encode()


def openings(model: Bundle) -> Iterator[list[int]]:
    """Yield beginnings of stories, 10 to 30 characters long, without end."""
    stories = corpus.split_stories(corpus.load("fables"))
    draw = random.Random(0)
    while True:
        yield model.encode(draw.choice(stories)[: draw.randint(10, 30)])


async def load(port: int, token: str, bodies: Iterator[bytes]) -> list[float]:
    """Have the clients send the bodies, and return the seconds that each answer took."""
    waits: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in bodies:
            head = (
                f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            started = time.perf_counter()
            writer.write(head.encode() + body)
            answer = await read_answer(reader)
            waits.append(time.perf_counter() - started)
            if answer["usage"]["completion_tokens"] != CHARACTERS:
                raise SystemExit(f"not {CHARACTERS} characters: {answer}")
        writer.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return waits


async def read_answer(reader: asyncio.StreamReader) -> Any:
    """Return the JSON of the next answer on a connection, which must be a 200."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.split("content-length:")[1].split("\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith("http/1.1 200"):
        raise SystemExit(f"a request failed: {head}{body.decode()}")
    return json.loads(body)


@contextlib.contextmanager
def started_service(way: str) -> Iterator[tuple[int, str, int]]:
    """Start a service of that kind; give its port, a key, and its process's number."""
    command = [sys.executable, __file__, "--serve", way]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"the service with {way} did not start")
            port, token = line.split()
            yield int(port), token, process.pid
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used, all its threads together (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(values: list[float], q: float) -> float:
    """Return the smallest value that at least the share `q` does not exceed."""
    return sorted(values)[math.ceil(q * len(values)) - 1]


# --- The services ---------------------------------------------------------------------------------


def serve(way: str) -> None:
    """Serve the small model until SIGTERM; print the port and a key first."""
    model = bundles.load(bundles.SHIPPED)
    with contextlib.ExitStack() as stack:
        engine: Any = Engine(model, slots=CLIENTS if way == CONTINUOUS else 1)
        if way == NAIVE:
            engine._batches = [Naive(model)]
        if way == PEER:
            engine = Peer(model, stack.enter_context(peer(model)))
        home = Home(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        keys = Keys(home.keys)
        token = keys.add("bench", ["complete"], days=1)[1]
        limits = Limits(rate=1e6, burst=10**6, at_once=10 * CLIENTS)
        service = Service(
            engine=engine,
            keys=keys,
            log=Log(home.logs),
            ended=Ended(home.ledger),
            limits=limits,
        )
        server = Server(service, home.models)
        listening = bind("127.0.0.1", 0)
        listening.listen()
        print(listening.getsockname()[1], token, flush=True)
        server.serve_on(listening)


class Naive(Batch):
    """Lesson 07's plain loop: the model reads the whole window for each new character."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle, slots=1)
        model = bundle.model()
        self.decoder.read = lambda slots, texts: model(torch.tensor(texts))[:, -1]  # type: ignore[method-assign]

    def step(self) -> None:
        """Write a character, and keep nothing of what was computed."""
        for row in self.rows.values():
            row.unread = True
        super().step()


class Peer:
    """CTranslate2 in the engine's place: it writes for all who have come, then for the next."""

    GATHER = 0.002  # seconds to wait for others, as servers with whole batches do

    def __init__(
        self, bundle: Bundle, write: Callable[[list[list[int]], float], list[list[int]]]
    ) -> None:
        self.bundle, self.version = bundle, bundle.version
        self.running = self.waiting = 0
        self._write = write
        self._queue: deque[tuple[GenerationRequest, asyncio.Future[list[int]]]] = deque()
        self._come = asyncio.Event()

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()

    async def drain(self) -> None:
        """Wait for nobody: the bench asks for nothing at the end."""

    async def stream(self, request: GenerationRequest) -> AsyncIterator[int]:
        """Yield the characters, once all are there."""
        text = asyncio.get_running_loop().create_future()
        self._queue.append((request, text))
        self._come.set()
        for token in await text:
            yield token

    async def _run(self) -> None:
        while True:
            await self._come.wait()
            await asyncio.sleep(self.GATHER)
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), CLIENTS))]
            if not self._queue:
                self._come.clear()
            prompts = [request.ids for request, _ in batch]
            texts = await asyncio.to_thread(self._write, prompts, batch[0][0].temperature)
            for (_, future), text in zip(batch, texts, strict=True):
                future.set_result(text)


if __name__ == "__main__":
    sys.exit(main())

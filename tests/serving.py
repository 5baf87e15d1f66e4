"""What the tests of the service share: a small model, a server as a process, an app without one."""

import contextlib
import json
import ssl
import string
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openai
import torch
from warm import Forked, lmops

import lmcourse
from lmops import bundle as bundles
from lmops.bundle import Bundle
from lmops.service.app import create_app
from lmops.service.ended import Ended
from lmops.service.engine import Engine
from lmops.service.keys import Keys
from lmops.service.limits import Limits
from lmops.service.log import Log
from lmops.service.service import Service

CHARACTERS = sorted("\n !,-.:;?'()" + string.ascii_letters)
LMOPS = (sys.executable, "-m", "lmops.cli")
PROMPT = "Once upon a time"


def small_bundle(folder: Path, seed: int = 0, layers: int = 2, channels: int = 32) -> Bundle:
    """Write a bundle of random weights, which writes nonsense: another one for each seed."""
    source = (Path(lmcourse.__file__).parent / "small_model" / "model.py").read_text()
    config = {
        "vocab_size": len(CHARACTERS),
        "context": 64,
        "layers": layers,
        "heads": 2,
        "channels": channels,
        "dropout": 0.0,
    }
    module = bundles.run(source, "tests")
    draw = torch.Generator().manual_seed(seed)
    weights = {
        name: torch.randn(shape, generator=draw) * (0.3 if "norm" not in name else 1)
        for name, shape in module.shapes(module.Config(**config)).items()
    }
    return bundles.write(
        folder, weights=weights, config=config, characters=CHARACTERS, metrics={}, source=source
    )


@dataclass
class Running:
    """A server in a process of its own, and who may ask it."""

    process: Forked
    home: Path
    url: str
    version: str
    verify: ssl.SSLContext | bool = False

    @property
    def http(self) -> httpx.Client:
        """A client for what OpenAI's has no words for."""
        return httpx.Client(base_url=self.url, verify=self.verify)

    def key(self, *scopes: str, days: float = 1) -> str:
        """Return a new key."""
        with contextlib.closing(Keys(self.home / "keys.db")) as keys:
            return keys.add("tests", scopes or ("complete",), days)[1]

    def client(self, key: str | None = None, **options: Any) -> openai.OpenAI:
        """Return OpenAI's own client, which asks once and never again."""
        return openai.OpenAI(
            base_url=f"{self.url}/v1",
            api_key=key or self.key(),
            max_retries=0,
            http_client=httpx.Client(verify=self.verify),
            **options,
        )

    def lines(self, path: str = "") -> list[dict[str, Any]]:
        """Return what the log says, as far as it is whole; of requests to `path` alone."""
        lines = read_log(self.home / "logs")
        return [line for line in lines if not path or line.get("path") == path]


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the whole lines of all days."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
    return found


@contextlib.contextmanager
def serving(
    folder: Path, *options: str, home: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run `lmops serve FOLDER`, and end it."""
    command = ["serve", str(folder), "--home", str(home), "--port", "0", "--json", *options]
    process = Forked(lmops, *command, environment=environment)
    try:
        told = json.loads(process.stdout.readline())
        server = Running(process, home, told["url"], told["version"])
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def wait_until(true: Any, seconds: float = 20.0) -> None:
    """Wait until `true()` is. Fails if it takes longer than anything here may."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@dataclass
class Inside:
    """The app in this process, asked through ASGI."""

    service: Service
    home: Path
    http: httpx.AsyncClient
    app: Any
    clock: list[float] = field(default_factory=lambda: [0.0])

    def key(self, *scopes: str) -> dict[str, str]:
        """Return a header with a new key."""
        token = self.service.keys.add("tests", scopes or ("complete",), 1)[1]
        return {"authorization": f"Bearer {token}"}


@contextlib.asynccontextmanager
async def inside(
    bundle: Bundle, home: Path, limits: Limits | None = None, slots: int = 32, **parts: Any
) -> AsyncIterator[Inside]:
    """Run the app without a process or a socket."""
    ended = Ended(home / "ledger.jsonl")
    service = Service(
        engine=Engine(bundle, slots=slots),
        keys=parts.pop("keys", None) or Keys(home / "keys.db", patience=0),
        log=parts.pop("log", None) or Log(home / "logs", erased=ended.erased),
        ended=ended,
        limits=limits or Limits(rate=1e6, burst=10**6),
        **parts,
    )
    app = create_app(service, home / "models")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    http = httpx.AsyncClient(transport=transport, base_url="http://inside")
    with service.log:
        async with app.router.lifespan_context(app), http:
            yield Inside(service, home, http, app)
    service.keys.close()

"""How large the model is where it is put, and how long until it answers: three ways to run it.

    python bench/starting.py        the service, the Azure Function, the edge bundle

Each is started as a new process, several times, the three in turn. The clock runs from the start of
the process to the end of its first answer, 32 characters; other work on the machine lengthens it,
and hardly the seconds of the processor. Each has one thread to compute with. The bytes are those of
the code with the model, and those of the packages that it needs, installed. What a cloud adds
before the process starts, as fetching an image, is not in it.
"""

import argparse
import base64
import importlib.metadata
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx
from packaging.requirements import Requirement

from lmops import bundle, edge
from lmops.home import Home
from lmops.service.keys import Keys

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
ASKED = {"model": "lm", "prompt": "Once", "max_tokens": 32, "temperature": 0}
SERVICE = ("click", "fastapi", "numpy", "prometheus-client", "rich", "safetensors", "torch")
SERVICE = (*SERVICE, "uvicorn")
FUNCTION = ("azure-functions", "fastapi", "numpy", "prometheus-client", "safetensors", "torch")
EDGE = ("numpy", "safetensors")

# Calls the function as Azure's worker does.
CALL = """
import asyncio, os
import azure.functions as func
import function_app
(registered,) = function_app.app.get_functions()
class Context:
    function_directory = function_name = invocation_id = ""
    thread_local_storage = trace_context = retry_context = None
async def call():
    headers = {"authorization": "Bearer " + os.environ["KEY"], "content-type": "application/json"}
    asked = func.HttpRequest(method="POST", url="http://localhost/v1/completions",
                             headers=headers, body=os.environ["ASKED"].encode())
    return await registered.get_user_function()(asked, Context())
assert asyncio.run(call()).status_code == 200
os._exit(0)
"""


@dataclass(frozen=True)
class Way:
    """A way to run the model: what it takes, and a start of it, which returns seconds."""

    name: str
    own: int
    packages: Iterable[str]
    start: Callable[[], float]


def main() -> None:
    """Start each of them, and print what was measured."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    full = bundle.load(bundle.SHIPPED)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    print(f"model {full.version}; {ROUNDS} starts of each, in turn\n")
    with tempfile.TemporaryDirectory() as temporary:
        ways = list(_ways(Path(temporary), full))
        walls: dict[str, list[float]] = {way.name: [] for way in ways}
        processor: dict[str, list[float]] = {way.name: [] for way in ways}
        for _ in range(ROUNDS):
            for way in ways:
                before = _used()
                walls[way.name].append(way.start())
                processor[way.name].append(_used() - before)
        print(f"{'':<10}{'own, MB':>9}{'packages, MB':>14}{'processor, s':>14}{'fastest, s':>12}")
        for way in ways:
            own, others = way.own / 1e6, _installed(way.packages) / 1e6
            used, wall = statistics.median(processor[way.name]), min(walls[way.name])
            print(f"{way.name:<10}{own:>9.2f}{others:>14.0f}{used:>14.2f}{wall:>12.2f}")


def _used() -> float:
    """Return the processor's seconds of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ways(folder: Path, full: bundle.Bundle) -> Iterable[Way]:
    home = Home(folder / "home")
    keys = Keys(home.keys)
    _, key = keys.add("bench", {"complete"}, days=1)
    keys.close()
    code = _size(ROOT / "lmops") + _size(ROOT / "lmcourse")
    yield Way("service", code, SERVICE, lambda: _serve(home, key))

    packed = folder / "function"
    _run([sys.executable, str(ROOT / "deploy/serverless/package.py"), str(packed)])
    settings = {
        "LMOPS_KEYS": base64.b64encode(home.keys.read_bytes()).decode(),
        "LMOPS_HOME": str(folder / "instance"),
        "PYTHONPATH": str(packed),
        "KEY": key,
        "ASKED": json.dumps(ASKED),
    }
    call = [sys.executable, "-c", CALL]
    yield Way("function", _size(packed), FUNCTION, lambda: _run(call, **settings))

    small = edge.write(folder / "edge", full)
    write = [sys.executable, str(small.folder / "run.py"), "Once", "--characters", "32"]
    yield Way("edge", _size(small.folder), EDGE, lambda: _run([*write, "--temperature", "0"]))


def _run(command: list[str], **settings: str) -> float:
    """Return how many seconds a command takes, which must be done."""
    began = time.perf_counter()
    subprocess.run(command, env=os.environ | settings, check=True, capture_output=True)
    return time.perf_counter() - began


def _serve(home: Home, key: str) -> float:
    """Return the seconds until `lmops serve` has answered."""
    command = [sys.executable, "-m", "lmops.cli", "serve", str(bundle.SHIPPED), "--json"]
    began = time.perf_counter()
    with subprocess.Popen(
        [*command, "--home", str(home.folder), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())["url"]
        answer = httpx.post(
            f"{where}/v1/completions", json=ASKED, headers={"authorization": f"Bearer {key}"}
        )
        seconds = time.perf_counter() - began
        process.terminate()
    answer.raise_for_status()
    return seconds


def _size(folder: Path) -> int:
    """Return the bytes of a folder's files, without what Python leaves beside them."""
    files = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files if path.is_file())


def _installed(packages: Iterable[str]) -> int:
    """Return the bytes of installed packages, and of all that these need."""
    found: dict[str, int] = {}
    waiting = list(packages)
    while waiting:
        name = waiting.pop()
        if name.lower() in found:
            continue
        one = importlib.metadata.distribution(name)
        paths = {Path(str(one.locate_file(file))) for file in one.files or []}
        found[name.lower()] = sum(
            path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file()
        )
        wanted = map(Requirement, one.requires or [])
        waiting += [
            each.name
            for each in wanted
            if each.marker is None or each.marker.evaluate({"extra": ""})
        ]
    return sum(found.values())


if __name__ == "__main__":
    main()

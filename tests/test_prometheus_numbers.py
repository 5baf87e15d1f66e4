"""Lesson 14's solved `rate` and `histogram_quantile` reckon as the Prometheus that is installed."""

import json
import math
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from course import COURSE

from grader.course.solved import solved_namespace

pytestmark = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("prometheus", "promtool")),
    reason="Prometheus is not installed: make system",
)

BEGIN = 1_700_000_000
SERIES = 12

Ask = Callable[[str, float], list[float]]


def counters() -> list[list[list[float]]]:
    """Return counters that grow unevenly, are read unevenly, and begin anew now and then."""
    rng = np.random.default_rng(14)
    found = []
    for _ in range(SERIES):
        count = int(rng.integers(5, 15))
        times = rng.uniform(0, 5) + (rng.uniform(5, 20) * rng.uniform(0.9, 1.1, count)).cumsum()
        values = rng.choice([0, 3, 50_000]) + rng.integers(0, 60, count).cumsum()
        for place in np.flatnonzero(rng.random(count) < 0.15):
            values[place:] += rng.integers(0, 20) - values[place]
        found.append([[round(float(t), 3), float(v)] for t, v in zip(times, values, strict=True)])
    return found


def histograms() -> list[list[list[float]]]:
    """Return buckets, some of them empty, some with counts that fall."""
    rng = np.random.default_rng(15)
    found = []
    for _ in range(SERIES):
        bounds = [*(rng.uniform(-0.2, 1) + rng.uniform(0.1, 1, 5).cumsum()).round(3), math.inf]
        counts = rng.integers(0, 40, 6).cumsum() - rng.choice([0, 0, 3], 6)
        counts = np.maximum(counts, 1)
        found.append([[float(b), float(c)] for b, c in zip(bounds, counts, strict=True)])
    return found


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    folder = tmp_path_factory.mktemp("prometheus")
    lines = ["# TYPE c unknown"]
    for k, samples in enumerate(counters()):
        lines += [f'c{{k="{k}"}} {value} {BEGIN + when:.3f}' for when, value in samples]
    lines.append("# TYPE h unknown")
    for k, buckets in enumerate(histograms()):
        for bound, count in buckets:
            le = "+Inf" if bound == math.inf else bound
            lines.append(f'h{{k="{k}",le="{le}"}} {count} {BEGIN + 50}')
    (folder / "numbers").write_text("\n".join([*lines, "# EOF", ""]))
    made = ["promtool", "tsdb", "create-blocks-from", "openmetrics"]
    files = [str(folder / name) for name in ("numbers", "data")]
    subprocess.run([*made, *files], check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("{}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={address}",
            "--log.level=error",
        ]
    )

    def get(path: str) -> bytes:
        body: bytes = urllib.request.urlopen(f"http://{address}{path}", timeout=10).read()
        return body

    def answer(query: str, when: float) -> list[float]:
        words = urllib.parse.urlencode({"query": query, "time": f"{BEGIN + when:.3f}"})
        told: dict[str, Any] = json.loads(get(f"/api/v1/query?{words}"))
        return [float(series["value"][1]) for series in told["data"]["result"]]

    try:
        end = time.monotonic() + 30
        while True:
            try:
                get("/-/ready")
                break
            except OSError:
                assert server.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
        yield answer
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def solved() -> dict[str, Any]:
    return solved_namespace(COURSE.lesson("14_release_and_watch"))


def test_rates_are_those_of_prometheus(ask: Ask, solved: dict[str, Any]) -> None:
    rng = np.random.default_rng(16)
    compared = 0
    for k, samples in enumerate(counters()):
        first, last = samples[0][0], samples[-1][0]
        step = (last - first) / (len(samples) - 1)
        for _ in range(6):
            start = round(float(first + step * rng.uniform(-4, 2)), 3)
            end = round(float(last + step * rng.uniform(-2, 4)), 3)
            # Prometheus up to 2.51 cuts at 0 before it looks how far the edge is, and later ones
            # after that: where both matter the text goes with the later ones.
            inside = [each for each in samples if start < each[0] <= end]
            if len(inside) < 2 or (inside[0][0] - start > step and inside[0][1] < 1000):
                continue
            told = ask(f'rate(c{{k="{k}"}}[{round(1000 * (end - start))}ms])', end)
            mine = solved["rate"](samples, start, end)
            assert told == pytest.approx([mine], rel=1e-6), (samples, start, end)
            compared += 1
    assert compared >= 20


def test_quantiles_are_those_of_prometheus(ask: Ask, solved: dict[str, Any]) -> None:
    for k, buckets in enumerate(histograms()):
        for q in (0.01, 0.1, 0.33, 0.5, 0.9, 0.99, 1.0):
            told = ask(f'histogram_quantile({q}, h{{k="{k}"}})', 60)
            mine = solved["histogram_quantile"](q, buckets)
            assert told == pytest.approx([mine], rel=1e-6), (q, buckets)

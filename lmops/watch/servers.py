"""Prometheus and Alertmanager, run beside the services that they watch.

Prometheus asks each service for its numbers once a second and holds them against `rules.yml`;
Alertmanager sends what fires, and what is over, to a webhook. Both are Debian packages, and both
end with the `with` that they were started in.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import yaml

RULES = Path(__file__).with_name("rules.yml")
PACKAGES = {"prometheus": "prometheus", "prometheus-alertmanager": "prometheus-alertmanager"}
"""The Debian package of each command."""

READY_SECONDS = 30


class Missing(Exception):
    """A program is not installed; says how to get it."""


class NotStarted(Exception):
    """A program was started and does not answer; says what it said."""


def require() -> None:
    """Raise `Missing` if one of the programs is not installed."""
    missing = [package for name, package in PACKAGES.items() if shutil.which(name) is None]
    if missing:
        raise Missing(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not installed. "
            f"Type: sudo apt-get install {' '.join(missing)}"
        )


class Servers:
    """Both servers, while the `with` lasts, with their files in `folder`.

    Parameters
    ----------
    targets : the services' addresses, as in "http://127.0.0.1:8000"
    webhook : where alerts are posted to
    every : seconds between two readings of the numbers

    Raises
    ------
    Missing
        If a program is not installed.
    NotStarted
        If one does not answer within 30 seconds.
    """

    def __init__(
        self, targets: Sequence[str], folder: Path, webhook: str, every: float = 1
    ) -> None:
        self._folder, self._webhook, self._every = folder, webhook, every
        self._processes = contextlib.ExitStack()
        require()
        prometheus, alertmanager = _free_ports(2)
        self.url = f"http://127.0.0.1:{prometheus}"
        self.alertmanager = f"http://127.0.0.1:{alertmanager}"
        folder.mkdir(parents=True, exist_ok=True)
        self.watch(targets)

    def __enter__(self) -> Self:
        """Start both."""
        folder = self._folder.resolve()
        told = {"prometheus": self._prometheus(), "alertmanager": self._alertmanager()}
        for name, configuration in told.items():
            (folder / f"{name}.yml").write_text(yaml.safe_dump(configuration), "utf-8")
        with contextlib.ExitStack() as started:
            started.enter_context(
                _running(
                    "prometheus-alertmanager",
                    f"--config.file={folder / 'alertmanager.yml'}",
                    f"--storage.path={folder / 'alertmanager'}",
                    f"--web.listen-address={urlsplit(self.alertmanager).netloc}",
                    "--cluster.listen-address=",
                    url=self.alertmanager,
                )
            )
            started.enter_context(
                _running(
                    "prometheus",
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'numbers'}",
                    f"--web.listen-address={urlsplit(self.url).netloc}",
                    url=self.url,
                )
            )
            self._processes = started.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End both."""
        self._processes.close()

    def watch(self, targets: Sequence[str]) -> None:
        """Watch these services from now on, and no others."""
        found = [{"targets": [urlsplit(target).netloc for target in targets]}]
        part = self._folder / ".targets.json"
        part.write_text(json.dumps(found), "utf-8")
        part.replace(self._folder / "targets.json")

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return the series that Prometheus answers a query with; `ValueError` if it is wrong."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": query}).json()
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def _prometheus(self) -> dict[str, Any]:
        every = f"{round(self._every * 1000)}ms"
        return {
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": [str(RULES)],
            "alerting": {
                "alertmanagers": [
                    {"static_configs": [{"targets": [urlsplit(self.alertmanager).netloc]}]}
                ]
            },
            "scrape_configs": [
                {
                    "job_name": "lmops",
                    "file_sd_configs": [{"files": [str(self._folder.resolve() / "targets.json")]}],
                }
            ],
        }

    def _alertmanager(self) -> dict[str, Any]:
        # An alert comes alone and at once: whoever is called wants to know of each.
        return {
            "route": {
                "receiver": "webhook",
                "group_by": ["..."],
                "group_wait": "0s",
                "group_interval": "1s",
                "repeat_interval": "1h",
            },
            "receivers": [{"name": "webhook", "webhook_configs": [{"url": self._webhook}]}],
        }


@contextlib.contextmanager
def _running(command: str, *options: str, url: str) -> Iterator[None]:
    """Run a program and wait until it says that it is ready; end it."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [command, *options, "--log.level=warn"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            end = time.monotonic() + READY_SECONDS
            while not _is_ready(url):
                if process.poll() is not None or time.monotonic() > end:
                    said.seek(0)
                    raise NotStarted(f"{command} does not start: {said.read().strip()}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at. Both programs want to be told one."""
    with contextlib.ExitStack() as taken:
        sockets = [taken.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]

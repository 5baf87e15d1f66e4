"""`lmops watch`: see how the service does, and be called when it does badly."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lmops.commands.book import read_state
from lmops.commands.common import Wrong, answer, examples, home_option, json_option, say
from lmops.home import Home

CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
"""The variable in which Azure's tools look for it, too."""

EVERY = 1.0
"""Seconds between two looks at the log."""


@click.command(
    epilog=examples(
        "lmops watch                               # what runs at http://127.0.0.1:8000",
        "lmops watch http://127.0.0.1:8001 http://127.0.0.1:8002",
        "lmops watch --page how.html               # a page on versions, use and data; no server",
        f"{CONNECTION}='InstrumentationKey=...' lmops watch",
    )
)
@click.argument("services", metavar="[URL]...", nargs=-1)
@click.option(
    "--page",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page of what ledger and log say, and end.",
)
@click.option(
    "--price",
    type=click.FloatRange(min=0),
    default=0.1,
    show_default=True,
    help="What a million tokens cost you, for the page.",
)
@json_option
@home_option
def watch(
    services: tuple[str, ...], file: Path | None, price: float, as_json: bool, home: Home
) -> None:
    """Watch the services at URL with Prometheus, and tell of each alert, until Ctrl-C.

    Each alert is a line when it fires and one when it is over, with what to do. With
    APPLICATIONINSIGHTS_CONNECTION_STRING set, requests and ratings go to Azure Monitor, too,
    without their texts.
    """
    if file is not None:
        if services:
            raise Wrong("a page is made from ledger and log: leave out either URL or --page")
        count = _write_page(file, home, price)
        answer(as_json, {"page": str(file), "versions": count}, f"Written: {file}")
        return
    _watch(services or ("http://127.0.0.1:8000",), as_json, home)


def _watch(services: tuple[str, ...], as_json: bool, home: Home) -> None:
    from lmops.watch.servers import Missing, NotStarted, Servers
    from lmops.watch.webhook import Alert, Webhook

    def tell(alert: Alert) -> None:
        now = datetime.now().strftime("%H:%M:%S")
        line = f"{now}  {alert.status:8}  {alert.name}: {alert.summary}"
        if alert.status == "firing":
            line += f"\n                    next: {alert.next}"
        answer(as_json, {"time": now, **vars(alert)}, line)

    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="lmops-watch-")))
        webhook = running.enter_context(Webhook(tell))
        try:
            servers = running.enter_context(Servers(services, folder, webhook.url))
        except (Missing, NotStarted) as error:
            raise Wrong(str(error)) from None
        say.print(f"Watching {', '.join(services)}. Numbers: {servers.url} . Ctrl-C ends it.")
        try:
            _follow(running, home)
        except KeyboardInterrupt:
            say.print("Watched no more.")


def _follow(running: ExitStack, home: Home) -> None:
    """Send what is written into the log to Azure, if it is wanted there, until Ctrl-C."""
    connection = os.environ.get(CONNECTION)
    if not connection:
        while True:
            time.sleep(EVERY)
    from lmops.watch.azure import Azure

    try:
        azure = running.enter_context(Azure(connection))
    except ImportError:
        raise Wrong(
            "Azure's exporter is not installed. Type: pip install 'lmcourse[azure]'"
        ) from None
    except ValueError as error:
        raise Wrong(f"{CONNECTION} is no connection string: {error}") from None
    say.print("What is asked goes to Azure Monitor, without its texts.")
    for lines in _new_lines(home.logs):
        azure.send(lines)


def _new_lines(logs: Path) -> Iterator[list[dict[str, Any]]]:
    """Yield the lines that were written into the log since the last look, once a second."""
    read = {path: path.stat().st_size for path in logs.glob("*.jsonl")}
    while True:
        time.sleep(EVERY)
        found = []
        for path in sorted(logs.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(read.get(path, 0))
                whole, _, _ = file.read().rpartition(b"\n")
            if whole:
                read[path] = read.get(path, 0) + len(whole) + 1
                for line in whole.splitlines():
                    with suppress(ValueError):  # a torn line
                        found.append(json.loads(line))
        yield found


def _write_page(file: Path, home: Home, price: float) -> int:
    """Write the page, and return how many versions it shows."""
    from lmops.bundle import BrokenBundle, load
    from lmops.drift import Measures
    from lmops.watch.dashboard import dashboard
    from lmops.watch.use import uses

    state, used = read_state(home), uses(home.logs)
    metrics: dict[str, dict[str, object]] = {}
    losses: dict[str, float] = {}
    for version in state.kept:
        try:
            bundle = load(home.models / version)
        except BrokenBundle as error:
            raise Wrong(f"{error}\nSee what else is not as it was: lmops audit") from None
        metrics[version] = dict(bundle.metrics)
        if version in used.versions:
            with say.status(f"Measuring what {version} was sent ..."):
                measures = Measures(bundle)
                prompts = measures.readable(used.versions[version].prompts)
                if prompts:
                    nats = measures.of(prompts)["model"]
                    losses[version] = sum(n for n, _ in nats) / sum(size for _, size in nats)
    now = datetime.now(UTC)
    file.write_text(dashboard(state, metrics, used, losses, price, now), "utf-8")
    return len(state.versions)

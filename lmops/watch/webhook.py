"""Where Alertmanager posts what fires and what is over."""

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

BYTES = 1 << 20
"""The most that one message may hold."""


@dataclass(frozen=True)
class Alert:
    """Something that fires, or is over."""

    name: str
    status: str
    """"firing" or "resolved"."""
    severity: str
    summary: str
    next: str


def read_alerts(body: dict[str, Any]) -> list[Alert]:
    """Return the alerts of what Alertmanager posts. `KeyError` if it is something else."""
    return [
        Alert(
            one["labels"]["alertname"],
            one["status"],
            one["labels"].get("severity", ""),
            one["annotations"].get("summary", ""),
            one["annotations"].get("next", ""),
        )
        for one in body["alerts"]
    ]


class Webhook(AbstractContextManager["Webhook"]):
    """Listens at `url` while the `with` lasts, and hands each alert to `heard`, in a thread."""

    def __init__(self, heard: Callable[[Alert], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                try:
                    if length > BYTES:
                        raise ValueError("too long")
                    alerts = read_alerts(json.loads(self.rfile.read(length)))
                except (KeyError, TypeError, ValueError):
                    self.send_error(400)
                    return
                for alert in alerts:
                    heard(alert)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: what was heard is told elsewhere."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

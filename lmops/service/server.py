"""The process around the app: its socket, TLS, and how it ends."""

import asyncio
import socket
from pathlib import Path
from types import FrameType

import uvicorn

from lmops.service.app import create_app
from lmops.service.service import Service

FLUSH_SECONDS = 5
"""How long answers that are written may take to be sent, once the service stops."""


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 is any that is free. Raises OSError.

    Its protocol is named: asyncio sets TCP_NODELAY on sockets of IPPROTO_TCP only, and without it
    each answer of two packets waits for the client's delayed acknowledgement, some 40 ms.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening


class Server(uvicorn.Server):
    """Serves until it is told to stop, then drains: it goes on listening, and says no.

    The first SIGTERM or SIGINT drains: `/readyz` says no at once, new requests get 503, those
    under way are answered, for `drain_seconds` at most. The second one stops at once.
    """

    def __init__(
        self, service: Service, *, cert: Path | None = None, key: Path | None = None
    ) -> None:
        config = uvicorn.Config(
            create_app(service),
            ssl_certfile=cert,
            ssl_keyfile=key,
            log_level="critical",  # the service has a log of its own
            access_log=False,
            server_header=False,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=FLUSH_SECONDS,
        )
        super().__init__(config)
        self.cut_off = 0
        """Requests that were still under way when the time to drain was over."""
        self._service = service
        self._draining: asyncio.Task[None] | None = None

    def serve_on(self, listening: socket.socket) -> None:
        """Serve until it is told to stop."""
        self.run(sockets=[listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and remember the loop, for signals."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain, or if that is under way, stop. Uvicorn calls this for SIGTERM and SIGINT."""
        if self._service.draining:
            self.should_exit = self.force_exit = True
        else:
            self._service.draining = True
            self._loop.call_soon_threadsafe(self._begin_to_drain)

    def _begin_to_drain(self) -> None:
        self._draining = self._loop.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self._service.limits.drain_seconds):
                await self._service.engine.drain()
        except TimeoutError:
            self.cut_off = self._service.engine.running + self._service.engine.waiting
            self.config.timeout_graceful_shutdown = 0
        self.should_exit = True

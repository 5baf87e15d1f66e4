"""What the service wrote in its log, as traces and metrics for Azure Monitor.

Azure's Application Insights takes what OpenTelemetry has to say: a *span* for each request (when it
began, how long it took, how it ended), and *metrics*, which are sums over many. Both are made from
the log, by a process beside the service, so that no request waits for Azure. Prompts and texts stay
here: of a request go its numbers, the version that answered and the id of the key.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

SENT = ("version", "key", "finish", "prompt_tokens", "completion_tokens")
"""What of a line goes along, besides its path, code and times."""


class Azure:
    """Sends lines of the log to the Application Insights of a connection string, in a `with`.

    The string is what Azure's portal shows: `InstrumentationKey=...;IngestionEndpoint=https://...`.
    What could not be sent when the `with` ends is lost there, and still in the log.

    Raises
    ------
    ImportError
        If the extra `azure` is not installed.
    ValueError
        If the connection string is none.
    """

    def __init__(self, connection: str) -> None:
        # It would tell its maker how it is used.
        os.environ["APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL"] = "true"
        from azure.monitor.opentelemetry.exporter import (
            AzureMonitorMetricExporter,
            AzureMonitorTraceExporter,
        )
        from opentelemetry import trace
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        options = {"connection_string": connection, "disable_offline_storage": True}
        resource = Resource({"service.name": "lmops"})
        self._traces = TracerProvider(resource=resource)
        self._traces.add_span_processor(BatchSpanProcessor(AzureMonitorTraceExporter(**options)))
        self._metrics = MeterProvider(
            [PeriodicExportingMetricReader(AzureMonitorMetricExporter(**options))],
            resource=resource,
        )
        trace.set_tracer_provider(self._traces)  # where the exporter looks for the service's name
        self._tracer = self._traces.get_tracer("lmops")
        meter = self._metrics.get_meter("lmops")
        self._tokens = meter.create_counter("lmops.tokens", "{token}", "Tokens read and written")
        self._ratings = meter.create_counter("lmops.feedback", "{answer}", "Answers rated")
        self._seconds = meter.create_histogram("lmops.request.duration", "s", "Time to the answer")

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send what waits, and end."""
        self._traces.shutdown()
        self._metrics.shutdown()

    def send(self, lines: Iterable[Mapping[str, Any]]) -> int:
        """Hand lines over, to be sent within seconds; return how many there were to send."""
        count = 0
        for line in lines:
            if line.get("event") == "request":
                self._request(line)
            elif line.get("event") == "feedback":
                self._ratings.add(1, {"rating": str(line.get("rating"))})
            else:
                continue
            count += 1
        return count

    def _request(self, line: Mapping[str, Any]) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode

        end = round(datetime.fromisoformat(line["time"]).timestamp() * 1e9)
        seconds, path, code = line["ms"] / 1000, str(line["path"]), int(line["code"])
        said = {f"lmops.{name}": line[name] for name in SENT if line.get(name) is not None}
        span = self._tracer.start_span(
            f"{line['method']} {path}",
            kind=SpanKind.SERVER,
            start_time=end - round(seconds * 1e9),
            attributes={
                "http.request.method": str(line["method"]),
                "url.path": path,
                "http.response.status_code": code,
                "lmops.request_id": str(line["id"]),
                **said,
            },
        )
        if code >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)
        version = {"version": str(line.get("version"))}
        self._seconds.record(seconds, {"path": path, "code": str(code)} | version)
        for kind in ("prompt", "completion"):
            self._tokens.add(int(line.get(f"{kind}_tokens") or 0), {"kind": kind} | version)

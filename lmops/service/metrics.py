"""What the service counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from lmops.service.engine import Engine
from lmops.service.log import Log


class Metrics:
    """The counts of one service, beside what its engine and its log say of themselves."""

    def __init__(self, engine: Engine, log: Log) -> None:
        self._registry = registry = CollectorRegistry()
        self._engine = engine
        self.requests = Counter(
            "lmops_requests", "Requests that were answered", ["path", "code"], registry=registry
        )
        self.seconds = Histogram(
            "lmops_request_seconds",
            "From a request's headers to the end of its answer",
            ["path"],
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
        )
        tokens = Counter(
            "lmops_tokens", "Tokens that were read and written", ["kind"], registry=registry
        )
        self.prompt_tokens = tokens.labels("prompt")
        self.completion_tokens = tokens.labels("completion")
        self._model = Gauge(
            "lmops_model", "The version that answers", ["version"], registry=registry
        )
        for name, what, value in (
            ("lmops_running", "Requests in the model's batch", lambda: engine.running),
            ("lmops_waiting", "Requests that wait for a place in it", lambda: engine.waiting),
            ("lmops_log_lost_lines", "Lines of the log that were lost", lambda: log.lost),
            (
                "lmops_log_failing",
                "1 if the log cannot be written",
                lambda: log.trouble is not None,
            ),
        ):
            Gauge(name, what, registry=registry).set_function(value)

    def page(self) -> bytes:
        """Return the counts as Prometheus reads them."""
        self._model.clear()
        self._model.labels(self._engine.version).set(1)
        return generate_latest(self._registry)

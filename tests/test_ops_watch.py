"""Watching the service: rules, real alerts of the real programs, and every query that is shown."""

import gzip
import json
import os
import queue
import re
import runpy
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from course import ROOT
from ops import asked, lmops
from serving import LMOPS, Running, serving, small_bundle, wait_until

from lmops import bundle
from lmops.page import Section, Table, bars, page
from lmops.watch import servers
from lmops.watch.servers import RULES, Missing, NotStarted, Servers
from lmops.watch.webhook import Alert, Webhook, read_alerts

DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboard.json").read_text("utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]

needs_prometheus = pytest.mark.skipif(
    any(shutil.which(name) is None for name in servers.PACKAGES),
    reason="Prometheus or Alertmanager is not installed: make system",
)
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: make system"
)


def test_what_is_missing_is_said_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing, match="sudo apt-get install prometheus prometheus-alertmanager"):
        servers.require()


@needs_promtool
def test_the_rules_hold_what_their_own_tests_say() -> None:
    """Promtool, Prometheus' own tool, plays numbers against the rules."""
    for command in (["check", "rules", str(RULES)], ["test", "rules", "rules.test.yml"]):
        ran = subprocess.run(
            ["promtool", *command],
            cwd=ROOT / "tests" / "prometheus",
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_each_alert_has_a_test_and_says_what_to_do() -> None:
    rules = [r for group in yaml.safe_load(RULES.read_text())["groups"] for r in group["rules"]]
    tests = yaml.safe_load((ROOT / "tests/prometheus/rules.test.yml").read_text())["tests"]
    alerts = {rule["alert"]: rule for rule in rules if "alert" in rule}
    asked = [case for test in tests for case in test.get("alert_rule_test", ())]
    fired = {case["alertname"] for case in asked if case["exp_alerts"]}
    quiet = {case["alertname"] for case in asked if not case["exp_alerts"]}
    assert fired == quiet == set(alerts)
    for rule in alerts.values():
        assert rule["annotations"].keys() == {"summary", "next"}
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_the_dashboard_is_what_its_source_writes_and_asks_for_what_there_is() -> None:
    source = ROOT / "deploy/grafana/dashboard.py"
    assert runpy.run_path(str(source))["build"]() == source.with_suffix(".json").read_text("utf-8")
    assert len(QUERIES) == len(set(QUERIES)) >= 11


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("watched")
    model = small_bundle(folder / "model")
    with serving(model.folder, home=folder / "home") as running:
        yield running


@needs_prometheus
def test_a_fault_reaches_the_webhook_and_so_does_its_end(service: Running, tmp_path: Path) -> None:
    heard: queue.Queue[Alert] = queue.Queue()
    with (
        Webhook(heard.put) as webhook,
        Servers([service.url], tmp_path, webhook.url) as watched,
    ):
        client = service.client()
        for _ in range(3):
            client.completions.create(model="lm", prompt="Once ", max_tokens=4)
        # Each query of the dashboard, which Prometheus answers with numbers.
        for query in QUERIES:
            wait_until(lambda query=query: watched.ask(query), 60)
        gone = "http://127.0.0.1:9"  # where nobody listens
        watched.watch([service.url, gone])
        fault = heard.get(timeout=30)
        assert (fault.name, fault.status, fault.severity) == ("ServiceDown", "firing", "page")
        assert "127.0.0.1:9 does not answer" in fault.summary
        assert "lmops rollback" in fault.next
        watched.watch([service.url])
        assert heard.get(timeout=30) == Alert(**vars(fault) | {"status": "resolved"})


@needs_prometheus
def test_a_program_that_cannot_start_says_why(tmp_path: Path) -> None:
    watched = Servers([], tmp_path, "no address")
    with pytest.raises(NotStarted, match="unsupported scheme"):
        watched.__enter__()


@pytest.mark.parametrize("body", [{}, {"alerts": [{}]}, {"alerts": [{"labels": {}}]}])
def test_what_is_no_alert_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(KeyError):
        read_alerts(body)


# --- The command --------------------------------------------------------------------------------


class Insights:
    """Stands in for Application Insights: takes what its real exporter sends, and keeps it."""

    def __init__(self) -> None:
        kept: list[dict[str, Any]] = []
        self.kept = kept

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                sent = json.loads(body)
                kept.extend(sent)
                counts = {"itemsReceived": len(sent), "itemsAccepted": len(sent), "errors": []}
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(counts).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        here = f"http://127.0.0.1:{self.server.server_port}/"
        key = "00000000-0000-0000-0000-000000000001"
        self.connection = f"InstrumentationKey={key};IngestionEndpoint={here};LiveEndpoint={here}"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one["data"]["baseData"] for one in self.kept if one["data"]["baseType"] == kind]


@pytest.fixture
def insights() -> Iterator[Insights]:
    made = Insights()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@needs_prometheus
def test_the_command_tells_of_alerts_and_azure_hears_no_word(
    tmp_path: Path, insights: Insights
) -> None:
    model = small_bundle(tmp_path / "model")
    home = tmp_path / "home"
    home.mkdir()
    with serving(model.folder, home=home) as service:
        watching = subprocess.Popen(
            [*LMOPS, "watch", service.url, "--home", str(home), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"APPLICATIONINSIGHTS_CONNECTION_STRING": insights.connection},
        )
        try:
            assert watching.stdout is not None
            assert watching.stderr is not None
            while "Azure Monitor" not in watching.stderr.readline():
                assert watching.poll() is None
            client = service.client()
            said = client.completions.create(model="lm", prompt="Once upon", max_tokens=4)
            wait_until(lambda: insights.of("RequestData"), 60)
            service.process.terminate()
            alert = json.loads(watching.stdout.readline())
        finally:
            watching.send_signal(signal.SIGINT)
            _, rest = watching.communicate(timeout=60)
    assert watching.returncode == 0, rest
    assert (alert["name"], alert["status"]) == ("ServiceDown", "firing")
    (request,) = (one for one in insights.of("RequestData") if one["name"].endswith("completions"))
    assert request["responseCode"] == "200"
    assert request["properties"]["lmops.version"] == model.version
    assert request["properties"]["lmops.completion_tokens"] == "4"
    assert "Once upon" not in str(insights.kept)
    assert said.choices[0].text not in str(insights.kept)
    tokens = [one["metrics"][0] for one in insights.of("MetricData")]
    assert {(one["name"], one["value"]) for one in tokens} >= {("lmops.tokens", 4.0)}


def test_the_page_tells_of_versions_use_and_data(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shipped = bundle.mine()
    lmops("register", shipped, "--by", "Ada", "--home", home)
    registered = bundle.load(shipped).version
    with serving(shipped, home=home) as service:
        client = service.client(service.key("complete", "feedback"))
        for _ in range(3):
            answer = client.completions.with_raw_response.create(
                model="lm", prompt="One day a fox, so", max_tokens=4
            )
        with service.http as http:
            http.post(
                "/v1/feedback",
                json={"request_id": answer.headers["x-request-id"], "rating": "up"},
                headers={"authorization": f"Bearer {client.api_key}"},
            ).raise_for_status()
            assert http.post("/v1/completions", json={}).status_code == 401
        wait_until(lambda: len(service.lines("/v1/completions")) == 4)
    told = asked("watch", "--page", tmp_path / "how.html", "--home", home, "--price", "2")
    assert told["versions"] == 1
    text = (tmp_path / "how.html").read_text("utf-8")
    assert "<script" not in text
    assert "http" not in text
    cells = re.findall(r"<td[^>]*>(.*?)</td>", text)
    assert cells[:1] == [registered]
    assert "1 with 401" in text
    # Three requests of 17 characters each and four written: 63 tokens at 2 for a million.
    row = cells[cells.index("51") - 1 :][:7]
    assert row == [registered, "51", "12", "0.0001", "1", "1", "0.000126"]


def test_what_stands_on_a_page_is_text_and_no_code() -> None:
    table = Table(("who", "count"), [("<b>Ada</b>", 3)])
    drawn = bars([("<i>one</i>", 1.0)], alt='"><script>')
    made = page("A & B", "<hr>", [Section("<u>", "<s>", [table, drawn])], datetime.now(UTC))
    assert not re.search(r"<(b|i|u|s|hr|script)>", made)
    assert "&lt;b&gt;Ada" in made
    assert '<td class="number">3</td>' in made

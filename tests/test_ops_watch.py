"""Watching the service: rules, real alerts of the real programs, and every query that is shown."""

import queue
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from course import ROOT
from serving import Running, serving, small_bundle

from lmops.watch import servers
from lmops.watch.servers import RULES, Missing, NotStarted, Servers
from lmops.watch.webhook import Alert, Webhook, read_alerts

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
    import yaml

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
        wait_for_numbers(watched)
        gone = "http://127.0.0.1:9"  # where nobody listens
        watched.watch([service.url, gone])
        fault = heard.get(timeout=30)
        assert (fault.name, fault.status, fault.severity) == ("ServiceDown", "firing", "page")
        assert "127.0.0.1:9 does not answer" in fault.summary
        assert "lmops rollback" in fault.next
        watched.watch([service.url])
        assert heard.get(timeout=30) == Alert(**vars(fault) | {"status": "resolved"})


def wait_for_numbers(watched: Servers) -> None:
    from serving import wait_until

    wait_until(lambda: watched.ask("lmops_model"), 30)


@needs_prometheus
def test_a_program_that_cannot_start_says_why(tmp_path: Path) -> None:
    watched = Servers([], tmp_path, "no address")
    with pytest.raises(NotStarted, match="unsupported scheme"):
        watched.__enter__()


@pytest.mark.parametrize("body", [{}, {"alerts": [{}]}, {"alerts": [{"labels": {}}]}])
def test_what_is_no_alert_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(KeyError):
        read_alerts(body)

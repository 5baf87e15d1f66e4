"""Write Grafana's dashboard of the service, dashboard.json: python deploy/grafana/dashboard.py."""

from pathlib import Path

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef

FILE = Path(__file__).with_name("dashboard.json")
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
ASKED = 'path="/v1/completions"'

STATS = (
    ("Services that answer", 'sum(up{job="lmops"})', "short"),
    ("Error budget: burn rate in the last hour", "lmops:errors:ratio1h / 0.01", "short"),
    ("Alerts that fire", 'count(ALERTS{alertstate="firing"}) or vector(0)', "short"),
)
"""What stands on top as one number each: title, query, unit."""

CURVES = (
    ("Requests a second", "lmops:requests:rate1m", "{{instance}}", "reqps"),
    ("Of them, failed", "lmops:errors:ratio1m", "{{instance}}", "percentunit"),
    (
        "Within how long are 95 % answered?",
        "lmops:seconds:p95",
        "{{instance}}",
        "s",
    ),
    (
        "Answers by code",
        f"sum by (code) (rate(lmops_requests_total{{{ASKED}}}[1m]))",
        "{{code}}",
        "reqps",
    ),
    ("Requests that wait", "lmops_waiting", "{{instance}}", "short"),
    ("Requests in the batch", "lmops_running", "{{instance}}", "short"),
    (
        "Tokens a second",
        "sum by (kind) (rate(lmops_tokens_total[1m]))",
        "{{kind}}",
        "short",
    ),
    ("The version that answers", "count by (version) (lmops_model)", "{{version}}", "short"),
)
"""What is drawn over time: title, query, legend, unit."""


def build() -> str:
    """Return the dashboard as JSON."""
    made = (
        dashboard.Dashboard("The language model in service")
        .uid("lmops")
        .tags(["lmops"])
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_row(dashboard.Row("Now"))
    )
    for title, query, unit in STATS:
        made = made.with_panel(
            stat.Panel()
            .title(title)
            .unit(unit)
            .datasource(SOURCE)
            .span(8)
            .height(4)
            .with_target(prometheus.Dataquery().ref_id("A").expr(query))
        )
    made = made.with_row(dashboard.Row("Over time"))
    for title, query, legend, unit in CURVES:
        made = made.with_panel(
            timeseries.Panel()
            .title(title)
            .unit(unit)
            .datasource(SOURCE)
            .span(12)
            .height(7)
            .min(0)
            .with_target(prometheus.Dataquery().ref_id("A").expr(query).legend_format(legend))
        )
    return str(JSONEncoder(sort_keys=True, indent=1).encode(made.build())) + "\n"


if __name__ == "__main__":
    FILE.write_text(build(), "utf-8")

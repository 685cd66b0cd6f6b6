"""The table: what is measured, by which script, against which budget."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

Figures = dict[str, float]  # what a script reports


class Row(NamedTuple):
    """One line of the table."""

    what: str
    script: str  # in measures/
    figure: str  # its key in what the script reports
    unit: str
    budget: float
    more_is_better: bool = False
    reference: float | None = None  # the peer's figure on the machine on which the budget was set
    others: Mapping[str, str] = MappingProxyType({})  # the name of another engine -> the key of its figure

    def met(self, value: float) -> bool:
        return value >= self.budget if self.more_is_better else value <= self.budget

    @property
    def asked_ratio(self) -> float | None:
        """How many times better than the peer the budget asks us to be, on whatever machine."""
        if not self.reference or not self.budget:
            return None
        return self.budget / self.reference if self.more_is_better else self.reference / self.budget


ROWS = [
    Row("`from prefect import flow, task`, whole process", "startup", "import_s", "s", 0.20, reference=1.2),
    Row("the same, peak memory", "startup", "import_mb", "MB", 50, reference=78),
    Row("hello-world flow, whole process, warm home", "startup", "hello_warm_s", "s", 0.30, reference=8.7),
    Row("the same, cold home", "startup", "hello_cold_s", "s", 0.40, reference=14),
    Row("the same, peak memory of the process tree", "startup", "hello_mb", "MB", 70, reference=380),
    Row("direct task call inside a flow, overhead", "calls", "direct_us", "us", 40, reference=4100),
    Row("awaited async task, overhead", "calls", "awaited_us", "us", 50, reference=4000),
    Row("cache hit", "calls", "hit_us", "us", 60, reference=3500),
    Row("cache miss, persisted", "calls", "miss_us", "us", 250, reference=4700),
    Row(
        "`.map` of 10,000 no-ops on 8 threads, per task",
        "mapped",
        "map_us",
        "us",
        80,
        reference=6200,
        others={"Dask threads": "dask_map_us", "bare ThreadPoolExecutor": "bare_map_us"},
    ),
    Row(
        "empty flow, called again and again",
        "flows",
        "flow_ms",
        "ms",
        0.5,
        reference=1085,
        others={"DBOS workflow": "flow_ms"},
    ),
    Row("empty subflow", "flows", "subflow_ms", "ms", 0.5, reference=1115),
    Row("task runs on record, of 505", "recorded", "recorded_505", "", 505, more_is_better=True),
    Row("task runs on record, of 2,010", "recorded", "recorded_2010", "", 2_010, more_is_better=True),
    Row("task runs on record, of 10,010", "recorded", "recorded_10010", "", 10_010, more_is_better=True),
    Row(
        "durable task (persisted result)",
        "calls",
        "durable_us",
        "us",
        250,
        reference=4500,
        others={"DBOS step": "durable_us"},
    ),
    Row("bytes on disk per task run on record", "recorded", "bytes_per_task", "bytes", 400, reference=20000),
    Row("isolated store for a test, with one empty flow run", "harness", "harness_ms", "ms", 50),
    Row("server: start to healthy, warm home", "server", "healthy_warm_s", "s", 1.5, reference=4.0),
    Row("the same, cold home", "server", "healthy_cold_s", "s", 2.0, reference=9.3),
    Row("idle server, memory", "server", "idle_mb", "MB", 100, reference=220),
    Row("idle server, processor", "server", "idle_cpu_percent", "%", 0.5, reference=1.8),
    Row(
        "flow runs created over HTTP by 8 clients, per second",
        "server",
        "created_per_s",
        "",
        1_000,
        True,
        reference=15,
    ),
    Row("the same, refused", "server", "refused_percent", "%", 0),
    Row("the same, server's processor time of each", "server", "server_cpu_ms_per_created", "ms", 1.0),
    Row("list of 200 flow runs over HTTP, median", "server", "filter_p50_ms", "ms", 15),
    Row("the same, 95th percentile", "server", "filter_p95_ms", "ms", 30),
    Row("the same, flow runs that there were", "server", "listed_from", "", 100_000, True),
    *(
        row
        for processes, who in ((1, "one process"), (8, "8 processes"))
        for row in (
            Row(
                f"flow runs made and reported over HTTP by {who}, per second",
                "server",
                f"flow_runs_per_s_{processes}",
                "",
                50,
                True,
            ),
            Row("the same, on record", "server", f"flow_runs_percent_{processes}", "%", 100, True),
            Row("the same, processes that failed", "server", f"flow_runs_failed_{processes}", "", 0),
        )
    ),
    Row(
        "served flow, with a server: trigger to its first line, median",
        "deployments",
        "trigger_p50_ms",
        "ms",
        100,
    ),
    Row("the same, 95th percentile", "deployments", "trigger_p95_ms", "ms", 200),
    Row("the same without a server, median", "deployments", "trigger_p50_embedded_ms", "ms", 100),
    Row("the same, 95th percentile", "deployments", "trigger_p95_embedded_ms", "ms", 200),
    Row("50 triggers with a limit of 10, with a server, all Completed", "deployments", "together_s", "s", 5),
    Row("the same without a server", "deployments", "together_embedded_s", "s", 5),
    Row("idle `serve`, with a server, processor", "deployments", "serve_idle_cpu_percent", "%", 0.5),
    Row("the same without a server", "deployments", "serve_idle_embedded_cpu_percent", "%", 0.5),
    Row("200 who wait for a limit of 1: wake-up after a release, median", "limits", "wake_p50_ms", "ms", 10),
    Row("the same, 95th percentile", "limits", "wake_p95_ms", "ms", 20),
    Row("the same, who came within a minute", "limits", "wake_percent", "%", 100, True),
    Row("the same in 4 processes over a server, median", "limits", "wake_over_http_p50_ms", "ms", 10),
    Row("the same, 95th percentile", "limits", "wake_over_http_p95_ms", "ms", 20),
    Row("the same, who came within a minute", "limits", "wake_over_http_percent", "%", 100, True),
    Row("direct task call that is reported over HTTP", "server", "call_over_http_us", "us", 120),
    Row("the same, processor time of the flow's process", "server", "call_over_http_cpu_us", "us", 120),
    *(
        row
        for processes, who in ((1, "one process"), (8, "8 processes"))
        for row in (
            Row(
                f"task runs reported over HTTP by {who}, per second",
                "server",
                f"reported_per_s_{processes}",
                "",
                1_000,
                True,
            ),
            Row("the same, on record", "server", f"reported_percent_{processes}", "%", 100, True),
        )
    ),
    Row(
        "server's processor time per task run reported",
        "server",
        "server_cpu_ms_per_task",
        "ms",
        0.2,
        reference=28,
    ),
    Row("server's bytes on disk per task run reported", "server", "server_bytes_per_task", "bytes", 400),
]

SCRIPTS = list(dict.fromkeys(row.script for row in ROWS))
OTHER_SCRIPTS = ["other_dbos", "other_threads"]

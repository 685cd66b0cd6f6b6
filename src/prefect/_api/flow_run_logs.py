"""The log of a flow run as a file."""

from __future__ import annotations

import csv
from io import StringIO
from urllib.parse import quote
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.flow_runs import required
from prefect._api.plain import Plain
from prefect._base.clock import to_datetime

_COLUMNS = ("timestamp", "level", "flow_run_id", "task_run_id", "message")


@endpoint("GET", "/flow_runs/{id}/logs/download")
def download_flow_run_logs(api: Api, id: UUID) -> Plain:
    """All lines of a run's log, as CSV, in order. Raises ObjectNotFound."""
    run = required(api, id)
    text = StringIO()
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for line in api.backend.find_logs(flow_run_id=run.id):
        table.writerow((to_datetime(line.timestamp), line.level, id, _id(line.task_run_id), line.message))
    name = quote(f"{run.name}-logs.csv", safe="")
    shown = f"attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''{name}"
    return Plain(text.getvalue(), "text/csv; charset=utf-8", {"Content-Disposition": shown})


def _id(task_run_id: bytes | None) -> str:
    return str(UUID(bytes=task_run_id)) if task_run_id is not None else ""

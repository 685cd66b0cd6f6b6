"""The log of a flow run as a file."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.flow_runs import required
from prefect._api.plain import Plain
from prefect._base.clock import to_datetime
from prefect._storage import logs
from prefect._storage.clauses import compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prefect._storage.protocol import Store

_COLUMNS = ("timestamp", "level", "flow_run_id", "task_run_id", "message")
_PAGE = 1000  # lines that are read, and held, at once


@endpoint("GET", "/flow_runs/{id}/logs/download")
def download_flow_run_logs(api: Api, id: UUID) -> Plain:
    """All lines of a run's log, as CSV, in order. Raises ObjectNotFound."""
    run = required(api, id)
    name = quote(f"{run.name}-logs.csv", safe="")
    shown = f"attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''{name}"
    return Plain(_pages(api.store, id), "text/csv; charset=utf-8", {"Content-Disposition": shown})


def _pages(store: Store, id: UUID) -> Iterator[str]:
    """The file, a page of lines after the other: each begins behind the last line of the one before."""
    last, page = bytes(16), _csv([_COLUMNS])
    while page:
        yield page
        behind = [compare("flow_run_id", "=", id.bytes), compare("id", ">", last)]
        found = logs.select(store, behind, limit=_PAGE)
        last = found[-1].id if found else last
        page = _csv(
            (to_datetime(line.timestamp), line.level, id, _id(line.task_run_id), line.message)
            for line in found
        )


def _csv(rows: Iterable[Iterable[object]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _id(task_run_id: bytes | None) -> str:
    return str(UUID(bytes=task_run_id)) if task_run_id is not None else ""

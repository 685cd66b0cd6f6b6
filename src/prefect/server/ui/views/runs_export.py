"""What the filters match, to save: CSV and JSON, read page by page while it is sent."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from prefect._api.ui_runs import search_flow_runs
from prefect.server.ui import run_filter
from prefect.server.ui.page import Asked, File, page
from prefect.server.ui.views.runs import names_of
from prefect.server.ui.words import machine_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect.model.runs import FlowRun

_AT_ONCE = 100
_COLUMNS = (
    "id", "name", "flow", "deployment", "state_type", "state_name", "tags", "parameters", "expected_start_time",
    "start_time", "end_time", "duration_seconds", "attempts",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@page("/runs/export.csv")
def export_csv(asked: Asked) -> File:
    """One line a run. A text that a spreadsheet would take for a formula has an apostrophe before it."""
    return File("runs.csv", "text/csv; charset=utf-8", _csv(_pages(asked)))


@page("/runs/export.json")
def export_json(asked: Asked) -> File:
    """A list of objects with the same names."""
    return File("runs.json", "application/json", _json(_pages(asked)))


def _pages(asked: Asked) -> Iterator[list[dict[str, Any]]]:
    search = run_filter.page_of(asked.query, _AT_ONCE).model_copy(update={"after": None, "before": None})
    return _read(asked, search)


def _read(asked: Asked, search: Any) -> Iterator[list[dict[str, Any]]]:
    while True:
        found = search_flow_runs(asked.api, search)
        names = names_of(asked, found)
        yield [_row(one, names) for one in found]
        if len(found) < _AT_ONCE:
            return
        search = search.model_copy(update={"after": found[-1].id})


def _row(run: FlowRun, names: dict[str, dict[Any, str]]) -> dict[str, Any]:
    times = {
        name: machine_time(value) if value else None
        for name, value in (
            ("expected_start_time", run.expected_start_time),
            ("start_time", run.start_time),
            ("end_time", run.end_time),
        )
    }
    return {
        "id": str(run.id),
        "name": run.name,
        "flow": names["flows"].get(run.flow_id),
        "deployment": names["deployments"].get(run.deployment_id) if run.deployment_id else None,
        "state_type": run.state_type.value if run.state_type else None,
        "state_name": run.state_name,
        "tags": run.tags,
        "parameters": run.parameters,
        **times,
        "duration_seconds": run.total_run_time.total_seconds(),
        "attempts": run.run_count,
    }


def _csv(pages: Iterator[list[dict[str, Any]]]) -> Iterator[str]:
    yield ",".join(_COLUMNS) + "\r\n"
    for rows in pages:
        text = io.StringIO()
        csv.writer(text).writerows([_cell(row[name]) for name in _COLUMNS] for row in rows)
        yield text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _json(pages: Iterator[list[dict[str, Any]]]) -> Iterator[str]:
    before = "[\n"
    for rows in pages:
        for row in rows:
            yield before + json.dumps(row, ensure_ascii=False, default=str)
            before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"

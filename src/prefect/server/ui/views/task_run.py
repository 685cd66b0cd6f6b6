"""A task run."""

from __future__ import annotations

from uuid import UUID

from prefect._api.flow_runs import read_flow_run
from prefect._api.logs import read_logs
from prefect._api.task_runs import read_task_run
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.logs import FilterLogs, LogFilter, LogFilterTaskRunId
from prefect.server.ui.page import Asked, View, page

LINES = 200


@page("/runs/task-run/{id}")
def show_task_run(asked: Asked, id: UUID) -> View:
    """One call of a task: what became of it, what it was given, and what it logged."""
    run = read_task_run(asked.api, id)
    mine = LogFilter(task_run_id=LogFilterTaskRunId(any_=[id]))
    values = {
        "run": run,
        "parent": _parent(asked, run.flow_run_id),
        "lines": read_logs(asked.api, FilterLogs(logs=mine, limit=LINES)),
        "most": LINES,
    }
    return View("task_run.html", run.name, values)


def _parent(asked: Asked, id: UUID | None) -> tuple[UUID, str] | None:
    """The flow run that it is part of; None where there is none, or it is gone."""
    if id is None:
        return None
    try:
        return id, read_flow_run(asked.api, id).name
    except ObjectNotFound:
        return None

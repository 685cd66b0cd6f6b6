"""A flow run."""

from __future__ import annotations

from uuid import UUID

from prefect._api.flow_run_states import read_flow_run_states
from prefect._api.flow_runs import read_flow_run
from prefect._api.logs import read_logs
from prefect._api.task_run_lists import read_task_runs
from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunFilterId
from prefect.model.requests.logs import FilterLogs, LogFilter, LogFilterFlowRunId
from prefect.model.requests.task_run_actions import FilterTaskRuns
from prefect.server.ui.page import Asked, View, page
from prefect.server.ui.views.runs import names_of

TABS = ("timeline", "logs", "tasks", "states", "parameters")


@page("/runs/flow-run/{id}")
def show_run(asked: Asked, id: UUID) -> View:
    """One run, with the tab that the query names."""
    run = read_flow_run(asked.api, id)
    tab = asked.query.get("tab", TABS[0])
    content = _CONTENT.get(tab, _nothing)(asked, id)
    return View(
        "run.html", run.name, {"run": run, "tab": tab, "tabs": TABS, **names_of(asked, [run]), **content}
    )


def _tasks(asked: Asked, id: UUID) -> dict[str, object]:
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[id]))
    return {"task_runs": read_task_runs(asked.api, FilterTaskRuns(flow_runs=mine, limit=200))}


def _logs(asked: Asked, id: UUID) -> dict[str, object]:
    lines = read_logs(
        asked.api, FilterLogs(logs=LogFilter(flow_run_id=LogFilterFlowRunId(any_=[id])), limit=200)
    )
    return {"lines": lines}


def _states(asked: Asked, id: UUID) -> dict[str, object]:
    return {"history": read_flow_run_states(asked.api, id)}


def _nothing(asked: Asked, id: UUID) -> dict[str, object]:
    del asked, id
    return {}


_CONTENT = {"timeline": _tasks, "tasks": _tasks, "logs": _logs, "states": _states}

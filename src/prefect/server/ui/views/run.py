"""A flow run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.flow_run_lists import read_flow_runs
from prefect._api.flow_run_states import read_flow_run_states
from prefect._api.flow_runs import read_flow_run
from prefect._api.logs import read_logs
from prefect._api.task_run_lists import read_task_runs
from prefect._api.task_runs import read_task_run
from prefect._api.ui_timeline import read_flow_run_lanes
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.flow_run_actions import FilterFlowRuns
from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunFilterId, FlowRunFilterParentFlowRunId
from prefect.model.requests.logs import FilterLogs, LogFilter, LogFilterFlowRunId
from prefect.model.requests.task_run_actions import FilterTaskRuns
from prefect.server.ui.page import Asked, View, page
from prefect.server.ui.views import run_actions, run_graph, run_timeline
from prefect.server.ui.views.runs import names_of

if TYPE_CHECKING:
    from prefect.model.runs import FlowRun

TABS = ("timeline", "graph", "logs", "tasks", "states", "parameters")
MOST_CHILDREN = 12  # that the header names


@page("/runs/flow-run/{id}")
def show_run(asked: Asked, id: UUID) -> View:
    """One run, with the tab that the query names."""
    run = read_flow_run(asked.api, id)
    tab = asked.query.get("tab", TABS[0])
    unfold = asked.query.get("unfold", "")
    lanes = read_flow_run_lanes(asked.api, id, unfold, edges=tab == "graph")
    if tab == "timeline":
        content = run_timeline.content(asked, run, lanes)
    elif tab == "graph":
        content = run_graph.content(lanes)
    else:
        content = _CONTENT.get(tab, _nothing)(asked, run)
    parent, children = _parent(asked, run), _children(asked, id)
    values = {
        "run": run,
        "tab": tab,
        "tabs": TABS,
        "parent": parent,
        "children": children[:MOST_CHILDREN],
        "more_children": len(children) > MOST_CHILDREN,
        **names_of(asked, [run, *children, *([parent] if parent else [])]),
        "lanes": lanes,
        "unfold": unfold,
        **run_actions.offered(asked, run, lanes.lanes),
    }
    return View("run.html", run.name, {**values, **content})


@page("/flow-runs/flow-run/{id}")
def show_run_elsewhere(asked: Asked, id: UUID) -> View:
    """The same, where older links lead."""
    return show_run(asked, id)


def _parent(asked: Asked, run: FlowRun) -> FlowRun | None:
    """The run that has started this one; None where there is none, or it is gone."""
    if run.parent_task_run_id is None:
        return None
    try:
        caller = read_task_run(asked.api, run.parent_task_run_id).flow_run_id
        return read_flow_run(asked.api, caller) if caller else None
    except ObjectNotFound:
        return None


def _children(asked: Asked, id: UUID) -> list[FlowRun]:
    mine = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[id]))
    return read_flow_runs(asked.api, FilterFlowRuns(flow_runs=mine, limit=MOST_CHILDREN + 1))


def _tasks(asked: Asked, run: FlowRun) -> dict[str, object]:
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    return {"task_runs": read_task_runs(asked.api, FilterTaskRuns(flow_runs=mine, limit=200))}


def _logs(asked: Asked, run: FlowRun) -> dict[str, object]:
    mine = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
    return {"lines": read_logs(asked.api, FilterLogs(logs=mine, limit=200))}


def _states(asked: Asked, run: FlowRun) -> dict[str, object]:
    return {"history": read_flow_run_states(asked.api, run.id)}


def _nothing(asked: Asked, run: FlowRun) -> dict[str, object]:
    del asked, run
    return {}


_CONTENT = {
    "tasks": _tasks,
    "logs": _logs,
    "states": _states,
}

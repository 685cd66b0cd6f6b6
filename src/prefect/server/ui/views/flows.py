"""Flows: the list, and one with what ran lately."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.deployments import read_deployments
from prefect._api.flow_run_lists import read_flow_runs
from prefect._api.flows import read_flow, read_flows
from prefect._api.ui_flows import count_deployments_by_flow, next_runs_by_flow
from prefect.model.requests.deployment_actions import FilterDeployments
from prefect.model.requests.flow_actions import FilterFlows, FlowIds
from prefect.model.requests.flow_run_actions import FilterFlowRuns
from prefect.model.requests.flow_runs import FlowRunSort
from prefect.model.requests.flows import FlowFilter, FlowFilterId, FlowFilterName
from prefect.server.ui.names import deployment_names
from prefect.server.ui.page import Asked, View, page
from prefect.server.ui.paging import offset_of

if TYPE_CHECKING:
    from prefect.model.runs import FlowRun

PAGE = 25  # of each, the last run is asked for
RUNS = 50


@page("/flows")
def show_flows(asked: Asked) -> View:
    """Flows by name, with the last run of each, the next one, and how many deployments it has."""
    offset, name = offset_of(asked), asked.query.get("q")
    wanted = FlowFilter(name=FlowFilterName(like_=name)) if name else None
    found = read_flows(asked.api, FilterFlows(flows=wanted, limit=PAGE + 1, offset=offset))
    flows = found[:PAGE]
    ids = FlowIds(flow_ids=[one.id for one in flows])
    values = {
        "flows": flows,
        "next": offset + PAGE if len(found) > PAGE else None,
        "last": {one.id: next(iter(_runs_of(asked, one.id, 1)), None) for one in flows},
        "coming": next_runs_by_flow(asked.api, ids),
        "deployments": count_deployments_by_flow(asked.api, ids),
    }
    return View("flows.html", "Flows", values)


@page("/flows/flow/{id}")
def show_flow(asked: Asked, id: UUID) -> View:
    """One flow: its deployments, and its latest runs."""
    flow = read_flow(asked.api, id)
    runs = _runs_of(asked, id, RUNS)
    values = {
        "flow": flow,
        "runs": runs,
        "own": read_deployments(asked.api, FilterDeployments(flows=_only(id))),
        "flows": {id: flow.name},
        "deployments": deployment_names(asked.api, (run.deployment_id for run in runs)),
    }
    return View("flow.html", flow.name, values)


def _runs_of(asked: Asked, id: UUID, limit: int) -> list[FlowRun]:
    wanted = FilterFlowRuns(flows=_only(id), sort=FlowRunSort.START_TIME_DESC, limit=limit)
    return read_flow_runs(asked.api, wanted)


def _only(id: UUID) -> FlowFilter:
    return FlowFilter(id=FlowFilterId(any_=[id]))

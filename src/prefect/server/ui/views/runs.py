"""The list of flow runs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.flow_run_lists import read_flow_runs
from prefect.model.requests.flow_run_actions import FilterFlowRuns
from prefect.model.requests.flow_runs import (
    FlowRunFilter,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    FlowRunSort,
)
from prefect.model.state import StateType
from prefect.server.ui.names import deployment_names, flow_names
from prefect.server.ui.page import Asked, View, page

if TYPE_CHECKING:
    from prefect.model.runs import FlowRun

PAGE = 50


@page("/runs")
def show_runs(asked: Asked) -> View:
    """Flow runs, newest first, fifty a page; the next page goes on behind the last run of this one."""
    after = asked.query.get("after")
    found = read_flow_runs(
        asked.api,
        FilterFlowRuns(
            flow_runs=filter_of(asked),
            sort=FlowRunSort.ID_DESC,
            limit=PAGE + 1,
            after=UUID(after) if after else None,
        ),
    )
    runs = found[:PAGE]
    return View(
        "runs.html",
        "Runs",
        {
            "runs": runs,
            "more": runs[-1].id if len(found) > PAGE else None,
            "states": list(StateType),
            **names_of(asked, runs),
        },
    )


def filter_of(asked: Asked) -> FlowRunFilter:
    """What the query asks for."""
    states = [StateType(one) for one in asked.query.getlist("state") if one in StateType.__members__]
    name, tags = asked.query.get("q"), asked.query.getlist("tag")
    return FlowRunFilter(
        name=FlowRunFilterName(like_=name) if name else None,
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)) if states else None,
        tags=FlowRunFilterTags(all_=tags) if tags else None,
    )


def names_of(asked: Asked, runs: list[FlowRun]) -> dict[str, dict[UUID, str]]:
    """The names that a list of runs shows beside them."""
    return {
        "flows": flow_names(asked.api, (run.flow_id for run in runs)),
        "deployments": deployment_names(asked.api, (run.deployment_id for run in runs)),
    }

"""The lists of flow runs and of task runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._api.deployments import read_deployments
from prefect._api.flow_run_lists import read_flow_runs
from prefect._api.flow_runs import delete_flow_run
from prefect._api.flows import read_flows
from prefect._api.saved_searches import create_saved_search, read_saved_searches
from prefect._api.ui_run_actions import cancel_flow_run
from prefect._api.ui_runs import chart_found_flow_runs, points_of, search_flow_runs, search_task_runs
from prefect._api.work_pools import read_work_pools
from prefect.model.requests.deployment_actions import FilterDeployments
from prefect.model.requests.flow_actions import FilterFlows
from prefect.model.requests.flow_run_actions import FilterFlowRuns
from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunFilterId
from prefect.model.state import StateType
from prefect.server.ui import run_filter
from prefect.server.ui.names import deployment_names, flow_names
from prefect.server.ui.page import Asked, View, page
from prefect.server.ui.run_chart import chart_of
from prefect.server.ui.views.saved_filters import known_filters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from prefect.model.requests.run_search import RunPoints
    from prefect.model.runs import FlowRun, TaskRun

PAGE = 50
_OFFERED = 100  # names in the list below a field
_MORE = frozenset(("name", "flow", "deployment", "pool", "tag", "param", "since", "until", "min", "max"))


@page("/runs")
def show_runs(asked: Asked) -> View:
    """Flow runs, or task runs, fifty a page; pages go on from a run, both ways."""
    if asked.query.get("tab") == "tasks":
        return _task_runs(asked)
    found = search_flow_runs(asked.api, run_filter.page_of(asked.query, PAGE + 1))
    runs, pages = _paged(asked, found)
    chart = chart_of(_points(asked, runs, pages))
    values = {"runs": runs, "chart": chart, "may_change": asked.may(cancel_flow_run)}
    values["may_delete"] = asked.may(delete_flow_run)
    return View("runs.html", "Runs", {**values, **pages, **_frame(asked), **names_of(asked, runs)})


def _points(asked: Asked, runs: list[FlowRun], pages: dict[str, Any]) -> RunPoints:
    """What the chart shows; where one page holds all that is found, that is not looked for again."""
    if pages["newer"] or pages["older"] or asked.query.get("after") or asked.query.get("before"):
        return chart_found_flow_runs(asked.api, run_filter.search_of(asked.query))
    return points_of(runs)


def _task_runs(asked: Asked) -> View:
    found = search_task_runs(asked.api, run_filter.page_of_tasks(asked.query, PAGE + 1))
    tasks, pages = _paged(asked, found)
    return View(
        "runs_tasks.html",
        "Task runs",
        {"tasks": tasks, "parents": _parents(asked, tasks), **pages, **_frame(asked)},
    )


def _parents(asked: Asked, tasks: list[TaskRun]) -> dict[UUID, str]:
    ids = list({one.flow_run_id for one in tasks if one.flow_run_id})
    if not ids:
        return {}
    wanted = FilterFlowRuns(flow_runs=FlowRunFilter(id=FlowRunFilterId(any_=ids)))
    return {one.id: one.name for one in read_flow_runs(asked.api, wanted)}


def _paged(asked: Asked, found: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """The runs of a page, and from which the pages beside it go on: one more than a page was asked for."""
    back = bool(asked.query.get("before")) and not asked.query.get("after")
    more = len(found) > PAGE
    shown = list(found[-PAGE:] if back else found[:PAGE])
    newer = bool(asked.query.get("after")) or (back and more)
    older = more or back
    return shown, {
        "newer": shown[0].id if shown and newer else None,
        "older": shown[-1].id if shown and older else None,
    }


def _frame(asked: Asked) -> dict[str, Any]:
    """What the filters offer, and which of them are set."""
    api = asked.api
    pairs = run_filter.pairs_of(asked.query)
    return {
        "states": list(StateType),
        "ranges": {name: label for name, (label, _) in run_filter.RANGES.items()},
        "flows_offered": [one.name for one in read_flows(api, FilterFlows(limit=_OFFERED))],
        "deployments_offered": sorted(
            {one.name for one in read_deployments(api, FilterDeployments(limit=_OFFERED))}
        ),
        "pools_offered": [one.name for one in read_work_pools(api)],
        "filtered": bool(pairs),
        "more_open": any(name in _MORE for name, _ in pairs),
        "of": run_filter.text_of(asked.query),
        "saved": known_filters(read_saved_searches(api)),
        "may_save": asked.may(create_saved_search),
    }


def names_of(asked: Asked, runs: list[FlowRun]) -> dict[str, dict[UUID, str]]:
    """The names that a list of runs shows beside them."""
    return {
        "flows": flow_names(asked.api, (run.flow_id for run in runs)),
        "deployments": deployment_names(asked.api, (run.deployment_id for run in runs)),
    }

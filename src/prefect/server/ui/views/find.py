"""Finding a page by what it is called: what the command palette asks, and a page of its own without scripts."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from prefect._api.deployments import read_deployments
from prefect._api.flow_run_lists import read_flow_runs
from prefect._api.flow_runs import read_flow_run
from prefect._api.flows import read_flows
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.deployment_actions import FilterDeployments
from prefect.model.requests.deployments import DeploymentFilter, DeploymentFilterName
from prefect.model.requests.flow_actions import FilterFlows
from prefect.model.requests.flow_run_actions import FilterFlowRuns
from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunFilterName, FlowRunSort
from prefect.model.requests.flows import FlowFilter, FlowFilterName
from prefect.server.ui.page import Asked, View, page

_MOST = 6  # of each kind


class Found(NamedTuple):
    """A page: what kind of thing it shows, how that is called, where it is, and its icon."""

    kind: str
    name: str
    path: str
    icon: str


@page("/find")
def show_found(asked: Asked) -> View:
    """Pages whose name has the words in it; all sections where nothing is asked for."""
    from prefect.server.ui.render import (
        SECTIONS,
    )  # templates take 60 ms to import: the server starts without them

    text = asked.query.get("q", "").strip()
    found = [
        Found("Page", label, path, icon) for path, label, icon in SECTIONS if text.lower() in label.lower()
    ]
    if text:
        found += [*_flows(asked, text), *_deployments(asked, text), *_runs(asked, text)]
    return View("find.html", "Find", {"found": found, "text": text})


def _flows(asked: Asked, text: str) -> list[Found]:
    wanted = FilterFlows(flows=FlowFilter(name=FlowFilterName(like_=text)), limit=_MOST)
    return [
        Found("Flow", one.name, f"/flows/flow/{one.id}", "flows") for one in read_flows(asked.api, wanted)
    ]


def _deployments(asked: Asked, text: str) -> list[Found]:
    named = DeploymentFilter(name=DeploymentFilterName(like_=text))
    return [
        Found("Deployment", one.name, f"/deployments/deployment/{one.id}", "deployments")
        for one in read_deployments(asked.api, FilterDeployments(deployments=named, limit=_MOST))
    ]


def _runs(asked: Asked, text: str) -> list[Found]:
    named = FlowRunFilter(name=FlowRunFilterName(like_=text))
    runs = read_flow_runs(asked.api, FilterFlowRuns(flow_runs=named, sort=FlowRunSort.ID_DESC, limit=_MOST))
    with suppress(ValueError, ObjectNotFound):
        runs = [read_flow_run(asked.api, UUID(text)), *runs]
    return [Found("Run", one.name, f"/runs/flow-run/{one.id}", "runs") for one in runs]

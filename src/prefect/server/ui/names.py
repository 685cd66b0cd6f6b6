"""What ids are called: read for a whole page at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api.deployments import read_deployments
from prefect._api.flows import read_flows
from prefect.model.requests.deployment_actions import FilterDeployments
from prefect.model.requests.deployments import DeploymentFilter, DeploymentFilterId
from prefect.model.requests.flow_actions import FilterFlows
from prefect.model.requests.flows import FlowFilter, FlowFilterId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from prefect._api.api import Api


def flow_names(api: Api, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The flows' names; one that is gone is not in it."""
    wanted = list(set(ids))
    if not wanted:
        return {}
    found = read_flows(api, FilterFlows(flows=FlowFilter(id=FlowFilterId(any_=wanted))))
    return {one.id: one.name for one in found}


def deployment_names(api: Api, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The deployments' names; one that is gone is not in it."""
    wanted = [one for one in set(ids) if one is not None]
    if not wanted:
        return {}
    asked = FilterDeployments(deployments=DeploymentFilter(id=DeploymentFilterId(any_=wanted)))
    return {one.id: one.name for one in read_deployments(api, asked)}

"""What a page of flows shows beside each."""

from __future__ import annotations

from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._base.clock import to_datetime
from prefect._storage import flows
from prefect.model.requests.flow_actions import FlowIds
from prefect.model.responses import SimpleNextFlowRun


@endpoint("POST", "/ui/flows/count-deployments", role="viewer")
def count_deployments_by_flow(api: Api, body: FlowIds) -> dict[str, int]:
    """How many deployments each of some flows has."""
    counts = flows.count_deployments(api.store, [one.bytes for one in body.flow_ids])
    return {str(one): counts.get(one.bytes, 0) for one in body.flow_ids}


@endpoint("POST", "/ui/flows/next-runs", role="viewer")
def next_runs_by_flow(api: Api, body: FlowIds) -> dict[str, SimpleNextFlowRun | None]:
    """The run of each of some flows that starts next; None where none is scheduled."""
    found: dict[str, SimpleNextFlowRun | None] = {str(one): None for one in body.flow_ids}
    for run_id, flow_id, name, state_name, state_type, time in flows.next_runs(
        api.store, [one.bytes for one in body.flow_ids]
    ):
        flow = UUID(bytes=flow_id)
        found[str(flow)] = SimpleNextFlowRun(
            id=UUID(bytes=run_id),
            flow_id=flow,
            name=name,
            state_name=state_name,
            state_type=state_type,
            next_scheduled_start_time=to_datetime(time),
        )
    return found
